// Parameters of given operators and forms.
#include "catch.hpp"
#include "core/components/bilinear.hpp"
#include "core/components/even_pairs.hpp"
#include "core/components/lipschitz.hpp"
#include "core/components/network.hpp"
#include "core/linear/dense/dense_hurwitz.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/matrix_functions/differences.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

double largest_difference(std::span<const double> x, std::span<const double> y) {
  double largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

double largest_of(std::span<const double> x) {
  double largest = 0.0;
  for (const double entry : x) largest = std::max(largest, std::abs(entry));
  return largest;
}

struct Operator {
  explicit Operator(std::size_t n, double mu = 0.3, double rate_max = 10.0)
      : size(n * n), linear(n, {.mu = mu, .rate_min = 0.1, .rate_max = rate_max, .noise = 1.0}) {
    linear.declare(layout);
  }
  std::vector<double> random_matrix(std::uint64_t seed) const {
    std::vector<double> theta(layout.size()), A(size);
    linear.initialise(seed, theta);
    linear.assemble(theta, A);
    return A;
  }
  std::vector<double> round_trip(std::span<const double> A) const {
    std::vector<double> theta(layout.size()), back(size);
    linear.set_matrix(A, theta);
    linear.assemble(theta, back);
    return back;
  }
  std::size_t size;
  DenseHurwitz linear;
  ParameterLayout layout;
};

}  // namespace

TEST_CASE("parameters_of_a_given_operator_give_it_back") {
  for (const std::size_t n : {1, 2, 5, 20})
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const Operator op(n);
      const std::vector<double> A = op.random_matrix(seed);
      CAPTURE(n, seed);
      CHECK(largest_difference(op.round_trip(A), A) < 1e-11 * largest_of(A));
    }
}

TEST_CASE("parameters_of_a_defective_operator_and_of_rates_over_decades_give_it_back") {
  const std::vector<double> defective = {-2.0, 10.0, 0.0, -2.0};
  CHECK(largest_difference(Operator(2, 0.0).round_trip(defective), defective) < 1e-12);
  const std::vector<double> decades = {-1e-6, 0.0, 0.0, 0.0, -1.0, 1e3, 0.0, -1e3, -1e6};
  CHECK(largest_difference(Operator(3, 0.0).round_trip(decades), decades) < 1e-8);
}

TEST_CASE("an_operator_beyond_the_bound_is_refused") {
  const Operator op(2, 0.3);
  const std::vector<double> unstable = {0.4, 0.0, 0.0, -1.0};
  CHECK_THROWS_AS(op.round_trip(unstable), NumericalError);
}

TEST_CASE("only_real_parts_above_the_limit_are_moved") {
  // Block triangular: 1 +- 2i and -3.
  std::vector<double> A = {1.0, 2.0, 5.0, -2.0, 1.0, 7.0, 0.0, 0.0, -3.0};
  limit_real_parts(A, -0.5);
  const RealSchur schur = real_schur(square(std::span<const double>(A), 3));
  std::vector<double> parts = {schur.T[0], schur.T[4], schur.T[8]};
  std::ranges::sort(parts);
  CHECK(parts[0] == Approx(-3.0));
  CHECK(parts[1] == Approx(-0.5));
  CHECK(parts[2] == Approx(-0.5));
  const std::vector<double> before = A;
  limit_real_parts(A, 0.0);
  CHECK(A == before);
}

TEST_CASE("factors_of_given_forms_give_them_back") {
  const std::size_t n = 5;
  for (const std::size_t rank : {5, 7}) {
    Bilinear<double> bilinear({n, n, 0}, {rank, 0.5}, "bilinear");
    ParameterLayout layout;
    bilinear.declare(layout);
    std::vector<double> theta(layout.size());
    bilinear.initialise(1, theta);
    const auto Q = random_vector(n * monomial_count(n), "Q"), b = random_vector(n, "b");
    CHECK(bilinear.set_forms(Q, b, theta) == 0.0);
    std::vector<double> kappa(bilinear.coefficient_count());
    bilinear.assemble(theta, kappa);
    std::vector<double> found;  // in the order of Q
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t at = 0; at < monomial_count(n); ++at)
        found.push_back(kappa[at * form_stride<double>(n) + i]);
    CHECK(largest_difference(found, Q) < 1e-13);
    CHECK(largest_difference(std::span(kappa).last(n), b) == 0.0);
  }
}

TEST_CASE("a_rank_that_is_too_small_keeps_the_largest_part_of_the_forms") {
  Bilinear<double> bilinear({2, 2, 0}, {1, 0.5}, "bilinear");
  ParameterLayout layout;
  bilinear.declare(layout);
  std::vector<double> theta(layout.size());
  // 4 u0^2 + 3 u1^2 takes two products, u0 u1 one.
  const std::vector<double> Q = {4.0, 0.0, 3.0, 0.0, 1.0, 0.0}, b = {0.0, 0.0};
  CHECK(bilinear.set_forms(Q, b, theta) == Approx(3.0 / std::sqrt(25.5)));
}

