#pragma once
/// What a model is made of.

#include "core/components/options.hpp"
#include "core/linear/options.hpp"
#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spnode::core {

enum class NonlinearKind {
  bilinear,
  lipschitz,
  network,
  forcing,        ///< the arguments as a linear term (core/components/forcing.hpp)
  potential,      ///< minus a gradient (core/components/potential.hpp)
  central_force,  ///< along the position (core/components/central_force.hpp)
  convolution,    ///< on the Fourier modes of a periodic field (core/components/convolution.hpp)
  library,        ///< given functions with trained coefficients (core/components/library.hpp)
  slow,           ///< eps g of the slow variables (core/components/fast_terms.hpp), as the next two
  fast_bilinear,  ///< B(x, y, eps)(y, y) of the fast variables
  fast_linear     ///< eps C(x, y, eps) y of the fast variables
};

/// Whether a term is one of those of a fast-slow system.
constexpr bool is_fast_slow(NonlinearKind kind) {
  return kind == NonlinearKind::slow || kind == NonlinearKind::fast_bilinear ||
         kind == NonlinearKind::fast_linear;
}

/// The argument that is eps in a fast-slow system.
inline constexpr std::string_view epsilon_name = "epsilon";

/// How an input that is given at the times of the data is known between them.
enum class Interpolation {
  previous,  ///< the last value
  linear,
  cubic  ///< the cubic through the four nearest values
};

constexpr auto words_of(Interpolation) {
  return std::to_array<Word<Interpolation>>({{"previous", Interpolation::previous},
                                             {"linear", Interpolation::linear},
                                             {"cubic", Interpolation::cubic}});
}

/// What a right-hand side depends on besides the state: q = [parameters; inputs; time] in this order.
/// Networks and bilinear forms take q as further arguments.
struct ArgumentOptions {
  std::vector<std::string> parameters;
  std::vector<std::string> inputs;
  bool time = false;
  Interpolation interpolation = Interpolation::linear;

  std::size_t size() const { return parameters.size() + inputs.size() + std::size_t(time); }
  /// Whether q is the same at all times of a trajectory.
  bool constant() const { return inputs.empty() && !time; }

  static void describe(auto& visit) {
    using Self = ArgumentOptions;
    visit.option("parameters", &Self::parameters,
                 {.meaning = "names of the datasets under /parameters that the right-hand side depends on"});
    visit.option("inputs", &Self::inputs,
                 {.meaning = "names of the datasets under /inputs that the right-hand side depends on"});
    visit.option("time", &Self::time, {.meaning = "true: the right-hand side depends explicitly on time"});
    visit.option(
        "interpolation", &Self::interpolation,
        {.meaning = "interpolation of inputs between their times; cubic: through the four nearest values"});
  }

  /// Raises OptionError.
  void validate() const {
    const auto once = [](const char* option, const std::vector<std::string>& names) {
      for (auto name = names.begin(); name != names.end(); ++name)
        require_option(std::find(names.begin(), name, *name) == name, {option},
                       "names '" + *name + "' twice");
    };
    once("parameters", parameters);
    once("inputs", inputs);
  }
};

constexpr auto words_of(NonlinearKind) {
  return std::to_array<Word<NonlinearKind>>({{"bilinear", NonlinearKind::bilinear},
                                             {"lipschitz", NonlinearKind::lipschitz},
                                             {"network", NonlinearKind::network},
                                             {"forcing", NonlinearKind::forcing},
                                             {"potential", NonlinearKind::potential},
                                             {"central_force", NonlinearKind::central_force},
                                             {"convolution", NonlinearKind::convolution},
                                             {"library", NonlinearKind::library},
                                             {"slow", NonlinearKind::slow},
                                             {"fast_bilinear", NonlinearKind::fast_bilinear},
                                             {"fast_linear", NonlinearKind::fast_linear}});
}

enum class ScalingKind { none, global, component, manual };

