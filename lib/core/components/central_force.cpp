#include "core/components/central_force.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

/// The force in a lane: phi(R), chi = phi' / R and psi = chi' / R, so that
///   d(phi X) = phi dX + chi (X . dX) X  and  d chi = psi X . dX .
template <class Real>
struct Force {
  ConstVectorView<Real> c, origin, length, rate;

  struct Lane {
    Real inverse;  // 1 / R
    Real phi, chi, psi;
  };

  KOKKOS_FUNCTION std::size_t dimension() const { return origin.extent(0); }
  KOKKOS_FUNCTION Real X(const ConstMatrixView<Real>& u, std::size_t i, std::size_t l) const {
    return length(i) * (u(i, l) - origin(i));
  }

  KOKKOS_FUNCTION Real inverse(const ConstMatrixView<Real>& u, std::size_t l) const {
    Real square = 0;
    for (std::size_t i = 0; i < dimension(); ++i) square += X(u, i, l) * X(u, i, l);
    return Real(1) / std::sqrt(square);
  }
  /// Of the coefficients `of`: c, or their tangent.
  KOKKOS_FUNCTION Lane lane(const ConstVectorView<Real>& of, Real inverse) const {
    Lane at{inverse, 0, 0, 0};
    Real power = 1;
    for (std::size_t k = 0; k < c.extent(0); ++k, power *= inverse) {
      const Real term = of(k) * power;
      at.phi += term;
      at.chi -= Real(k) * term;
      at.psi += Real(k * (k + 2)) * term;
    }
    const Real square = inverse * inverse;
    at.chi *= square;
    at.psi *= square * square;
    return at;
  }
  /// X . a with a_i = factor_i v_i.
  KOKKOS_FUNCTION Real along(const ConstMatrixView<Real>& u, const ConstVectorView<Real>& factor,
                             const ConstMatrixView<Real>& v, std::size_t l) const {
    Real sum = 0;
    for (std::size_t i = 0; i < dimension(); ++i) sum += X(u, i, l) * factor(i) * v(i, l);
    return sum;
  }
};

/// Cuts the coefficients [c; origin; length; rate].
template <class Real>
Force<Real> force_of(const ConstVectorView<Real>& coefficients, std::size_t K, std::size_t d) {
  const auto part = [&](std::size_t first, std::size_t size) {
    return ConstVectorView<Real>(coefficients.data() + first, size);
  };
  return {part(0, K), part(K, d), part(K + d, d), part(K + 2 * d, d)};
}

/// c_bar (K) += sums over lanes of weight(k, l).
template <class Real, class Weight>
void add_coefficients(const ExecSpace& space, std::size_t lanes, const VectorView<Real>& c_bar,
                      const Weight& weight, Scratch<Real>& scratch) {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> terms = scratch.matrix(c_bar.extent(0), lanes);
  for_each_row(
      "central_force", space, terms.extent(0), lanes,
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) terms(k, l) = weight(k, l);
      });
  add_row_sums(space, terms, c_bar);
}

template <class Real>
KOKKOS_FUNCTION Real power(Real x, std::size_t k) {
  Real y = 1;
  for (std::size_t j = 0; j < k; ++j) y *= x;
  return y;
}

}  // namespace

template <class Real>
void CentralForce<Real>::declare(ParameterLayout& layout) {
  const std::size_t d = outputs();
  const auto add = [&](const char* name, std::size_t size, const char* meaning, bool frozen) {
    ParameterBlock block{name_ + "/" + name, {size}, meaning, ParameterGroup::dynamics, frozen};
    block.offset = layout.add(block);
    return block;
  };
  c_ = add("c", K_, "of phi(R) = sum_k c_k R^-k, k from 0, in unscaled coordinates", false);
  origin_ = add("origin", d, "the centre in scaled coordinates", true);
  length_ = add("length", d, "X = length (u - origin)", true);
  rate_ = add("rate", d, "g = rate phi(|X|) X in scaled coordinates", true);
}

