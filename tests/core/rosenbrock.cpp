// Schemes that are implicit in the Jacobian at each state.
#include "catch.hpp"
#include "core/forecast/forecast.hpp"
#include "core/integrators/rollout.hpp"
#include "core/integrators/window_steps.hpp"
#include "core/loss/objective.hpp"
#include "core/matrix_functions/lane_solve.hpp"
#include "core/vector_field/lane_jacobian.hpp"
#include "helpers.hpp"

#include <numeric>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

using Rows = std::vector<std::vector<double>>;

Rows square(const Rows& lower) {
  Rows M(lower.size(), std::vector<double>(lower.size(), 0.0));
  for (std::size_t i = 0; i < lower.size(); ++i) std::ranges::copy(lower[i], M[i].begin());
  return M;
}

std::vector<double> times(const Rows& M, const std::vector<double>& x) {
  std::vector<double> y;
  for (const auto& row : M) y.push_back(dot(row, x));
  return y;
}

// x of M x = y, or of the transpose, for a lower triangle.
std::vector<double> solve(const Rows& M, std::vector<double> x, bool transposed) {
  const std::size_t s = M.size();
  for (std::size_t k = 0; k < s; ++k) {
    const std::size_t i = transposed ? s - 1 - k : k;
    x[i] /= M[i][i];
    for (std::size_t j = 0; j < s; ++j)
      if (transposed ? j < i : j > i) x[j] -= (transposed ? M[i][j] : M[j][i]) * x[i];
  }
  return x;
}

std::vector<double> product(std::vector<double> x, const std::vector<double>& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= y[i];
  return x;
}

/// The coefficients of the untransformed scheme: beta = alpha + Gamma, b (Hairer and Wanner II, section
/// IV.7).
struct Untransformed {
  explicit Untransformed(const RosenbrockTableau& tableau) : T(square(tableau.c)), A(square(tableau.a)) {
    for (std::size_t i = 0; i < T.size(); ++i) {
      for (double& entry : T[i]) entry = -entry;
      T[i][i] = 1.0 / tableau.gamma;
    }
    b = solve(T, tableau.weights(), true);
    std::vector<double> last(T.size(), 0.0);
    last.back() = 1.0;
    error = solve(T, last, true);
  }
  std::vector<double> alpha(const std::vector<double>& x) const { return times(A, solve(T, x, false)); }
  std::vector<double> beta(const std::vector<double>& x) const {
    std::vector<double> y = alpha(x), z = solve(T, x, false);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += z[i];
    return y;
  }
  std::vector<double> ones() const { return std::vector<double>(T.size(), 1.0); }

  Rows T, A;
  std::vector<double> b, error;  // weights; of the estimated error
};

// What the order conditions up to `order` miss for the weights b.
double missed(const Untransformed& scheme, const std::vector<double>& b, int order) {
  const auto one = scheme.ones(), a = scheme.alpha(one), beta = scheme.beta(one), aa = product(a, a);
  std::vector<double> misses = {dot(b, one) - 1.0, dot(b, beta) - 1.0 / 2};
  if (order >= 3) {
    misses.push_back(dot(b, aa) - 1.0 / 3);
    misses.push_back(dot(b, scheme.beta(beta)) - 1.0 / 6);
  }
  if (order >= 4) {
    misses.push_back(dot(b, product(aa, a)) - 1.0 / 4);
    misses.push_back(dot(b, product(a, scheme.alpha(beta))) - 1.0 / 8);
    misses.push_back(dot(b, scheme.beta(aa)) - 1.0 / 12);
    misses.push_back(dot(b, scheme.beta(scheme.beta(beta))) - 1.0 / 24);
  }
  double largest = 0.0;
  for (const double miss : misses) largest = std::max(largest, std::abs(miss));
  return largest;
}

const Scheme schemes[] = {Scheme::rodas3, Scheme::rodas4p};

// A model that depends on a parameter, on an input and on time, in tiles of eight lanes.
ModelOptions moving_model() {
  ModelOptions options;
  options.linear = {0.1, 0.5, 2.0, 0.3, true};
  options.nonlinear = {NonlinearKind::bilinear, NonlinearKind::network, NonlinearKind::forcing};
  options.bilinear = {2, 0.3};
  options.network.hidden = {6};
  options.network.relaxation = true;
  options.arguments = {{"mu"}, {"c"}, true, Interpolation::cubic};
  return options;
}

