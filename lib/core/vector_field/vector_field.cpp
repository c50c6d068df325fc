#include "core/vector_field/vector_field.hpp"

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
typename RightHandSide<Real>::Bars VectorField<Real>::cut_bar(const VectorView<Real>& bar) const {
  if (bar.extent(0) == 0) return {};
  return cut(bar, assembled_.linear().size());
}

template <class Real>
typename RightHandSide<Real>::Dots VectorField<Real>::cut_dot(const ConstVectorView<Real>& dot) const {
  if (dot.extent(0) == 0) return {};
  return cut(dot, assembled_.linear().size());
}

template <class Real>
void VectorField<Real>::value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> f,
                              MatrixView<Real> tape, Scratch<Real>& scratch) const {
  right_hand_side().value(space, x, f, tape, scratch);
}

template <class Real>
void VectorField<Real>::vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  right_hand_side().vjp(
      space, {reverse.x, reverse.tape, reverse.f_bar, reverse.x_bar, cut_bar(reverse.coefficients_bar)},
      scratch);
}

template <class Real>
void VectorField<Real>::jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  right_hand_side().jvp(
      space, {tangent.x, tangent.x_dot, tangent.tape, cut_dot(tangent.coefficients_dot), tangent.f_dot},
      scratch);
}

template <class Real>
void VectorField<Real>::jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                Scratch<Real>& scratch) const {
  right_hand_side().jvp_vjp(space,
                            {reverse.x, reverse.x_dot, reverse.tape, reverse.f_dot_bar, reverse.x_bar,
                             reverse.x_dot_bar, cut_bar(reverse.coefficients_bar)},
                            scratch);
}

template <class Real>
void VectorField<Real>::jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                Scratch<Real>& scratch) const {
  right_hand_side().jvp_jvp(
      space, {tangent.x, tangent.x_dot, tangent.tape, cut_dot(tangent.coefficients_dot), tangent.f_dot_dot},
      scratch);
}

template class VectorField<double>;
template class VectorField<float>;

}  // namespace spnode::core
