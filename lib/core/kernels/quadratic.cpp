#include "core/kernels/quadratic.hpp"

#include "core/kernels/register_tile.hpp"

#include <algorithm>
#include <array>

namespace spnode::core {
namespace {

// Monomials of a lane block that are in first-level cache at a time.
template <class Real>
constexpr std::size_t chunk = (28 << 10) / (tile_columns<Real> * sizeof(Real));
// Of the coefficients that Y takes at a time, since it takes a column of them for each monomial.
constexpr std::size_t forward_bytes = 20 << 10;
// Monomials, lanes and outputs that Q_bar takes at a time: 16 KiB of monomials in double.
constexpr std::size_t bar_chunk = 32, lane_chunk = 64, output_chunk = 64;

// Where x_j x_k stands among the monomials.
KOKKOS_INLINE_FUNCTION std::size_t position(std::size_t j, std::size_t k, std::size_t n) {
  return j <= k ? j * n - j * (j + 1) / 2 + k : position(k, j, n);
}

// Y(i, l).
template <class Real>
struct ValueOfLane {
  ConstMatrixView<Real> Q, X;
  MatrixView<Real> Y;
  KOKKOS_INLINE_FUNCTION void operator()(std::size_t i, std::size_t l) const {
    Real sum = 0;
    const std::size_t n = X.extent(0);
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = j; k < n; ++k) sum += Q(position(j, k, n), i) * X(j, l) * X(k, l);
    Y(i, l) += sum;
  }
};

// X_bar(j, l).
template <class Real>
struct StateBarOfLane {
  QuadraticReverse<Real> r;
  KOKKOS_INLINE_FUNCTION void operator()(std::size_t j, std::size_t l) const {
    Real sum = 0;
    const std::size_t n = r.X.extent(0);
    for (std::size_t i = 0; i < r.Y_bar.extent(0); ++i) {
      Real form = 0;
      for (std::size_t k = 0; k < n; ++k)
        form += r.Q(position(j, k, n), i) * Real(k == j ? 2 : 1) * r.X(k, l);
      sum += r.Y_bar(i, l) * form;
    }
    r.X_bar(j, l) += sum;
  }
};

// The pair (j, k) of a monomial, moved on in order.
struct Pair {
  std::size_t j = 0, k = 0;
  void next(std::size_t n) {
    if (++k == n) k = ++j;
  }
};

// Calls visit(j, first k, count, position) for the runs of constant j in `count` monomials from `pair` on.
template <class Visit>
inline void for_each_run(Pair& pair, std::size_t n, std::size_t count, Visit visit) {
  for (std::size_t at = 0; at < count;) {
    const std::size_t run = std::min(n - pair.k, count - at);
    visit(pair.j, pair.k, run, at);
    at += run;
    pair.k += run;
    if (pair.k == n) pair.k = ++pair.j;
  }
}

// c (rows, Packs packs) = or += a b with b (depth, columns).
template <class Real>
struct Panel {
  Broadcast<Real> a;
  const Real* b;
  std::size_t b_stride, depth;
  Real* c;
  std::size_t c_stride;
};
enum class Update { overwrite, add };
template <class Real, std::size_t Packs, Update update>
struct PanelTile {
  static constexpr std::size_t packs = Packs;
  template <std::size_t Rows>
  static void run(std::size_t row, std::size_t blocks, const Panel<Real>& panel) {
    for (std::size_t block = 0; block < blocks; ++block, row += Rows) {
      RegisterTile<Real, Rows, Packs> tile;
      tile.multiply_add({panel.a.data + row * panel.a.row, panel.a.row, panel.a.column}, panel.b,
                        panel.b_stride, panel.depth);
      Real* const c = panel.c + row * panel.c_stride;
      if constexpr (update == Update::overwrite)
        tile.store_to(c, panel.c_stride);
      else
        tile.add_to(c, panel.c_stride);
    }
  }
};

// c += a b with the packs that `columns` need, at most Packs.
template <class Real, std::size_t Packs = tile_packs>
void add_panel(std::size_t rows, std::size_t columns, const Panel<Real>& panel) {
  if constexpr (Packs > 1)
    if (columns <= (Packs - 1) * pack_width<Real>) return add_panel<Real, Packs - 1>(rows, columns, panel);
  for_row_blocks<PanelTile<Real, Packs, Update::add>>(rows, panel);
}

// `size` monomials from that of `pair` on, of lanes [lane, lane + lanes), to m (size, stride); Packs packs of
// lanes side by side.
template <class Real, std::size_t Packs>
inline void form_monomials(const ConstMatrixView<Real>& X, std::size_t lane, std::size_t lanes, Pair& pair,
                           std::size_t size, Real* m, std::size_t stride) {
  constexpr std::size_t width = pack_width<Real>;
  for_each_run(pair, X.extent(0), size, [&](std::size_t j, std::size_t k, std::size_t run, std::size_t at) {
    for (std::size_t l = 0; l < lanes; l += Packs * width) {
      Pack<Real> x[Packs];
      for (std::size_t p = 0; p < Packs; ++p) x[p] = load(&X(j, lane + l + p * width));
      for (std::size_t i = 0; i < run; ++i)
        for (std::size_t p = 0; p < Packs; ++p)
          store(&m[(at + i) * stride + l + p * width], x[p] * load(&X(k + i, lane + l + p * width)));
    }
  });
}

// Y += Q^T m of the monomials [first, first + size), the first of which is `pair`; Packs packs of lanes from
// `lane` on.
template <class Real, std::size_t Packs>
void forward_block(const ConstMatrixView<Real>& Q, const ConstMatrixView<Real>& X, const MatrixView<Real>& Y,
                   Pair pair, std::size_t first, std::size_t size, std::size_t lane) {
  constexpr std::size_t width = Packs * pack_width<Real>;
  alignas(64) std::array<Real, chunk<Real> * width> m;
  form_monomials<Real, Packs>(X, lane, width, pair, size, m.data(), width);
  for_row_blocks<PanelTile<Real, Packs, Update::add>>(
      Y.extent(0),
      Panel<Real>{{&Q(first, 0), 1, Q.stride_0()}, m.data(), width, size, &Y(0, lane), Y.stride_0()});
}

// The adjoints bars (run, Packs packs) of x_j x_k, x_j x_{k+1}, ... to X_bar.
template <class Real, std::size_t Packs>
inline void pull_back_run(const QuadraticReverse<Real>& r, std::size_t lane, Pair pair, std::size_t run,
                          const Real* bars) {
  constexpr std::size_t width = pack_width<Real>, strands = 2;
  const Real* x = &r.X(pair.k, lane);
  Real* x_bar = &r.X_bar(pair.k, lane);
  const std::size_t x_stride = r.X.stride_0(), bar_stride = r.X_bar.stride_0();
  Pack<Real> x_j[Packs], sum[strands][Packs] = {};
#pragma GCC unroll 4
  for (std::size_t p = 0; p < Packs; ++p) x_j[p] = load(&r.X(pair.j, lane + p * width));
  const auto take = [&](std::size_t strand) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (std::size_t p = 0; p < Packs; ++p) {
      const Pack<Real> bar = load(bars + p * width);
      sum[strand][p] += bar * load(x + p * width);
      store(x_bar + p * width, load(x_bar + p * width) + bar * x_j[p]);
    }
    bars += Packs * width;
    x += x_stride;
    x_bar += bar_stride;
  };
  std::size_t i = 0;
  for (; i + strands <= run; i += strands) {
    take(0);
    take(1);
  }
  if (i < run) take(0);
#pragma GCC unroll 4
  for (std::size_t p = 0; p < Packs; ++p) {
    Real* const to = &r.X_bar(pair.j, lane + p * width);
    store(to, load(to) + (sum[0][p] + sum[1][p]));
  }
}

