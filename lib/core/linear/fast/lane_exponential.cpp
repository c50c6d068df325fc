#include "core/linear/fast/lane_exponential.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <cmath>
#include <string>

namespace spnode::core {
namespace {

/// Steps (1, lanes) of every lane: whole numbers that a Real holds.
template <class Real>
std::size_t count_steps(const ExecSpace& space, const LaneExponential<Real>& of, MatrixView<Real> steps) {
  const ConstMatrixView<Real> T = of.T;
  const ConstVectorView<Real> h = of.h;
  const Real c = Real(of.c);
  const std::size_t n = of.v.extent(0), lanes = of.v.extent(1);
  Real most = 0;
  // The norm is the largest sum of a row. What is not finite takes one step and stays so.
  Kokkos::parallel_reduce(
      "count_steps", Kokkos::RangePolicy<ExecSpace>(space, 0, lanes),
      KOKKOS_LAMBDA(const std::size_t l, Real& largest) {
        Real norm = 0;
        for (std::size_t i = 0; i < n; ++i) {
          Real sum = 0;
          for (std::size_t j = 0; j < n; ++j) sum += Real(::fabs(double(T(i * n + j, l))));
          norm = sum > norm ? sum : norm;
        }
        const Real needed = Real(::ceil(::fabs(double(c * h(l) * norm)) / 2.0));
        steps(0, l) = needed >= Real(1) && needed < Real(1e30) ? needed : Real(1);
        largest = steps(0, l) > largest ? steps(0, l) : largest;
      },
      Kokkos::Max<Real>(most));
  if (most > Real(LaneExponential<Real>::most_steps))
    throw NumericalError("a step is " + shortest(2.0 * double(most)) +
                         " times as long as the fastest time scale of T(x); an exponential scheme takes at "
                         "most " +
                         std::to_string(2 * LaneExponential<Real>::most_steps) +
                         ": take more substeps, or an implicit-explicit scheme");
  return std::size_t(most);
}

/// The recurrence of one step, a_{j+1} = (d / (j + 1)) (c h T a_j + b_j) with d = 1 / m: b_j the terms of the
/// sources at s = step d. Terms stand in the rows j n of a batch.
template <class Real>
struct Recurrence {
  ConstMatrixView<Real> T;
  ConstVectorView<Real> h;
  Kokkos::Array<ConstMatrixView<Real>, LaneExponential<Real>::most_terms> w;
  std::size_t terms, n, step;
  Real c;
  ConstMatrixView<Real> steps;

  /// Of w_k in b_j: h d^j s^{k-1-j} / (j! (k-1-j)!), k > j.
  KOKKOS_FUNCTION Real source(std::size_t k, std::size_t j, std::size_t l) const {
    const Real d = Real(1) / steps(0, l), s = Real(step) * d;
    Real factor = h(l);
    for (std::size_t i = 1; i <= j; ++i) factor *= d / Real(i);
    for (std::size_t i = 1; i < k - j; ++i) factor *= s / Real(i);
    return factor;
  }
  KOKKOS_FUNCTION bool is_taken(std::size_t l) const { return Real(step) < steps(0, l); }
};

/// Terms a_1, ..., a_degree from a_0; then `after` = their sum in the lanes that take the step, else a_0.
template <class Real>
struct Advance {
  Recurrence<Real> of;
  MatrixView<Real> a, after;

  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    const std::size_t n = of.n;
    for (std::size_t j = 0; j < LaneExponential<Real>::degree; ++j)
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t to = (j + 1) * n + i;
        for (std::size_t l = first; l < last; ++l) a(to, l) = 0;
        for (std::size_t k = 0; k < n; ++k)
          for (std::size_t l = first; l < last; ++l) a(to, l) += of.T(i * n + k, l) * a(j * n + k, l);
        for (std::size_t l = first; l < last; ++l) a(to, l) *= of.c * of.h(l);
        for (std::size_t k = j + 1; k <= of.terms; ++k)
          for (std::size_t l = first; l < last; ++l) a(to, l) += of.source(k, j, l) * of.w[k - 1](i, l);
        for (std::size_t l = first; l < last; ++l) a(to, l) /= of.steps(0, l) * Real(j + 1);
      }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = first; l < last; ++l) {
        Real sum = 0;
        for (std::size_t j = LaneExponential<Real>::degree + 1; j-- > 0;) sum += a(j * n + i, l);
        after(i, l) = of.is_taken(l) ? sum : a(i, l);
      }
  }
};

/// `bar` goes from after a step to before it.
template <class Real>
struct AdvanceVjp {
  Recurrence<Real> of;
  ConstMatrixView<Real> a;
  MatrixView<Real> bar;         // (n, lanes)
  MatrixView<Real> term, next;  // (n, lanes): the adjoints of a_j, and of c h T a_j + b_j
  typename LaneExponential<Real>::Bars bars;

  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    const std::size_t n = of.n;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = first; l < last; ++l) term(i, l) = of.is_taken(l) ? bar(i, l) : Real(0);
    for (std::size_t j = LaneExponential<Real>::degree; j-- > 0;) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = first; l < last; ++l) next(i, l) = term(i, l) / (of.steps(0, l) * Real(j + 1));
      for (std::size_t k = j + 1; k <= of.terms; ++k)
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t l = first; l < last; ++l) bars.w[k - 1](i, l) += of.source(k, j, l) * next(i, l);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = first; l < last; ++l) {
          next(i, l) *= of.c * of.h(l);
          term(i, l) = of.is_taken(l) ? bar(i, l) : Real(0);
        }
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < n; ++k)
          for (std::size_t l = first; l < last; ++l) {
            bars.T(i * n + k, l) += next(i, l) * a(j * n + k, l);
            term(k, l) += of.T(i * n + k, l) * next(i, l);
          }
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = first; l < last; ++l)
        if (of.is_taken(l)) bar(i, l) = term(i, l);
  }
};

