#pragma once
/// Which reference system is simulated, and what is sampled from it.

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace spnode::core {

enum class SystemKind {
  transient_growth,
  grad13,
  robertson,
  kuramoto_sivashinsky,
  lorenz63,
  two_body,
  rigid_body,
  sigmoid_map,
  switching,
  attracting_manifold,
  grad_moments,
  lorenz96,
  abraham_lorentz,
  disc_and_ring
};

/// Also what the attribute `system` of a trajectory file says.
constexpr auto words_of(SystemKind) {
  return std::to_array<Word<SystemKind>>({{"transient_growth", SystemKind::transient_growth},
                                          {"grad13", SystemKind::grad13},
                                          {"robertson", SystemKind::robertson},
                                          {"kuramoto_sivashinsky", SystemKind::kuramoto_sivashinsky},
                                          {"lorenz63", SystemKind::lorenz63},
                                          {"two_body", SystemKind::two_body},
                                          {"rigid_body", SystemKind::rigid_body},
                                          {"sigmoid_map", SystemKind::sigmoid_map},
                                          {"switching", SystemKind::switching},
                                          {"attracting_manifold", SystemKind::attracting_manifold},
                                          {"grad_moments", SystemKind::grad_moments},
                                          {"lorenz96", SystemKind::lorenz96},
                                          {"abraham_lorentz", SystemKind::abraham_lorentz},
                                          {"disc_and_ring", SystemKind::disc_and_ring}});
}

/// The unit of the times of a fast-slow system.
enum class TimeScale {
  fast,  ///< that of the system
  slow   ///< 1/epsilon of each trajectory
};

constexpr auto words_of(TimeScale) {
  return std::to_array<Word<TimeScale>>({{"fast", TimeScale::fast}, {"slow", TimeScale::slow}});
}

/// How the values of a parameter are spread over trajectories.
enum class Spread { uniform, logarithmic };

constexpr auto words_of(Spread) {
  return std::to_array<Word<Spread>>({{"uniform", Spread::uniform}, {"logarithmic", Spread::logarithmic}});
}

enum class TimeGrid { uniform, logarithmic };

constexpr auto words_of(TimeGrid) {
  return std::to_array<Word<TimeGrid>>(
      {{"uniform", TimeGrid::uniform}, {"logarithmic", TimeGrid::logarithmic}});
}

/// Of core/systems/sigmoid_map.hpp.
struct SigmoidMapOptions {
  double a = 0.8, b = 0.5, c = 5.0;

  static void describe(auto& visit) {
    using Self = SigmoidMapOptions;
    visit.option("a", &Self::a, {.meaning = "factor of the state"});
    visit.option("b", &Self::b, {.meaning = "constant"});
    visit.option("c", &Self::c, {.meaning = "steepness of the sigmoid", .limits = at_least(0)});
  }
};

/// Of core/systems/switching.hpp. The defaults are the lecture's flow from a fixed point to a limit cycle.
struct SwitchingOptions {
  std::vector<double> a1 = {-1.0, 1.0, -1.0, 0.0}, b1 = {0.0, 1.0};
  std::vector<double> a2 = {2.0, 1.0, -5.0, 0.0}, b2 = {0.0, 1.0};
  std::vector<double> c = {1.0, 0.0};
  double d = 0.0, mu = 1.0, spread = 1.0;

  static void describe(auto& visit) {
    using Self = SwitchingOptions;
    visit.option("a1", &Self::a1, {.meaning = "matrix where c.u < d, row by row", .unit = "1/time"});
    visit.option("b1", &Self::b1, {.meaning = "constant vector where c.u < d"});
    visit.option("a2", &Self::a2, {.meaning = "matrix where c.u >= d, row by row", .unit = "1/time"});
    visit.option("b2", &Self::b2, {.meaning = "constant vector where c.u >= d"});
    visit.option("c", &Self::c, {.meaning = "normal of the switching plane"});
    visit.option("d", &Self::d, {.meaning = "offset of the switching plane"});
    visit.option("mu", &Self::mu, {.meaning = "factor of both constant vectors"});
    visit.option(
        "spread", &Self::spread,
        {.meaning = "initial states are uniform in [-spread, spread] in each component", .limits = above(0)});
  }

  /// Raises OptionError.
  void validate() const {
    const std::size_t n = c.size();
    require_option(n > 0 && n <= 64, {"c"}, "has " + std::to_string(n) + " entries; allowed: 1 to 64");
    require_option(std::any_of(c.begin(), c.end(), [](double x) { return x != 0.0; }), {"c"},
                   "is zero: there is no plane");
    const auto fits = [n](const char* name, const std::vector<double>& values, std::size_t wanted) {
      require_option(values.size() == wanted, {name, "c"},
                     "has " + std::to_string(values.size()) + " entries; with " + std::to_string(n) +
                         " in c it needs " + std::to_string(wanted));
    };
    fits("a1", a1, n * n);
    fits("b1", b1, n);
    fits("a2", a2, n * n);
    fits("b2", b2, n);
  }
};

/// Of core/systems/lorenz96.hpp.
struct Lorenz96Options {
  std::size_t slow = 4, fast = 4;

  static void describe(auto& visit) {
    using Self = Lorenz96Options;
    visit.option("slow", &Self::slow, {.meaning = "number K of slow variables", .limits = between(4, 1000)});
    visit.option("fast", &Self::fast,
                 {.meaning = "number J of fast variables of each slow one", .limits = between(4, 1000)});
  }
};

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
  SigmoidMapOptions sigmoid_map;
  SwitchingOptions switching;
  Lorenz96Options lorenz96;
  double charge = -1.0;
  TimeScale time_scale = TimeScale::fast;
  double relaxation = 0.0;
  bool on_manifold = false;
  std::string vary;
  double vary_from = 0.0, vary_to = 1.0;
  Spread vary_spread = Spread::uniform;

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
    visit.option(
        "epsilon", &Self::epsilon,
        {.meaning = "transient_growth: strength of the nonlinear part; grad13 and fast-slow systems: "
                    "ratio of the fast to the slow time scale",
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
    visit.option("vary", &Self::vary,
                 {.meaning = "a number among these keys, such as sigmoid_map.b, that each trajectory has a "
                             "value of its own of; written to /parameters under its last word; empty: none"});
    visit.option("vary_from", &Self::vary_from, {.meaning = "the values are between this"});
    visit.option("vary_to", &Self::vary_to, {.meaning = "and this"});
    visit.option("vary_spread", &Self::vary_spread,
                 {.meaning = "of the values; logarithmic: their logarithms are uniform"});
    visit.option("charge", &Self::charge,
                 {.meaning = "abraham_lorentz: sign of the charge; -1: electrons; 1: positrons",
                  .limits = between(-1, 1)});
    visit.option("time_scale", &Self::time_scale,
                 {.meaning = "fast-slow systems: unit of t_start, t_end and relaxation; slow: 1/epsilon, so "
                             "that trajectories of different epsilon have their own times"});
    visit.option("relaxation", &Self::relaxation,
                 {.meaning = "fast-slow systems: initial time that is integrated and discarded, for states "
                             "near the slow manifold",
                  .unit = "time_scale",
                  .limits = at_least(0)});
    visit.option("on_manifold", &Self::on_manifold,
                 {.meaning = "fast-slow systems: true: the initial states are moved to the slow manifold, as "
                             "far as its expansion in epsilon is known"});
    visit.section("sigmoid_map", &Self::sigmoid_map,
                  "The map a u - (1 + tanh(c u))/2 + b; times count its applications.");
    visit.section("switching", &Self::switching,
                  "du/dt = a1 u + mu b1 where c.u < d, a2 u + mu b2 where c.u >= d.");
    visit.section("lorenz96", &Self::lorenz96, "The two-scale system of slow + slow x fast variables.");
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
    require_option(charge == 1.0 || charge == -1.0, {"charge"}, "must be -1 or 1; found " + shortest(charge));
    require_option(vary_spread == Spread::uniform || vary.empty() || vary_from > 0.0,
                   {"vary_spread", "vary_from"},
                   "is logarithmic, which needs vary_from above 0; found " + shortest(vary_from));
    require_option(grid_points % 2 == 0, {"grid_points"},
                   "must be even; found " + std::to_string(grid_points));
  }
};

}  // namespace spnode::core
