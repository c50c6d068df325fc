#pragma once
/// How a forecast runs.

#include "core/support/option.hpp"

#include <cstddef>
#include <cstdint>

namespace spnode::core {

/// Which equations a forecast solves.
enum class ForecastMode {
  full,
  slow,   ///< those of the slow manifold y = 0 of a fast-slow system (FSNN, eq. (3.23))
  hybrid  ///< the full ones until y is small, then those of the slow manifold (FSNN, section 3.4)
};

constexpr auto words_of(ForecastMode) {
  return std::to_array<Word<ForecastMode>>(
      {{"full", ForecastMode::full}, {"slow", ForecastMode::slow}, {"hybrid", ForecastMode::hybrid}});
}

/// Of ForecastMode::hybrid.
struct HybridOptions {
  double fast_tolerance = 1e-6;
  double fast_step = 0.0;

  static void describe(auto& visit) {
    using Self = HybridOptions;
    visit.option(
        "fast_tolerance", &Self::fast_tolerance,
        {.meaning = "mode hybrid: a trajectory changes to the slow manifold as soon as the Euclidean "
                    "norm of its latent fast variables is at most this",
         .limits = above(0)});
    visit.option("fast_step", &Self::fast_step,
                 {.meaning = "mode hybrid: longest step of the full equations; 0: that of the slow ones",
                  .unit = "time",
                  .limits = at_least(0)});
  }
};

/// Into how many steps of the full equations a hybrid forecast divides an interval: at least `substeps`, and
/// none longer than `fast_step` (0: any). Raises UsageError where they are too many to be counted.
std::uint64_t full_steps(double interval, std::size_t substeps, double fast_step);

}  // namespace spnode::core
