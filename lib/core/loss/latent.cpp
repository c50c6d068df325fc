#include "core/loss/latent_error.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

/// The rollout against the encoded data.
template <class Real>
class RolloutError : public LatentError<Real> {
 public:
  using LatentError<Real>::LatentError;

  LossNeeds needs() const override { return {.rollout = true, .encoded = true}; }

  void tangent(const LossTools<Real>& tools, const LossSample<Real>&, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    scaled_copy(tools.space, 1.0, dots.rolled, R_dot);
    axpy(tools.space, -1.0, dots.u, R_dot);
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>&, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    axpy(tools.space, 1.0, R_bar, bars.rolled);
    axpy(tools.space, -1.0, R_bar, bars.u);
  }

 protected:
  typename LatentError<Real>::Sides sides(const LossTools<Real>&,
                                          const LossSample<Real>& sample) const override {
    return {sample.rolled, sample.u};
  }
};

template <class Real>
struct Latent final : RolloutError<Real> {
  explicit Latent(double weight) : RolloutError<Real>(weight, LossSpace::latent) {}
};

/// FSNN, eq. (4.3b).
template <class Real>
struct Fast final : RolloutError<Real> {
  explicit Fast(double weight) : RolloutError<Real>(weight, LossSpace::fast) {}
};

/// FSNN, eq. (4.3c), with a power of epsilon.
template <class Real>
struct Slow final : RolloutError<Real> {
  explicit Slow(double weight) : RolloutError<Real>(weight, LossSpace::slow) {}

  LossNeeds needs() const override { return {.rollout = true, .encoded = true, .epsilon = true}; }
  ConstVectorView<Real> weights(const LossSample<Real>& sample) const override { return sample.slow_weights; }
};

}  // namespace

LossTermKind latent_term() {
  LossTermKind kind =
      residual_kind<Latent>("latent", "weight: rollout against encoded data, in latent space");
  kind.of_any_data = true;
  return kind;
}

LossTermKind slow_term() {
  LossTermKind kind = residual_kind<Slow>(
      "slow",
      "weight: rollout against encoded data, slow variables alone, over epsilon^slow_power; trajectories "
      "with epsilon = 0 have none");
  kind.needs_fast_slow = kind.of_any_data = true;
  return kind;
}

LossTermKind fast_term() {
  LossTermKind kind =
      residual_kind<Fast>("fast", "weight: rollout against encoded data, fast variables alone");
  kind.needs_fast_slow = kind.of_any_data = true;
  return kind;
}

}  // namespace spnode::core
