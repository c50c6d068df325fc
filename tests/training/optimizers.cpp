#include "catch.hpp"
#include "core/support/error.hpp"
#include "petsc/linear_solver.hpp"
#include "petsc/tao_solver.hpp"
#include "training/optimizers/adam.hpp"
#include "training/optimizers/schedule.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

using namespace spnode;
using namespace spnode::training;

namespace {

core::ParameterLayout two_groups() {
  core::ParameterLayout layout;
  layout.add({.name = "a", .shape = {3}, .meaning = ""});
  layout.add({.name = "frozen", .shape = {2}, .meaning = "", .frozen = true});
  layout.add({.name = "e", .shape = {2}, .meaning = "", .group = core::ParameterGroup::autoencoder});
  return layout;
}

parallel::VectorParts whole() { return {parallel::Communicator(MPI_COMM_SELF), 7, 1000}; }

double norm(const std::vector<double>& g) {
  return std::sqrt(std::inner_product(g.begin(), g.end(), g.begin(), 0.0));
}

const std::vector<double> start = {1.0, -2.0, 0.5, 4.0, 5.0, -1.0, 3.0};
const std::vector<double> slope = {0.3, -0.1, 1e-3, 7.0, 7.0, 2.0, -0.4};

/// 1/2 sum_i (i + 1) (x_i - i)^2
double quadratic(std::span<const double> x, std::span<double> gradient) {
  double value = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x[i] - static_cast<double>(i), k = static_cast<double>(i + 1);
    value += 0.5 * k * d * d;
    gradient[i] = k * d;
  }
  return value;
}

}  // namespace

TEST_CASE("adam_follows_the_published_recursion") {
  const AdamOptions options{
      .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-7, .weight_decay = 0.1, .autoencoder_rate_factor = 0.25};
  const Adam adam(options, two_groups(), whole());
  std::vector<double> theta = start, expected = start, m(7, 0.0), v(7, 0.0);
  AdamState state = adam.start(theta);
  for (int t = 1; t <= 20; ++t) {
    std::vector<double> g = slope;
    for (std::size_t i = 0; i < g.size(); ++i) g[i] += 0.1 * t * expected[i];
    adam.update(theta, g, norm(g), 0.01, state);
    for (const std::size_t i : {0, 1, 2, 5, 6}) {
      m[i] = 0.8 * m[i] + 0.2 * g[i];
      v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
      const double corrected = m[i] / (1 - std::pow(0.8, t)), spread = v[i] / (1 - std::pow(0.95, t));
      const double rate = i < 3 ? 0.01 : 0.0025;
      expected[i] -= rate * (corrected / (std::sqrt(spread) + 1e-7) + 0.1 * expected[i]);
    }
    for (std::size_t i = 0; i < theta.size(); ++i) CHECK(theta[i] == Approx(expected[i]).epsilon(1e-13));
  }
}

TEST_CASE("frozen_blocks_keep_their_bits") {
  const Adam adam({.weight_decay = 0.5}, two_groups(), whole());
  std::vector<double> theta = start;
  AdamState state = adam.start(theta);
  for (int t = 0; t < 5; ++t) adam.update(theta, slope, norm(slope), 0.1, state);
  CHECK(theta[3] == start[3]);
  CHECK(theta[4] == start[4]);
  CHECK(theta[0] != start[0]);
}

TEST_CASE("clipping_scales_the_gradient_to_the_largest_norm") {
  const Adam clipped({.clip = 0.5}, two_groups(), whole()), plain({}, two_groups(), whole());
  std::vector<double> scaled = slope, a = start, b = start;
  for (double& g : scaled) g *= 0.5 / norm(slope);
  AdamState sa = clipped.start(a), sb = plain.start(b);
  clipped.update(a, slope, norm(slope), 0.1, sa);
  plain.update(b, scaled, norm(scaled), 0.1, sb);
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i] == Approx(b[i]).epsilon(1e-14));
    CHECK(sa.second.entries[i] == Approx(sb.second.entries[i]).epsilon(1e-13));
  }
  // A gradient below the limit is left alone.
  std::vector<double> c = start, d = start;
  AdamState sc = clipped.start(c), sd = plain.start(d);
  for (double& g : scaled) g *= 0.9;
  clipped.update(c, scaled, norm(scaled), 0.1, sc);
  plain.update(d, scaled, norm(scaled), 0.1, sd);
  CHECK(c == d);
}

TEST_CASE("rejected_step_returns_to_the_last_good_point_with_a_smaller_rate") {
  const Adam adam({}, two_groups(), whole());
  std::vector<double> theta = start;
  AdamState state = adam.start(theta);
  adam.update(theta, slope, norm(slope), 0.1, state);
  adam.reject(theta, state);
  CHECK(theta == start);
  CHECK(state.shrink == 0.5);
  CHECK(state.bad_steps == 1);
  adam.reject(theta, state);
  CHECK(theta == start);
  CHECK(state.bad_steps == 2);
  adam.update(theta, slope, norm(slope), 0.1, state);
  CHECK(state.bad_steps == 0);
  for (int t = 0; t < 100; ++t) adam.update(theta, slope, norm(slope), 0.1, state);
  CHECK(state.shrink == 1.0);
}

