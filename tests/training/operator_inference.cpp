#include "training/start/operator_inference.hpp"

#include "catch.hpp"
#include "core/components/even_pairs.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"
#include "training/start/differences.hpp"

#include <cmath>

using namespace spnode;
using namespace spnode::training;
using Catch::Matchers::Contains;
using parallel::Communicator;

namespace {

constexpr std::size_t trajectories = 12, groups = 5;

/// `trajectories` of two components with an exact solution, spread over ranks in whole groups.
/// states(number, time, u) gives the state.
template <class States>
LatentTrajectories spread(const Communicator& comm, std::size_t times, double h, States states) {
  LatentTrajectories data;
  data.dimension = 2;
  data.times = times;
  data.group_count = groups;
  const parallel::Range own = parallel::share(groups, comm.size(), comm.rank());
  for (std::size_t g = own.begin; g < own.end; ++g)
    data.groups.push_back({g * trajectories / groups, (g + 1) * trajectories / groups});
  data.time = [h](std::size_t, std::size_t t) { return h * double(t); };
  data.states = [=](std::size_t n, std::span<double> out) {
    for (std::size_t t = 0; t < times; ++t) states(n, h * double(t), &out[2 * t]);
  };
  return data;
}

/// u0' = u0 - u0^2 (logistic growth), u1' = -2 u1 + 3.
void logistic(std::size_t n, double t, double* u) {
  const core::Random random(n, "start");
  const double a = 0.1 + random.uniform(0), b = random.uniform(1);
  u[0] = a * std::exp(t) / (1.0 + a * (std::exp(t) - 1.0));
  u[1] = 1.5 + (b - 1.5) * std::exp(-2.0 * t);
}

const std::vector<double> A = {-0.3, 2.0, -2.0, -0.5};

/// u' = A u.
void linear(std::size_t n, double t, double* u) {
  const core::Random random(n, "start");
  core::PhiFunctions functions(2, 0, core::HalfArgument::omit);
  functions.compute(A, t);
  const auto E = functions.value(0, core::Argument::full);
  for (int i = 0; i < 2; ++i) u[i] = E[2 * i] * random.normal(0) + E[2 * i + 1] * random.normal(1);
}

}  // namespace

TEST_CASE("operator_inference_finds_a_quadratic_equation") {
  const InferredOperators found =
      OperatorEquations(Communicator(), spread(Communicator(), 41, 0.05, logistic), OperatorForm::quadratic,
                        10)
          .solve();
  const std::vector<double> A_exact = {1.0, 0.0, 0.0, -2.0}, Q_exact = {-1.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  for (std::size_t i = 0; i < 4; ++i) CHECK(found.operators.A[i] == Approx(A_exact[i]).margin(1e-5));
  for (std::size_t i = 0; i < 6; ++i) CHECK(found.operators.Q[i] == Approx(Q_exact[i]).margin(1e-5));
  CHECK(found.operators.b[0] == Approx(0.0).margin(1e-5));
  CHECK(found.operators.b[1] == Approx(3.0).margin(1e-5));
  CHECK(found.residual < 1e-5);
}

TEST_CASE("pairs_take_over_a_quadratic_part") {
  const LatentTrajectories data = spread(Communicator(), 41, 0.05, logistic);
  const core::QuadraticOperators operators{{}, {-1.0, 0.0, 0.0, 0.5, 2.0, 0.0}, {0.3, -3.0}};
  const std::vector<double> rows = {1.0, 0.0, 0.0, 1.0}, moments = second_moments(Communicator(), data);
  CHECK(moments[1] == moments[2]);
  const std::vector<double> V = core::pair_directions(rows, moments, 2, 3);
  const InferredPairs found = infer_pairs(Communicator(), data, operators, V);
  CHECK(found.residual < 1e-2);
  for (const double u : {0.2, 0.7}) {
    const double w = 1.2 - u, exact[] = {-u * u + 0.3, 0.5 * u * u + 2.0 * u * w - 3.0};
    for (std::size_t i = 0; i < 2; ++i) {
      double of_pairs = found.b[i];
      for (std::size_t r = 0; r < 3; ++r)
        of_pairs += found.W[3 * i + r] * core::even_pair(V[2 * r] * u + V[2 * r + 1] * w);
      CHECK(of_pairs == Approx(exact[i]).margin(0.03));
    }
  }
}

TEST_CASE("operator_inference_and_dmd_find_a_linear_equation") {
  const InferredOperators inferred =
      OperatorEquations(Communicator(), spread(Communicator(), 41, 0.05, linear), OperatorForm::linear, 12)
          .solve();
  const InferredOperators map = dynamic_mode_decomposition(
      Communicator(), spread(Communicator(), 6, 0.5, linear), OperatorForm::linear);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(inferred.operators.A[i] == Approx(A[i]).margin(1e-9));
    CHECK(map.operators.A[i] == Approx(A[i]).margin(1e-9));
  }
}

