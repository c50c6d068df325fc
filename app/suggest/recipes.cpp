#include "app/suggest/recipes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "core/support/text.hpp"

namespace spnode::app {

namespace {

using training::PolynomialFit;
using training::Survey;

constexpr double good_fit = 0.3;           ///< a residual above it says that the class is another one
constexpr double most_windows = 4000;      ///< of a full-batch method, so that an iteration takes seconds
constexpr double most_of_fields = 150;     ///< of a full-batch method on a field
constexpr double most_of_batches = 20000;  ///< of Adam
constexpr std::size_t most_recipes = 3;
constexpr std::size_t most_of_second_order = 512;  ///< components of fields

/// Lines of a deck, with comments in one column.
class DeckText {
 public:
  void add(const std::string& line, const std::string& comment = "") { lines_.push_back({line, comment}); }

  std::string text() const {
    std::size_t width = 0;
    for (const Line& line : lines_)
      if (!line.comment.empty() && line.text.size() <= most_) width = std::max(width, line.text.size());
    std::string text;
    for (const Line& line : lines_)
      text += line.comment.empty() ? line.text + "\n"
                                   : fmt::format("{:<{}}  # {}\n", line.text, width, line.comment);
    return text;
  }

 private:
  struct Line {
    std::string text, comment;
  };
  static constexpr std::size_t most_ = 50;  // a longer line has its comment further to the right
  std::vector<Line> lines_;
};

std::string number(double value) { return rounded(value, 2); }

/// The next larger number of two digits.
double rounded_up(double value) {
  if (!(value > 0.0)) return 0.0;
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 1.0);
  return std::ceil(value / unit) * unit;
}

/// The residual of a degree, infinite where it was not fitted.
double residual(const Survey& survey, std::size_t degree) {
  for (const PolynomialFit& fit : survey.fits)
    if (fit.degree == degree) return fit.residual;
  return INFINITY;
}

double growth_rate(const Survey& survey, std::size_t degree) {
  for (const PolynomialFit& fit : survey.fits)
    if (fit.degree == degree) return fit.growth_rate;
  return 0.0;
}

std::string quoted(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "\"" : ", \"") + name + "\"";
  return "[" + list + "]";
}

/// Steps per interval of the data for a scheme of fourth order: a quarter of the fastest coordinate's time.
std::size_t substeps(const Survey& survey) {
  const double wanted = std::ceil(4.0 * survey.rate * survey.grid.longest);
  return static_cast<std::size_t>(std::clamp(wanted, 1.0, 16.0));
}

void add_data(DeckText& deck, const Survey& survey, const RecipeNames& names, std::size_t intervals,
              double most = most_windows) {
  const std::size_t window = std::min(intervals, survey.times - 1);
  const double windows = static_cast<double>(survey.trajectories * (survey.times - 1));
  const auto stride = std::max(window, static_cast<std::size_t>(std::ceil(windows / most)));
  deck.add("output: \"" + names.output + "\"");
  deck.add("data:");
  deck.add("  train: \"" + names.data + "\"");
  for (const std::string& line : names.layout) deck.add("  " + line);
  if (can_be_split(survey))  // a part of many trajectories suffices to choose by
    deck.add(fmt::format("  validation_fraction: {}", 1.0 / static_cast<double>(one_in(survey.trajectories))),
             "its loss decides which parameters are kept");
  deck.add(fmt::format("  window: {}", window), "intervals that a forecast is trained over");
  if (stride > window) deck.add(fmt::format("  stride: {}", stride), "so that an epoch takes seconds");
}

void add_arguments(DeckText& deck, const RecipeNames& names) {
  if (!names.parameters.empty()) deck.add("  parameters: " + quoted(names.parameters));
  if (names.inputs.empty()) return;
  deck.add("  inputs: " + quoted(names.inputs));
  deck.add("  interpolation: cubic", "smooth between the data's times; previous: held values");
}

void add_order(DeckText& deck, const Survey& survey) {
  deck.add(fmt::format("  inference_order: {}", survey.order), "of the central differences");
}

/// A number that is a fraction of small integers but for the error of the survey.
std::optional<double> plain_fraction(double value) {
  for (int divisor = 1; divisor <= 12; ++divisor) {
    const double whole = std::round(value * divisor);
    if (std::abs(value * divisor - whole) < 1e-4) return whole / divisor;
  }
  return {};
}

