#pragma once

#include "core/support/words.hpp"

namespace spnode::core {

/// All are 1-Lipschitz, with derivatives that follow from their values.
enum class Activation {
  tanh,
  squareplus,  ///< a smooth rectifier (core/kernels/squareplus.hpp)
  identity
};

constexpr auto words_of(Activation) {
  return std::to_array<Word<Activation>>({{"tanh", Activation::tanh},
                                          {"squareplus", Activation::squareplus},
                                          {"identity", Activation::identity}});
}

}  // namespace spnode::core
