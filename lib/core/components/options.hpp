#pragma once

#include "core/kernels/activation.hpp"
#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace spnode::core {

/// Of layers and ranks: products of three of them still fit an integer.
inline constexpr double widest = 1000000;

/// g(u) = sum_r (C_r u) * (D_r u) + b (SPNODE-25, eq. (6)).
struct BilinearOptions {
  std::size_t rank = 4;
  double initial_scale = 0.5;

  static void describe(auto& visit) {
    using Self = BilinearOptions;
    visit.option("rank", &Self::rank,
                 {.meaning = "number R of products per component", .limits = between(1, widest)});
    visit.option(
        "initial_scale", &Self::initial_scale,
        {.meaning = "initial entries of C and D are normal / sqrt(n R) times this", .limits = at_least(0)});
  }
};

/// Where the number of the field stands among the axes of a state of several fields.
enum class FieldAxis {
  first,  ///< all points of the first field, then those of the second
  last    ///< all fields at the first point, then those at the second
};

constexpr auto words_of(FieldAxis) {
  return std::to_array<Word<FieldAxis>>({{"first", FieldAxis::first}, {"last", FieldAxis::last}});
}

/// Functions whose linear combination is g (core/components/library.hpp), of the whole state or of fields at
/// a point of a grid (core/components/field_library.hpp).
struct LibraryOptions {
  std::size_t degree = 2;
  std::vector<double> frequencies = {};
  std::size_t fields = 0;
  FieldAxis field_axis = FieldAxis::first;
  std::vector<std::size_t> points = {};
  std::size_t neighbours = 1;
  std::size_t neighbour_factors = 1;

  static void describe(auto& visit) {
    using Self = LibraryOptions;
    visit.option(
        "degree", &Self::degree,
        {.meaning = "highest degree of the products of variables; with 1 and the variables themselves",
         .limits = between(1, 20)});
    visit.option("frequencies", &Self::frequencies,
                 {.meaning = "k of the functions sin(k u), cos(k u) of every variable; []: none",
                  .unit = "1/state",
                  .limits = above(0)});
    visit.option("fields", &Self::fields,
                 {.meaning = "of which the state is the values on a periodic grid: the same functions of the "
                             "values at a point and its neighbours, with the same coefficients, at all "
                             "points; 0: functions of the whole state",
                  .limits = between(0, widest)});
    visit.option(
        "field_axis", &Self::field_axis,
        {.meaning = "fields: first: the state holds one field after the other; last: one point after "
                    "the other"});
    visit.option("points", &Self::points,
                 {.meaning = "fields: points along each axis of the grid, the last one running fastest; []: "
                             "one axis",
                  .limits = between(1, widest)});
    visit.option("neighbours", &Self::neighbours,
                 {.meaning = "fields: on each side of a point, along each axis", .limits = between(0, 100)});
    visit.option("neighbour_factors", &Self::neighbour_factors,
                 {.meaning = "fields: most factors of a product that are values at neighbours",
                  .limits = between(1, 20)});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(fields > 0 || points.empty(), {"points", "fields"},
                   "is given, but fields is 0: there is no grid");
    for (auto k = frequencies.begin(); k != frequencies.end(); ++k)
      require_option(std::find(frequencies.begin(), k, *k) == k, {"frequencies"},
                     "names " + shortest(*k) + " twice");
  }
};

/// What divides the weights of a Lipschitz-controlled layer (core/components/lipschitz.hpp).
enum class LipschitzDivisor {
  exact,  ///< max(1, sqrt(||W||_1 ||W||_inf)), which has kinks
  smooth  ///< at least as large, without kinks
};

constexpr auto words_of(LipschitzDivisor) {
  return std::to_array<Word<LipschitzDivisor>>(
      {{"exact", LipschitzDivisor::exact}, {"smooth", LipschitzDivisor::smooth}});
}

/// Feed-forward network.
struct NetworkOptions {
  std::vector<std::size_t> hidden = {100};
  Activation activation = Activation::tanh;
  bool last_activation = false;
  bool output_scale = false;
  double initial_scale = 1.0;
  bool relaxation = false;

