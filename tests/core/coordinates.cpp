#include "core/vector_field/coordinates.hpp"

#include "catch.hpp"
#include "helpers.hpp"

#include <cmath>
#include <type_traits>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr std::size_t m = 6, lanes = 9;

struct Case {
  std::string name;
  ModelOptions options;
  bool trainable;
};

// The identity; a POD, a network, and both, frozen and trainable; coupling flows.
std::vector<Case> all_cases() {
  ModelOptions base;
  base.bilinear = {1, 0.5};
  std::vector<Case> cases = {{"identity", base, false}};
  base.latent_dimension = 4;
  base.autoencoder.enabled = true;
  for (const bool pod : {true, false})
    for (const bool network : {true, false})
      for (const bool trainable : {true, false}) {
        if (!pod && !network) continue;
        ModelOptions options = base;
        options.autoencoder.pod = pod;
        options.autoencoder.pod_trainable = trainable;
        options.autoencoder.frozen = !trainable;
        if (network) options.autoencoder.hidden = {5};
        cases.push_back({std::string(pod ? "POD" : "") + (network ? " network" : "") +
                             (trainable ? ", trainable" : ", frozen"),
                         options, trainable});
      }
  base.latent_dimension = 0;
  base.autoencoder.enabled = false;
  base.positive = {PositiveFunction::log, {4, 1}};
  cases.push_back({"logarithms of two components", base, false});
  base.positive = {PositiveFunction::softplus, {}};
  cases.push_back({"inverse softplus of all components", base, false});
  base.positive = {};
  base.lifting = {{1, 1, 0, 1, 5, 2}};
  cases.push_back({"products", base, false});
  base.lifting = {};
  base.coupling_flow.enabled = true;
  cases.push_back({"shifts by networks", base, true});
  base.arguments.parameters = {"epsilon", "delta"};
  base.coupling_flow.layers = 2;
  base.coupling_flow.split = 2;
  base.coupling_flow.affine_bound = 2.0;
  base.coupling_flow.scale_bound = 3.0;
  base.coupling_flow.activation = Activation::sin;
  base.coupling_flow.conditioners = {ConditionerKind::linear, ConditionerKind::network,
                                     ConditionerKind::product};
  cases.push_back({"flow with all layers and conditioners", base, true});
  base.coupling_flow.network_bound = 2.0;
  cases.push_back({"flow with bi-Lipschitz networks", base, true});
  base.coupling_flow.network_bound = 0.0;
  base.coupling_flow.layers = 1;
  base.coupling_flow.parts = CoupledParts::second;
  base.coupling_flow.affine_bound = 0.0;
  base.coupling_flow.scale_bound = 1.0;
  base.coupling_flow.conditioners = {ConditionerKind::product};
  base.coupling_flow.factors = 3;
  base.coupling_flow.factor_hidden = {4};
  cases.push_back({"shifts of the second part by products", base, true});
  return cases;
}

enum class Direction { to_latent, from_latent };

// One direction at random parameters and states.
template <class Real>
struct Setup {
  Setup(const Case& c, Direction direction_)
      : model(c.options, m), coordinates(model), direction(direction_) {
    const PodStart pod{random_vector(4 * m, "pod", 0.5), 1.3};
    theta = model.initialise(2, &pod);
    // Compositions of products are steep.
    const auto noise = random_vector(theta.size(), "noise", model.coupling_flow() == nullptr ? 0.3 : 0.1);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
    if (model.positive() != nullptr)
      model.positive()->set_moments(random_vector(m, "mean"), std::vector{0.5, 0.7, 1.0, 1.5, 2.0, 0.0},
                                    theta);
    const bool encodes = direction == Direction::to_latent;
    inputs = encodes ? m : model.latent_dimension();
    outputs = encodes ? model.latent_dimension() : m;
    tape = Matrix<Real>("tape", map().tape_rows(), lanes);
    x = random_matrix<Real>(inputs, lanes, "x");
    if (encodes && model.positive() != nullptr) take_exponentials();
    q = random_matrix<Real>(coordinates.parameter_count(), lanes, "q");
  }

  // Data of positive components.
  void take_exponentials() {
    auto values = random_vector(inputs * lanes, "x");
    for (double& value : values) value = std::exp(value);
    upload(values, x);
  }

  Point<Real> point() const { return point_at(x); }
  Point<Real> point_at(const Matrix<Real>& state) const {
    return {ConstMatrixView<Real>(state), ConstMatrixView<Real>(q)};
  }

