// Tangents of rollouts and of an objective's residuals, and what follows from them: Gauss-Newton products.
#include "catch.hpp"
#include "core/forecast/forecast.hpp"
#include "core/integrators/rollout.hpp"
#include "core/loss/objective.hpp"
#include "helpers.hpp"

#include <numeric>
#include <tuple>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

struct Case {
  Scheme scheme;
  HurwitzKind structure;
  MatrixFunctionMethod method;
  std::vector<NonlinearKind> terms;
  bool per_lane;
  std::size_t checkpoint_interval;
};

std::vector<Case> all_cases() {
  using M = MatrixFunctionMethod;
  using S = HurwitzKind;
  const std::vector<NonlinearKind> terms[] = {{},
                                              {NonlinearKind::bilinear},
                                              {NonlinearKind::network},
                                              {NonlinearKind::bilinear, NonlinearKind::network}};
  std::vector<Case> cases;
  for (const Scheme scheme :
       {Scheme::etd1, Scheme::etdrk2, Scheme::etdrk4, Scheme::imex_euler, Scheme::imex_ssp2,
        Scheme::imex_ars2, Scheme::euler, Scheme::rk4, Scheme::rodas3, Scheme::rodas4p})
    for (const auto& [structure, method] :
         {std::pair(S::dense, M::dense), std::pair(S::dense, M::taylor),
          std::pair(S::block_diagonal, M::dense), std::pair(S::low_rank, M::taylor)})
      for (const auto& kinds : terms)
        for (const bool per_lane : {false, true}) {
          const bool exponential =
              scheme == Scheme::etd1 || scheme == Scheme::etdrk2 || scheme == Scheme::etdrk4;
          if (structure == S::dense && method == M::taylor && !exponential) continue;
          cases.push_back({scheme, structure, method, kinds, per_lane, per_lane ? std::size_t{3} : 0});
        }
  return cases;
}

ModelOptions options_of(const Case& c) {
  ModelOptions options;
  options.linear = {0.1, 0.5, 2.0, 0.3, true, c.structure, 1};
  options.nonlinear = c.terms;
  options.bilinear = {2, 0.3};
  options.network.hidden = {6};
  options.network.relaxation = true;  // so that both halves of a rate occur
  return options;
}