  static void describe(auto& visit) {
    using Self = NetworkOptions;
    visit.option(
        "hidden", &Self::hidden,
        {.meaning = "widths of the hidden layers; []: one linear layer", .limits = between(1, widest)});
    visit.option("activation", &Self::activation,
                 {.meaning = "activation after every hidden layer; squareplus: (x + sqrt(x^2 + 0.1)) / 2, a "
                             "smooth rectifier"});
    visit.option("last_activation", &Self::last_activation,
                 {.meaning = "apply the activation after the last layer, too (tanh bounds g by 1)"});
    visit.option("output_scale", &Self::output_scale,
                 {.meaning = "train a factor for each output component"});
    visit.option("initial_scale", &Self::initial_scale,
                 {.meaning = "initial weights are normal / sqrt(fan in) times this", .limits = above(0)});
    visit.option(
        "relaxation", &Self::relaxation,
        {.meaning = "add -A_L h(u) instead of h(u): du/dt = A_L (u - h(u)), for widely spread time scales"});
  }
};

/// A network with the layers of SPNODE-25, Definition 1; a learned output scale changes its bound.
struct LipschitzOptions : NetworkOptions {
  /// Small bounds cost accuracy, none at all costs stability; 50 to 200 are alike on Kuramoto-Sivashinsky.
  double bound = 100.0;
  LipschitzDivisor divisor = LipschitzDivisor::exact;

  static void describe(auto& visit) {
    using Self = LipschitzOptions;
    visit.option("bound", &Self::bound,
                 {.meaning = "bound on the Lipschitz constant", .unit = "1/time", .limits = above(0)});
    visit.option("divisor", &Self::divisor,
                 {.meaning = "of the weights; exact: max(1, sqrt(||W||_1 ||W||_inf)); smooth: at least that, "
                             "for second-order optimizers"});
    NetworkOptions::describe(visit);
  }

  /// Raises OptionError.
  void validate() const {
    require_option(activation != Activation::silu, {"activation"},
                   "is silu, whose slope reaches 1.0998; a bounded network needs one of slope 1 at most");
    require_option(activation != Activation::square, {"activation"},
                   "is square, whose slope has no bound; a bounded network needs one of slope 1 at most");
  }
};

/// g = -grad V with V(x) = sum_h w_h Psi((W s + b)_h), Psi' the activation, s = x or the output of hidden
/// layers (core/components/potential.hpp).
struct PotentialOptions {
  std::size_t neurons = 32;
  Activation activation = Activation::tanh;
  double initial_scale = 1.0;
  std::vector<std::size_t> hidden = {};

  static void describe(auto& visit) {
    using Self = PotentialOptions;
    visit.option("neurons", &Self::neurons,
                 {.meaning = "terms of the potential", .limits = between(1, widest)});
    visit.option("hidden", &Self::hidden,
                 {.meaning = "widths of hidden layers between x and the terms; []: none",
                  .limits = between(1, widest)});
    visit.option("activation", &Self::activation,
                 {.meaning = "derivative of each term of the potential, and activation after every hidden "
                             "layer"});
    visit.option("initial_scale", &Self::initial_scale,
                 {.meaning = "initial weights are normal / sqrt(fan in) times this", .limits = above(0)});
  }
};

/// g = phi(|X|) X with phi(R) = sum_{k < terms} c_k R^-k (core/components/central_force.hpp).
struct CentralForceOptions {
  std::size_t terms = 6;

  static void describe(auto& visit) {
    using Self = CentralForceOptions;
    visit.option("terms", &Self::terms,
                 {.meaning = "number K of powers R^0, R^-1, ..., R^-(K - 1) of the distance",
                  .limits = between(1, 32)});
  }
};

/// What the coefficients of a term of the fast variables are.
enum class FastCoefficients {
  constant,
  network  ///< of the whole point: latent state and arguments
};

constexpr auto words_of(FastCoefficients) {
  return std::to_array<Word<FastCoefficients>>(
      {{"constant", FastCoefficients::constant}, {"network", FastCoefficients::network}});
}

/// eps C(x, y, eps) y (core/components/fast_terms.hpp).
struct FastTermOptions {
  FastCoefficients coefficients = FastCoefficients::constant;
  std::vector<std::size_t> hidden = {10};
  Activation activation = Activation::tanh;
  double initial_scale = 0.1;

