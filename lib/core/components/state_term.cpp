#include "core/components/state_term.hpp"

#include "core/kernels/elementwise.hpp"

namespace spnode::core {
namespace {

template <class Real>
MatrixView<Real> zeros(const ExecSpace& space, std::size_t rows, std::size_t lanes, Scratch<Real>& scratch) {
  const MatrixView<Real> zero = scratch.matrix(rows, lanes);
  fill(space, 0.0, zero);
  return zero;
}

}  // namespace

template <class Real>
void StateTerm<Real>::declare(ParameterLayout& layout) {
  using Map = CouplingMap<Real>;
  state_ = std::make_unique<Map>(flow_, Map::Direction::from_latent);
  function_->declare(layout);
}

template <class Real>
void StateTerm<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  const std::size_t first = state_->coefficient_count();
  state_->assemble(theta, c.first(first));
  function_->assemble(theta, c.subspan(first));
}

template <class Real>
void StateTerm<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                   std::span<double> theta_bar) const {
  const std::size_t first = state_->coefficient_count();
  state_->assemble_vjp(theta, c_bar.first(first), theta_bar);
  function_->assemble_vjp(theta, c_bar.subspan(first), theta_bar);
}

template <class Real>
void StateTerm<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                   std::span<double> c_dot) const {
  const std::size_t first = state_->coefficient_count();
  state_->assemble_jvp(theta, theta_dot, c_dot.first(first));
  function_->assemble_jvp(theta, theta_dot, c_dot.subspan(first));
}

template <class Real>
void StateTerm<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const MatrixView<Real> z = state(value.tape);
  fill(space, 0.0, z);
  state_->apply(space, {of_state(value.coefficients), latent(value.x), z, state_tape(value.tape)}, scratch);
  function_->apply(
      space, {of_function(value.coefficients), Point<Real>(z, value.x.q), value.y, function_tape(value.tape)},
      scratch);
}

template <class Real>
void StateTerm<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> z_bar = zeros(space, states_, reverse.x.lanes(), scratch);
  function_->apply_vjp(
      space,
      {of_function(reverse.coefficients), state_point(reverse.tape, reverse.x), function_tape(reverse.tape),
       reverse.y_bar, PointBar<Real>(z_bar, reverse.x_bar.q), of_function(reverse.coefficients_bar)},
      scratch);
  state_->apply_vjp(space,
                    {of_state(reverse.coefficients), latent(reverse.x), state_tape(reverse.tape), z_bar,
                     latent(reverse.x_bar), of_state(reverse.coefficients_bar)},
                    scratch);
}

template <class Real>
MatrixView<Real> StateTerm<Real>::state_dot(const ExecSpace& space, const Tangent& tangent,
                                            Scratch<Real>& scratch) const {
  const MatrixView<Real> z_dot = zeros(space, states_, tangent.x.lanes(), scratch);
  state_->apply_jvp(space,
                    {of_state(tangent.coefficients), of_state(tangent.coefficients_dot), latent(tangent.x),
                     latent(tangent.x_dot), state_tape(tangent.tape), z_dot},
                    scratch);
  return z_dot;
}

template <class Real>
void StateTerm<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  function_->apply_jvp(
      space,
      {of_function(tangent.coefficients), of_function(tangent.coefficients_dot),
       state_point(tangent.tape, tangent.x),
       PointDot<Real>(ConstMatrixView<Real>(state_dot(space, tangent, scratch)), tangent.x_dot.q),
       function_tape(tangent.tape), tangent.y_dot},
      scratch);
}

// y_dot = f'(z) z_dot with z_dot = (h^{-1})'(u) u_dot: z and z_dot both depend on u.
template <class Real>
void StateTerm<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes();
  const MatrixView<Real> z_dot = state_dot(
                             space, {reverse.coefficients, {}, reverse.x, reverse.x_dot, reverse.tape, {}},
                             scratch),
                         z_bar = zeros(space, states_, lanes, scratch),
                         z_dot_bar = zeros(space, states_, lanes, scratch);
  function_->apply_jvp_vjp(
      space,
      {of_function(reverse.coefficients), state_point(reverse.tape, reverse.x),
       PointDot<Real>(ConstMatrixView<Real>(z_dot), reverse.x_dot.q), function_tape(reverse.tape),
       reverse.y_dot_bar, PointBar<Real>(z_bar, reverse.x_bar.q),
       PointBar<Real>(z_dot_bar, reverse.x_dot_bar.q), of_function(reverse.coefficients_bar)},
      scratch);
  state_->apply_jvp_vjp(
      space,
      {of_state(reverse.coefficients), latent(reverse.x), latent(reverse.x_dot), state_tape(reverse.tape),
       z_dot_bar, latent(reverse.x_bar), latent(reverse.x_dot_bar), of_state(reverse.coefficients_bar)},
      scratch);
  state_->apply_vjp(space,
                    {of_state(reverse.coefficients), latent(reverse.x), state_tape(reverse.tape), z_bar,
                     latent(reverse.x_bar), of_state(reverse.coefficients_bar)},
                    scratch);
}

template <class Real>
void StateTerm<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.lanes();
  const PointDot<Real> resting(ConstMatrixView<Real>(zeros(space, tangent.x.u.extent(0), lanes, scratch)));
  const MatrixView<Real>
      z_dot =
          state_dot(space, {tangent.coefficients, {}, tangent.x, tangent.x_dot, tangent.tape, {}}, scratch),
      along = state_dot(
          space, {tangent.coefficients, tangent.coefficients_dot, tangent.x, resting, tangent.tape, {}},
          scratch),
      both = zeros(space, states_, lanes, scratch);
  state_->apply_jvp_jvp(space,
                        {of_state(tangent.coefficients), of_state(tangent.coefficients_dot),
                         latent(tangent.x), latent(tangent.x_dot), state_tape(tangent.tape), both},
                        scratch);
  function_->apply_along(space,
                         {of_function(tangent.coefficients),
                          of_function(tangent.coefficients_dot),
                          state_point(tangent.tape, tangent.x),
                          PointDot<Real>(ConstMatrixView<Real>(z_dot), tangent.x_dot.q),
                          function_tape(tangent.tape),
                          along,
                          both,
                          {},
                          tangent.y_dot_dot},
                         scratch);
}

template class StateTerm<double>;
template class StateTerm<float>;

}  // namespace spnode::core
