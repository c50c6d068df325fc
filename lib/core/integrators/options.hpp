#pragma once
/// Which scheme advances the latent state, and how.

#include "core/linear/method.hpp"
#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <cstddef>
#include <string>

namespace spnode::core {

enum class Scheme {
  etd1,
  etdrk2,
  etdrk4,
  imex_euler,
  imex_ssp2,
  imex_ars2,
  imex_ark3,
  imex_ark4,
  euler,
  rk4,
  dopri5,
  rodas3,
  rodas4p,
  map
};

constexpr auto words_of(Scheme) {
  return std::to_array<Word<Scheme>>({{"etd1", Scheme::etd1},
                                      {"etdrk2", Scheme::etdrk2},
                                      {"etdrk4", Scheme::etdrk4},
                                      {"imex_euler", Scheme::imex_euler},
                                      {"imex_ssp2", Scheme::imex_ssp2},
                                      {"imex_ars2", Scheme::imex_ars2},
                                      {"imex_ark3", Scheme::imex_ark3},
                                      {"imex_ark4", Scheme::imex_ark4},
                                      {"euler", Scheme::euler},
                                      {"rk4", Scheme::rk4},
                                      {"dopri5", Scheme::dopri5},
                                      {"rodas3", Scheme::rodas3},
                                      {"rodas4p", Scheme::rodas4p},
                                      {"map", Scheme::map}});
}

/// Which variables of a model advance.
enum class DynamicsMode {
  full,
  slow  ///< those of the slow manifold y = 0 of a fast-slow system alone (FSNN, eq. (3.23))
};

/// How the gradient goes back through a rollout.
enum class Adjoint {
  discrete,   ///< exactly that of the computed rollout (core/integrators/rollout.hpp)
  continuous  ///< the adjoint differential equation (core/integrators/continuous_adjoint.hpp)
};

constexpr auto words_of(Adjoint) {
  return std::to_array<Word<Adjoint>>({{"discrete", Adjoint::discrete}, {"continuous", Adjoint::continuous}});
}

inline constexpr double most_substeps = 1000000;

struct IntegratorOptions {
  Scheme scheme = Scheme::etd1;
  std::size_t substeps = 1;
  MatrixFunctionMethod linear = MatrixFunctionMethod::automatic;
  std::size_t checkpoint_interval = 0;
  Adjoint adjoint = Adjoint::discrete;
  double tolerance = 0.0;

  static void describe(auto& visit) {
    using Self = IntegratorOptions;
    visit.option(
        "scheme", &Self::scheme,
        {.meaning =
             "exponential (etd...), implicit-explicit (imex_...) or explicit Runge-Kutta; Rosenbrock "
             "(rodas...): implicit in the Jacobian at each state, for at most 64 latent components; map: "
             "the model is no flow but u_{k+1} = g(u_k), and times count its applications"});
    visit.option("substeps", &Self::substeps,
                 {.meaning = "time steps per interval of the data", .limits = between(1, most_substeps)});
    visit.option("linear", &Self::linear,
                 {.meaning = "functions of A_L: dense matrices, or matrix-free Taylor sums"});
    visit.option(
        "checkpoint_interval", &Self::checkpoint_interval,
        {.meaning = "the reverse sweep stores every k-th state and recomputes the others; 0: all are stored",
         .unit = "steps"});
    visit.option("adjoint", &Self::adjoint,
                 {.meaning = "discrete: the exact gradient of the computed rollout; continuous: the adjoint "
                             "differential equation, whose gradient has the error of the steps, for "
                             "comparison (rk4)"});
    visit.option(
        "tolerance", &Self::tolerance,
        {.meaning = "largest estimated relative error of a step, in trainings, too: each window takes "
                    "steps as short as necessary, at most 1/substeps of an interval; 0: equal steps",
         .limits = at_least(0)});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(adjoint == Adjoint::discrete || scheme == Scheme::rk4, {"adjoint", "scheme"},
                   "is continuous, which needs scheme: rk4; found " + std::string(name_of(scheme)));
    require_option(tolerance == 0.0 || adjoint == Adjoint::discrete, {"tolerance", "adjoint"},
                   "is " + shortest(tolerance) + ", but the continuous adjoint takes equal steps; give 0");
    require_option(tolerance == 0.0 || scheme != Scheme::map, {"tolerance", "scheme"},
                   "is " + shortest(tolerance) + ", but a map has no steps to choose; give 0");
    require_option(scheme != Scheme::map || substeps == 1, {"substeps", "scheme"},
                   "is " + std::to_string(substeps) + "; a map is applied once in each interval: give 1");
  }
};

}  // namespace spnode::core
