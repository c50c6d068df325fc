#pragma once
/// Derivatives of a right-hand side as matrices of which every lane has its own.

#include "core/vector_field/right_hand_side.hpp"

namespace spnode::core {

/// Where a right-hand side is linearised: a point, and the tape that RightHandSide::value has left there.
template <class Real>
struct LinearisedAt {
  const RightHandSide<Real>& f;
  Point<Real> x;
  ConstMatrixView<Real> tape;
};

/// J (n^2, lanes) = df/du, row major in each lane and in one piece of memory; overwritten. One tangent along
/// each unit vector. Nothing here allocates once the scratch has grown.
template <class Real>
void lane_jacobian(const ExecSpace& space, const LinearisedAt<Real>& at, MatrixView<Real> J,
                   Scratch<Real>& scratch);

/// The adjoint: u_bar (n, lanes) and the bars of the coefficients, +=, from J_bar, shaped as J.
template <class Real>
void lane_jacobian_vjp(const ExecSpace& space, const LinearisedAt<Real>& at, MatrixView<Real> J_bar,
                       MatrixView<Real> u_bar, const typename RightHandSide<Real>::Bars& coefficients_bar,
                       Scratch<Real>& scratch);

/// J_dot, shaped as J and overwritten: the tangent of J along u_dot (n, lanes) and the coefficients. The rows
/// of the part along u_dot are adjoints of the tangent along u_dot, because second derivatives are symmetric.
template <class Real>
void lane_jacobian_jvp(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> u_dot,
                       const typename RightHandSide<Real>::Dots& coefficients_dot, MatrixView<Real> J_dot,
                       Scratch<Real>& scratch);

/// f_dot (n, lanes) = (df/dq) q_dot, overwritten, its adjoint and its tangent for a q_dot (m, lanes) that
/// does not move.
template <class Real>
void argument_product(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> q_dot,
                      MatrixView<Real> f_dot, Scratch<Real>& scratch);
template <class Real>
void argument_product_vjp(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> q_dot,
                          InputMatrix<Real> f_dot_bar, MatrixView<Real> u_bar,
                          const typename RightHandSide<Real>::Bars& coefficients_bar, Scratch<Real>& scratch);
template <class Real>
void argument_product_jvp(const ExecSpace& space, const LinearisedAt<Real>& at, InputMatrix<Real> q_dot,
                          InputMatrix<Real> u_dot, const typename RightHandSide<Real>::Dots& coefficients_dot,
                          MatrixView<Real> f_dot_dot, Scratch<Real>& scratch);

}  // namespace spnode::core