// X_bar += what the same monomials give.
template <class Real, std::size_t Packs>
void state_block(const QuadraticReverse<Real>& r, Pair pair, std::size_t first, std::size_t size,
                 std::size_t lane) {
  constexpr std::size_t width = Packs * pack_width<Real>;
  alignas(64) std::array<Real, chunk<Real> * width> m_bar;
  const Panel<Real> panel{{&r.Q(first, 0), r.Q.stride_0(), 1},
                          &r.Y_bar(0, lane),
                          r.Y_bar.stride_0(),
                          r.Y_bar.extent(0),
                          m_bar.data(),
                          width};
  for_row_blocks<PanelTile<Real, Packs, Update::overwrite>>(size, panel);
  for_each_run(pair, r.X.extent(0), size, [&](std::size_t j, std::size_t k, std::size_t run, std::size_t at) {
    pull_back_run<Real, Packs>(r, lane, {j, k}, run, &m_bar[at * width]);
  });
}

// Outputs [output, output + count) of Y_bar, lane by lane, with zeros up to a whole pack.
template <class Real>
struct TurnedOutputs {
  alignas(64) std::array<Real, lane_chunk * output_chunk> entries;
  std::size_t stride;

  TurnedOutputs(const ConstMatrixView<Real>& Y_bar, std::size_t output, std::size_t count, std::size_t lane,
                std::size_t lanes)
      : stride(padded<Real>(count)) {
    constexpr std::size_t width = pack_width<Real>;
    const std::size_t whole = lanes / width * width;
    for (std::size_t i = 0; i < stride; i += width)
      for (std::size_t l = 0; l < whole; l += width) {
        Pack<Real> block[width];
        for (std::size_t k = 0; k < width; ++k)
          block[k] = i + k < count ? load(&Y_bar(output + i + k, lane + l)) : Pack<Real>{};
        transpose<Real>(block);
        for (std::size_t k = 0; k < width; ++k) store(&entries[(l + k) * stride + i], block[k]);
      }
    for (std::size_t l = whole; l < lanes; ++l)
      for (std::size_t i = 0; i < stride; ++i)
        entries[l * stride + i] = i < count ? Y_bar(output + i, lane + l) : Real(0);
  }
};

