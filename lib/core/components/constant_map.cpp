#include "core/components/constant_map.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/support/random.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
void ConstantMap<Real>::declare(ParameterLayout& layout) {
  c_ = {role_.name, {outputs_}, role_.meaning, ParameterGroup::dynamics, role_.frozen};
  c_.offset = layout.add(c_);
}

template <class Real>
void ConstantMap<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  const Random random(seed, role_.name);
  const auto c = values(theta);
  for (std::size_t i = 0; i < c.size(); ++i) c[i] = role_.initial_scale * random.normal(i);
}

template <class Real>
void ConstantMap<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(block_of(theta, c_), c.begin());
}

template <class Real>
void ConstantMap<Real>::assemble_vjp(std::span<const double>, std::span<const double> c_bar,
                                     std::span<double> theta_bar) const {
  if (role_.frozen) return;
  const auto bar = block_of(theta_bar, c_);
  for (std::size_t i = 0; i < bar.size(); ++i) bar[i] += c_bar[i];
}

template <class Real>
void ConstantMap<Real>::assemble_jvp(std::span<const double>, std::span<const double> theta_dot,
                                     std::span<double> c_dot) const {
  std::ranges::copy(block_of(theta_dot, c_), c_dot.begin());
}

template <class Real>
void ConstantMap<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  add_to_lanes(space, value.coefficients, value.y);
}

template <class Real>
void ConstantMap<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>&) const {
  if (reverse.coefficients_bar.extent(0) > 0) add_row_sums(space, reverse.y_bar, reverse.coefficients_bar);
}

template <class Real>
void ConstantMap<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const {
  if (tangent.coefficients_dot.extent(0) > 0) add_to_lanes(space, tangent.coefficients_dot, tangent.y_dot);
}

template class ConstantMap<double>;
template class ConstantMap<float>;

}  // namespace spnode::core