constexpr auto words_of(ScalingKind) {
  return std::to_array<Word<ScalingKind>>({{"none", ScalingKind::none},
                                           {"global", ScalingKind::global},
                                           {"component", ScalingKind::component},
                                           {"manual", ScalingKind::manual}});
}

struct ScalingOptions {
  ScalingKind kind = ScalingKind::component;
  std::vector<double> shift;
  std::vector<double> scale;

  static void describe(auto& visit) {
    using Self = ScalingOptions;
    visit.option("kind", &Self::kind,
                 {.meaning = "global: one standard deviation for all components; component: one for each"});
    visit.option("shift", &Self::shift,
                 {.meaning = "manual: one value for all components, or one for each", .unit = "state"});
    visit.option("scale", &Self::scale,
                 {.meaning = "manual: one value for all components, or one for each",
                  .unit = "state",
                  .limits = above(0)});
  }

  /// Raises OptionError.
  void validate() const {
    const bool manual = kind == ScalingKind::manual, given = !shift.empty() || !scale.empty();
    require_option(!manual || given, {"kind"}, "is manual, which needs shift, scale or both");
    require_option(manual || !given, {shift.empty() ? "scale" : "shift"},
                   "needs kind: manual; found " + std::string(name_of(kind)));
  }
};

/// Where A_L and the bilinear form, a network in its place, or a library of functions start.
enum class Initialisation {
  random,              ///< from the seed, with the wanted decay rates
  dmd,                 ///< A_L from the linear map of one interval that fits the latent data best
  operator_inference,  ///< A_L and the form from the latent data and their time derivatives by least squares
  sparse_regression,   ///< the library, by least squares with few coefficients (SINDy)
  fast_slow            ///< slow manifold, T(x) and the terms of a fast-slow model, by least squares
};

constexpr auto words_of(Initialisation) {
  return std::to_array<Word<Initialisation>>({{"random", Initialisation::random},
                                              {"dmd", Initialisation::dmd},
                                              {"operator_inference", Initialisation::operator_inference},
                                              {"sparse_regression", Initialisation::sparse_regression},
                                              {"fast_slow", Initialisation::fast_slow}});
}

/// How a regression takes the time derivatives of the data.
enum class Derivatives {
  differences,  ///< central differences
  weak          ///< integrals against test functions, by parts: no derivative of the data
};

constexpr auto words_of(Derivatives) {
  return std::to_array<Word<Derivatives>>(
      {{"differences", Derivatives::differences}, {"weak", Derivatives::weak}});
}

/// Of the start by sparse regression (training/start/sparse_regression.hpp).
struct SparseRegressionOptions {
  Derivatives derivatives = Derivatives::differences;
  std::size_t window = 20;
  std::size_t power = 6;
  double threshold = 0.1;
  double ridge = 0.0;
  std::size_t sweeps = 0;
  double share = 0.0;

  static void describe(auto& visit) {
    using Self = SparseRegressionOptions;
    visit.option("derivatives", &Self::derivatives,
                 {.meaning = "differences: central ones of inference_order; weak: integrals against test "
                             "functions, for noisy data"});
    visit.option("window", &Self::window,
                 {.meaning = "weak: length of the test functions (1 - s^2)^power; one begins at every time",
                  .unit = "intervals",
                  .limits = between(4, 1000000)});
    visit.option("power", &Self::power, {.meaning = "weak: see window", .limits = between(2, 100)});
    visit.option("threshold", &Self::threshold,
                 {.meaning = "smaller coefficients, in the units of the data, are set to zero, the others "
                             "fitted again, until none is smaller",
                  .limits = at_least(0)});
    visit.option("ridge", &Self::ridge,
                 {.meaning = "added to the normal equations, whose columns are scaled to a unit diagonal",
                  .limits = at_least(0)});
    visit.option(
        "sweeps", &Self::sweeps,
        {.meaning = "the equations are weighed anew so often, each by its largest term and by what it "
                    "misses: for data with jumps, some of which their times do not resolve",
         .limits = between(0, 1000)});
    visit.option("share", &Self::share,
                 {.meaning = "with sweeps: functions are left out whose terms are this small, in the mean, "
                             "beside the largest term of their equation",
                  .limits = between(0, 1)});
  }
};