struct Moving {
  static constexpr std::size_t n = 3, lanes = 8;

  explicit Moving(const ModelOptions& options = moving_model())
      : model(options, n), theta(model.initialise(2, nullptr)) {
    // Every block plays a part.
    const auto noise = random_vector(theta.size(), "noise", 0.1);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
    data.count = lanes;
    data.times = 2;
    data.components = n;
    data.time = {0.0, 1.0};
    data.input_times = 4;
    data.input_time = {0.0, 0.3, 0.8, 1.0};
    data.inputs["c"] = random_vector(4 * lanes, "c");
    data.parameters["mu"] = random_vector(lanes, "mu");
    data.state.assign(2 * n * lanes, 0.0);
  }

  struct Run {
    Matrix<double> states, states_dot;
    std::vector<double> theta_bar;
    Matrix<double> u_bar;
  };
  // Over [0, 1] in equal steps; with directions also the tangent, and the adjoint of w at the last state.
  Run run(Scheme scheme, std::size_t steps, std::span<const double> at, const Matrix<double>& start,
          std::span<const double> theta_dot = {}, const Matrix<double>& u_dot = {},
          const Matrix<double>& w = {}) {
    Dynamics<double> dynamics(model, {scheme, steps}, StepTable({1.0 / double(steps)}),
                              MatrixFunctionMethod::dense);
    dynamics.set_parameters(at);
    ArgumentReader reader(model.options().arguments, model.argument_scaling);
    reader.attach(data);
    std::vector<std::size_t> trajectories(lanes);
    std::iota(trajectories.begin(), trajectories.end(), 0);
    std::vector<double> ends(2 * lanes, 0.0);
    std::fill(ends.begin() + lanes, ends.end(), 1.0);
    RolloutSteps<double> tile;
    tile.assign(dynamics.table(), std::vector<double>(lanes, 1.0 / double(steps)), 1, lanes);
    tile.assign_arguments(reader, {trajectories, ends}, steps, dynamics.integrator().abscissae());
    const ScratchFrame frame(scratch);
    Run result{Matrix<double>("states", n, 2 * lanes), {}, std::vector<double>(theta.size(), 0.0), {}};
    Kokkos::deep_copy(lanes_of(MatrixView<double>(result.states), 0, lanes), start);
    Rollout<double> rollout(dynamics, {steps, 0});
    rollout.forward(space, tile, result.states, Rollout<double>::Record::yes, scratch);
    if (theta_dot.empty()) return result;
    std::vector<double> dot(dynamics.coefficient_count());
    dynamics.assemble_jvp(at, theta_dot, dot);
    result.states_dot = Matrix<double>("states_dot", n, 2 * lanes);
    Kokkos::deep_copy(lanes_of(MatrixView<double>(result.states_dot), 0, lanes), u_dot);
    rollout.tangent(space, tile, result.states_dot, to_device<double>(dot), scratch);
    Matrix<double> bars("bars", n, 2 * lanes);
    Kokkos::deep_copy(lanes_of(MatrixView<double>(bars), lanes, lanes), w);
    Vector<double> bar("bar", dynamics.coefficient_count());
    rollout.reverse(space, tile, bars, bar, scratch);
    dynamics.assemble_vjp(at, to_host(bar), result.theta_bar);
    result.u_bar = first(bars);
    return result;
  }
  static Matrix<double> block(const Matrix<double>& states, std::size_t i) {
    Matrix<double> copy("block", n, lanes);
    Kokkos::deep_copy(copy, lanes_of(MatrixView<double>(states), i * lanes, lanes));
    return copy;
  }
  static Matrix<double> first(const Matrix<double>& states) { return block(states, 0); }
  static Matrix<double> last(const Matrix<double>& states) { return block(states, 1); }

  Model model;
  std::vector<double> theta;
  Trajectories data;
  ExecSpace space;
  Scratch<double> scratch;
  Matrix<double> u0 = random_matrix(n, lanes, "u0", 0.7);
};

