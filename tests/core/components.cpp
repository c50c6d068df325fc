#include "catch.hpp"
#include "core/components/autoencoder.hpp"
#include "core/components/bilinear.hpp"
#include "core/components/central_force.hpp"
#include "core/components/convolution.hpp"
#include "core/components/fast_terms.hpp"
#include "core/components/forcing.hpp"
#include "core/components/fourier_modes.hpp"
#include "core/components/library.hpp"
#include "core/components/lipschitz.hpp"
#include "core/components/motion.hpp"
#include "core/components/network.hpp"
#include "core/components/potential.hpp"
#include "core/linear/dense/dense_hurwitz.hpp"
#include "core/linear/fast/fast_operator.hpp"
#include "helpers.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <numbers>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

template <class Real>
struct Case {
  std::string name;
  std::function<std::unique_ptr<LaneMap<Real>>()> make;
  std::size_t arguments = 0;  // rows of q among the inputs
  bool has_kinks = false;     // second derivatives are zero almost everywhere
};

LipschitzOptions network_options(double bound, bool last, bool scale,
                                 LipschitzDivisor divisor = LipschitzDivisor::exact) {
  LipschitzOptions options;
  options.divisor = divisor;
  options.hidden = {7, 5};
  options.bound = bound;
  options.last_activation = last;
  options.output_scale = scale;
  options.initial_scale = 1.5;  // large enough that the Lipschitz normalisation is active
  return options;
}

AutoencoderOptions autoencoder_options(bool pod, bool trainable, std::vector<std::size_t> hidden) {
  AutoencoderOptions options;
  options.pod = pod;
  options.pod_trainable = trainable;
  options.hidden = std::move(hidden);
  return options;
}

