#include "core/kernels/gemm.hpp"

#include "core/kernels/register_tile.hpp"

#include <algorithm>
#include <array>

namespace spnode::core {
namespace {

constexpr std::size_t lane_chunk = 64;  // lanes that gemm_nt transposes at a time, on the stack
// The rows of B lie a power of two of bytes apart, so that few of them fit in the first-level cache together.
// Products of so many rows of C and of B first copy the lanes of a tile to one piece, as far as it has room.
constexpr std::size_t copied_rows = 64, copied_bytes = 32 * 1024;

// What a product becomes: C = product, C += product, C = beta C + alpha product.
enum class Update { overwrite, add, general };

template <class Real>
struct LaneProduct {
  Real alpha, beta;
  Broadcast<Real> a;
  const ConstMatrixStack<Real>& B;
  const MatrixView<Real>& C;
};

// Blocks of Rows rows from `row` on, for the packs of lanes from `lane` on. copied: these lanes of B in one
// piece, or null.
template <class Real, std::size_t Packs, Update update>
struct LaneTile {
  static constexpr std::size_t packs = Packs;
  template <std::size_t Rows>
  static void run(std::size_t row, std::size_t blocks, const LaneProduct<Real>& product, std::size_t lane,
                  const Real* copied) {
    const std::size_t stride = product.C.stride_0();
    for (std::size_t block = 0; block < blocks; ++block, row += Rows) {
      Broadcast<Real> a{product.a.data + row * product.a.row, product.a.row, product.a.column};
      Real* const c = product.C.data() + row * stride + lane;
      RegisterTile<Real, Rows, Packs> tile;
      if (copied != nullptr) tile.multiply_add(a, copied, Packs * pack_width<Real>, product.B.rows());
      for (std::size_t i = 0; i < product.B.count && copied == nullptr; ++i) {
        const ConstMatrixView<Real>& b = product.B.block[i];
        tile.multiply_add(a, b.data() + lane, b.stride_0(), b.extent(0));
        a.data += b.extent(0) * a.column;
      }
      if constexpr (update == Update::overwrite)
        tile.store_to(c, stride);
      else if constexpr (update == Update::add)
        tile.add_to(c, stride);
      else
        tile.for_each([&](const Pack<Real>& entry, std::size_t i, std::size_t j) {
          Real* const to = c + i * stride + j;
          const Pack<Real> value = product.alpha * entry;
          store(to, product.beta == Real(0) ? value : product.beta * load(to) + value);
        });
    }
  }
};

template <class Real, std::size_t Packs>
void row_blocks(const LaneProduct<Real>& product, std::size_t lane, const Real* copied) {
  const std::size_t rows = product.C.extent(0);
  if (product.alpha == Real(1) && product.beta == Real(0))
    for_row_blocks<LaneTile<Real, Packs, Update::overwrite>>(rows, product, lane, copied);
  else if (product.alpha == Real(1) && product.beta == Real(1))
    for_row_blocks<LaneTile<Real, Packs, Update::add>>(rows, product, lane, copied);
  else
    for_row_blocks<LaneTile<Real, Packs, Update::general>>(rows, product, lane, copied);
}

template <class Real, std::size_t Packs>
void lane_block(const LaneProduct<Real>& product, std::size_t lane) {
  constexpr std::size_t width = Packs * pack_width<Real>, room = copied_bytes / sizeof(Real) / width;
  const std::size_t depth = product.B.rows();
  if (product.C.extent(0) < copied_rows || depth < copied_rows || depth > room)
    return row_blocks<Real, Packs>(product, lane, nullptr);
  alignas(64) std::array<Real, room * width> copied;
  for (std::size_t k = 0; k < depth; ++k) {
    const Real* const row = product.B.row(k) + lane;
    for (std::size_t j = 0; j < width; j += pack_width<Real>)
      store(copied.data() + k * width + j, load(row + j));
  }
  row_blocks<Real, Packs>(product, lane, copied.data());
}

template <class Real>
void scalar_lane(const LaneProduct<Real>& product, std::size_t lane) {
  const auto& [alpha, beta, a, B, C] = product;
  const std::size_t depth = B.rows();
  for (std::size_t i = 0; i < C.extent(0); ++i) {
    Real sum = 0;
    for (std::size_t k = 0; k < depth; ++k) sum += a.data[i * a.row + k * a.column] * B.row(k)[lane];
    C(i, lane) = beta == Real(0) ? alpha * sum : beta * C(i, lane) + alpha * sum;
  }
}

// Lanes [lane, end), in tiles of at most Packs packs.
template <class Real, std::size_t Packs>
void lane_range(const LaneProduct<Real>& product, std::size_t lane, std::size_t end) {
  lane = for_lane_blocks<Real, Packs>(lane, end, [&](auto packs, std::size_t first) {
    lane_block<Real, decltype(packs)::value>(product, first);
  });
  for (; lane < end; ++lane) scalar_lane(product, lane);
}

template <class Real>
void gemm_host(const ExecSpace& space, const LaneProduct<Real>& product) {
  constexpr std::size_t tile = tile_columns<Real>;
  const std::size_t lanes = product.C.extent(1);
  // Every block of rows reads its lanes of B again: they should stay in the first-level cache.
  const bool deep = product.B.rows() * tile * sizeof(Real) > 16 * 1024;
  Kokkos::parallel_for("gemm", Kokkos::RangePolicy<ExecSpace>(space, 0, (lanes + tile - 1) / tile),
                       [=](const std::size_t task) {
                         const std::size_t lane = task * tile, end = std::min(lane + tile, lanes);
                         if (deep)
                           lane_range<Real, std::min<std::size_t>(2, tile_packs)>(product, lane, end);
                         else
                           lane_range<Real, tile_packs>(product, lane, end);
                       });
}

// Rows [first, first + columns) and lanes [lane, lane + count) of B to bt (count, tile_columns), zeros
// beside.
template <class Real>
void transpose_lanes(const ConstMatrixStack<Real>& B, std::size_t first, std::size_t columns,
                     std::size_t lane, std::size_t count, Real* bt) {
  constexpr std::size_t tile = tile_columns<Real>, width = pack_width<Real>;
  const std::size_t whole = count / width * width;
  std::array<const Real*, tile> row;
  for (std::size_t j = 0; j < columns; ++j) row[j] = B.row(first + j) + lane;
  for (std::size_t j = 0; j < columns; j += width)
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
  constexpr std::size_t width = pack_width<Real>;
  const std::size_t lanes = A.extent(1), packs = (C.extent(1) + width - 1) / width,
                    blocks = (packs + tile_packs - 1) / tile_packs;
  Kokkos::parallel_for("gemm_nt", Kokkos::RangePolicy<ExecSpace>(space, 0, blocks),
                       [=](const std::size_t block) {
                         alignas(64) std::array<Real, lane_chunk * tile_columns<Real>> bt;
                         const std::size_t column = block * packs / blocks * width;
                         const std::size_t end = std::min((block + 1) * packs / blocks * width, C.extent(1));
                         for (std::size_t lane = 0; lane < lanes; lane += lane_chunk) {
                           const std::size_t depth = std::min(lane_chunk, lanes - lane);
                           transpose_lanes(B, column, end - column, lane, depth, bt.data());
                           add_product<Real>(C.extent(0), {alpha,
                                                           {A.data() + lane, A.stride_0(), 1},
                                                           bt.data(),
                                                           depth,
                                                           C.data() + column,
                                                           C.stride_0(),
                                                           end - column});
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
    gemm_host<Real>(space, {Real(alpha), Real(beta), a, B, C});
  } else {
    const std::size_t lanes = C.extent(1), depth = B.rows();
    const ConstMatrixStack<Real> stack = B;
    const Real factor = Real(alpha), keep = Real(beta);
    Kokkos::parallel_for(
        "gemm", Kokkos::RangePolicy<ExecSpace>(space, 0, C.extent(0) * lanes),
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
        "gemm_nt", Kokkos::RangePolicy<ExecSpace>(space, 0, C.extent(0) * columns),
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
