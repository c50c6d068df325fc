// Losses of fast-slow models, of rollouts of all variables and of those on the slow manifold.
#include "catch.hpp"
#include "core/forecast/forecast.hpp"
#include "core/loss/objective.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <numeric>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

const DynamicsMode all_modes[] = {DynamicsMode::full, DynamicsMode::slow};

ModelOptions model_options() {
  ModelOptions options;
  options.linear.structure = HurwitzKind::fast_dissipative;
  options.linear.slow_dimension = 2;
  options.linear.mu = -0.1;
  options.linear.rate_min = 0.5;
  options.linear.rate_max = 2.0;
  options.linear.fast.count = 3;
  options.arguments.parameters = {"epsilon"};
  options.nonlinear = {NonlinearKind::slow, NonlinearKind::fast_bilinear, NonlinearKind::fast_linear};
  options.network.hidden = {5};
  options.fast_bilinear.initial_scale = 0.5;
  options.coupling_flow.enabled = true;
  options.coupling_flow.split = 2;
  options.coupling_flow.hidden = {4};
  return options;
}

/// A model of two slow and three fast variables, and trajectories of 5 components; the first one has
/// epsilon = 0.
struct Setup {
  Setup() : model(model_options(), 5), windows(4) {
    model.argument_scaling = {{0.1}, {2.0}};
    theta = model.initialise(2, nullptr);
    const auto noise = direction("noise");
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += 0.1 * noise[i];
    std::iota(windows.begin(), windows.end(), 0);
    data.count = 4;
    data.times = 4;
    data.components = 5;
    data.shared_time = true;
    data.time = {0.0, 0.3, 0.6, 0.9};
    data.state = random_vector(data.count * data.times * data.components, "data", 0.7);
    data.parameters["epsilon"] = {0.0, 0.1, 0.2, 0.4};
  }

  std::vector<double> direction(const std::string& name) const {
    auto v = random_vector(theta.size(), name);
    for (const ParameterBlock& block : model.layout().blocks())
      if (block.frozen) std::ranges::fill(block_of(std::span(v), block), 0.0);
    return v;
  }

  /// The model's own forecast on the slow manifold, by the scheme of the losses.
  void put_on_manifold() {
    BasicForecaster<double>(model, theta, {integrator(), 64, 0.0, ForecastMode::slow}, {0.3}).run(data);
  }

  static IntegratorOptions integrator() { return {Scheme::dopri5, 1, MatrixFunctionMethod::automatic, 0}; }
  WindowData window_data() const { return WindowData(WindowIndex(data.count, data.times, {}), data, 0); }

  template <class Real = double>
  Objective<Real> objective(std::string_view term, DynamicsMode mode, double slow_power = 2.0) const {
    LossOptions loss;
    loss.weights = {{term, 0.8}};
    loss.slow_power = slow_power;
    return Objective<Real>(model, {integrator(), loss, {}, StepScope::table, 0, mode}, StepTable({0.3}),
                           MatrixFunctionMethod::dense);
  }

  double gradient(TileObjective& objective, std::span<const double> at, std::vector<double>& out) const {
    objective.set_parameters(at);
    std::vector<double> contribution(objective.contribution_size());
    objective.contribution(window_data(), windows, contribution);
    out.resize(theta.size());
    return objective.gradient(contribution, windows.size(), out).total;
  }

  std::vector<double> moved(double e, std::span<const double> along) const {
    std::vector<double> result = theta;
    for (std::size_t i = 0; i < result.size(); ++i) result[i] += e * along[i];
    return result;
  }

  Model model;
  std::vector<std::uint64_t> windows;
  std::vector<double> theta;
  Trajectories data;
};

template <class Action>
void for_each_term(Action action) {
  for (const LossTermKind& kind : loss_terms())
    if (kind.of_any_data)
      for (const DynamicsMode mode : all_modes) {
        CAPTURE(kind.name, int(mode));
        action(kind.name, mode);
      }
}

}  // namespace

