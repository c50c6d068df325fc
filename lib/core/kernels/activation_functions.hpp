#pragma once
/// Activations entry by entry, with their first three derivatives. `kept` is what they follow from: the
/// argument where keeps_argument(), else the value.

#include "core/kernels/activation.hpp"

#include <Kokkos_Core.hpp>
#include <cmath>

namespace spnode::core {

/// (x + sqrt(x^2 + b)) / 2 (Barron 2021, arXiv:2112.11687): 1-Lipschitz, without saturation.
inline constexpr double squareplus_b = 0.1;

template <class Real>
KOKKOS_INLINE_FUNCTION Real logistic(Real x) {
  return Real(1) / (Real(1) + std::exp(-x));
}

/// An activation as a type, so that loops over entries are free of branches.
template <Activation sigma, class Real>
struct ActivationFunction {
  KOKKOS_INLINE_FUNCTION static Real value(Real x) {
    if constexpr (sigma == Activation::tanh) return std::tanh(x);
    if constexpr (sigma == Activation::squareplus) return (x + std::sqrt(x * x + Real(squareplus_b))) / 2;
    if constexpr (sigma == Activation::identity) return x;
    if constexpr (sigma == Activation::relu) return x > 0 ? x : Real(0);
    if constexpr (sigma == Activation::softplus)
      return (x > 0 ? x : Real(0)) + std::log1p(std::exp(-std::abs(x)));
    if constexpr (sigma == Activation::silu) return x * logistic(x);
    if constexpr (sigma == Activation::sin) return std::sin(x);
    if constexpr (sigma == Activation::square) return x * x;
  }

  KOKKOS_INLINE_FUNCTION static Real first(Real kept) {
    if constexpr (sigma == Activation::tanh) return Real(1) - kept * kept;
    if constexpr (sigma == Activation::squareplus) {
      // y - b / (4 y) = x, so y' = 1 / (1 + b / (4 y^2)).
      const Real square = 4 * kept * kept;
      return square / (square + Real(squareplus_b));
    }
    if constexpr (sigma == Activation::identity) return 1;
    if constexpr (sigma == Activation::relu) return kept > 0 ? Real(1) : Real(0);
    if constexpr (sigma == Activation::softplus) return -std::expm1(-kept);
    if constexpr (sigma == Activation::silu) {
      const Real s = logistic(kept);
      return s * (1 + kept * (1 - s));
    }
    if constexpr (sigma == Activation::sin) return std::cos(kept);
    if constexpr (sigma == Activation::square) return 2 * kept;
  }

  KOKKOS_INLINE_FUNCTION static Real second(Real kept) {
    if constexpr (sigma == Activation::tanh) return -2 * kept * (1 - kept * kept);
    if constexpr (sigma == Activation::squareplus) {
      // y'' = 8 b y / (4 y^2 + b)^2 y'.
      const Real square = 4 * kept * kept, sum = square + Real(squareplus_b);
      return 8 * Real(squareplus_b) * kept * square / (sum * sum * sum);
    }
    if constexpr (sigma == Activation::identity || sigma == Activation::relu) return 0;
    if constexpr (sigma == Activation::softplus) return -std::exp(-kept) * std::expm1(-kept);
    if constexpr (sigma == Activation::silu) {
      const Real s = logistic(kept);
      return s * (1 - s) * (2 + kept * (1 - 2 * s));
    }
    if constexpr (sigma == Activation::sin) return -std::sin(kept);
    if constexpr (sigma == Activation::square) return 2;
  }

  KOKKOS_INLINE_FUNCTION static Real third(Real kept) {
    if constexpr (sigma == Activation::tanh) {
      const Real square = kept * kept;
      return -2 * (1 - square) * (1 - 3 * square);
    }
    if constexpr (sigma == Activation::squareplus) {
      const Real b = Real(squareplus_b), square = 4 * kept * kept, sum = square + b;
      return 24 * b * (b - square) * square * square / (sum * sum * sum * sum * sum);
    }
    if constexpr (sigma == Activation::identity || sigma == Activation::relu || sigma == Activation::square)
      return 0;
    if constexpr (sigma == Activation::softplus) {
      const Real s = -std::expm1(-kept);
      return s * (1 - s) * (1 - 2 * s);
    }
    if constexpr (sigma == Activation::silu) {
      const Real s = logistic(kept), slope = s * (1 - s), turn = 1 - 2 * s;
      return slope * (turn * (3 + kept * turn) - 2 * kept * slope);
    }
    if constexpr (sigma == Activation::sin) return -std::cos(kept);
  }
};

/// action(ActivationFunction<sigma, Real>()).
template <class Real, class Action>
void with_activation(Activation sigma, Action&& action) {
  switch (sigma) {
    case Activation::tanh:
      return action(ActivationFunction<Activation::tanh, Real>());
    case Activation::squareplus:
      return action(ActivationFunction<Activation::squareplus, Real>());
    case Activation::identity:
      return action(ActivationFunction<Activation::identity, Real>());
    case Activation::relu:
      return action(ActivationFunction<Activation::relu, Real>());
    case Activation::softplus:
      return action(ActivationFunction<Activation::softplus, Real>());
    case Activation::silu:
      return action(ActivationFunction<Activation::silu, Real>());
    case Activation::sin:
      return action(ActivationFunction<Activation::sin, Real>());
    case Activation::square:
      return action(ActivationFunction<Activation::square, Real>());
  }
}

}  // namespace spnode::core