/// The arithmetic of tiles: states, products, adjoints.
///
/// Parameters, matrix functions, assembled coefficients and all sums over lanes' losses, tiles and ranks are
/// double in either case; gradients of mixed agree with those of float64 to some 1e-6.
enum class Precision {
  float64,
  mixed  ///< float
};

constexpr auto words_of(Precision) {
  return std::to_array<Word<Precision>>({{"double", Precision::float64}, {"mixed", Precision::mixed}});
}

struct ModelOptions {
  std::size_t latent_dimension = 0;
  std::size_t order = 1;  ///< 2: u = [x; v] with dx/dt = v, and the terms give dv/dt
  HurwitzOptions linear;
  std::vector<NonlinearKind> nonlinear = {NonlinearKind::bilinear};
  bool constant = true;                 ///< du/dt = A_L u + b where there are no nonlinear terms
  std::vector<double> invariants = {};  ///< weights of the unscaled state, function by function
  SymmetryOptions symmetries;
  ArgumentOptions arguments;
  BilinearOptions bilinear;
  LibraryOptions library;
  LipschitzOptions lipschitz;
  NetworkOptions network;
  PotentialOptions potential;
  CentralForceOptions central_force;
  ConvolutionOptions convolution;
  SlowOptions slow;
  FastBilinearOptions fast_bilinear;
  FastTermOptions fast_linear;
  AutoencoderOptions autoencoder;
  CouplingFlowOptions coupling_flow;
  PositiveOptions positive;
  LiftingOptions lifting;
  ScalingOptions scaling;
  Initialisation initialisation = Initialisation::random;
  std::size_t inference_order = 10;
  double inference_ridge = 0.0;
  SparseRegressionOptions sparse_regression;
  Precision precision = Precision::float64;

  /// Whether the right-hand side is A_L u + b, with a constant in place of nonlinear terms: all others have
  /// constants of their own, and of a fast-slow model y = 0 stays invariant.
  bool affine() const { return nonlinear.empty() && constant && !is_fast_slow(linear.structure); }

  /// Whether the right-hand side is A_L u.
  bool homogeneous() const { return nonlinear.empty() && !constant; }

  /// Whether a term is in relaxation form.
  bool relaxes(NonlinearKind kind) const {
    return (kind == NonlinearKind::lipschitz && lipschitz.relaxation) ||
           (kind == NonlinearKind::network && network.relaxation);
  }

  /// Whether a term is a function of the state behind the coupling flow.
  bool has_state_term() const { return names(NonlinearKind::slow) && slow.form == SlowForm::state; }

