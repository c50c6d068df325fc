#pragma once
/// Views and index types shared by all of core.
///
/// Conventions: a *lane* is one trajectory of a tile; a batch of vectors is a matrix (components, lanes), row
/// major, so that lanes are contiguous and kernels vectorise over them.
///
/// Labels of kernels have at most 15 characters: Kokkos makes a std::string of them at every launch, which
/// then needs no memory.
///
/// `Real` is the scalar of a tile, double or float. What exists once for all tiles (parameters, matrix
/// functions, sums over tiles) is double whatever the tiles are, and stands on the host in spans.

#include "core/memory/memory_space.hpp"

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace spnode::core {

using Device = Kokkos::Device<ExecSpace, MemorySpace>;
using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;

/// Whether kernels work in memory of the host: there they are written for vector registers and caches,
/// elsewhere with one task per entry. Where it is false the host touches arrays by copies only.
inline constexpr bool runs_on_host = Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

/// Owning arrays in the memory of ExecSpace.
template <class Real>
using Vector = Kokkos::View<Real*, Kokkos::LayoutRight, Device>;
template <class Real>
using Matrix = Kokkos::View<Real**, Kokkos::LayoutRight, Device>;

/// Arguments of kernels: not owning, cheap to copy; a column range of a matrix keeps its row stride.
template <class Real>
using VectorView = Kokkos::View<Real*, Kokkos::LayoutRight, Device, Unmanaged>;
template <class Real>
using MatrixView = Kokkos::View<Real**, Kokkos::LayoutRight, Device, Unmanaged>;
template <class Real>
using ConstVectorView = Kokkos::View<const Real*, Kokkos::LayoutRight, Device, Unmanaged>;
template <class Real>
using ConstMatrixView = Kokkos::View<const Real**, Kokkos::LayoutRight, Device, Unmanaged>;

/// Inputs of function templates: not deduced (Real comes from the output), so that all that converts is
/// taken.
template <class Real>
using InputVector = ConstVectorView<std::type_identity_t<Real>>;
template <class Real>
using InputMatrix = ConstMatrixView<std::type_identity_t<Real>>;

/// After the host has filled the mirror view of an array: copies it where it is not the array itself.
/// Kokkos::deep_copy would find that out too, but allocates labels on the way.
template <class Array, class Mirror>
void update_from(const Array& array, const Mirror& mirror) {
  if constexpr (!runs_on_host) Kokkos::deep_copy(array, mirror);
}

/// Numbers of the host, rounded to Real, into an array of any shape with as many entries.
template <class Array>
void upload(std::span<const double> from, const Array& to) {
  const auto host = Kokkos::create_mirror_view(to);
  for (std::size_t i = 0; i < from.size(); ++i) host.data()[i] = typename Array::value_type(from[i]);
  update_from(to, host);
}

/// The entries of an array as doubles of the host.
template <class Array>
void download(const Array& from, std::span<double> to) {
  const auto copy = [to](const auto& host) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = double(host.data()[i]);
  };
  if constexpr (runs_on_host)
    copy(from);
  else
    copy(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), from));
}

}  // namespace spnode::core