/// What the data keep, where the weights are so plain that they are known exactly.
void add_invariants(DeckText& deck, const Survey& survey) {
  constexpr std::size_t most_components = 12;
  if (survey.components > most_components) return;
  std::string weights;
  for (const training::Invariant& invariant : survey.invariants)
    for (const double weight : invariant.weights) {
      const std::optional<double> plain = plain_fraction(weight);
      if (!plain) return;
      weights += (weights.empty() ? "" : ", ") + shortest(*plain);
    }
  if (!weights.empty()) deck.add("  invariants: [" + weights + "]", "what no trajectory changes is kept");
}

/// The bound of A_L: above what grows in the fit.
void add_bound(DeckText& deck, const Survey& survey, std::size_t degree) {
  const double growth = growth_rate(survey, degree);
  deck.add(
      fmt::format("  linear: {{mu: {}}}", number(rounded_up(std::max(growth, 0.0) + 0.05 * survey.rate))),
      fmt::format("above the largest growth rate of the fit, {}", number(growth)));
}

std::string of_residual(const Survey& survey, std::size_t degree) {
  return fmt::format("leaves {} of du/dt unexplained", number(residual(survey, degree)));
}

/// The term of all products of up to `degree` components, started by least squares.
void add_library(DeckText& deck, const Survey& survey, std::size_t degree) {
  deck.add("  nonlinear: [library]",
           fmt::format("products of up to {} components: {}", degree, of_residual(survey, degree)));
  deck.add("  linear: {structure: none}");
  deck.add(fmt::format("  library: {{degree: {}}}", degree));
  deck.add("  initialisation: sparse_regression");
  deck.add("  sparse_regression: {threshold: 1.0e-8, ridge: 1.0e-10}", "keeps nearly all coefficients");
  add_order(deck, survey);
}

void add_gauss_newton(DeckText& deck, std::size_t iterations) {
  deck.add("training:");
  deck.add("  optimizers: [gauss_newton]", "few parameters: second order is fastest");
  deck.add(fmt::format("  gauss_newton: {{iterations: {}, gradient_tolerance: 0}}", iterations));
}

Recipe linear(const Survey& survey, const RecipeNames& names) {
  DeckText deck;
  add_data(deck, survey, names, 10);
  deck.add("model:");
  add_arguments(deck, names);
  const bool forced = !names.parameters.empty() || !names.inputs.empty();
  deck.add(forced ? "  nonlinear: [forcing]" : "  nonlinear: []", "a linear model " + of_residual(survey, 1));
  add_bound(deck, survey, 1);
  if (!forced) deck.add(survey.grid.even ? "  initialisation: dmd" : "  initialisation: operator_inference");
  deck.add("integrator: {scheme: etd1}", "exact for a linear model");
  add_gauss_newton(deck, 30);
  return {"linear", deck.text()};
}

Recipe quadratic(const Survey& survey, const RecipeNames& names) {
  const std::size_t n = survey.components - survey.constant;
  const bool forced = !names.parameters.empty() || !names.inputs.empty();
  DeckText deck;
  add_data(deck, survey, names, 5);
  deck.add("model:");
  add_arguments(deck, names);
  deck.add(forced ? "  nonlinear: [bilinear, forcing]" : "  nonlinear: [bilinear]",
           "a quadratic model " + of_residual(survey, 2));
  deck.add(fmt::format("  bilinear: {{rank: {}}}", n + names.parameters.size() + names.inputs.size()));
  add_invariants(deck, survey);
  add_bound(deck, survey, 2);
  if (!forced) {
    deck.add("  initialisation: operator_inference", "least squares on differences of the data");
    add_order(deck, survey);
  }
  deck.add(fmt::format("integrator: {{scheme: etdrk4, substeps: {}}}", substeps(survey)),
           "steps of a quarter of the fastest time scale");
  add_gauss_newton(deck, 60);
  return {"quadratic, with a bound on the linear part", deck.text()};
}

/// Coefficients of all products, without a bound on the linear part.
Recipe polynomial(const Survey& survey, const RecipeNames& names, std::size_t degree) {
  DeckText deck;
  add_data(deck, survey, names, 5);
  deck.add("model:");
  add_arguments(deck, names);
  add_library(deck, survey, degree);
  add_invariants(deck, survey);
  deck.add(fmt::format("integrator: {{scheme: dopri5, substeps: {}}}", substeps(survey)),
           "steps of a quarter of the fastest time scale");
  add_gauss_newton(deck, 60);
  return {fmt::format("polynomials of degree {}", degree), deck.text()};
}

