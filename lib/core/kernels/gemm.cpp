#include "core/kernels/gemm.hpp"

#include "core/kernels/register_tile.hpp"

#include <algorithm>
#include <array>

namespace spnode::core {
namespace {

constexpr bool runs_on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, ExecSpace::memory_space>::accessible;

constexpr std::size_t lane_chunk = 64;  // lanes that gemm_nt transposes at a time, on the stack

template <class Real, std::size_t Packs>
struct LaneTile {
  template <std::size_t Rows>
  static void run(Real alpha, Broadcast<Real> a, const ConstMatrixStack<Real>& B, std::size_t lane, Real beta,
                  Real* c, std::size_t c_stride) {
    Pack<Real> acc[Rows][Packs] = {};
    for (std::size_t i = 0; i < B.count; ++i) {
      const ConstMatrixView<Real>& block = B.block[i];
      multiply_add<Real, Rows, Packs>(a, block.data() + lane, block.stride_0(), block.extent(0), acc);
      a.data += block.extent(0) * a.column;
    }
    for (std::size_t i = 0; i < Rows; ++i)
      for (std::size_t p = 0; p < Packs; ++p) {
        Real* const to = c + i * c_stride + p * pack_width<Real>;
        store(to, beta == Real(0) ? alpha * acc[i][p] : beta * load(to) + alpha * acc[i][p]);
      }
  }
};

template <class Real>
void gemm_scalar_lanes(Real alpha, Broadcast<Real> a, const ConstMatrixStack<Real>& B, std::size_t lane,
                       Real beta, const MatrixView<Real>& C) {
  const std::size_t depth = B.rows();
  for (std::size_t i = 0; i < C.extent(0); ++i) {
    Real sum = 0;
    for (std::size_t k = 0; k < depth; ++k) sum += a.data[i * a.row + k * a.column] * B.row(k)[lane];
    C(i, lane) = beta == Real(0) ? alpha * sum : beta * C(i, lane) + alpha * sum;
  }
}

template <class Real>
void gemm_host(const ExecSpace& space, Real alpha, Broadcast<Real> a, const ConstMatrixStack<Real>& B,
               Real beta, const MatrixView<Real>& C) {
  constexpr std::size_t tile = tile_columns<Real>, width = pack_width<Real>;
  const std::size_t lanes = C.extent(1), c_stride = C.stride_0();
  const std::size_t lane_blocks = (lanes + tile - 1) / tile;
  const RowBlocks blocks(C.extent(0));
  if (blocks.count == 0) return;
  Kokkos::parallel_for(
      "spnode::core::gemm", Kokkos::RangePolicy<ExecSpace>(space, 0, lane_blocks * blocks.count),
      [=](const std::size_t task) {
        const std::size_t lane = task / blocks.count * tile, block = task % blocks.count;
        const std::size_t first = blocks.begin(block), rows = blocks.begin(block + 1) - first;
        const std::size_t left = lanes - lane;
        const Broadcast<Real> a_rows{a.data + first * a.row, a.row, a.column};
        Real* const c = C.data() + first * c_stride + lane;
        if (left >= tile) {
          with_rows<LaneTile<Real, 2>>(rows, alpha, a_rows, B, lane, beta, c, c_stride);
          return;
        }
        if (left >= width) with_rows<LaneTile<Real, 1>>(rows, alpha, a_rows, B, lane, beta, c, c_stride);
        if (block == 0)
          for (std::size_t l = lane + left / width * width; l < lanes; ++l)
            gemm_scalar_lanes(alpha, a, B, l, beta, C);
      });
}

// A block of columns of C in gemm_nt: B's lanes were transposed to `bt` (lanes, tile_columns).
template <class Real, std::size_t Packs>
struct OuterTile {
  template <std::size_t Rows>
  static void run(Real alpha, Broadcast<Real> a, const Real* bt, std::size_t depth, Real* c,
                  std::size_t c_stride, std::size_t columns) {
    constexpr std::size_t width = pack_width<Real>;
    Pack<Real> acc[Rows][Packs] = {};
    multiply_add<Real, Rows, Packs>(a, bt, tile_columns<Real>, depth, acc);
    for (std::size_t i = 0; i < Rows; ++i) {
      Real* const to = c + i * c_stride;
      if (columns == Packs * width) {
        for (std::size_t p = 0; p < Packs; ++p)
          store(to + p * width, load(to + p * width) + alpha * acc[i][p]);
      } else {
        for (std::size_t j = 0; j < columns; ++j) to[j] += alpha * acc[i][j / width][j % width];
      }
    }
  }
};

// Rows [first, first + columns) and lanes [lane, lane + count) of B to bt (count, tile_columns), zeros
// beside.
template <class Real>
void transpose_lanes(const ConstMatrixStack<Real>& B, std::size_t first, std::size_t columns,
                     std::size_t lane, std::size_t count, Real* bt) {
  constexpr std::size_t tile = tile_columns<Real>, width = pack_width<Real>;
  const std::size_t whole = count / width * width;
  std::array<const Real*, tile> row;
  for (std::size_t j = 0; j < columns; ++j) row[j] = B.row(first + j) + lane;
  for (std::size_t j = 0; j < tile; j += width)
    for (std::size_t l = 0; l < whole; l += width) {
      Pack<Real> block[width];
      for (std::size_t i = 0; i < width; ++i)
        block[i] = j + i < columns ? load(row[j + i] + l) : Pack<Real>{};
      transpose<Real>(block);
      for (std::size_t i = 0; i < width; ++i) store(bt + (l + i) * tile + j, block[i]);
    }
  for (std::size_t l = whole; l < count; ++l)
    for (std::size_t j = 0; j < tile; ++j) bt[l * tile + j] = j < columns ? row[j][l] : Real(0);
}

template <class Real>
void gemm_nt_host(const ExecSpace& space, Real alpha, const ConstMatrixView<Real>& A,
                  const ConstMatrixStack<Real>& B, const MatrixView<Real>& C) {
  constexpr std::size_t tile = tile_columns<Real>;
  const std::size_t lanes = A.extent(1), a_stride = A.stride_0(), c_stride = C.stride_0();
  const std::size_t column_blocks = (C.extent(1) + tile - 1) / tile;
  const RowBlocks blocks(C.extent(0));
  Kokkos::parallel_for(
      "spnode::core::gemm_nt", Kokkos::RangePolicy<ExecSpace>(space, 0, column_blocks),
      [=](const std::size_t column_block) {
        alignas(64) std::array<Real, lane_chunk * tile> bt;
        const std::size_t column = column_block * tile;
        const std::size_t columns = std::min<std::size_t>(tile, C.extent(1) - column);
        for (std::size_t lane = 0; lane < lanes; lane += lane_chunk) {
          const std::size_t count = std::min(lane_chunk, lanes - lane);
          transpose_lanes(B, column, columns, lane, count, bt.data());
          for (std::size_t block = 0; block < blocks.count; ++block) {
            const std::size_t first = blocks.begin(block), rows = blocks.begin(block + 1) - first;
            const Broadcast<Real> a{A.data() + first * a_stride + lane, a_stride, 1};
            Real* const c = C.data() + first * c_stride + column;
            if (columns > pack_width<Real>)
              with_rows<OuterTile<Real, 2>>(rows, alpha, a, bt.data(), count, c, c_stride, columns);
            else
              with_rows<OuterTile<Real, 1>>(rows, alpha, a, bt.data(), count, c, c_stride, columns);
          }
        }
      });
}

}  // namespace

template <class Real>
void gemm(const ExecSpace& space, double alpha, InputMatrix<Real> A, Transpose transpose,
          const InputStack<Real>& B, double beta, MatrixView<Real> C) {
  const bool transposed = transpose == Transpose::yes;
  if constexpr (runs_on_host) {
    const std::size_t stride = A.stride_0();
    const Broadcast<Real> a{A.data(), transposed ? 1 : stride, transposed ? stride : 1};
    gemm_host<Real>(space, Real(alpha), a, B, Real(beta), C);
  } else {
    const std::size_t lanes = C.extent(1), depth = B.rows();
    const ConstMatrixStack<Real> stack = B;
    const Real factor = Real(alpha), keep = Real(beta);
    Kokkos::parallel_for(
        "spnode::core::gemm", Kokkos::RangePolicy<ExecSpace>(space, 0, C.extent(0) * lanes),
        KOKKOS_LAMBDA(const std::size_t entry) {
          const std::size_t i = entry / lanes, l = entry % lanes;
          Real sum = 0;
          for (std::size_t k = 0; k < depth; ++k) sum += (transposed ? A(k, i) : A(i, k)) * stack.row(k)[l];
          C(i, l) = keep == Real(0) ? factor * sum : keep * C(i, l) + factor * sum;
        });
  }
}

template <class Real>
void gemm_nt(const ExecSpace& space, double alpha, InputMatrix<Real> A, const InputStack<Real>& B,
             MatrixView<Real> C) {
  if constexpr (runs_on_host) {
    gemm_nt_host<Real>(space, Real(alpha), A, B, C);
  } else {
    const std::size_t columns = C.extent(1), lanes = A.extent(1);
    const ConstMatrixStack<Real> stack = B;
    const Real factor = Real(alpha);
    Kokkos::parallel_for(
        "spnode::core::gemm_nt", Kokkos::RangePolicy<ExecSpace>(space, 0, C.extent(0) * columns),
        KOKKOS_LAMBDA(const std::size_t entry) {
          const std::size_t i = entry / columns, j = entry % columns;
          Real sum = 0;
          for (std::size_t l = 0; l < lanes; ++l) sum += A(i, l) * stack.row(j)[l];
          C(i, j) += factor * sum;
        });
  }
}

#define SPNODE_INSTANTIATE(Real)                                                                      \
  template void gemm(const ExecSpace&, double, InputMatrix<Real>, Transpose, const InputStack<Real>&, \
                     double, MatrixView<Real>);                                                       \
  template void gemm_nt(const ExecSpace&, double, InputMatrix<Real>, const InputStack<Real>&,         \
                        MatrixView<Real>);
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
