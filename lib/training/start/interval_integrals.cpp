#include "training/start/interval_integrals.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace spnode::training {

namespace {

/// Points and weights of Gauss and Legendre on [-1, 1], by Newton's method.
struct GaussRule {
  std::vector<double> points, weights;
};

GaussRule gauss_rule(std::size_t count) {
  GaussRule rule;
  const auto n = static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 0.0;
    for (int sweep = 0; sweep < 10; ++sweep) {
      double before = 1.0, value = x;  // P_0 and P_1, then P_{k-1} and P_k
      for (std::size_t k = 2; k <= count; ++k) {
        const auto order = static_cast<double>(k);
        const double next = ((2.0 * order - 1.0) * x * value - (order - 1.0) * before) / order;
        before = value;
        value = next;
      }
      slope = n * (x * value - before) / (x * x - 1.0);
      x -= value / slope;
    }
    rule.points.push_back(x);
    rule.weights.push_back(2.0 / ((1.0 - x * x) * slope * slope));
  }
  return rule;
}

/// The polynomial that is 1 at node j and 0 at the others.
double lagrange(std::span<const double> nodes, std::size_t j, double t) {
  double value = 1.0;
  for (std::size_t k = 0; k < nodes.size(); ++k)
    if (k != j) value *= (t - nodes[k]) / (nodes[j] - nodes[k]);
  return value;
}

}  // namespace

IntervalIntegrals::IntervalIntegrals(const LatentTrajectories& data, std::size_t trajectory,
                                     std::size_t nodes)
    : times_(data.times), nodes_(std::min(nodes, data.times)), weights_((times_ - 1) * nodes_, 0.0) {
  std::vector<double> times(times_);
  for (std::size_t t = 0; t < times_; ++t) times[t] = data.time(trajectory, t);
  const GaussRule rule = gauss_rule((nodes_ + 1) / 2);
  for (std::size_t t = 0; t + 1 < times_; ++t) {
    const std::span<const double> near = std::span<const double>(times).subspan(first(t), nodes_);
    const double middle = times[t] + 0.5 * (times[t + 1] - times[t]), half = 0.5 * (times[t + 1] - times[t]);
    for (std::size_t j = 0; j < nodes_; ++j)
      for (std::size_t g = 0; g < rule.points.size(); ++g)
        weights_[t * nodes_ + j] +=
            half * rule.weights[g] * lagrange(near, j, middle + half * rule.points[g]);
  }
}

// Half of the nodes on either side of the interval, where there is room.
std::size_t IntervalIntegrals::first(std::size_t t) const {
  const std::size_t before = (nodes_ - 2) / 2;
  return std::min(t > before ? t - before : 0, times_ - nodes_);
}

}  // namespace spnode::training
