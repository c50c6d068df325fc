/// Phi functions, resolvents and their adjoints up to norms of 1e12, against references/matrix_functions.txt.
#include "allocations.hpp"
#include "catch.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/matrix_functions/resolvent.hpp"
#include "core/matrix_functions/taylor_degree.hpp"
#include "core/support/error.hpp"
#include "functions_reference.hpp"
#include "matrix_references.hpp"

#include <string>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

using Case = ReferenceCase;

const std::vector<Case>& cases() { return reference_cases(); }

/// The adjoint of a value that the references take.
void set_bar(std::span<double> bar, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) bar[i * n + j] = reference_bar(i, j);
}

/// Twice the precision gives the rounded values; double at its limit errs by 1e-13.
double tolerance(const PhiFunctions& phi) { return phi.is_wide() ? 1e-15 : 1e-13; }

Array diagonal(const Array& entries) {
  Array a(entries.size() * entries.size(), 0.0);
  for (std::size_t i = 0; i < entries.size(); ++i) a[i * (entries.size() + 1)] = entries[i];
  return a;
}

}  // namespace

TEST_CASE("references_reach_norms_of_1e12_in_orders_3_8_and_20") {
  REQUIRE(cases().size() >= 40);
  for (const std::size_t n : {3, 8, 20})
    CHECK(std::any_of(cases().begin(), cases().end(), [n](const Case& c) {
      return c.n == n && one_norm(square(std::span<const double>(c.rows.at("a")), n)) > 1e12;
    }));
}

TEST_CASE("phi_functions_match_80_digits_at_all_norms") {
  for (const Case& c : cases()) {
    PhiFunctions phi(c.n, 3, HalfArgument::omit);
    phi.compute(c.rows.at("a"), 1.0);
    for (std::size_t k = 0; k <= 3; ++k) {
      const auto reference = c.rows.find("phi" + std::to_string(k));
      if (reference == c.rows.end()) continue;
      INFO(c.name << " n " << c.n << " k " << k << " wide " << phi.is_wide());
      CHECK(norm_error(phi.value(k, Argument::full), reference->second, c.n) < tolerance(phi));
      CHECK(row_error(phi.value(k, Argument::full), reference->second, c.n) < tolerance(phi));
    }
  }
}

TEST_CASE("phi_adjoints_match_80_digits_at_all_norms") {
  for (const Case& c : cases()) {
    PhiFunctions phi(c.n, 3, HalfArgument::omit);
    phi.compute(c.rows.at("a"), 1.0);
    for (std::size_t k = 0; k <= 3; ++k) {
      const auto reference = c.rows.find("phi_adjoint" + std::to_string(k));
      if (reference == c.rows.end()) continue;
      phi.clear_bars();
      set_bar(phi.bar(k, Argument::full), c.n);
      Array a_bar(c.n * c.n, 0.0);
      phi.vjp(a_bar);
      INFO(c.name << " n " << c.n << " k " << k << " wide " << phi.is_wide());
      CHECK(norm_error(a_bar, reference->second, c.n) < tolerance(phi));
    }
  }
}

TEST_CASE("phi_at_the_half_argument_matches_80_digits_of_twice_the_matrix") {
  for (const Case& c : cases()) {
    PhiFunctions phi(c.n, 1, HalfArgument::include);
    phi.compute(c.rows.at("a"), 2.0);
    for (std::size_t k = 0; k <= 1; ++k) {
      INFO(c.name << " n " << c.n << " k " << k);
      CHECK(norm_error(phi.value(k, Argument::half), c.rows.at("phi" + std::to_string(k)), c.n) < 1e-13);
      phi.clear_bars();
      set_bar(phi.bar(k, Argument::half), c.n);
      Array a_bar(c.n * c.n, 0.0);
      phi.vjp(a_bar);
      CHECK(norm_error(a_bar, c.rows.at("phi_adjoint" + std::to_string(k)), c.n) < 1e-13);
    }
  }
}

TEST_CASE("resolvent_and_its_adjoint_match_80_digits_at_all_norms") {
  for (const Case& c : cases()) {
    Resolvent resolvent(c.n);
    resolvent.compute(c.rows.at("a"), 1.0);
    set_bar(resolvent.bar(), c.n);
    Array a_bar(c.n * c.n, 0.0);
    resolvent.vjp(a_bar);
    INFO(c.name << " n " << c.n);
    CHECK(norm_error(resolvent.value(), c.rows.at("resolvent"), c.n) < 1e-13);
    CHECK(norm_error(a_bar, c.rows.at("resolvent_adjoint"), c.n) < 1e-13);
  }
}

TEST_CASE("phi_takes_twice_the_precision_only_where_double_loses_digits") {
  PhiFunctions phi(2, 1, HalfArgument::omit);
  phi.compute(diagonal({-1000.0, -0.1}), 1.0);
  CHECK_FALSE(phi.is_wide());
  phi.compute(diagonal({-5000.0, -0.1}), 1.0);  // a large norm
  CHECK(phi.is_wide());
  phi.compute(Array{-60.0, 1000.0, 0.0, -60.0}, 1.0);  // rises to 6 and decays to 1e-23
  CHECK(phi.is_wide());
  phi.compute(diagonal({-900.0, -900.0}), 1.0);  // underflows
  CHECK_FALSE(phi.is_wide());
}

