#include "core/matrix_functions/expmv.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/matrix_functions/expmv_kernels.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <string>

namespace spnode::core {

namespace {

/// f(i) for i = 0 .. count - 1.
template <class Functor>
void run(const char* label, const ExecSpace& space, std::size_t count, const Functor& functor) {
  Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(space, 0, count), functor);
}

}  // namespace

template <class Real>
Expmv<Real>::Expmv(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                   Scratch<Real>& scratch)
    : space_(space),
      plan_(plan),
      call_(call),
      scratch_(scratch),
      frame_(scratch),
      n_(plan.order()),
      lanes_(call.steps.extent(0)) {
  if (call.u.extent(0) != n_ || call.terms > plan.max_terms())
    throw UsageError("expmv was called with states of " + std::to_string(call.u.extent(0)) +
                     " components and " + std::to_string(call.terms) +
                     " phi terms; its plan is for a matrix of order " + std::to_string(n_) + " and at most " +
                     std::to_string(plan.max_terms()) + " terms");
  sources_ = scratch.vector(plan.degree().m * call.terms * lanes_);
  term_norms_ = scratch.vector(lanes_);
  product_ = batch();
  work_ = scratch.matrix(plan.matrix().work_rows(), lanes_);
}

template <class Real>
expmv::Series<Real> Expmv<Real>::series() const {
  return {call_.steps,      call_.w,     call_.c,        plan_.shift(), static_cast<double>(plan_.degree().s),
          plan_.degree().m, call_.terms, sources_.data()};
}

// ---- value
// ----------------------------------------------------------------------------------------------------

template <class Real>
void Expmv<Real>::apply(MatrixView<Real> out) {
  const Terms term = one_term();
  advance(0, call_.u, out, term);
  for (std::size_t i = 1; i < plan_.degree().s; ++i) advance(i, out, out, term);
}

template <class Real>
std::size_t Expmv<Real>::advance(std::size_t i, ConstMatrixView<Real> before, MatrixView<Real> after,
                                 const Terms& terms) {
  const std::size_t blocks = expmv::blocks(lanes_);
  const expmv::Series<Real> series = this->series();
  const double theta = static_cast<double>(i) / series.scalings;
  if (call_.terms > 0) run("fill_sources", space_, blocks, expmv::FillSources<Real>{series, theta});
  run("expmv_begin", space_, blocks, expmv::BeginSeries<Real>{before, terms[0], after, term_norms_});
  std::size_t degree = 0;
  int unsettled = 1;
  while (degree < series.m && (unsettled != 0 || degree <= call_.terms)) {
    plan_.matrix().apply(space_, 1.0, Transpose::no, terms[degree], 0.0, product_, work_);
    ++degree;
    Kokkos::parallel_reduce("add_term", Kokkos::RangePolicy<ExecSpace>(space_, 0, blocks),
                            expmv::AddTerm<Real>{series, degree, product_, terms[degree], after, term_norms_},
                            Kokkos::LOr<int>(unsettled));
  }
  if (series.shift != 0.0) run("undo_shift", space_, blocks, expmv::UndoShift<Real>{series, after});
  products_ += degree;
  return degree;
}

// ---- adjoint
// --------------------------------------------------------------------------------------------------

template <class Real>
void Expmv<Real>::vjp(ConstMatrixView<Real> out_bar, const ExpmvAdjoint<Real>& bars) {
  const ScratchFrame frame(scratch_);
  const std::size_t s = plan_.degree().s;
  const Terms terms = all_terms();
  // States at the start of the steps but the first, which starts from u.
  const Terms states{scratch_.vector((s - 1) * n_ * lanes_), n_, lanes_, true};
  const MatrixView<Real> state = batch(), state_bar = batch(), term_bar = batch();
  const auto before = [&](std::size_t i) { return i == 0 ? call_.u : ConstMatrixView<Real>(states[i - 1]); };
  const Terms term{terms.storage, n_, lanes_, false};
  for (std::size_t i = 0; i + 1 < s; ++i) advance(i, before(i), states[i], term);
  scaled_copy(space_, 1.0, out_bar, state_bar);
  for (std::size_t i = s; i-- > 0;)
    advance_vjp(terms, advance(i, before(i), state, terms), state_bar, term_bar, bars);
  axpy(space_, 1.0, state_bar, bars.u);
}

/// Takes state_bar from after a scaling step to before it, with the terms of that step.
template <class Real>
void Expmv<Real>::advance_vjp(const Terms& terms, std::size_t degree, MatrixView<Real> state_bar,
                              MatrixView<Real> term_bar, const ExpmvAdjoint<Real>& bars) {
  const std::size_t blocks = expmv::blocks(lanes_);
  const expmv::Series<Real> series = this->series();
  if (series.shift != 0.0) run("undo_shift_vjp", space_, blocks, expmv::UndoShift<Real>{series, state_bar});
  scaled_copy(space_, 1.0, state_bar, term_bar);
  for (std::size_t k = degree; k > 0; --k) {
    run("add_term_vjp", space_, blocks,
        expmv::AddTermVjp<Real>{series, k, state_bar, term_bar, product_, bars.w});
    plan_.matrix().apply(space_, 1.0, Transpose::yes, product_, 1.0, term_bar, work_);
    if (bars.a.extent(0) > 0) plan_.matrix().apply_vjp(space_, terms[k - 1], product_, bars.a, work_);
  }
  scaled_copy(space_, 1.0, term_bar, state_bar);
  products_ += 2 * degree;
}

// ---- tangent
// --------------------------------------------------------------------------------------------------

template <class Real>
void Expmv<Real>::jvp(const ExpmvTangent<Real>& dots, MatrixView<Real> out_dot) {
  const ScratchFrame frame(scratch_);
  const Terms terms = all_terms();
  const MatrixView<Real> state = batch(), term_dot = batch();
  for (std::size_t i = 0; i < plan_.degree().s; ++i) {
    const std::size_t degree = advance(i, i == 0 ? call_.u : ConstMatrixView<Real>(state), state, terms);
    advance_jvp(terms, degree, i == 0 ? dots.u : ConstMatrixView<Real>(out_dot), dots, term_dot, out_dot);
  }
}

/// The tangent of one scaling step, with the terms of that step.
template <class Real>
void Expmv<Real>::advance_jvp(const Terms& terms, std::size_t degree, ConstMatrixView<Real> before,
                              const ExpmvTangent<Real>& dots, MatrixView<Real> term_dot,
                              MatrixView<Real> after) {
  const std::size_t blocks = expmv::blocks(lanes_);
  expmv::Series<Real> series = this->series();
  series.w = dots.w;
  run("expmv_begin_jvp", space_, blocks, expmv::BeginSeries<Real>{before, term_dot, after, term_norms_});
  for (std::size_t k = 1; k <= degree; ++k) {
    plan_.matrix().apply(space_, 1.0, Transpose::no, term_dot, 0.0, product_, work_);
    if (dots.a.extent(0) > 0) plan_.matrix().apply_jvp(space_, dots.a, terms[k - 1], product_, work_);
    int ignored = 0;  // the tangent stops where the value did
    Kokkos::parallel_reduce("add_term_jvp", Kokkos::RangePolicy<ExecSpace>(space_, 0, blocks),
                            expmv::AddTerm<Real>{series, k, product_, term_dot, after, term_norms_},
                            Kokkos::LOr<int>(ignored));
  }
  if (series.shift != 0.0) run("undo_shift_jvp", space_, blocks, expmv::UndoShift<Real>{series, after});
  products_ += 2 * degree;
}

template class Expmv<double>;
template class Expmv<float>;

}  // namespace spnode::core