  static void describe(auto& visit) {
    using Self = FastTermOptions;
    visit.option("coefficients", &Self::coefficients,
                 {.meaning = "constant, or a network of the latent state and the arguments"});
    visit.option("hidden", &Self::hidden,
                 {.meaning = "network: widths of the hidden layers; []: one linear layer",
                  .limits = between(1, widest)});
    visit.option("activation", &Self::activation,
                 {.meaning = "network: activation after every hidden layer"});
    visit.option("initial_scale", &Self::initial_scale,
                 {.meaning = "size of the initial coefficients; network: multiplies the initial weights of "
                             "the last layer",
                  .limits = above(0)});
  }
};

/// B(x, y, eps)(y, y) (core/components/fast_terms.hpp).
struct FastBilinearOptions : FastTermOptions {
  std::size_t rank = 2;

  static void describe(auto& visit) {
    using Self = FastBilinearOptions;
    visit.option("rank", &Self::rank,
                 {.meaning = "number R of products per fast variable", .limits = between(1, widest)});
    FastTermOptions::describe(visit);
  }
};

/// The form of g in dx/dt = eps g(x, y, eps) of the slow variables x.
enum class SlowForm {
  network,
  bilinear,
  library,
  state  ///< a network of the state, not of the latent one (core/components/state_term.hpp)
};

constexpr auto words_of(SlowForm) {
  return std::to_array<Word<SlowForm>>({{"network", SlowForm::network},
                                        {"bilinear", SlowForm::bilinear},
                                        {"library", SlowForm::library},
                                        {"state", SlowForm::state}});
}

struct SlowOptions {
  SlowForm form = SlowForm::network;

  static void describe(auto& visit) {
    visit.option("form", &SlowOptions::form,
                 {.meaning = "of g(x, y, epsilon); its options are those of model.network, model.bilinear "
                             "or model.library; state: model.network of the state behind the coupling flow "
                             "instead of x and y"});
  }
};

/// g = sum over h of R_h G^T sigma(G P_h u + a_h q + b_h) (core/components/convolution.hpp).
struct ConvolutionOptions {
  std::size_t channels = 1;
  Activation activation = Activation::square;
  double initial_scale = 1.0;

  static void describe(auto& visit) {
    using Self = ConvolutionOptions;
    visit.option("channels", &Self::channels,
                 {.meaning = "fields that the activation is applied to", .limits = between(1, widest)});
    visit.option("activation", &Self::activation,
                 {.meaning = "square: products of two modes without aliasing, for quadratic equations"});
    visit.option("initial_scale", &Self::initial_scale,
                 {.meaning = "size of the initial numbers that multiply the modes", .limits = above(0)});
  }
};

/// The linear map of an autoencoder.
enum class LinearBasis {
  pod,     ///< starts as the POD of the training states
  fourier  ///< the lowest Fourier modes of a periodic field (core/components/fourier_modes.hpp)
};

constexpr auto words_of(LinearBasis) {
  return std::to_array<Word<LinearBasis>>({{"pod", LinearBasis::pod}, {"fourier", LinearBasis::fourier}});
}

struct AutoencoderOptions {
  bool enabled = false;
  bool pod = true;
  LinearBasis basis = LinearBasis::pod;
  bool pod_trainable = false;
  std::vector<std::size_t> hidden = {};
  Activation activation = Activation::tanh;
  double initial_scale = 1.0;  ///< the last layer starts at a tenth with a POD
  bool frozen = false;