Recipe network(const Survey& survey, const RecipeNames& names) {
  DeckText deck;
  add_data(deck, survey, names, 5);
  deck.add("model:");
  add_arguments(deck, names);
  deck.add("  nonlinear: [network]", "no polynomial of degree 3 or less is as good");
  deck.add("  linear: {structure: none}");
  deck.add("  network: {hidden: [24, 24]}");
  add_invariants(deck, survey);
  deck.add(fmt::format("integrator: {{scheme: dopri5, substeps: {}}}", substeps(survey)),
           "steps of a quarter of the fastest time scale");
  deck.add("training:");
  deck.add("  optimizers: [adam, gauss_newton]", "Adam finds the valley, second order its bottom");
  deck.add("  batch: 128");
  deck.add("  adam: {epochs: 30, rate: 1.0e-2, clip: 1}");
  deck.add("  gauss_newton: {iterations: 100}");
  return {"network", deck.text()};
}

void add_pod(DeckText& deck, const Survey& survey, std::size_t modes) {
  deck.add(fmt::format("  latent_dimension: {}", modes),
           fmt::format("POD modes, which leave {} of the states",
                       number(survey.pod_residual[std::min(modes, survey.pod_residual.size() - 1)])));
  deck.add("  autoencoder: {enabled: true}", "the POD alone, kept as it is");
  deck.add(survey.alike() ? "  scaling: {kind: global}" : "  scaling: {kind: component}",
           survey.alike() ? "components of one kind" : "components of different units");
}

/// Of many components: a quadratic model of `modes` POD coordinates.
Recipe pod_quadratic(const Survey& survey, const RecipeNames& names, std::size_t modes) {
  DeckText deck;
  add_data(deck, survey, names, 2, most_of_batches);
  deck.add("model:");
  add_arguments(deck, names);
  add_pod(deck, survey, modes);
  deck.add("  nonlinear: [bilinear]", "a quadratic model " + of_residual(survey, 2));
  deck.add(fmt::format("  bilinear: {{rank: {}}}", modes));
  add_bound(deck, survey, 2);
  deck.add("  initialisation: operator_inference", "least squares on differences of the data");
  add_order(deck, survey);
  deck.add(fmt::format("integrator: {{scheme: etdrk4, substeps: {}}}",
                       std::max<std::size_t>(2, substeps(survey))));
  deck.add("training:");
  deck.add("  adam: {epochs: 10, rate: 2.0e-4, final_rate: 1.0e-6, clip: 0.5}", "small: the start is good");
  return {fmt::format("quadratic in {} POD modes", modes), deck.text()};
}

/// Of many components: a cubic model of `modes` POD coordinates.
Recipe pod_cubic(const Survey& survey, const RecipeNames& names, std::size_t modes) {
  DeckText deck;
  add_data(deck, survey, names, 10, most_of_batches);
  deck.add("model:");
  add_arguments(deck, names);
  add_pod(deck, survey, modes);
  Survey early = survey;  // differences of high order lose the first times, in which a transient is
  early.order = std::min<std::size_t>(survey.order, 10);
  add_library(deck, early, 3);
  deck.add(fmt::format("integrator: {{scheme: dopri5, substeps: {}}}",
                       std::max<std::size_t>(2, substeps(survey))));
  deck.add("training:");
  deck.add("  adam: {epochs: 300, rate: 5.0e-4, final_rate: 1.0e-6, clip: 0.5}", "small: the start is good");
  return {fmt::format("cubic in {} POD modes", modes), deck.text()};
}

