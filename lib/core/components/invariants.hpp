#pragma once
/// Linear functions of the state that a right-hand side keeps.

#include "core/components/parameters.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// W y of the unscaled state y, for instance the mass or the charge: du/dt = P f with the projection
/// P = I - Q^T Q, where the rows of Q span those of W in coordinates u.
///
/// Block, frozen: Q (k, n), orthonormal rows, or zero where a row of W depends on those before it or does not
/// see the latent states at all.
class Invariants {
 public:
  /// For `count` = k functions of n latent components.
  Invariants(std::size_t count, std::size_t dimension);

  std::size_t count() const { return count_; }
  std::size_t size() const { return Q_.size(); }
  void declare(ParameterLayout& layout);

  /// Puts Q into theta. weights: (k, n), W in coordinates u; lengths: (k) of W's rows, beside which shorter
  /// rows are rounding.
  void set(std::span<const double> weights, std::span<const double> lengths, std::span<double> theta) const;

  /// Q, row major.
  std::span<const double> rows(std::span<const double> theta) const {
    return theta.subspan(Q_.offset, Q_.size());
  }

  /// A = P A, A (n, n) on the host.
  void project_left(std::span<const double> theta, std::span<double> A) const;
  /// A = P A P.
  void project_both(std::span<const double> theta, std::span<double> A) const;

  /// An orthonormal basis of the latent space: the rows of Q that are not zero, then those that P keeps.
  struct Basis {
    std::vector<double> vectors;  ///< (n, n), row by row
    std::size_t kept;             ///< how many belong to invariants
  };
  Basis basis(std::span<const double> theta) const;

  /// A = P A with eigenvalues of at most `most` in the space that P keeps, as limit_real_parts() moves them.
  void limit_real_parts(std::span<const double> theta, std::span<double> A, double most) const;

  /// Y = P Y, Y (n, lanes), for Q as tiles see it.
  template <class Real>
  void project(const ExecSpace& space, const ConstVectorView<Real>& Q, const MatrixView<Real>& Y,
               Scratch<Real>& scratch) const;

 private:
  HostOperand operand(std::span<const double> theta) const { return {rows(theta).data(), count_, n_}; }

  std::size_t count_, n_;
  ParameterBlock Q_;
};

}  // namespace spnode::core