  static void describe(auto& visit) {
    using Self = ModelOptions;
    visit.option("latent_dimension", &Self::latent_dimension,
                 {.meaning = "0: the dimension of the state; a smaller dimension needs the autoencoder",
                  .limits = between(0, widest)});
    visit.option("order", &Self::order,
                 {.meaning = "of the equation in time; 2: the state is [x; v] with dx/dt = v, and the terms "
                             "give dv/dt; needs linear.structure: none",
                  .limits = between(1, 2)});
    visit.option("nonlinear", &Self::nonlinear, {.meaning = "terms whose sum is g; []: a linear model"});
    visit.option("constant", &Self::constant,
                 {.meaning = "nonlinear: []: whether du/dt = A_L u + b has its constant b; false suits data "
                             "that tend to zero, whose mean is then not subtracted"});
    visit.option("invariants", &Self::invariants,
                 {.meaning = "weights of linear functions of the state that du/dt keeps exactly, such as a "
                             "total mass: one weight for each component, the second function after the "
                             "first; needs linear.structure dense or none and a linear map to the latent "
                             "space that does not learn, or none"});
    visit.include(&Self::arguments);
    visit.option(
        "precision", &Self::precision,
        {.meaning = "mixed: states and products in float, up to twice as fast; parameters and sums stay "
                    "double"});
    visit.option(
        "initialisation", &Self::initialisation,
        {.meaning =
             "start of A_L and the bilinear form: from the seed; dmd: A_L from the data's linear map; "
             "operator_inference: both by least squares on the data's time derivatives (without a "
             "bilinear form a network of one hidden layer starts there); sparse_regression: the library with "
             "few coefficients; fast_slow: manifold, T(x) and terms of a fast-slow model from data of both "
             "time "
             "scales"});
    visit.option("inference_order", &Self::inference_order,
                 {.meaning = "order of the central differences of a start from data, even; high for smooth "
                             "data; fast_slow: degree of the polynomials in time that are integrated",
                  .limits = between(2, 100)});
    visit.option(
        "inference_ridge", &Self::inference_ridge,
        {.meaning =
             "operator_inference, fast_slow: added to the normal equations, whose columns are scaled to a "
             "unit diagonal; 0: that of 1e-12 to 0.1 whose start is best on the validation data",
         .limits = at_least(0)});
    visit.section(
        "linear", &Self::linear,
        "A_L = (G_s + G_u) S + mu I, or structured; the real parts of its eigenvalues are below mu.");
    visit.section("bilinear", &Self::bilinear,
                  "g(u) = sum over r of (C_r u)(D_r u) + b; suits quadratic systems.");
    visit.section("library", &Self::library,
                  "g = Xi Theta(u): products and waves of the unscaled variables, with coefficients Xi.");
    visit.section("lipschitz", &Self::lipschitz, "A network whose Lipschitz constant is bounded.");
    visit.section("network", &Self::network, "A plain feed-forward network.");
    visit.section("potential", &Self::potential,
                  "Minus the gradient of a potential, sum over h of w_h Psi((W s + b)_h) with s = x or the "
                  "output of hidden layers: conservative forces "
                  "with order: 2, gradient flows with order: 1.");
    visit.section("central_force", &Self::central_force,
                  "A force along the position, x sum over k of c_k |x|^-k.");
    visit.section("convolution", &Self::convolution,
                  "A network of circular convolutions on the Fourier modes of a periodic field; needs "
                  "autoencoder.basis: fourier.");
    visit.section("slow", &Self::slow,
                  "The term slow: epsilon g(x, y, epsilon), the right-hand side of the slow variables x.");
    visit.section("fast_bilinear", &Self::fast_bilinear,
                  "The term fast_bilinear: B(x, y, epsilon)(y, y) = sum over r of (C_r y)(D_r y) of the "
                  "fast variables y.");
    visit.section("fast_linear", &Self::fast_linear,
                  "The term fast_linear: epsilon C(x, y, epsilon) y of the fast variables y.");
    visit.section("sparse_regression", &Self::sparse_regression,
                  "The start of a library from the data: sequential thresholded least squares (SINDy).");
    visit.section("autoencoder", &Self::autoencoder,
                  "Encoder and decoder between the state and the latent space.");
    visit.section(
        "coupling_flow", &Self::coupling_flow,
        "An invertible function from the state to a latent state of the same dimension, with an exact "
        "inverse.");
    visit.section("positive", &Self::positive,
                  "Coordinates in which components stay positive; their data must be above 0.");
    visit.section("lifting", &Self::lifting,
                  "Products of components of the scaled state as further components of the latent state.");
    visit.section(
        "symmetries", &Self::symmetries,
        "Permutations and signs of the components of the state that du/dt commutes with exactly; needs "
        "linear.structure dense or none and the states as they are.");
    visit.section("scaling", &Self::scaling,
                  "Scaling of the data, a part of the model: (state - shift) / scale.");
  }