template <class Real>
std::vector<Case<Real>> lane_maps() {
  using Role = typename Network<Real>::Role;
  const auto plain = [](bool last, bool scale) {
    return [=] {
      const NetworkOptions options = network_options(1.0, last, scale);
      return std::make_unique<Network<Real>>(4, 3, options, Role{"net"});
    };
  };
  const auto bounded = [](bool last, bool scale, LipschitzDivisor divisor = LipschitzDivisor::exact) {
    return [=] {
      return std::make_unique<Network<Real>>(4, 3, network_options(2.0, last, scale, divisor), Role{"net"});
    };
  };
  const auto activated = [](Activation sigma) {
    return [=] {
      NetworkOptions options = network_options(0.0, true, true);
      options.activation = sigma;
      return std::make_unique<Network<Real>>(4, 3, options, typename Network<Real>::Role{"net"});
    };
  };
  const auto coder = [](bool pod, std::vector<std::size_t> hidden) {
    return [=] {
      return std::make_unique<LinearPlusNetwork<Real>>(
          typename LinearPlusNetwork<Real>::Shape{6, 4, "encoder"}, autoencoder_options(pod, true, hidden));
    };
  };
  const auto library = [](std::size_t degree, std::vector<double> frequencies) {
    return [=] {
      return std::make_unique<Library<Real>>(TermShape{3, 2, 1}, LibraryOptions{degree, frequencies},
                                             "library");
    };
  };
  // Two slow variables, three fast ones, two arguments of which the second is epsilon.
  const FastSlowShape parts{2, 3, 2, 1};
  const auto entries = [=](FastCoefficients coefficients, std::size_t count) {
    return make_entries<Real>(parts, count, {coefficients, {4}, Activation::tanh, 0.5}, "entries");
  };
  const auto fast_linear = [=](FastCoefficients coefficients) {
    return [=] { return std::make_unique<FastLinear<Real>>(parts, entries(coefficients, 9)); };
  };
  const auto fast_bilinear = [=](FastCoefficients coefficients) {
    return [=] { return std::make_unique<FastBilinear<Real>>(parts, 2, entries(coefficients, 36)); };
  };
  const auto epsilon_linear = [=] {
    return std::make_unique<EpsilonTerm<Real>>(
        parts, "epsilon", std::make_unique<FastLinear<Real>>(parts, entries(FastCoefficients::network, 9)));
  };
  const auto epsilon_bilinear = [=] {
    return std::make_unique<EpsilonTerm<Real>>(
        parts, "epsilon",
        std::make_unique<Bilinear<Real>>(TermShape{5, 2, 2, true}, BilinearOptions{3, 1.0}, "slow"));
  };
  const auto fast_operator = [](HurwitzKind structure, Dependence dependence, std::size_t fast) {
    return [=] {
      HurwitzOptions options;
      options.structure = structure;
      options.noise = 0.5;
      options.rank = 2;
      options.slow_dimension = 2;
      options.fast.dependence = dependence;
      options.fast.hidden = {4};
      options.fast.low = {-0.5};
      options.fast.high = {0.5};
      return make_fast_operator<Real>(2 + fast, options);
    };
  };
  const HurwitzKind schur = HurwitzKind::fast_schur, dissipative = HurwitzKind::fast_dissipative;
  return {
      {"M y, constant", fast_linear(FastCoefficients::constant), 2},
      {"M y, network", fast_linear(FastCoefficients::network), 2},
      {"B(y, y), constant", fast_bilinear(FastCoefficients::constant), 2},
      {"B(y, y), network", fast_bilinear(FastCoefficients::network), 2},
      {"epsilon C y", epsilon_linear, 2},
      {"epsilon g", epsilon_bilinear, 2},
      {"T(x), Schur form", fast_operator(schur, Dependence::network, 4)},
      {"T(x), Schur form of odd dimension", fast_operator(schur, Dependence::network, 3)},
      {"T, constant Schur form", fast_operator(schur, Dependence::constant, 5)},
      {"T(x), dissipative form", fast_operator(dissipative, Dependence::network, 3)},
      {"T(x), box form", fast_operator(dissipative, Dependence::hats, 3), 0, true},
      {"T, constant dissipative form", fast_operator(dissipative, Dependence::constant, 3)},
      {"bilinear",
       [] {
         return std::make_unique<Bilinear<Real>>(TermShape{4, 4, 0}, BilinearOptions{3, 1.0}, "bilinear");
       }},
      {"factored bilinear form",
       [] {
         return std::make_unique<Bilinear<Real>>(TermShape{7, 7, 0}, BilinearOptions{1, 1.0}, "bilinear");
       }},
      {"bilinear form of states and arguments",
       [] {
         return std::make_unique<Bilinear<Real>>(TermShape{4, 4, 2}, BilinearOptions{3, 1.0}, "bilinear");
       },
       2},
      {"factored bilinear form of states and arguments",
       [] {
         return std::make_unique<Bilinear<Real>>(TermShape{4, 4, 3}, BilinearOptions{1, 1.0}, "bilinear");
       },
       3},
      {"forcing",
       [] {
         return std::make_unique<Forcing<Real>>(TermShape{4, 4, 3}, "forcing");
       },
       3},
      {"bilinear form of an equation of second order",
       [] {
         return std::make_unique<Bilinear<Real>>(TermShape{4, 2, 1}, BilinearOptions{3, 1.0}, "bilinear");
       },
       1},
      {"dx/dt = v", [] { return std::make_unique<Motion<Real>>(6); }},
      {"gradient flow",
       [] {
         return std::make_unique<Potential<Real>>(TermShape{3, 3, 2}, PotentialOptions{5}, "potential");
       },
       2},
      {"conservative force",
       [] {
         return std::make_unique<Potential<Real>>(
             TermShape{6, 3, 0}, PotentialOptions{5, Activation::softplus, 2.0}, "potential");
       }},
      {"central force",
       [] {
         return std::make_unique<CentralForce<Real>>(TermShape{4, 2, 1}, CentralForceOptions{3},
                                                     "central_force");
       },
       1},
      {"convolution",
       [] {
         return std::make_unique<Convolution<Real>>(
             TermShape{7, 7, 0}, ConvolutionOptions{2, Activation::tanh, 1.0}, "convolution");
       }},
      {"convolution of squares and arguments",
       [] {
         return std::make_unique<Convolution<Real>>(TermShape{5, 5, 2}, ConvolutionOptions{}, "convolution");
       },
       2},
      {"library of products and waves", library(2, {0.7, 2.0}), 1},
      {"library of degree 3", library(3, {}), 1},
      {"library of degree 1", library(1, {}), 1},
      {"network of states and arguments", plain(true, true), 1},
      {"network of relu", activated(Activation::relu), 0, true},
      {"network of softplus", activated(Activation::softplus)},
      {"network of silu", activated(Activation::silu), 1},
      {"network of sin", activated(Activation::sin)},
      {"network of square",
       [] {
         NetworkOptions options;
         options.hidden = {6};
         options.activation = Activation::square;
         return std::make_unique<Network<Real>>(4, 3, options, Role{"net"});
       }},
      {"plain network", plain(false, false)},
      {"plain network, last activation, output scale", plain(true, true)},
      {"Lipschitz network", bounded(false, false)},
      {"Lipschitz network, last activation, output scale", bounded(true, true)},
      {"smooth Lipschitz network", bounded(false, true, LipschitzDivisor::smooth)},
      {"network of smooth rectifiers",
       [] {
         LipschitzOptions options = network_options(2.0, true, true);
         options.activation = Activation::squareplus;
         return std::make_unique<Network<Real>>(4, 3, options, Role{"net"});
       }},
      {"encoder: linear and network", coder(true, {5})},
      {"encoder: linear alone", coder(true, {})},
      {"encoder: network alone", coder(false, {5})}};
}

