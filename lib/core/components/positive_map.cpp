#include "core/components/positive_map.hpp"

#include "core/kernels/lanes.hpp"
#include "core/support/option.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace spnode::core {
namespace {

/// A function of one variable with its first two derivatives.
template <class Real>
struct Expansion {
  Real value, first, second;
};

// psi(v), above 0 also where it underflows.
template <class Real>
KOKKOS_INLINE_FUNCTION Expansion<Real> positive_value(PositiveFunction function, Real v) {
  constexpr Real least = std::numeric_limits<Real>::min();
  if (function == PositiveFunction::log) {
    const Real z = std::exp(v);
    return {z > least ? z : least, z, z};
  }
  const Real decay = std::exp(-std::abs(v)), slope = v < 0 ? decay / (1 + decay) : 1 / (1 + decay);
  const Real z = (v < 0 ? Real(0) : v) + std::log1p(decay);
  return {z > least ? z : least, slope, slope * (1 - slope)};
}

// psi^{-1}(z).
template <class Real>
KOKKOS_INLINE_FUNCTION Expansion<Real> positive_inverse(PositiveFunction function, Real z) {
  if (function == PositiveFunction::log) {
    const Real slope = 1 / z;
    return {std::log(z), slope, -slope * slope};
  }
  const Real rest = -std::expm1(-z), slope = 1 / rest;
  return {z + std::log(rest), slope, slope * (1 - slope)};
}

}  // namespace

PositiveCoordinates::PositiveCoordinates(std::size_t n, const PositiveOptions& options)
    : positive_(n, options.components.empty()), function_(options.coordinates) {
  for (const std::size_t component : options.components) {
    require_option(component < n, {"positive.components"},
                   "names component " + std::to_string(component) + "; the states have the components 0 to " +
                       std::to_string(n - 1));
    positive_[component] = true;
  }
}

double PositiveCoordinates::inverse(double z) const {
  return z > 0.0 ? positive_inverse(function_, z).value : std::numeric_limits<double>::quiet_NaN();
}

void PositiveCoordinates::declare(ParameterLayout& layout) {
  const std::size_t n = positive_.size();
  mean_ = {"positive/mean",
           {n},
           "of the function of each positive component, see deviation",
           ParameterGroup::dynamics,
           true};
  deviation_ = {"positive/deviation",
                {n},
                "latent component: (function - mean) / deviation; 0: the scaled component itself",
                ParameterGroup::dynamics,
                true};
  for (ParameterBlock* block : {&mean_, &deviation_}) block->offset = layout.add(*block);
}

void PositiveCoordinates::initialise(std::span<double> theta) const {
  const std::vector<double> zero(positive_.size(), 0.0);
  set_moments(zero, zero, theta);
}

void PositiveCoordinates::set_moments(std::span<const double> mean, std::span<const double> deviation,
                                      std::span<double> theta) const {
  const auto m = block_of(theta, mean_), s = block_of(theta, deviation_);
  for (std::size_t i = 0; i < positive_.size(); ++i) {
    m[i] = positive_[i] ? mean[i] : 0.0;
    s[i] = !positive_[i] ? 0.0 : deviation[i] > 0.0 ? deviation[i] : 1.0;
  }
}

template <class Real>
void PositiveMap<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(block_of(theta, coordinates_.mean_), c.begin());
  std::ranges::copy(block_of(theta, coordinates_.deviation_), c.begin() + std::ptrdiff_t(n()));
}

template <class Real>
void PositiveMap<Real>::assemble_jvp(std::span<const double>, std::span<const double>,
                                     std::span<double> c_dot) const {
  std::ranges::fill(c_dot, 0.0);
}

template <class Real>
void PositiveMap<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  const std::size_t rows = n();
  const bool encodes = direction_ == Direction::to_latent;
  const PositiveFunction function = coordinates_.function_;
  const ConstVectorView<Real> c = value.coefficients;
  const ConstMatrixView<Real> x = value.x.u;
  const MatrixView<Real> y = value.y, tape = value.tape;
  for_each_row(
      "positive", space, rows, x.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        const Real mean = c(i), deviation = c(rows + i);
        for (std::size_t l = first; l < last; ++l) {
          Expansion<Real> f{x(i, l), 1, 0};
          if (deviation != 0 && encodes) {
            f = positive_inverse(function, x(i, l));
            f = {(f.value - mean) / deviation, f.first / deviation, f.second / deviation};
          } else if (deviation != 0) {
            f = positive_value(function, mean + deviation * x(i, l));
            f = {f.value, f.first * deviation, f.second * deviation * deviation};
          }
          y(i, l) += f.value;
          tape(i, l) = f.first;
          tape(rows + i, l) = f.second;
        }
      });
}

template <class Real>
void PositiveMap<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>&) const {
  const ConstMatrixView<Real> slope = reverse.tape, y_bar = reverse.y_bar;
  const MatrixView<Real> x_bar = reverse.x_bar.u;
  for_each_row(
      "positive_vjp", space, n(), y_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) x_bar(i, l) += slope(i, l) * y_bar(i, l);
      });
}

template <class Real>
void PositiveMap<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const {
  const ConstMatrixView<Real> slope = tangent.tape, x_dot = tangent.x_dot.u;
  const MatrixView<Real> y_dot = tangent.y_dot;
  for_each_row(
      "positive_jvp", space, n(), y_dot.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) y_dot(i, l) += slope(i, l) * x_dot(i, l);
      });
}

template <class Real>
void PositiveMap<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                      Scratch<Real>&) const {
  const std::size_t rows = n();
  const ConstMatrixView<Real> tape = reverse.tape, x_dot = reverse.x_dot.u, bar = reverse.y_dot_bar;
  const MatrixView<Real> x_bar = reverse.x_bar.u, x_dot_bar = reverse.x_dot_bar.u;
  for_each_row(
      "positive_second", space, rows, bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          x_bar(i, l) += tape(rows + i, l) * x_dot(i, l) * bar(i, l);
          x_dot_bar(i, l) += tape(i, l) * bar(i, l);
        }
      });
}

template class PositiveMap<double>;
template class PositiveMap<float>;

}  // namespace spnode::core
