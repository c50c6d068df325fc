#include "core/vector_field/vector_field.hpp"

#include "core/kernels/elementwise.hpp"

namespace spnode::core {

template <class Real>
VectorField<Real>::VectorField(const BasicModel<Real>& model)
    : assembled_(model),
      shape_(model.split_shape()),
      table_({1.0}),
      generator_(make_linear_part<Real>({model.linear().shape(),
                                         shape_,
                                         {{OperatorSpec::Kind::generator}},
                                         table_,
                                         StepScope::table,
                                         model.options().linear},
                                        MatrixFunctionMethod::dense)) {}

template <class Real>
void VectorField<Real>::set_parameters(std::span<const double> theta) {
  assembled_.set_parameters(theta);
  if (generator_) generator_->assemble(assembled_.linear());
}

template <class Real>
VectorView<Real> VectorField<Real>::linear_bar(const VectorView<Real>& coefficients_bar,
                                               Scratch<Real>& scratch) const {
  const std::size_t count = assembled_.linear().size();
  return coefficients_bar.extent(0) > 0 ? VectorView<Real>(coefficients_bar.data(), count)
                                        : scratch.vector(count);
}

template <class Real>
VectorView<Real> VectorField<Real>::nonlinear_bar(const VectorView<Real>& coefficients_bar) const {
  if (coefficients_bar.extent(0) == 0) return {};
  return cut(coefficients_bar, assembled_.linear().size()).nonlinear;
}

// The tape holds the value [g; r] of the nonlinear terms, then their own tape.

template <class Real>
void VectorField<Real>::value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> f,
                              MatrixView<Real> tape, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape_.n, rows = shape_.rows();
  if (generator_)
    generator_->apply(space, {action(x), x.u, f}, scratch);
  else
    fill(space, 0.0, f);
  if (rows == 0) return;
  const MatrixView<Real> values = rows_of(tape, 0, rows);
  const NonlinearTerms<Real>& terms = model().nonlinear();
  terms.apply(space, {assembled_.nonlinear(), x, values, rows_of(tape, rows, terms.tape_rows())}, scratch);
  if (shape_.has_plain) axpy(space, 1.0, rows_of(values, 0, n), f);
  if (!shape_.has_relaxed) return;
  const MatrixView<Real> Ar = scratch.matrix(n, x.lanes());
  generator_->apply(space, {action(x), ConstMatrixView<Real>(relaxed(values)), Ar}, scratch);
  axpy(space, -1.0, Ar, f);
}

template <class Real>
void VectorField<Real>::vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape_.n, rows = shape_.rows(), lanes = reverse.x.lanes();
  const VectorView<Real> A_bar = linear_bar(reverse.coefficients_bar, scratch);
  if (generator_)
    generator_->apply_vjp(
        space, {action(reverse.x), reverse.x.u, reverse.f_bar, reverse.x_bar.u, A_bar, reverse.x_bar.u},
        scratch);
  if (rows == 0) return;
  const MatrixView<Real> values_bar = scratch.matrix(rows, lanes);
  fill(space, 0.0, values_bar);
  if (shape_.has_plain) axpy(space, 1.0, reverse.f_bar, rows_of(values_bar, 0, n));
  if (shape_.has_relaxed) {
    const MatrixView<Real> Ar_bar = scratch.matrix(n, lanes);
    scaled_copy(space, -1.0, reverse.f_bar, Ar_bar);
    generator_->apply_vjp(space,
                          {action(reverse.x), relaxed(rows_of(reverse.tape, 0, rows)), Ar_bar,
                           relaxed(values_bar), A_bar, reverse.x_bar.u},
                          scratch);
  }
  const NonlinearTerms<Real>& terms = model().nonlinear();
  terms.apply_vjp(space,
                  {assembled_.nonlinear(), reverse.x, rows_of(reverse.tape, rows, terms.tape_rows()),
                   values_bar, reverse.x_bar, nonlinear_bar(reverse.coefficients_bar)},
                  scratch);
}

template <class Real>
void VectorField<Real>::jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape_.n, rows = shape_.rows(), lanes = tangent.x.lanes(),
                    linear = assembled_.linear().size();
  // Linear parts take the tangent of their coefficients as it is; zero stands in scratch.
  CoefficientParts<ConstVectorView<Real>> dot;
  if (tangent.coefficients_dot.extent(0) > 0) {
    dot = cut(tangent.coefficients_dot, linear);
  } else {
    const VectorView<Real> zero = scratch.vector(linear);
    fill(space, 0.0, MatrixView<Real>(zero.data(), 1, linear));
    dot.linear = zero;
  }
  const auto apply_A = [&](ConstMatrixView<Real> X, ConstMatrixView<Real> X_dot, MatrixView<Real> out) {
    generator_->apply_jvp(space, {action(tangent.x), X, X_dot, dot.linear, tangent.x_dot.u, out}, scratch);
  };
  if (generator_)
    apply_A(tangent.x.u, tangent.x_dot.u, tangent.f_dot);
  else
    fill(space, 0.0, tangent.f_dot);
  if (rows == 0) return;
  const NonlinearTerms<Real>& terms = model().nonlinear();
  const MatrixView<Real> values_dot = scratch.matrix(rows, lanes);
  terms.apply_jvp(space,
                  {assembled_.nonlinear(), dot.nonlinear, tangent.x, tangent.x_dot,
                   rows_of(tangent.tape, rows, terms.tape_rows()), values_dot},
                  scratch);
  if (shape_.has_plain) axpy(space, 1.0, rows_of(values_dot, 0, n), tangent.f_dot);
  if (!shape_.has_relaxed) return;
  const MatrixView<Real> Ar_dot = scratch.matrix(n, lanes);
  apply_A(relaxed(rows_of(tangent.tape, 0, rows)), relaxed(values_dot), Ar_dot);
  axpy(space, -1.0, Ar_dot, tangent.f_dot);
}

