#pragma once

#include "core/kernels/elementwise.hpp"
#include "core/loss/loss_term.hpp"

namespace spnode::core {

/// X - Y for two latent states of a sample, of which Y may be zero.
template <class Real>
class LatentError : public LossTerm<Real> {
 public:
  LatentError(double weight, LossSpace space) : LossTerm<Real>(weight), space_(space) {}

  LossSpace space() const override { return space_; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const ScratchFrame frame(tools.scratch);
    const Sides sides = this->sides(tools, sample);
    const WeightedSquares<Real> squares{tools.rows(space_), this->weights(sample), sides.X, sides.Y};
    if (bars == nullptr) return tools.sums.value(tools.space, squares);
    const MatrixView<Real> bar = tools.scratch.matrix(sides.X.extent(0), sides.X.extent(1));
    const double value = tools.sums.value_and_gradient(tools.space, squares, this->weight(), bar);
    this->adjoint(tools, sample, bar, *bars);
    return value;
  }

  void linearise(const LossTools<Real>&, const LossSample<Real>&) override {}

 protected:
  struct Sides {
    ConstMatrixView<Real> X, Y;
  };
  /// Memory may be taken from tools.scratch.
  virtual Sides sides(const LossTools<Real>& tools, const LossSample<Real>& sample) const = 0;

 private:
  LossSpace space_;
};

}  // namespace spnode::core
