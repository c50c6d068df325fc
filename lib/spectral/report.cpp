#include "spectral/report.hpp"

#include "core/support/text.hpp"

#include <algorithm>
#include <cstdio>

namespace spnode::spectral {

namespace {

/// One line of at most 200 characters, by printf's rules.
template <class... Values>
std::string line(const char* format, Values... values) {
  char text[200];
  std::snprintf(text, sizeof text, format, values...);
  return std::string(text) + "\n";
}

std::string finding_line(const Finding& finding) {
  if (!finding.bound) return line("  %-22s %18.10g", finding.name.c_str(), finding.value);
  return line("  %-22s %18.10g   bound %.10g: %s", finding.name.c_str(), finding.value, *finding.bound,
              finding.passed ? "respected" : "VIOLATED");
}

}  // namespace

std::string spectrum_table(const SpectrumReport& report, const std::vector<Finding>& findings) {
  constexpr std::size_t most = 40;
  const std::size_t count = report.eigenvalues.size(), shown = std::min(count, most);
  std::string table = "Spectrum of " + report.name + " (" + std::to_string(report.dimension) + " x " +
                      std::to_string(report.dimension) + ", " + report.method + ")\n";
  table += line("  %5s %18s %18s %18s %12s", "index", "real", "imag", "margin", "residual");
  for (std::size_t i = 0; i < shown; ++i) {
    const Eigenvalue& value = report.eigenvalues[i];
    table += line("  %5zu %18.10g %18.10g %18.10g %12.2e", i, value.real, value.imag, report.margin(value),
                  value.residual);
  }
  if (count > shown) table += line("  %5s %zu more", "...", count - shown);
  if (report.converged < report.wanted)
    table += line("  only %zu of %zu eigenvalues converged", report.converged, report.wanted);
  for (const Finding& finding : findings) table += finding_line(finding);
  return table;
}

std::string spectrum_csv(const SpectrumReport& report) {
  std::string csv = "operator,index,real,imag,bound,margin\n";
  for (std::size_t i = 0; i < report.eigenvalues.size(); ++i) {
    const Eigenvalue& value = report.eigenvalues[i];
    csv.append(report.name).append(",").append(std::to_string(i));
    for (const double number : {value.real, value.imag, report.bound, report.margin(value)})
      csv.append(",").append(shortest(number));
    csv.append("\n");
  }
  return csv;
}

}  // namespace spnode::spectral
