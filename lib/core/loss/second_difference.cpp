#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/loss/loss_terms.hpp"

#include <cmath>
#include <vector>

namespace spnode::core {
namespace {

/// Three neighbouring times r, r + 1, r + 2 of a lane, for each r; the residual stands at the time `column`
/// of the three, and is zero at the other times of the window.
template <class Real>
struct Triples {
  std::size_t lanes = 0, times = 0;
  std::size_t end = 2;            ///< f is taken at the times r and r + end
  std::size_t column = 1;         ///< r + column is where the residual stands
  ConstVectorView<Real> weights;  ///< (times - 2, 3, lanes): of the second difference
  ConstVectorView<Real> scale;    ///< (times - 2, lanes)

  KOKKOS_FUNCTION std::size_t count() const { return times < 3 ? 0 : times - 2; }
};

/// out(t) = scale (f(r + end) - f(r)); out, f: (n, times lanes). Overwritten.
template <class Real>
void end_differences(const ExecSpace& space, const Triples<Real>& T, InputMatrix<Real> f,
                     MatrixView<Real> out) {
  fill(space, 0.0, out);
  for_each_row(
      "end_differences", space, f.extent(0), T.lanes,
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t begin, const std::size_t end) {
        for (std::size_t r = 0; r < T.count(); ++r)
          for (std::size_t l = begin; l < end; ++l)
            out(i, (r + T.column) * T.lanes + l) =
                T.scale(r * T.lanes + l) * (f(i, (r + T.end) * T.lanes + l) - f(i, r * T.lanes + l));
      });
}

/// f_bar += its adjoint.
template <class Real>
void end_differences_vjp(const ExecSpace& space, const Triples<Real>& T, InputMatrix<Real> bar,
                         MatrixView<Real> f_bar) {
  for_each_row(
      "end_diff_vjp", space, bar.extent(0), T.lanes,
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t begin, const std::size_t end) {
        for (std::size_t r = 0; r < T.count(); ++r)
          for (std::size_t l = begin; l < end; ++l) {
            const Real value = T.scale(r * T.lanes + l) * bar(i, (r + T.column) * T.lanes + l);
            f_bar(i, (r + T.end) * T.lanes + l) += value;
            f_bar(i, r * T.lanes + l) -= value;
          }
      });
}

/// out(t) = scale (what end_differences stands for), from the states u. Overwritten.
template <class Real>
void second_differences(const ExecSpace& space, const Triples<Real>& T, InputMatrix<Real> u,
                        MatrixView<Real> out) {
  fill(space, 0.0, out);
  for_each_row(
      "second_diff", space, u.extent(0), T.lanes,
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t begin, const std::size_t end) {
        for (std::size_t r = 0; r < T.count(); ++r)
          for (std::size_t l = begin; l < end; ++l) {
            Real sum = 0;
            for (std::size_t k = 0; k < 3; ++k)
              sum += T.weights((3 * r + k) * T.lanes + l) * u(i, (r + k) * T.lanes + l);
            out(i, (r + T.column) * T.lanes + l) = T.scale(r * T.lanes + l) * sum;
          }
      });
}

/// scale(r, l) = 1 / |u(r + end) - u(r)|, over the square root of the time weights that the residuals of the
/// lane have together; 0 where a trajectory stands still, which has no direction, and in lanes that pad.
template <class Real>
void set_scale(const ExecSpace& space, const Triples<Real>& T, InputMatrix<Real> u,
               InputVector<Real> time_weights, VectorView<Real> scale) {
  Kokkos::parallel_for(
      "triple_scale", Kokkos::RangePolicy<ExecSpace>(space, 0, T.count() * T.lanes),
      KOKKOS_LAMBDA(const std::size_t at) {
        const std::size_t l = at % T.lanes;
        Real weight = 0, square = 0;
        for (std::size_t r = 0; r < T.count(); ++r) weight += time_weights((r + T.column) * T.lanes + l);
        for (std::size_t i = 0; i < u.extent(0); ++i) {
          const Real difference = u(i, at + T.end * T.lanes) - u(i, at);
          square += difference * difference;
        }
        const Real product = weight * square;
        scale(at) = product > 0 ? Real(1) / Real(::sqrt(product)) : Real(0);
      });
}

