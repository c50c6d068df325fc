#include "core/vector_field/vector_field.hpp"

#include "catch.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <type_traits>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

struct Case {
  std::string name;
  ModelOptions options;
};

// Every structure of A, with plain and relaxed terms, with and without arguments.
std::vector<Case> all_cases() {
  ModelOptions base;
  base.linear = {0.1, 0.5, 2.0, 0.3, true};
  base.linear.rank = 2;
  base.bilinear = {2, 0.5};
  base.network.hidden = {5};
  base.lipschitz.hidden = {4};
  base.lipschitz.bound = 2.0;
  std::vector<Case> cases;
  for (const bool arguments : {false, true})
    for (const auto structure :
         {HurwitzKind::dense, HurwitzKind::block_diagonal, HurwitzKind::low_rank, HurwitzKind::none})
      for (const bool relaxed : {false, true}) {
        if (relaxed && structure == HurwitzKind::none) continue;
        ModelOptions options = base;
        options.linear.structure = structure;
        options.lipschitz.relaxation = relaxed;
        options.nonlinear = {NonlinearKind::bilinear, NonlinearKind::network, NonlinearKind::lipschitz};
        if (arguments) {
          options.arguments = {{"mu"}, {"c"}, true, Interpolation::linear};
          options.nonlinear.push_back(NonlinearKind::forcing);
        }
        cases.push_back({"structure " + std::to_string(int(structure)) + (relaxed ? ", relaxed" : "") +
                             (arguments ? ", arguments" : ""),
                         options});
        if (structure != HurwitzKind::dense && structure != HurwitzKind::none) continue;
        cases.push_back(cases.back());
        cases.back().name += ", invariants";
        cases.back().options.invariants = {1.0, 1.0, 0.5, 0.0, -1.0, 0.0, 0.0, 2.0, 1.0, 1.0};
        cases.push_back({cases[cases.size() - 2].name + ", symmetries", options});
        cases.back().options.symmetries = {{1, 2, 3, 0, 4, 0, 1, 2, 3, 4}, {1, 1, 1, 1, 1, 1, 1, 1, 1, -1}};
        cases.push_back(cases.back());
        cases.back().name += " and invariants";
        cases.back().options.invariants = {1.0, 1.0, 1.0, 1.0, 0.0};
      }
  ModelOptions second_order = base;
  second_order.order = 2;
  second_order.linear.structure = HurwitzKind::none;
  second_order.arguments = {{"mu"}, {}, false, Interpolation::linear};
  second_order.potential.neurons = 5;
  second_order.potential.hidden = {3};
  second_order.nonlinear = {NonlinearKind::network, NonlinearKind::bilinear, NonlinearKind::forcing,
                            NonlinearKind::potential};
  cases.push_back({"second order", second_order});
  second_order.symmetries = {{1, 0, 2, 4, 3, 5}, {-1, -1, 1, -1, -1, 1}};
  cases.push_back({"second order, symmetries", second_order});
  second_order.nonlinear = {NonlinearKind::library};
  second_order.library.fields = 2;
  second_order.invariants = {0.0, 0.0, 0.0, 1.0, 1.0, 0.5};
  second_order.symmetries = {};
  cases.push_back({"fields of second order, invariants", second_order});
  for (const auto structure : {HurwitzKind::fast_schur, HurwitzKind::fast_dissipative})
    for (const auto dependence : {Dependence::constant, Dependence::network}) {
      ModelOptions fast_slow = base;
      fast_slow.linear.structure = structure;
      fast_slow.linear.mu = -0.1;
      fast_slow.linear.slow_dimension = 2;
      fast_slow.linear.fast.dependence = dependence;
      fast_slow.linear.fast.hidden = {4};
      fast_slow.nonlinear = {NonlinearKind::slow, NonlinearKind::fast_bilinear, NonlinearKind::fast_linear};
      fast_slow.arguments = {{"mu", "epsilon"}, {}, false, Interpolation::linear};
      fast_slow.fast_bilinear.coefficients = FastCoefficients::network;
      cases.push_back(
          {"fast-slow " + std::to_string(int(structure)) + " " + std::to_string(int(dependence)), fast_slow});
      if (dependence == Dependence::constant) continue;
      fast_slow.slow.form = SlowForm::state;
      fast_slow.coupling_flow.enabled = true;
      fast_slow.coupling_flow.conditioners = {ConditionerKind::network, ConditionerKind::product};
      fast_slow.coupling_flow.hidden = fast_slow.coupling_flow.factor_hidden = {3};
      fast_slow.coupling_flow.affine_bound = fast_slow.coupling_flow.scale_bound = 2.0;
      cases.push_back({cases.back().name + ", slow terms of the state", fast_slow});
    }
  ModelOptions linear = base;
  linear.nonlinear.clear();
  cases.push_back({"linear", linear});
  return cases;
}

// A right-hand side at random parameters and points.
template <class Real>
struct Setup {
  static constexpr std::size_t lanes = 9;

