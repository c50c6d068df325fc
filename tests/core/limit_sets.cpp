// Limit sets of maps and flows with known ones.
#include "core/limit_sets/limit_sets.hpp"
#include "catch.hpp"
#include "core/limit_sets/model_orbits.hpp"
#include "core/limit_sets/switching_form.hpp"
#include "core/limit_sets/system_orbits.hpp"
#include "core/systems/sigmoid_map.hpp"
#include "core/systems/switching.hpp"
#include "core/systems/systems.hpp"

#include <cmath>

using namespace spnode;
using namespace spnode::core;

namespace {

std::vector<LimitSet> sets_of(const GenerateOptions& system, const std::vector<double>& states,
                              const LimitSetOptions& options) {
  std::vector<std::unique_ptr<ReferenceSystem>> systems;
  systems.push_back(make_system(system));
  return find_limit_sets(*make_orbits(std::move(systems), states, options.step), options);
}

GenerateOptions sigmoid(double b, double c) {
  GenerateOptions options;
  options.system = SystemKind::sigmoid_map;
  options.sigmoid_map.b = b;
  options.sigmoid_map.c = c;
  return options;
}

GenerateOptions relu_flow(double mu) {
  GenerateOptions options;
  options.system = SystemKind::switching;
  options.switching.mu = mu;
  return options;
}

/// The lecture's flow to chaos, with the first column that is right.
GenerateOptions relu_chaos(double mu) {
  GenerateOptions options = relu_flow(mu);
  options.switching.a1 = {-0.8, 1.0, 0.0, -0.57, 0.0, 1.0, -0.09, 0.0, 0.0};
  options.switching.a2 = {0.1, 1.0, 0.0, -0.2, 0.0, 1.0, -60.0, 0.0, 0.0};
  options.switching.b1 = options.switching.b2 = {0.0, 0.0, 1.0};
  options.switching.c = {1.0, 0.0, 0.0};
  return options;
}

}  // namespace

TEST_CASE("sigmoid_map_without_steepness_has_its_fixed_point_and_exponent") {
  LimitSetOptions options;
  options.transient = 200;
  options.length = 100;
  const auto sets = sets_of(sigmoid(0.9, 0.0), {0.3, -5.0}, options);
  for (const LimitSet& set : sets) {
    CHECK(set.kind == LimitSetKind::fixed_point);
    CHECK(set.period == 1);
    REQUIRE(set.points.size() == 1);
    CHECK(set.points[0] == Approx((0.9 - 0.5) / (1.0 - 0.8)));
    CHECK(set.exponent == Approx(std::log(0.8)).epsilon(1e-12));
  }
}

TEST_CASE("exponent_of_a_periodic_orbit_is_that_of_its_points") {
  LimitSetOptions options;
  const GenerateOptions map = sigmoid(0.5, 5.0);
  const LimitSet set = sets_of(map, {0.3}, options).front();
  CHECK(set.kind == LimitSetKind::periodic);
  REQUIRE(set.period == 2);
  CHECK(set.period_time == 2.0);
  double sum = 0.0;
  for (const double x : set.points) {
    double slope = 0.0;
    SigmoidMap(map.sigmoid_map).jacobian({&x, 1}, {&slope, 1});
    sum += std::log(std::abs(slope));
  }
  CHECK(set.exponent == Approx(sum / 2.0).epsilon(1e-9));
}

TEST_CASE("kinds_of_the_sigmoid_map_are_those_of_the_lecture") {
  LimitSetOptions options;
  options.transient = 3000;
  options.length = 20000;
  const auto kind_at = [&](double b, double c) { return sets_of(sigmoid(b, c), {0.3}, options).front(); };
  for (const double b : {0.1, 0.3, 0.5, 0.7, 0.9}) CHECK(kind_at(b, 1.0).kind == LimitSetKind::fixed_point);
  CHECK(kind_at(0.19, 5.0).kind == LimitSetKind::fixed_point);
  CHECK(kind_at(0.22, 5.0).period == 2);
  CHECK(kind_at(0.78, 5.0).period == 2);
  CHECK(kind_at(0.81, 5.0).kind == LimitSetKind::fixed_point);
}

TEST_CASE("orbit_that_grows_without_bound_is_told") {
  GenerateOptions map = sigmoid(0.5, 1.0);
  map.sigmoid_map.a = 2.0;
  const LimitSet set = sets_of(map, {3.0}, {}).front();
  CHECK(set.kind == LimitSetKind::unbounded);
  CHECK(set.points.empty());
}

TEST_CASE("linear_flow_has_its_fixed_point_and_largest_eigenvalue") {
  GenerateOptions system;
  system.system = SystemKind::transient_growth;
  LimitSetOptions options;
  options.transient = 20;
  options.length = 400;
  options.step = 0.05;
  const LimitSet set = sets_of(system, {0.4, -0.9}, options).front();
  CHECK(set.kind == LimitSetKind::fixed_point);
  // The defective eigenvalue -2 grows as t e^{-2t}: the mean is off by log(t)/t.
  CHECK(set.exponent == Approx(-2.0).margin(0.01));
}

