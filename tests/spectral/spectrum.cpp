#include "spectral/spectrum.hpp"
#include "catch.hpp"
#include "matrices.hpp"

#include <algorithm>
#include <limits>

using namespace spnode;
using parallel::Communicator;
using spectral::compute_spectrum;
using spectral::SpectrumOptions;
using spectral::SpectrumReport;

namespace {

/// A key of the options database while it lives.
class Option {
 public:
  Option(const char* name, const char* value) : name_(name) { PetscOptionsSetValue(nullptr, name, value); }
  ~Option() { PetscOptionsClearValue(nullptr, name_); }

 private:
  const char* name_;
};

SpectrumReport spectrum_of(const Matrix& matrix, double bound, const SpectrumOptions& options = {}) {
  return compute_spectrum(Communicator(), matrix, bound, options);
}

/// Expected eigenvalues in the order of a report.
std::vector<std::complex<double>> ordered(std::vector<std::complex<double>> values) {
  std::sort(values.begin(), values.end(), [](auto a, auto b) {
    if (std::abs(a.real() - b.real()) > 1e-9 * std::abs(a)) return a.real() > b.real();
    return a.imag() > b.imag();
  });
  return values;
}

void check_waves(const AdvectionDiffusion& system, const SpectrumReport& report, double tolerance) {
  std::vector<std::complex<double>> expected;
  for (std::size_t k = 0; k < system.n; ++k) expected.push_back(system.eigenvalue(k));
  expected = ordered(expected);
  double error = 0.0;
  for (std::size_t i = 0; i < report.eigenvalues.size(); ++i)
    error = std::max(
        error, std::abs(std::complex(report.eigenvalues[i].real, report.eigenvalues[i].imag) - expected[i]));
  CHECK(error < tolerance);
}

}  // namespace

TEST_CASE("diagonal_matrix_has_its_entries_as_eigenvalues") {
  const SpectrumReport report = spectrum_of(diagonal({-3, 0.25, -1, -7}), 0.5);
  REQUIRE(report.eigenvalues.size() == 4);
  const double expected[] = {0.25, -1, -3, -7};
  for (int i = 0; i < 4; ++i) {
    CHECK(report.eigenvalues[i].real == expected[i]);
    CHECK(report.eigenvalues[i].imag == 0.0);
    CHECK(report.margin(report.eigenvalues[i]) == 0.5 - expected[i]);
  }
  CHECK(report.spectral_abscissa == 0.25);
  CHECK(report.numerical_abscissa == Approx(0.25).epsilon(1e-14));
  CHECK(report.eigenvector_condition.value() == Approx(1.0).epsilon(1e-14));
  CHECK(report.bound_respected);
}

TEST_CASE("matrix_of_one_entry_has_one_eigenvalue") {
  const SpectrumReport report = spectrum_of({-0.5}, 0.0);
  REQUIRE(report.eigenvalues.size() == 1);
  CHECK(report.eigenvalues[0].real == -0.5);
  CHECK(report.numerical_abscissa == -0.5);
}

TEST_CASE("jordan_block_of_the_transient_growth_keeps_a_bound_on_its_eigenvalue") {
  const SpectrumReport report = spectrum_of(jordan(2, -2.0, 10.0), -2.0);
  REQUIRE(report.eigenvalues.size() == 2);
  for (const auto& value : report.eigenvalues) {
    CHECK(value.real == Approx(-2.0).margin(1e-7));
    CHECK(value.imag == Approx(0.0).margin(1e-7));
  }
  CHECK(report.numerical_abscissa == Approx(3.0).epsilon(1e-15));
  CHECK(report.eigenvector_condition.value() > 1e7);
  CHECK(report.bound_respected);
}

TEST_CASE("rotation_has_a_conjugate_pair_on_the_imaginary_axis") {
  const SpectrumReport report = spectrum_of({0, 2, -2, 0}, 0.0);
  REQUIRE(report.eigenvalues.size() == 2);
  CHECK(report.eigenvalues[0].imag == Approx(2.0).epsilon(1e-15));
  CHECK(report.eigenvalues[1].imag == Approx(-2.0).epsilon(1e-15));
  CHECK(report.spectral_abscissa == Approx(0.0).margin(1e-15));
  CHECK(report.numerical_abscissa == Approx(0.0).margin(1e-15));
  CHECK(report.eigenvector_condition.value() == Approx(1.0).epsilon(1e-14));
  CHECK(report.bound_respected);
}