  explicit Setup(const ModelOptions& options)
      : n(options.order == 2 ? 6 : 5),
        model(options, n),
        field(model),
        theta(model.initialise(2, nullptr)),
        m(model.argument_count()) {
    const auto noise = direction("noise", 0.2);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
    tape = Matrix<Real>("tape", field.tape_rows(), lanes);
    u = random_matrix<Real>(n, lanes, "u");
    q = random_matrix<Real>(m, lanes, "q");
  }

  // Of theta, zero in frozen blocks.
  std::vector<double> direction(const std::string& name, double size = 1.0) const {
    auto v = random_vector(theta.size(), name, size);
    for (const ParameterBlock& block : model.layout().blocks())
      if (block.frozen) std::ranges::fill(block_of(std::span(v), block), 0.0);
    return v;
  }

  Matrix<Real> value(std::span<const double> at, const Matrix<Real>& state, const Matrix<Real>& arguments) {
    field.set_parameters(at);
    Matrix<Real> f("f", n, lanes);
    field.value(space, {state, arguments}, f, tape, scratch);
    return f;
  }
  Matrix<Real> tangent(std::span<const double> at, const Matrix<Real>& state, const Matrix<Real>& u_dot,
                       const Matrix<Real>& q_dot) {
    value(at, state, q);
    Matrix<Real> f_dot("f_dot", n, lanes);
    field.jvp(space, {{state, q}, {u_dot, q_dot}, tape, {}, f_dot}, scratch);
    return f_dot;
  }

  std::size_t n;
  ExecSpace space;
  Scratch<Real> scratch;
  BasicModel<Real> model;
  VectorField<Real> field;
  std::vector<double> theta;
  std::size_t m;
  Matrix<Real> tape, u, q;
};

std::vector<double> shifted(const std::vector<double>& x, double e, const std::vector<double>& direction) {
  std::vector<double> sum = x;
  for (std::size_t i = 0; i < x.size(); ++i) sum[i] += e * direction[i];
  return sum;
}

}  // namespace

TEST_CASE("right_hand_side_is_the_slope_of_small_explicit_steps") {
  for (const Case& c : all_cases()) {
    if (c.options.arguments.size() > 0) continue;
    Setup<double> s(c.options);
    const Matrix<double> f = s.value(s.theta, s.u, s.q);
    Dynamics<double> dynamics(s.model, {Scheme::euler, 1, MatrixFunctionMethod::dense, 0}, StepTable({1.0}),
                              MatrixFunctionMethod::dense);
    dynamics.set_parameters(s.theta);
    RolloutSteps<double> steps;
    steps.assign(dynamics.table(), std::vector<double>(s.lanes, 1.0), 1, s.lanes);
    Matrix<double> next("next", s.n, s.lanes), tape("tape", dynamics.integrator().tape_rows(), s.lanes);
    dynamics.integrator().step(dynamics.context(s.space, s.scratch), steps.step(0, 1), s.u, next, tape);
    const Matrix<double> slope = moved(next, -1.0, s.u), w = random_matrix(s.n, s.lanes, "w");
    CAPTURE(c.name);
    CHECK(relative(dot(slope, w), dot(f, w)) < 1e-12);
  }
}

TEMPLATE_TEST_CASE("right_hand_side_adjoint_is_the_transpose_of_its_tangent", "", double, float) {
  using Real = TestType;
  for (const Case& c : all_cases()) {
    Setup<Real> s(c.options);
    const auto theta_dot = s.direction("theta_dot");
    const Matrix<Real> u_dot = random_matrix<Real>(s.n, s.lanes, "u_dot"),
                       q_dot = random_matrix<Real>(s.m, s.lanes, "q_dot"),
                       w = random_matrix<Real>(s.n, s.lanes, "w");
    s.value(s.theta, s.u, s.q);
    std::vector<double> dot_host(s.field.coefficient_count()), theta_bar(s.theta.size(), 0.0);
    s.field.assemble_jvp(s.theta, theta_dot, dot_host);
    Matrix<Real> f_dot("f_dot", s.n, s.lanes), u_bar("u_bar", s.n, s.lanes), q_bar("q_bar", s.m, s.lanes);
    s.field.jvp(s.space, {{s.u, s.q}, {u_dot, q_dot}, s.tape, to_device<Real>(dot_host), f_dot}, s.scratch);
    Vector<Real> bar("bar", s.field.coefficient_count());
    s.field.vjp(s.space, {{s.u, s.q}, s.tape, w, {u_bar, q_bar}, bar}, s.scratch);
    s.field.assemble_vjp(s.theta, to_host(bar), theta_bar);
    CAPTURE(c.name);
    CHECK(relative(dot(f_dot, w), dot(u_bar, u_dot) + dot(q_bar, q_dot) + dot(theta_bar, theta_dot)) <
          8000 * roundoff<Real>);
  }
}

