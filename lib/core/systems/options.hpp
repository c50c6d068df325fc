#pragma once
/// Which reference system is simulated, and what is sampled from it.

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace spnode::core {

enum class SystemKind {
  transient_growth,
  grad13,
  robertson,
  kuramoto_sivashinsky,
  lorenz63,
  two_body,
  rigid_body
};

/// Also what the attribute `system` of a trajectory file says.
constexpr auto words_of(SystemKind) {
  return std::to_array<Word<SystemKind>>({{"transient_growth", SystemKind::transient_growth},
                                          {"grad13", SystemKind::grad13},
                                          {"robertson", SystemKind::robertson},
                                          {"kuramoto_sivashinsky", SystemKind::kuramoto_sivashinsky},
                                          {"lorenz63", SystemKind::lorenz63},
                                          {"two_body", SystemKind::two_body},
                                          {"rigid_body", SystemKind::rigid_body}});
}

enum class TimeGrid { uniform, logarithmic };

constexpr auto words_of(TimeGrid) {
  return std::to_array<Word<TimeGrid>>(
      {{"uniform", TimeGrid::uniform}, {"logarithmic", TimeGrid::logarithmic}});
}

struct GenerateOptions {
  std::optional<SystemKind> system;
  std::size_t train = 100, validation = 10, test = 10;
  std::size_t times = 101;
  std::size_t test_times = 0;
  double t_start = 0.0;
  double t_end = 100.0;
  TimeGrid grid = TimeGrid::uniform;
  double epsilon = 0.0;
  double perturbation = 0.05;
  double burn_in = 200.0;
  double domain_length = 22.0;
  std::size_t grid_points = 64;
  double step = 0.025;
  double sigma = 10.0, rho = 28.0, beta = 8.0 / 3.0;
  double noise = 0.0;
  double tolerance = 1e-10;
  bool derivatives = false;
  std::size_t tangents = 0;

  static void describe(auto& visit) {
    using Self = GenerateOptions;
    visit.option("system", &Self::system, {.meaning = "which system; none: the data are your own"});
    visit.option("train", &Self::train,
                 {.meaning = "number of trajectories in the training data", .unit = "trajectories"});
    visit.option("validation", &Self::validation,
                 {.meaning = "number of trajectories in the validation data", .unit = "trajectories"});
    visit.option("test", &Self::test,
                 {.meaning = "number of trajectories in the test data", .unit = "trajectories"});
    visit.option("times", &Self::times,
                 {.meaning = "times per trajectory, both ends included", .limits = at_least(2)});
    visit.option(
        "test_times", &Self::test_times,
        {.meaning = "times per trajectory of the test data, at the same spacing; 0: as many as times"});
    visit.option("t_start", &Self::t_start,
                 {.meaning = "first time; on a logarithmic grid the first after t = 0, which is stored too",
                  .unit = "time",
                  .limits = at_least(0)});
    visit.option("t_end", &Self::t_end, {.meaning = "last time", .unit = "time", .limits = above(0)});
    visit.option("grid", &Self::grid, {.meaning = "spacing of the times"});
    visit.option("epsilon", &Self::epsilon,
                 {.meaning = "transient_growth: strength of the nonlinear part; grad13: scale separation",
                  .limits = at_least(0)});
    visit.option("perturbation", &Self::perturbation,
                 {.meaning = "robertson: relative spread of the initial states around (1, 0, 0)",
                  .limits = between(0, 1)});
    visit.option("burn_in", &Self::burn_in,
                 {.meaning = "kuramoto_sivashinsky: initial time that is integrated and discarded",
                  .unit = "time",
                  .limits = at_least(0)});
    visit.option(
        "domain_length", &Self::domain_length,
        {.meaning = "kuramoto_sivashinsky: period of the domain", .unit = "length", .limits = above(0)});
    visit.option(
        "grid_points", &Self::grid_points,
        {.meaning = "kuramoto_sivashinsky: points of the grid, an even number", .limits = between(4, 16384)});
    visit.option("step", &Self::step,
                 {.meaning = "kuramoto_sivashinsky: step of the reference integrator (Fourier ETDRK4)",
                  .unit = "time",
                  .limits = above(0)});
    visit.option("sigma", &Self::sigma, {.meaning = "lorenz63: Prandtl number", .limits = above(0)});
    visit.option("rho", &Self::rho, {.meaning = "lorenz63: relative Rayleigh number", .limits = at_least(0)});
    visit.option("beta", &Self::beta,
                 {.meaning = "lorenz63: decay rate of z", .unit = "1/time", .limits = above(0)});
    visit.option(
        "noise", &Self::noise,
        {.meaning = "standard deviation of normal numbers that are added to the training and validation "
                    "data, relative to that of each component along its trajectory; test data stay "
                    "exact",
         .limits = at_least(0)});
    visit.option("tolerance", &Self::tolerance,
                 {.meaning = "relative tolerance of the adaptive reference integrators",
                  .limits = between(1e-11, 1e-2)});
    visit.option("derivatives", &Self::derivatives,
                 {.meaning = "true: the files also contain /derivatives, the right-hand side at the states"});
    visit.option(
        "tangents", &Self::tangents,
        {.meaning = "directions v at each state for which the product of the Jacobian with v is "
                    "stored: random unit vectors; as many as components: the unit vectors; 0: none"});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(t_start < t_end, {"t_end", "t_start"},
                   "must be after t_start; found " + shortest(t_end) + " and " + shortest(t_start));
    require_option(grid != TimeGrid::logarithmic || t_start > 0.0, {"t_start", "grid"},
                   "must be above 0 on a logarithmic grid; found " + shortest(t_start));
    require_option(test_times == 0 || grid == TimeGrid::uniform, {"test_times", "grid"},
                   "needs a uniform grid; found " + std::string(name_of(grid)));
    require_option(test_times != 1, {"test_times"}, "must be 0 or at least 2; found 1");
    require_option(grid_points % 2 == 0, {"grid_points"},
                   "must be even; found " + std::to_string(grid_points));
  }
};

}  // namespace spnode::core