// Two intervals of two steps on eight lanes, with tapes.
template <class Real>
struct Run {
  Run(const Case& c, const BasicModel<Real>& model, std::span<const double> theta)
      : theta_(theta.begin(), theta.end()),
        dynamics(model, {c.scheme, 2, c.method, c.checkpoint_interval}, StepTable({0.2, 0.3, 0.15}),
                 c.method),
        rollout(dynamics, {2, c.checkpoint_interval}),
        frame(scratch),
        states("states", 3, 24) {
    dynamics.set_parameters(theta);
    std::vector<double> h(16, 0.2);
    for (std::size_t l = 0; l < 8; ++l) h[8 + l] = c.per_lane && l % 2 == 1 ? 0.15 : 0.3;
    steps.assign(dynamics.table(), h, 2, 8);
  }
  void forward(const Matrix<Real>& u0) {
    Kokkos::deep_copy(lanes_of(MatrixView<Real>(states), 0, 8), u0);
    rollout.forward(space, steps, states, Rollout<Real>::Record::yes, scratch);
  }
  Matrix<Real> tangent(std::span<const double> theta_dot, const Matrix<Real>& u_dot) {
    std::vector<double> dot(dynamics.coefficient_count());
    dynamics.assemble_jvp(theta_, theta_dot, dot);
    Matrix<Real> states_dot("states_dot", 3, 24);
    Kokkos::deep_copy(lanes_of(MatrixView<Real>(states_dot), 0, 8), u_dot);
    rollout.tangent(space, steps, states_dot, to_device<Real>(dot), scratch);
    return states_dot;
  }
  // Overwrites the first block of `bars`; the adjoint of theta.
  std::vector<double> reverse(const Matrix<Real>& bars) {
    Vector<Real> bar("bar", dynamics.coefficient_count());
    rollout.reverse(space, steps, bars, bar, scratch);
    std::vector<double> theta_bar(theta_.size(), 0.0);
    dynamics.assemble_vjp(theta_, to_host(bar), theta_bar);
    return theta_bar;
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

TEMPLATE_TEST_CASE("rollout_adjoint_is_the_transpose_of_its_tangent_for_every_scheme_and_operator", "",
                   double, float) {
  using Real = TestType;
  const auto u0 = random_matrix<Real>(3, 8, "u0", 0.7), u_dot = random_matrix<Real>(3, 8, "u_dot");
  for (const Case& c : all_cases()) {
    const BasicModel<Real> model(options_of(c), 3);
    const auto theta = model.initialise(2, nullptr), theta_dot = random_vector(theta.size(), "theta_dot");
    const Matrix<Real> w = random_matrix<Real>(3, 24, "w");
    Run<Real> run(c, model, theta);
    run.forward(u0);
    const double forward = dot(run.tangent(theta_dot, u_dot), w);
    Matrix<Real> bars("bars", 3, 24), u_bar("u_bar", 3, 8);
    Kokkos::deep_copy(bars, w);
    const double of_theta = dot(run.reverse(bars), theta_dot);
    Kokkos::deep_copy(u_bar, lanes_of(MatrixView<Real>(bars), 0, 8));
    CAPTURE(int(c.scheme), int(c.structure), int(c.method), c.terms.size(), c.per_lane);
    const double size = std::abs(of_theta) + std::abs(dot(u_bar, u_dot)) + 1.0;
    CHECK(std::abs(forward - of_theta - dot(u_bar, u_dot)) < 4500 * roundoff<Real> * size);
  }
}

TEST_CASE("rollout_tangent_matches_central_differences_for_every_scheme_and_operator") {
  const auto u0 = random_matrix(3, 8, "u0", 0.7), u_dot = random_matrix(3, 8, "u_dot");
  for (const Case& c : all_cases()) {
    const Model model(options_of(c), 3);
    const auto theta = model.initialise(2, nullptr), theta_dot = random_vector(theta.size(), "theta_dot");
    const Matrix<double> w = random_matrix(3, 24, "w");
    Run<double> run(c, model, theta);
    run.forward(u0);
    const double slope = dot(run.tangent(theta_dot, u_dot), w);
    const auto at = [&](double e) {
      auto shifted = theta;
      for (std::size_t i = 0; i < theta.size(); ++i) shifted[i] += e * theta_dot[i];
      Run<double> other(c, model, shifted);
      other.forward(moved(u0, e, u_dot));
      return dot(other.states, w);
    };
    CAPTURE(int(c.scheme), int(c.structure), int(c.method), c.terms.size(), c.per_lane);
    CHECK(relative(slope, (at(1e-5) - at(-1e-5)) / 2e-5) < 2e-7);
  }
}

namespace {

// A square autoencoder that begins as an orthogonal map, so that all residuals vanish on a model's forecast.
ModelOptions model_options() {
  ModelOptions options;
  options.latent_dimension = 6;
  options.linear = {0.1, 0.5, 2.0, 0.3, true};
  options.nonlinear = {NonlinearKind::bilinear, NonlinearKind::lipschitz};
  options.bilinear = {2, 0.1};
  options.lipschitz.hidden = {6};
  options.lipschitz.bound = 1.0;
  options.lipschitz.divisor = LipschitzDivisor::smooth;
  options.lipschitz.relaxation = true;
  options.autoencoder.enabled = true;
  options.autoencoder.pod_trainable = true;
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

LossOptions all_terms(double weight_decay) {
  return {TimeWeights::trapezoid,
          ComponentWeights::none,
          {{"trajectory", 1.0}, {"latent", 0.7}, {"reconstruction", 0.4}, {"weight_decay", weight_decay}},
          {}};
}

struct Setup {
  explicit Setup(ModelOptions options = model_options()) : model(options, 6), windows(17) {
    std::iota(windows.begin(), windows.end(), 1);
    PodStart pod{std::vector<double>(36), 1.3};
    const auto normal = random_vector(6, "normal");
    for (std::size_t i = 0; i < 6; ++i)
      for (std::size_t j = 0; j < 6; ++j)
        pod.modes[6 * i + j] = (i == j ? 1.0 : 0.0) - 2.0 * normal[i] * normal[j] / dot(normal, normal);
    theta = model.initialise(4, &pod);
    data.count = 5;
    data.times = 7;
    data.components = 6;
    data.shared_time = true;
    data.state = random_vector(data.count * data.times * data.components, "data", 0.5);
    data.tangents = 2;
    data.parameters["epsilon"] = random_vector(data.count, "epsilon");
    data.directions = random_vector(data.tangents * data.state.size(), "directions");
    data.products = random_vector(data.tangents * data.state.size(), "products");
    for (std::size_t t = 0; t < data.times; ++t) data.time.push_back(0.2 * double(t) + 0.01 * double(t * t));
  }

  WindowData window_data() const {
    return WindowData(WindowIndex(data.count, data.times, {3, 1, {}}), data, 0);
  }
  template <class Real = double>
  Objective<Real> objective(const LossOptions& loss) const {
    return Objective<Real>(
        model, {integrator, loss, {1.0, 0.5, 2.0, 1.5, 0.1, 1.0}, StepScope::table, data.tangents},
        StepTable(distinct_steps(window_data(), integrator.substeps)), MatrixFunctionMethod::dense);
  }

  IntegratorOptions integrator{Scheme::etdrk2, 2, MatrixFunctionMethod::dense, 0};
  Model model;
  std::vector<std::uint64_t> windows;
  std::vector<double> theta;
  Trajectories data;
};

std::vector<double> product(TileObjective& objective, const Setup& s, std::span<const double> v) {
  objective.set_directions(v);
  std::vector<double> contribution(objective.product_size()), Hv(v.size());
  objective.product_contribution(s.window_data(), s.windows, contribution);
  objective.product(contribution, s.windows.size(), Hv);
  return Hv;
}

}  // namespace

namespace {

enum class Data { forecast, at_rest };

// The right-hand side of a model without an autoencoder at single states.
class SingleLane {
 public:
  explicit SingleLane(const Setup& s) : field_(s.model) { field_.set_parameters(s.theta); }

  std::vector<double> f(std::span<const double> u) {
    Matrix<double> out("f", 6, 1);
    field_.value(space_, lane(u), out, tape_, scratch_);
    return column(out);
  }
  std::vector<double> jvp(std::span<const double> u, std::span<const double> v) {
    f(u);
    Matrix<double> out("f_dot", 6, 1);
    field_.jvp(space_, {lane(u), lane(v), tape_, {}, out}, scratch_);
    return column(out);
  }

 private:
  static Matrix<double> lane(std::span<const double> x) {
    Matrix<double> X("lane", x.size(), 1);
    upload(x, X);
    return X;
  }
  static std::vector<double> column(const Matrix<double>& X) {
    std::vector<double> x(X.extent(0));
    download(X, x);
    return x;
  }

  VectorField<double> field_;
  ExecSpace space_;
  Scratch<double> scratch_;
  Matrix<double> tape_{"tape", field_.tape_rows(), 1};
};

// Data on which the terms `jacobian` and `second_difference` vanish: products of the model, and states whose
// second differences are the changes of the model's right-hand side.
void make_exact(Setup& s, SecondDifferenceForm form) {
  SingleLane field(s);
  Trajectories& data = s.data;
  for (std::size_t n = 0; n < data.count; ++n)
    for (std::size_t t = 2; t < data.times; ++t) {
      const double *const u0 = data.state_at(n, t - 2), *const u1 = data.state_at(n, t - 1);
      double* const u2 = data.state_at(n, t);
      const double h0 = data.time_at(n, t - 1) - data.time_at(n, t - 2),
                   h1 = data.time_at(n, t) - data.time_at(n, t - 1);
      const bool centred = form == SecondDifferenceForm::centred;
      for (int iteration = 0; iteration < 100; ++iteration) {
        const auto first = field.f({u0, 6}), last = field.f({centred ? u2 : u1, 6});
        for (std::size_t i = 0; i < 6; ++i)
          u2[i] = u1[i] + h1 * ((u1[i] - u0[i]) / h0 + (centred ? 0.5 : 1.0) * (last[i] - first[i]));
      }
    }
  for (std::size_t at = 0; at < data.directions.size(); at += 6) {
    const auto product =
        field.jvp({data.state.data() + at / 6 / data.tangents * 6, 6}, {data.directions.data() + at, 6});
    std::ranges::copy(product, data.products.begin() + std::ptrdiff_t(at));
  }
}

void require_hessian_where_residuals_vanish(const Setup& s, const LossOptions& terms) {
  Objective<double> objective = s.objective(terms);
  const auto v = random_vector(s.theta.size(), "v");
  const auto loss = [&](double e) {
    auto moved = s.theta;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += e * v[i];
    objective.set_parameters(moved);
    std::vector<double> value(objective.value_size());
    objective.value_contribution(s.window_data(), s.windows, value);
    return objective.value(value, s.windows.size()).total;
  };
  CHECK(loss(0.0) < 1e-26);
  objective.set_parameters(s.theta);
  const double curvature = dot(product(objective, s, v), v);
  const double e = 1e-4, difference = (loss(e) + loss(-e)) / (e * e);
  CHECK(relative(curvature, difference) < 1e-5);
}

void require_hessian_where_residuals_vanish(const LossOptions& terms, Data data = Data::forecast,
                                            const ModelOptions& options = model_options()) {
  Setup s(options);
  if (data == Data::at_rest)
    std::ranges::fill(s.data.state, 0.0);
  else
    BasicForecaster<double>(s.model, s.theta, {s.integrator, 2}, forecast_steps(s.data, 2)).run(s.data);
  require_hessian_where_residuals_vanish(s, terms);
}

}  // namespace

TEST_CASE("gauss_newton_matrix_is_the_hessian_where_all_residuals_vanish") {
  require_hessian_where_residuals_vanish(all_terms(0.0));
  for (std::size_t term = 0; term < loss_terms().size(); ++term) {
    CAPTURE(loss_terms()[term].name);
    if (loss_terms()[term].is_penalty() || loss_terms()[term].needs_fast_slow) continue;
    LossOptions alone = all_terms(0.0);
    for (std::size_t i = 0; i < loss_terms().size(); ++i) alone.weights[i] = i == term ? 0.6 : 0.0;
    // Differences of a forecast are its derivatives only nearly.
    if (loss_terms()[term].coordinates != CoordinateDemand::none) continue;
    const bool is_exact = !loss_terms()[term].make<double>(1.0, alone)->needs().field;
    require_hessian_where_residuals_vanish(alone, is_exact ? Data::forecast : Data::at_rest);
  }
}

TEST_CASE("gauss_newton_matrix_of_a_coupling_flow_is_the_hessian_where_all_residuals_vanish") {
  require_hessian_where_residuals_vanish(all_terms(0.0), Data::forecast, flow_options());
  // Derivatives of the data that are those of the model: dz/dt = (d from_latent / d u) f(u; q).
  Setup s(flow_options());
  Coordinates<double> coordinates(s.model);
  VectorField<double> field(s.model);
  coordinates.set_parameters(s.theta);
  field.set_parameters(s.theta);
  const std::size_t columns = s.data.count * s.data.times;
  ExecSpace space;
  Scratch<double> scratch;
  std::vector<double> states(6 * columns), epsilon(columns);
  for (std::size_t l = 0; l < columns; ++l) {
    for (std::size_t i = 0; i < 6; ++i) states[i * columns + l] = s.data.state[l * 6 + i];
    epsilon[l] = s.data.parameters.at("epsilon")[l / s.data.times];
  }
  const auto matrix = [&](std::size_t rows) { return Matrix<double>("matrix", rows, columns); };
  const auto &encoder = coordinates.to_latent(), &decoder = coordinates.from_latent();
  const Matrix<double> z = matrix(6), u = matrix(6), q = matrix(1), f = matrix(6), z_dot = matrix(6),
                       tape = matrix(encoder.tape_rows()), back = matrix(decoder.tape_rows()),
                       field_tape = matrix(field.tape_rows());
  upload(states, z);
  upload(epsilon, q);
  const ConstMatrixView<double> q_(q);
  encoder.value(space, {ConstMatrixView<double>(z), q_}, u, tape, scratch);
  field.value(space, {ConstMatrixView<double>(u), q_}, f, field_tape, scratch);
  decoder.value(space, {ConstMatrixView<double>(u), q_}, z, back, scratch);
  decoder.jvp(space, {{ConstMatrixView<double>(u), q_}, f, back, {}, z_dot}, scratch);
  download(z_dot, states);
  s.data.derivative.resize(6 * columns);
  for (std::size_t l = 0; l < columns; ++l)
    for (std::size_t i = 0; i < 6; ++i) s.data.derivative[l * 6 + i] = states[i * columns + l];
  LossOptions terms{TimeWeights::trapezoid, ComponentWeights::none, {{"derivative", 0.8}}, {}};
  terms.derivatives = DerivativeSource::given;
  require_hessian_where_residuals_vanish(s, terms);
}

TEST_CASE("gauss_newton_matrix_of_given_derivatives_is_the_hessian_where_their_residuals_vanish") {
  // The coordinates are linear and square at first: dz/dt = from_latent(f(to_latent(z))) makes no residual.
  Setup s;
  Coordinates<double> coordinates(s.model);
  VectorField<double> field(s.model);
  coordinates.set_parameters(s.theta);
  field.set_parameters(s.theta);
  const ExecSpace space;
  Scratch<double> scratch;
  const std::size_t states = s.data.count * s.data.times;
  Matrix<double> z("z", 6, states), u("u", 6, states), f("f", 6, states);
  const Matrix<double> tape("tape", field.tape_rows(), states), none("none", 0, states);
  std::vector<double> host(6 * states);
  for (std::size_t k = 0; k < states; ++k)
    for (std::size_t i = 0; i < 6; ++i) host[i * states + k] = s.data.state[k * 6 + i];
  upload(host, z);
  coordinates.to_latent().value(space, z, u, none, scratch);
  field.value(space, {u}, f, tape, scratch);
  coordinates.from_latent().value(space, f, z, none, scratch);
  download(z, host);
  s.data.derivative.resize(s.data.state.size());
  for (std::size_t k = 0; k < states; ++k)
    for (std::size_t i = 0; i < 6; ++i) s.data.derivative[k * 6 + i] = host[i * states + k];
  LossOptions loss{TimeWeights::trapezoid, ComponentWeights::none, {{"derivative", 0.6}}, {}};
  loss.derivatives = DerivativeSource::given;
  require_hessian_where_residuals_vanish(s, loss);
}

TEST_CASE("gauss_newton_matrix_of_losses_on_derivatives_is_the_hessian_where_they_vanish") {
  ModelOptions options = model_options();
  options.latent_dimension = 0;
  options.autoencoder.enabled = false;
  for (const SecondDifferenceForm form : {SecondDifferenceForm::centred, SecondDifferenceForm::forward}) {
    Setup s(options);
    make_exact(s, form);
    for (const char* term : {"jacobian", "second_difference"}) {
      CAPTURE(term, int(form));
      LossOptions alone{TimeWeights::trapezoid, ComponentWeights::none, {{term, 0.6}}, {}};
      alone.second_difference_form = form;
      require_hessian_where_residuals_vanish(s, alone);
    }
  }
}

TEST_CASE("gauss_newton_matrix_of_a_penalty_is_the_difference_of_its_gradients") {
  Setup s;
  for (std::size_t term = 0; term < loss_terms().size(); ++term) {
    if (!loss_terms()[term].is_penalty()) continue;
    CAPTURE(loss_terms()[term].name);
    LossOptions alone;
    for (std::size_t i = 0; i < loss_terms().size(); ++i) alone.weights[i] = i == term ? 0.6 : 0.0;
    Objective<double> objective = s.objective(alone);
    const auto v = random_vector(s.theta.size(), "v");
    const auto gradient = [&](double e) {
      auto moved = s.theta;
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += e * v[i];
      objective.set_parameters(moved);
      std::vector<double> contribution(objective.contribution_size()), result(moved.size());
      objective.contribution(s.window_data(), s.windows, contribution);
      objective.gradient(contribution, s.windows.size(), result);
      return result;
    };
    const auto up = gradient(1e-4), down = gradient(-1e-4);
    objective.set_parameters(s.theta);
    const auto Hv = product(objective, s, v);
    for (std::size_t i = 0; i < Hv.size(); ++i) CHECK(Hv[i] == Approx((up[i] - down[i]) / 2e-4).margin(1e-9));
  }
}

TEMPLATE_TEST_CASE("gauss_newton_matrix_is_symmetric_and_positive_and_its_products_agree_with_its_entries",
                   "", double, float) {
  using Real = TestType;
  // Of all terms with differences and with given derivatives.
  for (const auto& [frozen, given, flow] : {std::tuple(false, false, false),
                                            {true, false, false},
                                            {false, true, false},
                                            {true, true, false},
                                            {false, false, true},
                                            {false, true, true}}) {
    ModelOptions options = flow ? flow_options() : model_options();
    options.autoencoder.pod_trainable = !frozen;
    LossOptions loss = all_terms(1e-2);
    if (frozen && !given) {
      loss.weights.at("jacobian") = 0.3;
      loss.weights.at("second_difference") = 1e-3;
    }
    if (given) {
      options.autoencoder.hidden = {5};
      loss.weights.at("derivative") = 0.5;
      loss.derivatives = DerivativeSource::given;
    }
    Setup s(options);
    if (given) s.data.derivative = random_vector(s.data.state.size(), "derivative");
    Objective<Real> objective = s.objective<Real>(loss);
    objective.set_parameters(s.theta);
    const std::size_t size = s.theta.size(), count = 5;
    const auto V = random_vector(count * size, "V");
    std::vector<double> entries(count * (count + 1) / 2), matrix(count * count);
    objective.set_directions(V);
    REQUIRE(objective.gram_size() == entries.size());
    objective.gram_contribution(s.window_data(), s.windows, entries);
    objective.gram(entries, s.windows.size(), matrix);
    for (std::size_t j = 0; j < count; ++j) {
      const auto Hv = product(objective, s, std::span(V).subspan(j * size, size));
      for (std::size_t i = 0; i < count; ++i) {
        const double scale = std::sqrt(matrix[i * count + i] * matrix[j * count + j]);
        const double of_product = dot(std::span(V).subspan(i * size, size), Hv);
        // Entries of frozen blocks do not count.
        CHECK(std::abs(of_product - matrix[i * count + j]) < 4500 * roundoff<Real> * scale);
        CHECK(std::abs(matrix[i * count + j]) <= scale * (1 + 1e-12));
      }
      CHECK(matrix[j * count + j] > 0.0);
      for (const ParameterBlock& block : s.model.layout().blocks())
        for (std::size_t i = 0; i < block.size() && block.frozen; ++i) REQUIRE(Hv[block.offset + i] == 0.0);
    }
  }
}

TEST_CASE("residuals_of_linear_weights_make_the_gradient_a_product") {
  // Where the loss is quadratic in the parameters that move, the gradient differs by H times the move.
  ModelOptions options = model_options();
  options.autoencoder.hidden = {};
  Setup s(options);
  const LossOptions reconstruction{
      TimeWeights::uniform, ComponentWeights::none, {{"reconstruction", 1.0}, {"weight_decay", 1e-2}}, {}};
  Objective<double> objective = s.objective(reconstruction);
  const auto gradient = [&](const std::vector<double>& theta) {
    objective.set_parameters(theta);
    std::vector<double> contribution(objective.contribution_size()), result(theta.size());
    objective.contribution(s.window_data(), s.windows, contribution);
    objective.gradient(contribution, s.windows.size(), result);
    return result;
  };
  std::vector<double> move(s.theta.size(), 0.0), moved = s.theta;
  for (const ParameterBlock& block : s.model.layout().blocks())
    if (block.name.find("decoder") != std::string::npos)
      for (std::size_t i = 0; i < block.size(); ++i) move[block.offset + i] = 0.1 * double(i % 5);
  REQUIRE(dot(move, move) > 0.0);
  for (std::size_t i = 0; i < move.size(); ++i) moved[i] += move[i];
  const auto after = gradient(moved), before = gradient(s.theta);
  const auto Hv = product(objective, s, move);
  for (const ParameterBlock& block : s.model.layout().blocks())
    if (block.name.find("decoder") != std::string::npos)
      for (std::size_t i = block.offset; i < block.offset + block.size(); ++i)
        CHECK(after[i] - before[i] == Approx(Hv[i]).margin(1e-12));
}
