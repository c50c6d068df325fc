#pragma once
/// Products of components as further components of the latent state.

#include "core/components/component.hpp"
#include "core/components/options.hpp"

#include <cstdint>
#include <vector>

namespace spnode::core {

/// u = [z; z_a z_b, ...] for chosen pairs (a, b) of the components of the scaled state z; the way back takes
/// the first components. Right-hand sides of higher degree become quadratic in u. The products of unscaled
/// components are linear combinations of those of scaled ones and of the components themselves.
class Lifting {
 public:
  /// m components of z. Raises OptionError, of model options, where the options name others.
  Lifting(std::size_t m, const LiftingOptions& options);

  std::size_t states() const { return m_; }
  std::size_t products() const { return pairs_.size() / 2; }
  std::size_t dimension() const { return m_ + products(); }  ///< of u

  /// The factors of the products, one pair after the other.
  const std::vector<std::size_t>& pairs() const { return pairs_; }

 private:
  std::size_t m_;
  std::vector<std::size_t> pairs_;
};

/// One direction as a map of lanes. It has neither parameters nor coefficients.
template <class Real>
class LiftingMap final : public LaneMap<Real> {
 public:
  enum class Direction { to_latent, from_latent };

  LiftingMap(const Lifting& lifting, Direction direction);

  void declare(ParameterLayout&) override {}
  void initialise(std::uint64_t, std::span<double>) const override {}
  std::size_t coefficient_count() const override { return 0; }
  void assemble(std::span<const double>, std::span<double>) const override {}
  void assemble_vjp(std::span<const double>, std::span<const double>, std::span<double>) const override {}
  void assemble_jvp(std::span<const double>, std::span<const double>, std::span<double>) const override {}

  std::size_t inputs() const override { return products() > 0 ? m_ : n_; }
  std::size_t outputs() const override { return products() > 0 ? n_ : m_; }
  std::size_t tape_rows() const override { return 0; }
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
  std::size_t products() const { return pairs_.extent(0) / 2; }

  std::size_t m_, n_;
  Vector<std::uint32_t> pairs_;  // empty on the way back
};

}  // namespace spnode::core