  const CoordinateMap<Real>& map() const {
    return direction == Direction::to_latent ? coordinates.to_latent() : coordinates.from_latent();
  }
  Matrix<Real> value(std::span<const double> at, const Matrix<Real>& state) {
    coordinates.set_parameters(at);
    Matrix<Real> y("y", outputs, lanes);
    map().value(space, point_at(state), y, tape, scratch);
    return y;
  }
  Matrix<Real> tangent(std::span<const double> at, const Matrix<Real>& state, const Matrix<Real>& x_dot,
                       const Vector<Real>& dot = {}) {
    value(at, state);
    Matrix<Real> y_dot("y_dot", outputs, lanes);
    map().jvp(space, {point_at(state), x_dot, tape, dot, y_dot}, scratch);
    return y_dot;
  }
  Vector<Real> coefficients_dot(std::span<const double> theta_dot) const {
    std::vector<double> dot(coordinates.coefficient_count());
    coordinates.assemble_jvp(theta, theta_dot, dot);
    return to_device<Real>(dot);
  }
  std::vector<double> theta_bar(const Vector<Real>& bar) const {
    std::vector<double> result(theta.size(), 0.0);
    coordinates.assemble_vjp(theta, to_host(bar), result);
    return result;
  }
  // Zero in the blocks that do not learn.
  std::vector<double> random_direction(std::string_view name) const {
    auto theta_dot = random_vector(theta.size(), name);
    for (const ParameterBlock& block : model.layout().blocks())
      if (block.frozen) std::fill_n(theta_dot.begin() + std::ptrdiff_t(block.offset), block.size(), 0.0);
    return theta_dot;
  }
  std::vector<double> moved_theta(double e, const std::vector<double>& theta_dot) const {
    auto sum = theta;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += e * theta_dot[i];
    return sum;
  }

  ExecSpace space;
  Scratch<Real> scratch;
  BasicModel<Real> model;
  Coordinates<Real> coordinates;
  Direction direction;
  std::vector<double> theta;
  std::size_t inputs, outputs;
  Matrix<Real> tape, x, q;
};

// By differences of fourth order.
template <class Function>
double slope_at_zero(const Function& f) {
  constexpr double e = 1e-5;
  return (8.0 * (f(e) - f(-e)) - (f(2.0 * e) - f(-2.0 * e))) / (12.0 * e);
}

template <class Check>
void for_each_direction(Check check) {
  for (const Case& c : all_cases())
    for (const Direction direction : {Direction::to_latent, Direction::from_latent}) {
      CAPTURE(c.name, int(direction));
      check(c, direction);
    }
}

}  // namespace

TEST_CASE("without_autoencoder_and_flow_coordinates_are_the_identity") {
  for (const Direction direction : {Direction::to_latent, Direction::from_latent}) {
    Setup<double> s(all_cases().front(), direction);
    CHECK(s.coordinates.coefficient_count() == 0);
    const auto y = on_host(s.value(s.theta, s.x)), x = on_host(s.x);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t l = 0; l < lanes; ++l) REQUIRE(y(i, l) == x(i, l));
  }
}

TEST_CASE("lifted_states_end_with_products_and_begin_with_the_state") {
  for (const Case& c : all_cases()) {
    Setup<double> lift(c, Direction::to_latent), back(c, Direction::from_latent);
    if (!lift.model.lifting()) continue;
    CHECK(lift.model.latent_dimension() == m + 3);
    const Matrix<double> u = lift.value(lift.theta, lift.x);
    const auto z = on_host(lift.x), lifted = on_host(u);
    back.x = u;
    const auto again = on_host(back.value(back.theta, back.x));
    for (std::size_t l = 0; l < lanes; ++l) {
      for (std::size_t i = 0; i < m; ++i) CHECK((lifted(i, l) == z(i, l) && again(i, l) == z(i, l)));
      CHECK(lifted(m, l) == z(1, l) * z(1, l));
      CHECK(lifted(m + 1, l) == z(0, l) * z(1, l));
      CHECK(lifted(m + 2, l) == z(5, l) * z(2, l));
    }
  }
  CHECK_THROWS_WITH(Lifting(3, {{0, 3}}),
                    "lifting.products names component 3; the states have the components 0 to 2");
}

