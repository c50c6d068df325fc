// Models as maps: values, exact adjoints and tangents, and what is refused.
#include "catch.hpp"
#include "core/forecast/forecast.hpp"
#include "core/integrators/rollout.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <cmath>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr std::size_t lanes = 8, intervals = 4;

ModelOptions options_of(std::vector<NonlinearKind> terms) {
  ModelOptions options;
  options.linear.structure = HurwitzKind::none;
  options.nonlinear = std::move(terms);
  options.network.hidden = {6};
  options.bilinear = {2, 0.3};
  return options;
}

const IntegratorOptions map{Scheme::map, 1, MatrixFunctionMethod::dense, 0};

/// Four applications on eight lanes.
template <class Real>
struct Run {
  Run(const BasicModel<Real>& model, std::span<const double> theta)
      : theta_(theta.begin(), theta.end()),
        dynamics(model, map, StepTable({1.0}), MatrixFunctionMethod::dense),
        rollout(dynamics, {1, 0}),
        frame(scratch),
        states("states", 3, (intervals + 1) * lanes) {
    dynamics.set_parameters(theta);
    steps.assign(dynamics.table(), std::vector<double>(intervals * lanes, 1.0), intervals, lanes);
  }
  void forward(const Matrix<Real>& u0) {
    Kokkos::deep_copy(lanes_of(MatrixView<Real>(states), 0, lanes), u0);
    rollout.forward(space, steps, states, Rollout<Real>::Record::yes, scratch);
  }

  ExecSpace space;
  Scratch<Real> scratch;
  std::vector<double> theta_;
  Dynamics<Real> dynamics;
  RolloutSteps<Real> steps;
  Rollout<Real> rollout;
  ScratchFrame<Real> frame;
  Matrix<Real> states;
};

}  // namespace

TEMPLATE_TEST_CASE("adjoint_of_a_map_is_the_transpose_of_its_tangent", "", double, float) {
  using Real = TestType;
  for (const auto& terms : {std::vector{NonlinearKind::network}, std::vector{NonlinearKind::bilinear},
                            std::vector{NonlinearKind::bilinear, NonlinearKind::network}}) {
    const BasicModel<Real> model(options_of(terms), 3);
    const auto theta = model.initialise(2, nullptr), theta_dot = random_vector(theta.size(), "theta_dot");
    const auto u0 = random_matrix<Real>(3, lanes, "u0", 0.5), u_dot = random_matrix<Real>(3, lanes, "u_dot");
    const auto w = random_matrix<Real>(3, (intervals + 1) * lanes, "w");
    Run<Real> run(model, theta);
    run.forward(u0);
    std::vector<double> dots(run.dynamics.coefficient_count());
    run.dynamics.assemble_jvp(theta, theta_dot, dots);
    Matrix<Real> states_dot("states_dot", 3, (intervals + 1) * lanes),
        bars("bars", 3, (intervals + 1) * lanes), u_bar("u_bar", 3, lanes);
    Kokkos::deep_copy(lanes_of(MatrixView<Real>(states_dot), 0, lanes), u_dot);
    run.rollout.tangent(run.space, run.steps, states_dot, to_device<Real>(dots), run.scratch);
    Kokkos::deep_copy(bars, w);
    Vector<Real> bar("bar", run.dynamics.coefficient_count());
    run.rollout.reverse(run.space, run.steps, bars, bar, run.scratch);
    std::vector<double> theta_bar(theta.size(), 0.0);
    run.dynamics.assemble_vjp(theta, to_host(bar), theta_bar);
    Kokkos::deep_copy(u_bar, lanes_of(MatrixView<Real>(bars), 0, lanes));
    const double of_theta = dot(theta_bar, theta_dot), of_state = dot(u_bar, u_dot);
    CHECK(std::abs(dot(states_dot, w) - of_theta - of_state) <
          1000 * roundoff<Real> * (std::abs(of_theta) + std::abs(of_state) + 1.0));

    const auto at = [&](double e) {
      auto shifted = theta;
      for (std::size_t i = 0; i < theta.size(); ++i) shifted[i] += e * theta_dot[i];
      Run<Real> other(model, shifted);
      other.forward(moved(u0, e, u_dot));
      return dot(other.states, w);
    };
    if constexpr (std::is_same_v<Real, double>)
      CHECK(relative(of_theta + of_state, (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-7);
  }
}

TEST_CASE("map_refuses_a_linear_part_and_times_that_are_no_counts") {
  ModelOptions options = options_of({NonlinearKind::network});
  const Model model(options, 3);
  const auto theta = model.initialise(1, nullptr);
  const auto make = [&](const Model& m, std::span<const double> parameters, double step) {
    BasicForecaster<double>(m, parameters, {map}, {step});
  };
  CHECK_NOTHROW(make(model, theta, 1.0));
  for (const double step : {0.5, 2.0, -1.0}) CHECK_THROWS_AS(make(model, theta, step), OptionError);
  CHECK_THROWS_AS(BasicForecaster<double>(model, theta, {map, 64, 1e-3}, {1.0}), OptionError);
  options.linear.structure = HurwitzKind::dense;
  const Model with_linear(options, 3);
  const auto all = with_linear.initialise(1, nullptr);
  CHECK_THROWS_AS(make(with_linear, all, 1.0), OptionError);
  IntegratorOptions twice = map;
  twice.substeps = 2;
  CHECK_THROWS_AS(validate_all(twice), OptionError);
}
