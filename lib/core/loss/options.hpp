#pragma once
/// The terms of the loss and their weights.

#include "core/support/option.hpp"

namespace spnode::core {

/// Quadrature over the times of a window; the weights sum to one.
enum class TimeWeights {
  uniform,     ///< every time alike
  trapezoid,   ///< the time integral of SPNODE-25, eq. (20)
  logarithmic  ///< the trapezoidal rule in log t, for times spread over decades
};

constexpr auto words_of(TimeWeights) {
  return std::to_array<Word<TimeWeights>>({{"uniform", TimeWeights::uniform},
                                           {"trapezoid", TimeWeights::trapezoid},
                                           {"logarithmic", TimeWeights::logarithmic}});
}

enum class ComponentWeights {
  none,     ///< every (scaled) component alike
  variance  ///< divided by the component's variance over the training states
};

constexpr auto words_of(ComponentWeights) {
  return std::to_array<Word<ComponentWeights>>(
      {{"none", ComponentWeights::none}, {"variance", ComponentWeights::variance}});
}

struct LossOptions {
  TimeWeights time_weights = TimeWeights::uniform;
  ComponentWeights component_weights = ComponentWeights::none;
  double trajectory = 1.0;
  double latent = 0.0;
  double reconstruction = 0.0;
  double weight_decay = 0.0;

  static void describe(auto& visit) {
    using Self = LossOptions;
    visit.option("time_weights", &Self::time_weights, {.meaning = "quadrature over the times of a window"});
    visit.option("component_weights", &Self::component_weights,
                 {.meaning = "variance: divide by the components' variance over the training states"});
    visit.option(
        "trajectory", &Self::trajectory,
        {.meaning = "weight: decoded rollout against data, in the scaled state", .limits = at_least(0)});
    visit.option("latent", &Self::latent,
                 {.meaning = "weight: rollout against encoded data, in latent space", .limits = at_least(0)});
    visit.option("reconstruction", &Self::reconstruction,
                 {.meaning = "weight: decoded encoded data against data", .limits = at_least(0)});
    visit.option(
        "weight_decay", &Self::weight_decay,
        {.meaning = "weight: half the squared norm of the trainable parameters", .limits = at_least(0)});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(trajectory + latent + reconstruction > 0.0, {"trajectory", "latent", "reconstruction"},
                   "is 0, and so are latent and reconstruction: there is nothing to train on");
  }
};

}  // namespace spnode::core
