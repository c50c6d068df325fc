// Piecewise linear flows: exact on both sides, events, sliding, grazing, tangents.
#include "core/systems/switching.hpp"
#include "catch.hpp"
#include "core/matrix_functions/phi.hpp"

#include <cmath>
#include <numbers>

using namespace spnode::core;
using Mode = SwitchingOrbit::Mode;
using Event = SwitchingOrbit::Event;
using std::numbers::pi;

namespace {

/// The same matrix on both sides of u_1 = 0.
SwitchingOptions planar(std::vector<double> a1, std::vector<double> b1, std::vector<double> a2,
                        std::vector<double> b2) {
  SwitchingOptions options;
  options.a1 = std::move(a1), options.b1 = std::move(b1);
  options.a2 = std::move(a2), options.b2 = std::move(b2);
  return options;
}

std::vector<double> state_after(const SwitchingSystem& system, std::vector<double> u, double t) {
  SwitchingOrbit orbit(system, u);
  orbit.advance(t);
  return {orbit.state().begin(), orbit.state().end()};
}

/// The tangent after t, and central differences of the state in the direction e_1.
void compare_tangent(const SwitchingOptions& options, const std::vector<double>& u, double t,
                     double tolerance) {
  const SwitchingSystem system(options);
  SwitchingOrbit orbit(system, u);
  orbit.advance(t);
  const double h = 1e-6;
  std::vector<double> up = u, down = u;
  up[0] += h;
  down[0] -= h;
  up = state_after(system, up, t);
  down = state_after(system, down, t);
  for (std::size_t i = 0; i < u.size(); ++i) {
    CAPTURE(i, orbit.tangent()[i]);
    CHECK(orbit.tangent()[i] == Approx((up[i] - down[i]) / (2.0 * h)).margin(tolerance));
  }
}

}  // namespace

TEST_CASE("switching_flow_on_one_side_is_the_exponential") {
  SwitchingOptions options;
  options.a1 = {-0.3, 1.0, -2.0, -0.1};
  options.b1 = {0.0, 0.0};
  options.d = 1e6;
  const SwitchingSystem system(options);
  PhiFunctions functions(2, 0, HalfArgument::omit);
  for (const double t : {0.01, 1.0, 7.3}) {
    functions.compute(options.a1, t);
    const auto e = functions.value(0, Argument::full);
    const auto u = state_after(system, {0.4, -0.7}, t);
    CHECK(u[0] == Approx(0.4 * e[0] - 0.7 * e[1]).margin(1e-14));
    CHECK(u[1] == Approx(0.4 * e[2] - 0.7 * e[3]).margin(1e-14));
  }
}

TEST_CASE("switching_flow_crosses_the_plane_at_known_times") {
  // Half circles of frequency 1 below and 2 above: du/dt = omega (u_2, -u_1).
  const SwitchingSystem system(planar({0, 1, -1, 0}, {0, 0}, {0, 2, -2, 0}, {0, 0}));
  SwitchingOrbit orbit(system, std::vector<double>{-1.0, 0.0});
  std::vector<Event> events;
  orbit.advance(20.0, &events);
  const double first = 0.5 * pi;
  double expected = first;
  Mode mode = Mode::below;
  REQUIRE(events.size() >= 8);
  for (const Event& event : events) {
    CHECK(event.time == Approx(expected).epsilon(1e-14));
    CHECK(event.from == mode);
    mode = mode == Mode::below ? Mode::above : Mode::below;
    CHECK(event.to == mode);
    expected += mode == Mode::above ? 0.5 * pi : pi;
  }
  CHECK(std::hypot(orbit.state()[0], orbit.state()[1]) == Approx(1.0).epsilon(1e-13));
}

TEST_CASE("parts_of_an_orbit_follow_each_other") {
  for (const double mu : {-1.0, 1.0}) {
    SwitchingOptions options;
    options.mu = mu;
    const SwitchingSystem system(options);
    SwitchingOrbit whole(system, std::vector<double>{0.3, 0.2}), parts = whole;
    std::vector<Event> of_whole, of_parts;
    whole.advance(30.0, &of_whole);
    for (int k = 0; k < 1000; ++k) parts.advance(0.03, &of_parts);
    REQUIRE(of_whole.size() == of_parts.size());
    for (std::size_t k = 0; k < of_whole.size(); ++k)
      CHECK(of_whole[k].time == Approx(of_parts[k].time).epsilon(1e-12));
    for (std::size_t i = 0; i < 2; ++i)
      CHECK(whole.state()[i] == Approx(parts.state()[i]).epsilon(1e-10).margin(1e-10));
  }
}

