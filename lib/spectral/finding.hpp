#pragma once
/// A number that a spectral diagnostic found, with the bound that it has to keep, if there is one.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace spnode::spectral {

/// Every diagnostic reports its scalars in this form: tables, attributes of spectrum.h5 and the exit status
/// of the program come from lists of findings.
struct Finding {
  std::string name;  ///< snake_case: the name of the attribute
  double value = 0.0;
  std::optional<double> bound;  ///< what the value must not exceed; none: the value is only reported
  bool passed = true;           ///< the bound holds to rounding, as the diagnostic defines it
};

/// True where no finding broke its bound.
inline bool all_passed(const std::vector<Finding>& findings) {
  return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.passed; });
}

}  // namespace spnode::spectral
