#include "catch.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/integrators/rollout.hpp"
#include "helpers.hpp"

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

const Scheme all_schemes[] = {Scheme::etd1,      Scheme::etdrk2,    Scheme::etdrk4,    Scheme::imex_euler,
                              Scheme::imex_ssp2, Scheme::imex_ars2, Scheme::imex_ark3, Scheme::imex_ark4,
                              Scheme::euler,     Scheme::rk4,       Scheme::dopri5,    Scheme::rodas3,
                              Scheme::rodas4p};

enum class Terms { none, plain, relaxed, both };

ModelOptions model_options(Terms terms) {
  ModelOptions options;
  options.linear = {0.1, 0.5, 2.0, 0.3, true};
  options.bilinear = {2, 0.3};
  options.network.hidden = {6};
  options.network.relaxation = true;
  options.nonlinear.clear();
  if (terms == Terms::plain || terms == Terms::both) options.nonlinear.push_back(NonlinearKind::bilinear);
  if (terms == Terms::relaxed || terms == Terms::both) options.nonlinear.push_back(NonlinearKind::network);
  return options;
}

// A small model, its parameters, and its rollout over two intervals of unequal length.
template <class Real = double>
struct Setup {
  explicit Setup(Terms terms) : model(model_options(terms), 3), theta(model.initialise(2, nullptr)) {}

  Dynamics<Real> dynamics(Scheme scheme, std::size_t substeps, MatrixFunctionMethod method) const {
    std::vector<double> h;
    for (const double length : intervals) h.push_back(length / double(substeps));
    if (per_lane) h.push_back(0.5 * intervals[1] / double(substeps));
    return Dynamics<Real>(model, {scheme, substeps, method, 0}, StepTable(h), method);
  }

  RolloutSteps<Real> steps(const Dynamics<Real>& dynamics, std::size_t substeps, std::size_t lanes) const {
    std::vector<double> h;
    for (std::size_t i = 0; i < intervals.size(); ++i)
      for (std::size_t l = 0; l < lanes; ++l)
        h.push_back(intervals[i] / double(substeps) * (per_lane && i == 1 && l % 2 == 1 ? 0.5 : 1.0));
    RolloutSteps<Real> result;
    result.assign(dynamics.table(), h, intervals.size(), lanes);
    return result;
  }

  // The states at all data times, blocks of lanes.
  Matrix<Real> run(Scheme scheme, std::size_t substeps, std::span<const double> at,
                   MatrixFunctionMethod method = MatrixFunctionMethod::dense) {
    Dynamics<Real> d = dynamics(scheme, substeps, method);
    d.set_parameters(at);
    const std::size_t lanes = u0.extent(1);
    Matrix<Real> states("states", 3, lanes * (intervals.size() + 1));
    Kokkos::deep_copy(lanes_of(MatrixView<Real>(states), 0, lanes), u0);
    const ScratchFrame frame(scratch);
    Rollout<Real>(d, {substeps, 0})
        .forward(space, steps(d, substeps, lanes), states, Rollout<Real>::Record::no, scratch);
    return states;
  }

  ExecSpace space;
  Scratch<Real> scratch;
  BasicModel<Real> model;
  std::vector<double> theta;
  std::vector<double> intervals = {0.4, 0.6};
  bool per_lane = false;
  Matrix<Real> u0 = random_matrix<Real>(3, 8, "u0", 0.7);
};

double distance(const Matrix<double>& X_, const Matrix<double>& Y_) {
  const auto X = on_host(X_), Y = on_host(Y_);
  double largest = 0.0;
  for (std::size_t i = 0; i < X.extent(0); ++i)
    for (std::size_t l = 0; l < X.extent(1); ++l) largest = std::max(largest, std::abs(X(i, l) - Y(i, l)));
  return largest;
}

// Adjoints, for random adjoints w of all states, of the parameters and of the initial states.
template <class Real>
struct Bars {
  std::vector<double> theta;
  Matrix<Real> u;
};

struct Case {
  Terms terms;
  Scheme scheme;
  MatrixFunctionMethod method;
  bool per_lane;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Terms terms : {Terms::none, Terms::plain, Terms::relaxed, Terms::both})
    for (const Scheme scheme : all_schemes)
      for (const MatrixFunctionMethod method : {MatrixFunctionMethod::dense, MatrixFunctionMethod::taylor})
        for (const bool per_lane : {false, true}) {
          const bool exponential =
              scheme == Scheme::etd1 || scheme == Scheme::etdrk2 || scheme == Scheme::etdrk4;
          if (method == MatrixFunctionMethod::dense || exponential)
            cases.push_back({terms, scheme, method, per_lane});
        }
  return cases;
}

