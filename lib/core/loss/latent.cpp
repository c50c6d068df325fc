#include "core/kernels/elementwise.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

/// The rollout against the encoded data.
template <class Real>
class Latent final : public LossTerm<Real> {
 public:
  using LossTerm<Real>::LossTerm;

  LossSpace space() const override { return LossSpace::latent; }
  LossNeeds needs() const override { return {.rollout = true, .encoded = true}; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const WeightedSquares<Real> squares{tools.latent_rows, sample.weights, sample.rolled, sample.u};
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
};

}  // namespace

LossTermKind latent_term() {
  return residual_kind<Latent>("latent", "weight: rollout against encoded data, in latent space");
}

}  // namespace spnode::core