  static void describe(auto& visit) {
    using Self = AutoencoderOptions;
    visit.option("enabled", &Self::enabled, {.meaning = "false: the latent state is the (scaled) state"});
    visit.option("pod", &Self::pod,
                 {.meaning = "a linear map whose initial value is the POD of the training states, or what "
                             "basis says"});
    visit.option("basis", &Self::basis,
                 {.meaning = "of the linear map; fourier: the components are values at equidistant points of "
                             "a period, the latent state is cosine and sine of the lowest wave numbers in "
                             "turn, then the mean"});
    visit.option("pod_trainable", &Self::pod_trainable, {.meaning = "train the linear map, too"});
    visit.option("hidden", &Self::hidden,
                 {.meaning = "widths of the hidden layers of encoder and decoder; []: only the linear map",
                  .limits = between(1, widest)});
    visit.option("activation", &Self::activation,
                 {.meaning = "activation after every hidden layer; squareplus: (x + sqrt(x^2 + 0.1)) / 2, a "
                             "smooth rectifier"});
    visit.option("initial_scale", &Self::initial_scale,
                 {.meaning = "initial weights are normal / sqrt(fan in) times this", .limits = above(0)});
    visit.option("frozen", &Self::frozen, {.meaning = "do not train the networks after pretraining"});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(!enabled || pod || !hidden.empty(), {"pod", "hidden"},
                   "is false and there are no hidden layers; an autoencoder needs one of the two");
    require_option(!enabled || pod || basis == LinearBasis::pod, {"basis", "pod"},
                   "is fourier, but pod is false: there is no linear map");
  }
};

/// Functions whose sum is a conditioner of a coupling layer (core/components/conditioner.hpp).
enum class ConditionerKind {
  linear,
  network,
  product  ///< sums of products of affine functions, one of which may be a network
};

constexpr auto words_of(ConditionerKind) {
  return std::to_array<Word<ConditionerKind>>({{"linear", ConditionerKind::linear},
                                               {"network", ConditionerKind::network},
                                               {"product", ConditionerKind::product}});
}

/// Which part of the state a coupling layer changes.
enum class CoupledParts {
  both,   ///< the first for the second as it is, then the second for the new first
  second  ///< the second alone
};

constexpr auto words_of(CoupledParts) {
  return std::to_array<Word<CoupledParts>>({{"both", CoupledParts::both}, {"second", CoupledParts::second}});
}

/// An invertible change of coordinates (core/components/coupling_flow.hpp).
struct CouplingFlowOptions {
  bool enabled = false;
  std::size_t layers = 1;
  std::size_t split = 0;
  CoupledParts parts = CoupledParts::both;
  double affine_bound = 0.0;
  double scale_bound = 1.0;
  std::vector<ConditionerKind> conditioners = {ConditionerKind::network};
  std::vector<std::size_t> hidden = {10};
  double network_bound = 0.0;
  Activation activation = Activation::tanh;
  std::size_t rank = 2;
  std::size_t factors = 2;
  std::vector<std::size_t> factor_hidden = {};
  std::vector<std::size_t> multipliers = {};
  std::vector<std::size_t> degrees = {};
  std::vector<std::size_t> neurons = {};
  double initial_scale = 1.0;

