#include "core/kernels/gemm.hpp"

#include "core/kernels/pack.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace spnode::core {
namespace {

constexpr bool runs_on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, ExecSpace::memory_space>::accessible;

// A register tile is `rows` x 2 packs: with AVX-512 twenty accumulators, two of B and the broadcast entry of
// A fill the 32 registers; with 16 registers of half the width a smaller tile avoids spills.
#ifdef __AVX512F__
constexpr std::size_t max_rows = 10;
#else
constexpr std::size_t max_rows = 3;
#endif
constexpr std::size_t tile_columns = 2 * pack_width;
constexpr std::size_t lane_chunk = 64;  // lanes that gemm_nt transposes at a time, on the stack

// A row-major operand that is read entry by entry: a(i, k) = data[i row + k column].
struct Broadcast {
  const double* data;
  std::size_t row, column;
};

// acc(i, :) = sum_k a(i, k) b(k, :) for `Rows` rows and `Packs` packs of columns.
template <std::size_t Rows, std::size_t Packs>
inline void multiply(Broadcast a, const double* b, std::size_t b_stride, std::size_t depth,
                     Pack (&acc)[Rows][Packs]) {
  for (std::size_t i = 0; i < Rows; ++i)
    for (std::size_t p = 0; p < Packs; ++p) acc[i][p] = Pack{};
  for (std::size_t k = 0; k < depth; ++k) {
    Pack column[Packs];
    for (std::size_t p = 0; p < Packs; ++p) column[p] = load(b + k * b_stride + p * pack_width);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Rows; ++i) {
      const double entry = a.data[i * a.row + k * a.column];
#pragma GCC unroll 2
      for (std::size_t p = 0; p < Packs; ++p) acc[i][p] += entry * column[p];
    }
  }
}

template <std::size_t Packs>
struct LaneTile {
  template <std::size_t Rows>
  static void run(double alpha, Broadcast a, const double* b, std::size_t b_stride, std::size_t depth,
                  double beta, double* c, std::size_t c_stride) {
    Pack acc[Rows][Packs];
    multiply<Rows, Packs>(a, b, b_stride, depth, acc);
    for (std::size_t i = 0; i < Rows; ++i)
      for (std::size_t p = 0; p < Packs; ++p) {
        double* const to = c + i * c_stride + p * pack_width;
        store(to, beta == 0.0 ? alpha * acc[i][p] : beta * load(to) + alpha * acc[i][p]);
      }
  }
};

// The number of rows is a run-time value; the body needs it at compile time.
template <class Tile, std::size_t... I, class... Args>
inline void dispatch_rows(std::size_t rows, std::index_sequence<I...>, Args... args) {
  (void)((rows == I + 1 ? (Tile::template run<I + 1>(args...), true) : false) || ...);
}
template <class Tile, class... Args>
inline void with_rows(std::size_t rows, Args... args) {
  dispatch_rows<Tile>(rows, std::make_index_sequence<max_rows>{}, args...);
}

// Rows in blocks of nearly equal height.
struct RowBlocks {
  explicit RowBlocks(std::size_t rows_) : rows(rows_), count((rows_ + max_rows - 1) / max_rows) {}
  std::size_t begin(std::size_t block) const { return block * rows / count; }
  std::size_t rows, count;
};

void gemm_scalar_lanes(double alpha, Broadcast a, const ConstMatrixView& B, std::size_t lane, double beta,
                       const MatrixView& C) {
  for (std::size_t i = 0; i < C.extent(0); ++i) {
    double sum = 0.0;
    for (std::size_t k = 0; k < B.extent(0); ++k) sum += a.data[i * a.row + k * a.column] * B(k, lane);
    C(i, lane) = beta == 0.0 ? alpha * sum : beta * C(i, lane) + alpha * sum;
  }
}

void gemm_host(const ExecSpace& space, double alpha, Broadcast a, const ConstMatrixView& B, double beta,
               const MatrixView& C) {
  const std::size_t lanes = C.extent(1), depth = B.extent(0);
  const std::size_t b_stride = B.stride_0(), c_stride = C.stride_0();
  const std::size_t lane_blocks = (lanes + tile_columns - 1) / tile_columns;
  const RowBlocks blocks(C.extent(0));
  if (blocks.count == 0) return;
  Kokkos::parallel_for(
      "spnode::core::gemm", Kokkos::RangePolicy<ExecSpace>(space, 0, lane_blocks * blocks.count),
      [=](const std::size_t task) {
        const std::size_t lane = task / blocks.count * tile_columns, block = task % blocks.count;
        const std::size_t first = blocks.begin(block), rows = blocks.begin(block + 1) - first;
        const std::size_t left = lanes - lane;
        const Broadcast a_rows{a.data + first * a.row, a.row, a.column};
        const double* const b = B.data() + lane;
        double* const c = C.data() + first * c_stride + lane;
        if (left >= tile_columns) {
          with_rows<LaneTile<2>>(rows, alpha, a_rows, b, b_stride, depth, beta, c, c_stride);
          return;
        }
        if (left >= pack_width)
          with_rows<LaneTile<1>>(rows, alpha, a_rows, b, b_stride, depth, beta, c, c_stride);
        if (block == 0)
          for (std::size_t l = lane + left / pack_width * pack_width; l < lanes; ++l)
            gemm_scalar_lanes(alpha, a, B, l, beta, C);
      });
}