/// Of a field that is the same everywhere: a number for each wave number, and products of Fourier modes.
Recipe periodic(const Survey& survey, const RecipeNames& names) {
  // Fourier modes are at most as good as POD modes, which sines and cosines come in pairs for.
  const double wanted = 1.7 * static_cast<double>(survey.modes_for(1e-3));
  const std::size_t waves =
      std::clamp<std::size_t>(static_cast<std::size_t>(0.5 * wanted), 1, (survey.components - 1) / 2);
  DeckText deck;
  add_data(deck, survey, names, 2, most_of_fields);
  deck.add("model:");
  add_arguments(deck, names);
  deck.add(fmt::format("  latent_dimension: {}", 2 * waves + 1), "Fourier modes");
  deck.add("  autoencoder: {enabled: true, basis: fourier}", "the covariance is the same at all places");
  deck.add("  scaling: {kind: global}");
  deck.add(fmt::format("  linear: {{structure: circulant, mu: {}, rate_min: {}, rate_max: {}}}",
                       number(rounded_up(survey.mean_rate)), number(rounded_up(0.1 * survey.mean_rate)),
                       number(rounded_up(100.0 * survey.mean_rate))),
           "a number for each wave number");
  deck.add("  nonlinear: [convolution]", "products of two modes");
  deck.add(fmt::format("integrator: {{scheme: etdrk4, substeps: {}}}",
                       std::max<std::size_t>(2, substeps(survey))));
  add_gauss_newton(deck, 60);
  deck.add("  tile: 16");
  return {fmt::format("products of {} Fourier modes", 2 * waves + 1), deck.text()};
}

/// Of fields on a periodic grid: the same polynomials of the values at each point and its neighbours.
Recipe periodic_grid(const Survey& survey, const RecipeNames& names) {
  const core::LibraryOptions& form = survey.fields->form;
  DeckText deck;
  add_data(deck, survey, names, 5, most_of_fields);
  deck.add("model:");
  add_arguments(deck, names);
  deck.add("  nonlinear: [library]", fmt::format("the same at all points: leaves {} of du/dt unexplained",
                                                 number(survey.fields->residual)));
  deck.add("  linear: {structure: none}");
  std::string library = fmt::format("  library: {{degree: {}, fields: {}, field_axis: {}", form.degree,
                                    form.fields, name_of(form.field_axis));
  if (!form.points.empty()) library += fmt::format(", points: [{}]", fmt::join(form.points, ", "));
  deck.add(library + ",");
  deck.add(fmt::format("            neighbours: {}, neighbour_factors: {}}}", form.neighbours,
                       form.neighbour_factors),
           "on each side of a point");
  deck.add("  initialisation: sparse_regression");
  // Where the times do not resolve all that happens, wrong differences are to count little.
  const bool jumps = survey.fields->residual > std::max(1e-4, 3.0 * survey.fields->median);
  if (jumps)
    deck.add("  sparse_regression: {sweeps: 30, ridge: 1.0e-12, threshold: 0}",
             "differences over jumps count little");
  else
    deck.add("  sparse_regression: {threshold: 1.0e-8, ridge: 1.0e-12}", "keeps nearly all coefficients");
  deck.add(fmt::format("  inference_order: {}", survey.fields->order), "of the central differences");
  deck.add(fmt::format("integrator: {{scheme: dopri5, substeps: {}}}", substeps(survey)),
           "steps of a quarter of the fastest time scale");
  if (survey.components <= most_of_second_order)
    add_gauss_newton(deck, 10);
  else
    deck.add("training: {optimizers: []}", "the least squares are the model");
  return {fmt::format("polynomials of degree {} on a periodic grid", form.degree), deck.text()};
}

/// Of times that are spread over decades: fixed decay rates, and an autoencoder for their amplitudes.
Recipe relaxation(const Survey& survey, const RecipeNames& names) {
  const double decades = std::log10(survey.grid.length / survey.grid.shortest);
  DeckText deck;
  add_data(deck, survey, names, survey.times - 1);
  deck.add("model:");
  add_arguments(deck, names);
  deck.add(fmt::format("  latent_dimension: {}", std::max(4.0, std::ceil(3.0 * decades))),
           "three decay rates for each decade of time");
  deck.add("  linear: {structure: block_diagonal, mu: 0, noise: 0, trainable: false,");
  deck.add(
      fmt::format("           rate_min: {}, rate_max: {}}}", shortest(rounded_up(0.04 / survey.grid.length)),
                  shortest(rounded_up(0.08 / survey.grid.shortest))),
      "from the slowest to the fastest scale");
  deck.add("  nonlinear: []", "ETD is exact for any step");
  deck.add("  constant: false");
  deck.add("  autoencoder: {enabled: true, pod: false, hidden: [20]}");
  deck.add("integrator: {scheme: etd1}");
  deck.add("training:");
  deck.add("  optimizers: [adam, lbfgs]");
  deck.add("  batch: 100");
  deck.add("  validate_every: 20");
  deck.add("  adam: {epochs: 500, rate: 5.0e-3, clip: 1}");
  deck.add("  lbfgs: {iterations: 10000, cycle: 1000, history: 60}", "a long memory: stiff data need it");
  return {"fixed decay rates with an autoencoder", deck.text()};
}

