#pragma once
/// The terms of the loss and their weights.

namespace spnode::core {

/// Quadrature over the times of a window; the weights sum to one.
enum class TimeWeights {
  uniform,     ///< every time alike
  trapezoid,   ///< the time integral of SPNODE-25, eq. (20)
  logarithmic  ///< the trapezoidal rule in log t, for times spread over decades
};

enum class ComponentWeights {
  none,     ///< every (scaled) component alike
  variance  ///< divided by the component's variance over the training states
};

struct LossOptions {
  TimeWeights time_weights = TimeWeights::uniform;
  ComponentWeights component_weights = ComponentWeights::none;
  double trajectory = 1.0;      ///< decoded rollout against data, in scaled state space
  double latent = 0.0;          ///< rollout against encoded data, in latent space
  double reconstruction = 0.0;  ///< decoder(encoder(data)) against data
  double weight_decay = 0.0;    ///< half the squared norm of the trainable parameters
};

}  // namespace spnode::core
