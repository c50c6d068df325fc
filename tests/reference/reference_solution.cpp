// The solvers behind the reference trajectories, against exact and published solutions and each other.
#include "reference/reference_solution.hpp"
#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/systems/kuramoto_sivashinsky.hpp"
#include "core/systems/robertson.hpp"
#include "core/systems/transient_growth.hpp"
#include "reference/kuramoto_sivashinsky.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace spnode;
using reference::KuramotoSivashinskySolver;
using reference::ReferenceSolver;

namespace {

/// The state at the last of the times.
std::vector<double> solve(const core::ReferenceSystem& system, double tolerance,
                          const std::vector<double>& times, const std::vector<double>& initial) {
  const std::size_t n = system.dimension();
  std::vector<double> states(times.size() * n);
  std::copy(initial.begin(), initial.end(), states.begin());
  ReferenceSolver(system, tolerance).solve(times, states);
  return {states.end() - static_cast<std::ptrdiff_t>(n), states.end()};
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double result = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) result = std::max(result, std::abs(a[i] - b[i]));
  return result;
}

/// A smooth state of order one, resolved on any grid used here.
std::vector<double> smooth_state(std::size_t n) {
  std::vector<double> u(n);
  for (std::size_t j = 0; j < n; ++j) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(n);
    u[j] = std::cos(angle) - 0.7 * std::sin(2 * angle) + 1.1 * std::cos(3 * angle + 0.4);
  }
  return u;
}

std::vector<double> fourier_solution(const core::KuramotoSivashinsky& system, std::vector<double> u, double t,
                                     std::size_t steps) {
  KuramotoSivashinskySolver solver(system, t / static_cast<double>(steps));
  solver.set_state(u);
  solver.advance(steps);
  solver.get_state(u);
  return u;
}

/// du/dt = u^2: from 1 it is infinite at t = 1.
struct BlowUp final : core::ReferenceSystem {
  explicit BlowUp(core::Solution how) : how_(how) {}
  std::size_t dimension() const override { return 1; }
  core::Solution solution() const override { return how_; }
  void rhs(std::span<const double> u, std::span<double> rate) const override { rate[0] = u[0] * u[0]; }
  void jacobian(std::span<const double> u, std::span<double> matrix) const override {
    matrix[0] = 2.0 * u[0];
  }
  void initial_state(const core::Random&, std::span<double> u) const override { u[0] = 1.0; }
  std::vector<std::string> component_names() const override { return {"u"}; }

 private:
  core::Solution how_;
};

}  // namespace

TEST_CASE("explicit_solution_has_the_accuracy_asked_for") {
  // Reference: RK4 in extended precision, 4000 steps, extrapolated.
  const core::TransientGrowth system(1.0);
  for (const double tolerance : {1e-6, 1e-9, 1e-11}) {
    const std::vector<double> u = solve(system, tolerance, {0.0, 0.4, 1.9, 2.0}, {0.3, -0.8});
    CHECK(distance(u, {-1.36207922395155, -0.103085504193888847}) < tolerance);
  }
}

TEST_CASE("implicit_solution_matches_the_exponential") {
  const core::TransientGrowth system(0.0);
  const std::vector<double> u = solve(system, 1e-10, {0.0, 0.5, 2.0}, {0.3, -0.8});
  CHECK(u[0] == Approx(std::exp(-4.0) * (0.3 - 16.0)).epsilon(1e-9));
  CHECK(u[1] == Approx(std::exp(-4.0) * -0.8).epsilon(1e-9));
}

TEST_CASE("robertson_solution_matches_the_published_values") {
  // t = 1e11: Mazzia and Magherini, Test Set for IVP Solvers, problem ROBER; t = 40: tolerance pushed to
  // rounding.
  const core::Robertson system(0.0);
  const std::vector<double> middle = solve(system, 1e-10, {0.0, 4e-6, 40.0}, {1.0, 0.0, 0.0});
  CHECK(middle[0] == Approx(0.71582706872).epsilon(1e-9));
  CHECK(middle[1] == Approx(9.1855347646e-6).epsilon(1e-9));
  CHECK(middle[2] == Approx(0.28416374575).epsilon(1e-9));
  const std::vector<double> late = solve(system, 1e-10, {0.0, 4e-6, 40.0, 1e11}, {1.0, 0.0, 0.0});
  CHECK(late[0] == Approx(0.2083340149701255e-7).epsilon(1e-6));
  CHECK(late[1] == Approx(0.8333360770334713e-13).epsilon(1e-6));
  CHECK(late[2] == Approx(0.9999999791665050).epsilon(1e-12));
}