// A block of columns of C in gemm_nt: B's lanes were transposed to `bt` (lanes, tile_columns).
template <std::size_t Packs>
struct OuterTile {
  template <std::size_t Rows>
  static void run(double alpha, Broadcast a, const double* bt, std::size_t depth, double* c,
                  std::size_t c_stride, std::size_t columns) {
    Pack acc[Rows][Packs];
    multiply<Rows, Packs>(a, bt, tile_columns, depth, acc);
    for (std::size_t i = 0; i < Rows; ++i) {
      double* const to = c + i * c_stride;
      if (columns == Packs * pack_width) {
        for (std::size_t p = 0; p < Packs; ++p)
          store(to + p * pack_width, load(to + p * pack_width) + alpha * acc[i][p]);
      } else {
        for (std::size_t j = 0; j < columns; ++j) to[j] += alpha * acc[i][j / pack_width][j % pack_width];
      }
    }
  }
};

// Rows [first, first + columns) and lanes [lane, lane + count) of B to bt (count, tile_columns), zeros
// beside.
void transpose_lanes(const ConstMatrixView& B, std::size_t first, std::size_t columns, std::size_t lane,
                     std::size_t count, double* bt) {
  const std::size_t whole = count / pack_width * pack_width;
  for (std::size_t j = 0; j < tile_columns; j += pack_width)
    for (std::size_t l = 0; l < whole; l += pack_width) {
      Pack block[pack_width];
      for (std::size_t i = 0; i < pack_width; ++i)
        block[i] = j + i < columns ? load(&B(first + j + i, lane + l)) : Pack{};
      transpose(block);
      for (std::size_t i = 0; i < pack_width; ++i) store(bt + (l + i) * tile_columns + j, block[i]);
    }
  for (std::size_t l = whole; l < count; ++l)
    for (std::size_t j = 0; j < tile_columns; ++j)
      bt[l * tile_columns + j] = j < columns ? B(first + j, lane + l) : 0.0;
}

void gemm_nt_host(const ExecSpace& space, double alpha, const ConstMatrixView& A, const ConstMatrixView& B,
                  const MatrixView& C) {
  const std::size_t lanes = A.extent(1), a_stride = A.stride_0(), c_stride = C.stride_0();
  const std::size_t column_blocks = (C.extent(1) + tile_columns - 1) / tile_columns;
  const RowBlocks blocks(C.extent(0));
  Kokkos::parallel_for(
      "spnode::core::gemm_nt", Kokkos::RangePolicy<ExecSpace>(space, 0, column_blocks),
      [=](const std::size_t column_block) {
        alignas(64) std::array<double, lane_chunk * tile_columns> bt;
        const std::size_t column = column_block * tile_columns;
        const std::size_t columns = std::min<std::size_t>(tile_columns, C.extent(1) - column);
        for (std::size_t lane = 0; lane < lanes; lane += lane_chunk) {
          const std::size_t count = std::min(lane_chunk, lanes - lane);
          transpose_lanes(B, column, columns, lane, count, bt.data());
          for (std::size_t block = 0; block < blocks.count; ++block) {
            const std::size_t first = blocks.begin(block), rows = blocks.begin(block + 1) - first;
            const Broadcast a{A.data() + first * a_stride + lane, a_stride, 1};
            double* const c = C.data() + first * c_stride + column;
            if (columns > pack_width)
              with_rows<OuterTile<2>>(rows, alpha, a, bt.data(), count, c, c_stride, columns);
            else
              with_rows<OuterTile<1>>(rows, alpha, a, bt.data(), count, c, c_stride, columns);
          }
        }
      });
}

}  // namespace

void gemm(const ExecSpace& space, double alpha, ConstMatrixView A, Transpose transpose, ConstMatrixView B,
          double beta, MatrixView C) {
  const bool transposed = transpose == Transpose::yes;
  if constexpr (runs_on_host) {
    const std::size_t stride = A.stride_0();
    const Broadcast a{A.data(), transposed ? 1 : stride, transposed ? stride : 1};
    gemm_host(space, alpha, a, B, beta, C);
  } else {
    const std::size_t lanes = C.extent(1), depth = B.extent(0);
    Kokkos::parallel_for(
        "spnode::core::gemm", Kokkos::RangePolicy<ExecSpace>(space, 0, C.extent(0) * lanes),
        KOKKOS_LAMBDA(const std::size_t entry) {
          const std::size_t i = entry / lanes, l = entry % lanes;
          double sum = 0.0;
          for (std::size_t k = 0; k < depth; ++k) sum += (transposed ? A(k, i) : A(i, k)) * B(k, l);
          C(i, l) = beta == 0.0 ? alpha * sum : beta * C(i, l) + alpha * sum;
        });
  }
}

void gemm_nt(const ExecSpace& space, double alpha, ConstMatrixView A, ConstMatrixView B, MatrixView C) {
  if constexpr (runs_on_host) {
    gemm_nt_host(space, alpha, A, B, C);
  } else {
    const std::size_t columns = C.extent(1), lanes = A.extent(1);
    Kokkos::parallel_for(
        "spnode::core::gemm_nt", Kokkos::RangePolicy<ExecSpace>(space, 0, C.extent(0) * columns),
        KOKKOS_LAMBDA(const std::size_t entry) {
          const std::size_t i = entry / columns, j = entry % columns;
          double sum = 0.0;
          for (std::size_t l = 0; l < lanes; ++l) sum += A(i, l) * B(j, l);
          C(i, j) += alpha * sum;
        });
  }
}

}  // namespace spnode::core
