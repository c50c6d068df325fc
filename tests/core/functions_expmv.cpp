#include "catch.hpp"
#include "core/matrix_functions/expmv.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "functions_reference.hpp"

#include <limits>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr const char* w_names[] = {"w1", "w2", "w3"};
constexpr const char* w_dot_names[] = {"w1_dot", "w2_dot", "w3_dot"};

Matrix<double> device_matrix(const Array& entries, std::size_t rows) {
  const std::size_t cols = entries.size() / rows;
  Matrix<double> matrix("test", rows, cols);
  upload(entries, matrix);
  return matrix;
}

Array host_array(const Matrix<double>& matrix) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, matrix);
  return Array(host.data(), host.data() + host.size());
}

/// A call with random operands: steps of both signs and one zero, |h| <= 1.
struct Problem {
  Problem(std::size_t order, std::size_t lane_count, std::size_t term_count, double factor,
          double backward = -1.0)
      : n(order),
        lanes(lane_count),
        terms(term_count),
        c(factor),
        steps("steps", lane_count),
        u(device_matrix(random_array(n * lanes, "u"), n)) {
    for (std::size_t k = 0; k < terms; ++k) w[k] = device_matrix(random_array(n * lanes, w_names[k]), n);
    const Random random(11, "steps");
    const auto host = Kokkos::create_mirror_view(steps);
    for (std::size_t l = 0; l < lanes; ++l) host(l) = l == 1 ? 0.0 : random.uniform(l, backward, 1.0);
    host(lanes - 1) = 1.0;
    Kokkos::deep_copy(steps, host);
  }

  double step(std::size_t l) const {
    double value;
    Kokkos::deep_copy(value, Kokkos::subview(steps, l));
    return value;
  }

  ExpmvCall<double> call() const {
    ExpmvCall<double> result{c, steps, u, {}, terms};
    for (std::size_t k = 0; k < terms; ++k) result.w[k] = w[k];
    return result;
  }

  std::size_t n, lanes, terms;
  double c;
  Vector<double> steps;
  Matrix<double> u;
  std::array<Matrix<double>, most_phi_terms> w;
};

/// The same combination from dense phi functions, lane by lane.
Array dense_result(const Array& a, const Problem& problem) {
  const std::size_t n = problem.n, lanes = problem.lanes;
  PhiFunctions phi(n, problem.terms, HalfArgument::omit);
  Array out(n * lanes, 0.0);
  const Array u = host_array(problem.u);
  for (std::size_t l = 0; l < lanes; ++l) {
    const double h = problem.step(l);
    phi.compute(a, problem.c * h);
    for (std::size_t k = 0; k <= problem.terms; ++k) {
      const Array x = k == 0 ? u : host_array(problem.w[k - 1]);
      const double factor = k == 0 ? 1.0 : h;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          out[i * lanes + l] += factor * phi.value(k, Argument::full)[i * n + j] * x[j * lanes + l];
    }
  }
  return out;
}

struct Runner {
  Runner(const Array& a, const Problem& problem) : plan(problem.n, problem.terms) {
    plan.update(a, problem.c);
  }
  Expmv<double> method(const Problem& problem) { return {space, plan, problem.call(), scratch}; }
  Array apply(const Problem& problem) {
    const Matrix<double> out("out", problem.n, problem.lanes);
    method(problem).apply(out);
    return host_array(out);
  }
  std::size_t products(const Problem& problem) {
    Expmv<double> expmv = method(problem);
    expmv.apply(Matrix<double>("out", problem.n, problem.lanes));
    return expmv.products();
  }
  ExecSpace space;
  Scratch<double> scratch;
  ExpmvPlan<double> plan;
};

}  // namespace

