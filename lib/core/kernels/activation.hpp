#pragma once

#include "core/support/words.hpp"

namespace spnode::core {

/// Activations of a network. All but silu and square are 1-Lipschitz.
enum class Activation {
  tanh,
  squareplus,  ///< a smooth rectifier (core/kernels/activation_functions.hpp)
  identity,
  relu,      ///< max(x, 0)
  softplus,  ///< log(1 + e^x)
  silu,      ///< x / (1 + e^-x); its slope reaches 1.0998
  sin,
  square  ///< x^2: products of linear forms
};

constexpr auto words_of(Activation) {
  return std::to_array<Word<Activation>>({{"tanh", Activation::tanh},
                                          {"squareplus", Activation::squareplus},
                                          {"identity", Activation::identity},
                                          {"relu", Activation::relu},
                                          {"softplus", Activation::softplus},
                                          {"silu", Activation::silu},
                                          {"sin", Activation::sin},
                                          {"square", Activation::square}});
}

/// Whether the derivatives of an activation follow from its argument; else they follow from its value.
constexpr bool keeps_argument(Activation sigma) {
  return sigma == Activation::silu || sigma == Activation::sin || sigma == Activation::square;
}

}  // namespace spnode::core
