#include "spectral/bound_check.hpp"
#include "catch.hpp"
#include "matrices.hpp"

#include <cmath>

using spnode::spectral::check_bound;
using spnode::spectral::Eigenvalue;
using spnode::spectral::Verdict;

namespace {

constexpr double perturbation = 1e-14;

}  // namespace

TEST_CASE("eigenvalue_within_the_bound_keeps_it") {
  CHECK(check_bound(diagonal({-1, -2}), 2, {-1, 0, 0}, -1.0, perturbation) == Verdict::kept);
  CHECK(check_bound(diagonal({-1, -2}), 2, {-1, 0, 0}, 0.0, perturbation) == Verdict::kept);
}

TEST_CASE("excess_beyond_rounding_of_a_normal_matrix_violates") {
  CHECK(check_bound(diagonal({-1, -2}), 2, {-1, 0, 0}, -1.0 - 1e-15, perturbation) == Verdict::kept);
  CHECK(check_bound(diagonal({-1, -2}), 2, {-1, 0, 0}, -1.0 - 1e-12, perturbation) == Verdict::violated);
}

TEST_CASE("rounded_eigenvalues_of_a_jordan_block_keep_the_bound_and_wrong_ones_violate") {
  for (const std::size_t n : {2, 3, 4}) {
    // Changes of size eps move the eigenvalues of a block of order n by eps^(1/n).
    const double moved = std::pow(perturbation, 1.0 / static_cast<double>(n));
    CHECK(check_bound(jordan(n, -2, 1), n, {-2 + 0.5 * moved, 0, 0}, -2.0, perturbation) == Verdict::kept);
    CHECK(check_bound(jordan(n, -2, 1), n, {-2 + 30 * moved, 0, 0}, -2.0, perturbation) == Verdict::violated);
  }
}

TEST_CASE("eigenvalue_on_the_bound_does_not_excuse_another_beyond_it") {
  CHECK(check_bound(diagonal({0.5, 0.2}), 2, {0.5, 0, 0}, 0.2, perturbation) == Verdict::violated);
}

TEST_CASE("complex_pair_beyond_the_bound_violates") {
  const Matrix spiral = {0.1, 3, -3, 0.1};
  CHECK(check_bound(spiral, 2, {0.1, 3, 0}, 0.0, perturbation) == Verdict::violated);
  CHECK(check_bound(spiral, 2, {0.1, -3, 0}, 0.0, perturbation) == Verdict::violated);
  CHECK(check_bound(spiral, 2, {0.1, 3, 0}, 0.1, perturbation) == Verdict::kept);
  CHECK(check_bound(spiral, 2, {0.1, 3, 0}, 0.0, 0.2) == Verdict::kept);
}