// A component at a random point, and everything that its maps need.
template <class Real>
struct Setup {
  explicit Setup(const Case<Real>& c, std::size_t lanes_ = 11)
      : map(c.make()), arguments(c.arguments), lanes(lanes_) {
    map->declare(layout);
    theta.resize(layout.size());
    map->initialise(3, theta);
    const auto noise = random_vector(theta.size(), "noise", 0.3);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
    if (const auto* const library = dynamic_cast<const Library<Real>*>(map.get())) set_frozen(*library);
    tape = Matrix<Real>("tape", map->tape_rows(), lanes);
    x = random_matrix<Real>(map->inputs(), lanes, "x");
  }

  // A third of the coefficients outside the support; variables with a shift and a scale.
  void set_frozen(const Library<Real>& library) {
    auto Xi = library.coefficients_of(theta);
    for (std::size_t i = 0; i < Xi.size(); i += 3) Xi[i] = 0.0;
    library.set_coefficients(Xi, theta);
    library.set_scaling({{0.3, -0.4, 0.2}, {0.5, 2.0, 1.0}}, theta);
    library.set_argument_scaling({{0.1}, {0.25}}, theta);
  }

  Vector<Real> assemble(const std::vector<double>& at) const {
    std::vector<double> c(map->coefficient_count());
    map->assemble(at, c);
    return to_device<Real>(c);
  }
  Matrix<Real> apply(const std::vector<double>& at, const Matrix<Real>& input) {
    Matrix<Real> y("y", map->outputs(), lanes);
    map->apply(space, {assemble(at), point(input), y, tape}, scratch);
    return y;
  }

  // Of theta, zero in frozen blocks.
  std::vector<double> direction(const std::string& name) const {
    auto v = random_vector(theta.size(), name);
    for (const ParameterBlock& block : layout.blocks())
      if (block.frozen) std::ranges::fill(block_of(std::span(v), block), 0.0);
    return v;
  }

  // [u; q] as a point, and as an adjoint.
  Point<Real> point(const Matrix<Real>& X) const {
    const ConstMatrixView<Real> rows = X;
    return {rows_of(rows, 0, map->inputs() - arguments), rows_of(rows, map->inputs() - arguments, arguments)};
  }
  PointBar<Real> bar(const Matrix<Real>& X) const {
    const MatrixView<Real> rows = X;
    return {rows_of(rows, 0, map->inputs() - arguments), rows_of(rows, map->inputs() - arguments, arguments)};
  }

  // y_dot for fixed coefficients.
  Matrix<Real> tangent(const std::vector<double>& at, const Matrix<Real>& input, const Matrix<Real>& x_dot) {
    apply(at, input);
    Matrix<Real> y_dot("y_dot", map->outputs(), lanes);
    map->apply_jvp(space, {assemble(at), {}, point(input), point(x_dot), tape, y_dot}, scratch);
    return y_dot;
  }

  ExecSpace space;
  Scratch<Real> scratch;
  ParameterLayout layout;
  std::unique_ptr<LaneMap<Real>> map;
  std::size_t arguments, lanes;
  std::vector<double> theta;
  Matrix<Real> tape, x;
};

}  // namespace