  /// Raises OptionError.
  void validate() const {
    for (auto kind = nonlinear.begin(); kind != nonlinear.end(); ++kind)
      require_option(std::find(nonlinear.begin(), kind, *kind) == kind, {"nonlinear"},
                     "names a term twice; found " + std::string(name_of(*kind)) + " twice");
    require_option(
        !names(NonlinearKind::forcing) || arguments.size() > 0, {"nonlinear", "inputs"},
        "names forcing, but the right-hand side depends on nothing else; name parameters, inputs or "
        "time");
    const bool relaxed = std::ranges::any_of(nonlinear, [&](NonlinearKind kind) { return relaxes(kind); });
    require_option(linear.structure != HurwitzKind::none || !relaxed, {"linear.structure"},
                   "is none, but a term in relaxation form, -A_L h(u), needs A_L");
    require_option(linear.structure != HurwitzKind::none || !nonlinear.empty(), {"linear.structure"},
                   "is none and nonlinear is empty: the right-hand side would be zero");
    require_option(
        order == 1 || linear.structure == HurwitzKind::none, {"order", "linear.structure"},
        "is 2, which needs linear.structure: none; found " + std::string(name_of(linear.structure)));
    require_option(!autoencoder.enabled || !coupling_flow.enabled,
                   {"coupling_flow.enabled", "autoencoder.enabled"},
                   "is true, and so is autoencoder.enabled: a model has one map to its latent space");
    require_option(inference_order % 2 == 0, {"inference_order"},
                   "must be even; found " + std::to_string(inference_order));
    validate_invariants();
    validate_symmetries();
    validate_fast_slow();
    validate_periodic();
    validate_fields();
    validate_positive();
    validate_lifting();
    validate_start();
  }

 private:
  bool slow_is_network() const { return slow.form == SlowForm::network || slow.form == SlowForm::state; }
  bool has_fields() const { return library.fields > 0 && names(NonlinearKind::library); }
  bool names(NonlinearKind kind) const { return std::ranges::find(nonlinear, kind) != nonlinear.end(); }

  void validate_invariants() const {
    if (invariants.empty()) return;
    require_option(linear.structure == HurwitzKind::dense || linear.structure == HurwitzKind::none,
                   {"invariants", "linear.structure"},
                   "needs linear.structure dense or none; found " + std::string(name_of(linear.structure)));
    require_option(linear.structure == HurwitzKind::none || linear.mu >= 0.0, {"invariants", "linear.mu"},
                   "needs linear.mu of at least 0, since A_L has the eigenvalue 0 for each; found " +
                       shortest(linear.mu));
    require_option(!coupling_flow.enabled, {"invariants", "coupling_flow.enabled"},
                   "needs linear coordinates, but coupling_flow.enabled is true");
    require_option(
        !autoencoder.enabled || (autoencoder.pod && autoencoder.hidden.empty() && !autoencoder.pod_trainable),
        {"invariants", "autoencoder.hidden", "autoencoder.pod", "autoencoder.pod_trainable"},
        "needs a linear autoencoder that does not learn: autoencoder: {hidden: [], pod: true, "
        "pod_trainable: false}");
  }

  void validate_symmetries() const {
    if (!symmetries.enabled()) return;
    const auto require = [&](bool holds, const char* option, const std::string& what) {
      require_option(holds,
                     {symmetries.signs.empty() ? "symmetries.permutations" : "symmetries.signs", option},
                     "needs " + what);
    };
    require(linear.structure == HurwitzKind::dense || linear.structure == HurwitzKind::none,
            "linear.structure",
            "linear.structure dense or none; found " + std::string(name_of(linear.structure)));
    const std::string states = "the states as they are; ";
    require(!autoencoder.enabled, "autoencoder.enabled", states + "autoencoder.enabled is true");
    require(!coupling_flow.enabled, "coupling_flow.enabled", states + "coupling_flow.enabled is true");
    require(!positive.enabled(), "positive.coordinates",
            states + "positive.coordinates is " + std::string(name_of(positive.coordinates)));
    require(!lifting.enabled(), "lifting.products", states + "lifting.products is given");
  }

