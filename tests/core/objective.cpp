#include "core/loss/objective.hpp"
#include "allocations.hpp"
#include "catch.hpp"
#include "core/forecast/forecast.hpp"
#include "core/support/error.hpp"
#include "core/vector_field/vector_field.hpp"
#include "helpers.hpp"

#include <numeric>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

// Random trajectories of 6 components with two tangents at each state; times differ from trajectory to
// trajectory where asked for.
WindowData window_data(bool shared_time, std::size_t window = 3) {
  Trajectories data;
  data.count = 5;
  data.times = 7;
  data.components = 6;
  data.shared_time = shared_time;
  data.state = random_vector(data.count * data.times * data.components, "data");
  data.tangents = 2;
  data.parameters["epsilon"] = random_vector(data.count, "epsilon");
  data.directions = random_vector(data.tangents * data.state.size(), "directions");
  data.products = random_vector(data.tangents * data.state.size(), "products");
  for (std::size_t n = 0; n < (shared_time ? 1 : data.count); ++n)
    for (std::size_t t = 0; t < data.times; ++t)
      data.time.push_back(0.2 * double(t) * (1.0 + 0.1 * double(n)) + 0.01 * double(t * t));
  return WindowData(WindowIndex(data.count, data.times, {window, 1, {}}), data, 0);
}

ModelOptions model_options() {
  ModelOptions options;
  options.latent_dimension = 4;
  options.linear = {0.1, 0.5, 2.0, 0.3, true};
  options.nonlinear = {NonlinearKind::bilinear, NonlinearKind::lipschitz};
  options.bilinear = {2, 0.3};
  options.lipschitz.hidden = {6};
  options.lipschitz.bound = 1.0;
  options.lipschitz.relaxation = true;
  options.autoencoder.enabled = true;
  options.autoencoder.pod_trainable = true;
  options.autoencoder.hidden = {5};
  return options;
}

// A coupling flow in place of the autoencoder, with a parameter for each trajectory.
ModelOptions flow_options() {
  ModelOptions options = model_options();
  options.latent_dimension = 0;
  options.arguments.parameters = {"epsilon"};
  options.autoencoder = {};
  options.coupling_flow.enabled = true;
  options.coupling_flow.affine_bound = 1.5;
  options.coupling_flow.scale_bound = 1.5;
  options.coupling_flow.hidden = {4};
  options.coupling_flow.conditioners = {ConditionerKind::network, ConditionerKind::product};
  return options;
}

// As a term demands its coordinates.
ModelOptions options_for(const LossTermKind& kind) {
  ModelOptions options = model_options();
  if (kind.coordinates == CoordinateDemand::none) return options;
  options.autoencoder.pod_trainable = false;
  options.autoencoder.hidden = {};
  return options;
}

LossOptions all_terms() {
  return {TimeWeights::trapezoid,
          ComponentWeights::none,
          {{"trajectory", 1.0}, {"latent", 0.7}, {"reconstruction", 0.4}, {"weight_decay", 1e-2}},
          {}};
}

struct Setup {
  Setup(bool shared_time, ModelOptions options)
      : data(window_data(shared_time)), model(options, 6), windows(17) {
    std::iota(windows.begin(), windows.end(), 1);
    for (std::size_t i = 0; i < 6; ++i)
      model.scaling.shift[i] = 0.1 * double(i), model.scaling.scale[i] = 1.0 + 0.2 * double(i);
    const PodStart pod{random_vector(4 * 6, "pod", 0.5), 1.3};
    theta = model.initialise(4, &pod);
    const auto noise = random_vector(theta.size(), "theta", 0.1);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
  }

  template <class Real = double>
  Objective<Real> objective(IntegratorOptions integrator, LossOptions loss,
                            MatrixFunctionMethod method) const {
    return Objective<Real>(model,
                           {integrator, loss, random_weights(), StepScope::table, data.held().tangents},
                           StepTable(distinct_steps(data, integrator.substeps)), method);
  }
  static std::vector<double> random_weights() { return {1.0, 0.5, 2.0, 1.5, 0.1, 1.0}; }

