#include "catch.hpp"
#include "core/integrators/adaptive_steps.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/integrators/rollout.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <cmath>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

// Two trajectories with a parameter and an input c(t) = sin(3 t + trajectory) on an uneven grid.
Trajectories given_data() {
  Trajectories data;
  data.count = 2;
  data.times = data.input_times = 41;
  data.components = 1;
  for (std::size_t t = 0; t < data.times; ++t)
    data.time.push_back(1.0 + 2.0 * std::pow(double(t) / double(data.times - 1), 1.2));
  data.input_time = data.time;
  data.parameters["mu"] = {3.0, 5.0};
  for (std::size_t n = 0; n < 2; ++n)
    for (const double t : data.time) data.inputs["c"].push_back(std::sin(3.0 * t + double(n)));
  data.state.assign(data.count * data.times, 0.0);
  return data;
}

ArgumentReader reader_of(Interpolation interpolation, const Trajectories& data) {
  ArgumentReader reader({{"mu"}, {"c"}, true, interpolation}, {{1.0, 0.0, 0.0}, {2.0, 1.0, 1.0}});
  reader.attach(data);
  return reader;
}

double largest_error(Interpolation interpolation, const Trajectories& data) {
  const ArgumentReader reader = reader_of(interpolation, data);
  double largest = 0.0;
  std::vector<double> q(3);
  for (int i = 0; i <= 1000; ++i) {
    const double t = 1.0 + 2.0 * i / 1000.0;
    reader.read(1, t, q);
    largest = std::max(largest, std::abs(q[1] - std::sin(3.0 * t + 1.0)));
  }
  return largest;
}

// du/dt = B c(t) with c = cos(2 t) given on a fine grid: u = u0 + B sin(2 t) / 2.
struct Forced {
  Forced() {
    options.nonlinear = {NonlinearKind::forcing};
    options.linear.structure = HurwitzKind::none;
    options.arguments = {{}, {"c"}, false, Interpolation::cubic};
    data.count = 1;
    data.times = data.input_times = 4001;
    data.components = 1;
    for (std::size_t t = 0; t < data.times; ++t) {
      data.time.push_back(1e-3 * double(t));
      data.inputs["c"].push_back(std::cos(2.0 * data.time.back()));
    }
    data.input_time = data.time;
    data.state.assign(data.times, 0.0);
  }
  ModelOptions options;
  Trajectories data;
};

}  // namespace

TEST_CASE("arguments_are_parameters_inputs_and_time_scaled") {
  const Trajectories data = given_data();
  const ArgumentReader reader = reader_of(Interpolation::linear, data);
  std::vector<double> q(3);
  reader.read(1, data.time[7], q);
  CHECK(q[0] == 2.0);
  CHECK(q[1] == Approx(std::sin(3.0 * data.time[7] + 1.0)).epsilon(1e-14));
  CHECK(q[2] == data.time[7]);
}

TEST_CASE("a_held_input_jumps_at_its_times") {
  const Trajectories data = given_data();
  const ArgumentReader reader = reader_of(Interpolation::previous, data);
  std::vector<double> before(3), after(3);
  reader.read(0, data.time[7], before, ArgumentReader::Side::earlier);
  reader.read(0, data.time[7], after, ArgumentReader::Side::later);
  CHECK(before[1] == data.inputs.at("c")[6]);
  CHECK(after[1] == data.inputs.at("c")[7]);

  // Stored backwards, a value is held to the earlier time that follows it.
  Trajectories backwards = data;
  std::reverse(backwards.input_time.begin(), backwards.input_time.end());
  const ArgumentReader other = reader_of(Interpolation::previous, backwards);
  other.read(0, backwards.input_time[7], before, ArgumentReader::Side::earlier);
  other.read(0, backwards.input_time[7], after, ArgumentReader::Side::later);
  CHECK(before[1] == backwards.inputs.at("c")[7]);
  CHECK(after[1] == backwards.inputs.at("c")[6]);
}

