#pragma once
/// Whether the components of data are fields on a periodic grid.

#include "core/components/options.hpp"
#include "core/data/trajectories.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace spnode::training {

/// Orders of the central differences that a survey tries: low for noisy data, high for coarse steps.
inline constexpr std::size_t survey_orders[] = {4, 10, 20};

/// A right-hand side that is the same at all points (core/components/field_library.hpp).
struct FieldFit {
  core::LibraryOptions form;
  std::size_t coefficients = 0;  ///< of all fields
  std::size_t order = 0;         ///< of the central differences
  /// On held-out rows: root mean square of what is left of du/dt of a field over that of du/dt, of the worst
  /// field.
  double residual = 0.0;
  /// There, of what a fit with weights misses, over the largest term of an equation, in the worst part of the
  /// grid: small where the form is right, also where the times do not resolve all that happens.
  double median = 0.0;
};

/// A median above it says that the data are no such fields.
inline constexpr double good_field_fit = 0.03;

/// Tries one to six fields on a periodic grid, one after the other or point by point, with products of up to
/// three factors and one or two neighbours on each side, and gives the fit with the fewest coefficients of
/// those that leave little more than any. `axes`: the extents of the axes of a state, of which the first or
/// the last may be that of the fields; with fewer than two all divisions of a single axis are tried. None
/// where no fit is possible. Not collective.
std::optional<FieldFit> survey_fields(const core::Trajectories& data, const std::vector<std::size_t>& axes);

}  // namespace spnode::training