TEST_CASE("relu_flow_goes_from_a_fixed_point_to_the_limit_cycle_of_the_lecture") {
  LimitSetOptions options;
  options.transient = 2000;
  options.length = 300;
  const LimitSet rest = sets_of(relu_flow(-1.0), {0.3, 0.2}, options).front();
  CHECK(rest.kind == LimitSetKind::fixed_point);
  CHECK(rest.points[0] == Approx(-1.0));
  CHECK(rest.points[1] == Approx(-1.0));
  const LimitSet cycle = sets_of(relu_flow(1.0), {0.3, 0.2}, options).front();
  CHECK(cycle.kind == LimitSetKind::periodic);
  CHECK(cycle.period == 1);
  CHECK(cycle.period_time == Approx(5.048).margin(5e-4));
  CHECK(std::abs(cycle.exponent) < 0.01);
}

TEST_CASE("relu_flow_to_chaos_has_its_exponent") {
  LimitSetOptions options;
  options.transient = 500;
  options.length = 8000;
  options.step = 0.1;
  const LimitSet rest = sets_of(relu_chaos(-1.0), {0.3, 0.2, 0.1}, options).front();
  CHECK(rest.kind == LimitSetKind::fixed_point);
  CHECK(rest.points[0] == Approx(-100.0 / 9.0));
  CHECK(rest.points[2] == Approx(-19.0 / 3.0));
  const LimitSet chaos = sets_of(relu_chaos(1.0), {0.3, 0.2, 0.1}, options).front();
  CHECK(chaos.kind == LimitSetKind::chaotic);
  CHECK(std::abs(chaos.exponent - 0.0514) < 0.02 * 0.0514 + 2.0 * chaos.exponent_error);
}

TEST_CASE("orbits_do_not_depend_on_those_beside_them") {
  LimitSetOptions options;
  options.transient = 10;
  options.length = 50;
  for (const GenerateOptions& system : {sigmoid(0.3, 50.0), relu_flow(1.0)}) {
    const std::size_t n = make_system(system)->dimension();
    const std::vector<double> states = {0.3, 0.1, -0.4, 0.7, 0.2, -0.6};
    const auto together = sets_of(system, states, options);
    for (std::size_t orbit = 0; orbit < together.size(); ++orbit) {
      const std::vector<double> own(states.begin() + std::ptrdiff_t(orbit * n),
                                    states.begin() + std::ptrdiff_t((orbit + 1) * n));
      const LimitSet alone = sets_of(system, own, options).front();
      CHECK(alone.exponent == together[orbit].exponent);
      CHECK(alone.points == together[orbit].points);
    }
  }
}

TEST_CASE("cubic_of_a_step_has_the_maximum_of_a_parabola") {
  // u = 2 + s - s^2 on [0, 1].
  const std::vector<double> u = {2.0}, next = {2.0}, change = {1.0}, next_change = {-1.0};
  const CubicStep cubic{u, next, change, next_change};
  CHECK(cubic.maximum(0) == Approx(0.5));
  CHECK(cubic.value(0, 0.5) == Approx(2.25));
}

namespace {

/// A model with random parameters, and states to start from.
struct Learned {
  explicit Learned(const ModelOptions& options) : model(options, 2) {
    model.scaling.shift = {0.5, -1.0};
    model.scaling.scale = {2.0, 0.5};
    theta = model.initialise(3, nullptr);
    start.count = 3;
    start.times = 1;
    start.components = 2;
    start.time = {0.0};
    start.state = {1.0, -1.2, 0.2, -0.8, 0.9, -0.5};
    start.parameters["b"] = {0.1, 0.2, 0.3};
  }
  Model model;
  std::vector<double> theta;
  Trajectories start;
};

ModelOptions plain_network() {
  ModelOptions options;
  options.linear.structure = HurwitzKind::none;
  options.nonlinear = {NonlinearKind::network};
  options.network.hidden = {6};
  options.arguments.parameters = {"b"};
  return options;
}

}  // namespace

TEST_CASE("map_of_a_model_gives_the_states_of_its_forecast") {
  const Learned learned(plain_network());
  const IntegratorOptions integrator{Scheme::map, 1, MatrixFunctionMethod::automatic, 0};
  Trajectories forecast = learned.start;
  forecast.times = 4;
  forecast.time = {0.0, 1.0, 2.0, 3.0};
  forecast.state.assign(3 * 4 * 2, 0.0);
  for (std::size_t k = 0; k < 3; ++k) std::copy_n(learned.start.state_at(k, 0), 2, forecast.state_at(k, 0));
  BasicForecaster<double>(learned.model, learned.theta, {integrator}, {1.0}).run(forecast);
  ModelOrbits orbits(learned.model, learned.theta, integrator, learned.start, 1.0);
  CHECK(orbits.is_map());
  for (int k = 0; k < 3; ++k) orbits.advance();
  std::vector<double> states;
  for (std::size_t orbit = 0; orbit < 3; ++orbit)
    for (std::size_t i = 0; i < 2; ++i) states.push_back(orbits.state(orbit, i));
  const std::vector<double> shown = orbits.shown(states);
  for (std::size_t orbit = 0; orbit < 3; ++orbit)
    for (std::size_t i = 0; i < 2; ++i) CHECK(shown[2 * orbit + i] == forecast.state_at(orbit, 3)[i]);
}

