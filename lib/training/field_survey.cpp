#include "training/field_survey.hpp"

#include "core/components/field_library.hpp"
#include "core/integrators/rollout_steps.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/matrix_functions/differences.hpp"
#include "core/support/error.hpp"
#include "training/start/differences.hpp"
#include "training/start/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spnode::training {

namespace {

constexpr std::size_t most_rows = 4000;  ///< of a fit
constexpr std::size_t most_functions = 120;
constexpr std::size_t most_fields = 6;
constexpr std::size_t least_points = 8;  ///< along an axis
constexpr std::size_t most_neighbours = 2;
constexpr std::size_t largest_degree = 3;
constexpr std::size_t sweeps = 8;    ///< of weighed fits
constexpr std::size_t regions = 16;  ///< of the grid, which are looked at one by one

/// How the components may be divided into fields.
std::vector<core::LibraryOptions> layouts(std::size_t components, const std::vector<std::size_t>& axes) {
  std::vector<core::LibraryOptions> found;
  const auto add = [&](std::size_t fields, core::FieldAxis axis, std::vector<std::size_t> points) {
    if (fields > most_fields || points.empty() || std::ranges::min(points) < least_points) return;
    core::LibraryOptions form;
    form.fields = fields;
    form.field_axis = axis;
    if (points.size() > 1) form.points = std::move(points);
    found.push_back(std::move(form));
  };
  if (axes.size() > 1) {
    add(1, core::FieldAxis::first, axes);
    add(axes.front(), core::FieldAxis::first, {axes.begin() + 1, axes.end()});
    add(axes.back(), core::FieldAxis::last, {axes.begin(), axes.end() - 1});
    return found;
  }
  for (std::size_t fields = 1; fields <= most_fields; ++fields) {
    if (components % fields != 0) continue;
    add(fields, core::FieldAxis::first, {components / fields});
    if (fields > 1) add(fields, core::FieldAxis::last, {components / fields});
  }
  return found;
}

/// Mean and deviation of every field, over all points.
core::Scaling scaling_of(const core::Trajectories& data, const core::PeriodicStencil& stencil) {
  core::Scaling scaling;
  const double count = static_cast<double>(data.count * data.times * stencil.points());
  for (std::size_t field = 0; field < stencil.fields(); ++field) {
    const auto mean_of = [&](auto&& power) {
      double sum = 0.0;
      for (std::size_t k = 0; k < data.count * data.times; ++k)
        for (std::size_t p = 0; p < stencil.points(); ++p)
          sum += power(data.state[k * data.components + stencil.component(p, field)]) / count;
      return sum;
    };
    const double mean = mean_of([](double x) { return x; });
    const double variance = mean_of([mean](double x) { return (x - mean) * (x - mean); });
    scaling.shift.push_back(mean);
    scaling.scale.push_back(variance > 0.0 ? std::sqrt(variance) : 1.0);
  }
  return scaling;
}

/// Scaled variables at points and the time derivatives of the fields there, some held out.
struct Rows {
  std::size_t variables = 0, targets = 0;
  std::vector<double> fitted, held_out;  ///< (any number, variables + targets)
  std::vector<std::size_t> region;       ///< of the grid, of each row that is held out
};

Rows rows_of(const core::Trajectories& data, const core::PeriodicStencil& stencil,
             const core::Scaling& scaling, std::size_t order) {
  core::ArgumentOptions options;
  for (const auto& [name, values] : data.parameters) options.parameters.push_back(name);
  for (const auto& [name, values] : data.inputs) options.inputs.push_back(name);
  const std::size_t q = options.size(), d = stencil.variables(), F = stencil.fields(),
                    points = stencil.points();
  core::ArgumentReader arguments(options, {std::vector<double>(q, 0.0), std::vector<double>(q, 1.0)});
  arguments.attach(data);
  Rows rows{d + q, F, {}, {}, {}};
  const std::size_t reach = difference_order(data.times, order) / 2, nodes = 2 * reach + 1,
                    inner = data.times - 2 * reach, total = data.count * inner * points;
  std::size_t every = total / most_rows + 1;
  while (std::gcd(every, points) != 1) ++every;  // so that all points take part
  std::vector<double> times(nodes), weights(nodes), work(nodes), row(d + q + F);
  for (std::size_t k = 0; k < total; k += every) {
    const std::size_t point = k % points, n = k / points / inner, t = k / points % inner + reach;
    for (std::size_t j = 0; j < nodes; ++j) times[j] = data.time_at(n, t - reach + j);
    core::derivative_weights(times[reach], times, weights, work);
    std::ranges::fill(row, 0.0);
    for (std::size_t f = 0; f < F; ++f)
      for (std::size_t j = 0; j < nodes; ++j)
        row[d + q + f] += weights[j] * data.state_at(n, t - reach + j)[stencil.component(point, f)];
    for (std::size_t f = 0; f < F; ++f) row[d + q + f] /= scaling.scale[f];
    for (std::size_t v = 0; v < d; ++v)
      row[v] =
          (data.state_at(n, t)[stencil.component(point, v)] - scaling.shift[v % F]) / scaling.scale[v % F];
    if (q > 0) arguments.read(n, times[reach], std::span(row).subspan(d, q));
    const bool fits = 5 * t < 4 * data.times;
    std::vector<double>& part = fits ? rows.fitted : rows.held_out;
    part.insert(part.end(), row.begin(), row.end());
    if (!fits) rows.region.push_back(point * regions / points);
  }
  return rows;
}

/// [functions, derivatives] of rows.
std::vector<double> features_of(const core::Library<double>& library, const std::vector<double>& rows,
                                std::size_t targets) {
  const std::size_t F = library.functions(), width = library.inputs() + targets, count = rows.size() / width;
  std::vector<double> values(F * count, 0.0), features(count * (F + targets));
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t v = 0; v < library.inputs(); ++v) values[(1 + v) * count + k] = rows[k * width + v];
  const core::Matrix<double> theta("field_survey", F, count);
  core::upload(values, theta);
  library.evaluate({}, theta);
  core::download(theta, values);
  for (std::size_t k = 0; k < count; ++k) {
    double* const to = &features[k * (F + targets)];
    for (std::size_t f = 0; f < F; ++f) to[f] = values[f * count + k];
    std::copy_n(&rows[k * width + library.inputs()], targets, to + F);
  }
  return features;
}

