#include "core/vector_field/right_hand_side.hpp"

namespace spnode::core {

template <class Real>
VectorView<Real> RightHandSide<Real>::linear_bar(const Bars& coefficients_bar, Scratch<Real>& scratch) const {
  if (generator == nullptr || coefficients_bar.linear.extent(0) > 0) return coefficients_bar.linear;
  return scratch.vector(generator->coefficient_count());
}

// The tape holds the value [g; r] of the nonlinear terms, then their own tape.

template <class Real>
void RightHandSide<Real>::value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> f,
                                MatrixView<Real> tape, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape.n, rows = shape.rows();
  if (generator)
    generator->apply(space, {action(x), x.u, f}, scratch);
  else
    fill(space, 0.0, f);
  if (rows == 0) return;
  const MatrixView<Real> values = rows_of(tape, 0, rows);
  terms.apply(space, {coefficients, x, values, rows_of(tape, rows, terms.tape_rows())}, scratch);
  if (shape.has_plain) axpy(space, 1.0, rows_of(values, 0, n), f);
  if (!shape.has_relaxed) return;
  const MatrixView<Real> Ar = scratch.matrix(n, x.lanes());
  generator->apply(space, {action(x), ConstMatrixView<Real>(relaxed(values)), Ar}, scratch);
  axpy(space, -1.0, Ar, f);
}

template <class Real>
void RightHandSide<Real>::vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape.n, rows = shape.rows(), lanes = reverse.x.lanes();
  const VectorView<Real> A_bar = linear_bar(reverse.coefficients_bar, scratch);
  if (generator)
    generator->apply_vjp(
        space, {action(reverse.x), reverse.x.u, reverse.f_bar, reverse.x_bar.u, A_bar, reverse.x_bar.u},
        scratch);
  if (rows == 0) return;
  const MatrixView<Real> values_bar = scratch.matrix(rows, lanes);
  fill(space, 0.0, values_bar);
  if (shape.has_plain) axpy(space, 1.0, reverse.f_bar, rows_of(values_bar, 0, n));
  if (shape.has_relaxed) {
    const MatrixView<Real> Ar_bar = scratch.matrix(n, lanes);
    scaled_copy(space, -1.0, reverse.f_bar, Ar_bar);
    generator->apply_vjp(space,
                         {action(reverse.x), relaxed(rows_of(reverse.tape, 0, rows)), Ar_bar,
                          relaxed(values_bar), A_bar, reverse.x_bar.u},
                         scratch);
  }
  terms.apply_vjp(space,
                  {coefficients, reverse.x, rows_of(reverse.tape, rows, terms.tape_rows()), values_bar,
                   reverse.x_bar, reverse.coefficients_bar.nonlinear},
                  scratch);
}

template <class Real>
void RightHandSide<Real>::jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape.n, rows = shape.rows(), lanes = tangent.x.lanes();
  // Linear parts take the tangent of their coefficients as it is; zero stands in scratch.
  Dots dot = tangent.coefficients_dot;
  if (generator != nullptr && dot.linear.extent(0) == 0) {
    const std::size_t count = generator->coefficient_count();
    const VectorView<Real> zero = scratch.vector(count);
    fill(space, 0.0, MatrixView<Real>(zero.data(), 1, count));
    dot.linear = zero;
  }
  const auto apply_A = [&](ConstMatrixView<Real> X, ConstMatrixView<Real> X_dot, MatrixView<Real> out) {
    generator->apply_jvp(space, {action(tangent.x), X, X_dot, dot.linear, tangent.x_dot.u, out}, scratch);
  };
  if (generator)
    apply_A(tangent.x.u, tangent.x_dot.u, tangent.f_dot);
  else
    fill(space, 0.0, tangent.f_dot);
  if (rows == 0) return;
  const MatrixView<Real> values_dot = scratch.matrix(rows, lanes);
  terms.apply_jvp(space,
                  {coefficients, dot.nonlinear, tangent.x, tangent.x_dot,
                   rows_of(tangent.tape, rows, terms.tape_rows()), values_dot},
                  scratch);
  if (shape.has_plain) axpy(space, 1.0, rows_of(values_dot, 0, n), tangent.f_dot);
  if (!shape.has_relaxed) return;
  const MatrixView<Real> Ar_dot = scratch.matrix(n, lanes);
  apply_A(relaxed(rows_of(tangent.tape, 0, rows)), relaxed(values_dot), Ar_dot);
  axpy(space, -1.0, Ar_dot, tangent.f_dot);
}