TEST_CASE("linear_model_has_the_exponent_of_its_spectral_abscissa") {
  ModelOptions options;
  options.nonlinear = {};
  options.linear = {-0.1, 0.3, 0.8, 0.2, true};
  const Learned learned(options);
  const auto A = learned.model.linear_operator(learned.theta);
  const double trace = A.entries[0] + A.entries[3],
               determinant = A.entries[0] * A.entries[3] - A.entries[1] * A.entries[2];
  const double square = 0.25 * trace * trace - determinant;
  const double abscissa = 0.5 * trace + (square > 0.0 ? std::sqrt(square) : 0.0);
  const IntegratorOptions integrator{Scheme::etdrk2, 3, MatrixFunctionMethod::automatic, 0};
  LimitSetOptions limits;
  limits.transient = 300;
  limits.length = 400;
  limits.step = 0.2;
  ModelOrbits orbits(learned.model, learned.theta, integrator, learned.start, limits.step);
  for (const LimitSet& set : find_limit_sets(orbits, limits)) {
    CHECK(set.kind == LimitSetKind::fixed_point);
    CHECK(set.exponent == Approx(abscissa).margin(5e-3));
    CHECK(set.points[0] == Approx(0.5).margin(1e-9));
    CHECK(set.points[1] == Approx(-1.0).margin(1e-9));
  }
}

TEST_CASE("model_of_one_relu_unit_is_the_switching_flow_that_it_says") {
  ModelOptions options;
  options.nonlinear = {NonlinearKind::network};
  options.network.hidden = {1};
  options.network.activation = Activation::relu;
  options.arguments.parameters = {"b"};
  const Learned learned(options);
  const std::vector<double> q = {0.7};
  const auto form = switching_form(learned.model, learned.theta, q);
  REQUIRE(form.has_value());
  const SwitchingSystem system(*form);
  CHECK(system.is_continuous());
  CHECK(std::max(form->c[0], form->c[1]) == 1.0);
  // The right-hand side of the model at states on both sides, in the units of the state.
  VectorField<double> field(learned.model);
  field.set_parameters(learned.theta);
  Scratch<double> scratch;
  constexpr std::size_t lanes = 8;
  Matrix<double> u("u", 2, lanes), q_lanes("q", 1, lanes), f("f", 2, lanes),
      tape("tape", field.tape_rows(), lanes);
  const auto u_host = Kokkos::create_mirror(u), f_host = Kokkos::create_mirror(f);
  for (std::size_t l = 0; l < lanes; ++l)
    for (std::size_t i = 0; i < 2; ++i) u_host(i, l) = std::sin(3.0 * double(l) + 2.0 * double(i));
  Kokkos::deep_copy(u, u_host);
  Kokkos::deep_copy(q_lanes, 0.7);
  field.value(ExecSpace(), Point<double>(u, q_lanes), f, tape, scratch);
  Kokkos::deep_copy(f_host, f);
  const Scaling& scaling = learned.model.scaling;
  std::size_t above = 0;
  for (std::size_t l = 0; l < lanes; ++l) {
    std::vector<double> x(2), rate(2);
    for (std::size_t i = 0; i < 2; ++i) x[i] = scaling.scale[i] * u_host(i, l) + scaling.shift[i];
    above += system.distance(x) >= 0.0 ? 1 : 0;
    system.rhs(x, rate);
    for (std::size_t i = 0; i < 2; ++i)
      CHECK(rate[i] == Approx(scaling.scale[i] * f_host(i, l)).epsilon(1e-12).margin(1e-12));
  }
  CHECK((above > 0 && above < lanes));
  options.network.hidden = {2};
  const Learned wider(options);
  CHECK_FALSE(switching_form(wider.model, wider.theta, q).has_value());
}

TEST_CASE("what_has_no_limit_sets_is_refused") {
  GenerateOptions stiff;
  stiff.system = SystemKind::robertson;
  CHECK_THROWS_AS(sets_of(stiff, {1.0, 0.0, 0.0}, {}), OptionError);
  LimitSetOptions options;
  options.component = 2;
  CHECK_THROWS_AS(sets_of(sigmoid(0.5, 1.0), {0.1}, options), OptionError);
  ModelOptions forced = plain_network();
  forced.arguments.time = true;
  const Learned learned(forced);
  CHECK_THROWS_AS(ModelOrbits(learned.model, learned.theta, {Scheme::rk4, 1, {}, 0}, learned.start, 0.1),
                  OptionError);
}