double norm(const Matrix<double>& X) { return std::sqrt(dot(X, X)); }

}  // namespace

TEST_CASE("rosenbrock_tableaux_satisfy_the_conditions_of_their_order") {
  for (const RosenbrockTableau& tableau : {rodas3_tableau(), rodas4p_tableau()}) {
    const Untransformed scheme(tableau);
    CHECK(missed(scheme, scheme.b, tableau.order) < 2e-14);
    std::vector<double> embedded = scheme.b;
    for (std::size_t i = 0; i < embedded.size(); ++i) embedded[i] -= scheme.error[i];
    CHECK(missed(scheme, embedded, tableau.order - 1) < 2e-14);
    const auto alpha = scheme.alpha(scheme.ones()), gamma = solve(scheme.T, scheme.ones(), false);
    for (std::size_t i = 0; i < alpha.size(); ++i) {
      CHECK(alpha[i] == Approx(tableau.alpha[i]).margin(2e-14));
      CHECK(gamma[i] == Approx(tableau.gammas()[i]).margin(2e-14));
    }
  }
}

TEST_CASE("rosenbrock_schemes_damp_what_decays_much_faster_than_a_step") {
  // One step of 1 multiplies by R(-rate), which vanishes as 1 / rate.
  for (const Scheme scheme : schemes)
    for (const double rate : {1e3, 1e6, 1e9}) {
      ModelOptions options;
      options.nonlinear.clear();
      options.linear = {0.0, rate, rate, 0.0, true};
      const Model model(options, 1);
      Dynamics<double> d(model, {scheme, 1}, StepTable({1.0}), MatrixFunctionMethod::dense);
      d.set_parameters(model.initialise(1, nullptr));
      Scratch<double> scratch;
      RolloutSteps<double> steps;
      steps.assign(d.table(), std::vector<double>(8, 1.0), 1, 8);
      Matrix<double> states("states", 1, 16);
      Kokkos::deep_copy(states, 1.0);
      Rollout<double>(d, {1, 0}).forward(ExecSpace(), steps, states, Rollout<double>::Record::no, scratch);
      CAPTURE(int(scheme), rate);
      CHECK(std::abs(on_host(states)(0, 8)) < 50.0 / rate);
    }
}

TEST_CASE("rosenbrock_schemes_keep_their_order_where_inputs_and_time_move") {
  Moving m;
  // One polynomial over all steps: the pieces of a cubic that meet cost every scheme its order.
  const Matrix<double> reference = Moving::last(m.run(Scheme::dopri5, 512, m.theta, m.u0).states);
  for (const Scheme scheme : schemes) {
    const auto error = [&](std::size_t steps) {
      return norm(moved(Moving::last(m.run(scheme, steps, m.theta, m.u0).states), -1.0, reference));
    };
    const double order = scheme == Scheme::rodas3 ? 3.0 : 4.0;
    const std::size_t coarse = scheme == Scheme::rodas3 ? 32 : 16;
    CAPTURE(int(scheme));
    CHECK(std::log2(error(coarse) / error(2 * coarse)) == Approx(order).margin(0.3));
  }
}

TEST_CASE("gradients_of_rosenbrock_steps_are_exact_where_inputs_and_time_move") {
  for (const Scheme scheme : schemes) {
    Moving m;
    const auto theta_dot = random_vector(m.theta.size(), "theta_dot");
    const auto u_dot = random_matrix(m.n, m.lanes, "u_dot"), w = random_matrix(m.n, m.lanes, "w");
    const auto run = m.run(scheme, 2, m.theta, m.u0, theta_dot, u_dot, w);
    const double forward = dot(Moving::last(run.states_dot), w), start = dot(Moving::last(run.states), w);
    CAPTURE(int(scheme));
    CHECK(relative(forward, dot(run.theta_bar, theta_dot) + dot(run.u_bar, u_dot)) < 1e-12);
    const auto remainder = [&](double e) {
      auto theta = m.theta;
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * theta_dot[i];
      return std::abs(dot(Moving::last(m.run(scheme, 2, theta, moved(m.u0, e, u_dot)).states), w) - start -
                      e * forward);
    };
    CHECK(std::log2(remainder(2e-4) / remainder(1e-4)) == Approx(2.0).margin(0.1));
  }
}