// Rows [first, end) of Q_bar += m(X) Y_bar^T, of the outputs from `output` on, over lanes [lane, lane +
// lanes).
template <class Real>
void coefficient_block(const QuadraticReverse<Real>& r, Pair pair, std::size_t first, std::size_t end,
                       std::size_t output, std::size_t lane, std::size_t lanes) {
  constexpr std::size_t width = pack_width<Real>, some = std::max<std::size_t>(1, tile_packs / 2);
  const std::size_t outputs = std::min(output_chunk, r.Y_bar.extent(0) - output);
  const TurnedOutputs<Real> turned(r.Y_bar, output, outputs, lane, lanes);
  alignas(64) std::array<Real, bar_chunk * lane_chunk> m;
  for (; first < end; first += bar_chunk) {
    const std::size_t size = std::min(bar_chunk, end - first);
    Pair rest = pair;
    const std::size_t wide = lanes / (some * width) * (some * width);
    form_monomials<Real, some>(r.X, lane, wide, pair, size, m.data(), lane_chunk);
    for (std::size_t i = 0; wide < lanes && i < size; ++i, rest.next(r.X.extent(0)))
      for (std::size_t l = wide; l < lanes; ++l)
        m[i * lane_chunk + l] = r.X(rest.j, lane + l) * r.X(rest.k, lane + l);
    for (std::size_t column = 0; column < outputs; column += tile_columns<Real>)
      add_panel<Real>(size, outputs - column,
                      {{m.data(), lane_chunk, 1},
                       &turned.entries[column],
                       turned.stride,
                       lanes,
                       &r.Q_bar(first, output + column),
                       r.Q_bar.stride_0()});
  }
}

// block(packs as a constant, pair, first monomial, count, lane) for whole packs, then rest(row, lane) of
// `rows` rows for single lanes. At most `most` monomials serve all lanes of a task before the next, so that
// their coefficients stay in cache.
template <class Real, class Block, class Rest>
void for_each_lane_block(const char* label, const ExecSpace& space, const ConstMatrixView<Real>& Q,
                         std::size_t n, std::size_t lanes, std::size_t most, Block block, std::size_t rows,
                         Rest rest) {
  constexpr std::size_t tile = lane_chunk;
  const std::size_t count = Q.extent(0), chunks = (count + most - 1) / most,
                    some = (count + chunks - 1) / chunks;
  Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(space, 0, (lanes + tile - 1) / tile),
                       [=](const std::size_t task) {
                         const std::size_t end = std::min((task + 1) * tile, lanes);
                         std::size_t lane = task * tile;
                         Pair pair;
                         for (std::size_t first = 0; first < count; first += some) {
                           const std::size_t size = std::min(some, count - first);
                           lane = for_lane_blocks<Real>(task * tile, end, [&](auto packs, std::size_t l) {
                             block(packs, pair, first, size, l);
                           });
                           for_each_run(pair, n, size, [](auto...) {});
                         }
                         for (; lane < end; ++lane)
                           for (std::size_t i = 0; i < rows; ++i) rest(i, lane);
                       });
}

template <class Body>
void for_each_entry(const char* label, const ExecSpace& space, std::size_t rows, std::size_t lanes,
                    Body body) {
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows * lanes),
      KOKKOS_LAMBDA(const std::size_t entry) { body(entry / lanes, entry % lanes); });
}