  static void describe(auto& visit) {
    using Self = CouplingFlowOptions;
    visit.option(
        "enabled", &Self::enabled,
        {.meaning = "true: the latent state is an invertible function of the (scaled) state and of the "
                    "parameters of the trajectory"});
    visit.option(
        "layers", &Self::layers,
        {.meaning = "number of pairs of an affine and a coupling layer", .limits = between(1, 1000)});
    visit.option(
        "split", &Self::split,
        {.meaning = "components of the first part of the state, such as its slow variables; the others "
                    "are the second part; 0: half of them, rounded down",
         .limits = between(0, widest)});
    visit.option("parts", &Self::parts,
                 {.meaning = "which part a coupling layer changes; both: the first, then the second"});
    visit.option("affine_bound", &Self::affine_bound,
                 {.meaning = "L: the singular values of the affine layers are in [1/L, L]; 1: rotations; 0: "
                             "there are no affine layers",
                  .limits = at_least(0)});
    visit.option("scale_bound", &Self::scale_bound,
                 {.meaning = "L: a coupling layer scales each component by a factor in [1/L, L] before its "
                             "shift; 1: it only shifts",
                  .limits = at_least(1)});
    visit.option(
        "conditioners", &Self::conditioners,
        {.meaning = "functions of the other part and of the parameters whose sums are the shifts, and "
                    "the logarithms of the scales before their bound"});
    visit.option("hidden", &Self::hidden,
                 {.meaning = "network: widths of its hidden layers", .limits = between(1, widest)});
    visit.option("network_bound", &Self::network_bound,
                 {.meaning = "network: L: the singular values of the weights of every layer are in [1/L, L]; "
                             "0: the weights are free",
                  .limits = at_least(0)});
    visit.option("activation", &Self::activation,
                 {.meaning = "activation after every hidden layer; squareplus: (x + sqrt(x^2 + 0.1)) / 2, a "
                             "smooth rectifier"});
    visit.option("rank", &Self::rank,
                 {.meaning = "product: number of products per component", .limits = between(1, widest)});
    visit.option(
        "factors", &Self::factors,
        {.meaning = "product: affine functions in each; the last may be a network", .limits = between(2, 6)});
    visit.option("factor_hidden", &Self::factor_hidden,
                 {.meaning = "product: widths of the hidden layers of the last factor; []: it is affine",
                  .limits = between(1, widest)});
    visit.option(
        "multipliers", &Self::multipliers,
        {.meaning = "start fast_slow: components, from 0, in which the shift is a "
                    "polynomial, with functions of the other slow variables as coefficients; []: none",
         .limits = between(0, widest)});
    visit.option("degrees", &Self::degrees,
                 {.meaning = "multipliers: lowest and highest degree of their monomials for each power of "
                             "epsilon: [1, 1, 1, 2] for linear terms, and epsilon times linear and quadratic "
                             "ones",
                  .limits = between(0, 5)});
    visit.option(
        "neurons", &Self::neurons,
        {.meaning = "multipliers: neurons of factor_hidden, from the first on, that the coefficients "
                    "of each power of epsilon use; []: all",
         .limits = between(1, widest)});
    visit.option("initial_scale", &Self::initial_scale,
                 {.meaning = "initial weights are normal / sqrt(fan in) times this, a tenth of that in last "
                             "layers: the flow starts close to the identity",
                  .limits = above(0)});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(affine_bound == 0.0 || affine_bound >= 1.0, {"affine_bound"},
                   "must be 0 or at least 1; found " + shortest(affine_bound));
    require_option(network_bound == 0.0 || network_bound >= 1.0, {"network_bound"},
                   "must be 0 or at least 1; found " + shortest(network_bound));
    require_option(!conditioners.empty(), {"conditioners"},
                   "is empty; name one or more of " + listed_words<ConditionerKind>());
    for (auto kind = conditioners.begin(); kind != conditioners.end(); ++kind)
      require_option(std::find(conditioners.begin(), kind, *kind) == kind, {"conditioners"},
                     "names " + std::string(name_of(*kind)) + " twice");
    require_option(network_bound == 0.0 ||
                       std::ranges::find(conditioners, ConditionerKind::network) != conditioners.end(),
                   {"network_bound", "conditioners"}, "is given without network among the conditioners");
    for (auto k = multipliers.begin(); k != multipliers.end(); ++k)
      require_option(std::find(multipliers.begin(), k, *k) == k, {"multipliers"},
                     "names " + std::to_string(*k) + " twice");
    require_option(multipliers.empty() == degrees.empty(), {"degrees", "multipliers"},
                   "are given together or not at all");
    require_option(degrees.size() % 2 == 0, {"degrees"}, "must be pairs of a lowest and a highest degree");
    for (std::size_t k = 0; k < degrees.size(); k += 2)
      require_option(degrees[k] <= degrees[k + 1], {"degrees"},
                     "must be pairs of a lowest and a highest degree; found " + std::to_string(degrees[k]) +
                         " before " + std::to_string(degrees[k + 1]));
    if (neurons.empty()) return;
    require_option(!multipliers.empty(), {"neurons", "multipliers"}, "is given without multipliers");
    require_option(2 * neurons.size() == degrees.size(), {"neurons", "degrees"},
                   "must have one number for each pair of degrees");
    for (const std::size_t count : neurons)
      require_option(!factor_hidden.empty() && count <= factor_hidden.back(), {"neurons", "factor_hidden"},
                     "must be at most the last of factor_hidden; found " + std::to_string(count));
  }
};

/// p^power times components of the first part, which may repeat: what a product of a conditioner multiplies
/// its last factor by.
struct Monomial {
  std::size_t power = 0;
  std::vector<std::size_t> components = {};
};