  // Other terms would not leave the slow manifold y = 0 invariant.
  void validate_fast_slow() const {
    const std::string found = "; found " + std::string(name_of(linear.structure));
    if (!is_fast_slow(linear.structure)) {
      for (const NonlinearKind kind : nonlinear)
        require_option(!is_fast_slow(kind), {"nonlinear", "linear.structure"},
                       "names " + std::string(name_of(kind)) +
                           ", a term of a fast-slow system, which needs linear.structure: fast_schur or "
                           "fast_dissipative" +
                           found);
      return;
    }
    for (const NonlinearKind kind : nonlinear)
      require_option(is_fast_slow(kind), {"nonlinear", "linear.structure"},
                     "names " + std::string(name_of(kind)) +
                         ", but a fast-slow system has the terms slow, fast_bilinear and fast_linear" +
                         found);
    require_option(
        std::ranges::find(arguments.parameters, epsilon_name) != arguments.parameters.end(),
        {"parameters", "linear.structure"},
        "must name " + std::string(epsilon_name) + ", on which a fast-slow system depends" + found);
    require_option(!slow_is_network() || !network.relaxation, {"network.relaxation", "slow.form"},
                   "is true, but g of the slow variables has no relaxation form");
    require_option(!has_state_term() || coupling_flow.enabled, {"slow.form", "coupling_flow.enabled"},
                   "is state, a function of the state behind the coupling flow, but coupling_flow.enabled is "
                   "false; without a flow take network");
  }

  // What acts on the Fourier modes of a field needs these as the latent state, of the field in one scale.
  void validate_periodic() const {
    const bool circulant = linear.structure == HurwitzKind::circulant;
    if (!circulant && !names(NonlinearKind::convolution)) return;
    const std::string option = circulant ? "linear.structure" : "nonlinear";
    const std::string needs =
        std::string(circulant ? "is circulant" : "names convolution") + ", which needs ";
    require_option(autoencoder.enabled && autoencoder.basis == LinearBasis::fourier,
                   {option, "autoencoder.basis"}, needs + "autoencoder: {enabled: true, basis: fourier}");
    require_option(autoencoder.hidden.empty() && !autoencoder.pod_trainable,
                   {option, "autoencoder.hidden", "autoencoder.pod_trainable"},
                   needs + "autoencoder.hidden: [] and autoencoder.pod_trainable: false");
    require_option(
        scaling.kind != ScalingKind::component && scaling.shift.size() <= 1 && scaling.scale.size() <= 1,
        {option, "scaling.kind"},
        needs +
            "the same scaling for all points of the field, scaling.kind: global or none; "
            "found " +
            std::string(name_of(scaling.kind)));
  }

  // Values at the points of a grid are the state as it is.
  void validate_fields() const {
    const std::string needs = "= " + std::to_string(library.fields) + ", which needs ";
    require_option(library.fields == 0 || !names(NonlinearKind::slow) || slow.form != SlowForm::library,
                   {"library.fields", "slow.form"},
                   needs + "library among the terms of nonlinear, not in slow");
    if (!has_fields()) return;
    require_option(!autoencoder.enabled, {"library.fields", "autoencoder.enabled"},
                   needs + "the states as they are; autoencoder.enabled is true");
    require_option(!coupling_flow.enabled, {"library.fields", "coupling_flow.enabled"},
                   needs + "the states as they are; coupling_flow.enabled is true");
  }

  // Logarithms are a map to the latent space of their own, of states as they are.
  void validate_positive() const {
    if (!positive.enabled()) return;
    const std::string needs = "is " + std::string(name_of(positive.coordinates)) + ", which needs ";
    const auto require = [&](bool holds, const char* option, const std::string& what) {
      require_option(holds, {"positive.coordinates", option}, needs + what);
    };
    require(!autoencoder.enabled, "autoencoder.enabled", "autoencoder.enabled: false; found true");
    require(!coupling_flow.enabled, "coupling_flow.enabled", "coupling_flow.enabled: false; found true");
    require(order == 1, "order", "order: 1; found 2");
    require(invariants.empty(), "invariants",
            "invariants: []: linear functions of the state are not linear in it");
    require(!has_fields(), "library.fields", "library.fields: 0; found " + std::to_string(library.fields));
    require(scaling.shift.empty(), "scaling.shift", "a scaling without a shift; scaling.shift is given");
    require(initialisation == Initialisation::random, "initialisation",
            "initialisation: random; found " + std::string(name_of(initialisation)));
  }

