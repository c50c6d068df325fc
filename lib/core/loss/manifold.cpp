#include "core/loss/latent_error.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

/// The fast variables of the encoded data, which are zero on the slow manifold: FSNN, eq. (4.4).
template <class Real>
class Manifold final : public LatentError<Real> {
 public:
  explicit Manifold(double weight) : LatentError<Real>(weight, LossSpace::fast) {}

  LossNeeds needs() const override { return {.encoded = true}; }

  void tangent(const LossTools<Real>& tools, const LossSample<Real>&, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    scaled_copy(tools.space, 1.0, dots.u, R_dot);
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>&, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    axpy(tools.space, 1.0, R_bar, bars.u);
  }

 protected:
  typename LatentError<Real>::Sides sides(const LossTools<Real>& tools,
                                          const LossSample<Real>& sample) const override {
    const MatrixView<Real> zero = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    fill(tools.space, 0.0, zero);
    return {sample.u, zero};
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
