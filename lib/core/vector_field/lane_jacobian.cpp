#include "core/vector_field/lane_jacobian.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lane_products.hpp"

namespace spnode::core {
namespace {

/// Column j of matrices of lanes: entries i n + j, as a matrix (n, lanes) of long rows.
template <class Real>
MatrixView<Real> column(const MatrixView<Real>& J, std::size_t n, std::size_t j) {
  const std::size_t lanes = J.extent(1);
  return lanes_of(MatrixView<Real>(J.data(), n, n * lanes), j * lanes, lanes);
}

template <class Real>
MatrixView<Real> zeros(const ExecSpace& space, std::size_t rows, std::size_t lanes, Scratch<Real>& scratch) {
  const MatrixView<Real> zero = scratch.matrix(rows, lanes);
  fill(space, 0.0, zero);
  return zero;
}

/// Calls action(j, the unit vector j in all lanes) for the first n of them.
template <class Real, class Action>
void for_each_unit(const ExecSpace& space, std::size_t n, std::size_t lanes, Scratch<Real>& scratch,
                   const Action& action) {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> unit = zeros(space, n, lanes, scratch);
  for (std::size_t j = 0; j < n; ++j) {
    fill(space, 1.0, rows_of(unit, j, 1));
    action(j, ConstMatrixView<Real>(unit));
    fill(space, 0.0, rows_of(unit, j, 1));
  }
}

}  // namespace

template <class Real>
void lane_jacobian(const ExecSpace& space, const LinearisedAt<Real>& at, MatrixView<Real> J,
                   Scratch<Real>& scratch) {
  const std::size_t n = at.f.shape.n;
  for_each_unit(space, n, at.x.lanes(), scratch, [&](std::size_t j, const ConstMatrixView<Real>& unit) {
    at.f.jvp(space, {at.x, unit, at.tape, {}, column(J, n, j)}, scratch);
  });
}

template <class Real>
void lane_jacobian_vjp(const ExecSpace& space, const LinearisedAt<Real>& at, MatrixView<Real> J_bar,
                       MatrixView<Real> u_bar, const typename RightHandSide<Real>::Bars& coefficients_bar,
                       Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const std::size_t n = at.f.shape.n, lanes = at.x.lanes();
  const MatrixView<Real> unused = zeros(space, n, lanes, scratch);
  for_each_unit(space, n, lanes, scratch, [&](std::size_t j, const ConstMatrixView<Real>& unit) {
    at.f.jvp_vjp(space, {at.x, unit, at.tape, column(J_bar, n, j), u_bar, unused, coefficients_bar}, scratch);
  });
}

template <class Real>
void lane_jacobian_jvp(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> u_dot,
                       const typename RightHandSide<Real>::Dots& coefficients_dot, MatrixView<Real> J_dot,
                       Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const std::size_t n = at.f.shape.n, lanes = at.x.lanes();
  const MatrixView<Real> along = scratch.matrix(n, lanes), unused = zeros(space, n, lanes, scratch);
  fill(space, 0.0, J_dot);
  for_each_unit(space, n, lanes, scratch, [&](std::size_t i, const ConstMatrixView<Real>& unit) {
    at.f.jvp_vjp(space, {at.x, u_dot, at.tape, unit, rows_of(J_dot, i * n, n), unused, {}}, scratch);
  });
  for_each_unit(space, n, lanes, scratch, [&](std::size_t j, const ConstMatrixView<Real>& unit) {
    at.f.jvp_jvp(space, {at.x, unit, at.tape, coefficients_dot, along}, scratch);
    axpy(space, 1.0, along, column(J_dot, n, j));
  });
}

template <class Real>
void argument_product(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> q_dot,
                      MatrixView<Real> f_dot, Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> rest = zeros(space, at.f.shape.n, at.x.lanes(), scratch);
  at.f.jvp(space, {at.x, {rest, q_dot}, at.tape, {}, f_dot}, scratch);
}

template <class Real>
void argument_product_vjp(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> q_dot,
                          InputMatrix<Real> f_dot_bar, MatrixView<Real> u_bar,
                          const typename RightHandSide<Real>::Bars& coefficients_bar,
                          Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const std::size_t n = at.f.shape.n, lanes = at.x.lanes();
  const ConstMatrixView<Real> rest = zeros(space, n, lanes, scratch);
  const MatrixView<Real> unused = zeros(space, n, lanes, scratch);
  at.f.jvp_vjp(space, {at.x, {rest, q_dot}, at.tape, f_dot_bar, u_bar, unused, coefficients_bar}, scratch);
}

template <class Real>
void argument_product_jvp(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> q_dot,
                          InputMatrix<Real> u_dot, const typename RightHandSide<Real>::Dots& coefficients_dot,
                          MatrixView<Real> f_dot_dot, Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const std::size_t n = at.f.shape.n, lanes = at.x.lanes();
  const ConstMatrixView<Real> rest = zeros(space, n, lanes, scratch);
  const MatrixView<Real> row = scratch.matrix(n, lanes), unused = scratch.matrix(n, lanes);
  at.f.jvp_jvp(space, {at.x, {rest, q_dot}, at.tape, coefficients_dot, f_dot_dot}, scratch);
  for_each_unit(space, n, lanes, scratch, [&](std::size_t i, const ConstMatrixView<Real>& unit) {
    fill(space, 0.0, row);
    fill(space, 0.0, unused);
    at.f.jvp_vjp(space, {at.x, {rest, q_dot}, at.tape, unit, row, unused, {}}, scratch);
    add_lane_dots<Real>(space, row, u_dot, rows_of(f_dot_dot, i, 1));
  });
}

#define SPNODE_LANE_JACOBIAN(Real)                                                                          \
  template void lane_jacobian(const ExecSpace&, const LinearisedAt<Real>&, MatrixView<Real>,                \
                              Scratch<Real>&);                                                              \
  template void lane_jacobian_vjp(const ExecSpace&, const LinearisedAt<Real>&, MatrixView<Real>,            \
                                  MatrixView<Real>, const RightHandSide<Real>::Bars&, Scratch<Real>&);      \
  template void lane_jacobian_jvp(const ExecSpace&, const LinearisedAt<Real>&, InputMatrix<Real>,           \
                                  const RightHandSide<Real>::Dots&, MatrixView<Real>, Scratch<Real>&);      \
  template void argument_product(const ExecSpace&, const LinearisedAt<Real>&, InputMatrix<Real>,            \
                                 MatrixView<Real>, Scratch<Real>&);                                         \
  template void argument_product_vjp(const ExecSpace&, const LinearisedAt<Real>&, InputMatrix<Real>,        \
                                     InputMatrix<Real>, MatrixView<Real>, const RightHandSide<Real>::Bars&, \
                                     Scratch<Real>&);                                                       \
  template void argument_product_jvp(const ExecSpace&, const LinearisedAt<Real>&, InputMatrix<Real>,        \
                                     InputMatrix<Real>, const RightHandSide<Real>::Dots&, MatrixView<Real>, \
                                     Scratch<Real>&);
SPNODE_LANE_JACOBIAN(double)
SPNODE_LANE_JACOBIAN(float)
#undef SPNODE_LANE_JACOBIAN

}  // namespace spnode::core
