#pragma once
/// The linear systems of damped Gauss-Newton steps.

#include "core/components/parameters.hpp"
#include "training/options.hpp"
#include "training/summed_objective.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace spnode::training {

/// (H + damping D) step = -gradient over the parameters that learn, H the Gauss-Newton matrix of all windows
/// and D a multiple of I of its size (a diagonal like H's own, Marquardt's choice, moves parameters that
/// hardly matter far, and took ten times as many steps to fit a network). All arithmetic is replicated: the
/// same bits on every rank and for every number of ranks.
class NormalEquations {
 public:
  virtual ~NormalEquations() = default;

  /// Takes theta and its gradient, both (parameters()); neither may move before the next call. Collective;
  /// raises NumericalError where H is not finite.
  virtual void linearise(std::span<const double> theta, std::span<const double> gradient) = 0;

  /// The step, (parameters()), zero in frozen blocks; overwritten. Whether there is one: the damped matrix
  /// may be singular to rounding. Collective.
  virtual bool solve(double damping, std::span<double> step) = 0;

  /// damping <step, D step>. Not collective.
  virtual double damping_term(double damping, std::span<const double> step) const = 0;
};

/// Entries of the parameters that learn. Not collective.
std::size_t learning_count(const core::ParameterLayout& layout);

/// Whether the options ask for the whole matrix where so many parameters learn. Not collective.
bool solves_densely(const GaussNewtonOptions& options, std::size_t learning);

/// Raises UsageError where PETSc's options (-normal_ksp_...) do not fit the solver. Not collective; the same
/// on all ranks.
void check_normal_options(const GaussNewtonOptions& options);

/// The solver that the options ask for. `objective` must outlive it. Not collective.
std::unique_ptr<NormalEquations> make_normal_equations(const GaussNewtonOptions& options,
                                                       SummedObjective& objective,
                                                       const core::ParameterLayout& layout);

}  // namespace spnode::training
