#include "core/components/lipschitz.hpp"

#include "core/kernels/row_sum.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::core {
namespace {

/// s(W) and its gradient, visit(position, d s / d W[position]); an entry may be visited twice.
class ExactDivisor {
 public:
  ExactDivisor(const LipschitzLayer& layer, std::span<const double> W) : layer_(layer), W_(W) {
    std::vector<double> columns(layer.inputs, 0.0);
    for (std::size_t i = 0; i < layer.outputs; ++i) {
      const double* const row = W.data() + i * layer.inputs;
      const double sum = row_sum<double>(layer.inputs, [row](std::size_t j) { return std::abs(row[j]); });
      if (sum > infinity_ || std::isnan(sum)) infinity_ = sum, row_ = i;
      for (std::size_t j = 0; j < layer.inputs; ++j) columns[j] += std::abs(row[j]);
    }
    for (std::size_t j = 0; j < layer.inputs; ++j)
      if (columns[j] > one_ || std::isnan(columns[j])) one_ = columns[j], column_ = j;
  }

  double value() const { return std::max(1.0, std::sqrt(one_ * infinity_)); }

  template <class Visit>
  void for_each_gradient(Visit visit) const {
    const double s = value();
    if (s <= 1.0) return;
    for (std::size_t i = 0; i < layer_.outputs; ++i) {
      const std::size_t at = i * layer_.inputs + column_;
      visit(at, infinity_ * sign(W_[at]) / (2.0 * s));
    }
    for (std::size_t j = 0; j < layer_.inputs; ++j) {
      const std::size_t at = row_ * layer_.inputs + j;
      visit(at, one_ * sign(W_[at]) / (2.0 * s));
    }
  }

 private:
  static double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; }

  const LipschitzLayer& layer_;
  std::span<const double> W_;
  double one_ = 0.0, infinity_ = 0.0;  // largest absolute column and row sum
  std::size_t column_ = 0, row_ = 0;   // the first that attains it
};

/// The same of the smooth form.
class SmoothDivisor {
 public:
  SmoothDivisor(const LipschitzLayer& layer, std::span<const double> W)
      : layer_(layer), W_(W), rows_(layer.outputs, 0.0), columns_(layer.inputs, 0.0) {
    for (std::size_t i = 0; i < layer.outputs; ++i)
      for (std::size_t j = 0; j < layer.inputs; ++j) {
        const double size = magnitude(W[i * layer.inputs + j]);
        rows_[i] += size;
        columns_[j] += size;
      }
    one_ = norm(columns_);
    infinity_ = norm(rows_);
  }

  double value() const {
    const double product = one_ * infinity_;
    return product > 1.0 ? std::sqrt(product) * std::pow(1.0 + std::pow(product, -0.5 * order), 1.0 / order)
                         : std::pow(1.0 + std::pow(product, 0.5 * order), 1.0 / order);
  }

  template <class Visit>
  void for_each_gradient(Visit visit) const {
    const double share = 1.0 / (1.0 + std::pow(one_ * infinity_, -0.5 * order));  // of the norms in s^q
    const double factor = 0.5 * value() * share;
    for (std::size_t i = 0; i < layer_.outputs; ++i) {
      const double of_row = std::pow(rows_[i] / infinity_, order - 1.0) / infinity_;
      for (std::size_t j = 0; j < layer_.inputs; ++j) {
        const std::size_t at = i * layer_.inputs + j;
        const double of_column = std::pow(columns_[j] / one_, order - 1.0) / one_;
        visit(at, factor * (of_row + of_column) * W_[at] / magnitude(W_[at]));
      }
    }
  }

 private:
  static constexpr double order = 16.0;   // q
  static constexpr double corner = 0.01;  // d
  static double magnitude(double x) { return std::sqrt(x * x + corner * corner); }
  static double norm(const std::vector<double>& sums) {
    const double largest = *std::ranges::max_element(sums);
    double total = 0.0;
    for (const double sum : sums) total += std::pow(sum / largest, order);
    return largest * std::pow(total, 1.0 / order);
  }

  const LipschitzLayer& layer_;
  std::span<const double> W_;
  std::vector<double> rows_, columns_;
  double one_, infinity_;  // ||c||_q, ||r||_q
};

template <class Action>
void with_divisor(const LipschitzLayer& layer, std::span<const double> W, Action action) {
  if (layer.divisor == LipschitzDivisor::smooth)
    action(SmoothDivisor(layer, W));
  else
    action(ExactDivisor(layer, W));
}

}  // namespace

void LipschitzLayer::assemble(std::span<const double> W, std::span<double> B) const {
  with_divisor(*this, W, [&](const auto& computed) {
    const double s = computed.value();
    for (std::size_t i = 0; i < W.size(); ++i) B[i] = bound * W[i] / s;
  });
}

double LipschitzLayer::invert(std::span<const double> B, std::span<double> W) const {
  const auto set = [&](double factor) {
    double s = 0.0;
    for (std::size_t i = 0; i < W.size(); ++i) W[i] = factor * B[i] / bound;
    with_divisor(*this, W, [&](const auto& computed) { s = computed.value(); });
    return s;
  };
  // Of large weights s is homogeneous.
  double largest = 0.0;
  for (const double entry : B) largest = std::max(largest, std::abs(entry));
  if (largest == 0.0) {
    std::ranges::fill(W, 0.0);
    return 1.0;
  }
  const double large = 1e6 * bound / largest, k = std::max(1.0, set(large) / (0.8 * large));
  // W = s(W) B / (k bound): s grows from 1 towards the solution.
  double s = 1.0;
  for (int iteration = 0; iteration < 1000; ++iteration) {
    const double next = set(s / k);
    if (std::abs(next - s) <= 1e-15 * s) break;
    s = next;
  }
  return k;
}

void LipschitzLayer::assemble_vjp(std::span<const double> W, std::span<const double> B_bar,
                                  std::span<double> W_bar) const {
  with_divisor(*this, W, [&](const auto& computed) {
    const double s = computed.value();
    double inner = 0.0;
    for (std::size_t i = 0; i < W.size(); ++i) {
      W_bar[i] += bound * B_bar[i] / s;
      inner += B_bar[i] * W[i];
    }
    const double s_bar = -bound * inner / (s * s);
    computed.for_each_gradient([&](std::size_t at, double g) { W_bar[at] += s_bar * g; });
  });
}

void LipschitzLayer::assemble_jvp(std::span<const double> W, std::span<const double> W_dot,
                                  std::span<double> B_dot) const {
  with_divisor(*this, W, [&](const auto& computed) {
    const double s = computed.value();
    double s_dot = 0.0;
    computed.for_each_gradient([&](std::size_t at, double g) { s_dot += g * W_dot[at]; });
    for (std::size_t i = 0; i < W.size(); ++i) B_dot[i] = bound * (W_dot[i] - W[i] * s_dot / s) / s;
  });
}

}  // namespace spnode::core
