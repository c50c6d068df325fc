#pragma once

#include "core/components/component.hpp"
#include "core/components/invariants.hpp"
#include "core/components/symmetries.hpp"
#include "core/linear/options.hpp"
#include "core/matrix_functions/structured_matrix.hpp"

#include <memory>
#include <span>
#include <vector>

namespace spnode::core {

/// A learned linear operator A_L of which every eigenvalue has a real part below mu, strictly and for every
/// theta. Its coefficients are those of a StructuredMatrix.
///
/// | structure | class | reaches | update and product |
/// | dense | DenseHurwitz | every such matrix | O(n^3), O(n^2) |
/// | block_diagonal | BlockHurwitz | every such matrix of 2 x 2 blocks, so every spectrum | O(n) |
/// | low_rank | LowRankHurwitz | contractive ones: the numerical abscissa is below mu too | O(n r) |
/// | circulant | CirculantHurwitz | normal ones that commute with shifts of a periodic field | O(n) |
/// | none | NoOperator | A_L = 0: a plain neural ODE | |
/// | state_dependent | FastHurwitz | diag(0, T(x)): T(x) is Hurwitz for every x | |
class HurwitzOperator : public Component {
 public:
  virtual LinearShape shape() const = 0;

  /// mu, 1/time.
  virtual double bound() const = 0;

  /// Puts parameters into theta from which assemble() gives A (n, n), to rounding. Raises UsageError where
  /// the structure has no way to do so, NumericalError where an eigenvalue of A is not to the left of mu.
  virtual void set_matrix(std::span<const double> A, std::span<double> theta) const;

  /// The matrix of the variables that decay at the latent state u (n), row major: of state_dependent T(x), of
  /// the slow variables x in u. Raises UsageError for other structures.
  virtual std::vector<double> matrix_at(std::span<const double> coefficients,
                                        std::span<const double> u) const;

  std::size_t dimension() const { return shape().n; }
  std::size_t coefficient_count() const final { return shape().coefficient_count(); }
};

/// The operator of the given structure; a dense one keeps `invariants` and commutes with `symmetries`, where
/// there are some.
std::unique_ptr<HurwitzOperator> make_hurwitz(std::size_t dimension, const HurwitzOptions& options,
                                              std::shared_ptr<const Invariants> invariants = {},
                                              std::shared_ptr<const Symmetries> symmetries = {});

/// The i-th of n decay rates below mu at the start: spread evenly in the logarithm from rate_min to rate_max.
double initial_rate(const HurwitzOptions& options, std::size_t i, std::size_t n);

}  // namespace spnode::core
