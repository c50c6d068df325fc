#include "core/components/motion.hpp"

#include "core/kernels/elementwise.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
void Motion<Real>::declare(ParameterLayout& layout) {
  const auto add = [&](const char* name, const char* meaning) {
    ParameterBlock block{std::string("motion/") + name, {half_}, meaning, ParameterGroup::dynamics, true};
    block.offset = layout.add(block);
    return block;
  };
  rate_ = add("rate", "of dx/dt = rate v + drift in scaled coordinates u = [x; v]");
  drift_ = add("drift", "of dx/dt = rate v + drift in scaled coordinates u = [x; v]");
}

template <class Real>
void Motion<Real>::initialise(std::uint64_t, std::span<double> theta) const {
  std::ranges::fill(block_of(theta, rate_), 1.0);
  std::ranges::fill(block_of(theta, drift_), 0.0);
}

template <class Real>
void Motion<Real>::set_scaling(const Scaling& scaling, std::span<double> theta) const {
  for (std::size_t i = 0; i < half_; ++i) {
    theta[rate_.offset + i] = scaling.scale[half_ + i] / scaling.scale[i];
    theta[drift_.offset + i] = scaling.shift[half_ + i] / scaling.scale[i];
  }
}

// Both blocks stand one after the other in theta and in the coefficients.
template <class Real>
void Motion<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(theta.subspan(rate_.offset, coefficient_count()), c.begin());
}

template <class Real>
void Motion<Real>::assemble_jvp(std::span<const double>, std::span<const double>,
                                std::span<double> c_dot) const {
  std::ranges::fill(c_dot, 0.0);
}

template <class Real>
void Motion<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  add_scaled_rows(space, rate(value.coefficients), velocity(value.x.u), value.y);
  add_to_lanes(space, drift(value.coefficients), value.y);
}

template <class Real>
void Motion<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>&) const {
  add_scaled_rows(space, rate(reverse.coefficients), reverse.y_bar, velocity(reverse.x_bar.u));
}

template <class Real>
void Motion<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const {
  add_scaled_rows(space, rate(tangent.coefficients), velocity(tangent.x_dot.u), tangent.y_dot);
}

// y_dot does not depend on x.
template <class Real>
void Motion<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                 Scratch<Real>&) const {
  add_scaled_rows(space, rate(reverse.coefficients), reverse.y_dot_bar, velocity(reverse.x_dot_bar.u));
}

template class Motion<double>;
template class Motion<float>;

}  // namespace spnode::core