/// The derivative of f - du/dt along the data, by differences of neighbouring states (JACREG, eqs. (8) to
/// (10), its forward form off by half a step): with the divided differences [r, r+1], [r+1, r+2] of u in time
///   (f(u_end) - f(u_r) - c ([r+1, r+2] - [r, r+1])) / |u_end - u_r|,
/// end = r + 2 and c = 2 (centred: the difference of the slopes of the parabola through the three states, of
/// second order on even grids and of first order on others), or end = r + 1 and c = 1 (forward).
///
/// The coordinates do not train: |u_end - u_r| and the differences are constants.
template <class Real>
class SecondDifference final : public LossTerm<Real> {
 public:
  SecondDifference(double weight, const LossOptions& options)
      : LossTerm<Real>(weight), form_(options.second_difference_form) {}

  LossSpace space() const override { return LossSpace::latent; }
  LossNeeds needs() const override { return {.field = true}; }

  double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
             const LossBars<Real>* bars) override {
    const ScratchFrame frame(tools.scratch);
    linearise(tools, sample);
    const std::size_t n = sample.u.extent(0), columns = sample.u.extent(1);
    const MatrixView<Real> ends = tools.scratch.matrix(n, columns), data = tools.scratch.matrix(n, columns);
    end_differences(tools.space, triples_, f_, ends);
    second_differences(tools.space, triples_, sample.u, data);
    const WeightedSquares<Real> squares{tools.latent_rows, sample.weights, ends, data};
    if (bars == nullptr) return tools.sums.value(tools.space, squares);
    const MatrixView<Real> bar = tools.scratch.matrix(n, columns);
    const double value = tools.sums.value_and_gradient(tools.space, squares, this->weight(), bar);
    adjoint(tools, sample, bar, *bars);
    return value;
  }

  void linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) override {
    assign_triples(tools, sample);
    f_ = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    tape_ = tools.scratch.matrix(tools.field->tape_rows(), sample.u.extent(1));
    tools.field->value(tools.space, {sample.u, sample.q}, f_, tape_, tools.scratch);
  }

  void tangent(const LossTools<Real>& tools, const LossSample<Real>& sample, const LossDots<Real>& dots,
               MatrixView<Real> R_dot) const override {
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> f_dot = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    tools.field->jvp(tools.space, {{sample.u, sample.q}, dots.u, tape_, dots.field, f_dot}, tools.scratch);
    end_differences(tools.space, triples_, f_dot, R_dot);
  }

  void adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample, ConstMatrixView<Real> R_bar,
               const LossBars<Real>& bars) const override {
    const ScratchFrame frame(tools.scratch);
    const MatrixView<Real> f_bar = tools.scratch.matrix(sample.u.extent(0), sample.u.extent(1));
    fill(tools.space, 0.0, f_bar);
    end_differences_vjp(tools.space, triples_, R_bar, f_bar);
    tools.field->vjp(tools.space, {{sample.u, sample.q}, tape_, f_bar, bars.u, tools.field_bar},
                     tools.scratch);
  }

 private:
  void assign_triples(const LossTools<Real>& tools, const LossSample<Real>& sample) {
    const bool centred = form_ == SecondDifferenceForm::centred;
    const double factor = centred ? 2.0 : 1.0;
    triples_ = {
        sample.lanes, sample.times.size() / sample.lanes, centred ? 2u : 1u, centred ? 1u : 0u, {}, {}};
    const std::size_t lanes = sample.lanes, count = triples_.count();
    host_.resize(3 * count * lanes);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t l = 0; l < lanes; ++l) {
        const auto slope = [&](std::size_t t) {
          return factor / (sample.times[(t + 1) * lanes + l] - sample.times[t * lanes + l]);
        };
        const double first = slope(r), second = slope(r + 1);
        host_[(3 * r) * lanes + l] = first;
        host_[(3 * r + 1) * lanes + l] = -first - second;
        host_[(3 * r + 2) * lanes + l] = second;
      }
    const VectorView<Real> weights = tools.scratch.vector(host_.size()),
                           scale = tools.scratch.vector(count * lanes);
    upload(std::span<const double>(host_), weights);
    set_scale<Real>(tools.space, triples_, sample.u, sample.weights, scale);
    triples_.weights = weights;
    triples_.scale = scale;
  }

  SecondDifferenceForm form_;
  Triples<Real> triples_;
  MatrixView<Real> f_, tape_;
  std::vector<double> host_;
};

}  // namespace

LossTermKind second_difference_term() {
  LossTermKind kind = residual_kind<SecondDifference>(
      "second_difference",
      "weight: change of the right-hand side along the data against their second differences in time");
  kind.coordinates = CoordinateDemand::fixed;
  kind.least_intervals = 2;
  return kind;
}

}  // namespace spnode::core