TEST_CASE("tangent_of_a_continuous_flow_needs_no_jump") {
  SwitchingOptions options;
  CHECK(SwitchingSystem(options).is_continuous());
  for (const double t : {0.2, 3.0, 11.0}) compare_tangent(options, {0.3, 0.2}, t, 1e-5);
}

TEST_CASE("tangent_jumps_where_the_right_hand_side_does") {
  const SwitchingOptions options = planar({0, 1, -1, 0}, {0.3, 0}, {0, 2, -2, -0.1}, {0.1, 0.4});
  CHECK_FALSE(SwitchingSystem(options).is_continuous());
  for (const double t : {1.0, 2.5, 6.0}) compare_tangent(options, {-1.0, 0.2}, t, 1e-7);
}

TEST_CASE("state_slides_where_both_sides_push_to_the_plane") {
  // u_1' = 1 below, -2 above: sliding with alpha = 1/3, so that u_2' = 2/3 * 1 + 1/3 * 4.
  const SwitchingOptions options = planar({0, 0, 0, 0}, {1, 1}, {0, 0, 0, 0}, {-2, 4});
  const SwitchingSystem system(options);
  SwitchingOrbit orbit(system, std::vector<double>{-0.5, 0.0});
  std::vector<Event> events;
  orbit.advance(3.5, &events);
  REQUIRE(events.size() == 1);
  CHECK(events[0].time == Approx(0.5));
  CHECK(events[0].to == Mode::sliding);
  CHECK(orbit.state()[0] == 0.0);
  CHECK(orbit.state()[1] == Approx(0.5 + 3.0 * 2.0));
  // A start nearer to the plane by e slides earlier by e: u_2 changes by 2 - 1.
  CHECK(orbit.tangent()[0] == Approx(0.0).margin(1e-15));
  CHECK(orbit.tangent()[1] == Approx(1.0));
}

TEST_CASE("sliding_ends_where_one_side_stops_to_push") {
  // u_1' = 1 below, -1 + u_2 above, u_2' = 1 on both sides: sliding until u_2 = 1.
  const SwitchingOptions options = planar({0, 0, 0, 0}, {1, 1}, {0, 1, 0, 0}, {-1, 1});
  const SwitchingSystem system(options);
  SwitchingOrbit orbit(system, std::vector<double>{-0.25, 0.0});
  std::vector<Event> events;
  orbit.advance(2.0, &events);
  REQUIRE(events.size() == 2);
  CHECK(events[0].time == Approx(0.25));
  CHECK(events[1].time == Approx(1.0).epsilon(1e-12));
  CHECK(events[1].to == Mode::above);
  CHECK(orbit.state()[0] == Approx(0.5).epsilon(1e-12));  // (t - 1)^2 / 2
  CHECK(orbit.state()[1] == Approx(2.0));
}

TEST_CASE("curved_sliding_follows_filippovs_equation") {
  const SwitchingOptions options =
      planar({0.1, 0.8, -0.5, -0.2}, {1.5, 0.7}, {-0.3, 0.4, 0.9, -0.6}, {-1.2, 0.1});
  const SwitchingSystem system(options);
  SwitchingOrbit orbit(system, std::vector<double>{0.0, 0.3});
  REQUIRE(orbit.mode() == Mode::sliding);
  // The same equation in small Runge-Kutta steps.
  const auto slope = [](double y) {
    const double p1 = 0.8 * y + 1.5, p2 = 0.4 * y - 1.2, f1 = -0.2 * y + 0.7, f2 = -0.6 * y + 0.1;
    return f1 + p1 / (p1 - p2) * (f2 - f1);
  };
  double y = 0.3;
  const double h = 1e-3;
  for (int k = 0; k < 1500; ++k) {
    const double k1 = slope(y), k2 = slope(y + 0.5 * h * k1), k3 = slope(y + 0.5 * h * k2),
                 k4 = slope(y + h * k3);
    y += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
  }
  orbit.advance(1.5);
  CHECK(orbit.mode() == Mode::sliding);
  CHECK(orbit.state()[1] == Approx(y).epsilon(1e-12));
  std::vector<double> rate(2), of_system(2);
  orbit.rate(rate);
  system.rhs(orbit.state(), of_system);
  CHECK(rate == of_system);
  CHECK(rate[1] == Approx(slope(y)).epsilon(1e-12));
  CHECK(std::abs(rate[0]) < 1e-14);
  // Into the sliding from below, and along it.
  compare_tangent(options, {-0.4, 0.3}, 1.2, 1e-7);
}