template <class Real>
void coefficient_bars(const ExecSpace& space, const QuadraticReverse<Real>& reverse) {
  const std::size_t n = reverse.X.extent(0), count = reverse.Q.extent(0), lanes = reverse.X.extent(1);
  constexpr std::size_t per_task = 1024;
  Kokkos::parallel_for(
      "quadratic_vjp", Kokkos::RangePolicy<ExecSpace>(space, 0, (count + per_task - 1) / per_task),
      [=](const std::size_t task) {
        const std::size_t end = std::min(count, (task + 1) * per_task);
        Pair start;
        for (std::size_t i = 0; i < task * per_task; ++i) start.next(n);
        for (std::size_t lane = 0; lane < lanes; lane += lane_chunk)
          for (std::size_t output = 0; output < reverse.Y_bar.extent(0); output += output_chunk)
            coefficient_block(reverse, start, task * per_task, end, output, lane,
                              std::min(lane_chunk, lanes - lane));
      });
}

template <class Real>
void coefficient_bars_of_device(const ExecSpace& space, const QuadraticReverse<Real>& r) {
  const std::size_t n = r.X.extent(0), lanes = r.X.extent(1);
  Kokkos::parallel_for(
      "quadratic_vjp", Kokkos::RangePolicy<ExecSpace>(space, 0, r.Y_bar.extent(0) * n * n),
      KOKKOS_LAMBDA(const std::size_t entry) {
        const std::size_t i = entry / (n * n), j = entry / n % n, k = entry % n;
        if (k < j) return;
        Real sum = 0;
        for (std::size_t l = 0; l < lanes; ++l) sum += r.Y_bar(i, l) * r.X(j, l) * r.X(k, l);
        r.Q_bar(position(j, k, n), i) += sum;
      });
}

}  // namespace

template <class Real>
void quadratic(const ExecSpace& space, InputMatrix<Real> Q, InputMatrix<Real> X, MatrixView<Real> Y) {
  const std::size_t rows = Y.extent(0), lanes = X.extent(1);
  const ValueOfLane<Real> value{Q, X, Y};
  if constexpr (runs_on_host)
    for_each_lane_block<Real>(
        "quadratic", space, Q, X.extent(0), lanes,
        std::clamp(forward_bytes / (Q.stride_0() * sizeof(Real)), std::size_t(16), chunk<Real>),
        [=](auto packs, Pair pair, std::size_t first, std::size_t size, std::size_t lane) {
          forward_block<Real, decltype(packs)::value>(Q, X, Y, pair, first, size, lane);
        },
        rows, value);
  else
    for_each_entry("quadratic", space, rows, lanes, value);
}

template <class Real>
void quadratic_vjp(const ExecSpace& space, const QuadraticReverse<Real>& reverse) {
  const std::size_t n = reverse.X.extent(0), lanes = reverse.X.extent(1);
  const StateBarOfLane<Real> state_bar{reverse};
  const bool learns = reverse.Q_bar.extent(0) > 0;
  if constexpr (runs_on_host) {
    for_each_lane_block<Real>(
        "quadratic_vjp", space, reverse.Q, n, lanes, chunk<Real>,
        [=](auto packs, Pair pair, std::size_t first, std::size_t size, std::size_t lane) {
          state_block<Real, decltype(packs)::value>(reverse, pair, first, size, lane);
        },
        n, state_bar);
    if (learns) coefficient_bars(space, reverse);
  } else {
    for_each_entry("quadratic_vjp", space, n, lanes, state_bar);
    if (learns) coefficient_bars_of_device(space, reverse);
  }
}

// One task per entry: tangents are taken far less often than steps.
template <class Real>
void quadratic_jvp(const ExecSpace& space, InputMatrix<Real> Q, InputMatrix<Real> X, InputMatrix<Real> X_dot,
                   MatrixView<Real> Y_dot) {
  const std::size_t n = X.extent(0), lanes = X.extent(1);
  Kokkos::parallel_for(
      "quadratic_jvp", Kokkos::RangePolicy<ExecSpace>(space, 0, Y_dot.extent(0) * lanes),
      KOKKOS_LAMBDA(const std::size_t entry) {
        const std::size_t i = entry / lanes, l = entry % lanes;
        Real sum = 0;
        std::size_t at = 0;
        for (std::size_t j = 0; j < n; ++j)
          for (std::size_t k = j; k < n; ++k)
            sum += Q(at++, i) * (X_dot(j, l) * X(k, l) + X(j, l) * X_dot(k, l));
        Y_dot(i, l) += sum;
      });
}

#define SPNODE_INSTANTIATE(Real)                                                                         \
  template void quadratic(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, MatrixView<Real>);     \
  template void quadratic_vjp(const ExecSpace&, const QuadraticReverse<Real>&);                          \
  template void quadratic_jvp(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, InputMatrix<Real>, \
                              MatrixView<Real>);
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
