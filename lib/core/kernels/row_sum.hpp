#pragma once
/// Sums over the lanes of a row, in an order that vectorises.

#include "core/memory/types.hpp"

#include <cstddef>

namespace spnode::core {

/// sum_l term(l): Sum(term(l)) in ascending order within each of eight strands of lanes, then over the
/// strands, half to half.
template <class Sum, class Term>
KOKKOS_INLINE_FUNCTION Sum row_sum(std::size_t lanes, const Term& term) {
  constexpr std::size_t strands = 8;
  Sum strand[strands] = {};
  const std::size_t whole = lanes / strands * strands;
  for (std::size_t l = 0; l < whole; l += strands)
    for (std::size_t j = 0; j < strands; ++j) strand[j] += Sum(term(l + j));
  for (std::size_t l = whole; l < lanes; ++l) strand[l - whole] += Sum(term(l));
  for (std::size_t half = strands / 2; half > 0; half /= 2)
    for (std::size_t j = 0; j < half; ++j) strand[j] += strand[j + half];
  return strand[0];
}

}  // namespace spnode::core
