// The derivatives of every component agree with each other and with differences.
#include "component_setup.hpp"

#include "catch.hpp"
#include "core/components/autoencoder.hpp"
#include "core/components/bilinear.hpp"
#include "core/components/central_force.hpp"
#include "core/components/convolution.hpp"
#include "core/components/fast_terms.hpp"
#include "core/components/field_library.hpp"
#include "core/components/forcing.hpp"
#include "core/components/library.hpp"
#include "core/components/lipschitz.hpp"
#include "core/components/motion.hpp"
#include "core/components/network.hpp"
#include "core/components/potential.hpp"
#include "core/linear/fast/fast_operator.hpp"

#include <cmath>
#include <functional>
#include <memory>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

template <class Real>
std::vector<Case<Real>> lane_maps() {
  using Role = typename Network<Real>::Role;
  const auto plain = [](bool last, bool scale) {
    return [=] {
      const NetworkOptions options = network_options(1.0, last, scale);
      return std::make_unique<Network<Real>>(4, 3, options, Role{"net"});
    };
  };
  const auto potential = [](TermShape shape, const PotentialOptions& options) {
    return [=] { return std::make_unique<Potential<Real>>(shape, options, "potential"); };
  };
  const auto bounded = [](bool last, bool scale, LipschitzDivisor divisor = LipschitzDivisor::exact) {
    return [=] {
      return std::make_unique<Network<Real>>(4, 3, network_options(2.0, last, scale, divisor), Role{"net"});
    };
  };
  const auto bilipschitz = [](std::vector<std::size_t> hidden) {
    return [=] {
      NetworkOptions options;
      options.hidden = hidden;
      options.initial_scale = 1.5;
      return std::make_unique<Network<Real>>(4, 3, options,
                                             Role{"net", ParameterGroup::dynamics, false, 1.0, 2.0});
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
  const auto fields = [](TermShape shape, const LibraryOptions& form) {
    return [=] { return std::make_unique<FieldLibrary<Real>>(shape, form, "library"); };
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
        std::make_unique<Bilinear<Real>>(TermShape{5, 2, 2, 3}, BilinearOptions{3, 1.0}, "slow"));
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
      {"gradient flow", potential({3, 3, 2}, {5}), 2},
      {"conservative force", potential({6, 3, 0}, {5, Activation::softplus, 2.0})},
      {"gradient flow of hidden layers", potential({3, 3, 2}, {5, Activation::tanh, 1.0, {4, 6}}), 2},
      {"conservative force of a hidden layer of silu", potential({4, 2, 0}, {5, Activation::silu, 1.0, {4}})},
      {"force of a hidden layer of squareplus", potential({4, 2, 0}, {5, Activation::squareplus, 1.0, {4}})},
      {"force of a hidden layer of softplus", potential({4, 2, 0}, {5, Activation::softplus, 1.0, {4}})},
      {"force of a hidden layer of waves", potential({4, 2, 0}, {5, Activation::sin, 1.0, {4}})},
      {"force of a hidden layer of squares", potential({4, 2, 0}, {5, Activation::square, 1.0, {4}})},
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
      {"library of two fields on a ring", fields({8, 8, 1}, {2, {0.7}, 2, FieldAxis::last}), 1},
      {"library of fields of second order", fields({12, 6, 1}, {2, {0.7}, 4, FieldAxis::first}), 1},
      {"library of a field on a grid of two dimensions",
       fields({12, 12, 0}, {3, {}, 1, FieldAxis::first, {3, 4}, 1, 2})},
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
      {"network of bi-Lipschitz layers, rectangular", bilipschitz({7, 5}), 1},
      {"network of bi-Lipschitz layers, square and of rank one", bilipschitz({4, 1}), 1},
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
