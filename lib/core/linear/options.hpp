#pragma once

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <cstddef>

namespace spnode::core {

/// Which operator A_L is: its parameters and their bound. Several may share the structure of their matrix.
enum class HurwitzKind { dense, block_diagonal, low_rank, none };

constexpr auto words_of(HurwitzKind) {
  return std::to_array<Word<HurwitzKind>>({{"dense", HurwitzKind::dense},
                                           {"block_diagonal", HurwitzKind::block_diagonal},
                                           {"low_rank", HurwitzKind::low_rank},
                                           {"none", HurwitzKind::none}});
}

/// A_L with all real parts of its spectrum below mu: dense, (G_s + G_u) S + mu I (SPNODE-25, Theorem 1 and
/// eqs. (3)-(5)), or of a structure whose cost is linear in n (core/linear/hurwitz.hpp).
struct HurwitzOptions {
  double mu = 0.0;
  double rate_min = 1.0;
  double rate_max = 1.0;
  double noise = 0.05;
  bool trainable = true;
  HurwitzKind structure = HurwitzKind::dense;
  std::size_t rank = 4;

  static void describe(auto& visit) {
    using Self = HurwitzOptions;
    visit.option("structure", &Self::structure,
                 {.meaning = "dense: n^2 entries; block_diagonal: 2 x 2 blocks; low_rank: diagonal plus low "
                             "rank (both linear in n); none: A_L = 0, a plain neural ODE"});
    visit.option(
        "rank", &Self::rank,
        {.meaning = "low_rank: columns r of U, V, W in -U U^T + V W^T - W V^T", .limits = between(1, 10000)});
    visit.option("mu", &Self::mu,
                 {.meaning = "upper bound of the real parts of the eigenvalues; choose at least the largest "
                             "growth rate of the system",
                  .unit = "1/time"});
    visit.option("rate_min", &Self::rate_min,
                 {.meaning = "slowest initial decay rate, below mu", .unit = "1/time", .limits = above(0)});
    visit.option(
        "rate_max", &Self::rate_max,
        {.meaning = "fastest initial decay rate; the logarithms of the decay rates are evenly spaced",
         .unit = "1/time",
         .limits = above(0)});
    visit.option("noise", &Self::noise,
                 {.meaning = "size of the random initial entries of the factors", .limits = at_least(0)});
    visit.option("trainable", &Self::trainable, {.meaning = "false: keep A_L at its initial value"});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(rate_min <= rate_max, {"rate_min", "rate_max"},
                   "must not be above rate_max; found " + shortest(rate_min) + " and " + shortest(rate_max));
  }
};

}  // namespace spnode::core