TEST_CASE("differences_are_exact_for_polynomials_on_any_grid") {
  const std::vector<double> times = {0.1, 0.4, 0.5, 1.3, 1.7, 2.0};
  std::vector<double> weights(times.size()), work(times.size());
  for (const double at : {0.5, 0.9}) {
    derivative_weights(at, times, weights, work);
    for (int degree = 0; degree < 6; ++degree) {
      double sum = 0.0;
      for (std::size_t j = 0; j < times.size(); ++j) sum += weights[j] * std::pow(times[j], degree);
      CHECK(sum == Approx(degree == 0 ? 0.0 : degree * std::pow(at, degree - 1)).margin(1e-10));
    }
  }
}

TEST_CASE("weights_of_a_bounded_layer_are_found_from_what_they_realise") {
  for (const LipschitzDivisor divisor : {LipschitzDivisor::exact, LipschitzDivisor::smooth})
    for (const double size : {1e-3, 0.1, 10.0}) {
      const LipschitzLayer layer{30, 4, 14.0, divisor};
      std::vector<double> B = random_vector(120, "B"), W(120), found(120);
      for (double& entry : B) entry *= size;
      const double k = layer.invert(B, W);
      CHECK((size < 1.0 ? k == 1.0 : k > 1.0));
      for (double& entry : B) entry /= k;
      layer.assemble(W, found);
      CAPTURE(size);
      CHECK(largest_difference(found, B) < 1e-12 * largest_of(B));
    }
}

TEST_CASE("directions_of_pairs_are_the_state_s_components_then_their_sums") {
  const std::vector<double> rows = {1.0, 0.0, 0.0, 2.0, 1.0, 1.0}, moments = {4.0, 0.0, 0.0, 1.0};
  const std::vector<double> V = pair_directions(rows, moments, 2, 8);
  const std::vector<double> along = {1, 0, 0, 2, 1, 1, 1, 2, 1, 3, 2, 1, 1, 0, 0, 2};
  for (std::size_t r = 0; r < 8; ++r) {
    const double* const v = &V[2 * r];
    CHECK(v[0] * along[2 * r + 1] == Approx(v[1] * along[2 * r]).margin(1e-15));
    CHECK(4.0 * v[0] * v[0] + v[1] * v[1] == Approx(r < 6 ? 0.04 : 0.16));
  }
  const std::vector<double> some = pair_directions(rows, moments, 2, 1);
  CHECK(some[0] == Approx(0.1));
}

TEST_CASE("pairs_of_neurons_give_squares") {
  const std::size_t n = 3;
  for (const double bound : {0.0, 50.0, 2.0}) {
    LipschitzOptions options;
    options.hidden = {7};
    options.bound = bound;
    options.output_scale = true;
    Network<double> network =
        bound > 0.0 ? Network<double>(n, n, options, {"network"})
                    : Network<double>(n, n, static_cast<const NetworkOptions&>(options), {"network"});
    ParameterLayout layout;
    network.declare(layout);
    std::vector<double> theta(layout.size()), c(network.coefficient_count());
    network.initialise(1, theta);
    REQUIRE(network.pairs() == 3);
    std::vector<double> V = random_vector(3 * n, "V");
    for (double& entry : V) entry *= 0.1;
    network.set_directions(V, theta);
    const auto W = random_vector(n * 3, "W"), b = random_vector(n, "b"), x = random_vector(n, "x");
    CHECK(network.set_outputs(W, b, theta) == 1.0);
    network.assemble(theta, c);
    const Matrix<double> X("x", n, 1), Y("y", n, 1), tape("tape", network.tape_rows(), 1);
    Scratch<double> scratch;
    upload(x, X);
    network.apply(ExecSpace(), {to_device<double>(c), X, Y, tape}, scratch);
    const auto y = on_host(Y);
    for (std::size_t i = 0; i < n; ++i) {
      double expected = b[i];
      for (std::size_t r = 0; r < 3; ++r) {
        const double s = V[r * n] * x[0] + V[r * n + 1] * x[1] + V[r * n + 2] * x[2];
        expected += W[i * 3 + r] * even_pair(s);
      }
      CHECK(y(i, 0) == Approx(expected).margin(1e-12));
    }
  }
  CHECK(even_pair(0.2) == Approx(4.0 * even_pair(0.1)).epsilon(2e-4));
  for (const auto& change : std::vector<std::function<void(NetworkOptions&)>>{
           [](NetworkOptions& options) {
             options.hidden = {7, 7};
           },
           [](NetworkOptions& options) { options.last_activation = true; },
           [](NetworkOptions& options) { options.activation = Activation::identity; }}) {
    NetworkOptions options{{7}};
    change(options);
    Network<double> network(n, n, options, {"network"});
    ParameterLayout layout;
    network.declare(layout);
    CHECK(network.pairs() == 0);
  }
}