/// The functions of a form at the rows.
class Features {
 public:
  Features(const Rows& rows, const core::PeriodicStencil& stencil, const core::LibraryOptions& form)
      : targets_(rows.targets),
        library_({stencil.variables(), targets_, rows.variables - stencil.variables(), true}, form, "survey",
                 limit_of(stencil, form)),
        fitted_(features_of(library_, rows.fitted, targets_)),
        held_out_(features_of(library_, rows.held_out, targets_)),
        region_(rows.region) {}

  static core::FactorLimit limit_of(const core::PeriodicStencil& stencil, const core::LibraryOptions& form) {
    return {stencil.fields(), stencil.variables(), form.neighbour_factors};
  }

  std::size_t coefficients() const { return functions() * targets_; }
  /// Whether the rows do not suffice to tell the functions apart.
  bool too_few() const { return fitted_.size() / width() < 2 * functions() || held_out_.empty(); }

  /// On held-out rows, the root mean square that the fit leaves of the worst target, relative.
  double residual() const {
    const std::vector<double> left = relative_residuals(
        least_squares(gram(fitted_, width()), functions(), targets_), held_out_, functions(), targets_);
    return *std::max_element(left.begin(), left.end() - 1);
  }

  /// The median of what is missed over the largest term of an equation, of the worst target in the worst
  /// region, with weights as those of a sparse regression in sweeps: derivatives that the times do not
  /// resolve count little, walls show.
  double median_residual() const {
    constexpr std::size_t least_rows = 10;
    double worst = 0.0;
    for (std::size_t target = 0; target < targets_; ++target) {
      const std::vector<double> w = weighed_fit(target);
      std::vector<double> missed[regions];
      for (std::size_t k = 0; k < region_.size(); ++k)
        missed[region_[k]].push_back(missed_part(&held_out_[k * width()], target, w).missed);
      for (std::vector<double>& of_region : missed) {
        if (of_region.size() < least_rows) continue;
        const auto middle = of_region.begin() + static_cast<std::ptrdiff_t>(of_region.size() / 2);
        std::ranges::nth_element(of_region, middle);
        worst = std::max(worst, *middle);
      }
    }
    return worst;
  }

 private:
  std::size_t functions() const { return library_.functions(); }
  std::size_t width() const { return functions() + targets_; }

  static std::vector<double> gram(const std::vector<double>& rows, std::size_t width) {
    std::vector<double> G(width * width);
    const core::HostOperand R(rows.data(), rows.size() / width, width);
    core::multiply(1.0, core::transposed(R), R, 0.0, core::square(std::span(G), width));
    return G;
  }

