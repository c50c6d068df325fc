#pragma once
/// The contract of a reference system: an ordinary differential equation with known behaviour that data are
/// made from.
///
/// To add one: a file here that derives from ReferenceSystem, its enumerator in options.hpp, and its line in
/// the table of systems.cpp. Its tests: Jacobian against differences, invariants, an exact or published
/// solution.

#include "core/support/random.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spnode::core {

/// How reference trajectories are computed.
enum class Solution {
  linear_exact,       ///< du/dt = A u: by the exponential of the Jacobian
  explicit_adaptive,  ///< not stiff: adaptive explicit Runge-Kutta
  implicit_adaptive,  ///< stiff: adaptive linearly implicit method with the exact Jacobian
  fourier_etdrk4,     ///< Kuramoto-Sivashinsky: exponential Runge-Kutta on Fourier coefficients
  map,                ///< u_{k+1} = f(u_k), application by application; times are counts
  piecewise_linear    ///< exact on both sides of a switching plane (core/systems/switching.hpp)
};

/// du/dt = f(u), or the map u_{k+1} = f(u_k); autonomous, u of dimension() real components. Plain host code;
/// not collective; no function writes to the object, so that threads may share it.
class ReferenceSystem {
 public:
  virtual ~ReferenceSystem() = default;

  virtual std::size_t dimension() const = 0;
  virtual Solution solution() const = 0;

  /// The right-hand side, or the image under the map: rate = f(u). u, rate: (dimension), not overlapping.
  virtual void rhs(std::span<const double> u, std::span<double> rate) const = 0;

  /// matrix = df/du, (dimension, dimension), row major; every entry is written.
  virtual void jacobian(std::span<const double> u, std::span<double> matrix) const = 0;

  /// products = (df/du) directions: both (count, dimension), row major, a vector in each row. Forms the
  /// Jacobian once; allocates it.
  void jacobian_products(std::span<const double> u, std::span<const double> directions,
                         std::span<double> products) const;

  /// The initial state of one trajectory; `random` is that trajectory's own.
  virtual void initial_state(const Random& random, std::span<double> u) const = 0;

  /// Of a fast-slow system (FSNN, Definition 2.1, in fast time): the slow variables, which are the first
  /// components of u and change at rates of order epsilon; 0: it is none.
  virtual std::size_t slow_components() const { return 0; }

  /// Moves the fast variables to the slow manifold that attracts them, the slow ones stay; up to an error of
  /// order epsilon^2 unless the system says otherwise. Only where slow_components() > 0.
  virtual void to_slow_manifold(std::span<double> /*u*/) const {}

  /// Vectors w, each (dimension), with w . f(u) = 0 for every u: w . u is conserved.
  virtual std::vector<std::vector<double>> linear_invariants() const { return {}; }

  /// Size, in the course of a trajectory, below which a component is as good as zero, over its typical size
  /// 1: absolute tolerances are the relative tolerance times this. (dimension)
  virtual std::vector<double> negligible_sizes() const { return std::vector<double>(dimension(), 1.0); }

  /// Name of each component, (dimension).
  virtual std::vector<std::string> component_names() const = 0;

  /// What state and time are measured in, for the attribute `units` of a trajectory file.
  virtual std::string units() const { return "dimensionless"; }
};

}  // namespace spnode::core