template <class Real>
Bars<Real> adjoint_of(Setup<Real>& s, const Case& c, const Matrix<Real>& w) {
  const std::size_t lanes = s.u0.extent(1), substeps = 2;
  Dynamics<Real> d = s.dynamics(c.scheme, substeps, c.method);
  d.set_parameters(s.theta);
  const RolloutSteps<Real> steps = s.steps(d, substeps, lanes);
  const ScratchFrame frame(s.scratch);
  Matrix<Real> states("states", 3, 3 * lanes), bars("bars", 3, 3 * lanes);
  Kokkos::deep_copy(lanes_of(MatrixView<Real>(states), 0, lanes), s.u0);
  Kokkos::deep_copy(bars, w);
  Rollout<Real> rollout(d, {substeps, 0});
  rollout.forward(s.space, steps, states, Rollout<Real>::Record::yes, s.scratch);
  Vector<Real> bar("bar", d.coefficient_count());
  rollout.reverse(s.space, steps, bars, bar, s.scratch);
  Bars<Real> adjoint{std::vector<double>(s.theta.size(), 0.0), Matrix<Real>("u_bar", 3, lanes)};
  d.assemble_vjp(s.theta, to_host(bar), adjoint.theta);
  Kokkos::deep_copy(adjoint.u, lanes_of(MatrixView<Real>(bars), 0, lanes));
  return adjoint;
}

}  // namespace

TEST_CASE("every_scheme_has_its_declared_order") {
  for (const Terms terms : {Terms::plain, Terms::relaxed, Terms::both}) {
    Setup s(terms);
    const Matrix<double> reference = s.run(Scheme::dopri5, 256, s.theta);
    for (const Scheme scheme : all_schemes) {
      const int order = program_of(scheme, s.model.split_shape()).order;
      const std::size_t coarse = order == 5 ? 16 : order == 4 ? 8 : 32;
      const double slope = std::log2(distance(s.run(scheme, coarse, s.theta), reference) /
                                     distance(s.run(scheme, 2 * coarse, s.theta), reference));
      CAPTURE(int(scheme), int(terms));
      CHECK(slope == Approx(order).margin(0.25));
    }
  }
}

TEST_CASE("etd_is_exact_for_zero_nonlinear_part") {
  Setup s(Terms::none);
  const Matrix<double> fine = s.run(Scheme::rk4, 2048, s.theta);
  for (const Scheme scheme : {Scheme::etd1, Scheme::etdrk2, Scheme::etdrk4})
    for (const MatrixFunctionMethod method : {MatrixFunctionMethod::dense, MatrixFunctionMethod::taylor}) {
      CHECK(distance(s.run(scheme, 1, s.theta, method), fine) < 1e-12);
      CHECK(distance(s.run(scheme, 1, s.theta, method), s.run(scheme, 7, s.theta, method)) < 1e-14);
    }
}

TEST_CASE("dense_and_taylor_rollouts_agree_to_rounding") {
  for (const Terms terms : {Terms::none, Terms::plain, Terms::relaxed, Terms::both})
    for (const bool per_lane : {false, true}) {
      Setup s(terms);
      s.per_lane = per_lane;
      for (const Scheme scheme : {Scheme::etd1, Scheme::etdrk2, Scheme::etdrk4})
        CHECK(distance(s.run(scheme, 3, s.theta, MatrixFunctionMethod::dense),
                       s.run(scheme, 3, s.theta, MatrixFunctionMethod::taylor)) < 1e-13);
    }
}

TEST_CASE("imex_ssp2_biases_the_spectrum_by_its_stability_function") {
  // One step on u' = lambda u multiplies by R(z) = (1 + (1 - 2 gamma) z) / (1 - gamma z)^2: data of an exact
  // -1 sampled at 0.25 would be fitted by a lambda with R(0.25 lambda) = exp(-0.25), which is -0.9974.
  const ImexTableau tableau = imex_ssp2_tableau();
  const double gamma = tableau.gamma[0];
  const auto R = [gamma](double z) {
    return (1 + (1 - 2 * gamma) * z) / ((1 - gamma * z) * (1 - gamma * z));
  };
  double lambda = -1.0;
  for (int i = 0; i < 50; ++i) lambda -= (R(0.25 * lambda) - std::exp(-0.25)) / 0.25;
  CHECK(lambda == Approx(-0.9974).margin(1e-4));

  ModelOptions options;
  options.nonlinear.clear();
  options.linear = {0.0, 1.0, 1.0, 0.0, true};
  const Model model(options, 1);
  Dynamics<double> d(model, {Scheme::imex_ssp2, 1, MatrixFunctionMethod::dense, 0}, StepTable({0.25}),
                     MatrixFunctionMethod::dense);
  d.set_parameters(model.initialise(1, nullptr));
  Scratch<double> scratch;
  RolloutSteps<double> steps;
  steps.assign(d.table(), std::vector<double>(8, 0.25), 1, 8);
  Matrix<double> states("states", 1, 16);
  Kokkos::deep_copy(states, 1.0);
  Rollout<double>(d, {1, 0}).forward(ExecSpace(), steps, states, Rollout<double>::Record::no, scratch);
  CHECK(on_host(states)(0, 8) == Approx(R(-0.25)).epsilon(1e-14));
}