  WindowData data;
  Model model;
  std::vector<std::uint64_t> windows;
  std::vector<double> theta;
};

struct Result {
  LossTerms loss;
  std::vector<double> gradient;
};

Result evaluate(TileObjective& objective, const Setup& s, std::span<const double> theta) {
  objective.set_parameters(theta);
  std::vector<double> contribution(objective.contribution_size());
  objective.contribution(s.data, s.windows, contribution);
  Result result;
  result.gradient.resize(theta.size());
  result.loss = objective.gradient(contribution, s.windows.size(), result.gradient);
  return result;
}

}  // namespace

TEST_CASE("gradient_of_the_objective_matches_directional_derivative") {
  for (const bool shared_time : {true, false})
    for (const auto& [method, options] : {std::pair(MatrixFunctionMethod::dense, model_options()),
                                          std::pair(MatrixFunctionMethod::taylor, model_options()),
                                          std::pair(MatrixFunctionMethod::dense, flow_options())}) {
      Setup s(shared_time, options);
      Objective<double> objective = s.objective({Scheme::etdrk2, 2, method, 0}, all_terms(), method);
      const Result at = evaluate(objective, s, s.theta);
      const auto direction = random_vector(s.theta.size(), "direction");
      const auto moved = [&](double e) {
        auto theta = s.theta;
        for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * direction[i];
        return evaluate(objective, s, theta).loss.total;
      };
      // Taylor test: the remainder of the first-order expansion falls by four when e is halved.
      const double slope = dot(at.gradient, direction);
      const double e = 1e-3;
      const double r1 = std::abs(moved(e) - at.loss.total - e * slope);
      const double r2 = std::abs(moved(e / 2) - at.loss.total - e / 2 * slope);
      CHECK(std::log2(r1 / r2) == Approx(2.0).margin(0.1));
      CHECK(relative(slope, (moved(1e-5) - moved(-1e-5)) / 2e-5) < 1e-7);
    }
}

TEST_CASE("continuous_adjoint_differs_from_the_discrete_one_by_the_order_of_the_scheme") {
  ModelOptions options = model_options();
  options.linear.structure = HurwitzKind::dense;
  Setup s(true, options);
  const auto difference = [&](std::size_t substeps) {
    const auto gradient = [&](Adjoint adjoint) {
      IntegratorOptions integrator{Scheme::rk4, substeps, MatrixFunctionMethod::dense, 0};
      integrator.adjoint = adjoint;
      Objective<double> objective = s.objective(integrator, all_terms(), MatrixFunctionMethod::dense);
      return evaluate(objective, s, s.theta).gradient;
    };
    const auto exact = gradient(Adjoint::discrete), other = gradient(Adjoint::continuous);
    double square = 0.0;
    for (std::size_t i = 0; i < exact.size(); ++i) square += std::pow(exact[i] - other[i], 2);
    return std::sqrt(square / dot(exact, exact));
  };
  CHECK(difference(2) < 1e-3);
  CHECK(std::log2(difference(2) / difference(4)) == Approx(4.0).margin(0.3));
  CHECK(std::log2(difference(4) / difference(8)) == Approx(4.0).margin(0.3));
}

