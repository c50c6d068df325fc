#pragma once

#include "core/components/bilipschitz.hpp"
#include "core/components/component.hpp"
#include "core/components/options.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// Feed-forward network y = s * l_p(... l_1(x)), l_i(z) = sigma(B_i z + b_i).
///
/// With LipschitzOptions of bound L the layers are those of SPNODE-25, Definition 1 and eq. (8):
/// B_i = L^{1/p} W_i / max(1, sqrt(||W_i||_1 ||W_i||_inf)), so that the network (without the optional factor
/// s) is L-Lipschitz in the Euclidean norm; else B_i = W_i. The divisor has a smooth form too
/// (LipschitzLayer). With a bound on singular values, B_i is that of a bi-Lipschitz affine layer (FSNN,
/// Definition 3.3; BilipschitzMatrix). The activation of the last layer is optional. x = [u; q] where the
/// model has arguments.
///
/// Blocks: W_i (outputs, inputs), or those of the BilipschitzMatrix, and b_i (outputs) of each layer, and s
/// (outputs) when asked for.
template <class Real>
class Network final : public LaneMap<Real> {
 public:
  /// What a network is part of decides its place in the layout and whether it learns.
  struct Role {
    std::string name;
    ParameterGroup group = ParameterGroup::dynamics;
    bool frozen = false;
    double last_layer_scale = 1.0;  ///< multiplies the initial weights of the last layer
    double singular_bound = 0.0;    ///< L: all singular values of all B_i are in [1/L, L]; 0: W_i are free
  };
  Network(std::size_t inputs, std::size_t outputs, NetworkOptions options, Role role);
  Network(std::size_t inputs, std::size_t outputs, const LipschitzOptions& options, Role role);

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return coefficient_count_; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  /// Pairs of hidden neurons that can make products of the inputs (core/components/even_pairs.hpp): where
  /// there is one hidden layer of tanh and no activation after it. Else 0.
  std::size_t pairs() const;
  /// Makes neurons of the hidden layer even pairs along the rows of V (up to pairs(), inputs); the others
  /// have no inputs. Divides V by what the bound of the layer demands. Needs pairs() > 0.
  void set_directions(std::span<double> V, std::span<double> theta) const;
  /// The bias of the last layer (outputs), of a network without a bound.
  void set_last_bias(std::span<const double> b, std::span<double> theta) const;
  /// The last layer, for y = W phi(x) + b with the even pairs phi (core/components/even_pairs.hpp) of
  /// set_directions; W (outputs, rows of V). Gives what y had to be divided by to keep the bound.
  double set_outputs(std::span<const double> W, std::span<const double> b, std::span<double> theta) const;

  /// Whether y is linear in the parameters of the last layer: no bound, no activation after it, no factor s.
  bool ends_linear() const {
    return bound_ == 0.0 && role_.singular_bound == 0.0 && !options_.last_activation &&
           !options_.output_scale;
  }
  /// Numbers that the last layer is applied to.
  std::size_t last_inputs() const { return layers_.back().inputs; }
  /// These, (last_inputs()), at a point x (inputs) on the host. Needs ends_linear().
  void last_input_at(std::span<const double> theta, std::span<const double> x,
                     std::span<double> values) const;
  /// The last layer: W (outputs, last_inputs()) and b (outputs). Needs ends_linear().
  void set_last_layer(std::span<const double> W, std::span<const double> b, std::span<double> theta) const;
  /// Makes the neurons of the one hidden layer x_i^2, (x_i + x_j)^2 and (x_i + 1)^2 of the first so many
  /// inputs, which with a constant span their quadratic functions; others have no inputs. Does nothing where
  /// there is not one hidden layer of squares. Raises OptionError naming `option` where it has too few
  /// neurons.
  void set_squares(std::size_t variables, const char* option, std::span<double> theta) const;
  /// Makes the argument of neuron k of the first hidden layer W_k (x - c_k), with the weights that theta has
  /// of the inputs `used` and zeros for the others; centres c (neurons, used.size()).
  void set_centres(std::span<const std::size_t> used, std::span<const double> centres,
                   std::span<double> theta) const;
  /// Makes the argument of neuron k < count of the first hidden layer weight times input number first + k.
  void set_single_inputs(std::size_t first, std::size_t count, double weight, std::span<double> theta) const;
  /// Makes the first neurons of the first hidden layer, so many, independent of inputs [first, first +
  /// count).
  void drop_inputs(std::size_t neurons, std::size_t first, std::size_t count, std::span<double> theta) const;
  /// W (outputs, inputs) and b (outputs) of layer number i, of a network without a bound.
  void set_layer(std::size_t i, std::span<const double> W, std::span<const double> b,
                 std::span<double> theta) const;
  /// Whether the hidden layers are of squares, which set_squares() is for.
  bool has_squares() const { return options_.activation == Activation::square; }
  /// Neurons of the first hidden layer; 0: there is none.
  std::size_t first_neurons() const { return layers_.size() > 1 ? layers_.front().outputs : 0; }