  // The latent state is the state with more components.
  void validate_lifting() const {
    if (!lifting.enabled()) return;
    const auto require = [](bool holds, const char* option, const std::string& what) {
      require_option(holds, {"lifting.products", option}, "needs " + what);
    };
    require(!autoencoder.enabled, "autoencoder.enabled", "autoencoder.enabled: false; found true");
    require(!coupling_flow.enabled, "coupling_flow.enabled", "coupling_flow.enabled: false; found true");
    require(!positive.enabled(), "positive.coordinates",
            "positive.coordinates: none; found " + std::string(name_of(positive.coordinates)));
    require(order == 1, "order", "order: 1; found 2");
    require(invariants.empty(), "invariants", "invariants: []");
    require(!has_fields(), "library.fields", "library.fields: 0; found " + std::to_string(library.fields));
    require(
        initialisation != Initialisation::sparse_regression && initialisation != Initialisation::fast_slow,
        "initialisation",
        "initialisation random, dmd or operator_inference; found " + std::string(name_of(initialisation)));
  }

  // What least squares can find: terms that are linear in parameters, in coordinates that are known first.
  void validate_fast_slow_start() const {
    const std::string start = "is fast_slow, which needs ";
    require_option(
        linear.structure == HurwitzKind::fast_dissipative, {"initialisation", "linear.structure"},
        start + "linear.structure: fast_dissipative; found " + std::string(name_of(linear.structure)));
    require_option(names(NonlinearKind::slow) && slow.form != SlowForm::bilinear,
                   {"initialisation", "nonlinear", "slow.form"},
                   start + "slow among the terms of nonlinear, with slow.form: library, network or state");
    require_option(!slow_is_network() || !(network.last_activation || network.output_scale),
                   {"initialisation", "network.last_activation", "network.output_scale"},
                   start + "network.last_activation: false and network.output_scale: false");
    require_option(
        !names(NonlinearKind::fast_bilinear) || fast_bilinear.coefficients == FastCoefficients::constant,
        {"initialisation", "fast_bilinear.coefficients"},
        start + "fast_bilinear.coefficients: constant; found " +
            std::string(name_of(fast_bilinear.coefficients)));
    require_option(scaling.kind == ScalingKind::none, {"initialisation", "scaling.kind"},
                   start + "scaling.kind: none; found " + std::string(name_of(scaling.kind)));
    require_option(!autoencoder.enabled, {"initialisation", "autoencoder.enabled"},
                   start + "a coupling flow or the states as they are; autoencoder.enabled is true");
    if (!coupling_flow.enabled) return;
    const CouplingFlowOptions& flow = coupling_flow;
    const std::string found = start + "one shift of the fast variables, coupling_flow: {layers: 1, split: " +
                              std::to_string(linear.slow_dimension) +
                              ", parts: second, affine_bound: 0, scale_bound: 1, conditioners: [product]}; ";
    const auto require = [&](bool holds, const char* option, const std::string& value) {
      require_option(holds, {"initialisation", option}, found + std::string(option) + " is " + value);
    };
    require(flow.layers == 1, "coupling_flow.layers", std::to_string(flow.layers));
    require(flow.split == linear.slow_dimension, "coupling_flow.split", std::to_string(flow.split));
    require(flow.parts == CoupledParts::second, "coupling_flow.parts", std::string(name_of(flow.parts)));
    require(flow.affine_bound == 0.0, "coupling_flow.affine_bound", shortest(flow.affine_bound));
    require(flow.scale_bound == 1.0, "coupling_flow.scale_bound", shortest(flow.scale_bound));
    require(flow.conditioners == std::vector{ConditionerKind::product}, "coupling_flow.conditioners",
            std::to_string(flow.conditioners.size()) + " of them, or another one");
    if (!flow.multipliers.empty()) return validate_multipliers(start);
    require_option(flow.rank <= flow.factors,
                   {"initialisation", "coupling_flow.rank", "coupling_flow.factors"},
                   start +
                       "coupling_flow.rank, the number of powers of epsilon, of at most "
                       "coupling_flow.factors; found " +
                       std::to_string(flow.rank) + " and " + std::to_string(flow.factors));
  }

