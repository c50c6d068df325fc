#pragma once

#include "core/loss/loss_term.hpp"

namespace spnode::core {

/// decode(u) - z, for one of the latent states of a sample.
template <class Real>
class DecodedError : public LossTerm<Real> {
 public:
  enum class Of { rollout, encoded };
  DecodedError(double weight, Of of) : LossTerm<Real>(weight), of_(of) {}

  LossSpace space() const override { return LossSpace::state; }
  LossNeeds needs() const override { return {.rollout = of_ == Of::rollout, .encoded = of_ == Of::encoded}; }
  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override;
  void linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) override;
  void tangent(const LossTools<Real>& tools, const LossSample<Real>& sample, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override;
  void adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override;

 private:
  /// The member of a sample, of bars or of dots that is decoded.
  template <class States>
  const auto& latent(const States& states) const {
    return of_ == Of::rollout ? states.rolled : states.u;
  }

  Of of_;
  MatrixView<Real> tape_;
};

}  // namespace spnode::core