TEST_CASE("lapack_finds_all_waves_of_advection_and_diffusion") {
  const AdvectionDiffusion system{100, 1.0, 0.01};
  const SpectrumReport report = spectrum_of(system.matrix(), 0.0);
  CHECK(report.method == "lapack");
  REQUIRE(report.eigenvalues.size() == 100);
  check_waves(system, report, 1e-10);
  CHECK(report.eigenvector_condition.value() == Approx(1.0).epsilon(1e-8));
  CHECK(report.bound_respected);
  for (std::size_t i = 0; i < 100; ++i)
    if (report.eigenvalues[i].imag > 0) {
      CHECK(report.eigenvalues[i + 1].imag == -report.eigenvalues[i].imag);
      CHECK(report.eigenvalues[i + 1].real == report.eigenvalues[i].real);
    }
}

TEST_CASE("krylov_schur_finds_the_rightmost_waves_of_a_large_matrix") {
  const AdvectionDiffusion system{600, 1.0, 0.01};
  const SpectrumReport report = spectrum_of(system.matrix(), 0.0, {.count = 11});
  CHECK(report.method == "krylovschur");
  REQUIRE(report.eigenvalues.size() == 11);
  check_waves(system, report, 1e-8);
  CHECK(report.spectral_abscissa == Approx(0.0).margin(1e-9));
  CHECK(report.numerical_abscissa == Approx(0.0).margin(1e-9));
  CHECK_FALSE(report.eigenvector_condition);
  CHECK(report.bound_respected);
}

TEST_CASE("random_hurwitz_matrices_keep_their_bound") {
  for (const double mu : {0.0, 0.25, -1.0})
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const SpectrumReport report = spectrum_of(random_hurwitz(20, mu, seed), mu);
      CHECK(report.bound_respected);
      CHECK(report.spectral_abscissa < mu);
      CHECK(report.numerical_abscissa >= report.spectral_abscissa);
    }
}

TEST_CASE("a_bound_below_the_rightmost_eigenvalue_is_violated") {
  Matrix matrix = random_hurwitz(20, 0.0, 3);
  const double abscissa = spectrum_of(matrix, 0.0).spectral_abscissa;
  const SpectrumReport report = spectrum_of(matrix, abscissa - 1e-6);
  CHECK_FALSE(report.bound_respected);
  CHECK(report.margin(report.eigenvalues[0]) == Approx(-1e-6).epsilon(1e-6));
  CHECK_FALSE(all_passed(findings(report)));
  CHECK(spectrum_of(matrix, abscissa).bound_respected);
}

TEST_CASE("krylov_schur_sees_a_violated_bound") {
  const AdvectionDiffusion system{600, 1.0, 0.01};
  const SpectrumReport report = spectrum_of(system.matrix(), -1e-3, {.count = 3});
  CHECK_FALSE(report.bound_respected);
  CHECK(report.margin(report.eigenvalues[0]) == Approx(-1e-3).epsilon(1e-5));
}

TEST_CASE("symmetric_matrix_has_equal_spectral_and_numerical_abscissa") {
  Matrix matrix = random_hurwitz(15, 0.0, 1);
  for (std::size_t i = 0; i < 15; ++i)
    for (std::size_t j = 0; j < i; ++j) matrix[i * 15 + j] = matrix[j * 15 + i];
  const SpectrumReport report = spectrum_of(matrix, 100.0);
  CHECK(report.numerical_abscissa == Approx(report.spectral_abscissa).epsilon(1e-13));
}

TEST_CASE("small_spectrum_has_the_same_bits_on_any_number_of_ranks") {
  const Matrix matrix = random_hurwitz(40, 0.1, 9);
  CHECK(spectrum_of(matrix, 0.1) == compute_spectrum(Communicator(MPI_COMM_SELF), matrix, 0.1, {}));
}

TEST_CASE("large_spectrum_agrees_to_rounding_on_any_number_of_ranks") {
  const Matrix matrix = AdvectionDiffusion{600, 1.0, 0.01}.matrix();
  const SpectrumReport all = spectrum_of(matrix, 0.1, {.count = 5});
  const SpectrumReport alone = compute_spectrum(Communicator(MPI_COMM_SELF), matrix, 0.1, {.count = 5});
  REQUIRE(all.eigenvalues.size() == alone.eigenvalues.size());
  for (std::size_t i = 0; i < all.eigenvalues.size(); ++i) {
    CHECK(all.eigenvalues[i].real == Approx(alone.eigenvalues[i].real).margin(1e-8));
    CHECK(all.eigenvalues[i].imag == Approx(alone.eigenvalues[i].imag).margin(1e-8));
  }
}

