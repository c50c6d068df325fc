// What single components promise beside their derivatives.
#include "component_setup.hpp"

#include "catch.hpp"
#include "core/components/autoencoder.hpp"
#include "core/components/central_force.hpp"
#include "core/components/convolution.hpp"
#include "core/components/fourier_modes.hpp"
#include "core/components/library.hpp"
#include "core/components/lipschitz.hpp"
#include "core/components/network.hpp"
#include "core/components/potential.hpp"
#include "core/linear/dense/dense_hurwitz.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <numbers>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

TEST_CASE("fourier_modes_are_orthonormal") {
  for (const auto& [modes, points] : {std::pair(1, 4), std::pair(7, 7), std::pair(7, 8), std::pair(5, 16)}) {
    const std::size_t n = std::size_t(modes), m = std::size_t(points);
    const std::vector<double> rows = fourier_modes(n, m);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < n; ++k) {
        double product = 0.0;
        for (std::size_t j = 0; j < m; ++j) product += rows[i * m + j] * rows[k * m + j];
        CHECK(product == Approx(double(i == k)).margin(1e-14));
      }
  }
}

TEST_CASE("convolution_commutes_with_shifts_of_the_field") {
  for (const Activation sigma : {Activation::tanh, Activation::square}) {
    const std::size_t n = 7, points = 10;
    const Case<double> c{"convolution", [&] {
                           return std::make_unique<Convolution<double>>(
                               TermShape{n, n, 0}, ConvolutionOptions{2, sigma, 1.0}, "convolution");
                         }};
    Setup<double> s(c);
    // By a part of the period: of the component's own grid, and, where nothing is aliased, any.
    for (const double part : {3.0 / double(points), 0.123}) {
      if (sigma == Activation::tanh && part == 0.123) continue;
      const auto shifted = [&](const Matrix<double>& X) {
        const auto from = on_host(X);
        Matrix<double> Y("Y", n, s.lanes);
        const auto to = Kokkos::create_mirror_view(Y);
        for (std::size_t l = 0; l < s.lanes; ++l) {
          for (std::size_t k = 1; k <= n / 2; ++k) {
            const double angle = 2.0 * std::numbers::pi * double(k) * part, x = from(2 * k - 2, l),
                         y = from(2 * k - 1, l);
            to(2 * k - 2, l) = std::cos(angle) * x - std::sin(angle) * y;
            to(2 * k - 1, l) = std::sin(angle) * x + std::cos(angle) * y;
          }
          to(n - 1, l) = from(n - 1, l);
        }
        Kokkos::deep_copy(Y, to);
        return Y;
      };
      const auto after = on_host(s.apply(s.theta, shifted(s.x))),
                 before = on_host(shifted(s.apply(s.theta, s.x)));
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = 0; l < s.lanes; ++l) CHECK(after(i, l) == Approx(before(i, l)).margin(1e-12));
    }
  }
}

TEST_CASE("convolution_of_squares_is_the_projection_of_the_square_of_the_field") {
  const std::size_t n = 9, points = 32, own = 13;
  Convolution<double> convolution({n, n, 0}, {}, "convolution");
  ParameterLayout layout;
  convolution.declare(layout);
  std::vector<double> theta(layout.size(), 0.0), c(convolution.coefficient_count());
  const auto one = [&](const ParameterBlock& block) {  // P = R = 1
    const auto values = block_of(std::span(theta), block);
    for (std::size_t i = 0; i < n; ++i) values[i] = i + 1 == n || i % 2 == 0 ? 1.0 : 0.0;
  };
  one(layout.blocks()[0]), one(layout.blocks()[1]);
  convolution.assemble(theta, c);
  const Matrix<double> u = random_matrix(n, 1, "u");
  Matrix<double> g("g", n, 1), tape("tape", convolution.tape_rows(), 1);
  Scratch<double> scratch;
  convolution.apply(ExecSpace(), {to_device<double>(c), ConstMatrixView<double>(u), g, tape}, scratch);
  const std::vector<double> modes = fourier_modes(n, points);
  const auto values = on_host(u), found = on_host(g);
  std::vector<double> square(points, 0.0);
  for (std::size_t j = 0; j < points; ++j) {
    for (std::size_t i = 0; i < n; ++i) square[j] += modes[i * points + j] * values(i, 0);
    square[j] *= square[j];
  }
  for (std::size_t i = 0; i < n; ++i) {
    double expected = 0.0;
    for (std::size_t j = 0; j < points; ++j) expected += modes[i * points + j] * square[j];
    // The values at m points are sqrt(1 / m) times the field, which is sqrt(points) at the others.
    CHECK(found(i, 0) == Approx(std::sqrt(double(points) / double(own)) * expected).margin(1e-13));
  }
}