  /// The largest term of an equation, and what the weights miss of it, relative; no weights: nothing.
  struct Missed {
    double largest, missed;
  };
  Missed missed_part(const double* row, std::size_t target, const std::vector<double>& w) const {
    const double truth = row[functions() + target];
    double largest = std::abs(truth), left = truth;
    for (std::size_t f = 0; f < w.size(); ++f) {
      left -= w[f] * row[f];
      largest = std::max(largest, std::abs(w[f] * row[f]));
    }
    if (largest == 0.0) return {1.0, 0.0};
    return {largest, w.empty() ? 0.0 : std::abs(left) / largest};
  }

  std::vector<double> weighed_fit(std::size_t target) const {
    constexpr double known = 1e-6;  // the relative error of good derivatives
    const std::size_t F = functions();
    std::vector<double> w, rows(fitted_.size() / width() * (F + 1));
    for (std::size_t sweep = 0; sweep <= sweeps; ++sweep) {
      for (std::size_t k = 0; k < fitted_.size() / width(); ++k) {
        const double* const row = &fitted_[k * width()];
        const Missed part = missed_part(row, target, w);
        const double weight = 1.0 / (part.largest * std::sqrt(part.missed + known));
        for (std::size_t f = 0; f < F; ++f) rows[k * (F + 1) + f] = weight * row[f];
        rows[k * (F + 1) + F] = weight * row[F + target];
      }
      w = least_squares(gram(rows, F + 1), F, 1).W;
    }
    return w;
  }

  std::size_t targets_;
  core::Library<double> library_;
  std::vector<double> fitted_, held_out_;
  std::vector<std::size_t> region_;
};

/// A form whose fit leaves little, with what is needed to look at it again.
std::optional<FieldFit> fit_of(const Rows& rows, const core::PeriodicStencil& stencil,
                               const core::LibraryOptions& form, std::size_t order) {
  const core::FactorLimit limit = Features::limit_of(stencil, form);
  if (core::Library<double>::function_count(rows.variables, form, limit) > double(most_functions)) return {};
  const Features features(rows, stencil, form);
  if (features.too_few()) return {};  // would fit anything
  try {
    const double residual = features.residual();
    if (std::isfinite(residual)) return FieldFit{form, features.coefficients(), order, residual, 0.0};
  } catch (const NumericalError&) {  // functions that depend on each other
  }
  return {};
}

/// The fits of all forms with their best differences.
std::vector<FieldFit> fits_of(const core::Trajectories& data,
                              const std::vector<core::LibraryOptions>& forms) {
  std::vector<FieldFit> fits;
  for (core::LibraryOptions form : forms)
    for (form.neighbours = 1; form.neighbours <= most_neighbours; ++form.neighbours) {
      const core::PeriodicStencil stencil(data.components, form);
      const core::Scaling scaling = scaling_of(data, stencil);
      for (const std::size_t order : survey_orders) {
        if (difference_order(data.times, order) < order && order != survey_orders[0]) break;
        const Rows rows = rows_of(data, stencil, scaling, order);
        for (form.degree = 1; form.degree <= largest_degree; ++form.degree)
          for (form.neighbour_factors = 1; form.neighbour_factors <= std::min<std::size_t>(2, form.degree);
               ++form.neighbour_factors)
            if (auto fit = fit_of(rows, stencil, form, order)) fits.push_back(std::move(*fit));
      }
    }
  return fits;
}

/// Leaves the fits whose value is at most so many times the least one.
void keep_best(std::vector<FieldFit>& fits, double FieldFit::*value, double times) {
  constexpr double exact = 1e-9;
  const double best = std::ranges::min(fits, {}, value).*value;
  std::erase_if(fits, [&](const FieldFit& fit) { return fit.*value > std::max(times * best, exact); });
}

void set_median(const core::Trajectories& data, FieldFit& fit) {
  const core::PeriodicStencil stencil(data.components, fit.form);
  const Features features(rows_of(data, stencil, scaling_of(data, stencil), fit.order), stencil, fit.form);
  try {
    fit.median = features.median_residual();
  } catch (const NumericalError&) {  // functions that depend on each other where they count
    fit.median = fit.residual;
  }
}

}  // namespace

std::optional<FieldFit> survey_fields(const core::Trajectories& data, const std::vector<std::size_t>& axes) {
  std::vector<FieldFit> fits = fits_of(data, layouts(data.components, axes));
  if (fits.empty()) return {};
  // Derivatives that the times do not resolve may leave as much of the right form as of others.
  keep_best(fits, &FieldFit::residual, 4.0);
  for (FieldFit& fit : fits) set_median(data, fit);
  keep_best(fits, &FieldFit::median, 30.0);
  std::ranges::sort(fits, {}, &FieldFit::residual);
  return std::ranges::min(fits, {}, &FieldFit::coefficients);
}

}  // namespace spnode::training