TEST_CASE("component_tangent_matches_central_differences") {
  for (const auto& c : lane_maps<double>()) {
    Setup s(c);
    const auto theta_dot = s.direction("theta_dot");
    const Matrix<double> x_dot = random_matrix(s.map->inputs(), s.lanes, "x_dot"),
                         w = random_matrix(s.map->outputs(), s.lanes, "w");
    s.apply(s.theta, s.x);
    std::vector<double> c_dot(s.map->coefficient_count());
    s.map->assemble_jvp(s.theta, theta_dot, c_dot);
    Matrix<double> y_dot("y_dot", s.map->outputs(), s.lanes);
    s.map->apply_jvp(s.space,
                     {s.assemble(s.theta), to_device(c_dot), s.point(s.x), s.point(x_dot), s.tape, y_dot},
                     s.scratch);

    const auto shifted = [&](double e) {
      auto theta = s.theta;
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * theta_dot[i];
      return dot(s.apply(theta, moved(s.x, e, x_dot)), w);
    };
    const double e = 1e-5, difference = (shifted(e) - shifted(-e)) / (2 * e);
    CAPTURE(c.name);
    CHECK(relative(dot(y_dot, w), difference) < 1e-7);
  }
}

TEMPLATE_TEST_CASE("component_adjoint_is_the_transpose_of_its_tangent", "", double, float) {
  using Real = TestType;
  for (const auto& map : lane_maps<Real>()) {
    Setup s(map);
    const auto theta_dot = s.direction("theta_dot");
    const Matrix<Real> x_dot = random_matrix<Real>(s.map->inputs(), s.lanes, "x_dot"),
                       w = random_matrix<Real>(s.map->outputs(), s.lanes, "w");
    s.apply(s.theta, s.x);
    const Vector<Real> c = s.assemble(s.theta);
    std::vector<double> c_dot(s.map->coefficient_count());
    s.map->assemble_jvp(s.theta, theta_dot, c_dot);
    Matrix<Real> y_dot("y_dot", s.map->outputs(), s.lanes), x_bar("x_bar", s.map->inputs(), s.lanes);
    s.map->apply_jvp(s.space, {c, to_device<Real>(c_dot), s.point(s.x), s.point(x_dot), s.tape, y_dot},
                     s.scratch);

    Vector<Real> c_bar("c_bar", c.extent(0));
    s.map->apply_vjp(s.space, {c, s.point(s.x), s.tape, w, s.bar(x_bar), c_bar}, s.scratch);
    std::vector<double> theta_bar(s.theta.size(), 0.0);
    s.map->assemble_vjp(s.theta, to_host(c_bar), theta_bar);
    CAPTURE(map.name);
    CHECK(relative(dot(y_dot, w), dot(x_bar, x_dot) + dot(theta_bar, theta_dot)) < 4500 * roundoff<Real>);
  }
}

TEST_CASE("adjoint_of_a_tangent_matches_its_differences_and_converges_as_a_taylor_series") {
  for (const auto& c : lane_maps<double>()) {
    Setup s(c);
    const std::size_t inputs = s.map->inputs();
    const Matrix<double> x_dot = random_matrix(inputs, s.lanes, "x_dot"),
                         w = random_matrix(s.map->outputs(), s.lanes, "w"),
                         x_move = random_matrix(inputs, s.lanes, "x_move"),
                         dot_move = random_matrix(inputs, s.lanes, "dot_move");
    const auto theta_move = s.direction("theta_move");
    s.apply(s.theta, s.x);
    Matrix<double> x_bar("x_bar", inputs, s.lanes), dot_bar("dot_bar", inputs, s.lanes);
    Vector<double> c_bar("c_bar", s.map->coefficient_count());
    s.map->apply_jvp_vjp(
        s.space,
        {s.assemble(s.theta), s.point(s.x), s.point(x_dot), s.tape, w, s.bar(x_bar), s.bar(dot_bar), c_bar},
        s.scratch);
    std::vector<double> theta_bar(s.theta.size(), 0.0);
    s.map->assemble_vjp(s.theta, to_host(c_bar), theta_bar);
    const double slope = dot(x_bar, x_move) + dot(dot_bar, dot_move) + dot(theta_bar, theta_move);
    const auto shifted = [&](double e) {
      auto theta = s.theta;
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * theta_move[i];
      return dot(s.tangent(theta, moved(s.x, e, x_move), moved(x_dot, e, dot_move)), w);
    };
    const double e = 1e-5, difference = (shifted(e) - shifted(-e)) / (2 * e);
    CAPTURE(c.name);
    CHECK(relative(slope, difference) < (c.has_kinks ? 1e-5 : 2e-7));
    if (c.has_kinks) continue;
    // |f(e) - f(0) - e slope| falls as e^2.
    const double base = shifted(0.0);
    const auto remainder = [&](double step) { return std::abs(shifted(step) - base - step * slope); };
    if (remainder(1e-3) > 1e-9 * std::abs(base))
      CHECK(std::log2(remainder(2e-3) / remainder(1e-3)) == Approx(2.0).margin(0.1));
  }
}

