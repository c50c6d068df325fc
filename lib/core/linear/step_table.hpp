#pragma once

#include "core/linear/linear_part.hpp"

#include <cstdint>
#include <vector>

namespace spnode::core {

/// The distinct step lengths of a data set, so that functions of h A are computed once for each.
///
/// Steps that agree in their first 33 binary places, rounded, count as one, the smallest of them: differences
/// of stored times carry the rounding of the times.
class StepTable {
 public:
  /// What becomes of a length that is not in the table.
  enum class Unlisted {
    refused,
    itself  ///< it is taken as it is: right where no functions of step lengths are formed
  };

  /// `steps`: any order, with repetitions.
  explicit StepTable(std::vector<double> steps, Unlisted unlisted = Unlisted::refused);

  const std::vector<double>& steps() const { return steps_; }
  double largest() const;  ///< largest |h|

  /// Position of the step that counts as h, or is within a relative 1e-10 of it. Where there is none: the
  /// number of steps, or an internal Error where unlisted lengths are refused.
  std::uint32_t index(double h) const;

  /// The step that counts as h; h itself where there is none and unlisted lengths are not refused.
  double length(double h) const;

 private:
  std::size_t bucket(double h) const;

  std::vector<double> steps_;           // ascending
  std::vector<std::uint32_t> buckets_;  // where each of equally wide intervals of steps begins, and the end
  Unlisted unlisted_;
};

/// Sorts step lengths and leaves the smallest of those that count as one. Merging parts first does not change
/// the result.
void merge_steps(std::vector<double>& steps);

/// The steps of a rollout of one tile, interval by interval.
template <class Real>
class TileSteps {
 public:
  /// h: (intervals, lanes) row major, rounded to Real; already divided by the number of substeps.
  void assign(const StepTable& table, const std::vector<double>& h, std::size_t intervals, std::size_t lanes);

  /// Numbers the steps anew, without those that no lane takes; `taken` (overwritten) holds, in ascending
  /// order, their numbers in the table.
  void renumber(std::vector<std::uint32_t>& taken);

  std::size_t intervals() const { return uniform_.size(); }
  StepLengths<Real> interval(std::size_t i) const;

 private:
  std::size_t lanes_ = 0;
  std::vector<std::uint32_t> first_;
  std::vector<char> uniform_;
  Matrix<Real> h_;
  Kokkos::View<std::uint32_t**, Kokkos::LayoutRight, Device> index_;
};

}  // namespace spnode::core