namespace {

void require_gradient_of_the_value(std::size_t term, const ModelOptions& options, LossOptions loss) {
  Setup s(false, options);
  auto direction = random_vector(s.theta.size(), "direction");
  for (const ParameterBlock& block : s.model.layout().blocks())
    for (std::size_t k = 0; k < block.size() && block.frozen; ++k) direction[block.offset + k] = 0.0;
  CAPTURE(loss_terms()[term].name);
  for (std::size_t i = 0; i < loss_terms().size(); ++i) loss.weights[i] = i == term ? 0.8 : 0.0;
  Objective<double> objective =
      s.objective({Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0}, loss, MatrixFunctionMethod::dense);
  const Result at = evaluate(objective, s, s.theta);
  CHECK(at.loss.values[term] > 0.0);
  CHECK(at.loss.total == Approx(0.8 * at.loss.values[term]).epsilon(1e-14));
  const auto moved = [&](double e) {
    auto theta = s.theta;
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * direction[i];
    return evaluate(objective, s, theta).loss.total;
  };
  CHECK(relative(dot(at.gradient, direction), (moved(1e-5) - moved(-1e-5)) / 2e-5) < 1e-7);
}

}  // namespace

TEST_CASE("every_term_of_the_loss_has_the_gradient_of_its_value") {
  for (std::size_t term = 0; term < loss_terms().size(); ++term) {
    const LossTermKind& kind = loss_terms()[term];
    if (kind.needs_fast_slow) continue;  // fast_slow_loss.cpp
    LossOptions loss{TimeWeights::trapezoid, ComponentWeights::none, {}, {}};
    require_gradient_of_the_value(term, options_for(kind), loss);
    if (kind.coordinates == CoordinateDemand::none) continue;
    ModelOptions identity = model_options();
    identity.latent_dimension = 0;
    identity.autoencoder.enabled = false;
    loss.second_difference_form = SecondDifferenceForm::forward;
    require_gradient_of_the_value(term, identity, loss);
  }
}

namespace {

// The derivative term alone, with derivatives of the data.
LossOptions given_derivatives() {
  LossOptions loss{TimeWeights::trapezoid, ComponentWeights::none, {{"derivative", 0.8}}, {}};
  loss.derivatives = DerivativeSource::given;
  return loss;
}

WindowData with_derivatives(const WindowData& data, double scale = 1.0) {
  Trajectories held = data.held();
  held.derivative = random_vector(held.state.size(), "derivative", scale);
  return WindowData(data.index(), held, 0);
}

}  // namespace

TEST_CASE("derivative_term_of_given_derivatives_has_the_gradient_of_its_value") {
  for (const bool trainable : {true, false})
    for (const bool network : {true, false}) {
      ModelOptions options = model_options();
      options.autoencoder.pod_trainable = trainable;
      options.autoencoder.frozen = !trainable;
      if (!network) options.autoencoder.hidden.clear();
      Setup s(false, options);
      s.data = with_derivatives(s.data);
      Objective<double> objective = s.objective({Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0},
                                                given_derivatives(), MatrixFunctionMethod::dense);
      const auto direction = random_vector(s.theta.size(), "direction");
      const Result at = evaluate(objective, s, s.theta);
      CHECK(at.loss.total > 0.0);
      // Frozen blocks do not move.
      const auto moved = [&](double e) {
        auto theta = s.theta;
        for (const ParameterBlock& block : s.model.layout().blocks())
          for (std::size_t i = block.offset; i < block.offset + block.size() && !block.frozen; ++i)
            theta[i] += e * direction[i];
        return evaluate(objective, s, theta).loss.total;
      };
      CAPTURE(trainable, network);
      CHECK(relative(dot(at.gradient, direction), (moved(1e-5) - moved(-1e-5)) / 2e-5) < 1e-7);
    }
}

TEST_CASE("derivative_term_through_a_coupling_flow_has_the_gradient_of_its_value") {
  Setup s(false, flow_options());
  s.data = with_derivatives(s.data);
  Objective<double> objective = s.objective({Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0},
                                            given_derivatives(), MatrixFunctionMethod::dense);
  const auto direction = random_vector(s.theta.size(), "direction");
  const Result at = evaluate(objective, s, s.theta);
  const auto moved = [&](double e) {
    auto theta = s.theta;
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * direction[i];
    return evaluate(objective, s, theta).loss.total;
  };
  CHECK(relative(dot(at.gradient, direction), (moved(1e-5) - moved(-1e-5)) / 2e-5) < 1e-7);
}

