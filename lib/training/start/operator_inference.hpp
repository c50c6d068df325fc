#pragma once
/// Operators of the right-hand side by least squares over the (latent) data.

#include "core/components/quadratic_operators.hpp"
#include "core/vector_field/options.hpp"
#include "parallel/communicator.hpp"
#include "training/start/latent_trajectories.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::training {

/// Which terms the right-hand side may have.
enum class OperatorForm {
  linear,  ///< A u
  affine,  ///< A u + b
  quadratic
};

/// The form that a start from the data gives to a model.
OperatorForm operator_form(const core::ModelOptions& options);

/// What a least-squares fit of operators came to.
struct InferredOperators {
  core::QuadraticOperators operators;
  double residual;  ///< root mean square of what is left over that of the targets, worst component
};

/// The equations of operator inference.
class OperatorEquations {
 public:
  /// Operator inference (Peherstorfer and Willcox 2016): A, Q and b that fit du/dt best, the derivatives by
  /// central differences of difference_order() (differences.hpp) on the data's own times. The normal
  /// equations are summed exactly over ranks. Collective; the same bits for any number of ranks. Raises
  /// UsageError for trajectories of fewer than three times.
  OperatorEquations(const parallel::Communicator& comm, const LatentTrajectories& data, OperatorForm form,
                    std::size_t order);

  /// `ridge` is added to the normal equations, scaled to a unit diagonal (McQuarrie, Huang and Willcox 2021).
  /// Not collective; raises NumericalError where they cannot be solved.
  InferredOperators solve(double ridge = 1e-12) const;

 private:
  std::size_t n_;
  OperatorForm form_;
  std::vector<double> G_;
};

/// Bytes that OperatorEquations and dynamic_mode_decomposition() take, about, for so many groups of this
/// rank. Not collective.
double inference_bytes(std::size_t dimension, OperatorForm form, std::size_t groups);

/// Dynamic mode decomposition (Schmid 2010): A = log(M) / h with the M that fits u(t + h) = M u(t) best; with
/// a constant, M and A act on [u; 1] (Hirsh et al. 2020). The form of a quadratic model is linear.
/// Collective; the same bits for any number of ranks. Raises UsageError where the times are not evenly
/// spaced, NumericalError where M has no real logarithm.
InferredOperators dynamic_mode_decomposition(const parallel::Communicator& comm,
                                             const LatentTrajectories& data, OperatorForm form);

/// The mean of u u^T, (n, n), over all states. Collective; the same bits for any number of ranks.
std::vector<double> second_moments(const parallel::Communicator& comm, const LatentTrajectories& data);

/// Weights of features that stand for a quadratic part.
struct InferredPairs {
  std::vector<double> W;  ///< (n, directions)
  std::vector<double> b;  ///< (n)
  double residual;        ///< root mean square of what is left over that of Q m(u) + b, worst component
};

/// W and b with which W phi(u) + b fits Q m(u) + b of the operators best over all states; phi_r(u) =
/// even_pair(v_r u) for the rows of V (directions, n). A ridge of 1e-6, relative to a unit diagonal, keeps
/// the weights small where directions are alike. Collective; the same bits for any number of ranks. Raises
/// NumericalError where the equations cannot be solved.
InferredPairs infer_pairs(const parallel::Communicator& comm, const LatentTrajectories& data,
                          const core::QuadraticOperators& operators, std::span<const double> V);

}  // namespace spnode::training