TEST_CASE("taylor_method_never_costs_less_than_the_dense_one_at_large_norms") {
  const std::size_t n = GENERATE(3, 20, 64, 256, 2048), terms = GENERATE(0, 1, 3);
  for (double norm = 100.0 * static_cast<double>(n); norm < 1e14; norm *= 3.0) {
    PowerNorms norms;  // of a matrix near normal
    std::fill(std::begin(norms.alpha), std::end(norms.alpha), norm);
    const double dense = dense_update_cost(n, terms, norm) + dense_lane_cost(n, terms);
    CHECK(dense < taylor_lane_cost(n, terms, choose_degree(norms, 1.0, terms)));
  }
}

TEST_CASE("phi_gives_the_same_bits_whatever_was_computed_before") {
  const std::size_t n = 7;
  const Array soft = random_hurwitz(n, 10.0), stiff = random_hurwitz(n, 1e8);
  const auto run = [n](PhiFunctions& phi, const Array& a) {
    phi.compute(a, 1.0);
    phi.clear_bars();
    for (std::size_t k = 0; k <= 2; ++k) set_bar(phi.bar(k, Argument::full), n);
    Array result(n * n, 0.0);
    phi.vjp(result);
    const std::span<const double> value = phi.value(2, Argument::full);
    result.insert(result.end(), value.begin(), value.end());
    return result;
  };
  PhiFunctions fresh(n, 2, HalfArgument::include), used(n, 2, HalfArgument::include);
  const Array soft_first = run(fresh, soft), stiff_first = run(used, stiff);
  CHECK(run(used, soft) == soft_first);
  CHECK(run(fresh, stiff) == stiff_first);
}

TEST_CASE("phi_allocates_nothing_in_vjp_and_in_a_second_compute") {
  const std::size_t n = 6;
  PhiFunctions phi(n, 3, HalfArgument::include);
  Array a_bar(n * n, 0.0);
  for (const double norm : {20.0, 1e10}) {
    const Array a = random_hurwitz(n, norm);
    phi.compute(a, 1.0);
    const std::size_t before = allocations;
    phi.vjp(a_bar);
    phi.jvp(a);
    phi.compute(a, 1.0);
    CHECK(allocations == before);
  }
}

TEST_CASE("phi_works_up_to_norms_of_two_to_the_64") {
  PhiFunctions phi(2, 1, HalfArgument::omit);
  const double most = std::ldexp(1.0, 64);
  phi.compute(diagonal({-most, -1.0}), 1.0);
  CHECK(phi.value(0, Argument::full)[3] == Approx(std::exp(-1.0)).epsilon(1e-11));
  CHECK(phi.value(1, Argument::full)[0] == Approx(1.0 / most).epsilon(1e-11));
  CHECK_THROWS_AS(phi.compute(diagonal({-1.001 * most, -1.0}), 1.0), NumericalError);
}

TEST_CASE("resolvent_that_double_cannot_begin_is_a_numerical_error") {
  // Condition 1e20 in a full basis: LU in double leaves no correct digit of the slow direction.
  const double c = std::sqrt(0.7), s = std::sqrt(0.3), size = 1e20;
  Resolvent resolvent(2);
  CHECK_THROWS_AS(resolvent.compute(Array{-size * c * c, -size * c * s, -size * c * s, -size * s * s}, 1.0),
                  NumericalError);
  resolvent.compute(diagonal({-size, -1.0}), 1.0);  // the same numbers where the directions do not mix
  CHECK(resolvent.value()[0] == Approx(1e-20).epsilon(1e-15));
  CHECK(resolvent.value()[3] == Approx(0.5).epsilon(1e-15));
}

TEST_CASE("exact_product_leaves_out_nothing") {
  const double x = 1.0 + std::ldexp(1.0, -52), y = 1.0 - std::ldexp(1.0, -53);
  const DoubleDouble square_of_x = exact_product(x, x), product = exact_product(x, y);
  CHECK(square_of_x.hi == 1.0 + std::ldexp(1.0, -51));
  CHECK(square_of_x.lo == std::ldexp(1.0, -104));
  CHECK(product.hi + product.lo == product.hi);
  CHECK(product.hi - 1.0 + product.lo == std::ldexp(1.0, -53) - std::ldexp(1.0, -105));
}

TEST_CASE("wide_products_agree_with_80_bit_arithmetic_in_all_forms") {
  const std::size_t n = GENERATE(1, 7, 16, 25, 70);  // within, at and beyond the panels
  std::vector<DoubleDouble> a(n * n), b(n * n), c(n * n);
  const Array numbers = random_array(6 * n * n, "wide");
  for (std::size_t i = 0; i < n * n; ++i) {
    a[i] = renormalised(numbers[i], 1e-17 * numbers[i + n * n]);
    b[i] = renormalised(numbers[i + 2 * n * n], 1e-17 * numbers[i + 3 * n * n]);
  }
  const auto exact = [](DoubleDouble x) { return static_cast<long double>(x.hi) + x.lo; };
  for (const bool left : {false, true})
    for (const bool right : {false, true}) {
      const WideOperand x(a.data(), n, n, left), y(b.data(), n, n, right);
      for (std::size_t i = 0; i < n * n; ++i) c[i] = numbers[i + 4 * n * n];
      multiply(0.25, x, y, 1.0, square(std::span(c), n));
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
          long double sum = 4.0L * numbers[i * n + j + 4 * n * n];
          for (std::size_t k = 0; k < n; ++k)
            sum += exact(a[left ? k * n + i : i * n + k]) * exact(b[right ? j * n + k : k * n + j]);
          CHECK(std::abs(exact(c[i * n + j]) - sum / 4.0L) < 1e-17 * static_cast<double>(n));
        }
    }
}
