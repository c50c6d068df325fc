#pragma once

namespace spnode::core {

/// All are 1-Lipschitz, with derivatives that follow from their values.
enum class Activation {
  tanh,
  squareplus,  ///< a smooth rectifier (core/kernels/squareplus.hpp)
  identity
};

}  // namespace spnode::core