TEST_CASE("convolution_needs_an_odd_number_of_modes_in_an_equation_of_first_order") {
  CHECK_THROWS_WITH(Convolution<double>({6, 6, 0}, {}, "convolution"),
                    "nonlinear names convolution, which needs an odd number of Fourier modes; found 6");
  CHECK_THROWS_WITH(Convolution<double>({6, 3, 0}, {}, "convolution"),
                    "nonlinear names convolution, which needs order: 1");
}

TEST_CASE("library_is_the_sum_of_its_functions_in_unscaled_variables") {
  Library<double> library({2, 2, 1}, {3, {2.0}}, "library");
  ParameterLayout layout;
  library.declare(layout);
  std::vector<double> theta(layout.size());
  library.initialise(0, theta);
  CHECK(library.function_names({"x", "y", "p"}) ==
        std::vector<std::string>{
            "1",     "x",   "y",        "p",        "x^2",      "x y",      "x p",      "y^2",     "y p",
            "p^2",   "x^3", "x^2 y",    "x^2 p",    "x y^2",    "x y p",    "x p^2",    "y^3",     "y^2 p",
            "y p^2", "p^3", "sin(2 x)", "cos(2 x)", "sin(2 y)", "cos(2 y)", "sin(2 p)", "cos(2 p)"});
  REQUIRE(library.functions() == 26);
  CHECK(Library<double>::function_count(3, {3, {2.0}}) == 26.0);
  std::vector<double> Xi(2 * 26, 0.0);
  Xi[0] = 0.5, Xi[12] = 2.0, Xi[23] = -3.0, Xi[26 + 17] = 1.5;
  library.set_coefficients(Xi, theta);
  CHECK(library.coefficients_of(theta) == Xi);
  library.set_scaling({{1.0, -2.0}, {2.0, 4.0}}, theta);
  library.set_argument_scaling({{0.5}, {3.0}}, theta);
  const double x = 1.0 + 2.0 * 0.3, y = -2.0 + 4.0 * 0.7, p = 0.5 + 3.0 * -0.4;
  std::vector<double> c(library.coefficient_count());
  library.assemble(theta, c);
  const Vector<double> values = to_device<double>(std::vector{0.3, 0.7, -0.4});
  const MatrixView<double> u(values.data(), 2, 1), q(values.data() + 2, 1, 1);
  Matrix<double> f("f", 2, 1), tape("tape", library.tape_rows(), 1);
  Scratch<double> scratch;
  library.apply(ExecSpace(), {to_device<double>(c), {u, q}, f, tape}, scratch);
  const auto found = on_host(f);
  CHECK(found(0, 0) == Approx((0.5 + 2.0 * x * x * p - 3.0 * std::cos(2.0 * y)) / 2.0).epsilon(1e-14));
  CHECK(found(1, 0) == Approx(1.5 * y * y * p / 4.0).epsilon(1e-14));
  CHECK_THROWS_WITH(
      Library<double>({100, 100, 0}, {4, {}}, "library"),
      "library.degree = 4 makes 4598126 functions of 100 variables; at most 10000 are possible");
}

TEST_CASE("coefficients_outside_the_support_of_a_library_have_no_gradient") {
  const Case<double> c{
      "library",
      [] {
        return std::make_unique<Library<double>>(TermShape{3, 2, 1}, LibraryOptions{2, {1.0}}, "library");
      },
      1};
  Setup s(c);
  s.apply(s.theta, s.x);
  Matrix<double> w = random_matrix(2, s.lanes, "w"), x_bar("x_bar", 4, s.lanes);
  Vector<double> c_bar("c_bar", s.map->coefficient_count());
  s.map->apply_vjp(s.space, {s.assemble(s.theta), s.point(s.x), s.tape, w, s.bar(x_bar), c_bar}, s.scratch);
  std::vector<double> theta_bar(s.theta.size(), 0.0);
  s.map->assemble_vjp(s.theta, to_host(c_bar), theta_bar);
  const std::size_t coefficients = s.layout.blocks()[1].offset;
  for (std::size_t i = 0; i < theta_bar.size(); ++i)
    CHECK((theta_bar[i] != 0.0) == (i < coefficients && i % 3 != 0));
}

