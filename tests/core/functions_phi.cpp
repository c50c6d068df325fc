#include "catch.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "functions_reference.hpp"

#include <limits>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr Argument arguments[] = {Argument::full, Argument::half};

/// Z = V diag(lambda) V^-1 with V = I + strictly upper nilpotent of one superdiagonal entry pair: n = 2.
Array conjugated(double a, double b) { return {a, 3.0 * (b - a), 0.0, b}; }

}  // namespace

TEST_CASE("phi_of_a_number_matches_its_closed_form") {
  PhiFunctions phi(1, 3, HalfArgument::include);
  for (const double z : {0.0, 1e-12, -1e-3, 0.7, -0.9, -1.0, -3.0, 5.0, -20.0, -700.0, -1e5, -1e12}) {
    phi.compute(Array{z / 0.5}, 0.5);
    for (const Argument argument : arguments)
      for (std::size_t k = 0; k <= 3; ++k) {
        const double exact = scalar_phi(k, argument == Argument::full ? z : z / 2);
        INFO("k " << k << " z " << z << " value " << phi.value(k, argument)[0] << " exact " << exact);
        // phi_0 relative to the rounding of z itself, the others to a few units in the last place
        const double tolerance = k == 0 ? 4 * epsilon * (1 + std::abs(z)) : 40 * epsilon;
        CHECK(std::abs(phi.value(k, argument)[0] - exact) <= tolerance * std::abs(exact));
      }
  }
}

TEST_CASE("phi_of_a_zero_step_is_the_identity_over_k_factorial") {
  const std::size_t n = 5;
  PhiFunctions phi(n, 3, HalfArgument::include);
  phi.compute(random_hurwitz(n, 3.0), 0.0);
  const double expected[] = {1.0, 1.0, 0.5, 1.0 / 6.0};
  for (const Argument argument : arguments)
    for (std::size_t k = 0; k <= 3; ++k)
      for (std::size_t i = 0; i < n * n; ++i)
        CHECK(phi.value(k, argument)[i] == Approx(i % (n + 1) == 0 ? expected[k] : 0.0).epsilon(epsilon));
}

TEST_CASE("phi_of_a_nilpotent_matrix_is_a_finite_sum") {
  const double size = GENERATE(1e-3, 1.0, 1e6);
  PhiFunctions phi(3, 3, HalfArgument::omit);
  phi.compute(Array{0, size, 0, 0, 0, size, 0, 0, 0}, 1.0);
  double factorial = 1.0;
  for (std::size_t k = 0; k <= 3; ++k) {
    const double k1 = factorial * static_cast<double>(k + 1), k2 = k1 * static_cast<double>(k + 2);
    const std::span<const double> value = phi.value(k, Argument::full);
    CHECK(value[0] == Approx(1.0 / factorial).epsilon(1e-14));
    CHECK(value[1] == Approx(size / k1).epsilon(1e-14));
    CHECK(value[2] == Approx(size * size / k2).epsilon(1e-14));
    CHECK(value[3] == 0.0);
    factorial = k1;
  }
}

TEST_CASE("phi_of_a_diagonalisable_matrix_matches_its_eigenvalues") {
  const double a = -0.3, b = GENERATE(-2.0, -50.0, -1e4);
  PhiFunctions phi(2, 3, HalfArgument::include);
  phi.compute(conjugated(a, b), 1.0);
  for (std::size_t k = 0; k <= 3; ++k) {
    const double at_a = scalar_phi(k, a), at_b = scalar_phi(k, b);
    const Array exact = conjugated(at_a, at_b);
    CHECK(relative_error(phi.value(k, Argument::full), exact) < 20 * epsilon);
  }
}

TEST_CASE("phi_agrees_with_80_bit_arithmetic") {
  const std::size_t n = GENERATE(1, 2, 20);
  const double norm = GENERATE(1e-3, 0.5, 3.0, 30.0, 1e3);
  const double step = GENERATE(0.1, -0.1);
  if (step < 0 && norm > 100.0) return;  // e^1000
  const Array a = random_hurwitz(n, norm / 0.1);
  PhiFunctions phi(n, 3, HalfArgument::include);
  phi.compute(a, step);
  for (const Argument argument : arguments) {
    const auto exact = reference_phi(a, n, argument == Argument::full ? step : step / 2);
    for (std::size_t k = 0; k <= 3; ++k) {
      INFO("n " << n << " norm " << norm << " step " << step << " k " << k);
      CHECK(relative_error(phi.value(k, argument), exact[k]) < 10 * epsilon * std::max(1.0, norm));
    }
  }
}

