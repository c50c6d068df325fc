#include "catch.hpp"
#include "core/matrix_functions/resolvent.hpp"
#include "core/support/error.hpp"
#include "functions_reference.hpp"

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

TEST_CASE("resolvent_times_its_matrix_is_the_identity") {
  const std::size_t n = GENERATE(1, 2, 20, 64);
  const double norm = GENERATE(0.0, 1e-3, 1.0, 1e4);
  const Array a = random_hurwitz(n, norm);
  Resolvent resolvent(n);
  resolvent.compute(a, 0.5);
  Array matrix(n * n), identity(n * n, 0.0);
  for (std::size_t i = 0; i < n * n; ++i) matrix[i] = (i % (n + 1) == 0 ? 1.0 : 0.0) - 0.5 * a[i];
  for (std::size_t i = 0; i < n; ++i) identity[i * (n + 1)] = 1.0;
  const Array value(resolvent.value().begin(), resolvent.value().end());
  CHECK(relative_error(matrix_product(value, matrix, n), identity) < 1e-14 * (1.0 + norm));
}

TEST_CASE("resolvent_adjoint_is_the_transpose_of_its_tangent") {
  const std::size_t n = 20;
  Resolvent resolvent(n);
  resolvent.compute(random_hurwitz(n, 30.0), 0.3);
  const Array bar = random_array(n * n, "bar"), a_dot = random_array(n * n, "direction");
  resolvent.clear_bar();
  std::copy(bar.begin(), bar.end(), resolvent.bar().begin());
  Array a_bar(n * n, 0.0);
  resolvent.vjp(a_bar);
  resolvent.jvp(a_dot);
  CHECK(dot(a_bar, a_dot) == Approx(dot(bar, resolvent.tangent())).epsilon(1e-12));
}

TEST_CASE("resolvent_gradient_matches_directional_derivative") {
  const std::size_t n = 5;
  const Array a = random_hurwitz(n, 3.0), bar = random_array(n * n, "bar"),
              a_dot = random_array(n * n, "direction");
  Resolvent resolvent(n);
  resolvent.compute(a, 0.4);
  resolvent.clear_bar();
  std::copy(bar.begin(), bar.end(), resolvent.bar().begin());
  Array a_bar(n * n, 0.0);
  resolvent.vjp(a_bar);
  const auto at = [&](double t) {
    Array moved = a;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += t * a_dot[i];
    resolvent.compute(moved, 0.4);
    return dot(bar, resolvent.value());
  };
  const double t = 1e-3;
  const double difference =
      (45 * (at(t) - at(-t)) - 9 * (at(2 * t) - at(-2 * t)) + at(3 * t) - at(-3 * t)) / (60 * t);
  CHECK(dot(a_bar, a_dot) == Approx(difference).epsilon(1e-9));
}

TEST_CASE("resolvent_of_a_singular_matrix_is_a_numerical_error") {
  Resolvent resolvent(2);
  CHECK_THROWS_AS(resolvent.compute(Array{2.0, 0.0, 1.0, -1.0}, 0.5), NumericalError);
  CHECK_THROWS_AS(resolvent.compute(Array{std::nan(""), 0.0, 1.0, -1.0}, 0.5), NumericalError);
}
