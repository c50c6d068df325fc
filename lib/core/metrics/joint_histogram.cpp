#include "core/metrics/joint_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace spnode::core {

namespace {

/// The bin of x; nothing outside [low, high].
std::optional<std::size_t> bin_of(double x, double low, double high) {
  if (!(x >= low && x <= high)) return std::nullopt;
  if (x == high) return JointHistogram::bins - 1;
  const auto bin = static_cast<std::size_t>((x - low) / (high - low) * double(JointHistogram::bins));
  return std::min(bin, JointHistogram::bins - 1);
}

double sum(std::span<const std::uint64_t> counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
}

}  // namespace

void Box::include(std::span<const double> x, std::span<const double> y) {
  for (const double entry : x) low_x = std::min(low_x, entry), high_x = std::max(high_x, entry);
  for (const double entry : y) low_y = std::min(low_y, entry), high_y = std::max(high_y, entry);
}

void JointHistogram::add(std::span<const double> x, std::span<const double> y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto row = bin_of(x[i], box_.low_x, box_.high_x), column = bin_of(y[i], box_.low_y, box_.high_y);
    ++counts_[row && column ? *row * bins + *column : bins * bins];
  }
}

double l1_distance(std::span<const std::uint64_t> p, std::span<const std::uint64_t> q) {
  const double all_p = sum(p), all_q = sum(q);
  double distance = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i)
    distance += std::abs(double(p[i]) / all_p - double(q[i]) / all_q);
  return distance;
}

double jensen_shannon_distance(std::span<const std::uint64_t> p, std::span<const std::uint64_t> q) {
  const double all_p = sum(p), all_q = sum(q);
  double divergence = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = double(p[i]) / all_p, b = double(q[i]) / all_q, m = 0.5 * (a + b);
    // Not `> 0`: what is not a number must show.
    if (a != 0.0) divergence += 0.5 * a * std::log2(a / m);
    if (b != 0.0) divergence += 0.5 * b * std::log2(b / m);
  }
  return std::sqrt(divergence < 0.0 ? 0.0 : divergence);
}

}  // namespace spnode::core
