#pragma once
/// Products with matrices of which every lane of a tile has its own: that of the step it takes. Not
/// collective.

#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"
#include "core/linear/linear_part.hpp"
#include "core/memory/scratch.hpp"

#include <algorithm>
#include <array>

namespace spnode::core {

/// The matrices of one operator, one for each distinct step: (n, columns), row major, at
/// data + step * stride + offset.
template <class Real>
struct LaneMatrices {
  const Real* data;
  std::size_t stride, offset, n, columns;

  ConstMatrixView<Real> of(std::size_t step) const {
    return ConstMatrixView<Real>(data + step * stride + offset, n, columns);
  }
};

namespace lane_matrices {

/// Lanes that take the same step, at most `most` of them, in ascending order.
struct Group {
  static constexpr std::size_t most = 64;
  std::array<std::size_t, most> lane;
  std::size_t count = 0, step = 0;
};

/// action(group) for groups that together hold every lane once.
template <class Real, class Action>
void for_each_group(const StepLengths<Real>& steps, Action&& action) {
  const auto index = steps.index;
  const std::size_t lanes = index.extent(0);
  for (std::size_t first = 0; first < lanes; ++first) {
    if (std::find(index.data(), index.data() + first, index(first)) != index.data() + first) continue;
    Group group;
    group.step = index(first);
    for (std::size_t l = first; l < lanes; ++l) {
      if (index(l) == index(first)) group.lane[group.count++] = l;
      if (group.count == Group::most || (l + 1 == lanes && group.count > 0)) {
        action(group);
        group.count = 0;
      }
    }
  }
}

/// Room for the gathered lanes of any group of a tile.
template <class Real>
MatrixView<Real> room(std::size_t rows, std::size_t lanes, Scratch<Real>& scratch) {
  return scratch.matrix(rows, padded<Real>(std::min(lanes, Group::most)));
}

/// The lanes of a group side by side at the start of `room`, zeros up to a whole pack.
template <class Real>
MatrixView<Real> gather(const Group& group, const InputStack<Real>& X, MatrixView<Real> room) {
  const MatrixView<Real> gathered = lanes_of(room, 0, padded<Real>(group.count));
  for (std::size_t i = 0; i < gathered.extent(0); ++i) {
    const Real* const x = X.row(i);
    for (std::size_t k = 0; k < group.count; ++k) gathered(i, k) = x[group.lane[k]];
    for (std::size_t k = group.count; k < gathered.extent(1); ++k) gathered(i, k) = 0;
  }
  return gathered;
}

/// The way back: X = or += what was gathered.
template <class Real>
void scatter(const Group& group, ConstMatrixView<Real> gathered, MatrixView<Real> X) {
  for (std::size_t i = 0; i < X.extent(0); ++i)
    for (std::size_t k = 0; k < group.count; ++k) X(i, group.lane[k]) = gathered(i, k);
}
template <class Real>
void scatter_add(const Group& group, ConstMatrixView<Real> gathered, const MatrixStack<Real>& X) {
  for (std::size_t i = 0; i < gathered.extent(0); ++i) {
    Real* const x = X.row(i);
    for (std::size_t k = 0; k < group.count; ++k) x[group.lane[k]] += gathered(i, k);
  }
}

using StepIndex = Kokkos::View<const std::uint32_t*, Device, Unmanaged>;

/// The kernels of a device, one task for each entry of the result. Functors: programs of nvcc 13 crash where
/// several files include a kernel that is a lambda.
template <class Real>
struct Product {
  LaneMatrices<Real> M;
  StepIndex index;
  ConstMatrixStack<Real> X;
  MatrixView<Real> out;

  KOKKOS_FUNCTION void operator()(std::size_t entry) const {
    const std::size_t i = entry / out.extent(1), l = entry % out.extent(1);
    const Real* const row = M.data + index(l) * M.stride + M.offset + i * M.columns;
    Real sum = 0;
    for (std::size_t j = 0; j < M.columns; ++j) sum += row[j] * X.row(j)[l];
    out(i, l) = sum;
  }
};

/// X_bar += M^T out_bar.
template <class Real>
struct StateBar {
  LaneMatrices<Real> M;
  StepIndex index;
  ConstMatrixView<Real> out_bar;
  MatrixStack<Real> X_bar;

