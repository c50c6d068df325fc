#pragma once
/// What a model is made of.

#include "core/components/options.hpp"
#include "core/linear/options.hpp"
#include "core/support/option.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace spnode::core {

enum class NonlinearKind {
  bilinear,
  lipschitz,
  network,
  forcing,       ///< the arguments as a linear term (core/components/forcing.hpp)
  potential,     ///< minus a gradient (core/components/potential.hpp)
  central_force  ///< along the position (core/components/central_force.hpp)
};

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
                                             {"central_force", NonlinearKind::central_force}});
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

/// Where A_L and the bilinear form, or a network in its place, start.
enum class Initialisation {
  random,             ///< from the seed, with the wanted decay rates
  dmd,                ///< A_L from the linear map of one interval that fits the latent data best
  operator_inference  ///< both from the latent data and their time derivatives by least squares
};

constexpr auto words_of(Initialisation) {
  return std::to_array<Word<Initialisation>>({{"random", Initialisation::random},
                                              {"dmd", Initialisation::dmd},
                                              {"operator_inference", Initialisation::operator_inference}});
}

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
  ArgumentOptions arguments;
  BilinearOptions bilinear;
  LipschitzOptions lipschitz;
  NetworkOptions network;
  PotentialOptions potential;
  CentralForceOptions central_force;
  AutoencoderOptions autoencoder;
  ScalingOptions scaling;
  Initialisation initialisation = Initialisation::random;
  std::size_t inference_order = 10;
  Precision precision = Precision::float64;

  /// Whether a term is in relaxation form.
  bool relaxes(NonlinearKind kind) const {
    return (kind == NonlinearKind::lipschitz && lipschitz.relaxation) ||
           (kind == NonlinearKind::network && network.relaxation);
  }

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
    visit.include(&Self::arguments);
    visit.option(
        "precision", &Self::precision,
        {.meaning = "mixed: states and products in float, up to twice as fast; parameters and sums stay "
                    "double"});
    visit.option(
        "initialisation", &Self::initialisation,
        {.meaning = "start of A_L and the bilinear form: from the seed; dmd: A_L from the data's linear map; "
                    "operator_inference: both by least squares on the data's time derivatives (without a "
                    "bilinear form a network of one hidden layer starts there)"});
    visit.option("inference_order", &Self::inference_order,
                 {.meaning = "operator_inference: order of the central differences, even; high for smooth "
                             "data",
                  .limits = between(2, 100)});
    visit.section(
        "linear", &Self::linear,
        "A_L = (G_s + G_u) S + mu I, or structured; the real parts of its eigenvalues are below mu.");
    visit.section("bilinear", &Self::bilinear,
                  "g(u) = sum over r of (C_r u)(D_r u) + b; suits quadratic systems.");
    visit.section("lipschitz", &Self::lipschitz, "A network whose Lipschitz constant is bounded.");
    visit.section("network", &Self::network, "A plain feed-forward network.");
    visit.section(
        "potential", &Self::potential,
        "Minus the gradient of a potential, sum over h of w_h Psi((W x + b)_h): conservative forces "
        "with order: 2, gradient flows with order: 1.");
    visit.section("central_force", &Self::central_force,
                  "A force along the position, x sum over k of c_k |x|^-k.");
    visit.section("autoencoder", &Self::autoencoder,
                  "Encoder and decoder between the state and the latent space.");
    visit.section("scaling", &Self::scaling,
                  "Scaling of the data, a part of the model: (state - shift) / scale.");
  }

  /// Raises OptionError.
  void validate() const {
    for (auto kind = nonlinear.begin(); kind != nonlinear.end(); ++kind)
      require_option(std::find(nonlinear.begin(), kind, *kind) == kind, {"nonlinear"},
                     "names a term twice; found " + std::string(name_of(*kind)) + " twice");
    const bool forced = std::ranges::find(nonlinear, NonlinearKind::forcing) != nonlinear.end();
    require_option(
        !forced || arguments.size() > 0, {"nonlinear", "inputs"},
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
    require_option(inference_order % 2 == 0, {"inference_order"},
                   "must be even; found " + std::to_string(inference_order));
    if (initialisation == Initialisation::random) return;
    // The latent states must be known before the training.
    const std::string start = "is " + std::string(name_of(initialisation)) + ", which needs ";
    require_option(linear.structure == HurwitzKind::dense, {"initialisation", "linear.structure"},
                   start + "linear.structure: dense; found " + std::string(name_of(linear.structure)));
    require_option(arguments.size() == 0, {"initialisation", "parameters", "inputs", "time"},
                   start + "a right-hand side of the state alone");
    require_option(!autoencoder.enabled || autoencoder.pod, {"initialisation", "autoencoder.pod"},
                   start + "autoencoder.pod: true where there is an autoencoder; found false");
  }
};

/// work.operator()<Real>() with the scalar of tiles.
template <class Work>
decltype(auto) with_tile_scalar(Precision precision, Work&& work) {
  return precision == Precision::mixed ? work.template operator()<float>()
                                       : work.template operator()<double>();
}

}  // namespace spnode::core