TEST_CASE("right_hand_side_tangent_and_the_adjoint_of_its_tangent_match_central_differences") {
  for (const Case& c : all_cases()) {
    Setup<double> s(c.options);
    const auto theta_move = s.direction("theta_move");
    const Matrix<double> u_dot = random_matrix(s.n, s.lanes, "u_dot"),
                         q_dot = random_matrix(s.m, s.lanes, "q_dot"), w = random_matrix(s.n, s.lanes, "w"),
                         u_move = random_matrix(s.n, s.lanes, "u_move"),
                         dot_move = random_matrix(s.n, s.lanes, "dot_move");
    const double e = 1e-5;
    const auto along = [&](double step) {
      return dot(s.value(s.theta, moved(s.u, step, u_dot), moved(s.q, step, q_dot)), w);
    };
    CAPTURE(c.name);
    CHECK(relative(dot(s.tangent(s.theta, s.u, u_dot, q_dot), w), (along(e) - along(-e)) / (2 * e)) < 1e-7);

    s.value(s.theta, s.u, s.q);
    Matrix<double> u_bar("u_bar", s.n, s.lanes), q_bar("q_bar", s.m, s.lanes),
        u_dot_bar("u_dot_bar", s.n, s.lanes), q_dot_bar("q_dot_bar", s.m, s.lanes);
    Vector<double> bar("bar", s.field.coefficient_count());
    s.field.jvp_vjp(s.space,
                    {{s.u, s.q}, {u_dot, q_dot}, s.tape, w, {u_bar, q_bar}, {u_dot_bar, q_dot_bar}, bar},
                    s.scratch);
    std::vector<double> theta_bar(s.theta.size(), 0.0);
    s.field.assemble_vjp(s.theta, to_host(bar), theta_bar);
    const auto at = [&](double step) {
      return dot(s.tangent(shifted(s.theta, step, theta_move), moved(s.u, step, u_move),
                           moved(u_dot, step, dot_move), q_dot),
                 w);
    };
    CHECK(relative(dot(u_bar, u_move) + dot(u_dot_bar, dot_move) + dot(theta_bar, theta_move),
                   (at(e) - at(-e)) / (2 * e)) < 5e-7);
  }
}

TEMPLATE_TEST_CASE("tangent_of_the_right_hand_sides_tangent_is_the_transpose_of_its_adjoint", "", double,
                   float) {
  using Real = TestType;
  for (const Case& c : all_cases()) {
    Setup<Real> s(c.options);
    const auto theta_dot = s.direction("theta_dot");
    const Matrix<Real> u_dot = random_matrix<Real>(s.n, s.lanes, "u_dot"),
                       q_dot = random_matrix<Real>(s.m, s.lanes, "q_dot"),
                       w = random_matrix<Real>(s.n, s.lanes, "w");
    s.value(s.theta, s.u, s.q);
    std::vector<double> dot_host(s.field.coefficient_count()), theta_bar(s.theta.size(), 0.0);
    s.field.assemble_jvp(s.theta, theta_dot, dot_host);
    Matrix<Real> f_dot_dot("f_dot_dot", s.n, s.lanes);
    s.field.jvp_jvp(s.space, {{s.u, s.q}, {u_dot, q_dot}, s.tape, to_device<Real>(dot_host), f_dot_dot},
                    s.scratch);
    Matrix<Real> u_bar("u_bar", s.n, s.lanes), q_bar("q_bar", s.m, s.lanes),
        u_dot_bar("u_dot_bar", s.n, s.lanes), q_dot_bar("q_dot_bar", s.m, s.lanes);
    Vector<Real> bar("bar", s.field.coefficient_count());
    s.field.jvp_vjp(s.space,
                    {{s.u, s.q}, {u_dot, q_dot}, s.tape, w, {u_bar, q_bar}, {u_dot_bar, q_dot_bar}, bar},
                    s.scratch);
    s.field.assemble_vjp(s.theta, to_host(bar), theta_bar);
    CAPTURE(c.name);
    CHECK(relative(dot(f_dot_dot, w), dot(theta_bar, theta_dot)) < 8000 * roundoff<Real>);
    if constexpr (std::is_same_v<Real, float>) continue;
    const double e = 1e-5;
    const auto at = [&](double step) {
      return dot(s.tangent(shifted(s.theta, step, theta_dot), s.u, u_dot, q_dot), w);
    };
    CHECK(relative(dot(f_dot_dot, w), (at(e) - at(-e)) / (2 * e)) < 5e-7);
  }
}

TEST_CASE("options_that_contradict_each_other_are_refused") {
  ModelOptions options;
  options.nonlinear = {NonlinearKind::forcing};
  CHECK_THROWS_AS(Model(options, 2), UsageError);
  options.nonlinear = {NonlinearKind::network};
  options.network.relaxation = true;
  options.linear.structure = HurwitzKind::none;
  CHECK_THROWS_AS(Model(options, 2), UsageError);
  options.network.relaxation = false;
  const Model plain(options, 2);
  CHECK_THROWS_AS(program_of(Scheme::etd1, plain.split_shape()), UsageError);
  CHECK_NOTHROW(program_of(Scheme::dopri5, plain.split_shape()));
  CHECK_NOTHROW(program_of(Scheme::rodas4p, SplitShape{64, true}));
  CHECK_THROWS_AS(program_of(Scheme::rodas4p, SplitShape{65, true}), UsageError);
}