TEST_CASE("phi_functions_satisfy_their_recurrence") {
  const std::size_t n = 20;
  const double norm = GENERATE(1e-3, 1.0, 40.0);
  const Array a = random_hurwitz(n, norm);
  PhiFunctions phi(n, 3, HalfArgument::omit);
  phi.compute(a, 1.0);
  double factorial = 1.0;
  for (std::size_t k = 0; k < 3; ++k) {
    if (k > 0) factorial *= static_cast<double>(k);
    const std::span<const double> upper = phi.value(k + 1, Argument::full);
    Array right = matrix_product(a, Array(upper.begin(), upper.end()), n);
    for (std::size_t i = 0; i < n; ++i) right[i * (n + 1)] += 1.0 / factorial;
    CHECK(relative_error(right, phi.value(k, Argument::full)) < 20 * epsilon * std::max(1.0, norm));
  }
}

TEST_CASE("phi_of_fewer_functions_is_the_same_function") {
  const std::size_t n = 6;
  const Array a = random_hurwitz(n, 12.0);
  PhiFunctions all(n, 3, HalfArgument::include), few(n, GENERATE(0, 1, 2), HalfArgument::omit);
  all.compute(a, 1.0);
  few.compute(a, 1.0);
  for (std::size_t k = 0; k <= few.max_index(); ++k)
    CHECK(relative_error(few.value(k, Argument::full), all.value(k, Argument::full)) < 1e-14);
}

TEST_CASE("phi_keeps_slow_rates_of_a_graded_matrix_at_large_norms") {
  // Block triangular, rates from 1e-4 to 1e9, with a full block of slow rates.
  const std::size_t n = 4;
  const Array a = {-1e9, 2e3, 0, 0, 0, -1.0, 0.5, 0, 0, -0.5, -1.0, 0, 0, 0, 0, -1e-4};
  PhiFunctions phi(n, 1, HalfArgument::omit);
  phi.compute(a, 1.0);
  const std::span<const double> value = phi.value(0, Argument::full);
  CHECK(value[5] == Approx(std::exp(-1.0) * std::cos(0.5)).epsilon(1e-14));
  CHECK(value[6] == Approx(std::exp(-1.0) * std::sin(0.5)).epsilon(1e-14));
  CHECK(value[15] == Approx(std::exp(-1e-4)).epsilon(1e-15));
  CHECK(phi.value(1, Argument::full)[0] == Approx(1e-9).epsilon(1e-13));
  CHECK(phi.value(1, Argument::full)[15] == Approx(-std::expm1(-1e-4) * 1e4).epsilon(1e-14));
}

TEST_CASE("phi_of_a_full_matrix_at_norm_1e9_errs_like_the_rounding_of_the_matrix") {
  // H D H with H = I - 2 v v^T / v^T v and D = -(1e9, 10, 1, 0.1): exact value H e^D H.
  const std::size_t n = 4;
  const Array v = {1.0, 2.0, -1.0, 0.5}, rates = {1e9, 10.0, 1.0, 0.1};
  const auto conjugate = [&](auto&& function) {
    Array h(n * n), result(n * n, 0.0);
    for (std::size_t i = 0; i < n * n; ++i)
      h[i] = (i % (n + 1) == 0 ? 1.0 : 0.0) - 2.0 * v[i / n] * v[i % n] / dot(v, v);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t k = 0; k < n; ++k)
          result[i * n + j] += h[i * n + k] * function(-rates[k]) * h[k * n + j];
    return result;
  };
  PhiFunctions phi(n, 2, HalfArgument::include);
  phi.compute(conjugate([](double z) { return z; }), 1.0);
  for (std::size_t k = 0; k <= 2; ++k) {
    const Array exact = conjugate([k](double z) { return scalar_phi(k, z); });
    // The entries of A are rounded to about 1e9 eps = 2e-7, which moves the slow rates by as much.
    CHECK(relative_error(phi.value(k, Argument::full), exact) < 1e-6);
  }
}

TEST_CASE("phi_of_a_hurwitz_matrix_is_finite_at_any_norm") {
  const std::size_t n = 20;
  const double norm = GENERATE(1e6, 1e9, 1e12);
  PhiFunctions phi(n, 3, HalfArgument::include);
  phi.compute(random_hurwitz(n, norm), 1.0);
  for (const Argument argument : arguments)
    for (std::size_t k = 0; k <= 3; ++k) CHECK(largest(phi.value(k, argument)) <= 2.0);
  phi.clear_bars();
  std::fill(phi.bar(0, Argument::full).begin(), phi.bar(0, Argument::full).end(), 1.0);
  Array a_bar(n * n, 0.0);
  phi.vjp(a_bar);
  CHECK(std::isfinite(largest(a_bar)));
}