  // Each monomial of the multipliers is a product of the conditioner.
  void validate_multipliers(const std::string& start) const {
    const CouplingFlowOptions& flow = coupling_flow;
    for (const std::size_t k : flow.multipliers)
      require_option(k < linear.slow_dimension, {"coupling_flow.multipliers"},
                     "must be slow variables, below " + std::to_string(linear.slow_dimension) + "; found " +
                         std::to_string(k));
    require_option(!flow.factor_hidden.empty(), {"coupling_flow.multipliers", "coupling_flow.factor_hidden"},
                   "need a hidden layer in coupling_flow.factor_hidden");
    const std::size_t products = shift_monomials(flow).size();
    require_option(flow.rank == products, {"initialisation", "coupling_flow.rank"},
                   start + "coupling_flow.rank: " + std::to_string(products) +
                       ", the number of monomials of coupling_flow.multipliers; found " +
                       std::to_string(flow.rank));
    std::size_t most = 0;
    for (std::size_t r = 0; 2 * r < flow.degrees.size(); ++r)
      most = std::max(most, r + flow.degrees[2 * r + 1]);
    require_option(flow.factors > most, {"initialisation", "coupling_flow.factors"},
                   start + "coupling_flow.factors of at least " + std::to_string(most + 1) + "; found " +
                       std::to_string(flow.factors));
  }

  void validate_start() const {
    require_option(coupling_flow.multipliers.empty() || initialisation == Initialisation::fast_slow,
                   {"coupling_flow.multipliers", "initialisation"},
                   "are given, but only initialisation: fast_slow uses them; found " +
                       std::string(name_of(initialisation)));
    if (initialisation == Initialisation::random) return;
    if (initialisation == Initialisation::fast_slow) return validate_fast_slow_start();
    // The latent states must be known before the training.
    const std::string start = "is " + std::string(name_of(initialisation)) + ", which needs ";
    const bool sparse = initialisation == Initialisation::sparse_regression;
    const HurwitzKind structure = sparse ? HurwitzKind::none : HurwitzKind::dense;
    require_option(linear.structure == structure, {"initialisation", "linear.structure"},
                   start + "linear.structure: " + std::string(name_of(structure)) + "; found " +
                       std::string(name_of(linear.structure)));
    require_option(!sparse || names(NonlinearKind::library), {"initialisation", "nonlinear"},
                   start + "library among the terms of nonlinear");
    require_option(sparse || arguments.size() == 0, {"initialisation", "parameters", "inputs", "time"},
                   start + "a right-hand side of the state alone");
    require_option(!autoencoder.enabled || autoencoder.pod, {"initialisation", "autoencoder.pod"},
                   start + "autoencoder.pod: true where there is an autoencoder; found false");
    require_option(!coupling_flow.enabled, {"initialisation", "coupling_flow.enabled"},
                   start + "latent states that are known before the training; coupling_flow.enabled is true");
  }
};

/// work.operator()<Real>() with the scalar of tiles.
template <class Work>
decltype(auto) with_tile_scalar(Precision precision, Work&& work) {
  return precision == Precision::mixed ? work.template operator()<float>()
                                       : work.template operator()<double>();
}

}  // namespace spnode::core
