#include "core/kernels/elementwise.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

/// The rollout against the encoded data.
template <class Real>
class LatentError : public LossTerm<Real> {
 public:
  LatentError(double weight, LossSpace space) : LossTerm<Real>(weight), space_(space) {}

  LossSpace space() const override { return space_; }
  LossNeeds needs() const override { return {.rollout = true, .encoded = true}; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const WeightedSquares<Real> squares{tools.rows(space_), this->weights(sample), sample.rolled, sample.u};
    if (bars == nullptr) return tools.sums.value(tools.space, squares);
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> bar = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    const double value = tools.sums.value_and_gradient(tools.space, squares, this->weight(), bar);
    adjoint(tools, sample, bar, *bars);
    return value;
  }

  void linearise(const LossTools<Real>&, const LossSample<Real>&) override {}

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

 private:
  LossSpace space_;
};

template <class Real>
struct Latent final : LatentError<Real> {
  explicit Latent(double weight) : LatentError<Real>(weight, LossSpace::latent) {}
};

/// FSNN, eq. (4.3b).
template <class Real>
struct Fast final : LatentError<Real> {
  explicit Fast(double weight) : LatentError<Real>(weight, LossSpace::fast) {}
};

/// FSNN, eq. (4.3c), with a power of epsilon.
template <class Real>
struct Slow final : LatentError<Real> {
  explicit Slow(double weight) : LatentError<Real>(weight, LossSpace::slow) {}

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
