#include "core/kernels/elementwise.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

/// (df/du) v against the products of the data, for all directions v at each state (JACREG, eqs. (6), (7)):
/// with unit directions the mean over them of the squares is an estimate of the square of the Frobenius norm
/// over n, and exact where they are an orthonormal basis. Parameters, inputs and time do not move.
///
/// The coordinates are linear and do not train: neither the states nor the directions depend on theta, and
/// products of the state are products of the latent state.
template <class Real>
class Jacobian final : public LossTerm<Real> {
 public:
  using LossTerm<Real>::LossTerm;

  LossSpace space() const override { return LossSpace::latent; }
  LossNeeds needs() const override { return {.field = true}; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const ScratchFrame frame(tools.scratch);
    linearise(tools, sample);
    const std::size_t n = sample.u.extent(0), columns = sample.u.extent(1);
    const MatrixView<Real> Jv = tools.scratch.matrix(n, columns),
                           bar = tools.scratch.matrix(bars == nullptr ? 0 : n, columns);
    double value = 0.0;
    for (std::size_t v = 0; v < sample.tangents; ++v) {
      tools.field->jvp(tools.space,
                       {{sample.u, sample.q}, block(sample.directions, sample, v), tape_, {}, Jv},
                       tools.scratch);
      const WeightedSquares<Real> squares{tools.latent_rows, sample.weights, Jv,
                                          block(sample.products, sample, v)};
      if (bars == nullptr) {
        value += tools.sums.value(tools.space, squares);
        continue;
      }
      value +=
          tools.sums.value_and_gradient(tools.space, squares, this->weight() / double(sample.tangents), bar);
      add_adjoint(tools, sample, v, bar, *bars);
    }
    return value / double(sample.tangents);
  }

  void linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) override {
    const MatrixView<Real> f = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    tape_ = tools.scratch.matrix(tools.field->tape_rows(), sample.u.extent(1));
    tools.field->value(tools.space, {sample.u, sample.q}, f, tape_, tools.scratch);
  }

  void tangent(const LossTools<Real>& tools, const LossSample<Real>& sample, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    for (std::size_t v = 0; v < sample.tangents; ++v)
      tools.field->jvp_jvp(tools.space,
                           {{sample.u, sample.q},
                            block(sample.directions, sample, v),
                            tape_,
                            dots.field,
                            rows_of(R_dot, v * sample.u.extent(0), sample.u.extent(0))},
                           tools.scratch);
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    for (std::size_t v = 0; v < sample.tangents; ++v)
      add_adjoint(tools, sample, v, block(R_bar, sample, v), bars);
  }

 private:
  static ConstMatrixView<Real> block(const ConstMatrixView<Real>& all, const LossSample<Real>& sample,
                                     std::size_t v) {
    return rows_of(all, v * sample.u.extent(0), sample.u.extent(0));
  }

  void add_adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample, std::size_t v,
                   ConstMatrixView<Real> bar, const LossBars<Real>& bars) const {
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> unused = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    fill(tools.space, 0.0, unused);
    tools.field->jvp_vjp(tools.space,
                         {{sample.u, sample.q},
                          block(sample.directions, sample, v),
                          tape_,
                          bar,
                          bars.u,
                          unused,
                          tools.field_bar},
                         tools.scratch);
  }

  MatrixView<Real> tape_;
};

}  // namespace

LossTermKind jacobian_term() {
  LossTermKind kind = residual_kind<Jacobian>(
      "jacobian", "weight: Jacobian-vector products of the right-hand side against those of the data");
  kind.needs_tangents = true;
  kind.coordinates = CoordinateDemand::fixed_linear;
  return kind;
}

}  // namespace spnode::core
