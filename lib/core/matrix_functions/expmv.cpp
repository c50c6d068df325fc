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
Expmv<Real>::Expmv(std::size_t n, std::size_t max_terms, std::size_t max_lanes, std::size_t work_rows)
    : n_(n),
      max_terms_(max_terms),
      max_lanes_(max_lanes),
      sources_("spnode::core::expmv_sources", largest_taylor_degree * max_terms * max_lanes),
      term_norms_("spnode::core::expmv_norms", max_lanes),
      product_("spnode::core::expmv_product", n * max_lanes),
      state_("spnode::core::expmv_state", n * max_lanes),
      state_bar_("spnode::core::expmv_state_bar", n * max_lanes),
      term_bar_("spnode::core::expmv_term_bar", n * max_lanes),
      terms_("spnode::core::expmv_terms", n * max_lanes),
      work_("spnode::core::expmv_work", work_rows * max_lanes) {}

template <class Real>
void Expmv<Real>::reserve(const ExpmvPlan<Real>& plan) {
  const std::size_t batch = n_ * max_lanes_, terms = (plan.degree().m + 1) * batch;
  const std::size_t states = (plan.degree().s - 1) * batch;
  if (terms_.size() < terms) terms_ = Vector<Real>("spnode::core::expmv_terms", terms);
  if (states_.size() < states) states_ = Vector<Real>("spnode::core::expmv_states", states);
}

template <class Real>
MatrixView<Real> Expmv<Real>::slot(const Vector<Real>& storage, std::size_t index, std::size_t lanes) const {
  return MatrixView<Real>(storage.data() + index * n_ * max_lanes_, n_, lanes);
}

template <class Real>
MatrixView<Real> Expmv<Real>::work(const ExpmvPlan<Real>& plan, std::size_t lanes) const {
  return MatrixView<Real>(work_.data(), plan.matrix().work_rows(), lanes);
}

template <class Real>
void Expmv<Real>::check(const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call) const {
  const std::size_t lanes = call.steps.extent(0);
  if (plan.order() != n_ || call.terms > max_terms_ || call.terms > plan.max_terms() || lanes > max_lanes_ ||
      plan.matrix().work_rows() * max_lanes_ > work_.extent(0))
    throw UsageError("expmv was called with a matrix of order " + std::to_string(plan.order()) + ", " +
                     std::to_string(call.terms) + " phi terms and " + std::to_string(lanes) +
                     " lanes; it was made for order " + std::to_string(n_) + " and at most " +
                     std::to_string(std::min(max_terms_, plan.max_terms())) + " terms and " +
                     std::to_string(max_lanes_) + " lanes");
}

template <class Real>
void Expmv<Real>::check_reserved(const ExpmvPlan<Real>& plan) const {
  const std::size_t batch = n_ * max_lanes_;
  if (terms_.size() < (plan.degree().m + 1) * batch || states_.size() < (plan.degree().s - 1) * batch)
    throw UsageError("derivatives of expmv need reserve() after the plan was updated");
}

// ---- value
// ----------------------------------------------------------------------------------------------------

template <class Real>
void Expmv<Real>::apply(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                        MatrixView<Real> out) {
  check(plan, call);
  advance(space, plan, call, 0, call.u, out, Terms::overwrite);
  for (std::size_t i = 1; i < plan.degree().s; ++i) advance(space, plan, call, i, out, out, Terms::overwrite);
}

template <class Real>
expmv::Series<Real> Expmv<Real>::series(const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call) const {
  return {call.steps,      call.w,     call.c,         plan.shift(), static_cast<double>(plan.degree().s),
          plan.degree().m, call.terms, sources_.data()};
}

template <class Real>
std::size_t Expmv<Real>::advance(const ExecSpace& space, const ExpmvPlan<Real>& plan,
                                 const ExpmvCall<Real>& call, std::size_t i, ConstMatrixView<Real> before,
                                 MatrixView<Real> after, Terms terms) {
  const std::size_t lanes = call.steps.extent(0), blocks = expmv::blocks(lanes);
  const expmv::Series<Real> series = this->series(plan, call);
  const MatrixView<Real> product = slot(product_, 0, lanes);
  const double theta = static_cast<double>(i) / series.scalings;
  if (call.terms > 0) run("fill_sources", space, blocks, expmv::FillSources<Real>{series, theta});
  run("expmv_begin", space, blocks,
      expmv::BeginSeries<Real>{before, slot(terms_, 0, lanes), after, term_norms_});
  std::size_t degree = 0;
  int unsettled = 1;
  while (degree < series.m && (unsettled != 0 || degree <= call.terms)) {
    const std::size_t from = terms == Terms::keep ? degree : 0,
                      to = terms == Terms::keep ? ++degree : (++degree, 0);
    plan.matrix().apply(space, 1.0, Transpose::no, slot(terms_, from, lanes), 0.0, product,
                        work(plan, lanes));
    Kokkos::parallel_reduce(
        "add_term", Kokkos::RangePolicy<ExecSpace>(space, 0, blocks),
        expmv::AddTerm<Real>{series, degree, product, slot(terms_, to, lanes), after, term_norms_},
        Kokkos::LOr<int>(unsettled));
  }
  if (series.shift != 0.0) run("undo_shift", space, blocks, expmv::UndoShift<Real>{series, after});
  products_ += degree;
  return degree;
}

