#pragma once
/// The terms of a fast-slow model, and the equations that they are fitted to.

#include "core/components/fast_terms.hpp"
#include "core/kernels/quadratic.hpp"
#include "core/linear/fast/fast_hurwitz.hpp"
#include "training/start/fast_slow/shift.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace spnode::training {

/// What g is linear in the parameters of: itself, or the network of the state that it consists of.
const core::LaneMap<double>& slow_function(const core::LaneMap<double>& g);

/// The terms of a fast-slow model, and their features.
class Terms {
 public:
  Terms(const core::Model& model, std::span<const double> theta);

  /// Features of dw/dt: [1; x] w or w, the monomials of w, eps f_C w.
  std::size_t of_T() const { return (affine_ ? 1 + slow : 1) * fast; }
  std::size_t of_B() const { return B == nullptr ? 0 : core::monomial_count(fast); }
  std::size_t of_C() const { return C ? C->features() * fast : 0; }
  std::size_t fast_features() const { return of_T() + of_B() + of_C(); }

  void append_fast(const FeaturePoint& at, double epsilon, std::vector<double>& row) const;
  /// Features of dx/dt: eps f_g(u).
  void append_slow(const FeaturePoint& at, double epsilon, std::vector<double>& row) const;

  /// Puts the weights of both fits into theta; gives how T was held, and what B's rank dropped.
  std::pair<core::FastOperator<double>::AffineFit, double> put(const Fit& of_w, const Fit& of_x,
                                                               std::span<double> theta) const;

  const std::size_t slow, fast;
  const bool of_state;  ///< g is a function of the state, not of the latent one
  const core::FastOperator<double>& T;
  const core::FastBilinear<double>* B = nullptr;
  std::optional<LinearParameters> C, g;

 private:
  bool affine_;
};

/// Fast or slow variables.
enum class Scale { fast, slow };

/// The normal equations of increments over intervals: features integrated, then dw or dx. Collective.
std::vector<double> increments(const parallel::Communicator& comm, States& states, Shift& shift,
                               const Terms& terms, Scale scale, std::size_t nodes,
                               const std::vector<bool>& kept);

}  // namespace spnode::training