/// The monomials of CouplingFlowOptions::degrees: by power of p, by degree, in the order of the multipliers.
inline std::vector<Monomial> shift_monomials(const CouplingFlowOptions& flow) {
  std::vector<Monomial> found;
  const std::size_t n = flow.multipliers.size();
  for (std::size_t power = 0; 2 * power < flow.degrees.size(); ++power)
    for (std::size_t degree = flow.degrees[2 * power]; degree <= flow.degrees[2 * power + 1]; ++degree) {
      // Non-decreasing indices, counted up from the last one.
      std::vector<std::size_t> index(degree, 0);
      for (bool more = true; more;) {
        Monomial& next = found.emplace_back(Monomial{power, {}});
        for (const std::size_t k : index) next.components.push_back(flow.multipliers[k]);
        std::size_t last = degree;
        while (last > 0 && index[last - 1] + 1 == n) --last;
        more = last > 0;
        if (more) std::fill(index.begin() + std::ptrdiff_t(last - 1), index.end(), index[last - 1] + 1);
      }
    }
  return found;
}

/// The function whose values positive components are (core/components/positive_map.hpp).
enum class PositiveFunction {
  none,
  log,      ///< the latent component is the logarithm
  softplus  ///< the inverse of log(1 + e^v): nearly the component itself where that is large
};

constexpr auto words_of(PositiveFunction) {
  return std::to_array<Word<PositiveFunction>>({{"none", PositiveFunction::none},
                                                {"log", PositiveFunction::log},
                                                {"softplus", PositiveFunction::softplus}});
}

/// Components that stay positive.
struct PositiveOptions {
  PositiveFunction coordinates = PositiveFunction::none;
  std::vector<std::size_t> components = {};

  bool enabled() const { return coordinates != PositiveFunction::none; }

  static void describe(auto& visit) {
    using Self = PositiveOptions;
    visit.option("coordinates", &Self::coordinates,
                 {.meaning = "latent components; log: logarithms; softplus: v of log(1 + e^v), nearly the "
                             "component itself where that is large against its deviation"});
    visit.option("components", &Self::components,
                 {.meaning = "numbers of the components that are positive, from 0; []: all",
                  .limits = between(0, 1e9)});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(enabled() || components.empty(), {"components", "coordinates"},
                   "is given, but coordinates is none");
    for (auto k = components.begin(); k != components.end(); ++k)
      require_option(std::find(components.begin(), k, *k) == k, {"components"},
                     "names " + std::to_string(*k) + " twice");
  }
};

/// Products of components as further latent components (core/components/lifting.hpp).
struct LiftingOptions {
  std::vector<std::size_t> products = {};

  bool enabled() const { return !products.empty(); }

  static void describe(auto& visit) {
    visit.option("products", &LiftingOptions::products,
                 {.meaning = "pairs of components, from 0, whose products are further latent components, one "
                             "pair after the other: [0, 0, 0, 1] for x_0^2 and x_0 x_1; []: none",
                  .limits = between(0, 1e9)});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(
        products.size() % 2 == 0, {"products"},
        "needs two components for each product; found " + std::to_string(products.size()) + " numbers");
  }
};

/// Signed permutations that a right-hand side commutes with (core/components/symmetries.hpp).
struct SymmetryOptions {
  std::vector<std::size_t> permutations = {};
  std::vector<double> signs = {};

  bool enabled() const { return !permutations.empty() || !signs.empty(); }

  static void describe(auto& visit) {
    using Self = SymmetryOptions;
    visit.option(
        "permutations", &Self::permutations,
        {.meaning = "numbers of the components, from 0, that take the place of component 0, 1 ..., the "
                    "second symmetry after the first; []: each keeps its place",
         .limits = between(0, 1e9)});
    visit.option("signs", &Self::signs,
                 {.meaning = "1 or -1 for each component, its factor in its new place, the second symmetry "
                             "after the first; []: 1",
                  .limits = between(-1, 1)});
  }

  /// Raises OptionError.
  void validate() const {
    for (const double sign : signs)
      require_option(sign == 1.0 || sign == -1.0, {"signs"}, "must be 1 or -1; found " + shortest(sign));
  }
};

}  // namespace spnode::core