TEST_CASE("positive_components_are_positive_wherever_the_latent_state_is_and_are_found_again") {
  for (const Case& c : all_cases()) {
    Setup<double> decode(c, Direction::from_latent), encode(c, Direction::to_latent);
    const PositiveCoordinates* const positive = decode.model.positive();
    if (positive == nullptr) continue;
    CAPTURE(c.name);
    Kokkos::deep_copy(decode.x, -50.0);
    const auto small = on_host(decode.value(decode.theta, decode.x));
    for (std::size_t i = 0; i < m; ++i) {
      CHECK((small(i, 0) > 0.0) == positive->is_positive(i));
      if (!positive->is_positive(i)) CHECK(small(i, 0) == -50.0);
    }
    decode.x = encode.value(encode.theta, encode.x);
    const auto again = on_host(decode.value(decode.theta, decode.x)), data = on_host(encode.x);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t l = 0; l < lanes; ++l) CHECK(again(i, l) == Approx(data(i, l)).epsilon(1e-13));
  }
}

TEST_CASE("inverse_of_a_positive_function_is_no_number_where_data_are_not_positive") {
  for (const PositiveFunction function : {PositiveFunction::log, PositiveFunction::softplus}) {
    const PositiveCoordinates positive(1, {function, {}});
    CHECK(std::isnan(positive.inverse(0.0)));
    CHECK(std::isnan(positive.inverse(-1.0)));
    CHECK(std::isfinite(positive.inverse(1e-300)));
    CHECK(std::isfinite(positive.inverse(1e300)));
  }
  CHECK_THROWS_WITH(PositiveCoordinates(3, {PositiveFunction::log, {1, 3}}),
                    "positive.components names component 3; the states have the components 0 to 2");
}

TEST_CASE("coordinates_have_coefficients_where_something_learns") {
  for (const Case& c : all_cases()) {
    const Model model(c.options, m);
    if (!model.has_autoencoder()) continue;
    const std::size_t all =
        c.trainable ? model.encoder().coefficient_count() + model.decoder().coefficient_count() : 0;
    CHECK(Coordinates<double>(model).coefficient_count() == all);
  }
}

TEMPLATE_TEST_CASE("adjoint_of_coordinates_is_the_transpose_of_their_tangent", "", double, float) {
  using Real = TestType;
  for_each_direction([](const Case& c, Direction direction) {
    Setup<Real> s(c, direction);
    const auto theta_dot = s.random_direction("theta_dot");
    const auto x_dot = random_matrix<Real>(s.inputs, lanes, "x_dot"),
               w = random_matrix<Real>(s.outputs, lanes, "w");
    const auto y_dot = s.tangent(s.theta, s.x, x_dot, s.coefficients_dot(theta_dot));
    Matrix<Real> x_bar("x_bar", s.inputs, lanes);
    Vector<Real> bar("bar", s.coordinates.coefficient_count());
    s.map().vjp(s.space, {s.point(), s.tape, w, x_bar, bar}, s.scratch);
    CHECK(relative(dot(y_dot, w), dot(x_bar, x_dot) + dot(s.theta_bar(bar), theta_dot)) <
          4500 * roundoff<Real>);
  });
}

TEST_CASE("tangent_of_coordinates_is_the_first_term_of_their_taylor_series") {
  for_each_direction([](const Case& c, Direction direction) {
    Setup<double> s(c, direction);
    const auto theta_dot = s.random_direction("theta_dot");
    const auto x_dot = random_matrix(s.inputs, lanes, "x_dot"), w = random_matrix(s.outputs, lanes, "w");
    const double slope = dot(s.tangent(s.theta, s.x, x_dot, s.coefficients_dot(theta_dot)), w),
                 start = dot(s.value(s.theta, s.x), w);
    const auto remainder = [&](double e) {
      return std::abs(dot(s.value(s.moved_theta(e, theta_dot), moved(s.x, e, x_dot)), w) - start - e * slope);
    };
    if (remainder(1e-3) > 1e-10)  // else linear
      CHECK(std::log2(remainder(1e-3) / remainder(5e-4)) == Approx(2.0).margin(0.1));
  });
}

TEST_CASE("adjoint_of_the_tangent_of_coordinates_matches_central_differences") {
  for_each_direction([](const Case& c, Direction direction) {
    Setup<double> s(c, direction);
    const auto theta_move = s.random_direction("theta_move");
    const auto x_dot = random_matrix(s.inputs, lanes, "x_dot"), w = random_matrix(s.outputs, lanes, "w"),
               x_move = random_matrix(s.inputs, lanes, "x_move"),
               dot_move = random_matrix(s.inputs, lanes, "dot_move");
    s.value(s.theta, s.x);
    Matrix<double> x_bar("x_bar", s.inputs, lanes), x_dot_bar("x_dot_bar", s.inputs, lanes);
    Vector<double> bar("bar", s.coordinates.coefficient_count());
    s.map().jvp_vjp(s.space, {s.point(), x_dot, s.tape, w, x_bar, x_dot_bar, bar}, s.scratch);
    const auto at = [&](double e) {
      return dot(s.tangent(s.moved_theta(e, theta_move), moved(s.x, e, x_move), moved(x_dot, e, dot_move)),
                 w);
    };
    CHECK(relative(dot(x_bar, x_move) + dot(x_dot_bar, dot_move) + dot(s.theta_bar(bar), theta_move),
                   slope_at_zero(at)) < 1e-7);
  });
}