TEST_CASE("the_constant_of_a_linear_equation_is_found") {
  // u' = A (u - c), so that b = -A c.
  const auto affine = [](std::size_t n, double t, double* u) {
    linear(n, t, u);
    u[0] += 10.0;
    u[1] -= 3.0;
  };
  const std::vector<double> b = {-(A[0] * 10.0 + A[1] * -3.0), -(A[2] * 10.0 + A[3] * -3.0)};
  const InferredOperators by_differences =
      OperatorEquations(Communicator(), spread(Communicator(), 41, 0.05, affine), OperatorForm::affine, 12)
          .solve();
  const InferredOperators by_map = dynamic_mode_decomposition(
      Communicator(), spread(Communicator(), 6, 0.5, affine), OperatorForm::affine);
  for (const InferredOperators& found : {by_differences, by_map}) {
    CHECK(found.operators.Q.empty());
    for (std::size_t i = 0; i < 4; ++i) CHECK(found.operators.A[i] == Approx(A[i]).margin(1e-7));
    for (std::size_t i = 0; i < 2; ++i) CHECK(found.operators.b[i] == Approx(b[i]).margin(1e-6));
  }
}

TEST_CASE("a_ridge_makes_the_operators_smaller_and_the_residual_larger") {
  const OperatorEquations equations(Communicator(), spread(Communicator(), 41, 0.05, logistic),
                                    OperatorForm::quadratic, 10);
  const auto size = [](const InferredOperators& found) {
    double squares = 0.0;
    for (const std::vector<double>* values : {&found.operators.A, &found.operators.Q, &found.operators.b})
      for (const double value : *values) squares += value * value;
    return squares;
  };
  const InferredOperators free = equations.solve(1e-12), held = equations.solve(1e-2);
  CHECK(size(held) < size(free));
  CHECK(held.residual > 10.0 * free.residual);
}

TEST_CASE("steps_are_even_up_to_the_rounding_of_their_clock") {
  const auto step_of = [](auto clock) {
    LatentTrajectories data = spread(Communicator(MPI_COMM_SELF), 41, 0.05, linear);
    data.time = [clock](std::size_t, std::size_t t) { return clock(0.1 * double(t)); };
    return even_step(data, 0, "the method").length;
  };
  CHECK(step_of([](double t) { return 1.7e9 + t; }) == Approx(0.1).epsilon(1e-6));
  CHECK(step_of([](double t) { return double(float(t)); }) == Approx(0.1).epsilon(1e-6));
  CHECK_THROWS_WITH(step_of([](double t) { return t + 1e-6 * std::sin(t); }),
                    Contains("the method needs evenly spaced times; the longest step is 1.0000"));
}

TEST_CASE("starts_from_data_are_bitwise_those_of_one_rank") {
  const auto infer = [](const Communicator& comm) {
    return OperatorEquations(comm, spread(comm, 41, 0.05, logistic), OperatorForm::quadratic, 6)
        .solve()
        .operators;
  };
  const core::QuadraticOperators shared = infer(Communicator()), alone = infer(Communicator(MPI_COMM_SELF));
  CHECK(shared.A == alone.A);
  CHECK(shared.Q == alone.Q);
  CHECK(shared.b == alone.b);
  const auto pairs = [&](const Communicator& comm) {
    const LatentTrajectories data = spread(comm, 41, 0.05, logistic);
    const std::vector<double> rows = {1.0, 0.0, 0.0, 1.0};
    return infer_pairs(comm, data, alone, core::pair_directions(rows, second_moments(comm, data), 2, 5)).W;
  };
  CHECK(pairs(Communicator()) == pairs(Communicator(MPI_COMM_SELF)));
  const auto map = [](const Communicator& comm) {
    return dynamic_mode_decomposition(comm, spread(comm, 6, 0.5, linear), OperatorForm::linear).operators.A;
  };
  CHECK(map(Communicator()) == map(Communicator(MPI_COMM_SELF)));
}

TEST_CASE("dmd_refuses_times_that_are_not_evenly_spaced") {
  LatentTrajectories data = spread(Communicator(), 6, 0.5, linear);
  data.time = [](std::size_t, std::size_t t) { return double(t * t); };
  CHECK_THROWS_AS(dynamic_mode_decomposition(Communicator(), data, OperatorForm::linear), Error);
}