/// Of times that follow transients and jumps: coefficients of products, and steps that follow the state.
Recipe stiff_polynomial(const Survey& survey, const RecipeNames& names, std::size_t degree) {
  DeckText deck;
  add_data(deck, survey, names, 10);
  deck.add("model:");
  add_arguments(deck, names);
  deck.add("  nonlinear: [library]", fmt::format("products of up to {} components", degree));
  deck.add("  linear: {structure: none}");
  deck.add(fmt::format("  library: {{degree: {}}}", degree));
  deck.add("  initialisation: sparse_regression");
  deck.add("  sparse_regression: {sweeps: 30, share: 8.0e-3, ridge: 1.0e-12, threshold: 0}",
           "differences over jumps count little");
  deck.add("  inference_order: 6", "of the central differences");
  deck.add("integrator: {scheme: rodas4p, tolerance: 1.0e-7}", "follows the stiffness of each state");
  deck.add("training: {optimizers: []}", "the least squares are the model");
  return {fmt::format("sparse polynomials of degree {}, adaptive steps", degree), deck.text()};
}

/// Times over decades, evenly or as a solver with adaptive steps takes them.
bool follows_transients(const training::TimeGrid& grid) {
  constexpr double decades = 1e3;
  return grid.logarithmic() || (!grid.even && grid.longest > decades * grid.shortest);
}

/// By degree: more components have too many products.
constexpr std::size_t most_components[] = {0, 0, 8, 4};

}  // namespace

bool can_be_split(const Survey& survey) {
  constexpr std::size_t least_times = 50;  // a fifth of them holds a window
  return survey.trajectories >= 3 || (!survey.grid.logarithmic() && survey.times >= least_times);
}

std::size_t one_in(std::size_t trajectories) { return trajectories >= 20 ? 10 : 5; }

std::vector<Recipe> recipes(const Survey& survey, const RecipeNames& names) {
  std::vector<Recipe> found;
  if (follows_transients(survey.grid))
    for (const std::size_t degree : {2, 3})
      if (survey.components <= most_components[degree])
        found.push_back(stiff_polynomial(survey, names, degree));
  if (survey.grid.logarithmic()) {
    found.push_back(relaxation(survey, names));
    return found;
  }
  if (survey.modes > 0) {
    const std::size_t fine = survey.modes, coarse = std::clamp<std::size_t>(survey.modes_for(1e-2), 1, fine);
    const bool is_cubic = residual(survey, 3) < good_fit && residual(survey, 3) < 0.3 * residual(survey, 2);
    for (const std::size_t modes : std::set<std::size_t>{fine, coarse})
      found.push_back(is_cubic ? pod_cubic(survey, names, modes) : pod_quadratic(survey, names, modes));
    if (survey.homogeneous()) found.push_back(periodic(survey, names));
    if (survey.fields && survey.fields->median < training::good_field_fit)
      found.insert(found.begin(), periodic_grid(survey, names));
    return found;
  }
  // Of the classes that explain the derivatives, the smallest that is nearly as good as any.
  const double best = std::min({residual(survey, 1), residual(survey, 2), residual(survey, 3)});
  const auto promising = [&](std::size_t degree) {
    return residual(survey, degree) < good_fit && residual(survey, degree) <= std::max(1e3 * best, 1e-6);
  };
  if (promising(1)) found.push_back(linear(survey, names));
  if (promising(2)) {
    found.push_back(quadratic(survey, names));
    found.push_back(polynomial(survey, names, 2));
  }
  const bool needs_cubic = !(residual(survey, 3) > 0.1 * residual(survey, 2));
  if (promising(3) && needs_cubic) found.push_back(polynomial(survey, names, 3));
  if (!(best < 1e-4)) found.push_back(network(survey, names));
  if (found.size() > most_recipes) found.resize(most_recipes);
  return found;
}

}  // namespace spnode::app
