#include "core/data/windows.hpp"

#include "catch.hpp"
#include "core/integrators/window_steps.hpp"
#include "core/linear/step_table.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <set>

using namespace spnode;
using namespace spnode::core;

namespace {

/// Two trajectories of one component at the times 0, 1, 4, 9, ...: a state is its time.
WindowData square_times(std::size_t times, const WindowOptions& options) {
  Trajectories data;
  data.count = 2;
  data.times = times;
  data.components = 1;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(double(t * t));
  for (std::size_t n = 0; n < 2; ++n) data.state.insert(data.state.end(), data.time.begin(), data.time.end());
  return WindowData(WindowIndex(2, times, options), data, 0);
}

}  // namespace

TEST_CASE("windows_of_every_kth_time_take_each_start_once") {
  const WindowData data = square_times(13, {.window = 2, .stride = 1, .times = {}, .every = {1, 3}});
  const WindowIndex& index = data.index();
  CHECK(index.intervals() == 2);
  CHECK(index.per_trajectory() == 11 + 7);
  std::set<std::vector<double>> seen;
  for (std::uint64_t w = 0; w < index.per_trajectory(); ++w) {
    const std::size_t start = index.time(w, 0), every = index.time(w, 1) - start;
    CHECK((every == 1 || every == 3));
    CHECK(index.time(w, 2) == start + 2 * every);
    CHECK(index.time(w, 2) < 13);
    CHECK(data.time(w, 1) == double((start + every) * (start + every)));
    seen.insert({data.time(w, 0), data.time(w, 2)});
  }
  CHECK(seen.size() == index.per_trajectory());
  CHECK(index.trajectory(index.per_trajectory()) == 1);
}

TEST_CASE("the_step_table_holds_the_steps_of_all_windows_and_no_others") {
  const WindowData data = square_times(10, {.window = 2, .stride = 0, .times = {}, .every = {1, 4}});
  std::set<double> steps;
  for (std::uint64_t w = 0; w < data.index().count(); ++w)
    for (std::size_t k = 0; k < 2; ++k) steps.insert((data.time(w, k + 1) - data.time(w, k)) / 2);
  CHECK(distinct_steps(data, 2) == std::vector<double>(steps.begin(), steps.end()));
}

TEST_CASE("chosen_times_keep_their_tangents_and_views_know_their_places") {
  Trajectories all;
  all.count = 2;
  all.times = 6;
  all.components = 3;
  all.tangents = 2;
  for (std::size_t t = 0; t < all.times; ++t) all.time.push_back(double(t));
  for (std::size_t k = 0; k < 2 * 6 * 3; ++k) all.state.push_back(double(k));
  for (std::size_t k = 0; k < 2 * 2 * 6 * 3; ++k) {
    all.directions.push_back(double(k));
    all.products.push_back(-double(k));
  }
  const Trajectories some = select_times(all, {1, 2, 4, 5});
  REQUIRE(some.directions.size() == 2 * some.state.size());
  REQUIRE(some.products.size() == 2 * some.state.size());
  const WindowData data(WindowIndex(2, 4, {.window = 1, .stride = 1, .times = {}, .every = {2}}), some, 0);
  for (std::uint64_t w = 0; w < data.index().count(); ++w)
    for (std::size_t k = 0; k < 2; ++k) {
      const WindowView view = data.view(w);
      const std::size_t at = some.tangents_at(view.trajectory(), view.place(k));
      // The states were numbered as the tangents, with half as many of them.
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(some.directions[at + i] == 2.0 * view.state(k)[0] + double(i));
        CHECK(some.products[at + i] == -some.directions[at + i]);
      }
    }
}

TEST_CASE("whole_trajectories_of_every_kth_time_have_the_intervals_of_the_coarsest") {
  CHECK(square_times(13, {.window = 0, .stride = 0, .times = {}, .every = {1, 4}}).index().intervals() == 3);
  CHECK_THROWS_AS(square_times(13, {.window = 5, .stride = 0, .times = {}, .every = {1, 3}}), UsageError);
  CHECK_THROWS_AS(square_times(13, {.window = 1, .stride = 0, .times = {}, .every = {}}), UsageError);
}

TEST_CASE("states_in_single_precision_are_chosen_and_seen_as_those_in_double") {
  Trajectories wide;
  wide.count = 3;
  wide.times = 6;
  wide.components = 2;
  for (std::size_t t = 0; t < wide.times; ++t) wide.time.push_back(double(t));
  for (std::size_t k = 0; k < 3 * 6 * 2; ++k) wide.state.push_back(double(k) + 0.5);
  Trajectories narrow = wide;
  narrow.state.clear();
  for (const double x : wide.state) narrow.single.push_back(float(x));
  const auto chosen = [](const Trajectories& all) {
    return select_times(select_trajectories(all, 1, 2), {0, 1, 3, 4});
  };
  const WindowIndex index(2, 4, {.window = 1, .stride = 1, .times = {}, .every = {2}});
  const WindowData doubles(index, chosen(wide), 0), singles(index, chosen(narrow), 0);
  CHECK(singles.held().state.empty());
  for (std::uint64_t w = 0; w < index.count(); ++w)
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t i = 0; i < 2; ++i) {
        CHECK(double(singles.view(w).single(k)[i]) == doubles.view(w).state(k)[i]);
        CHECK(singles.held().numbers_at(index.trajectory(w), index.time(w, k))[i] == doubles.state(w, k)[i]);
      }
}

TEST_CASE("derivatives_go_with_their_states") {
  Trajectories data;
  data.count = 2;
  data.times = 7;
  data.components = 3;
  for (std::size_t t = 0; t < data.times; ++t) data.time.push_back(double(t));
  for (std::size_t k = 0; k < data.count * data.times * data.components; ++k) {
    data.state.push_back(double(k));
    data.derivative.push_back(-double(k));
  }
  const Trajectories some = select_times(data, {0, 1, 3, 4, 6});
  const WindowData windows(WindowIndex(2, 5, {.window = 2, .stride = 1, .times = {}, .every = {1, 2}}), some,
                           0);
  for (std::uint64_t w = 0; w < windows.index().count(); ++w)
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t i = 0; i < 3; ++i) CHECK(windows.view(w).derivative(k)[i] == -windows.state(w, k)[i]);
}
