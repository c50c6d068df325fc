#pragma once
/// Histograms of two quantities, and how far two of them are apart. Counts are integers: ranks add them in
/// any order.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace spnode::core {

/// The plane's part that a histogram resolves.
struct Box {
  double low_x = std::numeric_limits<double>::infinity(), high_x = -low_x;
  double low_y = low_x, high_y = -low_x;

  /// Grows to hold the points (x_i, y_i).
  void include(std::span<const double> x, std::span<const double> y);
};

/// 60 x 60 equal bins over a box, its edges included, and one for all that lies outside or is not finite.
class JointHistogram {
 public:
  static constexpr std::size_t bins = 60;  ///< along x and along y
  static constexpr std::size_t size = bins * bins + 1;

  explicit JointHistogram(const Box& box) : box_(box), counts_(size, 0) {}

  void add(std::span<const double> x, std::span<const double> y);

  /// (size): bin (i, j) at i bins + j, i along x; the bin outside last.
  std::span<const std::uint64_t> counts() const { return counts_; }

 private:
  Box box_;
  std::vector<std::uint64_t> counts_;
};

/// sum |p - q| of two histograms, each divided by its sum: from 0 to 2. NaN where one is empty.
double l1_distance(std::span<const std::uint64_t> p, std::span<const std::uint64_t> q);

/// sqrt((KL(p, m) + KL(q, m)) / 2), m = (p + q) / 2, with logarithms to base 2: a metric, from 0 to 1. NaN
/// where one is empty. Lin, IEEE Trans. Inf. Theory 37 (1991); Endres and Schindelin, ibid. 49 (2003).
double jensen_shannon_distance(std::span<const std::uint64_t> p, std::span<const std::uint64_t> q);

}  // namespace spnode::core