template <class Real>
void CentralForce<Real>::initialise(std::uint64_t, std::span<double> theta) const {
  for (const ParameterBlock* block : {&c_, &origin_}) std::ranges::fill(block_of(theta, *block), 0.0);
  for (const ParameterBlock* block : {&length_, &rate_}) std::ranges::fill(block_of(theta, *block), 1.0);
}

template <class Real>
void CentralForce<Real>::scale_value(double factor, std::span<double> theta) const {
  scale_block(factor, theta, c_);
}

template <class Real>
void CentralForce<Real>::set_scaling(const Scaling& scaling, std::span<double> theta) const {
  const std::size_t last = shape_.states - outputs();
  for (std::size_t i = 0; i < outputs(); ++i) {
    theta[origin_.offset + i] = -scaling.shift[i] / scaling.scale[i];
    theta[length_.offset + i] = scaling.scale[i];
    theta[rate_.offset + i] = 1.0 / scaling.scale[last + i];
  }
}

// The blocks stand one after the other in theta and in the coefficients.
template <class Real>
void CentralForce<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(theta.subspan(c_.offset, coefficient_count()), c.begin());
}

template <class Real>
void CentralForce<Real>::assemble_vjp(std::span<const double>, std::span<const double> c_bar,
                                      std::span<double> theta_bar) const {
  for (std::size_t k = 0; k < K_; ++k) theta_bar[c_.offset + k] += c_bar[k];
}

template <class Real>
void CentralForce<Real>::assemble_jvp(std::span<const double>, std::span<const double> theta_dot,
                                      std::span<double> c_dot) const {
  std::ranges::fill(c_dot, 0.0);
  std::ranges::copy(theta_dot.subspan(c_.offset, K_), c_dot.begin());
}

template <class Real>
void CentralForce<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  const Force<Real> force = force_of(value.coefficients, K_, outputs());
  const ConstMatrixView<Real> u = value.x.u;
  const MatrixView<Real> y = value.y;
  for_each_row(
      "central_force", space, 1, value.x.lanes(),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const Real phi = force.lane(force.c, force.inverse(u, l)).phi;
          for (std::size_t i = 0; i < force.dimension(); ++i)
            y(i, l) += force.rate(i) * phi * force.X(u, i, l);
        }
      });
}

template <class Real>
void CentralForce<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                   Scratch<Real>& scratch) const {
  const Force<Real> force = force_of(reverse.coefficients, K_, outputs());
  const ConstMatrixView<Real> u = reverse.x.u, y_bar = reverse.y_bar;
  const MatrixView<Real> u_bar = reverse.x_bar.u;
  for_each_row(
      "central_force_vjp", space, 1, reverse.x.lanes(),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto at = force.lane(force.c, force.inverse(u, l));
          const Real along = force.along(u, force.rate, y_bar, l);
          for (std::size_t i = 0; i < force.dimension(); ++i)
            u_bar(i, l) +=
                force.length(i) * (at.phi * force.rate(i) * y_bar(i, l) + at.chi * along * force.X(u, i, l));
        }
      });
  if (reverse.coefficients_bar.extent(0) == 0) return;
  add_coefficients<Real>(
      space, reverse.x.lanes(), VectorView<Real>(reverse.coefficients_bar.data(), K_),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t l) {
        return power(force.inverse(u, l), k) * force.along(u, force.rate, y_bar, l);
      },
      scratch);
}