TEST_CASE("given_derivatives_of_a_linear_system_make_its_derivative_term_vanish") {
  // du/dt = f(u) at random states: differences of these are no derivatives, given ones are exact.
  ModelOptions options;
  options.linear = {0.1, 0.5, 2.0, 0.3, true};
  options.bilinear = {2, 0.3};
  Setup s(true, options);
  Trajectories data = s.data.held();
  VectorField<double> field(s.model);
  field.set_parameters(s.theta);
  Scratch<double> scratch;
  const std::size_t states = data.count * data.times;
  Matrix<double> u("u", 6, states), f("f", 6, states), tape("tape", field.tape_rows(), states);
  std::vector<double> z(6 * states), rate(6 * states);
  for (std::size_t k = 0; k < states; ++k)
    for (std::size_t i = 0; i < 6; ++i)
      z[i * states + k] = (data.state[k * 6 + i] - s.model.scaling.shift[i]) / s.model.scaling.scale[i];
  upload(z, u);
  field.value(ExecSpace(), {u}, f, tape, scratch);
  download(f, rate);
  data.derivative.resize(data.state.size());
  for (std::size_t k = 0; k < states; ++k)
    for (std::size_t i = 0; i < 6; ++i)
      data.derivative[k * 6 + i] = rate[i * states + k] * s.model.scaling.scale[i];
  s.data = WindowData(s.data.index(), data, 0);
  const IntegratorOptions integrator{Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0};
  LossOptions loss = given_derivatives();
  Objective<double> given = s.objective(integrator, loss, MatrixFunctionMethod::dense);
  CHECK(evaluate(given, s, s.theta).loss.total < 1e-26);
  loss.derivatives = DerivativeSource::differences;
  Objective<double> differences = s.objective(integrator, loss, MatrixFunctionMethod::dense);
  CHECK(evaluate(differences, s, s.theta).loss.total > 1e-2);
}

TEST_CASE("differences_of_the_derivative_term_have_the_order_that_is_asked_for") {
  // du/dt = c u along exact exponentials: what remains of the residual is the error of the differences.
  ModelOptions options;
  options.nonlinear.clear();
  options.linear = {0.0, 1.0, 1.0, 0.0, true};
  const Model model(options, 1);
  const auto theta = model.initialise(1, nullptr);
  const double rate = model.linear_operator(theta).entries[0];
  const auto error = [&](std::size_t order, double h) {
    Trajectories data;
    data.count = 1;
    data.times = 9;
    data.components = 1;
    for (std::size_t t = 0; t < data.times; ++t) {
      data.time.push_back(h * double(t));
      data.state.push_back(std::exp(rate * data.time.back()));
    }
    const WindowData windows(WindowIndex(1, 9, {}), data, 0);
    LossOptions loss;
    loss.weights = {{"derivative", 1.0}};
    loss.derivative_order = order;
    const IntegratorOptions integrator{Scheme::etd1, 1, MatrixFunctionMethod::dense, 0};
    Objective<double> objective(model, {integrator, loss, {}}, StepTable(distinct_steps(windows, 1)),
                                MatrixFunctionMethod::dense);
    objective.set_parameters(theta);
    std::vector<double> value(objective.value_size());
    objective.value_contribution(windows, std::vector<std::uint64_t>{0}, value);
    return std::sqrt(objective.value(value, 1).total);
  };
  for (const std::size_t order : {2, 4, 6}) {
    CAPTURE(order);
    CHECK(std::log2(error(order, 0.05) / error(order, 0.025)) == Approx(double(order)).margin(0.25));
  }
}

TEST_CASE("derivatives_that_the_data_do_not_have_and_odd_orders_are_refused") {
  Setup s(true, model_options());
  Objective<double> objective = s.objective({Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0},
                                            given_derivatives(), MatrixFunctionMethod::dense);
  CHECK_THROWS_AS(evaluate(objective, s, s.theta), UsageError);
  LossOptions odd;
  odd.derivative_order = 3;
  CHECK_THROWS_AS(odd.validate(), OptionError);
}