TEST_CASE("taylor_and_dense_phi_functions_agree_to_rounding") {
  const std::size_t n = GENERATE(1, 2, 20, 64), terms = GENERATE(0, 1, 2, 3);
  const double norm = GENERATE(1e-3, 0.3, 4.0, 50.0, 1e3), c = GENERATE(0.5, 1.0);
  const Problem problem(n, 9, terms, c, norm > 10.0 ? 0.0 : -1.0);
  const Array a = random_hurwitz(n, norm);
  Runner runner(a, problem);
  INFO("n " << n << " terms " << terms << " norm " << norm << " m " << runner.plan.degree().m << " s "
            << runner.plan.degree().s << " shift " << runner.plan.shift());
  CHECK(relative_error(runner.apply(problem), dense_result(a, problem)) < 1e-14 * std::max(5.0, norm));
}

TEST_CASE("taylor_with_a_large_multiple_of_the_identity_needs_few_terms") {
  const std::size_t n = 4;
  Array a = random_hurwitz(n, 1.0);
  for (std::size_t i = 0; i < n; ++i) a[i * (n + 1)] -= 200.0;
  const Problem problem(n, 3, 0, 1.0, 0.0);
  Runner runner(a, problem);
  CHECK(runner.plan.degree().s == 1);
  CHECK(relative_error(runner.apply(problem), dense_result(a, problem)) < 1e-12);
}

TEST_CASE("taylor_with_a_zero_step_returns_the_state") {
  const Problem problem(5, 3, 2, 1.0);  // lane 1 has a zero step
  Runner runner(random_hurwitz(5, 40.0), problem);
  const Array out = runner.apply(problem), u = host_array(problem.u);
  for (std::size_t i = 0; i < 5; ++i) CHECK(out[i * 3 + 1] == u[i * 3 + 1]);
}

TEST_CASE("taylor_waits_for_terms_that_start_late") {
  // From u = 0 with w_3 alone the first two terms of the series vanish.
  const std::size_t n = 6;
  Problem problem(n, 8, 3, 1.0);
  Kokkos::deep_copy(problem.u, 0.0);
  Kokkos::deep_copy(problem.w[0], 0.0);
  Kokkos::deep_copy(problem.w[1], 0.0);
  const Array a = random_hurwitz(n, GENERATE(1.0, 30.0));
  Runner runner(a, problem);
  CHECK(relative_error(runner.apply(problem), dense_result(a, problem)) < 1e-13);
}

TEST_CASE("taylor_treats_every_lane_as_if_it_were_alone") {
  const std::size_t n = 20, lanes = 70, terms = 2;
  const double norm = GENERATE(1.0, 30.0);
  Problem problem(n, lanes, terms, 1.0, norm > 10.0 ? 0.0 : -1.0);
  Array u = random_array(n * lanes, "u");
  for (std::size_t i = 0; i < n; ++i) u[i * lanes + 2] *= 1e-9;  // a small lane beside large ones
  problem.u = device_matrix(u, n);
  for (std::size_t k = 0; k < terms; ++k) {
    Array w = host_array(problem.w[k]);
    for (std::size_t i = 0; i < n; ++i) w[i * lanes + 2] *= 1e-9;
    problem.w[k] = device_matrix(w, n);
  }
  Runner runner(random_hurwitz(n, norm), problem);
  const Array together = runner.apply(problem);
  for (const std::size_t lane : {0, 2, 33, 69}) {
    const auto column = [&](const Matrix<double>& matrix) {
      const Array all = host_array(matrix);
      Array one(n);
      for (std::size_t i = 0; i < n; ++i) one[i] = all[i * lanes + lane];
      return one;
    };
    Problem alone(n, 1, terms, 1.0);
    Kokkos::deep_copy(alone.steps, problem.step(lane));
    alone.u = device_matrix(column(problem.u), n);
    for (std::size_t k = 0; k < terms; ++k) alone.w[k] = device_matrix(column(problem.w[k]), n);
    CHECK(relative_error(runner.apply(alone), column(device_matrix(together, n))) < 1e-14 * norm);
  }
}

TEST_CASE("taylor_forward_and_back_is_the_identity") {
  const std::size_t n = 10, lanes = 8;
  Problem problem(n, lanes, 0, 1.0);
  Runner runner(random_hurwitz(n, 3.0), problem);
  const Array u = host_array(problem.u);
  problem.u = device_matrix(runner.apply(problem), n);
  const auto steps = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, problem.steps);
  for (std::size_t l = 0; l < lanes; ++l) steps(l) = -steps(l);
  Kokkos::deep_copy(problem.steps, steps);
  CHECK(relative_error(runner.apply(problem), u) < 1e-13);
}

