#include "spectral/report.hpp"
#include "catch.hpp"
#include "matrices.hpp"

#include <algorithm>
#include <cstdio>

using namespace spnode;
using spectral::SpectrumReport;

namespace {

SpectrumReport spiral_report(double bound) {
  return spectral::compute_spectrum(parallel::Communicator(), Matrix{-0.5, 2, 0, -2, -0.5, 0, 0, 0, -0.1},
                                    bound, {});
}

std::string table_of(const SpectrumReport& report) { return spectrum_table(report, findings(report)); }

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("csv_has_the_columns_that_users_depend_on") {
  SpectrumReport report = spiral_report(0.0);
  report.eigenvalues = {{-0.1, 0, 0}, {-0.5, 2, 0}, {-0.5, -2, 0}};  // without the rounding of the solver
  CHECK(spectrum_csv(report) ==
        "operator,index,real,imag,bound,margin\n"
        "A_L,0,-0.1,0,0,0.1\n"
        "A_L,1,-0.5,2,0,0.5\n"
        "A_L,2,-0.5,-2,0,0.5\n");
}

TEST_CASE("csv_numbers_read_back_to_the_same_bits") {
  const SpectrumReport report =
      spectral::compute_spectrum(parallel::Communicator(), random_hurwitz(10, 0.0, 2), 0.1, {});
  const std::string csv = spectrum_csv(report);
  std::size_t at = csv.find('\n') + 1;
  for (const auto& value : report.eigenvalues) {
    double real = 0, imag = 0, bound = 0, margin = 0;
    REQUIRE(std::sscanf(csv.c_str() + at, "A_L,%*d,%lf,%lf,%lf,%lf", &real, &imag, &bound, &margin) == 4);
    CHECK(real == value.real);
    CHECK(imag == value.imag);
    CHECK(bound == 0.1);
    CHECK(margin == 0.1 - value.real);
    at = csv.find('\n', at) + 1;
  }
  CHECK(at == csv.size());
}

TEST_CASE("table_says_whether_the_bound_is_respected") {
  const std::string good = table_of(spiral_report(0.0)), bad = table_of(spiral_report(-0.2));
  CHECK(good.find("bound 0: respected") != std::string::npos);
  CHECK(good.find("VIOLATED") == std::string::npos);
  CHECK(bad.find("bound -0.2: VIOLATED") != std::string::npos);
  CHECK(good.find("numerical_abscissa") != std::string::npos);
  CHECK(good.find("eigenvector_condition") != std::string::npos);
}

TEST_CASE("table_of_a_large_spectrum_is_cut") {
  const std::vector<double> entries(100, -1.0);
  const std::string table =
      table_of(spectral::compute_spectrum(parallel::Communicator(), diagonal(entries), 0.0, {}));
  CHECK(lines(table) == 2 + 40 + 1 + 3);
  CHECK(table.find("60 more") != std::string::npos);
}
