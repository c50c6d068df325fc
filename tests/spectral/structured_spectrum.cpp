#include "catch.hpp"
#include "core/support/random.hpp"
#include "spectral/low_rank_matrix.hpp"
#include "spectral/spectrum.hpp"

#include <cmath>

using namespace spnode;
using core::LinearStructure;
using core::OwnedMatrix;
using parallel::Communicator;
using spectral::compute_spectrum;
using spectral::SpectrumReport;

namespace {

/// Random coefficients; low_rank: d between -3 and -1, so that the numerical abscissa is below -1.
OwnedMatrix random_operator(LinearStructure structure, std::size_t n) {
  const core::LinearShape shape{structure, n, 2};
  const core::Random random(3, "structured_spectrum");
  OwnedMatrix A{shape, std::vector<double>(shape.coefficient_count())};
  for (std::size_t i = 0; i < A.entries.size(); ++i) A.entries[i] = random.normal(i);
  if (structure == LinearStructure::low_rank)
    for (std::size_t i = 0; i < n; ++i) A.entries[i] = -1.0 - 2.0 * double(i) / double(n);
  return A;
}

SpectrumReport dense_report(const OwnedMatrix& A, double bound) {
  return compute_spectrum(Communicator(), core::to_dense(A), bound, {});
}

}  // namespace

TEST_CASE("spectrum_of_blocks_is_that_of_all_their_entries") {
  for (const std::size_t n : {1, 6, 13}) {
    const OwnedMatrix A = random_operator(LinearStructure::block_diagonal, n);
    const SpectrumReport expected = dense_report(A, 5.0),
                         found = compute_spectrum(Communicator(), A, 5.0, {});
    REQUIRE(found.eigenvalues.size() == expected.eigenvalues.size());
    for (std::size_t i = 0; i < found.eigenvalues.size(); ++i) {
      CHECK(found.eigenvalues[i].real == Approx(expected.eigenvalues[i].real).margin(1e-12));
      CHECK(found.eigenvalues[i].imag == Approx(expected.eigenvalues[i].imag).margin(1e-12));
    }
    CHECK(found.spectral_abscissa == Approx(expected.spectral_abscissa).margin(1e-12));
    CHECK(found.numerical_abscissa == Approx(expected.numerical_abscissa).margin(1e-12));
    CHECK(*found.eigenvector_condition == Approx(*expected.eigenvector_condition).epsilon(1e-8));
    CHECK(found.bound_respected);
    CHECK(!compute_spectrum(Communicator(), A, found.spectral_abscissa - 1e-6, {}).bound_respected);
    CHECK(compute_spectrum(Communicator(), A, found.spectral_abscissa, {}).bound_respected);
  }
}

TEST_CASE("listed_eigenvalues_of_blocks_are_the_rightmost_with_pairs_whole") {
  const OwnedMatrix A = random_operator(LinearStructure::block_diagonal, 12);
  const SpectrumReport all = compute_spectrum(Communicator(), A, 5.0, {});
  for (std::size_t count = 1; count <= 12; ++count) {
    const SpectrumReport some = compute_spectrum(Communicator(), A, 5.0, {.count = count});
    const bool cut = all.eigenvalues[count - 1].imag > 0.0;
    REQUIRE(some.eigenvalues.size() == count + (cut ? 1 : 0));
    for (std::size_t i = 0; i < some.eigenvalues.size(); ++i)
      CHECK(some.eigenvalues[i] == all.eigenvalues[i]);
  }
}

TEST_CASE("matrix_free_spectrum_of_low_rank_is_that_of_all_entries") {
  const OwnedMatrix A = random_operator(LinearStructure::low_rank, 60);
  const SpectrumReport expected = dense_report(A, -0.9);
  const SpectrumReport found = compute_spectrum(Communicator(), A, -0.9, {.count = 6, .dense_limit = 20});
  CHECK(found.method == "krylovschur");
  REQUIRE(found.eigenvalues.size() >= 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(found.eigenvalues[i].real == Approx(expected.eigenvalues[i].real).epsilon(1e-6));
    CHECK(found.eigenvalues[i].imag == Approx(expected.eigenvalues[i].imag).margin(1e-6));
  }
  CHECK(found.numerical_abscissa == Approx(expected.numerical_abscissa).epsilon(1e-13));
  CHECK(found.bound_respected);
  CHECK(!compute_spectrum(Communicator(), A, found.numerical_abscissa - 1e-6, {.dense_limit = 20})
             .bound_respected);
}

TEST_CASE("numerical_abscissa_of_low_rank_is_exact_for_known_matrices") {
  // diag(-1, .., -1) - u u^T: -1 stays an eigenvalue but in the direction of u.
  OwnedMatrix A{{LinearStructure::low_rank, 3, 1}, {-1, -1, -1, 2, 0, 0, 1, 0, 0, 0, 5, 7}};
  CHECK(spectral::numerical_abscissa(A) == Approx(-1.0).epsilon(1e-14));
  OwnedMatrix single{{LinearStructure::low_rank, 1, 1}, {-1, 2, 0, 0}};
  CHECK(spectral::numerical_abscissa(single) == Approx(-5.0).epsilon(1e-14));
}
