#include "core/components/forcing.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
void Forcing<Real>::declare(ParameterLayout& layout) {
  B_ = {name_ + "/B", {n_, m_}, "of the arguments (outputs, arguments)"};
  b_ = {name_ + "/b", {n_}, "constant of the forcing"};
  if (m_ > 0) B_.offset = layout.add(B_);
  b_.offset = layout.add(b_);
  first_ = b_.offset - n_ * m_;
}

template <class Real>
void Forcing<Real>::set_constant(std::span<const double> b, std::span<double> theta) const {
  std::ranges::copy(b, block_of(theta, b_).begin());
}

template <class Real>
void Forcing<Real>::initialise(std::uint64_t, std::span<double> theta) const {
  std::ranges::fill(theta.subspan(first_, coefficient_count()), 0.0);
}

template <class Real>
void Forcing<Real>::scale_value(double factor, std::span<double> theta) const {
  for (double& entry : theta.subspan(first_, coefficient_count())) entry *= factor;
}

// B and b stand one after the other in theta and in the coefficients.
template <class Real>
void Forcing<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(theta.subspan(first_, coefficient_count()), c.begin());
}

template <class Real>
void Forcing<Real>::assemble_vjp(std::span<const double>, std::span<const double> c_bar,
                                 std::span<double> theta_bar) const {
  for (std::size_t i = 0; i < coefficient_count(); ++i) theta_bar[first_ + i] += c_bar[i];
}

template <class Real>
void Forcing<Real>::assemble_jvp(std::span<const double>, std::span<const double> theta_dot,
                                 std::span<double> c_dot) const {
  std::ranges::copy(theta_dot.subspan(first_, coefficient_count()), c_dot.begin());
}

template <class Real>
void Forcing<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  if (m_ > 0) gemm(space, 1.0, matrix(value.coefficients), Transpose::no, value.x.q, 1.0, value.y);
  add_to_lanes(space, constant(value.coefficients), value.y);
}

template <class Real>
void Forcing<Real>::add_bars(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                             const ConstMatrixView<Real>& q, const ConstMatrixView<Real>& y_bar,
                             const MatrixView<Real>& q_bar, const VectorView<Real>& coefficients_bar) const {
  if (m_ > 0 && q_bar.extent(0) > 0)
    gemm(space, 1.0, matrix(coefficients), Transpose::yes, y_bar, 1.0, q_bar);
  if (coefficients_bar.extent(0) > 0 && m_ > 0 && q.extent(0) > 0)
    gemm_nt(space, 1.0, y_bar, q, MatrixView<Real>(coefficients_bar.data(), n_, m_));
}

template <class Real>
void Forcing<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>&) const {
  add_bars(space, reverse.coefficients, reverse.x.q, reverse.y_bar, reverse.x_bar.q,
           reverse.coefficients_bar);
  if (reverse.coefficients_bar.extent(0) > 0)
    add_row_sums(space, reverse.y_bar, VectorView<Real>(reverse.coefficients_bar.data() + n_ * m_, n_));
}

template <class Real>
void Forcing<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const {
  if (m_ > 0 && tangent.x_dot.q.extent(0) > 0)
    gemm(space, 1.0, matrix(tangent.coefficients), Transpose::no, tangent.x_dot.q, 1.0, tangent.y_dot);
  if (tangent.coefficients_dot.extent(0) == 0) return;
  if (m_ > 0)
    gemm(space, 1.0, matrix(tangent.coefficients_dot), Transpose::no, tangent.x.q, 1.0, tangent.y_dot);
  add_to_lanes(space, constant(tangent.coefficients_dot), tangent.y_dot);
}

// y_dot = B q_dot depends on neither u nor q.
template <class Real>
void Forcing<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                  Scratch<Real>&) const {
  add_bars(space, reverse.coefficients, reverse.x_dot.q, reverse.y_dot_bar, reverse.x_dot_bar.q,
           reverse.coefficients_bar);
}

template <class Real>
void Forcing<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                  Scratch<Real>&) const {
  if (m_ > 0 && tangent.x_dot.q.extent(0) > 0)
    gemm(space, 1.0, matrix(tangent.coefficients_dot), Transpose::no, tangent.x_dot.q, 1.0,
         tangent.y_dot_dot);
}

template class Forcing<double>;
template class Forcing<float>;

}  // namespace spnode::core