TEST_CASE("adam_refuses_options_out_of_range") {
  CHECK_THROWS_AS(Adam({.beta1 = 1.0}, two_groups(), whole()), UsageError);
  CHECK_THROWS_AS(Adam({.epsilon = 0.0}, two_groups(), whole()), UsageError);
  CHECK_THROWS_AS(Adam({.clip = -1.0}, two_groups(), whole()), UsageError);
}

TEST_CASE("schedules_have_their_published_values") {
  const Schedule constant({ScheduleKind::constant, 0.1, 0.0, 1.0, 4}, 10, 10);
  CHECK(constant.rate(0) == Approx(0.025));
  CHECK(constant.rate(3) == Approx(0.1));
  CHECK(constant.rate(99) == 0.1);

  const Schedule exponential({ScheduleKind::exponential, 0.1, 0.03, 0.5, 0}, 10, 10);
  CHECK(exponential.rate(9) == 0.1);
  CHECK(exponential.rate(10) == Approx(0.05));
  CHECK(exponential.rate(19) == Approx(0.05));
  CHECK(exponential.rate(20) == 0.03);

  const Schedule cosine({ScheduleKind::cosine, 0.1, 0.02, 1.0, 9}, 10, 10);
  CHECK(cosine.rate(9) == 0.1);
  CHECK(cosine.rate(54) == Approx(0.06));
  CHECK(cosine.rate(99) == Approx(0.02));
  for (std::uint64_t step = 10; step < 100; ++step) CHECK(cosine.rate(step) < cosine.rate(step - 1));

  CHECK_THROWS_AS(Schedule({.rate = 0.0}, 10, 10), UsageError);
  CHECK_THROWS_AS(Schedule({.decay = 1.5}, 10, 10), UsageError);
}

TEST_CASE("lmvm_minimises_a_quadratic_and_reports_every_iterate") {
  std::vector<double> x(20, 3.0);
  std::vector<double> values;
  petsc::TaoSolver solver({.type = TAOLMVM, .iterations = 100, .gradient_tolerance = 1e-11}, x,
                          {.evaluate = quadratic,
                           .iterate =
                               [&](const petsc::TaoIterate& it) {
                                 CHECK(it.number == values.size());
                                 values.push_back(it.value);
                               },
                           .shell = {}});
  CHECK(solver.solve() == TAO_CONVERGED_GATOL);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == Approx(static_cast<double>(i)).margin(1e-10));
  for (std::size_t i = 1; i < values.size(); ++i) CHECK(values[i] < values[i - 1]);
}

TEST_CASE("exceptions_of_callbacks_come_out_of_solve") {
  std::vector<double> x(3, 1.0);
  petsc::TaoSolver in_evaluate(
      {.iterations = 10}, x,
      {.evaluate = [](auto, auto) -> double { throw FileError("lost"); }, .iterate = {}, .shell = {}});
  CHECK_THROWS_AS(in_evaluate.solve(), FileError);
  petsc::TaoSolver in_monitor({.iterations = 10}, x,
                              {.evaluate = quadratic,
                               .iterate = [](const petsc::TaoIterate&) { throw std::logic_error("odd"); },
                               .shell = {}});
  CHECK_THROWS_AS(in_monitor.solve(), std::logic_error);
}

TEST_CASE("options_database_has_the_last_word") {
  std::vector<double> x(20, 3.0);
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_max_it", "3"));
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_type", "bncg"));
  CHECK(petsc::requested_tao_type(TAOLMVM) == "bncg");
  petsc::TaoSolver solver({.iterations = 100}, x, {.evaluate = quadratic, .iterate = {}, .shell = {}});
  CHECK(solver.iterations() == 3);
  CHECK(solver.solve() == TAO_DIVERGED_MAXITS);
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_type", "no_such"));
  CHECK_THROWS_AS(petsc::TaoSolver({.iterations = 1}, x, {.evaluate = quadratic, .iterate = {}, .shell = {}}),
                  UsageError);
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_max_it"));
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_type"));
}

TEST_CASE("solvers_that_want_more_than_gradients_are_refused_before_they_run") {
  for (const char* type : {"nls", "ntr", "tron", "pounders", "brgn", "lcl", "almm", "admm", "ssils", "ipm",
                           "owlqn", "bmrm", "no_such"}) {
    SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_type", type));
    CHECK_THROWS_WITH(petsc::check_tao_options(TAOSHELL),
                      Catch::Matchers::Contains(type) && Catch::Matchers::Contains("lmvm, blmvm, cg, bncg"));
  }
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_type"));
}