TEST_CASE("orbit_that_touches_the_plane_is_followed_through") {
  // A circle around (-1, 0): the radius decides whether it touches u_1 = 0. Above, the field pushes away.
  const SwitchingSystem system(planar({0, 1, -1, 0}, {0, -1}, {0, 1, -1, 0}, {5, 7}));
  for (const double excess : {-1e-3, -1e-9, -1e-15}) {
    SwitchingOrbit orbit(system, std::vector<double>{-2.0 - excess, 0.0});
    std::vector<Event> events;
    orbit.advance(2.0 * pi, &events);
    CAPTURE(excess);
    if (excess < -1e-12) CHECK(events.empty());
    if (events.empty()) CHECK(orbit.state()[0] == Approx(-2.0 - excess).epsilon(1e-12));
  }
  for (const double excess : {1e-3, 1e-9}) {
    SwitchingOrbit orbit(system, std::vector<double>{-2.0 - excess, 0.0});
    std::vector<Event> events;
    orbit.advance(pi + 0.1, &events);
    CAPTURE(excess);
    REQUIRE(events.size() == 1);
    CHECK(events[0].to == Mode::above);
    // The circle meets the plane where cos = 1 / (1 + excess).
    CHECK(events[0].time == Approx(pi - std::acos(1.0 / (1.0 + excess))).margin(1e-10));
  }
}

TEST_CASE("two_crossings_within_a_step_are_seen") {
  // As before with the same field on both sides: the orbit is above for a time of 2 acos(1 / r).
  const SwitchingSystem system(planar({0, 1, -1, 0}, {0, -1}, {0, 1, -1, 0}, {0, -1}));
  for (const double excess : {1e-2, 1e-5, 1e-8}) {
    SwitchingOrbit orbit(system, std::vector<double>{-2.0 - excess, 0.0});
    std::vector<Event> events;
    orbit.advance(2.0 * pi, &events);
    CAPTURE(excess);
    REQUIRE(events.size() == 2);
    const double half = std::acos(1.0 / (1.0 + excess));
    CHECK(events[1].time - events[0].time == Approx(2.0 * half).epsilon(1e-5));
  }
}

TEST_CASE("equilibrium_on_the_plane_stays") {
  SwitchingOptions options;
  options.mu = 0.0;
  const SwitchingSystem system(options);
  const auto u = state_after(system, {0.0, 0.0}, 5.0);
  CHECK(u[0] == 0.0);
  CHECK(u[1] == 0.0);
}

TEST_CASE("return_map_of_the_limit_cycle_is_that_of_the_half_plane_exponentials") {
  // Both halves of the lecture's cycle, from the plane to the plane, by exponentials and bisection.
  SwitchingOptions options;
  const SwitchingSystem system(options);
  SwitchingOrbit orbit(system, std::vector<double>{0.0, 5.0});
  REQUIRE(orbit.mode() == Mode::above);
  std::vector<Event> events;
  orbit.advance(0.5, &events);
  // Above: u'' - 2 u' + 5 u = 1, u(0) = 0, u'(0) = 5.
  const auto above = [](double t) {
    const double e = std::exp(t), A = -0.2, B = (5.0 - A) / 2.0;
    return 0.2 + e * (A * std::cos(2.0 * t) + B * std::sin(2.0 * t));
  };
  CHECK(orbit.state()[0] == Approx(above(0.5)).epsilon(1e-13));
  orbit.advance(1.5, &events);
  REQUIRE(!events.empty());
  double low = 1.0, high = 2.0;
  while (high - low > 1e-15) {
    const double middle = 0.5 * (low + high);
    (above(middle) > 0.0 ? low : high) = middle;
    if (middle == 0.5 * (low + high)) break;
  }
  CHECK(events[0].time == Approx(low).epsilon(1e-13));
}
