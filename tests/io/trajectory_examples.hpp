#pragma once
/// Trajectories whose numbers follow from their places, and what tests of their files check.

#include "fixtures.hpp"
#include "io/trajectories.hpp"

#include <cmath>

namespace spnode::test {

inline io::TrajectoryInfo example_info(io::TimeAxis axis) {
  io::TrajectoryInfo info;
  info.count = 7;
  info.times = 5;
  info.components = 3;
  info.time_axis = axis;
  info.system = "example";
  info.units = "s";
  info.parameters = {"epsilon", "rate"};
  return info;
}

inline double example_state(std::size_t trajectory, std::size_t t, std::size_t component) {
  return std::sin(1.0 + 100.0 * trajectory + 10.0 * t + component);
}

/// The trajectories of `range` and the times [begin, end).
inline core::Trajectories example(const io::TrajectoryInfo& info, parallel::Range range, std::size_t begin,
                                  std::size_t end) {
  core::Trajectories data;
  data.count = range.size();
  data.times = end - begin;
  data.components = info.components;
  data.shared_time = info.time_axis == io::TimeAxis::shared;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t c = 0; c < info.components; ++c) data.state.push_back(example_state(i, t, c));
      if (!data.shared_time) data.time.push_back(0.1 * t - i);
    }
    for (const std::string& name : info.parameters) data.parameters[name].push_back(1.5 * i);
  }
  if (data.shared_time) {
    for (std::size_t t = begin; t < end; ++t) data.time.push_back(0.1 * t);
  }
  for (const std::string& name : info.parameters) data.parameters[name];
  for (const std::string& name : info.inputs) {
    data.inputs[name];
    for (std::size_t i = range.begin; i < range.end; ++i)
      for (std::size_t t = begin; t < end; ++t) data.inputs[name].push_back(2.0 * i - 0.3 * t);
  }
  if (info.derivatives == io::Derivatives::present)
    for (const double x : data.state) data.derivative.push_back(2.0 - x);
  data.tangents = info.tangents;
  for (std::size_t i = range.begin; i < range.end; ++i)
    for (std::size_t t = begin; t < end; ++t)
      for (std::size_t k = 0; k < info.tangents * info.components; ++k) {
        data.directions.push_back(example_state(i, t, 50 + k));
        data.products.push_back(example_state(i, t, 70 + k));
      }
  return data;
}

inline void check_equal(const core::Trajectories& a, const core::Trajectories& b) {
  CHECK(a.count == b.count);
  CHECK(a.times == b.times);
  CHECK(a.components == b.components);
  CHECK(a.shared_time == b.shared_time);
  CHECK(same_bits(a.state, b.state));
  CHECK(same_bits(a.time, b.time));
  CHECK(a.tangents == b.tangents);
  CHECK(same_bits(a.directions, b.directions));
  CHECK(same_bits(a.products, b.products));
  CHECK(a.parameters == b.parameters);
}

inline void check_refused(const Outcome& outcome, const std::string& message) {
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.message == message);
}

}  // namespace spnode::test
