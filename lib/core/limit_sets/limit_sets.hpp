#pragma once
/// What orbits tend to: fixed points, periodic, quasi-periodic and chaotic sets.

#include "core/limit_sets/options.hpp"
#include "core/limit_sets/orbits.hpp"
#include "core/support/words.hpp"

#include <cstddef>
#include <vector>

namespace spnode::core {

enum class LimitSetKind {
  fixed_point,
  periodic,
  quasi_periodic,
  chaotic,
  unbounded,
  undecided  ///< neither repeats nor stretches: a longer transient or a larger period may decide
};

constexpr auto words_of(LimitSetKind) {
  return std::to_array<Word<LimitSetKind>>({{"fixed_point", LimitSetKind::fixed_point},
                                            {"periodic", LimitSetKind::periodic},
                                            {"quasi_periodic", LimitSetKind::quasi_periodic},
                                            {"chaotic", LimitSetKind::chaotic},
                                            {"unbounded", LimitSetKind::unbounded},
                                            {"undecided", LimitSetKind::undecided}});
}

/// The omega-limit set of one orbit.
struct LimitSet {
  LimitSetKind kind = LimitSetKind::undecided;
  std::size_t period = 0;    ///< points after which the orbit repeats; 0: it does not
  double period_time = 0.0;  ///< time after which it repeats; 0: it does not, or is a fixed point of a flow
  double exponent = 0.0;     ///< the largest Lyapunov exponent, 1/time; of a map 1/application
  double exponent_error = 0.0;  ///< standard error of this mean, from the means over 16 parts
  std::vector<double> points;   ///< the last ones, (count, components) row major, as Orbits::shown gives them
};

/// Follows all orbits and tells their limit sets apart.
///
/// The points of a map's orbit are its states, those of a flow's the states where a component has a maximum
/// (a Poincare section). An orbit is at a fixed point where no state of the second half of its length differs
/// from another, periodic where all last 2 largest_period + 1 points repeat, else chaotic or quasi-periodic
/// by the largest Lyapunov exponent: the mean growth of the logarithm of a tangent that is scaled to length 1
/// after every step (Benettin, Galgani, Giorgilli and Strelcyn, Meccanica 15, 1980); of a periodic orbit of a
/// map the mean over whole periods. Not collective. Raises OptionError for a component that is not there,
/// NumericalError as Orbits::advance does.
std::vector<LimitSet> find_limit_sets(Orbits& orbits, const LimitSetOptions& options);

}  // namespace spnode::core