TEMPLATE_TEST_CASE("tangent_of_the_tangent_of_coordinates_is_the_transpose_of_its_adjoint", "", double,
                   float) {
  using Real = TestType;
  for_each_direction([](const Case& c, Direction direction) {
    Setup<Real> s(c, direction);
    const auto theta_dot = s.random_direction("theta_dot");
    const auto x_dot = random_matrix<Real>(s.inputs, lanes, "x_dot"),
               w = random_matrix<Real>(s.outputs, lanes, "w");
    s.value(s.theta, s.x);
    Matrix<Real> y_dot_dot("y_dot_dot", s.outputs, lanes);
    s.map().jvp_jvp(s.space, {s.point(), x_dot, s.tape, s.coefficients_dot(theta_dot), y_dot_dot}, s.scratch);
    Vector<Real> bar("bar", s.coordinates.coefficient_count());
    s.map().jvp_vjp(s.space, {s.point(), x_dot, s.tape, w, {}, {}, bar}, s.scratch);
    CHECK(relative(dot(y_dot_dot, w), dot(s.theta_bar(bar), theta_dot)) < 4500 * roundoff<Real>);
    if constexpr (std::is_same_v<Real, float>) return;
    const auto at = [&](double e) { return dot(s.tangent(s.moved_theta(e, theta_dot), s.x, x_dot), w); };
    const double difference = slope_at_zero(at);
    CHECK(std::abs(dot(y_dot_dot, w) - difference) < 1e-7 * std::abs(difference) + 1e-12);
  });
}

TEST_CASE("adjoints_of_coordinates_that_are_not_wanted_change_no_other") {
  for_each_direction([](const Case& c, Direction direction) {
    Setup<double> s(c, direction);
    const auto x_dot = random_matrix(s.inputs, lanes, "x_dot"), w = random_matrix(s.outputs, lanes, "w");
    s.value(s.theta, s.x);
    Matrix<double> x_bar("x_bar", s.inputs, lanes), x_dot_bar("x_dot_bar", s.inputs, lanes),
        alone("alone", s.inputs, lanes);
    const std::size_t count = s.coordinates.coefficient_count();
    Vector<double> bar("bar", count), bar_alone("bar_alone", count);
    s.map().vjp(s.space, {s.point(), s.tape, w, x_bar, bar}, s.scratch);
    s.map().vjp(s.space, {s.point(), s.tape, w, {}, bar_alone}, s.scratch);
    s.map().vjp(s.space, {s.point(), s.tape, w, alone, {}}, s.scratch);
    CHECK(to_host(bar) == to_host(bar_alone));
    CHECK(dot(alone, alone) == dot(x_bar, alone));

    Kokkos::deep_copy(alone, 0.0);
    s.map().jvp_vjp(s.space, {s.point(), x_dot, s.tape, w, x_bar, x_dot_bar, bar}, s.scratch);
    s.map().jvp_vjp(s.space, {s.point(), x_dot, s.tape, w, {}, {}, bar_alone}, s.scratch);
    s.map().jvp_vjp(s.space, {s.point(), x_dot, s.tape, w, {}, alone, {}}, s.scratch);
    CHECK(to_host(bar) == to_host(bar_alone));
    CHECK(dot(alone, alone) == dot(x_dot_bar, alone));
  });
}

TEST_CASE("states_that_do_not_move_leave_the_tangent_of_the_coefficients") {
  for_each_direction([](const Case& c, Direction direction) {
    Setup<double> s(c, direction);
    const auto dot_ = s.coefficients_dot(s.random_direction("theta_dot"));
    const auto w = random_matrix(s.outputs, lanes, "w");
    const Matrix<double> zero("zero", s.inputs, lanes);
    CHECK(dot(s.tangent(s.theta, s.x, {}, dot_), w) == dot(s.tangent(s.theta, s.x, zero, dot_), w));
  });
}