// ---- adjoint
// --------------------------------------------------------------------------------------------------

template <class Real>
void Expmv<Real>::vjp(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                      ConstMatrixView<Real> out_bar, const ExpmvAdjoint<Real>& bars) {
  check(plan, call);
  check_reserved(plan);
  const std::size_t lanes = call.steps.extent(0);
  const auto before = [&](std::size_t i) {
    return i == 0 ? call.u : ConstMatrixView<Real>(slot(states_, i - 1, lanes));
  };
  for (std::size_t i = 0; i + 1 < plan.degree().s; ++i)
    advance(space, plan, call, i, before(i), slot(states_, i, lanes), Terms::overwrite);
  const MatrixView<Real> state_bar = slot(state_bar_, 0, lanes);
  scaled_copy(space, 1.0, out_bar, state_bar);
  for (std::size_t i = plan.degree().s; i-- > 0;) {
    const std::size_t degree = advance(space, plan, call, i, before(i), slot(state_, 0, lanes), Terms::keep);
    advance_vjp(space, plan, call, degree, bars);
  }
  axpy(space, 1.0, state_bar, bars.u);
}

/// Takes state_bar_ from after a scaling step to before it, with the terms of that step in terms_.
template <class Real>
void Expmv<Real>::advance_vjp(const ExecSpace& space, const ExpmvPlan<Real>& plan,
                              const ExpmvCall<Real>& call, std::size_t degree,
                              const ExpmvAdjoint<Real>& bars) {
  const std::size_t lanes = call.steps.extent(0), blocks = expmv::blocks(lanes);
  const expmv::Series<Real> series = this->series(plan, call);
  const MatrixView<Real> state_bar = slot(state_bar_, 0, lanes), term_bar = slot(term_bar_, 0, lanes);
  const MatrixView<Real> product_bar = slot(product_, 0, lanes);
  if (series.shift != 0.0) run("undo_shift_vjp", space, blocks, expmv::UndoShift<Real>{series, state_bar});
  scaled_copy(space, 1.0, state_bar, term_bar);
  for (std::size_t k = degree; k > 0; --k) {
    run("add_term_vjp", space, blocks,
        expmv::AddTermVjp<Real>{series, k, state_bar, term_bar, product_bar, bars.w});
    plan.matrix().apply(space, 1.0, Transpose::yes, product_bar, 1.0, term_bar, work(plan, lanes));
    if (bars.a.extent(0) > 0)
      plan.matrix().apply_vjp(space, slot(terms_, k - 1, lanes), product_bar, bars.a, work(plan, lanes));
  }
  scaled_copy(space, 1.0, term_bar, state_bar);
  products_ += 2 * degree;
}

// ---- tangent
// --------------------------------------------------------------------------------------------------

template <class Real>
void Expmv<Real>::jvp(const ExecSpace& space, const ExpmvPlan<Real>& plan, const ExpmvCall<Real>& call,
                      const ExpmvTangent<Real>& dots, MatrixView<Real> out_dot) {
  check(plan, call);
  check_reserved(plan);
  const MatrixView<Real> state = slot(state_, 0, call.steps.extent(0));
  for (std::size_t i = 0; i < plan.degree().s; ++i) {
    const std::size_t degree =
        advance(space, plan, call, i, i == 0 ? call.u : ConstMatrixView<Real>(state), state, Terms::keep);
    advance_jvp(space, plan, call, degree, i == 0 ? dots.u : ConstMatrixView<Real>(out_dot), dots, out_dot);
  }
}

/// The tangent of one scaling step, with the terms of that step in terms_.
template <class Real>
void Expmv<Real>::advance_jvp(const ExecSpace& space, const ExpmvPlan<Real>& plan,
                              const ExpmvCall<Real>& call, std::size_t degree, ConstMatrixView<Real> before,
                              const ExpmvTangent<Real>& dots, MatrixView<Real> after) {
  const std::size_t lanes = call.steps.extent(0), blocks = expmv::blocks(lanes);
  expmv::Series<Real> series = this->series(plan, call);
  series.w = dots.w;
  const MatrixView<Real> product_dot = slot(product_, 0, lanes), term_dot = slot(term_bar_, 0, lanes);
  run("expmv_begin_jvp", space, blocks, expmv::BeginSeries<Real>{before, term_dot, after, term_norms_});
  for (std::size_t k = 1; k <= degree; ++k) {
    plan.matrix().apply(space, 1.0, Transpose::no, term_dot, 0.0, product_dot, work(plan, lanes));
    if (dots.a.extent(0) > 0)
      plan.matrix().apply_jvp(space, dots.a, slot(terms_, k - 1, lanes), product_dot, work(plan, lanes));
    int ignored = 0;  // the tangent stops where the value did
    Kokkos::parallel_reduce("add_term_jvp", Kokkos::RangePolicy<ExecSpace>(space, 0, blocks),
                            expmv::AddTerm<Real>{series, k, product_dot, term_dot, after, term_norms_},
                            Kokkos::LOr<int>(ignored));
  }
  if (series.shift != 0.0) run("undo_shift_jvp", space, blocks, expmv::UndoShift<Real>{series, after});
  products_ += 2 * degree;
}

template class Expmv<double>;
template class Expmv<float>;

}  // namespace spnode::core
