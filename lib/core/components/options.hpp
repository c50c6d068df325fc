#pragma once

#include "core/kernels/activation.hpp"

#include <cstddef>
#include <vector>

namespace spnode::core {

/// g(u) = sum_r (C_r u) * (D_r u) + b (SPNODE-25, eq. (6)).
struct BilinearOptions {
  std::size_t rank = 4;
  double initial_scale = 0.5;  ///< entries of C and D start as normal / sqrt(n R) times this
};

/// What divides the weights of a Lipschitz-controlled layer (core/components/lipschitz.hpp).
enum class LipschitzDivisor {
  exact,  ///< max(1, sqrt(||W||_1 ||W||_inf)), which has kinks
  smooth  ///< at least as large, without kinks
};

/// Feed-forward network; with lipschitz > 0 the layers are those of SPNODE-25, Definition 1.
struct NetworkOptions {
  std::vector<std::size_t> hidden = {100};  ///< widths of the hidden layers
  Activation activation = Activation::tanh;
  bool last_activation = false;  ///< apply the activation after the last layer too
  bool output_scale =
      false;               ///< learn a factor per output component (changes the Lipschitz bound accordingly)
  double lipschitz = 0.0;  ///< bound on the Lipschitz constant; 0: no bound
  LipschitzDivisor divisor = LipschitzDivisor::exact;  ///< with a bound
  double initial_scale = 1.0;                          ///< weights start as normal / sqrt(fan in) times this
  bool relaxation = false;  ///< contributes -A_L h(u) instead of h(u): du/dt = A_L (u - h(u))
};

struct AutoencoderOptions {
  bool enabled = false;
  bool pod = true;                       ///< add a linear map that starts as the POD of the training states
  bool pod_trainable = false;            ///< train the linear map as well
  std::vector<std::size_t> hidden = {};  ///< hidden layers of encoder and decoder; empty: linear map alone
  Activation activation = Activation::tanh;
  double initial_scale = 1.0;  ///< as in NetworkOptions; the last layer starts at a tenth with a POD
  bool frozen = false;         ///< keep the networks at their (pretrained) values
};

}  // namespace spnode::core
