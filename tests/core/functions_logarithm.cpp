// The matrix logarithm against the exponential, against closed forms, and where there is none.
#include "catch.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/logarithm.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

std::vector<double> exponential(const std::vector<double>& A, double h) {
  const auto n = static_cast<std::size_t>(std::lround(std::sqrt(double(A.size()))));
  PhiFunctions functions(n, 0, HalfArgument::omit);
  functions.compute(A, h);
  const auto E = functions.value(0, Argument::full);
  return {E.begin(), E.end()};
}

/// The largest difference over the largest entry of y.
double relative_difference(const std::vector<double>& x, const std::vector<double>& y) {
  double difference = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    difference = std::max(difference, std::abs(x[i] - y[i]));
    largest = std::max(largest, std::abs(y[i]));
  }
  return difference / largest;
}

void refuses(const std::vector<double>& M, const std::string& reason) {
  CHECK_THROWS_AS(logarithm(M, 1.0), NumericalError);
  CHECK_THROWS_WITH(logarithm(M, 1.0), "a matrix has no real logarithm: " + reason);
}

}  // namespace

TEST_CASE("the_logarithm_of_an_exponential_gives_the_matrix_back") {
  for (const std::size_t n : {1, 2, 3, 6, 20})
    for (const double h : {0.1, -0.4}) {
      std::vector<double> A = random_vector(n * n, "A");
      for (double& entry : A) entry *= 2.0 / std::sqrt(double(n));
      CAPTURE(n, h);
      CHECK(relative_difference(logarithm(exponential(A, h), h), A) < 1e-12);
    }
}

TEST_CASE("the_exponential_of_a_logarithm_gives_the_matrix_back") {
  for (const std::size_t n : {1, 2, 5, 15}) {
    // Eigenvalues around one, not orthogonal.
    std::vector<double> M = random_vector(n * n, "M");
    for (double& entry : M) entry *= 0.3 / std::sqrt(double(n));
    add_to_diagonal(square(std::span(M), n), 1.0);
    if (n > 1) M[n - 1] += 3.0, M[(n - 1) * n] = 0.0;
    CAPTURE(n);
    CHECK(relative_difference(exponential(logarithm(M, 0.5), 0.5), M) < 1e-12);
  }
}

TEST_CASE("known_logarithms_are_found") {
  const double pi = std::numbers::pi;
  // A rotation by an angle, also by nearly half a turn.
  for (const double angle : {0.1, 1.5, pi - 1e-6, -2.0}) {
    const double c = std::cos(angle), s = std::sin(angle);
    CAPTURE(angle);
    CHECK(relative_difference(logarithm(std::vector{c, -s, s, c}, 1.0), {0.0, -angle, angle, 0.0}) < 1e-9);
  }
  // A Jordan block, and eigenvalues over twenty decades.
  CHECK(relative_difference(logarithm(std::vector{2.0, 3.0, 0.0, 2.0}, 1.0),
                            {std::log(2.0), 1.5, 0.0, std::log(2.0)}) < 1e-14);
  const std::vector<double> decades = {1e-10, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1e10};
  const std::vector<double> log = logarithm(decades, 1.0);
  CHECK(log[0] == Approx(-10.0 * std::log(10.0)).epsilon(1e-14));
  CHECK(log[4] == 0.0);
  CHECK(log[8] == Approx(10.0 * std::log(10.0)).epsilon(1e-14));
  const std::vector<double> one = {1.0, 0.0, 0.0, 1.0};
  CHECK(logarithm(one, 1.0) == std::vector<double>(4, 0.0));
}

TEST_CASE("a_matrix_far_from_normal_keeps_its_logarithm") {
  const std::vector<double> A = {-1.0, 1e4, 0.0, -2.0};
  CHECK(relative_difference(logarithm(exponential(A, 0.3), 0.3), A) < 1e-12);
}

TEST_CASE("matrices_without_a_real_logarithm_are_refused") {
  const std::string negative = "an eigenvalue is zero or negative";
  refuses({-1.0, 0.0, 0.0, 1.0}, negative);
  refuses({-3.0}, negative);
  refuses({0.0}, negative);
  refuses(std::vector<double>(9, 0.0), negative);
  // Its large entry would hide the imaginary part of the logarithm.
  refuses({-1.0, 1e12, 0.0, 1.0}, negative);
  refuses({std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0, 1.0}, "an entry is not finite");
}