TEST_CASE("losses_of_fast_slow_models_have_the_gradient_of_their_value_in_both_modes") {
  const Setup s;
  const auto direction = s.direction("direction");
  for_each_term([&](std::string_view term, DynamicsMode mode) {
    auto objective = s.objective(term, mode);
    std::vector<double> gradient, other;
    const double value = s.gradient(objective, s.theta, gradient);
    CHECK(value > 0.0);
    const auto at = [&](double e) { return s.gradient(objective, s.moved(e, direction), other); };
    const double slope = dot(gradient, direction);
    CHECK(relative(slope, (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-6);
    const double r1 = std::abs(at(1e-3) - value - 1e-3 * slope),
                 r2 = std::abs(at(5e-4) - value - 5e-4 * slope);
    CHECK(std::log2(r1 / r2) == Approx(2.0).margin(0.1));
  });
}

TEST_CASE("gauss_newton_matrix_of_fast_slow_losses_is_the_hessian_on_the_slow_manifold") {
  Setup s;
  s.put_on_manifold();
  const auto v = s.direction("v"), w = s.direction("w");
  for_each_term([&](std::string_view term, DynamicsMode mode) {
    auto objective = s.objective(term, mode);
    std::vector<double> plus, minus;
    CHECK(s.gradient(objective, s.theta, plus) < 1e-20);
    s.gradient(objective, s.moved(1e-5, v), plus);
    s.gradient(objective, s.moved(-1e-5, v), minus);
    objective.set_parameters(s.theta);
    objective.set_directions(v);
    std::vector<double> sum(objective.product_size()), Hv(s.theta.size());
    objective.product_contribution(s.window_data(), s.windows, sum);
    objective.product(sum, s.windows.size(), Hv);
    double error = 0.0, size = 0.0;
    for (std::size_t i = 0; i < Hv.size(); ++i) {
      error = std::max(error, std::abs(Hv[i] - (plus[i] - minus[i]) / 2e-5));
      size = std::max(size, std::abs(Hv[i]));
    }
    CHECK(size > 0.0);
    CHECK(error < 1e-6 * size);

    std::vector<double> directions = v, entries(3), matrix(4);
    directions.insert(directions.end(), w.begin(), w.end());
    objective.set_directions(directions);
    objective.gram_contribution(s.window_data(), s.windows, entries);
    objective.gram(entries, s.windows.size(), matrix);
    CHECK(matrix[1] == Approx(dot(w, Hv)).epsilon(1e-9));
  });
}

TEST_CASE("latent_loss_is_the_mean_of_those_of_slow_and_fast_variables") {
  Setup s;
  s.data.parameters["epsilon"].assign(4, 0.5);
  std::vector<double> gradient;
  for (const DynamicsMode mode : all_modes) {
    const auto value = [&](std::string_view term, double power) {
      auto objective = s.objective(term, mode, power);
      return s.gradient(objective, s.theta, gradient);
    };
    const double slow = value("slow", 0.0), fast = value("fast", 2.0);
    CHECK(value("latent", 2.0) == Approx((2.0 * slow + 3.0 * fast) / 5.0));
    CHECK(value("slow", 1.0) == Approx(2.0 * slow));
    CHECK(value("slow", 2.0) == Approx(4.0 * slow));
  }
}

TEST_CASE("trajectories_without_epsilon_have_no_slow_loss") {
  Setup s;
  std::vector<double> gradient;
  auto objective = s.objective("slow", DynamicsMode::full);
  const double before = s.gradient(objective, s.theta, gradient);
  for (std::size_t t = 1; t < s.data.times; ++t) s.data.state_at(0, t)[0] += 1.0;
  CHECK(s.gradient(objective, s.theta, gradient) == before);
  s.data.state_at(1, 1)[0] += 1.0;
  CHECK(s.gradient(objective, s.theta, gradient) != before);
}

TEST_CASE("slow_losses_of_mixed_precision_are_those_of_double") {
  const Setup s;
  for_each_term([&](std::string_view term, DynamicsMode mode) {
    auto exact = s.objective(term, mode);
    auto mixed = s.objective<float>(term, mode);
    std::vector<double> of_exact, of_mixed;
    CHECK(s.gradient(mixed, s.theta, of_mixed) == Approx(s.gradient(exact, s.theta, of_exact)).epsilon(1e-4));
    CHECK(dot(of_mixed, of_exact) == Approx(dot(of_exact, of_exact)).epsilon(1e-3));
  });
}

TEST_CASE("losses_of_fast_slow_models_are_refused_where_they_have_no_meaning") {
  const Setup s;
  ModelOptions plain;
  plain.nonlinear = {NonlinearKind::network};
  const Model other(plain, 5);
  for (const char* term : {"slow", "fast", "manifold"}) {
    LossOptions loss;
    loss.weights = {{term, 1.0}};
    CHECK_THROWS_AS(Objective<double>(other, {Setup::integrator(), loss, {}}, StepTable({0.3}),
                                      MatrixFunctionMethod::dense),
                    OptionError);
  }
  ObjectiveOptions continuous{Setup::integrator(), {}, {}, StepScope::table, 0, DynamicsMode::slow};
  continuous.integrator.adjoint = Adjoint::continuous;
  CHECK_THROWS_AS(Objective<double>(s.model, continuous, StepTable({0.3}), MatrixFunctionMethod::dense),
                  UsageError);
}
