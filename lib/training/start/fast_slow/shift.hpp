#pragma once
/// The shift of a coupling flow, and the equations that it is fitted to.

#include "core/components/options.hpp"
#include "training/start/fast_slow/states.hpp"
#include "training/start/least_squares.hpp"
#include "training/start/linear_parameters.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace spnode::training {

/// The shift of the coupling flow, sum_r eps^r c_r(x), c_r = sum m(x) C f(x) over its monomials m; zero
/// without a flow. Without multipliers each power has the monomial 1.
class Shift {
 public:
  Shift(const core::Model& model, std::span<const double> theta);

  static std::size_t fast_variables(const core::Model& model);

  std::size_t powers() const { return monomials_.empty() ? 0 : monomials_.back().power + 1; }
  /// Features of the powers first ... last - 1.
  std::size_t features(std::size_t first, std::size_t last) const;

  /// Appends m f of these powers at a state, times eps^power.
  void append(const StatePoint& at, std::size_t first, std::size_t last, double scale,
              std::vector<double>& row);

  /// w = y less the terms of the powers below `powers`.
  void subtract(const StatePoint& at, std::size_t powers, std::span<double> w);

  /// Takes the weights (features, fast) of the features of the powers first ... last - 1.
  void set(const Fit& fit, std::size_t first, std::size_t last);

  /// Writes it into theta as the parameters of the coupling flow.
  void put(const core::Model& model, std::span<double> theta) const;

 private:
  void evaluate(const StatePoint& at);
  static double value(const core::Monomial& m, const StatePoint& at);
  // Place of feature k of a monomial among the functions f, of which the constant one is the last.
  std::size_t feature(std::size_t p, std::size_t k) const;

  std::size_t fast_, parameters_ = 0;
  const core::Conditioner<double>* conditioner_ = nullptr;
  std::optional<LinearParameters> functions_;
  std::vector<core::Monomial> monomials_;
  std::vector<std::size_t> used_;  // functions that each monomial is multiplied by
  std::vector<double> values_, C_;
};

/// Equations of the powers first ... last - 1 of the shift: y = c, of windows near the slow manifold divided
/// by eps, so that what higher powers leave is alike for all eps.
struct ShiftEquations {
  States& states;
  Shift& shift;
  std::size_t first, last, fast;
  bool near;  ///< windows near the slow manifold; else states on it at eps = 0

  std::size_t features() const { return shift.features(first, last); }

  /// Appends the equations of a trajectory, rows [features, y]. Raises UsageError where its epsilon does not
  /// suit them.
  void append(std::size_t n, std::span<const double> z, std::vector<double>& rows) const;

  /// Root mean square over a window of what a fit leaves.
  double residual(std::size_t n, std::span<const double> z, const Fit& fit) const;
};

/// Fits the powers; windows near the manifold that have not relaxed are left out of `kept`. Gives what is
/// left over, relative. Collective.
double fit_shift(const parallel::Communicator& comm, const ShiftEquations& equations, double ridge,
                 std::vector<bool>& kept);

}  // namespace spnode::training