/// Terms a_dot from a_dot_0, and `after` as Advance.
template <class Real>
struct AdvanceJvp {
  Recurrence<Real> of;
  typename LaneExponential<Real>::Dots dots;
  ConstMatrixView<Real> a;
  MatrixView<Real> a_dot, after;

  KOKKOS_FUNCTION void operator()(std::size_t, std::size_t first, std::size_t last) const {
    const std::size_t n = of.n;
    for (std::size_t j = 0; j < LaneExponential<Real>::degree; ++j)
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t to = (j + 1) * n + i;
        for (std::size_t l = first; l < last; ++l) a_dot(to, l) = 0;
        for (std::size_t k = 0; k < n; ++k)
          for (std::size_t l = first; l < last; ++l)
            a_dot(to, l) += of.T(i * n + k, l) * a_dot(j * n + k, l) + dots.T(i * n + k, l) * a(j * n + k, l);
        for (std::size_t l = first; l < last; ++l) a_dot(to, l) *= of.c * of.h(l);
        for (std::size_t k = j + 1; k <= of.terms; ++k)
          for (std::size_t l = first; l < last; ++l) a_dot(to, l) += of.source(k, j, l) * dots.w[k - 1](i, l);
        for (std::size_t l = first; l < last; ++l) a_dot(to, l) /= of.steps(0, l) * Real(j + 1);
      }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = first; l < last; ++l) {
        Real sum = 0;
        for (std::size_t j = LaneExponential<Real>::degree + 1; j-- > 0;) sum += a_dot(j * n + i, l);
        after(i, l) = of.is_taken(l) ? sum : a_dot(i, l);
      }
  }
};

template <class Real>
Recurrence<Real> recurrence(const LaneExponential<Real>& of, std::size_t step, ConstMatrixView<Real> steps) {
  return {of.T, of.h, of.w, of.terms, of.v.extent(0), step, Real(of.c), steps};
}

}  // namespace

template <class Real>
void LaneExponential<Real>::apply(const ExecSpace& space, MatrixView<Real> out,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = v.extent(0), lanes = v.extent(1);
  const MatrixView<Real> steps = scratch.matrix(1, lanes), a = scratch.matrix((degree + 1) * n, lanes);
  const std::size_t count = count_steps(space, *this, steps);
  scaled_copy(space, 1.0, v, out);
  for (std::size_t step = 0; step < count; ++step) {
    scaled_copy(space, 1.0, out, rows_of(a, 0, n));
    for_each_row("lane_exp", space, 1, lanes, Advance<Real>{recurrence<Real>(*this, step, steps), a, out});
  }
}

template <class Real>
void LaneExponential<Real>::apply_vjp(const ExecSpace& space, ConstMatrixView<Real> out_bar, const Bars& bars,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = v.extent(0), lanes = v.extent(1);
  const MatrixView<Real> steps = scratch.matrix(1, lanes), a = scratch.matrix((degree + 1) * n, lanes),
                         bar = scratch.matrix(n, lanes), term = scratch.matrix(n, lanes),
                         next = scratch.matrix(n, lanes);
  const std::size_t count = count_steps(space, *this, steps);
  const MatrixView<Real> states = scratch.matrix((count + 1) * n, lanes);  // before the steps
  const auto state = [&](std::size_t step) { return rows_of(states, step * n, n); };
  const auto advance = [&](std::size_t step) {
    scaled_copy(space, 1.0, state(step), rows_of(a, 0, n));
    for_each_row("lane_exp", space, 1, lanes,
                 Advance<Real>{recurrence<Real>(*this, step, steps), a, state(step + 1)});
  };
  scaled_copy(space, 1.0, v, state(0));
  for (std::size_t step = 0; step + 1 < count; ++step) advance(step);
  scaled_copy(space, 1.0, out_bar, bar);
  for (std::size_t step = count; step-- > 0;) {
    advance(step);
    for_each_row("lane_exp_vjp", space, 1, lanes,
                 AdvanceVjp<Real>{recurrence<Real>(*this, step, steps), a, bar, term, next, bars});
  }
  axpy(space, 1.0, bar, bars.v);
}

template <class Real>
void LaneExponential<Real>::apply_jvp(const ExecSpace& space, const Dots& dots, MatrixView<Real> out_dot,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = v.extent(0), lanes = v.extent(1), rows = (degree + 1) * n;
  const MatrixView<Real> steps = scratch.matrix(1, lanes), a = scratch.matrix(rows, lanes),
                         a_dot = scratch.matrix(rows, lanes), state = scratch.matrix(n, lanes);
  const std::size_t count = count_steps(space, *this, steps);
  scaled_copy(space, 1.0, v, state);
  scaled_copy(space, 1.0, dots.v, out_dot);
  for (std::size_t step = 0; step < count; ++step) {
    const Recurrence<Real> of = recurrence<Real>(*this, step, steps);
    scaled_copy(space, 1.0, state, rows_of(a, 0, n));
    scaled_copy(space, 1.0, out_dot, rows_of(a_dot, 0, n));
    for_each_row("lane_exp", space, 1, lanes, Advance<Real>{of, a, state});
    for_each_row("lane_exp_jvp", space, 1, lanes, AdvanceJvp<Real>{of, dots, a, a_dot, out_dot});
  }
}

template struct LaneExponential<double>;
template struct LaneExponential<float>;

}  // namespace spnode::core
