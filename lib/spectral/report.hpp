#pragma once
/// Spectra as text: a table for people, CSV for programs.

#include "spectral/spectrum.hpp"

#include <string>
#include <vector>

namespace spnode::spectral {

/// A table of the eigenvalues with their margins, at most 40 lines of them, then the findings with their
/// bounds and verdicts; ends with a line break. Not collective.
std::string spectrum_table(const SpectrumReport& report, const std::vector<Finding>& findings);

/// spectrum.csv: the line `operator,index,real,imag,bound,margin`, then one line per eigenvalue by descending
/// real part, index from 0. Numbers are the shortest that read back to the same double. Not collective.
std::string spectrum_csv(const SpectrumReport& report);

}  // namespace spnode::spectral