TEST_CASE("frozen_linear_map_of_an_autoencoder_has_no_gradient") {
  const Case<double> c{"encoder", [] {
                         return std::make_unique<LinearPlusNetwork<double>>(
                             LinearPlusNetwork<double>::Shape{6, 4, "encoder"},
                             autoencoder_options(true, false, {5}));
                       }};
  Setup s(c);
  s.apply(s.theta, s.x);
  Matrix<double> w = random_matrix(4, s.lanes, "w"), x_bar("x_bar", 6, s.lanes);
  Vector<double> c_bar("c_bar", s.map->coefficient_count());
  s.map->apply_vjp(s.space, {s.assemble(s.theta), s.point(s.x), s.tape, w, s.bar(x_bar), c_bar}, s.scratch);
  std::vector<double> theta_bar(s.theta.size(), 0.0);
  s.map->assemble_vjp(s.theta, to_host(c_bar), theta_bar);
  double others = 0.0;
  for (std::size_t i = 0; i < theta_bar.size(); ++i) {
    if (i < 24)
      CHECK(theta_bar[i] == 0.0);
    else
      others += std::abs(theta_bar[i]);
  }
  CHECK(others > 0.0);
}

TEST_CASE("potential_has_a_symmetric_jacobian_in_unscaled_coordinates") {
  const Case<double> c{"potential", [] {
                         return std::make_unique<Potential<double>>(
                             TermShape{6, 3, 0}, PotentialOptions{5, Activation::tanh, 1.0, {4}},
                             "potential");
                       }};
  Setup s(c, 1);
  const Scaling scaling{std::vector<double>(6, 0.3), {2.0, 0.5, 3.0, 0.1, 7.0, 1.5}};
  s.map->set_scaling(scaling, s.theta);
  double J[3][3];  // of the unscaled force
  for (std::size_t j = 0; j < 3; ++j) {
    Matrix<double> unit("unit", 6, 1);
    Kokkos::deep_copy(lanes_of(rows_of(MatrixView<double>(unit), j, 1), 0, 1), 1.0);
    const auto column = on_host(s.tangent(s.theta, s.x, unit));
    for (std::size_t i = 0; i < 3; ++i) J[i][j] = column(i, 0) * scaling.scale[3 + i] / scaling.scale[j];
  }
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(J[i][j] == Approx(J[j][i]).epsilon(1e-12));
}

TEST_CASE("central_force_knows_the_unscaled_coordinates") {
  const Case<double> c{"central force", [] {
                         return std::make_unique<CentralForce<double>>(
                             TermShape{4, 2, 0}, CentralForceOptions{4}, "central_force");
                       }};
  Setup s(c, 7);
  const Scaling scaling{{0.3, -2.0, 0.1, 5.0}, {2.0, 0.5, 3.0, 0.1}};
  s.map->initialise(1, s.theta);
  s.map->set_scaling(scaling, s.theta);
  s.theta[3] = -1.0;  // of R^-3
  const auto u = on_host(s.x), force = on_host(s.apply(s.theta, s.x));
  for (std::size_t l = 0; l < s.lanes; ++l) {
    const double x = scaling.shift[0] + scaling.scale[0] * u(0, l),
                 y = scaling.shift[1] + scaling.scale[1] * u(1, l), R = std::hypot(x, y);
    CHECK(force(0, l) * scaling.scale[2] == Approx(-x / (R * R * R)).epsilon(1e-13));
    CHECK(force(1, l) * scaling.scale[3] == Approx(-y / (R * R * R)).epsilon(1e-13));
  }
}

TEST_CASE("network_with_a_bound_is_lipschitz_for_random_parameters") {
  for (const double L : {0.5, 3.0, 200.0})
    for (int trial = 0; trial < 20; ++trial) {
      const LipschitzOptions options = network_options(
          L, trial % 2 == 0, false, trial % 4 < 2 ? LipschitzDivisor::exact : LipschitzDivisor::smooth);
      const Case<double> c{
          "net",
          [&] { return std::make_unique<Network<double>>(4, 3, options, Network<double>::Role{"net"}); }};
      Setup s(c, 64);
      const auto noise = random_vector(s.theta.size(), "trial" + std::to_string(trial), 4.0);
      for (std::size_t i = 0; i < s.theta.size(); ++i) s.theta[i] += noise[i];
      const Matrix<double> second = random_matrix(4, 64, "x2" + std::to_string(trial), 0.3);
      const auto x1 = on_host(s.x), x2 = on_host(second), y1 = on_host(s.apply(s.theta, s.x)),
                 y2 = on_host(s.apply(s.theta, second));
      for (std::size_t l = 0; l < 64; ++l) {
        double dx = 0.0, dy = 0.0;
        for (std::size_t i = 0; i < 4; ++i) dx += std::pow(x1(i, l) - x2(i, l), 2);
        for (std::size_t i = 0; i < 3; ++i) dy += std::pow(y1(i, l) - y2(i, l), 2);
        REQUIRE(std::sqrt(dy) <= L * std::sqrt(dx) * (1 + 1e-12));
      }
    }
}