template <class Real>
void CentralForce<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const {
  const Force<Real> force = force_of(tangent.coefficients, K_, outputs());
  const bool moves = tangent.coefficients_dot.extent(0) > 0;
  const ConstVectorView<Real> c_dot = moves ? force_of(tangent.coefficients_dot, K_, outputs()).c : force.c;
  const ConstMatrixView<Real> u = tangent.x.u, u_dot = tangent.x_dot.u;
  const MatrixView<Real> y_dot = tangent.y_dot;
  for_each_row(
      "central_force_jvp", space, 1, tangent.x.lanes(),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto at = force.lane(force.c, force.inverse(u, l));
          const Real factor = at.chi * force.along(u, force.length, u_dot, l) +
                              (moves ? force.lane(c_dot, at.inverse).phi : Real(0));
          for (std::size_t i = 0; i < force.dimension(); ++i)
            y_dot(i, l) +=
                force.rate(i) * (at.phi * force.length(i) * u_dot(i, l) + factor * force.X(u, i, l));
        }
      });
}

// With w_i = rate_i y_dot_bar_i and D_i = length_i u_dot_i: S = phi w . D + chi (X . D) (X . w).
template <class Real>
void CentralForce<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                       Scratch<Real>& scratch) const {
  const Force<Real> force = force_of(reverse.coefficients, K_, outputs());
  const ConstMatrixView<Real> u = reverse.x.u, u_dot = reverse.x_dot.u, y_bar = reverse.y_dot_bar;
  const MatrixView<Real> u_bar = reverse.x_bar.u, dot_bar = reverse.x_dot_bar.u;
  const auto w_dot_D = KOKKOS_LAMBDA(const std::size_t l) {
    Real sum = 0;
    for (std::size_t i = 0; i < force.dimension(); ++i)
      sum += force.rate(i) * y_bar(i, l) * force.length(i) * u_dot(i, l);
    return sum;
  };
  for_each_row(
      "central_force_jvp_vjp", space, 1, reverse.x.lanes(),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto at = force.lane(force.c, force.inverse(u, l));
          const Real XD = force.along(u, force.length, u_dot, l), Xw = force.along(u, force.rate, y_bar, l),
                     radial = at.chi * w_dot_D(l) + at.psi * XD * Xw;
          for (std::size_t i = 0; i < force.dimension(); ++i) {
            const Real w = force.rate(i) * y_bar(i, l), D = force.length(i) * u_dot(i, l),
                       X = force.X(u, i, l);
            dot_bar(i, l) += force.length(i) * (at.phi * w + at.chi * Xw * X);
            u_bar(i, l) += force.length(i) * (radial * X + at.chi * (Xw * D + XD * w));
          }
        }
      });
  if (reverse.coefficients_bar.extent(0) == 0) return;
  add_coefficients<Real>(
      space, reverse.x.lanes(), VectorView<Real>(reverse.coefficients_bar.data(), K_),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t l) {
        const Real inverse = force.inverse(u, l);
        return power(inverse, k) *
               (w_dot_D(l) - Real(k) * inverse * inverse * force.along(u, force.length, u_dot, l) *
                                 force.along(u, force.rate, y_bar, l));
      },
      scratch);
}

// y_dot = rate (phi D + chi (X . D) X) is linear in c, the only coefficients that move.
template <class Real>
void CentralForce<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                       Scratch<Real>&) const {
  const Force<Real> force = force_of(tangent.coefficients, K_, outputs());
  const ConstVectorView<Real> c_dot = force_of(tangent.coefficients_dot, K_, outputs()).c;
  const ConstMatrixView<Real> u = tangent.x.u, u_dot = tangent.x_dot.u;
  const MatrixView<Real> y_dot_dot = tangent.y_dot_dot;
  for_each_row(
      "central_second", space, 1, tangent.x.lanes(),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto at = force.lane(c_dot, force.inverse(u, l));
          const Real factor = at.chi * force.along(u, force.length, u_dot, l);
          for (std::size_t i = 0; i < force.dimension(); ++i)
            y_dot_dot(i, l) +=
                force.rate(i) * (at.phi * force.length(i) * u_dot(i, l) + factor * force.X(u, i, l));
        }
      });
}

template class CentralForce<double>;
template class CentralForce<float>;

}  // namespace spnode::core