TEST_CASE("reference_solution_keeps_the_mass_of_robertson") {
  const core::Robertson system(0.05);
  std::vector<double> times = {0.0};
  for (int i = 0; i < 25; ++i) times.push_back(4e-6 * std::pow(10.0, 0.5 * i));
  for (std::uint64_t trajectory = 0; trajectory < 10; ++trajectory) {
    std::vector<double> states(3 * times.size());
    system.initial_state(core::Random(3, trajectory), std::span(states).first(3));
    ReferenceSolver(system, 1e-10).solve(times, states);
    const double mass = states[0] + states[1] + states[2];
    for (std::size_t i = 0; i < times.size(); ++i) {
      CHECK(std::abs(states[3 * i] + states[3 * i + 1] + states[3 * i + 2] - mass) < 1e-12 * mass);
      CHECK(std::min({states[3 * i], states[3 * i + 1], states[3 * i + 2]}) >= 0.0);
    }
  }
}

TEST_CASE("solution_that_leaves_every_bound_is_a_numerical_error") {
  for (const core::Solution how : {core::Solution::explicit_adaptive, core::Solution::implicit_adaptive}) {
    const BlowUp system(how);
    try {
      solve(system, 1e-8, {0.0, 0.5, 2.0}, {1.0});
      FAIL("did not throw");
    } catch (const NumericalError& error) {
      INFO(error.what());
      CHECK(std::string(error.what()).find("t = ") != std::string::npos);
    }
  }
}

TEST_CASE("fourier_solution_has_order_4") {
  // Few points: the order is a statement about h -> 0, where no mode of the grid is stiff any more.
  const core::KuramotoSivashinsky system(22.0, 16);
  const std::vector<double> initial = smooth_state(16);
  const std::vector<double> exact = fourier_solution(system, initial, 2.0, 8192);
  std::vector<double> errors;
  for (const std::size_t steps : {64, 128, 256})
    errors.push_back(distance(fourier_solution(system, initial, 2.0, steps), exact));
  for (std::size_t i = 1; i < errors.size(); ++i) {
    INFO("errors " << errors[i - 1] << " and " << errors[i]);
    CHECK(std::log2(errors[i - 1] / errors[i]) == Approx(4.0).margin(0.1));
  }
}

TEST_CASE("fourier_solution_agrees_with_the_adaptive_one_of_the_dense_equations") {
  const core::KuramotoSivashinsky system(22.0, 32);
  const std::vector<double> initial = smooth_state(32);
  const std::vector<double> adaptive = solve(system, 1e-10, {0.0, 1.0}, initial);
  CHECK(distance(fourier_solution(system, initial, 1.0, 400), adaptive) < 1e-8);
}

TEST_CASE("small_waves_grow_at_the_linear_rates") {
  const core::KuramotoSivashinsky system(22.0, 64);
  for (const std::size_t mode : {1, 2, 3, 4, 8, 12}) {
    std::vector<double> u(64);
    for (std::size_t j = 0; j < 64; ++j)
      u[j] = 1e-9 * std::cos(2.0 * std::numbers::pi * static_cast<double>(mode * j) / 64.0);
    const std::vector<double> later = fourier_solution(system, u, 0.02, 2);
    CHECK(std::log(later[0] / u[0]) / 0.02 == Approx(system.growth_rate(mode)).epsilon(1e-6).margin(1e-6));
  }
}

TEST_CASE("fourier_solution_stays_real_bounded_and_without_mean_for_long_times") {
  const core::KuramotoSivashinsky system(22.0, 64);
  std::vector<double> u(64);
  system.initial_state(core::Random(1, "long"), u);
  u = fourier_solution(system, u, 5000.0, 200000);
  double mean = 0.0, square = 0.0;
  for (const double value : u) {
    mean += value / 64.0;
    square += value * value / 64.0;
  }
  CHECK(std::abs(mean) < 1e-13);
  CHECK(std::sqrt(square) > 0.5);
  CHECK(std::sqrt(square) < 3.0);
}
