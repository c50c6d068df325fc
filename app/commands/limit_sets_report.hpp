#pragma once
/// Limit sets as text and as arrays.

#include <string>
#include <vector>

#include "core/limit_sets/limit_sets.hpp"
#include "core/systems/options.hpp"
#include "io/array_file.hpp"

namespace spnode::app {

/// The limit sets over a parameter.
struct LimitSetTable {
  std::string parameter;             ///< its name; empty: there is none
  std::vector<double> values;        ///< of the parameter
  std::size_t starts = 0;            ///< orbits for each value
  std::size_t components = 0;        ///< of a point
  std::vector<core::LimitSet> sets;  ///< (values, starts)
};

/// limit_sets.csv: `parameter,start,kind,period,period_time,exponent,exponent_error`, a line for each orbit.
std::string limit_sets_csv(const LimitSetTable& table);

/// Ranges of neighbouring values that have limit sets of the same kinds and periods.
std::string limit_sets_ranges(const LimitSetTable& table);

/// The matrices and vectors of a flow with a switching plane.
std::string switching_text(const core::SwitchingOptions& flow);

/// The arrays of limit_sets.h5.
std::vector<io::NamedArray> limit_sets_arrays(const LimitSetTable& table);

}  // namespace spnode::app
