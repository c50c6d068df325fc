#include "training/start/statistics.hpp"

#include "catch.hpp"
#include "toy_objective.hpp"

#include <algorithm>
#include <cmath>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

Moments moments_on(const Communicator& comm) {
  const Sampler sampler(7 * 9, {.batch = 30, .tile = 5});
  return component_moments(comm, {sampler, tests::toy_data(7, 10, sampler.held(comm.rank(), comm.size()))});
}

}  // namespace

TEST_CASE("moments_are_bitwise_those_of_one_rank") {
  const Moments shared = moments_on(Communicator()), alone = moments_on(Communicator(MPI_COMM_SELF));
  CHECK(shared.mean == alone.mean);
  CHECK(shared.deviation == alone.deviation);
}

TEST_CASE("moments_of_states_in_single_precision_are_those_of_their_values") {
  const Communicator alone(MPI_COMM_SELF);
  const Sampler sampler(7 * 9, {.batch = 30, .tile = 5});
  const core::WindowData all = tests::toy_data(7, 10, {0, 63});
  core::Trajectories wide = all.held(), single = all.held();
  single.single.assign(wide.state.begin(), wide.state.end());
  single.state.clear();
  wide.state.assign(single.single.begin(), single.single.end());
  const Moments one = component_moments(alone, {sampler, core::WindowData(all.index(), wide, 0)}),
                other = component_moments(alone, {sampler, core::WindowData(all.index(), single, 0)});
  CHECK(one.mean == other.mean);
  CHECK(one.deviation == other.deviation);
  CHECK(one.epsilon == other.epsilon);
}

TEST_CASE("moments_are_mean_and_deviation_over_all_trajectories_and_times") {
  const core::WindowData all = tests::toy_data(7, 10, {0, 63});
  const Moments moments = moments_on(Communicator());
  for (std::size_t c = 0; c < tests::toy_components; ++c) {
    double sum = 0.0, squares = 0.0;
    for (std::size_t n = 0; n < 7; ++n)
      for (std::size_t t = 0; t < 10; ++t) {
        const double x = all.held().state_at(n, t)[c];
        sum += x;
        squares += x * x;
      }
    const double mean = sum / 70;
    CHECK(moments.mean[c] == Approx(mean).epsilon(1e-13));
    CHECK(moments.deviation[c] == Approx(std::sqrt(squares / 70 - mean * mean)).epsilon(1e-12));
  }
}

TEST_CASE("pooled_moments_are_those_of_all_components_together") {
  const Moments both = pooled({{1.0, 3.0}, {2.0, 0.0}, {1e-16, 1e-7}, {}, {}});  // {-1, 3} and {3, 3}
  CHECK(both.mean[0] == Approx(2.0));
  CHECK(both.epsilon[0] == 1e-16);
  CHECK(both.deviation[0] == Approx(std::sqrt((9.0 + 1.0 + 1.0 + 1.0) / 4.0)));
}

namespace {

/// One oscillation for each trajectory, in a time that counts `unit`; the last third at rest.
DataSet oscillations(double unit, const Communicator& comm) {
  const Sampler sampler(5 * 300, {.batch = 30, .tile = 5});
  const core::WindowIndex index(5, 301, {.window = 1, .stride = 1, .times = {}});
  const parallel::Range held = sampler.held(comm.rank(), comm.size());
  const auto range = index.trajectories(held.begin, held.end);
  core::Trajectories data;
  data.count = range.last - range.first;
  data.times = 301;
  data.components = 3;
  for (std::size_t t = 0; t < data.times; ++t) data.time.push_back(0.01 * static_cast<double>(t) * unit);
  for (std::size_t n = range.first; n < range.last; ++n)
    for (std::size_t t = 0; t < data.times; ++t) {
      const double phase =
          20.0 * 0.01 * static_cast<double>(std::min<std::size_t>(t, 200)) + static_cast<double>(n);
      data.state.insert(data.state.end(), {std::cos(phase), 5.0 * std::sin(phase), 7.0});
    }
  return {sampler, core::WindowData(index, std::move(data), range.first)};
}

double natural_unit(const Communicator& comm, const DataSet& set) {
  return natural_time_unit(comm, set, component_moments(comm, set));
}

}  // namespace

TEST_CASE("natural_time_unit_is_the_time_of_a_deviation_in_any_unit_and_ignores_rest") {
  const Communicator comm;
  const double natural = natural_unit(comm, oscillations(1.0, comm));
  CHECK(natural == Approx(0.05).epsilon(0.15));  // 1 / 20
  CHECK(natural ==
        natural_unit(Communicator(MPI_COMM_SELF), oscillations(1.0, Communicator(MPI_COMM_SELF))));
  for (const double unit : {1.0 / 3600.0, 1e9, 1e-9})
    CHECK(natural_unit(comm, oscillations(unit, comm)) == Approx(natural * unit).epsilon(1e-8));
}

TEST_CASE("statistics_ignore_missing_states") {
  const Communicator comm;
  const auto with = [&](double filler) {
    DataSet set = oscillations(1.0, comm);
    core::Trajectories& data = set.data.change();
    data.missing.assign(data.count * data.times, 0);
    for (std::size_t n = 0; n < data.count; ++n) {
      data.missing[n * data.times + 17] = 1;
      std::fill_n(data.state_at(n, 17), 3, filler);
    }
    weigh_known_states(comm, "toy", set);
    return set;
  };
  const DataSet one = with(0.0), other = with(100.0);
  CHECK(component_moments(comm, one).deviation == component_moments(comm, other).deviation);
  CHECK(natural_unit(comm, one) == natural_unit(comm, other));
  // Of two states of each window both are lost at the window of the missing state, one at that before it.
  CHECK(one.data.weight() == Approx(600.0 / 597.0).epsilon(1e-14));
}

TEST_CASE("components_that_only_single_states_leave_are_constant") {
  const Communicator comm;
  DataSet set = oscillations(1.0, comm);
  CHECK(component_moments(comm, set).constant(2) == 7.0);
  const auto lift = [&](std::size_t count) {
    core::Trajectories& data = set.data.change();
    for (std::size_t t = 1; t <= count && set.data.first() == 0 && data.count > 0; ++t)
      data.state_at(0, t)[2] = 9.0;
    return component_moments(comm, set);
  };
  const Moments one = lift(1);  // of 1505
  CHECK(one.deviation[2] > 0.01);
  CHECK(one.constant(2) == 7.0);
  CHECK_FALSE(one.constant(0).has_value());
  CHECK_FALSE(lift(2).constant(2).has_value());
}
