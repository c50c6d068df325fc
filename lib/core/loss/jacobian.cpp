#include "core/kernels/elementwise.hpp"
#include "core/loss/loss_terms.hpp"

#include <algorithm>

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
    double value = 0.0;
    for_each_part(sample, [&](const LossSample<Real>& part, std::size_t first) {
      const ScratchFrame frame(tools.scratch);
      const std::size_t n = part.u.extent(0), columns = part.u.extent(1);
      const MatrixView<Real> tape = tools.scratch.matrix(tools.field->tape_rows(), columns),
                             Jv = tools.scratch.matrix(n, columns),
                             bar = tools.scratch.matrix(bars == nullptr ? 0 : n, columns);
      tools.field->value(tools.space, {part.u, part.q}, Jv, tape, tools.scratch);
      for (std::size_t v = 0; v < sample.tangents; ++v) {
        tools.field->jvp(tools.space, {{part.u, part.q}, block(part.directions, part, v), tape, {}, Jv},
                         tools.scratch);
        const WeightedSquares<Real> squares{tools.latent_rows, part.weights, Jv,
                                            block(part.products, part, v)};
        if (bars == nullptr) {
          value += tools.sums.value(tools.space, squares);
          continue;
        }
        value += tools.sums.value_and_gradient(tools.space, squares, this->weight() / double(sample.tangents),
                                               bar);
        add_adjoint(tools, part, v, tape, bar, lanes_of(bars->u, first, columns));
      }
    });
    return value / double(sample.tangents);
  }

  void linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) override {
    tape_ = tools.scratch.vector(tools.field->tape_rows() * sample.u.extent(1));
    for_each_part(sample, [&](const LossSample<Real>& part, std::size_t first) {
      const ScratchFrame frame(tools.scratch);
      const MatrixView<Real> f = tools.scratch.matrix(part.u.extent(0), part.u.extent(1));
      tools.field->value(tools.space, {part.u, part.q}, f, tape(tools, part, first), tools.scratch);
    });
  }

  void tangent(const LossTools<Real>& tools, const LossSample<Real>& sample, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    for_each_part(sample, [&](const LossSample<Real>& part, std::size_t first) {
      const MatrixView<Real> R_dot_part = lanes_of(R_dot, first, part.u.extent(1));
      for (std::size_t v = 0; v < sample.tangents; ++v)
        tools.field->jvp_jvp(tools.space,
                             {{part.u, part.q},
                              block(part.directions, part, v),
                              tape(tools, part, first),
                              dots.field,
                              rows_of(R_dot_part, v * part.u.extent(0), part.u.extent(0))},
                             tools.scratch);
    });
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    for_each_part(sample, [&](const LossSample<Real>& part, std::size_t first) {
      const std::size_t columns = part.u.extent(1);
      const ConstMatrixView<Real> R_bar_part = lanes_of(R_bar, first, columns);
      for (std::size_t v = 0; v < sample.tangents; ++v)
        add_adjoint(tools, part, v, tape(tools, part, first), block(R_bar_part, part, v),
                    lanes_of(bars.u, first, columns));
    });
  }

 private:
  /// Calls action(columns of the sample, their first) for a few columns at a time: what the directions have
  /// in common, the tape above all, then stays in cache.
  template <class Action>
  static void for_each_part(const LossSample<Real>& sample, const Action& action) {
    const std::size_t columns = sample.u.extent(1), some = runs_on_host ? columns_at_once : columns;
    for (std::size_t first = 0; first < columns; first += some) {
      const std::size_t count = std::min(some, columns - first);
      LossSample<Real> part{ConstVectorView<Real>(sample.weights.data() + first, count),
                            lanes_of(sample.z, first, count)};
      part.u = lanes_of(sample.u, first, count);
      part.q = lanes_of(sample.q, first, count);
      part.directions = lanes_of(sample.directions, first, count);
      part.products = lanes_of(sample.products, first, count);
      action(part, first);
    }
  }

  static ConstMatrixView<Real> block(const ConstMatrixView<Real>& all, const LossSample<Real>& sample,
                                     std::size_t v) {
    return rows_of(all, v * sample.u.extent(0), sample.u.extent(0));
  }

  /// That of a part, in one piece.
  MatrixView<Real> tape(const LossTools<Real>& tools, const LossSample<Real>& part, std::size_t first) const {
    const std::size_t rows = tools.field->tape_rows();
    return MatrixView<Real>(tape_.data() + rows * first, rows, part.u.extent(1));
  }

  void add_adjoint(const LossTools<Real>& tools, const LossSample<Real>& part, std::size_t v,
                   ConstMatrixView<Real> tape, ConstMatrixView<Real> bar, MatrixView<Real> u_bar) const {
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> unused = tools.scratch.matrix(part.u.extent(0), part.u.extent(1));
    fill(tools.space, 0.0, unused);
    tools.field->jvp_vjp(
        tools.space,
        {{part.u, part.q}, block(part.directions, part, v), tape, bar, u_bar, unused, tools.field_bar},
        tools.scratch);
  }

  VectorView<Real> tape_;
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
