#pragma once
/// How omega-limit sets are computed and told apart.

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cstddef>

namespace spnode::core {

struct LimitSetOptions {
  double transient = 1000.0;
  double length = 1000.0;
  double step = 0.01;
  std::size_t component = 1;
  double tolerance = 1e-6;
  double exponent_tolerance = 0.01;
  std::size_t largest_period = 32;
  std::size_t points = 100;
  double bound = 1e6;

  static void describe(auto& visit) {
    using Self = LimitSetOptions;
    visit.option("transient", &Self::transient,
                 {.meaning = "beginning of an orbit that is discarded; of a map: applications",
                  .unit = "time",
                  .limits = between(0, 1e9)});
    visit.option("length", &Self::length,
                 {.meaning = "length of the orbit after it; the exponent is the mean over it",
                  .unit = "time",
                  .limits = between(1, 1e9)});
    visit.option("step", &Self::step,
                 {.meaning = "flows: time step; a model is integrated with it, maxima are looked for in it",
                  .unit = "time",
                  .limits = above(0)});
    visit.option("component", &Self::component,
                 {.meaning = "flows: the points of an orbit are its states where this (latent) component, "
                             "counted from 1, has a maximum",
                  .limits = at_least(1)});
    visit.option("tolerance", &Self::tolerance,
                 {.meaning = "states that differ by less are the same, relative to the largest value of "
                             "each component on the orbit",
                  .limits = between(1e-14, 1)});
    visit.option(
        "exponent_tolerance", &Self::exponent_tolerance,
        {.meaning = "an orbit that does not repeat is chaotic where its largest Lyapunov exponent is "
                    "larger, quasi-periodic where its size is not",
         .unit = "1/time",
         .limits = at_least(0)});
    visit.option("largest_period", &Self::largest_period,
                 {.meaning = "points after which an orbit must repeat to be called periodic",
                  .limits = between(1, 10000)});
    visit.option("points", &Self::points,
                 {.meaning = "points of each orbit that are written", .limits = between(1, 1000000)});
    visit.option("bound", &Self::bound,
                 {.meaning = "an orbit is unbounded once a component exceeds this; of a model in units of "
                             "its scaling",
                  .limits = above(0)});
  }

  /// Raises OptionError.
  void validate() const {
    constexpr double most = 1e12;
    require_option((transient + length) / std::min(step, 1.0) <= most, {"step", "length"},
                   "is " + shortest(step) + ", so that an orbit has more than 1e12 steps");
  }
};

}  // namespace spnode::core