TEMPLATE_TEST_CASE("pivoted_systems_of_lanes_are_solved_to_rounding", "", double, float) {
  using Real = TestType;
  const std::size_t lanes = 16;
  for (const std::size_t n : {1, 2, 5, 64}) {
    // Zero diagonals: without pivots the elimination fails.
    Matrix<Real> M = random_matrix<Real>(n * n, lanes, "M");
    if (n > 1)
      for (std::size_t i = 0; i < n; ++i) fill(ExecSpace(), 0.0, rows_of(MatrixView<Real>(M), i * n + i, 1));
    const Matrix<Real> r = random_matrix<Real>(n, lanes, "r");
    Matrix<Real> F("F", n * n + n, lanes), w("w", n, lanes);
    Kokkos::deep_copy(rows_of(MatrixView<Real>(F), 0, n * n), M);
    factor_lanes<Real>(ExecSpace(), n, F);
    const auto M_ = on_host(M), r_ = on_host(r);
    for (const Transpose transpose : {Transpose::no, Transpose::yes}) {
      Kokkos::deep_copy(w, r);
      solve_factored<Real>(ExecSpace(), F, transpose, w);
      const auto w_ = on_host(w);
      for (std::size_t l = 0; l < lanes; ++l)
        for (std::size_t i = 0; i < n; ++i) {
          double sum = 0.0, size = 0.0;
          for (std::size_t j = 0; j < n; ++j) {
            const double entry = M_(transpose == Transpose::no ? i * n + j : j * n + i, l);
            sum += entry * double(w_(j, l));
            size += std::abs(entry * double(w_(j, l)));
          }
          CHECK(std::abs(sum - double(r_(i, l))) < 100 * double(n) * roundoff<Real> * (size + 1.0));
        }
    }
  }
}

TEST_CASE("adaptive_rosenbrock_steps_follow_a_stiffness_that_changes_with_the_state") {
  // The equation of van der Pol with mu = 1000 over one period, against the same with a tighter tolerance.
  ModelOptions options;
  options.linear.structure = HurwitzKind::none;
  options.nonlinear = {NonlinearKind::library};
  options.library.degree = 3;
  const Model model(options, 2);
  std::vector<double> theta = model.initialise(1, nullptr), Xi(2 * model.library()->functions(), 0.0);
  const auto names = model.library()->function_names({"x", "y"});
  const auto set = [&](std::size_t row, const std::string& name, double value) {
    const auto found = std::ranges::find(names, name);
    REQUIRE(found != names.end());
    Xi[row * names.size() + std::size_t(found - names.begin())] = value;
  };
  set(0, "y", 1.0);
  set(1, "y", 1000.0);
  set(1, "x^2 y", -1000.0);
  set(1, "x", -1.0);
  model.library()->set_coefficients(Xi, theta);
  Trajectories data;
  data.count = 1;
  data.times = 41;
  data.components = 2;
  for (int t = 0; t <= 40; ++t) data.time.push_back(42.5 * t);
  data.state.assign(82, 0.0);
  data.state[0] = 2.0;
  const auto forecast = [&](Scheme scheme, double tolerance) {
    Trajectories states = data;
    BasicForecaster<double>(model, theta, {{scheme, 1}, 64, tolerance}, forecast_steps(data, 1)).run(states);
    return states;
  };
  const Trajectories reference = forecast(Scheme::rodas4p, 1e-9);
  CHECK(*std::ranges::min_element(reference.state) < -1.9);  // it has jumped
  for (const Scheme scheme : schemes) {
    const Trajectories states = forecast(scheme, 1e-6);
    double largest = 0.0;
    for (std::size_t t = 0; t < data.times; ++t)
      largest = std::max(largest, std::abs(states.state[2 * t] - reference.state[2 * t]));
    CAPTURE(int(scheme));
    CHECK(largest < 1e-3);
  }
}