TEST_CASE("taylor_stops_early_where_the_steps_are_short") {
  const std::size_t n = 8;
  Problem problem(n, 8, 1, 1.0);
  Runner runner(random_hurwitz(n, 9.0), problem);
  const std::size_t of_long_steps = runner.products(problem);
  Kokkos::deep_copy(problem.steps, 0.01);
  CHECK(runner.products(problem) < of_long_steps);
  CHECK(relative_error(runner.apply(problem), dense_result(random_hurwitz(n, 9.0), problem)) < 1e-14);
}

TEST_CASE("taylor_refuses_what_it_cannot_do") {
  const ExecSpace space;
  ExpmvPlan<double> plan(2, 1);
  CHECK_THROWS_AS(plan.update(random_hurwitz(2, 1e9), 1.0), NumericalError);
  CHECK_THROWS_AS(plan.update(Array{-1.0, std::nan(""), 0.0, -1.0}, 1.0), NumericalError);
  CHECK_THROWS_AS(ExpmvPlan<double>(2, 4), UsageError);
  plan.update(random_hurwitz(2, 1.0), 1.0);
  Scratch<double> scratch;
  CHECK_THROWS_AS(Expmv<double>(space, plan, Problem(2, 8, 2, 1.0).call(), scratch), UsageError);
  CHECK_THROWS_AS(Expmv<double>(space, plan, Problem(3, 8, 1, 1.0).call(), scratch), UsageError);
}

TEST_CASE("taylor_result_of_a_state_that_is_not_finite_is_not_finite") {
  Problem problem(3, 8, 1, 1.0);
  Array u = random_array(24, "u");
  u[5] = std::numeric_limits<double>::quiet_NaN();
  problem.u = device_matrix(u, 3);
  Runner runner(random_hurwitz(3, 5.0), problem);
  CHECK_FALSE(std::isfinite(largest(runner.apply(problem))));
}

namespace {

/// Random adjoints and tangents of all operands, with the results of one vjp and one jvp.
struct Derivatives {
  Derivatives(Runner& runner, const Problem& problem)
      : out_bar(device_matrix(random_array(problem.n * problem.lanes, "out_bar"), problem.n)),
        u_dot(device_matrix(random_array(problem.n * problem.lanes, "u_dot"), problem.n)),
        a_dot(device_matrix(random_array(problem.n * problem.n, "a_dot"), problem.n)),
        u_bar("u_bar", problem.n, problem.lanes),
        a_bar("a_bar", problem.n, problem.n),
        out_dot("out_dot", problem.n, problem.lanes) {
    ExpmvAdjoint<double> bars{u_bar, {}, VectorView<double>(a_bar.data(), a_bar.size())};
    ExpmvTangent<double> dots{u_dot, {}, ConstVectorView<double>(a_dot.data(), a_dot.size())};
    for (std::size_t k = 0; k < problem.terms; ++k) {
      w_dot[k] = device_matrix(random_array(problem.n * problem.lanes, w_dot_names[k]), problem.n);
      w_bar[k] = Matrix<double>("w_bar", problem.n, problem.lanes);
      bars.w[k] = w_bar[k];
      dots.w[k] = w_dot[k];
    }
    runner.method(problem).vjp(out_bar, bars);
    runner.method(problem).jvp(dots, out_dot);
  }

  double reverse() const {
    double sum = dot(host_array(u_bar), host_array(u_dot)) + dot(host_array(a_bar), host_array(a_dot));
    for (std::size_t k = 0; k < w_bar.size() && w_bar[k].size() > 0; ++k)
      sum += dot(host_array(w_bar[k]), host_array(w_dot[k]));
    return sum;
  }
  double forward() const { return dot(host_array(out_bar), host_array(out_dot)); }
  double scale() const {
    const Array bar = host_array(out_bar), tangent = host_array(out_dot);
    return std::sqrt(dot(bar, bar) * dot(tangent, tangent));
  }