TEST_CASE("implicit_explicit_schemes_of_higher_order_bias_the_spectrum_less") {
  // The eigenvalue that one step of 0.25 per sample learns for an exact -1.
  const auto learned = [](Scheme scheme) {
    const double h = 0.25;
    double lambda = -1.0;
    for (int i = 0; i < 20; ++i) {
      ModelOptions options;
      options.nonlinear.clear();
      options.linear = {0.0, -lambda, -lambda, 0.0, true};
      const Model model(options, 1);
      Dynamics<double> d(model, {scheme, 1, MatrixFunctionMethod::dense, 0}, StepTable({h}),
                         MatrixFunctionMethod::dense);
      d.set_parameters(model.initialise(1, nullptr));
      Scratch<double> scratch;
      RolloutSteps<double> steps;
      steps.assign(d.table(), std::vector<double>(8, h), 1, 8);
      Matrix<double> states("states", 1, 16);
      Kokkos::deep_copy(states, 1.0);
      Rollout<double>(d, {1, 0}).forward(ExecSpace(), steps, states, Rollout<double>::Record::no, scratch);
      lambda -= (on_host(states)(0, 8) - std::exp(-h)) / h;
    }
    return lambda;
  };
  CHECK(learned(Scheme::imex_ssp2) == Approx(-0.99742).margin(1e-5));
  CHECK(learned(Scheme::imex_ark3) == Approx(-0.999646).margin(1e-6));
  CHECK(learned(Scheme::imex_ark4) == Approx(-1.00000334).margin(1e-8));
  CHECK(learned(Scheme::etd1) == Approx(-1.0).margin(1e-14));
}

TEST_CASE("rollout_adjoint_matches_directional_derivative_for_every_scheme") {
  for (const Case& c : all_cases()) {
    Setup s(c.terms);
    s.per_lane = c.per_lane;
    const std::size_t lanes = 8;
    const Matrix<double> w = random_matrix(3, 3 * lanes, "w");
    const Bars<double> bars = adjoint_of(s, c, w);
    const auto direction = random_vector(s.theta.size(), "direction");
    const Matrix<double> u_direction = random_matrix(3, lanes, "u_direction"), base = s.u0;
    const double adjoint = dot(bars.theta, direction) + dot(bars.u, u_direction);
    const auto at = [&](double e) {
      auto theta = s.theta;
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * direction[i];
      s.u0 = moved(base, e, u_direction);
      return dot(s.run(c.scheme, 2, theta, c.method), w);
    };
    const double e = 1e-5, difference = (at(e) - at(-e)) / (2 * e);
    CAPTURE(int(c.terms), int(c.scheme), int(c.method), c.per_lane);
    CHECK(relative(adjoint, difference) < 2e-7);
  }
}

TEST_CASE("rollout_adjoint_of_float_tiles_is_that_of_double_to_rounding_for_every_scheme") {
  const std::size_t lanes = 16;
  for (const Case& c : all_cases()) {
    Setup<double> exact(c.terms);
    Setup<float> rounded(c.terms);
    exact.per_lane = rounded.per_lane = c.per_lane;
    exact.u0 = random_matrix(3, lanes, "u0", 0.7);
    rounded.u0 = random_matrix<float>(3, lanes, "u0", 0.7);
    const Bars<double> a = adjoint_of(exact, c, random_matrix(3, 3 * lanes, "w"));
    const Bars<float> b = adjoint_of(rounded, c, random_matrix<float>(3, 3 * lanes, "w"));
    const auto a_u = on_host(a.u);
    const auto b_u = on_host(b.u);
    double error = 0.0;
    for (std::size_t i = 0; i < a.theta.size(); ++i) error += std::pow(a.theta[i] - b.theta[i], 2);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t l = 0; l < lanes; ++l) error += std::pow(a_u(i, l) - double(b_u(i, l)), 2);
    CAPTURE(int(c.terms), int(c.scheme), int(c.method), c.per_lane);
    CHECK(std::sqrt(error) < 1e-5 * std::sqrt(dot(a.theta, a.theta) + dot(a.u, a.u)));
  }
}
