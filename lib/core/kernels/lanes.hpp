#pragma once
/// How the lanes of a tile are laid out and dealt to tasks.

#include "core/kernels/vector_unit.hpp"
#include "core/memory/types.hpp"

#include <cstddef>

namespace spnode::core {

/// Lanes in a vector register: what kernels of the host take at a time.
template <class Real>
inline constexpr std::size_t pack_width = vector_unit.bytes / sizeof(Real);

/// Packs of lanes or columns that kernels take at a time, and as many lanes.
inline constexpr std::size_t tile_packs = vector_unit.packs;
template <class Real>
inline constexpr std::size_t tile_columns = tile_packs* pack_width<Real>;

/// Lanes rounded up so that whole packs can be loaded.
template <class Real>
constexpr std::size_t padded(std::size_t lanes) {
  return (lanes + pack_width<Real> - 1) / pack_width<Real> * pack_width<Real>;
}

/// body(i, first, last) for parts [first, last) of the lanes of rows i: whole rows on the host, where the
/// body's loops over lanes vectorise, single entries on a device.
template <class Body>
void for_each_row(const char* label, const ExecSpace& space, std::size_t rows, std::size_t lanes,
                  const Body& body) {
  const std::size_t width = runs_on_host ? lanes : 1, parts = runs_on_host ? 1 : lanes;
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows * parts), KOKKOS_LAMBDA(const std::size_t task) {
        const std::size_t first = task % parts * width;
        body(task / parts, first, first + width);
      });
}

}  // namespace spnode::core