// f_dot = A u_dot + A' u + g_dot - A r_dot; where there is an r, A is the same everywhere and acts on
// tangents alone, so that its adjoints are those of a product.
template <class Real>
void RightHandSide<Real>::jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape.n, rows = shape.rows(), lanes = reverse.x.lanes();
  const VectorView<Real> A_bar = linear_bar(reverse.coefficients_bar, scratch);
  if (generator)
    generator->apply_jvp_vjp(
        space,
        {action(reverse.x), reverse.x_dot.u, reverse.x.u, reverse.x_dot.u, reverse.f_dot_bar, reverse.x_bar.u,
         reverse.x_dot_bar.u, reverse.x_bar.u, reverse.x_dot_bar.u, A_bar},
        scratch);
  if (rows == 0) return;
  const ConstMatrixView<Real> inner = rows_of(reverse.tape, rows, terms.tape_rows());
  const MatrixView<Real> values_dot_bar = scratch.matrix(rows, lanes);
  fill(space, 0.0, values_dot_bar);
  if (shape.has_plain) axpy(space, 1.0, reverse.f_dot_bar, rows_of(values_dot_bar, 0, n));
  if (shape.has_relaxed) {
    const MatrixView<Real> values_dot = scratch.matrix(rows, lanes), Ar_dot_bar = scratch.matrix(n, lanes);
    terms.apply_jvp(space, {coefficients, {}, reverse.x, reverse.x_dot, inner, values_dot}, scratch);
    scaled_copy(space, -1.0, reverse.f_dot_bar, Ar_dot_bar);
    generator->apply_vjp(space,
                         {action(reverse.x), ConstMatrixView<Real>(relaxed(values_dot)), Ar_dot_bar,
                          relaxed(values_dot_bar), A_bar, reverse.x_bar.u},
                         scratch);
  }
  terms.apply_jvp_vjp(space,
                      {coefficients, reverse.x, reverse.x_dot, inner, values_dot_bar, reverse.x_bar,
                       reverse.x_dot_bar, reverse.coefficients_bar.nonlinear},
                      scratch);
}

template <class Real>
void RightHandSide<Real>::jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape.n, rows = shape.rows(), lanes = tangent.x.lanes();
  const Dots& dot = tangent.coefficients_dot;
  if (generator)
    generator->apply_jvp_jvp(
        space,
        {action(tangent.x), tangent.x_dot.u, tangent.x.u, tangent.x_dot.u, dot.linear, tangent.f_dot_dot},
        scratch);
  else
    fill(space, 0.0, tangent.f_dot_dot);
  if (rows == 0) return;
  const ConstMatrixView<Real> inner = rows_of(tangent.tape, rows, terms.tape_rows());
  const MatrixView<Real> values_dot_dot = scratch.matrix(rows, lanes);
  terms.apply_jvp_jvp(space, {coefficients, dot.nonlinear, tangent.x, tangent.x_dot, inner, values_dot_dot},
                      scratch);
  if (shape.has_plain) axpy(space, 1.0, rows_of(values_dot_dot, 0, n), tangent.f_dot_dot);
  if (!shape.has_relaxed) return;
  const MatrixView<Real> values_dot = scratch.matrix(rows, lanes), Ar_dot_dot = scratch.matrix(n, lanes),
                         zero = scratch.matrix(n, lanes);
  fill(space, 0.0, zero);
  terms.apply_jvp(space, {coefficients, {}, tangent.x, tangent.x_dot, inner, values_dot}, scratch);
  // A' r_dot + A r_dot' with the tangents ' along the coefficients.
  generator->apply_jvp(
      space,
      {action(tangent.x), relaxed(ConstMatrixView<Real>(values_dot)),
       relaxed(ConstMatrixView<Real>(values_dot_dot)), dot.linear, ConstMatrixView<Real>(zero), Ar_dot_dot},
      scratch);
  axpy(space, -1.0, Ar_dot_dot, tangent.f_dot_dot);
}

template struct RightHandSide<double>;
template struct RightHandSide<float>;

}  // namespace spnode::core
