#pragma once
/// Matrices one below the other.

#include "core/memory/types.hpp"

#include <concepts>
#include <type_traits>

namespace spnode::core {

/// Matrices with the same lanes, one below the other, each in its own memory: products take them as one.
template <class View>
struct Stack {
  static constexpr std::size_t most_blocks = 6;

  Stack() = default;
  template <std::convertible_to<View> Other>
  Stack(const Other& only) : block{View(only)}, count(1) {}
  void push_back(const View& next) { block[count++] = next; }

  std::size_t lanes() const { return block[0].extent(1); }
  KOKKOS_INLINE_FUNCTION std::size_t rows() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += block[i].extent(0);
    return sum;
  }

  /// Where row k of the whole starts.
  KOKKOS_INLINE_FUNCTION auto row(std::size_t k) const {
    std::size_t i = 0;
    while (k >= block[i].extent(0)) k -= block[i++].extent(0);
    return block[i].data() + k * block[i].stride_0();
  }

  Kokkos::Array<View, most_blocks> block;
  std::size_t count = 0;
};

template <class Real>
using MatrixStack = Stack<MatrixView<Real>>;
template <class Real>
using ConstMatrixStack = Stack<ConstMatrixView<Real>>;

/// Inputs of function templates: not deduced.
template <class Real>
using InputStack = ConstMatrixStack<std::type_identity_t<Real>>;

}  // namespace spnode::core