  std::size_t inputs() const override { return widths_.front(); }
  std::size_t outputs() const override { return widths_.back(); }
  std::size_t tape_rows() const override { return tape_rows_; }
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

  /// What a map that a network is part of needs of it: the tangents along a second direction, in which the
  /// coefficients, u and u_dot move together.
  struct Along {
    ConstVectorView<Real> coefficients, coefficients_dot;
    Point<Real> x;
    PointDot<Real> x_dot;
    ConstMatrixView<Real> tape;
    ConstMatrixView<Real> u_along, u_dot_along;  ///< without rows u and u_dot stay
    MatrixView<Real> y_along;                    ///< += the tangent of y; skipped where it has no rows
    MatrixView<Real> y_dot_along;                ///< += the tangent of y_dot = (d f / d x) x_dot
  };
  void apply_along(const ExecSpace& space, const Along& along, Scratch<Real>& scratch) const;

  /// Bounds of y = f(x) where |x| <= radius, in Euclidean norms: of its Lipschitz constant, and of |y|.
  struct Growth {
    double lipschitz, norm;
  };
  Growth growth(std::span<const double> theta, double radius) const;

 private:
  struct Layer {
    std::size_t inputs, outputs;
    Activation activation;
    ParameterBlock W, b;
    std::shared_ptr<BilipschitzMatrix> bilipschitz;  // in place of W, or null
    std::size_t offset;                              // of B, then b, in the coefficients
    std::size_t value_row;                           // first row of the layer's output on the tape
    std::size_t argument_row;  // and of the argument of its activation, where keeps_argument()
    bool on_tape;              // else the output goes straight to y
    bool turned;  // the coefficients hold B^T: its gradient then takes the few outputs, not the many inputs,
                  // side by side
  };

  // B of a layer (outputs, inputs) from its parameters, row major, with adjoint and tangent.
  void assemble_weights(const Layer& layer, std::span<const double> theta, std::span<double> B) const;
  void assemble_weights_vjp(const Layer& layer, std::span<const double> theta, std::span<const double> B_bar,
                            std::span<double> theta_bar) const;
  void assemble_weights_jvp(const Layer& layer, std::span<const double> theta,
                            std::span<const double> theta_dot, std::span<double> B_dot) const;
  // B of a layer, row major, to and from its place in the coefficients.
  void put_weights(const Layer& layer, std::span<const double> B, std::span<double> c) const;
  std::vector<double> weights(const Layer& layer, std::span<const double> c) const;
  // y = B x + beta y, with the columns of B that x has rows for.
  void multiply(const ExecSpace& space, const Layer& layer, const ConstVectorView<Real>& coefficients,
                const ConstMatrixStack<Real>& x, double beta, const MatrixView<Real>& y) const;
  ConstVectorView<Real> bias(const Layer& layer, const ConstVectorView<Real>& coefficients) const;
  ConstVectorView<Real> output_scale(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + scale_offset_, outputs());
  }
  // What layer i is applied to.
  ConstMatrixStack<Real> input_of(std::size_t i, const Point<Real>& x,
                                  const ConstMatrixView<Real>& tape) const;
  // What the derivative of a layer's activation follows from.
  ConstMatrixView<Real> kept_of(const Layer& layer, const ConstMatrixView<Real>& tape) const;
  // The adjoint of the input of layer i, from that of its output before the activation.
  void input_vjp(const ExecSpace& space, std::size_t i, const ConstVectorView<Real>& coefficients,
                 const ConstMatrixView<Real>& out_bar, const PointBar<Real>& x_bar, double beta) const;
  // The gradient of the weights of layer i: += out_bar in^T.
  void weights_vjp(const ExecSpace& space, std::size_t i, const ConstMatrixView<Real>& out_bar,
                   const ConstMatrixStack<Real>& in, const VectorView<Real>& coefficients_bar) const;
  void bias_vjp(const ExecSpace& space, std::size_t i, const ConstMatrixView<Real>& out_bar,
                const VectorView<Real>& coefficients_bar) const;
  double layer_bound() const;  // L^{1/p}, or 0 without a bound
  // W from B, as LipschitzLayer::invert; B itself without a bound.
  double set_weights(const Layer& layer, std::span<const double> B, std::span<double> theta) const;

  std::vector<std::size_t> widths_;
  NetworkOptions options_;
  double bound_ = 0.0;  // L, or 0 without a bound
  LipschitzDivisor divisor_ = LipschitzDivisor::exact;
  Role role_;
  std::vector<Layer> layers_;
  ParameterBlock scale_;
  std::size_t scale_offset_ = 0, coefficient_count_ = 0, tape_rows_ = 0;
};

}  // namespace spnode::core
