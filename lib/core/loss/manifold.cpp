#include "core/kernels/elementwise.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

/// The fast variables of the encoded data, which are zero on the slow manifold: FSNN, eq. (4.4).
template <class Real>
class Manifold final : public LossTerm<Real> {
 public:
  using LossTerm<Real>::LossTerm;

  LossSpace space() const override { return LossSpace::fast; }
  LossNeeds needs() const override { return {.encoded = true}; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> zero = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    fill(tools.space, 0.0, zero);
    const WeightedSquares<Real> squares{tools.rows(space()), sample.weights, sample.u, zero};
    if (bars == nullptr) return tools.sums.value(tools.space, squares);
    const MatrixView<Real> bar = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    const double value = tools.sums.value_and_gradient(tools.space, squares, this->weight(), bar);
    adjoint(tools, sample, bar, *bars);
    return value;
  }

  void linearise(const LossTools<Real>&, const LossSample<Real>&) override {}

  void tangent(const LossTools<Real>& tools, const LossSample<Real>&, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    scaled_copy(tools.space, 1.0, dots.u, R_dot);
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>&, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    axpy(tools.space, 1.0, R_bar, bars.u);
  }
};

}  // namespace

LossTermKind manifold_term() {
  LossTermKind kind = residual_kind<Manifold>(
      "manifold", "weight: fast variables of the encoded data, which are zero on the slow manifold");
  kind.needs_fast_slow = kind.of_any_data = true;
  return kind;
}

}  // namespace spnode::core