namespace {

// max(1, sqrt(||W||_1 ||W||_inf)) from the definition, and s from what a layer makes of W.
double exact_divisor(const LipschitzLayer& layer, std::span<const double> W) {
  double one = 0.0, infinity = 0.0;
  for (std::size_t j = 0; j < layer.inputs; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < layer.outputs; ++i) sum += std::abs(W[i * layer.inputs + j]);
    one = std::max(one, sum);
  }
  for (std::size_t i = 0; i < layer.outputs; ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < layer.inputs; ++j) sum += std::abs(W[i * layer.inputs + j]);
    infinity = std::max(infinity, sum);
  }
  return std::max(1.0, std::sqrt(one * infinity));
}
double divisor_of(const LipschitzLayer& layer, std::span<const double> W) {
  std::vector<double> B(W.size());
  layer.assemble(W, B);
  return layer.bound * W[0] / B[0];
}

}  // namespace

TEST_CASE("smooth_divisor_is_at_least_the_exact_one_and_at_most_half_as_large_again") {
  for (const double scale : {1e-3, 0.1, 1.0, 30.0, 1e8})
    for (const auto& [outputs, inputs] : {std::pair(1, 1), std::pair(20, 3), std::pair(7, 60)}) {
      LipschitzLayer layer{std::size_t(outputs), std::size_t(inputs), 2.0, LipschitzDivisor::smooth};
      const auto W = random_vector(layer.outputs * layer.inputs, "W", scale / std::sqrt(double(inputs)));
      const double exact = exact_divisor(layer, W), smooth = divisor_of(layer, W);
      CAPTURE(scale, outputs, inputs);
      CHECK(smooth >= exact * (1 - 1e-14));
      CHECK(smooth < 1.5 * exact);
    }
}

TEST_CASE("smooth_divisor_has_no_kink_where_two_rows_and_columns_are_largest") {
  // The second difference along a line through the kink of the exact divisor: of order e there, e^2 without.
  const auto order = [](LipschitzDivisor divisor) {
    const LipschitzLayer layer{2, 2, 1.0, divisor};
    const auto second_difference = [&](double e) {
      const auto at = [&](double t) { return divisor_of(layer, std::vector{3.0 + t, t, -t, 3.0 - t}); };
      return std::abs(at(e) - 2 * at(0.0) + at(-e));
    };
    return std::log2(second_difference(2e-4) / second_difference(1e-4));
  };
  CHECK(order(LipschitzDivisor::smooth) > 1.9);
  CHECK(order(LipschitzDivisor::exact) < 1.1);
}

TEST_CASE("hurwitz_adjoint_is_the_transpose_of_its_tangent_and_matches_differences") {
  DenseHurwitz linear(5, {0.3, 0.1, 10.0, 0.5, true});
  ParameterLayout layout;
  linear.declare(layout);
  std::vector<double> theta(layout.size());
  linear.initialise(1, theta);
  const auto theta_dot = random_vector(theta.size(), "theta_dot"), A_bar = random_vector(25, "A_bar");
  std::vector<double> A_dot(25), theta_bar(theta.size(), 0.0);
  linear.assemble_jvp(theta, theta_dot, A_dot);
  linear.assemble_vjp(theta, A_bar, theta_bar);
  CHECK(relative(dot(A_dot, A_bar), dot(theta_bar, theta_dot)) < 1e-13);
  const auto at = [&](double e) {
    auto moved = theta;
    for (std::size_t i = 0; i < theta.size(); ++i) moved[i] += e * theta_dot[i];
    std::vector<double> A(25);
    linear.assemble(moved, A);
    return dot(A, A_bar);
  };
  CHECK(relative(dot(A_dot, A_bar), (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-8);
}

TEST_CASE("hurwitz_operator_starts_with_the_wanted_decay_rates") {
  DenseHurwitz linear(4, {0.25, 1e-3, 1e3, 0.0, true});
  ParameterLayout layout;
  linear.declare(layout);
  std::vector<double> theta(layout.size()), A(16);
  linear.initialise(1, theta);
  linear.assemble(theta, A);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j)
      CHECK(A[4 * i + j] == Approx(i == j ? 0.25 - 1e-3 * std::pow(100.0, double(i)) : 0.0).margin(1e-12));
}