TEMPLATE_TEST_CASE("adjoint_of_a_tangent_is_that_of_the_value_in_the_direction", "", double, float) {
  using Real = TestType;
  for (const auto& map : lane_maps<Real>()) {
    Setup s(map);
    const std::size_t inputs = s.map->inputs();
    const Matrix<Real> x_dot = random_matrix<Real>(inputs, s.lanes, "x_dot"),
                       w = random_matrix<Real>(s.map->outputs(), s.lanes, "w");
    const Vector<Real> c = s.assemble(s.theta);
    s.apply(s.theta, s.x);
    Matrix<Real> unused("unused", inputs, s.lanes), dot_bar("dot_bar", inputs, s.lanes),
        x_bar("x_bar", inputs, s.lanes);
    s.map->apply_jvp_vjp(
        s.space, {c, s.point(s.x), s.point(x_dot), s.tape, w, s.bar(unused), s.bar(dot_bar), {}}, s.scratch);
    s.map->apply_vjp(s.space, {c, s.point(s.x), s.tape, w, s.bar(x_bar), {}}, s.scratch);
    const Matrix<Real> direction = random_matrix<Real>(inputs, s.lanes, "direction");
    CAPTURE(map.name);
    CHECK(relative(dot(dot_bar, direction), dot(x_bar, direction)) < 4500 * roundoff<Real>);
  }
}

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

TEST_CASE("tangent_of_a_tangent_along_the_coefficients_matches_its_differences") {
  for (const auto& c : lane_maps<double>()) {
    Setup s(c);
    const Matrix<double> x_dot = random_matrix(s.map->inputs(), s.lanes, "x_dot"),
                         w = random_matrix(s.map->outputs(), s.lanes, "w");
    const auto theta_move = s.direction("theta_move");
    std::vector<double> c_dot(s.map->coefficient_count());
    s.map->assemble_jvp(s.theta, theta_move, c_dot);
    s.apply(s.theta, s.x);
    Matrix<double> y_dot_dot("y_dot_dot", s.map->outputs(), s.lanes);
    s.map->apply_jvp_jvp(
        s.space, {s.assemble(s.theta), to_device(c_dot), s.point(s.x), s.point(x_dot), s.tape, y_dot_dot},
        s.scratch);
    const auto shifted = [&](double e) {
      auto theta = s.theta;
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * theta_move[i];
      return dot(s.tangent(theta, s.x, x_dot), w);
    };
    const double e = 1e-5;
    CAPTURE(c.name);
    CHECK(relative(dot(y_dot_dot, w), (shifted(e) - shifted(-e)) / (2 * e)) < (c.has_kinks ? 1e-5 : 5e-7));
  }
}

TEMPLATE_TEST_CASE("tangent_of_a_tangent_is_the_transpose_of_its_adjoint", "", double, float) {
  using Real = TestType;
  for (const auto& map : lane_maps<Real>()) {
    Setup s(map);
    const std::size_t inputs = s.map->inputs();
    const Matrix<Real> x_dot = random_matrix<Real>(inputs, s.lanes, "x_dot"),
                       w = random_matrix<Real>(s.map->outputs(), s.lanes, "w");
    const std::vector<double> c_move = random_vector(s.map->coefficient_count(), "c_move");
    const Vector<Real> c = s.assemble(s.theta), c_dot = to_device<Real>(c_move);
    s.apply(s.theta, s.x);
    Matrix<Real> y_dot_dot("y_dot_dot", s.map->outputs(), s.lanes);
    s.map->apply_jvp_jvp(s.space, {c, c_dot, s.point(s.x), s.point(x_dot), s.tape, y_dot_dot}, s.scratch);
    Matrix<Real> unused("unused", inputs, s.lanes), also_unused("unused", inputs, s.lanes);
    Vector<Real> c_bar("c_bar", c.extent(0));
    s.map->apply_jvp_vjp(
        s.space, {c, s.point(s.x), s.point(x_dot), s.tape, w, s.bar(unused), s.bar(also_unused), c_bar},
        s.scratch);
    CAPTURE(map.name);
    CHECK(relative(dot(y_dot_dot, w), dot(to_host(c_bar), c_move)) < 4500 * roundoff<Real>);
  }
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
  const Case<double> c{
      "potential", [] {
        return std::make_unique<Potential<double>>(TermShape{6, 3, 0}, PotentialOptions{5}, "potential");
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