namespace {

// Windows of two intervals with times of their own, of a bilinear model with a parameter and an input.
struct Training {
  explicit Training(double tolerance, Scheme scheme = Scheme::rodas4p)
      : integrator{.scheme = scheme, .tolerance = tolerance}, model(options(), 3), windows(12) {
    std::iota(windows.begin(), windows.end(), 1);
    theta = model.initialise(4, nullptr);
    const auto noise = random_vector(theta.size(), "noise", 0.1);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
    data.count = 5;
    data.times = 7;
    data.components = 3;
    data.shared_time = false;
    data.state = random_vector(data.count * data.times * 3, "data", 0.5);
    for (std::size_t n = 0; n < data.count; ++n)
      for (std::size_t t = 0; t < data.times; ++t)
        data.time.push_back(0.2 * double(t) + 0.01 * double(t * t) * double(n + 1));
    data.shared_input_time = false;
    data.input_times = data.times;
    data.input_time = data.time;
    data.inputs["c"] = random_vector(data.count * data.times, "c");
  }
  static ModelOptions options() {
    ModelOptions options;
    options.linear = {0.1, 0.5, 20.0, 0.3, true};
    options.nonlinear = {NonlinearKind::bilinear, NonlinearKind::forcing};
    options.bilinear = {2, 1.0};
    options.arguments.inputs = {"c"};
    return options;
  }
  WindowData window_data() const {
    return WindowData(WindowIndex(data.count, data.times, {2, 1, {}}), data, 0);
  }
  std::unique_ptr<Objective<double>> objective() const {
    return std::make_unique<Objective<double>>(model, ObjectiveOptions{integrator, {}, {}, StepScope::table},
                                               StepTable(distinct_steps(window_data(), 1)),
                                               MatrixFunctionMethod::dense);
  }
  double value(TileObjective& objective, std::span<const double> at,
               std::span<const std::uint64_t> some) const {
    objective.set_parameters(at);
    std::vector<double> out(objective.value_size());
    objective.value_contribution(window_data(), some, out);
    return objective.value(out, some.size()).total;
  }

  IntegratorOptions integrator;
  Model model;
  std::vector<std::uint64_t> windows;
  std::vector<double> theta;
  Trajectories data;
};

}  // namespace

TEST_CASE("gradient_of_adaptive_steps_is_that_of_the_steps_that_were_taken") {
  for (const Scheme scheme : {Scheme::rodas3, Scheme::rodas4p, Scheme::dopri5, Scheme::etdrk2}) {
    const Training s(1e-5, scheme);
    const auto objective = s.objective();
    objective->set_parameters(s.theta);
    std::vector<double> out(objective->contribution_size()), gradient(s.theta.size());
    objective->contribution(s.window_data(), s.windows, out);
    const double loss = objective->gradient(out, s.windows.size(), gradient).total;
    CAPTURE(int(scheme));
    CHECK(loss == s.value(*objective, s.theta, s.windows));
    // With equal steps the loss is another one, with a smaller tolerance nearly the same.
    CHECK(relative(loss, s.value(*Training(0.0, scheme).objective(), s.theta, s.windows)) > 1e-9);
    CHECK(relative(loss, s.value(*Training(1e-9, scheme).objective(), s.theta, s.windows)) < 1e-4);

    const auto direction = random_vector(s.theta.size(), "direction");
    const auto at = [&](double e) {
      auto theta = s.theta;
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * direction[i];
      return s.value(*objective, theta, s.windows);
    };
    const double e = 1e-6;
    CHECK(relative(dot(gradient, direction), (at(e) - at(-e)) / (2 * e)) < 1e-6);
  }
}

TEST_CASE("adaptive_steps_of_a_window_do_not_depend_on_the_windows_beside_it") {
  const Training s(1e-6);
  const auto objective = s.objective();
  double sum = 0.0;
  for (std::size_t i = 0; i < s.windows.size(); ++i)
    sum += s.value(*objective, s.theta, std::span(s.windows).subspan(i, 1));
  CHECK(relative(s.value(*objective, s.theta, s.windows), sum / double(s.windows.size())) < 1e-14);
}

TEST_CASE("a_window_that_no_step_suits_has_no_finite_loss") {
  const Training s(1e-30);
  CHECK_FALSE(std::isfinite(s.value(*s.objective(), s.theta, s.windows)));
}