  Matrix<double> out_bar, u_dot, a_dot, u_bar, a_bar, out_dot;
  std::array<Matrix<double>, most_phi_terms> w_dot, w_bar;
};

}  // namespace

TEST_CASE("taylor_adjoint_is_the_transpose_of_its_tangent") {
  const std::size_t n = GENERATE(1, 2, 20, 64), terms = GENERATE(0, 1, 3);
  const double norm = GENERATE(1e-3, 4.0, 100.0), c = GENERATE(0.5, 1.0);
  const Problem problem(n, 16, terms, c, norm > 10.0 ? 0.0 : -1.0);
  Runner runner(random_hurwitz(n, norm), problem);
  const Derivatives derivatives(runner, problem);
  INFO("n " << n << " terms " << terms << " norm " << norm << " s " << runner.plan.degree().s);
  CHECK(std::abs(derivatives.forward() - derivatives.reverse()) <= 1e-12 * derivatives.scale());
}

TEST_CASE("taylor_gradient_matches_directional_derivative") {
  const std::size_t n = GENERATE(2, 20), terms = GENERATE(0, 1, 3);
  const double norm = GENERATE(0.3, 4.0, 100.0);
  Problem problem(n, 8, terms, 1.0, norm > 10.0 ? 0.0 : -1.0);
  const Array a = random_hurwitz(n, norm), u = host_array(problem.u);
  Runner runner(a, problem);
  const Derivatives derivatives(runner, problem);
  const Array a_dot = host_array(derivatives.a_dot), u_dot = host_array(derivatives.u_dot);
  const auto at = [&](double t) {
    const auto moved = [t](Array from, const Array& direction) {
      for (std::size_t i = 0; i < from.size(); ++i) from[i] += t * direction[i];
      return from;
    };
    Problem near = problem;
    near.u = device_matrix(moved(u, u_dot), n);
    for (std::size_t k = 0; k < terms; ++k)
      near.w[k] = device_matrix(moved(host_array(problem.w[k]), host_array(derivatives.w_dot[k])), n);
    Runner there(moved(a, a_dot), near);  // degree, scaling and shift chosen anew
    return dot(host_array(derivatives.out_bar), there.apply(near));
  };
  const double t = 2e-3;  // sixth-order central difference
  const double difference =
      (45 * (at(t) - at(-t)) - 9 * (at(2 * t) - at(-2 * t)) + at(3 * t) - at(-3 * t)) / (60 * t);
  INFO("n " << n << " terms " << terms << " norm " << norm << " s " << runner.plan.degree().s);
  CHECK(std::abs(derivatives.reverse() - difference) < 1e-9 * derivatives.scale());
}

TEST_CASE("taylor_adjoint_adds_to_what_is_there") {
  const Problem problem(4, 8, 1, 1.0);
  Runner runner(random_hurwitz(4, 2.0), problem);
  Derivatives derivatives(runner, problem);
  const Array once = host_array(derivatives.a_bar);
  const ExpmvAdjoint<double> bars{derivatives.u_bar,
                                  {derivatives.w_bar[0]},
                                  VectorView<double>(derivatives.a_bar.data(), derivatives.a_bar.size())};
  runner.method(problem).vjp(derivatives.out_bar, bars);
  const Array twice = host_array(derivatives.a_bar);
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(twice[i] == Approx(2.0 * once[i]).epsilon(1e-14));
}

TEST_CASE("cost_prefers_dense_for_small_matrices_and_taylor_for_few_lanes_of_large_ones") {
  const auto taylor_wins = [](std::size_t n, double norm, double lane_steps) {
    PowerNorms norms;
    for (double& alpha : norms.alpha) alpha = norm;
    return lane_steps * taylor_lane_cost(n, 1, choose_degree(norms, 1.0, 1)) <
           dense_update_cost(n, 1, norm) + lane_steps * dense_lane_cost(n, 1);
  };
  CHECK_FALSE(taylor_wins(20, 5.0, 1600));
  CHECK_FALSE(taylor_wins(20, 1e9, 1.0));
  CHECK(taylor_wins(2000, 5.0, 10.0));
}
