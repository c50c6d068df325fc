#pragma once
/// Coordinates in which components of the state stay positive.

#include "core/components/component.hpp"
#include "core/components/options.hpp"

#include <optional>
#include <vector>

namespace spnode::core {

/// Of each positive component z_i the latent one u_i, entry by entry:
///
///   z_i = psi(m_i + s_i u_i),   u_i = (psi^{-1}(z_i) - m_i) / s_i,   psi = exp or log(1 + exp),
///
/// so that z_i > 0 whatever the model does with u_i. m and s are mean and deviation of psi^{-1}(z_i) over the
/// data. Other components are their own coordinates. The state of a positive component is scaled without a
/// shift: what is positive stays so in the units of the data, to the last bit.
///
/// Blocks, frozen: mean and deviation (n); a deviation of 0 says that a component is its own coordinate.
class PositiveCoordinates {
 public:
  /// n components. Raises OptionError, of model options, where the options name others.
  PositiveCoordinates(std::size_t n, const PositiveOptions& options);

  bool is_positive(std::size_t component) const { return positive_[component]; }

  /// psi^{-1}(z); not a number where z is not above 0.
  double inverse(double z) const;

  void declare(ParameterLayout& layout);
  /// Mean 0 and deviation 1 of the positive components.
  void initialise(std::span<double> theta) const;
  /// Of psi^{-1}(z), (n) each; entries of other components do not count, a deviation of 0 becomes 1.
  void set_moments(std::span<const double> mean, std::span<const double> deviation,
                   std::span<double> theta) const;

 private:
  template <class>
  friend class PositiveMap;

  std::vector<bool> positive_;
  PositiveFunction function_;
  ParameterBlock mean_, deviation_;
};

/// One direction as a map of lanes. Its parameters are those of the coordinates, which declare them; nothing
/// of it learns.
template <class Real>
class PositiveMap final : public LaneMap<Real> {
 public:
  enum class Direction { to_latent, from_latent };

  /// Keeps a reference to coordinates that have been declared.
  PositiveMap(const PositiveCoordinates& coordinates, Direction direction)
      : coordinates_(coordinates), direction_(direction) {}

  void declare(ParameterLayout&) override {}
  void initialise(std::uint64_t, std::span<double> theta) const override { coordinates_.initialise(theta); }
  std::size_t coefficient_count() const override { return 2 * n(); }  // mean, then deviation
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double>, std::span<const double>, std::span<double>) const override {}
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return n(); }
  std::size_t outputs() const override { return n(); }
  std::size_t tape_rows() const override { return 2 * n(); }  // first, then second derivatives
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace&, const TangentTangent&, Scratch<Real>&) const override {}

 private:
  std::size_t n() const { return coordinates_.positive_.size(); }

  const PositiveCoordinates& coordinates_;
  Direction direction_;
};

}  // namespace spnode::core
