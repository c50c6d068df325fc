#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace spnode::core {

/// The precision of the numbers that data were stored in, seen from their values: float where every one is a
/// float, as in files of single precision and what is made of them, else double.
class StoredPrecision {
 public:
  void add(double x) { single_ = single_ && static_cast<double>(static_cast<float>(x)) == x; }

  /// Distance from 1 to the next larger number of the format.
  double epsilon() const {
    return single_ ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  }

 private:
  bool single_ = true;
};

/// Whether values differ by more than the rounding of their mean, in double arithmetic and in storage.
inline bool varies(double deviation, double mean, double epsilon) {
  return deviation > std::max(1e-12, 2.0 * epsilon) * std::abs(mean);
}

}  // namespace spnode::core