TEST_CASE("phi_of_a_matrix_that_is_not_finite_is_not_finite") {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    PhiFunctions phi(2, 1, HalfArgument::include);
    phi.compute(Array{-1.0, bad, 0.0, -1.0}, 1.0);
    CHECK_FALSE(std::isfinite(largest(phi.value(0, Argument::full))));
    CHECK_FALSE(std::isfinite(largest(phi.value(1, Argument::half))));
  }
}

TEST_CASE("phi_refuses_what_it_cannot_do") {
  CHECK_THROWS_AS(PhiFunctions(4, 4, HalfArgument::omit), UsageError);
  CHECK_THROWS_AS(PhiFunctions(0, 1, HalfArgument::omit), UsageError);
  PhiFunctions phi(1, 1, HalfArgument::omit);
  CHECK_THROWS_AS(phi.compute(Array{-1e300}, 1.0), NumericalError);
}

namespace {

/// <bars, values>, summed over all functions and arguments, for bars drawn at random.
double weighted_values(const PhiFunctions& phi, const std::vector<Array>& bars, bool tangents) {
  double sum = 0.0;
  std::size_t i = 0;
  for (const Argument argument : arguments)
    for (std::size_t k = 0; k <= phi.max_index(); ++k)
      sum += dot(bars[i++], tangents ? phi.tangent(k, argument) : phi.value(k, argument));
  return sum;
}

std::vector<Array> set_random_bars(PhiFunctions& phi) {
  std::vector<Array> bars;
  phi.clear_bars();
  for (const Argument argument : arguments)
    for (std::size_t k = 0; k <= phi.max_index(); ++k) {
      bars.push_back(random_array(phi.order() * phi.order(), "bar" + std::to_string(bars.size())));
      std::copy(bars.back().begin(), bars.back().end(), phi.bar(k, argument).begin());
    }
  return bars;
}

}  // namespace

TEST_CASE("phi_adjoint_is_the_transpose_of_its_tangent") {
  const std::size_t n = GENERATE(1, 2, 20, 64), max_index = GENERATE(0, 1, 3);
  const double norm = GENERATE(1e-3, 0.4, 25.0, 2e3, 1e9), step = 0.1;
  PhiFunctions phi(n, max_index, HalfArgument::include);
  phi.compute(random_hurwitz(n, norm / step), step);
  const std::vector<Array> bars = set_random_bars(phi);
  const Array a_dot = random_array(n * n, "direction");
  Array a_bar(n * n, 0.0);
  phi.vjp(a_bar);
  phi.jvp(a_dot);
  const double forward = weighted_values(phi, bars, true), reverse = dot(a_bar, a_dot);
  INFO("n " << n << " p " << max_index << " norm " << norm);
  CHECK(std::abs(forward - reverse) <= 1e-12 * std::sqrt(dot(a_bar, a_bar) * dot(a_dot, a_dot)));
}

TEST_CASE("phi_gradient_matches_directional_derivative") {
  const std::size_t n = GENERATE(2, 20), max_index = GENERATE(0, 2);
  const double norm = GENERATE(0.3, 25.0, 300.0), step = GENERATE(0.5, -0.01);
  const Array a = random_hurwitz(n, norm),
              a_dot = random_array(n * n, "direction", norm / static_cast<double>(n));
  PhiFunctions phi(n, max_index, HalfArgument::include);
  phi.compute(a, step);
  const std::vector<Array> bars = set_random_bars(phi);
  Array a_bar(n * n, 0.0);
  phi.vjp(a_bar);
  const double gradient = dot(a_bar, a_dot), scale = std::sqrt(dot(a_bar, a_bar) * dot(a_dot, a_dot));
  const auto at = [&](double t) {
    Array moved = a;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += t * a_dot[i];
    phi.compute(moved, step);
    return weighted_values(phi, bars, false);
  };
  const double t = 1e-3;  // sixth-order central difference
  const double difference =
      (45 * (at(t) - at(-t)) - 9 * (at(2 * t) - at(-2 * t)) + at(3 * t) - at(-3 * t)) / (60 * t);
  INFO("n " << n << " p " << max_index << " norm " << norm << " step " << step);
  CHECK(std::abs(gradient - difference) < 1e-9 * scale);
}