TEST_CASE("steps_see_held_inputs_in_either_direction_of_time") {
  // du/dt = c(t), c held between the times 0, 1, 2, 3: forward from 0, and back from where that ended.
  Forced f;
  f.options.arguments.interpolation = Interpolation::previous;
  f.data.times = f.data.input_times = 4;
  f.data.time = f.data.input_time = {0.0, 1.0, 2.0, 3.0};
  f.data.inputs["c"] = {1.0, -2.0, 5.0, 100.0};
  f.data.state.assign(4, 0.0);
  const Model model(f.options, 1);
  const std::size_t lanes = padded<double>(1);
  ArgumentReader reader(f.options.arguments, {{0.0}, {1.0}});
  reader.attach(f.data);
  const std::vector<std::size_t> trajectory(lanes, 0);
  for (const Scheme scheme : {Scheme::euler, Scheme::rk4, Scheme::dopri5, Scheme::rodas3, Scheme::rodas4p})
    for (const bool forward : {true, false}) {
      Dynamics<double> dynamics(model, {scheme, 1, MatrixFunctionMethod::dense, 0}, StepTable({1.0, -1.0}),
                                MatrixFunctionMethod::dense);
      dynamics.set_parameters(std::vector<double>{1.0, 0.0});
      std::vector<double> times;
      for (int i = 0; i < 4; ++i) times.insert(times.end(), lanes, forward ? i : 3 - i);
      RolloutSteps<double> steps;
      steps.assign(dynamics.table(), std::vector<double>(3 * lanes, forward ? 1.0 : -1.0), 3, lanes);
      steps.assign_arguments(reader, {trajectory, times}, 1, dynamics.integrator().abscissae());
      Scratch<double> scratch;
      Matrix<double> states("states", 1, 4 * lanes);
      if (!forward) Kokkos::deep_copy(states, 4.0);
      Rollout<double>(dynamics, {1, 0})
          .forward(ExecSpace(), steps, states, Rollout<double>::Record::no, scratch);
      CAPTURE(int(scheme), forward);
      CHECK(on_host(states)(0, 3 * lanes) == Approx(forward ? 4.0 : 0.0).margin(1e-13));
    }
}

TEST_CASE("inputs_are_interpolated_with_their_order") {
  const Trajectories data = given_data();
  const double previous = largest_error(Interpolation::previous, data),
               linear = largest_error(Interpolation::linear, data),
               cubic = largest_error(Interpolation::cubic, data);
  CHECK(previous < 3.0 * 0.07);
  CHECK(linear < 9.0 / 8.0 * 0.06 * 0.06);
  CHECK(cubic < 2e-5);
  CHECK(cubic < 0.01 * linear);
}

TEST_CASE("an_input_outside_its_times_and_a_missing_name_are_refused") {
  const Trajectories data = given_data();
  const ArgumentReader reader = reader_of(Interpolation::cubic, data);
  std::vector<double> q(3);
  CHECK_THROWS_AS(reader.read(0, 3.01, q), UsageError);
  CHECK_THROWS_AS(reader.read(0, 0.99, q), UsageError);
  CHECK_NOTHROW(reader.read(0, 3.0, q));
  ArgumentReader other({{"nu"}, {}, false, Interpolation::linear}, {{0.0}, {1.0}});
  CHECK_THROWS_AS(other.attach(data), UsageError);
}

TEST_CASE("schemes_take_inputs_at_their_abscissae_with_their_order") {
  Forced f;
  const Model model(f.options, 1);
  const std::vector<double> theta = {1.0, 0.0};
  const auto error = [&](Scheme scheme, std::size_t intervals) {
    const double h = 2.0 / double(intervals);
    Dynamics<double> dynamics(model, {scheme, 1, MatrixFunctionMethod::dense, 0}, StepTable({h}),
                              MatrixFunctionMethod::dense);
    dynamics.set_parameters(theta);
    const std::size_t lanes = padded<double>(1);
    ArgumentReader reader(f.options.arguments, {{0.0}, {1.0}});
    reader.attach(f.data);
    std::vector<double> times;
    for (std::size_t i = 0; i <= intervals; ++i) times.insert(times.end(), lanes, 0.5 + h * double(i));
    const std::vector<std::size_t> trajectory(lanes, 0);
    RolloutSteps<double> steps;
    steps.assign(dynamics.table(), std::vector<double>(intervals * lanes, h), intervals, lanes);
    steps.assign_arguments(reader, {trajectory, times}, 1, dynamics.integrator().abscissae());
    Scratch<double> scratch;
    Matrix<double> states("states", 1, (intervals + 1) * lanes);
    Rollout<double>(dynamics, {1, 0})
        .forward(ExecSpace(), steps, states, Rollout<double>::Record::no, scratch);
    return std::abs(on_host(states)(0, intervals * lanes) - 0.5 * (std::sin(5.0) - std::sin(1.0)));
  };
  CHECK(std::log2(error(Scheme::euler, 32) / error(Scheme::euler, 64)) == Approx(1.0).margin(0.1));
  CHECK(std::log2(error(Scheme::rk4, 8) / error(Scheme::rk4, 16)) == Approx(4.0).margin(0.2));
  CHECK(error(Scheme::dopri5, 16) < 1e-7);
  CHECK(std::log2(error(Scheme::rodas3, 16) / error(Scheme::rodas3, 32)) == Approx(3.0).margin(0.2));
  CHECK(std::log2(error(Scheme::rodas4p, 8) / error(Scheme::rodas4p, 16)) == Approx(4.0).margin(0.2));
}