TEST_CASE("solvers_that_are_not_refused_minimise") {
  for (const char* type : {"lmvm", "blmvm", "cg", "bncg", "bqnls", "bqnkls", "bqnktr", "bqnktl", "nm"}) {
    SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-tao_type", type));
    petsc::check_tao_options(TAOLMVM);
    std::vector<double> x(2, 3.0), gradient(2);
    petsc::TaoSolver({.type = type, .iterations = 200}, x,
                     {.evaluate = quadratic, .iterate = {}, .shell = {}})
        .solve();
    INFO(type);
    CHECK(quadratic(x, gradient) < 1e-3 * quadratic(std::vector<double>(2, 3.0), gradient));
  }
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-tao_type"));
}

TEST_CASE("values_that_a_solver_does_not_take_are_refused_before_it_runs") {
  for (const auto& [name, value] : {std::pair("-tao_max_it", "many"), std::pair("-tao_ls_type", "no_such"),
                                    std::pair("-tao_lmvm_mat_lmvm_hist_size", "-5")}) {
    SPNODE_PETSC(PetscOptionsSetValue(nullptr, name, value));
    CHECK_THROWS_AS(petsc::check_tao_options(TAOLMVM), UsageError);
    SPNODE_PETSC(PetscOptionsClearValue(nullptr, name));
  }
}

namespace {

/// y = diag(1, 2, ..., n) x + the sum of x: symmetric, positive definite.
void spread(std::span<const double> x, std::span<double> y) {
  const double sum = std::accumulate(x.begin(), x.end(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = static_cast<double>(i + 1) * x[i] + sum;
}

/// ||b - A x|| / ||b|| of spread().
double residual(const std::vector<double>& b, const std::vector<double>& x) {
  std::vector<double> rest(b.size());
  spread(x, rest);
  for (std::size_t i = 0; i < b.size(); ++i) rest[i] = b[i] - rest[i];
  return norm(rest) / norm(b);
}

}  // namespace

TEST_CASE("conjugate_gradients_solve_to_the_tolerance_from_zero") {
  const std::vector<double> b(30, 1.0);
  std::vector<double> x(30, 1e9), again(30, 0.0);
  petsc::LinearSolver solver({.prefix = "test_", .relative_tolerance = 1e-9}, 30, spread);
  solver.solve(b, x);
  CHECK(residual(b, x) < 1.1e-9);
  solver.solve(b, again);
  CHECK(x == again);
}

TEST_CASE("conjugate_gradients_give_what_they_have_when_their_iterations_are_done") {
  const std::vector<double> b = {1.0, -2.0, 0.5, 4.0};
  std::vector<double> x(4), y(4);
  petsc::LinearSolver({.prefix = "test_", .iterations = 1, .relative_tolerance = 1e-9}, 4, spread)
      .solve(b, x);
  spread(b, y);
  const double length = std::inner_product(b.begin(), b.end(), b.begin(), 0.0) /
                        std::inner_product(b.begin(), b.end(), y.begin(), 0.0);
  for (std::size_t i = 0; i < 4; ++i) CHECK(x[i] == Approx(length * b[i]));
}

TEST_CASE("the_product_s_exceptions_come_out_of_a_linear_solver") {
  const std::vector<double> b(3, 1.0);
  std::vector<double> x(3);
  bool fails = true;
  petsc::LinearSolver solver({.prefix = "test_"}, 3, [&](auto from, auto to) {
    if (fails) throw NumericalError("not finite");
    spread(from, to);
  });
  CHECK_THROWS_AS(solver.solve(b, x), NumericalError);
  fails = false;
  solver.solve(b, x);
  CHECK(residual(b, x) < 1e-4);
}

TEST_CASE("options_of_a_linear_solver_have_its_prefix_and_the_last_word") {
  const std::vector<double> b(30, 1.0);
  std::vector<double> x(30);
  SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-test_ksp_rtol", "1e-12"));
  for (const char* type : {"cg", "minres", "gmres", "bicg"}) {
    SPNODE_PETSC(PetscOptionsSetValue(nullptr, "-test_ksp_type", type));
    petsc::LinearSolver({.prefix = "test_", .relative_tolerance = 0.1}, 30, spread).solve(b, x);
    INFO(type);
    CHECK(residual(b, x) < 1e-11);
  }
  for (const auto& [name, value] :
       {std::pair("-test_ksp_type", "no_such"), std::pair("-test_ksp_rtol", "much"),
        std::pair("-test_pc_type", "jacobi")}) {
    SPNODE_PETSC(PetscOptionsSetValue(nullptr, name, value));
    INFO(name);
    CHECK_THROWS_AS(petsc::check_linear_solver_options("test_"), UsageError);
    petsc::check_linear_solver_options("other_");
    SPNODE_PETSC(PetscOptionsClearValue(nullptr, name));
  }
  SPNODE_PETSC(PetscOptionsClearValue(nullptr, "-test_ksp_rtol"));
}
