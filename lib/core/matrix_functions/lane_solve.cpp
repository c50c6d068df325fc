#include "core/matrix_functions/lane_solve.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"

#include <cmath>
#include <utility>

namespace spnode::core {
namespace {

/// The systems in place of w, lanes [first, last).
template <class Real>
struct BackSubstitution {
  ConstMatrixView<Real> T;
  ConstVectorView<Real> h;
  Real c;
  std::size_t n;
  bool transposed;
  MatrixView<Real> w;

  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    const std::size_t blocks = (n + 1) / 2;
    for (std::size_t k = 0; k < blocks; ++k) {
      const std::size_t block = transposed ? k : blocks - 1 - k, begin = 2 * block,
                        end = begin + 2 < n ? begin + 2 : n;
      const std::size_t solved = transposed ? 0 : end, solved_end = transposed ? begin : n;
      for (std::size_t i = begin; i < end; ++i)
        for (std::size_t j = solved; j < solved_end; ++j)
          for (std::size_t l = first; l < last; ++l)
            w(i, l) += c * h(l) * T(transposed ? j * n + i : i * n + j, l) * w(j, l);
      if (end - begin == 1) {
        for (std::size_t l = first; l < last; ++l)
          w(begin, l) /= Real(1) - c * h(l) * T(begin * n + begin, l);
        continue;
      }
      const std::size_t a = begin, b = begin + 1;
      const std::size_t above = transposed ? b * n + a : a * n + b,
                        below = transposed ? a * n + b : b * n + a;
      for (std::size_t l = first; l < last; ++l) {
        const Real tau = c * h(l), m_aa = Real(1) - tau * T(a * n + a, l), m_ab = -tau * T(above, l),
                   m_ba = -tau * T(below, l), m_bb = Real(1) - tau * T(b * n + b, l);
        const Real determinant = m_aa * m_bb - m_ab * m_ba, w_a = w(a, l), w_b = w(b, l);
        w(a, l) = (m_bb * w_a - m_ab * w_b) / determinant;
        w(b, l) = (m_aa * w_b - m_ba * w_a) / determinant;
      }
    }
  }
};

/// One step of F = L U with unit diagonal of L, in place: column k of L, and what is left below.
template <class Real>
KOKKOS_FUNCTION void eliminate(const MatrixView<Real>& F, std::size_t n, std::size_t k, std::size_t first,
                               std::size_t last) {
  for (std::size_t i = k + 1; i < n; ++i) {
    for (std::size_t l = first; l < last; ++l) F(i * n + k, l) /= F(k * n + k, l);
    for (std::size_t j = k + 1; j < n; ++j)
      for (std::size_t l = first; l < last; ++l) F(i * n + j, l) -= F(i * n + k, l) * F(k * n + j, l);
  }
}

/// L w' = w, then U w = w'; U^T w' = w, then L^T w = w'.
template <class Factors, class Real>
KOKKOS_FUNCTION void substitute(const Factors& F, std::size_t n, bool transposed, const MatrixView<Real>& w,
                                std::size_t first, std::size_t last) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j)
      for (std::size_t l = first; l < last; ++l)
        w(i, l) -= F(transposed ? j * n + i : i * n + j, l) * w(j, l);
    if (transposed)
      for (std::size_t l = first; l < last; ++l) w(i, l) /= F(i * n + i, l);
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j)
      for (std::size_t l = first; l < last; ++l)
        w(i, l) -= F(transposed ? j * n + i : i * n + j, l) * w(j, l);
    if (!transposed)
      for (std::size_t l = first; l < last; ++l) w(i, l) /= F(i * n + i, l);
  }
}

/// F = I - c h T becomes L U; then the systems in place of w.
template <class Real>
struct Elimination {
  ConstMatrixView<Real> T;
  ConstVectorView<Real> h;
  Real c;
  std::size_t n;
  bool transposed;
  MatrixView<Real> F, w;

  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t l = first; l < last; ++l)
          F(i * n + j, l) = (i == j ? Real(1) : Real(0)) - c * h(l) * T(i * n + j, l);
    for (std::size_t k = 0; k < n; ++k) eliminate(F, n, k, first, last);
    substitute(F, n, transposed, w, first, last);
  }
};

