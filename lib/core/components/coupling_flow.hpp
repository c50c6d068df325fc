#pragma once
/// An invertible change of coordinates with an exact inverse (FSNN, section 3.1).

#include "core/components/bilipschitz.hpp"
#include "core/components/conditioner.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// u = h(z; q) = g_K . f_K . ... . g_1 . f_1 (FSNN, eq. (3.7)): affine layers f_k (BilipschitzLayer), where
/// there are any, and coupling layers g_k (eq. (3.5)) of z = (z_1, z_2),
///     z_1' = F(z_2, q) z_1 + B(z_2, q),   z_2' = G(z_1', q) z_2 + C(z_1', q),
/// entry by entry, with scales F = L^tanh(f), G = L^tanh(g) in [1/L, L] or 1; f, g, B and C are conditioners.
/// With CoupledParts::second z_1' = z_1. q: the parameters of the trajectory, so that h does not depend on
/// time along it.
///
/// Blocks: "coupling_flow/layerK/affine/..." and "coupling_flow/layerK/first/shift/...", with `second` for
/// the second part and `scale` for f and g.
template <class Real>
class CouplingFlow {
 public:
  /// n components, so many parameters. Raises OptionError where the options do not fit n.
  CouplingFlow(std::size_t n, std::size_t parameters, const CouplingFlowOptions& options);

  enum class Direction { to_latent, from_latent };

  void declare(ParameterLayout& layout);
  void initialise(std::uint64_t seed, std::span<double> theta) const;

  /// The shift of the second part, where the flow is nothing but one such coupling, z_2' = z_2 + C(z_1, q);
  /// else null.
  const Conditioner<Real>* only_shift() const {
    const bool only = layers_.size() == 1 && layers_.front().coupling && !layers_.front().coupling->scale;
    return only ? &layers_.front().coupling->shift : nullptr;
  }

  /// Bounds of h and of its inverse where |z| <= radius and all parameters are in [-1, 1].
  struct Distortion {
    double to_latent;    ///< |h(z) - h(z')| <= to_latent |z - z'|
    double from_latent;  ///< |z - z'| <= from_latent |h(z) - h(z')|
  };
  /// For the parameters theta, in Euclidean norms. Bounds of the layers multiply, so that the constants are
  /// not the least ones; infinite where they overflow.
  Distortion distortion(std::span<const double> theta, double radius) const;

 private:
  template <class>
  friend class CouplingMap;

  // One part of a coupling layer.
  struct Coupling {
    std::size_t first, count;              // rows that change
    std::size_t given_first, given_count;  // rows that they depend on
    Conditioner<Real> shift;
    std::unique_ptr<Conditioner<Real>> scale;  // null: 1
  };
  // Either an affine layer or one part of a coupling layer.
  struct Layer {
    std::unique_ptr<BilipschitzLayer> affine;
    std::unique_ptr<Coupling> coupling;
  };
  // What a layer does to a ball: its Lipschitz constant there, and the radius of a ball that holds the image.
  struct Ball {
    double lipschitz, radius;
  };
  Ball image(const Layer& layer, Direction direction, std::span<const double> theta, double radius) const;

  std::size_t n_, parameters_;
  double log_bound_;  // of the scales
  double initial_scale_;
  std::vector<Layer> layers_;
};

/// One direction of a flow as a map of lanes: y = h(x; q) or its inverse. Its parameters are those of the
/// flow, which declares them.
template <class Real>
class CouplingMap final : public LaneMap<Real> {
 public:
  using Direction = typename CouplingFlow<Real>::Direction;

  /// Keeps a reference to a flow that has been declared.
  CouplingMap(const CouplingFlow<Real>& flow, Direction direction);

  void declare(ParameterLayout&) override {}
  void initialise(std::uint64_t seed, std::span<double> theta) const override {
    flow_.initialise(seed, theta);
  }
  std::size_t coefficient_count() const override { return coefficient_count_; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return flow_.n_ + flow_.parameters_; }
  std::size_t outputs() const override { return flow_.n_; }
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

 private:
  // A layer in the order of this direction, and where its own begin.
  struct Stage {
    const typename CouplingFlow<Real>::Layer* layer;
    std::size_t coefficient, tape_row;
  };
  // The part of the tape of a stage: its image (n), and of a coupling the conditioners' tapes; with scales
  // also the scaled part P and t = tanh(f).
  template <class View>
  struct Tape {
    View image, shift, scale, P, t;
  };
  template <class View>
  Tape<View> tape_of(const Stage& stage, const View& tape) const;
  template <class View>
  View coefficients_of(const Stage& stage, std::size_t first, std::size_t count, const View& all) const {
    if (all.extent(0) == 0) return all;
    return View(all.data() + stage.coefficient + first, count);
  }
  template <class View>
  View shift_part(const Stage& stage, const View& all) const {
    return coefficients_of(stage, 0, stage.layer->coupling->shift.coefficient_count(), all);
  }
  template <class View>
  View scale_part(const Stage& stage, const View& all) const {
    const auto& coupling = *stage.layer->coupling;
    return coefficients_of(stage, coupling.shift.coefficient_count(), coupling.scale->coefficient_count(),
                           all);
  }
  template <class View>
  MatrixView<typename View::value_type> matrix_of(const Stage& stage, const View& all) const {
    return MatrixView<typename View::value_type>(all.data() + stage.coefficient, flow_.n_, flow_.n_);
  }
  template <class View>
  View offset_of(const Stage& stage, const View& all) const {
    return coefficients_of(stage, flow_.n_ * flow_.n_, flow_.n_, all);
  }
  // What stage number i is applied to.
  ConstMatrixView<Real> input_of(std::size_t i, const Point<Real>& x,
                                 const ConstMatrixView<Real>& tape) const;
  // Tangents of the values of a coupling's conditioners, in scratch.
  struct Conditioned {
    MatrixView<Real> S, s;
  };
  Conditioned conditioner_tangents(const ExecSpace& space, const Stage& stage, const Tangent& tangent,
                                   ConstMatrixView<Real> in, ConstMatrixView<Real> in_dot,
                                   Scratch<Real>& scratch) const;
  // The tangent of the image of stage number i; `tangent` gives coefficients, point and tape.
  void tangent_of(const ExecSpace& space, std::size_t i, const Tangent& tangent, ConstMatrixView<Real> in_dot,
                  MatrixView<Real> out_dot, Scratch<Real>& scratch) const;
  BilipschitzLayer::Direction affine_direction() const {
    return is_forward() ? BilipschitzLayer::Direction::forward : BilipschitzLayer::Direction::inverse;
  }
  bool is_forward() const { return direction_ == Direction::to_latent; }
  double signed_log_bound() const { return is_forward() ? flow_.log_bound_ : -flow_.log_bound_; }

  const CouplingFlow<Real>& flow_;
  Direction direction_;
  std::vector<Stage> stages_;
  std::size_t coefficient_count_ = 0, tape_rows_ = 0;
};

}  // namespace spnode::core
