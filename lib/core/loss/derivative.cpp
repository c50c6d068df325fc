#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/matrix_functions/differences.hpp"

#include <algorithm>
#include <vector>

namespace spnode::core {
namespace {

/// Derivatives in time of columns of states: at time t
///   (D u)(t) = sum_k weights(t, k) u(first(t) + k), k < points,
/// with weights (times, points, lanes) from each lane's own times: central differences, one-sided at the ends
/// of a window.
template <class Real>
struct Differences {
  std::size_t lanes = 0, times = 0, points = 0;
  ConstVectorView<Real> weights;

  KOKKOS_FUNCTION std::size_t first(std::size_t t) const {
    const std::size_t half = points / 2, central = t > half ? t - half : 0, last = times - points;
    return central < last ? central : last;
  }
};

/// out += factor D u; out, u: (n, times lanes).
template <class Real>
void add_differences(const ExecSpace& space, const Differences<Real>& D, double factor, InputMatrix<Real> u,
                     MatrixView<Real> out) {
  const Real scale = Real(factor);
  for_each_row(
      "differences", space, u.extent(0), D.lanes,
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t begin, const std::size_t end) {
        for (std::size_t t = 0; t < D.times; ++t)
          for (std::size_t k = 0; k < D.points; ++k)
            for (std::size_t l = begin; l < end; ++l)
              out(i, t * D.lanes + l) +=
                  scale * D.weights((t * D.points + k) * D.lanes + l) * u(i, (D.first(t) + k) * D.lanes + l);
      });
}

/// u_bar += factor D^T bar.
template <class Real>
void add_differences_vjp(const ExecSpace& space, const Differences<Real>& D, double factor,
                         InputMatrix<Real> bar, MatrixView<Real> u_bar) {
  const Real scale = Real(factor);
  for_each_row(
      "differences_vjp", space, bar.extent(0), D.lanes,
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t begin, const std::size_t end) {
        for (std::size_t t = 0; t < D.times; ++t)
          for (std::size_t k = 0; k < D.points; ++k)
            for (std::size_t l = begin; l < end; ++l)
              u_bar(i, (D.first(t) + k) * D.lanes + l) +=
                  scale * D.weights((t * D.points + k) * D.lanes + l) * bar(i, t * D.lanes + l);
      });
}

/// f(u) - du/dt at the encoded data u: how far they are from a solution, without a rollout. du/dt: D u, or,
/// where dz/dt of the data is given, (d to_latent / d z) dz/dt.
template <class Real>
class Derivative final : public LossTerm<Real> {
 public:
  Derivative(double weight, const LossOptions& options)
      : LossTerm<Real>(weight),
        order_(options.derivative_order),
        is_given_(options.derivatives == DerivativeSource::given) {}

  LossSpace space() const override { return LossSpace::latent; }
  LossNeeds needs() const override { return {.field = true, .derivatives = is_given_}; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const ScratchFrame frame(tools.scratch);
    linearise(tools, sample);
    const std::size_t n = sample.u.extent(0), columns = sample.u.extent(1);
    const MatrixView<Real> du = tools.scratch.matrix(n, columns);
    if (is_given_) {
      encoder(tools).jvp(tools.space, {sample.data(), sample.z_dot, sample.u_tape, {}, du}, tools.scratch);
    } else {
      fill(tools.space, 0.0, du);
      add_differences(tools.space, D_, 1.0, sample.u, du);
    }
    const WeightedSquares<Real> squares{tools.latent_rows, sample.weights, f_, du};
    if (bars == nullptr) return tools.sums.value(tools.space, squares);
    const MatrixView<Real> bar = tools.scratch.matrix(n, columns);
    const double value = tools.sums.value_and_gradient(tools.space, squares, this->weight(), bar);
    adjoint(tools, sample, bar, *bars);
    return value;
  }

  void linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) override {
    if (!is_given_) assign_differences(sample, tools.scratch);
    f_ = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    tape_ = tools.scratch.matrix(tools.field->tape_rows(), sample.u.extent(1));
    tools.field->value(tools.space, {sample.u, sample.q}, f_, tape_, tools.scratch);
  }

  void tangent(const LossTools<Real>& tools, const LossSample<Real>& sample, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    tools.field->jvp(tools.space, {{sample.u, sample.q}, dots.u, tape_, dots.field, R_dot}, tools.scratch);
    if (!is_given_) return add_differences(tools.space, D_, -1.0, dots.u, R_dot);
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> du_dot = tools.scratch.matrix(R_dot.extent(0), R_dot.extent(1));
    encoder(tools).jvp_jvp(
        tools.space, {sample.data(), sample.z_dot, sample.u_tape, dots.coordinates, du_dot}, tools.scratch);
    axpy(tools.space, -1.0, du_dot, R_dot);
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    tools.field->vjp(tools.space, {{sample.u, sample.q}, tape_, R_bar, bars.u, tools.field_bar},
                     tools.scratch);
    if (!is_given_) return add_differences_vjp(tools.space, D_, -1.0, R_bar, bars.u);
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> du_bar = tools.scratch.matrix(R_bar.extent(0), R_bar.extent(1));
    scaled_copy(tools.space, -1.0, R_bar, du_bar);
    encoder(tools).jvp_vjp(
        tools.space, {sample.data(), sample.z_dot, sample.u_tape, du_bar, {}, {}, tools.coordinates_bar},
        tools.scratch);
  }

 private:
  static const CoordinateMap<Real>& encoder(const LossTools<Real>& tools) {
    return tools.coordinates.to_latent();
  }

  void assign_differences(const LossSample<Real>& sample, Scratch<Real>& scratch) {
    const std::size_t lanes = sample.lanes, times = sample.times.size() / lanes,
                      points = std::min(order_ + 1, times);
    D_ = {lanes, times, points, {}};
    host_.resize(times * points * lanes);
    stencil_.resize(points);
    weights_.resize(points);
    work_.resize(points);
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t l = 0; l < lanes; ++l) {
        for (std::size_t k = 0; k < points; ++k) stencil_[k] = sample.times[(D_.first(t) + k) * lanes + l];
        derivative_weights(sample.times[t * lanes + l], stencil_, weights_, work_);
        for (std::size_t k = 0; k < points; ++k) host_[(t * points + k) * lanes + l] = weights_[k];
      }
    const VectorView<Real> weights = scratch.vector(host_.size());
    upload(std::span<const double>(host_), weights);
    D_.weights = weights;
  }

  std::size_t order_;
  bool is_given_;
  Differences<Real> D_;
  MatrixView<Real> f_, tape_;
  std::vector<double> host_, stencil_, weights_, work_;
};

}  // namespace

LossTermKind derivative_term() {
  return residual_kind<Derivative>("derivative",
                                   "weight: right-hand side at the data against their derivatives in time");
}

}  // namespace spnode::core
