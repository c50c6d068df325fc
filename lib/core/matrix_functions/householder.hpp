#pragma once
/// Matrices with orthonormal columns, on the host.

#include "core/matrix_functions/linear_algebra.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// The first r columns Q (n, r) of a product H_1 ... H_r of Householder reflections
/// H_k = I - 2 v_k v_k^T / |v_k|^2, where v_k is zero above its entry k, which is 1: the form of LAPACK's
/// dgeqrf. Q^T Q = I for all entries below these; they are as many as the Stiefel manifold has dimensions.
/// Smooth in the entries; not collective.
class HouseholderColumns {
 public:
  /// How many entries there are for r <= n columns.
  static std::size_t entry_count(std::size_t n, std::size_t r) { return r * (2 * n - r - 1) / 2; }

  /// `entries` (entry_count(n, r)): of the v_k below their ones, one after the other.
  HouseholderColumns(std::size_t n, std::size_t r, std::span<const double> entries);

  HostOperand value() const { return {Q_.data(), n_, r_}; }

  /// The tangent of Q; valid until the next call.
  HostOperand tangent(std::span<const double> entries_dot);

  /// entries_bar += the adjoint of the entries, from that of Q (n, r).
  void pull_back(std::span<const double> Q_bar, std::span<double> entries_bar) const;

 private:
  // v_k from its entry k on (n - k), from the entries below.
  std::vector<double> reflector(std::span<const double> entries, std::size_t k, double first) const;
  std::span<const double> below(std::span<const double> entries, std::size_t k) const {
    return entries.subspan(entry_count(n_, k), n_ - k - 1);
  }

  std::size_t n_, r_;
  std::vector<double> entries_, Q_, Q_dot_;
};

}  // namespace spnode::core
