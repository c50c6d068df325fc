#pragma once
/// Views and index types shared by all of core.
///
/// Conventions: a *lane* is one trajectory of a tile; a batch of vectors is a matrix (components, lanes), row
/// major, so that lanes are contiguous and kernels vectorise over them.

#include <Kokkos_Core.hpp>

#include <cstddef>

namespace spnode::core {

using ExecSpace = Kokkos::DefaultExecutionSpace;
using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;

/// Owning arrays in the memory of ExecSpace.
using Vector = Kokkos::View<double*, Kokkos::LayoutRight, ExecSpace>;
using Matrix = Kokkos::View<double**, Kokkos::LayoutRight, ExecSpace>;

/// Arguments of kernels: not owning, cheap to copy; a column range of a matrix keeps its row stride.
using VectorView = Kokkos::View<double*, Kokkos::LayoutRight, ExecSpace, Unmanaged>;
using MatrixView = Kokkos::View<double**, Kokkos::LayoutRight, ExecSpace, Unmanaged>;
using ConstVectorView = Kokkos::View<const double*, Kokkos::LayoutRight, ExecSpace, Unmanaged>;
using ConstMatrixView = Kokkos::View<const double**, Kokkos::LayoutRight, ExecSpace, Unmanaged>;

}  // namespace spnode::core
