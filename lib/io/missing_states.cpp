// States that lack a component, and numbers that stand for them.
#include "io/missing_states.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"
#include "io/trajectory_format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace spnode::io {

namespace {

/// Whether many programs write this number for a missing value; the last is that of NetCDF.
bool is_customary_mark(double x) {
  constexpr std::array marks = {-999.0, -9999.0, -99999.0, -1e20, 1e20, -1e30, 1e30, 9.969209968386869e36};
  if (std::abs(x) < 999.0) return false;
  return std::ranges::any_of(marks, [x](double mark) { return x == mark || x == double(float(mark)); });
}

}  // namespace

void mark_missing(const std::string& path, const std::string& time, std::size_t first,
                  core::Trajectories& data) {
  const std::size_t m = data.components;
  data.missing.assign(data.count * data.times, 0);
  for (std::size_t n = 0; n < data.count; ++n) {
    std::size_t end = 0;  // behind the last known state
    for (std::size_t t = 0; t < data.times; ++t) {
      const double* const state = data.state_at(n, t);
      const bool known = std::none_of(state, state + m, [](double x) { return std::isnan(x); });
      data.missing[n * data.times + t] = known ? 0 : 1;
      if (!known) continue;
      for (std::size_t hole = end; hole < t; ++hole)
        std::copy_n(data.state_at(n, end > 0 && hole - end < t - hole ? end - 1 : t), m,
                    data.state_at(n, hole));
      end = t + 1;
    }
    if (end == 0)
      throw FileError(path + ": trajectory " + std::to_string(first + n) + " has no complete state");
    for (std::size_t t = end; t < data.times; ++t)
      std::copy_n(data.state_at(n, end - 1), m, data.state_at(n, t));
    if (data.shared_time && n > 0) continue;
    double* const times = data.time.data() + (data.shared_time ? 0 : n * data.times);
    for (std::size_t t = 0; t < data.times; ++t) {
      if (!std::isnan(times[t])) continue;
      if (t < std::max<std::size_t>(end, 2))
        throw FileError(path + ": " + time + " of trajectory " + std::to_string(first + n) +
                        " is nan at index " + std::to_string(t) + ", before its last state");
      times[t] = times[t - 1] + (times[t - 1] - times[t - 2]);
    }
  }
}

void refuse_undeclared_marks(const TrajectoryInfo::File& file, std::size_t first, std::size_t begin,
                             const core::Trajectories& data) {
  if (!file.stored.marks.empty() || (data.state.empty() && data.single.empty())) return;
  const auto require = [&](std::size_t n, std::size_t at, std::size_t c, double mark) {
    double least = std::numeric_limits<double>::infinity(), most = -least;
    std::size_t count = 0;
    for (std::size_t t = 0; t < data.times; ++t) {
      const double x = data.numbers_at(n, t)[c];
      if (x == mark) ++count;
      if (x == mark || std::isnan(x)) continue;
      least = std::min(least, x);
      most = std::max(most, x);
    }
    const double gap = std::max(least - mark, mark - most);
    if (least <= most && gap <= most - least) return;
    const std::string place = print_index({{first + n, begin + at}, {1, 1}}, 0),
                      others = least <= most
                                   ? ", beside values from " + shortest(least) + " to " + shortest(most)
                                   : "";
    throw FileError(file.path + ": component " + std::to_string(c) + " of " + file.stored.state + place +
                    " is " + shortest(mark) + ", a number that often marks a missing value (" +
                    std::to_string(count) + " of " + std::to_string(data.times) + " times of the trajectory" +
                    others +
                    "). Name it in missing_values if it does so here; if it is a value as any other, "
                    "name there a number that does not occur");
  };
  for (std::size_t n = 0; n < data.count; ++n)
    for (std::size_t t = 0; t < data.times; ++t)
      data.numbers_at(n, t).visit([&](const auto* state) {
        for (std::size_t c = 0; c < data.components; ++c)
          if (const auto x = double(state[c]); is_customary_mark(x)) require(n, t, c, x);
      });
}

}  // namespace spnode::io
