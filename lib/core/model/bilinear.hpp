#pragma once

#include "core/model/component.hpp"
#include "core/model/options.hpp"

namespace spnode::core {

/// Low-rank bilinear form g(u) = sum_{r=1}^R (C_r u) * (D_r u) + b with * entry by entry (SPNODE-25, eq.
/// (6)).
///
/// Blocks: C and D, each (R, n, n), and b (n). The reverse sweep computes the products again: they are
/// cheaper than the traffic of keeping them.
template <class Real>
class Bilinear final : public LaneMap<Real> {
 public:
  Bilinear(std::size_t dimension, BilinearOptions options, std::string name);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return 2 * pairs() * n_ + n_; }
  void realise(std::span<const double> theta, std::span<double> kappa) const override;
  void realise_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                   std::span<double> theta_bar) const override;
  void realise_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                   std::span<double> kappa_dot) const override;

  std::size_t inputs() const override { return n_; }
  std::size_t outputs() const override { return n_; }
  std::size_t tape_rows() const override { return 0; }
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  void apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> x, MatrixView<Real> y,
             MatrixView<Real> tape, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

 private:
  std::size_t pairs() const { return options_.rank * n_; }
  ConstMatrixView<Real> factors(const ConstVectorView<Real>& kappa) const;  // [C; D], (2 R n, n)

  std::size_t n_;
  BilinearOptions options_;
  std::string name_;
  ParameterBlock C_, D_, b_;
};

}  // namespace spnode::core
