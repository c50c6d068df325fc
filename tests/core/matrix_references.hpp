#pragma once
/// What references/matrix_functions.txt holds, and errors against it.

#include "core/matrix_functions/linear_algebra.hpp"
#include "functions_reference.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace spnode::test {

struct ReferenceCase {
  std::string name;
  std::size_t n = 0;
  std::map<std::string, Array> rows;
};

inline std::vector<ReferenceCase> read_references() {
  std::ifstream file(SPNODE_REFERENCES "/matrix_functions.txt");
  std::vector<ReferenceCase> cases;
  std::string line, key, number;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> key;
    if (key == "case") {
      words >> cases.emplace_back().name >> cases.back().n;
      continue;
    }
    Array& row = cases.back().rows[key];
    while (words >> number) row.push_back(std::strtod(number.c_str(), nullptr));
  }
  return cases;
}

inline const std::vector<ReferenceCase>& reference_cases() {
  static const std::vector<ReferenceCase> all = read_references();
  return all;
}

/// The 1-norm of x - y over that of y.
inline double norm_error(std::span<const double> x, const Array& y, std::size_t n) {
  Array difference(x.begin(), x.end());
  for (std::size_t i = 0; i < y.size(); ++i) difference[i] -= y[i];
  return core::one_norm(core::square(std::span<const double>(difference), n)) /
         core::one_norm(core::square(std::span<const double>(y), n));
}

/// The largest error of a row relative to that row; rows that underflow do not count.
inline double row_error(std::span<const double> x, const Array& y, std::size_t n) {
  double worst = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    double error = 0.0, size = 0.0;
    for (std::size_t j = i * n; j < (i + 1) * n; ++j) {
      error += std::abs(x[j] - y[j]);
      size += std::abs(y[j]);
    }
    if (size > 1e-280) worst = std::max(worst, error / size);
  }
  return worst;
}

/// Entry (i, j) of the adjoint of a value that the references take.
inline double reference_bar(std::size_t i, std::size_t j) {
  return static_cast<double>((7 * i + 3 * j) % 11) - 5.0;
}

}  // namespace spnode::test