  KOKKOS_FUNCTION void operator()(std::size_t entry) const {
    const std::size_t j = entry / out_bar.extent(1), l = entry % out_bar.extent(1);
    const Real* const matrix = M.data + index(l) * M.stride + M.offset;
    Real sum = 0;
    for (std::size_t i = 0; i < M.n; ++i) sum += matrix[i * M.columns + j] * out_bar(i, l);
    X_bar.row(j)[l] += sum;
  }
};

/// Adjoints of the matrices, one task for each entry: lanes are added in ascending order, without atomics.
template <class Real>
struct MatrixBar {
  LaneMatrices<Real> M;
  StepIndex index;
  ConstMatrixView<Real> out_bar;
  ConstMatrixStack<Real> X;
  Real* bar;

  KOKKOS_FUNCTION void operator()(std::size_t entry) const {
    const std::size_t i = entry / M.columns, j = entry % M.columns;
    for (std::size_t l = 0; l < out_bar.extent(1); ++l)
      bar[index(l) * M.stride + M.offset + entry] += out_bar(i, l) * X.row(j)[l];
  }
};

}  // namespace lane_matrices

/// out(:, l) = M_l X(:, l), M_l the matrix of lane l's step.
///
/// On the host the lanes of each step are brought side by side, so that the product is that of uniform tiles,
/// with the same bits, and reads a matrix once per step instead of once per lane: with eight steps in 64
/// lanes and the reverse sweep 5 times as fast for n = 16, 30 times for n = 256 (benchmark_matrix_functions).
template <class Real>
void apply_per_lane(const ExecSpace& space, const LaneMatrices<Real>& M, const StepLengths<Real>& steps,
                    const ConstMatrixStack<Real>& X, MatrixView<Real> out, Scratch<Real>& scratch) {
  if constexpr (runs_on_host) {
    const ScratchFrame<Real> frame(scratch);
    const MatrixView<Real> x_room = lane_matrices::room(M.columns, X.lanes(), scratch),
                           y_room = lane_matrices::room(M.n, X.lanes(), scratch);
    lane_matrices::for_each_group(steps, [&](const lane_matrices::Group& group) {
      const MatrixView<Real> x = lane_matrices::gather(group, X, x_room);
      const MatrixView<Real> y = lanes_of(y_room, 0, x.extent(1));
      gemm<Real>(space, 1.0, M.of(group.step), Transpose::no, x, 0.0, y);
      lane_matrices::scatter<Real>(group, y, out);
    });
  } else {
    Kokkos::parallel_for("per_lane", Kokkos::RangePolicy<ExecSpace>(space, 0, M.n * X.lanes()),
                         lane_matrices::Product<Real>{M, steps.index, X, out});
  }
}

/// The adjoint of apply_per_lane(): adds to X_bar and to the matrices' adjoints, laid out as they are from
/// reverse.bar.data().
template <class Real>
void apply_per_lane_vjp(const ExecSpace& space, const LaneMatrices<Real>& M, const StepLengths<Real>& steps,
                        const typename LinearPart<Real>::Reverse& reverse, Scratch<Real>& scratch) {
  Real* const bar = reverse.bar.data();
  if constexpr (runs_on_host) {
    const ScratchFrame<Real> frame(scratch);
    const MatrixView<Real> x_room = lane_matrices::room(M.columns, reverse.X.lanes(), scratch),
                           y_room = lane_matrices::room(M.n, reverse.X.lanes(), scratch);
    lane_matrices::for_each_group(steps, [&](const lane_matrices::Group& group) {
      const MatrixView<Real> y_bar = lane_matrices::gather(group, reverse.out_bar, y_room);
      const MatrixView<Real> x = lane_matrices::gather(group, reverse.X, x_room);
      gemm_nt<Real>(space, 1.0, y_bar, x,
                    MatrixView<Real>(bar + group.step * M.stride + M.offset, M.n, M.columns));
      gemm<Real>(space, 1.0, M.of(group.step), Transpose::yes, y_bar, 0.0, x);
      lane_matrices::scatter_add<Real>(group, x, reverse.X_bar);
    });
  } else {
    Kokkos::parallel_for("per_lane_vjp",
                         Kokkos::RangePolicy<ExecSpace>(space, 0, M.columns * reverse.X.lanes()),
                         lane_matrices::StateBar<Real>{M, steps.index, reverse.out_bar, reverse.X_bar});
    Kokkos::parallel_for("per_lane_vjp", Kokkos::RangePolicy<ExecSpace>(space, 0, M.n * M.columns),
                         lane_matrices::MatrixBar<Real>{M, steps.index, reverse.out_bar, reverse.X, bar});
  }
}

}  // namespace spnode::core