TEST_CASE("eps_nev_of_the_options_database_limits_the_list_but_not_the_check") {
  const Option option("-eps_nev", "2");
  const SpectrumReport report = spectrum_of(diagonal({-1, -2, -3, -4, -5}), -1.5);
  REQUIRE(report.eigenvalues.size() == 2);
  CHECK(report.eigenvalues[1].real == -2.0);
  CHECK_FALSE(report.bound_respected);
}

TEST_CASE("conjugate_pairs_are_listed_whole") {
  const Option option("-eps_nev", "2");
  const SpectrumReport report = spectrum_of({-1, 0, 0, 0, -2, 5, 0, -5, -2}, 0.0);
  CHECK(report.eigenvalues.size() == 3);
}

TEST_CASE("bound_is_checked_where_the_options_database_asks_for_other_eigenvalues") {
  std::vector<double> entries;
  for (int i = 0; i < 300; ++i) entries.push_back(-0.01 * (i + 1));
  entries[299] = 1.0;
  const Option which("-eps_smallest_magnitude", "true");
  const SpectrumReport report = spectrum_of(diagonal(entries), 0.5, {.count = 3, .dense_limit = 10});
  REQUIRE(report.converged < 300);
  CHECK(report.eigenvalues[0].real == Approx(-0.01).epsilon(1e-9));
  CHECK(report.spectral_abscissa == Approx(1.0).epsilon(1e-9));
  CHECK_FALSE(report.bound_respected);
}

TEST_CASE("infinite_bound_is_kept_and_unusable_input_is_refused_on_all_ranks") {
  CHECK(spectrum_of(diagonal({5, 6}), std::numeric_limits<double>::infinity()).bound_respected);
  CHECK_THROWS_AS(spectrum_of({1, 2, 3}, 0.0), UsageError);
  CHECK_THROWS_AS(spectrum_of({}, 0.0), UsageError);
  CHECK_THROWS_AS(spectrum_of({1.0}, std::nan("")), UsageError);
  CHECK_THROWS_AS(spectrum_of({1, std::nan(""), 3, 4}, 0.0), NumericalError);
}

TEST_CASE("options_that_do_not_fit_are_refused_with_what_works") {
  const auto works = Catch::Matchers::Contains("krylovschur, arnoldi, lapack");
  for (const auto& [name, value] : {std::pair("-eps_type", "no_such"), std::pair("-eps_type", "lanczos"),
                                    std::pair("-st_type", "no_such"), std::pair("-eps_nev", "0"),
                                    std::pair("-spectrum_symmetric_eps_type", "no_such")}) {
    const Option option(name, value);
    INFO(name << " " << value);
    for (const std::size_t dense_limit : {0, 512})
      CHECK_THROWS_WITH(spectrum_of({1, 2, 3, 4}, 9.0, {.dense_limit = dense_limit}), works);
    CHECK_THROWS_WITH(spectral::check_spectrum_options(), works);
  }
  const Option symmetric("-eps_hermitian", nullptr);
  CHECK_THROWS_AS(spectrum_of({1, 2, 3, 4}, 9.0), Error);
}

TEST_CASE("options_that_fit_are_not_refused_beforehand") {
  spectral::check_spectrum_options();
  for (const auto& [name, value] : {std::pair("-eps_type", "arnoldi"), std::pair("-eps_nev", "1000"),
                                    std::pair("-eps_ncv", "200"), std::pair("-eps_largest_magnitude", "")}) {
    const Option option(name, value);
    INFO(name);
    CHECK_NOTHROW(spectral::check_spectrum_options());
  }
}

TEST_CASE("krylov_schur_that_finds_too_few_eigenvalues_says_so") {
  std::vector<double> entries = {0.0, -10.0, -20.0};  // apart; the others crowd
  for (int i = 0; i < 597; ++i) entries.push_back(-30.0 - i / 600.0);
  const Option restarts("-eps_max_it", "3");
  const SpectrumReport report = spectrum_of(diagonal(entries), 0.0, {.count = 15});
  CHECK(report.wanted == 15);
  CHECK(report.converged < 15);
  CHECK(report.eigenvalues.size() == report.converged);
  CHECK(report.eigenvalues[2].real == Approx(-20.0).epsilon(1e-9));
  CHECK(report.bound_respected);
}

TEST_CASE("krylov_schur_that_finds_no_eigenvalue_is_an_error_on_all_ranks") {
  const Option space("-eps_ncv", "20"), restarts("-eps_max_it", "2");
  const Matrix matrix = AdvectionDiffusion{600, 1.0, 0.01}.matrix();
  CHECK_THROWS_AS(spectrum_of(matrix, 0.0, {.count = 15}), NumericalError);
}