// f_dot = A u_dot + A' u + g_dot - A r_dot; where there is an r, A is the same everywhere and acts on
// tangents alone, so that its adjoints are those of a product.
template <class Real>
void VectorField<Real>::jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape_.n, rows = shape_.rows(), lanes = reverse.x.lanes();
  const VectorView<Real> A_bar = linear_bar(reverse.coefficients_bar, scratch);
  if (generator_)
    generator_->apply_jvp_vjp(
        space,
        {action(reverse.x), reverse.x_dot.u, reverse.x.u, reverse.x_dot.u, reverse.f_dot_bar, reverse.x_bar.u,
         reverse.x_dot_bar.u, reverse.x_bar.u, reverse.x_dot_bar.u, A_bar},
        scratch);
  if (rows == 0) return;
  const NonlinearTerms<Real>& terms = model().nonlinear();
  const ConstMatrixView<Real> inner = rows_of(reverse.tape, rows, terms.tape_rows());
  const MatrixView<Real> values_dot_bar = scratch.matrix(rows, lanes);
  fill(space, 0.0, values_dot_bar);
  if (shape_.has_plain) axpy(space, 1.0, reverse.f_dot_bar, rows_of(values_dot_bar, 0, n));
  if (shape_.has_relaxed) {
    const MatrixView<Real> values_dot = scratch.matrix(rows, lanes), Ar_dot_bar = scratch.matrix(n, lanes);
    terms.apply_jvp(space, {assembled_.nonlinear(), {}, reverse.x, reverse.x_dot, inner, values_dot},
                    scratch);
    scaled_copy(space, -1.0, reverse.f_dot_bar, Ar_dot_bar);
    generator_->apply_vjp(space,
                          {action(reverse.x), ConstMatrixView<Real>(relaxed(values_dot)), Ar_dot_bar,
                           relaxed(values_dot_bar), A_bar, reverse.x_bar.u},
                          scratch);
  }
  terms.apply_jvp_vjp(space,
                      {assembled_.nonlinear(), reverse.x, reverse.x_dot, inner, values_dot_bar, reverse.x_bar,
                       reverse.x_dot_bar, nonlinear_bar(reverse.coefficients_bar)},
                      scratch);
}

template <class Real>
void VectorField<Real>::jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = shape_.n, rows = shape_.rows(), lanes = tangent.x.lanes();
  const auto dot = cut(tangent.coefficients_dot, assembled_.linear().size());
  if (generator_)
    generator_->apply_jvp_jvp(
        space,
        {action(tangent.x), tangent.x_dot.u, tangent.x.u, tangent.x_dot.u, dot.linear, tangent.f_dot_dot},
        scratch);
  else
    fill(space, 0.0, tangent.f_dot_dot);
  if (rows == 0) return;
  const NonlinearTerms<Real>& terms = model().nonlinear();
  const ConstMatrixView<Real> inner = rows_of(tangent.tape, rows, terms.tape_rows());
  const MatrixView<Real> values_dot_dot = scratch.matrix(rows, lanes);
  terms.apply_jvp_jvp(
      space, {assembled_.nonlinear(), dot.nonlinear, tangent.x, tangent.x_dot, inner, values_dot_dot},
      scratch);
  if (shape_.has_plain) axpy(space, 1.0, rows_of(values_dot_dot, 0, n), tangent.f_dot_dot);
  if (!shape_.has_relaxed) return;
  const MatrixView<Real> values_dot = scratch.matrix(rows, lanes), Ar_dot_dot = scratch.matrix(n, lanes),
                         zero = scratch.matrix(n, lanes);
  fill(space, 0.0, zero);
  terms.apply_jvp(space, {assembled_.nonlinear(), {}, tangent.x, tangent.x_dot, inner, values_dot}, scratch);
  // A' r_dot + A r_dot' with the tangents ' along the coefficients.
  generator_->apply_jvp(
      space,
      {action(tangent.x), relaxed(ConstMatrixView<Real>(values_dot)),
       relaxed(ConstMatrixView<Real>(values_dot_dot)), dot.linear, ConstMatrixView<Real>(zero), Ar_dot_dot},
      scratch);
  axpy(space, -1.0, Ar_dot_dot, tangent.f_dot_dot);
}

template class VectorField<double>;
template class VectorField<float>;

}  // namespace spnode::core