TEST_CASE("terms_that_demand_fixed_coordinates_refuse_those_that_train") {
  const IntegratorOptions integrator{Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0};
  for (const LossTermKind& kind : loss_terms()) {
    if (kind.coordinates == CoordinateDemand::none) continue;
    CAPTURE(kind.name);
    LossOptions loss{TimeWeights::uniform, ComponentWeights::none, {{kind.name, 1.0}}, {}};
    const auto make = [&](bool pod_trains, bool networks, bool frozen) {
      ModelOptions options = options_for(kind);
      options.autoencoder.pod_trainable = pod_trains;
      options.autoencoder.frozen = frozen;
      if (networks) options.autoencoder.hidden = {5};
      const Setup s(true, options);
      s.objective(integrator, loss, MatrixFunctionMethod::dense);
    };
    CHECK_NOTHROW(make(false, false, false));
    CHECK_THROWS_AS(make(true, false, false), OptionError);
    CHECK_THROWS_AS(make(false, true, false), OptionError);
    if (kind.coordinates == CoordinateDemand::fixed)
      CHECK_NOTHROW(make(false, true, true));
    else
      CHECK_THROWS_AS(make(false, true, true), OptionError);
  }
}

TEMPLATE_TEST_CASE("jacobian_term_is_the_mean_square_of_the_error_of_the_jacobian", "", double, float) {
  // The exact basis as directions: the mean over them is the square of the Frobenius norm over n^2.
  using Real = TestType;
  ModelOptions options = model_options();
  options.latent_dimension = 0;
  options.autoencoder.enabled = false;
  Setup s(true, options);
  Trajectories data = s.data.held();
  constexpr std::size_t n = 6;
  data.tangents = n;
  data.directions.assign(n * data.state.size(), 0.0);
  data.products.assign(n * data.state.size(), 0.0);
  for (std::size_t at = 0; at < data.directions.size(); at += n) data.directions[at + at / n % n] = 1.0;
  const WindowData windows(s.data.index(), data, 0);
  LossOptions loss{TimeWeights::uniform, ComponentWeights::none, {{"jacobian", 1.0}}, {}};
  Objective<Real> objective(s.model, {{Scheme::rk4, 1}, loss, {}, StepScope::table, n},
                            StepTable(distinct_steps(windows, 1)), MatrixFunctionMethod::dense);
  objective.set_parameters(s.theta);
  std::vector<double> value(objective.value_size());
  const std::vector<std::uint64_t> one = {5};
  objective.value_contribution(windows, one, value);

  // Central differences of the right-hand side.
  const BasicModel<double>& model = s.model;
  VectorField<double> field(model);
  field.set_parameters(s.theta);
  Scratch<double> scratch;
  const ExecSpace space;
  const auto f = [&](const std::vector<double>& x) {
    Matrix<double> u("u", n, 1), out("f", n, 1), tape("tape", field.tape_rows(), 1);
    std::vector<double> z(n), result(n);
    for (std::size_t i = 0; i < n; ++i) z[i] = (x[i] - model.scaling.shift[i]) / model.scaling.scale[i];
    upload(std::span<const double>(z), u);
    field.value(space, u, out, tape, scratch);
    download(out, result);
    return result;
  };
  double expected = 0.0;
  for (std::size_t t = 0; t <= 3; ++t) {
    const double* const state = windows.state(5, t);
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<double> up(state, state + n), down = up;
      up[j] += 1e-5;
      down[j] -= 1e-5;
      const auto above = f(up), below = f(down);
      for (std::size_t i = 0; i < n; ++i) expected += std::pow((above[i] - below[i]) / 2e-5, 2);
    }
  }
  expected /= 4.0 * double(n * n);
  const double found = objective.value(value, 1).total;
  CHECK(relative(found, expected) < (std::is_same_v<Real, double> ? 1e-8 : 1e-5));
}

