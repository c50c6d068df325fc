#pragma once

#include "core/components/component.hpp"
#include "core/components/options.hpp"

#include <vector>

namespace spnode::core {

/// The negative gradient of a potential, g(u; q) = -grad V(x; q), with x the first rows of u, as many as
/// there are outputs: the force of a conservative system of second order, or a gradient flow where x = u.
///
/// V(x; q) = sum_h w_h Psi(a_h) with Psi' = sigma, the activation, and a = W s + b, where s = [x; q] or the
/// output of hidden layers: a_1 = W_1 [x; q] + b_1, s_1 = sigma(a_1), a_2 = W_2 s_1 + b_2, ... V itself is
/// never evaluated. Its slopes t_i = dV / da_i and r_i = dV / ds_i follow from the last layer to the first,
/// t = w * sigma(a) there, then r_i = W_{i+1}^T t_{i+1} and t_i = sigma'(a_i) * r_i, and
/// g = -metric * W_1^T t_1. The metric makes it a gradient in the unscaled coordinates. Without hidden layers
/// g is a network of one hidden layer whose second layer is the transpose of its first.
///
/// All derivatives are tangents of this chain along one direction or two: V has symmetric derivatives, and
/// the gradient of V with respect to W_i is t_i s_{i-1}^T.
///
/// Blocks: layerI/W (neurons, inputs) and layerI/b (neurons) of the hidden layers; W, b and w (neurons) of
/// the last; metric (outputs), frozen.
template <class Real>
class Potential final : public LaneMap<Real> {
 public:
  Potential(TermShape shape, const PotentialOptions& options, std::string name);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  void set_scaling(const Scaling& scaling, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return metric_place() + outputs(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return shape_.states + shape_.arguments; }
  std::size_t outputs() const override { return shape_.outputs; }
  std::size_t tape_rows() const override { return (keeps_argument(options_.activation) ? 4 : 3) * neurons_; }
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override;

 private:
  struct Layer {
    std::size_t inputs, outputs, row;  // row: of its first neuron among those of all layers
    ParameterBlock W, b;
  };
  // What there is of each neuron, on the tape and in a tangent: s, r, t, and a where it is needed.
  enum class Part : std::size_t { value, pull, slope, argument };
  struct At {
    ConstVectorView<Real> coefficients;
    ConstMatrixStack<Real> x;
    ConstMatrixView<Real> tape;
  };
  // Tangents of the chain along x_dot alone, and along another direction, in which coefficients may move.
  struct Pair {
    ConstMatrixStack<Real> x_dot;
    ConstMatrixView<Real> first, second;
    ConstVectorView<Real> moving;
  };
  struct Slopes {
    ConstVectorView<Real> coefficients;
    ConstMatrixView<Real> sweep;
  };

  std::size_t columns() const { return shape_.outputs + shape_.arguments; }  // of the first W
  Point<Real> position(const Point<Real>& x) const { return {rows_of(x.u, 0, shape_.outputs), x.q}; }
  PointBar<Real> position(const PointBar<Real>& x) const { return {rows_of(x.u, 0, shape_.outputs), x.q}; }
  At at_point(const ConstVectorView<Real>& coefficients, const Point<Real>& x,
              const ConstMatrixView<Real>& tape) const {
    return {coefficients, position(x).stack(), tape};
  }

  // The coefficients are the blocks as they stand in theta, the metric with the sign of g.
  std::size_t first_place() const { return layers_.front().W.offset; }
  std::size_t place_of(const ParameterBlock& block) const { return block.offset - first_place(); }
  std::size_t metric_place() const { return place_of(metric_); }
  ConstVectorView<Real> metric(const At& at) const {
    return ConstVectorView<Real>(at.coefficients.data() + metric_place(), outputs());
  }
  template <class View>
  View part_of(const View& sweep, Part part, const Layer& layer) const {
    return rows_of(sweep, std::size_t(part) * neurons_ + layer.row, layer.outputs);
  }
  ConstMatrixView<Real> kept_of(const ConstMatrixView<Real>& tape, const Layer& layer) const {
    return part_of(tape, keeps_argument(options_.activation) ? Part::argument : Part::value, layer);
  }

  // out = W in + beta out, with the columns of W that `in` has rows for.
  void multiply(const ExecSpace& space, const ConstVectorView<Real>& coefficients, const Layer& layer,
                const ConstMatrixStack<Real>& in, double beta, const MatrixView<Real>& out) const;
  // in_bar = W^T out_bar + beta in_bar.
  void multiply_back(const ExecSpace& space, const ConstVectorView<Real>& coefficients, const Layer& layer,
                     const ConstMatrixView<Real>& out_bar, double beta, const PointBar<Real>& in_bar) const;
  // Slopes of a sweep from its values: t = w s + w' s' in the last layer, r = W^T t_behind + W'^T t'_behind
  // and t = sigma'(a) r before it, to which bend(layer) adds what else there is; W', w' and the sweep of s',
  // t' from `more`, if any.
  template <class Bend>
  void sweep_back(const ExecSpace& space, const At& at, const MatrixView<Real>& sweep, const Slopes& more,
                  const Bend& bend) const;

  // The tangents of all parts (4 times the neurons, lanes), from scratch. Without rows x does not move,
  // without entries of `moving` the coefficients do not.
  MatrixView<Real> tangents(const ExecSpace& space, const At& at, const ConstMatrixStack<Real>& x_dot,
                            const ConstVectorView<Real>& moving, Scratch<Real>& scratch) const;
  // Those of the first tangents along the second direction.
  MatrixView<Real> second_tangents(const ExecSpace& space, const At& at, const Pair& pair,
                                   Scratch<Real>& scratch) const;
  // -metric * g_bar: the direction in x along which V changes by g . g_bar.
  MatrixView<Real> direction_of(const ExecSpace& space, const At& at, const ConstMatrixView<Real>& g_bar,
                                Scratch<Real>& scratch) const;
  // g += -metric * (W_1^T slopes + the same with other coefficients and the slopes of another sweep, if any).
  void add_force(const ExecSpace& space, const At& at, const ConstMatrixView<Real>& slopes,
                 const Slopes& more, const MatrixView<Real>& g, Scratch<Real>& scratch) const;
  // The gradients of W and b of a layer: += t in^T and += t, with the slopes of a sweep.
  void add_weights(const ExecSpace& space, const Layer& layer, const ConstMatrixView<Real>& sweep,
                   const ConstMatrixStack<Real>& in, const VectorView<Real>& coefficients_bar) const;
  void add_bias(const ExecSpace& space, const Layer& layer, const ConstMatrixView<Real>& sweep,
                const VectorView<Real>& coefficients_bar) const;

  TermShape shape_;
  PotentialOptions options_;
  std::string name_;
  std::vector<Layer> layers_;
  ParameterBlock w_, metric_;
  std::size_t neurons_ = 0;  // of all layers
};

}  // namespace spnode::core