template <class Real>
KOKKOS_FUNCTION void exchange(Real& a, Real& b) {
  const Real kept = a;
  a = b;
  b = kept;
}

/// M becomes L U with the pivots below.
template <class Real>
struct PivotedElimination {
  std::size_t n;
  MatrixView<Real> F;

  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t l = first; l < last; ++l) {
        std::size_t pivot = k;
        for (std::size_t i = k + 1; i < n; ++i)
          if (::fabs(double(F(i * n + k, l))) > ::fabs(double(F(pivot * n + k, l)))) pivot = i;
        F(n * n + k, l) = Real(pivot);
        if (pivot == k) continue;
        for (std::size_t j = 0; j < n; ++j) exchange(F(k * n + j, l), F(pivot * n + j, l));
      }
      eliminate(F, n, k, first, last);
    }
  }
};

/// The systems of pivoted elimination, in place of w.
template <class Real>
struct PivotedSubstitution {
  std::size_t n;
  bool transposed;
  ConstMatrixView<Real> F;
  MatrixView<Real> w;

  KOKKOS_FUNCTION void exchange_rows(std::size_t k, std::size_t first, std::size_t last) const {
    for (std::size_t l = first; l < last; ++l) {
      const std::size_t pivot = std::size_t(F(n * n + k, l));
      if (pivot != k) exchange(w(k, l), w(pivot, l));
    }
  }
  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    if (!transposed)
      for (std::size_t k = 0; k < n; ++k) exchange_rows(k, first, last);
    substitute(F, n, transposed, w, first, last);
    if (transposed)
      for (std::size_t k = n; k-- > 0;) exchange_rows(k, first, last);
  }
};

}  // namespace

template <class Real>
void solve_lanes(const ExecSpace& space, const LaneSystem<Real>& system, Transpose transpose,
                 InputMatrix<Real> r, MatrixView<Real> w, Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const std::size_t n = w.extent(0), lanes = w.extent(1);
  const bool transposed = transpose == Transpose::yes;
  if (r.data() != w.data()) scaled_copy(space, 1.0, r, w);
  if (system.is_triangular)
    return for_each_row("lane_back_subst", space, 1, lanes,
                        BackSubstitution<Real>{system.T, system.h, Real(system.c), n, transposed, w});
  for_each_row(
      "lane_eliminate", space, 1, lanes,
      Elimination<Real>{system.T, system.h, Real(system.c), n, transposed, scratch.matrix(n * n, lanes), w});
}

template <class Real>
void factor_lanes(const ExecSpace& space, std::size_t n, MatrixView<Real> F) {
  for_each_row("lane_factor", space, 1, F.extent(1), PivotedElimination<Real>{n, F});
}

template <class Real>
void solve_factored(const ExecSpace& space, InputMatrix<Real> F, Transpose transpose, MatrixView<Real> w) {
  for_each_row("lane_substitute", space, 1, w.extent(1),
               PivotedSubstitution<Real>{w.extent(0), transpose == Transpose::yes, F, w});
}

#define SPNODE_LANE_SOLVE(Real)                                                                      \
  template void solve_lanes(const ExecSpace&, const LaneSystem<Real>&, Transpose, InputMatrix<Real>, \
                            MatrixView<Real>, Scratch<Real>&);                                       \
  template void factor_lanes(const ExecSpace&, std::size_t, MatrixView<Real>);                       \
  template void solve_factored(const ExecSpace&, InputMatrix<Real>, Transpose, MatrixView<Real>);
SPNODE_LANE_SOLVE(double)
SPNODE_LANE_SOLVE(float)
#undef SPNODE_LANE_SOLVE

}  // namespace spnode::core