TEST_CASE("a_term_without_weight_is_not_computed_and_a_monitored_one_in_values_alone") {
  Setup s(true, model_options());
  LossOptions loss{TimeWeights::trapezoid, ComponentWeights::none, {{"reconstruction", 0.7}}, {}};
  const IntegratorOptions integrator{Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0};
  const auto both = [&] {
    Objective<double> objective = s.objective(integrator, loss, MatrixFunctionMethod::dense);
    const Result result = evaluate(objective, s, s.theta);
    std::vector<double> value(objective.value_size());
    objective.value_contribution(s.data, s.windows, value);
    return std::pair(result, objective.value(value, s.windows.size()));
  };
  const auto [alone, alone_value] = both();
  for (const char* kind : {"trajectory", "latent", "weight_decay"}) {
    CHECK(std::isnan(alone.loss.values[*find_loss_term(kind)]));
    CHECK(std::isnan(alone_value.values[*find_loss_term(kind)]));
  }
  loss.monitor = {"latent", "weight_decay"};
  const auto [watched, watched_value] = both();
  CHECK(watched.gradient == alone.gradient);
  CHECK(watched_value.total == alone_value.total);
  for (const std::string& name : loss.monitor) {
    CHECK(std::isnan(watched.loss.values[*find_loss_term(name)]));
    CHECK(watched_value.values[*find_loss_term(name)] > 0.0);
  }
  CHECK(std::isnan(watched_value.values[*find_loss_term("trajectory")]));
}

TEST_CASE("gradient_of_mixed_precision_is_that_of_double_block_by_block") {
  const Scheme schemes[] = {Scheme::etd1,      Scheme::etdrk2,    Scheme::etdrk4, Scheme::imex_euler,
                            Scheme::imex_ssp2, Scheme::imex_ars2, Scheme::euler,  Scheme::rk4,
                            Scheme::rodas3,    Scheme::rodas4p};
  for (const bool stiff : {false, true})
    for (const bool shared_time : {true, false})
      for (const Scheme scheme : schemes) {
        if (stiff && (scheme == Scheme::euler || scheme == Scheme::rk4)) continue;
        ModelOptions options = model_options();
        if (stiff) options.linear = {0.25, 0.05, 500.0, 0.3, true};
        Setup s(shared_time, options);
        const IntegratorOptions integrator{scheme, 2, MatrixFunctionMethod::dense, 0};
        auto exact = s.objective<double>(integrator, all_terms(), MatrixFunctionMethod::dense);
        auto mixed = s.objective<float>(integrator, all_terms(), MatrixFunctionMethod::dense);
        const Result expected = evaluate(exact, s, s.theta), found = evaluate(mixed, s, s.theta);
        CHECK(relative(found.loss.total, expected.loss.total) < 1e-6);
        for (const ParameterBlock& block : s.model.layout().blocks()) {
          double error = 0.0, size = 0.0;
          for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
            error += std::pow(found.gradient[i] - expected.gradient[i], 2);
            size += std::pow(expected.gradient[i], 2);
          }
          CAPTURE(int(scheme), shared_time, stiff, block.name, std::sqrt(error / size));
          CHECK(std::sqrt(error) < 1e-5 * std::sqrt(size));
        }
      }
}

TEMPLATE_TEST_CASE("gradient_is_the_same_for_every_recompute_interval", "", double, float) {
  Setup s(true, model_options());
  Objective<TestType> all = s.objective<TestType>({Scheme::etdrk4, 3, MatrixFunctionMethod::dense, 0},
                                                  all_terms(), MatrixFunctionMethod::dense);
  const Result expected = evaluate(all, s, s.theta);
  for (const std::size_t keep : {1, 2, 4, 7, 9, 100}) {
    Objective<TestType> some = s.objective<TestType>({Scheme::etdrk4, 3, MatrixFunctionMethod::dense, keep},
                                                     all_terms(), MatrixFunctionMethod::dense);
    const Result result = evaluate(some, s, s.theta);
    CAPTURE(keep);
    CHECK(result.loss.total == expected.loss.total);
    CHECK(result.gradient == expected.gradient);
  }
}

TEMPLATE_TEST_CASE("loss_and_gradient_are_sums_over_windows", "", double, float) {
  Setup s(false, model_options());
  Objective<TestType> objective = s.objective<TestType>({Scheme::etd1, 1, MatrixFunctionMethod::dense, 0},
                                                        all_terms(), MatrixFunctionMethod::dense);
  objective.set_parameters(s.theta);
  std::vector<double> whole(objective.contribution_size()), part(whole.size()), sum(whole.size(), 0.0);
  objective.contribution(s.data, s.windows, whole);
  for (std::size_t first = 0; first < s.windows.size(); first += 6) {
    const std::size_t count = std::min<std::size_t>(6, s.windows.size() - first);
    objective.contribution(s.data, std::span(s.windows).subspan(first, count), part);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  double largest = 0.0;
  for (std::size_t i = 0; i < sum.size(); ++i) largest = std::max(largest, std::abs(whole[i]));
  for (std::size_t i = 0; i < sum.size(); ++i)
    REQUIRE(std::abs(sum[i] - whole[i]) < 450 * roundoff<TestType> * largest);
}

TEMPLATE_TEST_CASE("rollout_length_cuts_windows_short", "", double, float) {
  Setup s(false, model_options());
  Objective<TestType> objective = s.objective<TestType>({Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0},
                                                        all_terms(), MatrixFunctionMethod::dense);
  objective.set_parameters(s.theta);
  // Windows of 3 intervals begin at 4 of the 7 times of a trajectory, windows of 2 at 5.
  const WindowData shorter = window_data(false, 2);
  std::vector<std::uint64_t> same;
  for (const std::uint64_t w : s.windows) same.push_back(w / 4 * 5 + w % 4);
  std::vector<double> cut(objective.contribution_size()), expected(cut.size()), whole(cut.size());
  objective.contribution(s.data, s.windows, 2, cut);
  objective.contribution(shorter, same, expected);
  CHECK(cut == expected);
  objective.contribution(s.data, s.windows, 0, whole);
  objective.contribution(s.data, s.windows, 4, expected);  // more than there are
  CHECK(whole == expected);
  CHECK(cut != whole);
}

TEMPLATE_TEST_CASE("value_agrees_with_the_loss_of_the_gradient", "", double, float) {
  Setup s(true, model_options());
  Objective<TestType> objective = s.objective<TestType>(
      {Scheme::imex_ssp2, 2, MatrixFunctionMethod::dense, 0}, all_terms(), MatrixFunctionMethod::dense);
  const Result result = evaluate(objective, s, s.theta);
  std::vector<double> value(objective.value_size());
  objective.value_contribution(s.data, s.windows, value);
  const LossTerms terms = objective.value(value, s.windows.size());
  CHECK(terms.total == Approx(result.loss.total).epsilon(450 * roundoff<TestType>));
  for (std::size_t i = 0; i < loss_terms().size(); ++i)
    if (is_trained(all_terms(), i))
      CHECK(terms.values[i] == Approx(result.loss.values[i]).epsilon(450 * roundoff<TestType>));
}

namespace {

// Launches of Kokkos 4 allocate by themselves.
bool launch_allocates() {
  const ExecSpace space;
  const std::size_t before = allocations;
  Kokkos::parallel_for("empty", Kokkos::RangePolicy<ExecSpace>(space, 0, 1), KOKKOS_LAMBDA(std::size_t){});
  return allocations != before;
}

}  // namespace

TEMPLATE_TEST_CASE("contribution_allocates_nothing_after_the_first_tile", "", double, float) {
  const bool counts = runs_on_host && !launch_allocates();  // elsewhere copies to the host need mirrors
  // Both forms of the bilinear term, networks, an autoencoder, every family of schemes, dense and
  // matrix-free.
  for (const std::size_t rank : {1, 3})
    for (const bool shared_time : {true, false})
      for (const auto& [scheme, method] : {std::pair(Scheme::etd1, MatrixFunctionMethod::dense),
                                           std::pair(Scheme::etdrk4, MatrixFunctionMethod::dense),
                                           std::pair(Scheme::etdrk4, MatrixFunctionMethod::taylor),
                                           std::pair(Scheme::imex_ars2, MatrixFunctionMethod::dense),
                                           std::pair(Scheme::rk4, MatrixFunctionMethod::dense),
                                           std::pair(Scheme::rodas4p, MatrixFunctionMethod::dense)}) {
        ModelOptions options = scheme == Scheme::rk4 ? flow_options() : model_options();
        options.bilinear.rank = rank;
        Setup s(shared_time, options);
        LossOptions loss = all_terms();
        loss.weights.at("derivative") = 0.3;
        Objective<TestType> objective = s.objective<TestType>({scheme, 2, method, 0}, loss, method);
        evaluate(objective, s, s.theta);
        const std::size_t held = objective.scratch_bytes();
        std::vector<double> contribution(objective.contribution_size());
        const std::size_t before = allocations;
        objective.contribution(s.data, s.windows, contribution);
        const std::size_t after = allocations;
        CAPTURE(rank, shared_time, int(scheme), int(method));
        if (counts) CHECK(after == before);
        CHECK(objective.scratch_bytes() == held);
      }
}

TEST_CASE("loss_of_a_models_own_forecast_vanishes") {
  ModelOptions identity = model_options();
  identity.latent_dimension = 0;
  identity.autoencoder.enabled = false;
  for (const auto& [shared_time, options] :
       {std::pair(true, identity), std::pair(false, identity), std::pair(true, flow_options()),
        std::pair(false, flow_options())}) {
    Setup s(shared_time, options);
    Trajectories data = s.data.held();
    const IntegratorOptions integrator{Scheme::etdrk4, 2, MatrixFunctionMethod::automatic, 0};
    BasicForecaster<double>(s.model, s.theta, {integrator, 2}, forecast_steps(data, 2)).run(data);
    const WindowData forecast(s.data.index(), data, 0);
    Objective<double> objective = s.objective(integrator, {}, MatrixFunctionMethod::dense);
    objective.set_parameters(s.theta);
    std::vector<double> value(objective.value_size());
    objective.value_contribution(forecast, s.windows, value);
    CHECK(objective.value(value, s.windows.size()).total < 1e-28);
  }
}

TEST_CASE("forecast_backwards_returns_to_the_initial_state") {
  ModelOptions options = model_options();
  options.latent_dimension = 0;
  options.autoencoder.enabled = false;
  options.nonlinear = {NonlinearKind::bilinear};
  Setup s(true, options);
  Trajectories data = s.data.held();
  for (double& x : data.state) x *= 0.3;
  const Trajectories start = data;
  const IntegratorOptions integrator{Scheme::etdrk4, 40, MatrixFunctionMethod::automatic, 0};
  BasicForecaster<double>(s.model, s.theta, {integrator, 4}, forecast_steps(data, 40)).run(data);
  Trajectories back = data;
  std::reverse(back.time.begin(), back.time.end());
  for (std::size_t n = 0; n < back.count; ++n)
    std::copy_n(data.state_at(n, data.times - 1), data.components, back.state_at(n, 0));
  BasicForecaster<double>(s.model, s.theta, {integrator, 4}, forecast_steps(back, 40)).run(back);
  for (std::size_t n = 0; n < back.count; ++n)
    for (std::size_t i = 0; i < back.components; ++i)
      CHECK(back.state_at(n, back.times - 1)[i] == Approx(start.state_at(n, 0)[i]).margin(1e-6));
}
