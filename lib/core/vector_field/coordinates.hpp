#pragma once
/// The coordinates in which a model's dynamics live: maps between scaled states z and latent states u, each
/// with its derivatives.

#include "core/vector_field/model.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace spnode::core {

/// One direction, y = f(x), of lanes side by side: value, adjoint, tangent, and the adjoint and the tangent
/// of the tangent. x is a point {states, parameters of the trajectory}, with parameter_count() rows of scaled
/// parameters; adjoints and tangents are those of the states. Not collective; allocates nothing once the
/// scratch has grown.
///
/// Its coefficients are a part of those of the Coordinates that it belongs to; where a function takes their
/// adjoint or tangent, it takes that of all of these.
template <class Real>
class CoordinateMap {
 public:
  /// The identity.
  CoordinateMap() = default;

  struct Place {
    bool trainable;
    std::size_t parameters;
    std::size_t first;  ///< where its coefficients stand among those of the Coordinates
  };
  CoordinateMap(std::shared_ptr<const LaneMap<Real>> map, Place place);

  void set_parameters(std::span<const double> theta);

  /// How many parameters of the trajectory it depends on: the first of the model's arguments.
  std::size_t parameter_count() const { return place_.parameters; }

  /// Length of the adjoint of its own coefficients; 0 where they do not learn.
  std::size_t coefficient_count() const { return place_.trainable ? coefficients_.extent(0) : 0; }

  /// As of Coordinates.
  void assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                    std::span<double> theta_bar) const;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> dot) const;

  /// Rows of the tape: what value() keeps for the others, per lane.
  std::size_t tape_rows() const { return map_ != nullptr ? map_->tape_rows() : 0; }

  /// y (outputs, lanes) = f(x), overwritten; tape (tape_rows(), lanes), overwritten.
  void value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> y, MatrixView<Real> tape,
             Scratch<Real>& scratch) const;

  struct Reverse {
    Point<Real> x;
    ConstMatrixView<Real> tape, y_bar;
    MatrixView<Real> x_bar;             ///< += (d f / d x)^T y_bar; skipped where it has no rows
    VectorView<Real> coefficients_bar;  ///< +=; skipped where its extent is 0
  };
  void vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;

  struct Tangent {
    Point<Real> x;
    ConstMatrixView<Real> x_dot, tape;       ///< x does not move where x_dot has no rows
    ConstVectorView<Real> coefficients_dot;  ///< zero where its extent is 0
    MatrixView<Real> y_dot;                  ///< (outputs, lanes), overwritten
  };
  void jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;

  /// Of y_dot = (d f / d x) x_dot with fixed coefficients.
  struct TangentReverse {
    Point<Real> x;
    ConstMatrixView<Real> x_dot, tape, y_dot_bar;
    MatrixView<Real> x_bar, x_dot_bar;  ///< +=; skipped where they have no rows
    VectorView<Real> coefficients_bar;  ///< +=; skipped where its extent is 0
  };
  void jvp_vjp(const ExecSpace& space, const TangentReverse& reverse, Scratch<Real>& scratch) const;

  /// Of the same y_dot along the coefficients with fixed x and x_dot.
  struct TangentTangent {
    Point<Real> x;
    ConstMatrixView<Real> x_dot, tape;
    ConstVectorView<Real> coefficients_dot;
    MatrixView<Real> y_dot_dot;  ///< (outputs, lanes), overwritten
  };
  void jvp_jvp(const ExecSpace& space, const TangentTangent& tangent, Scratch<Real>& scratch) const;

 private:
  // The part of an adjoint or tangent of all coefficients; none where these do not learn or it is not wanted.
  template <class View>
  View part(const View& all) const {
    const bool any = place_.trainable && all.extent(0) > 0;
    return any ? View(all.data() + place_.first, coefficients_.extent(0)) : View();
  }

  std::shared_ptr<const LaneMap<Real>> map_;
  Place place_{};
  Vector<Real> coefficients_;
};

/// Encoder and decoder of a model, its coupling flow and the inverse, the coordinates of positive components,
/// or the lifting and the way back; the identity both ways for a model without any.
///
/// The coefficients are those of to_latent(), then those of from_latent(); none where neither learns.
template <class Real>
class Coordinates {
 public:
  /// Keeps a reference to the model.
  explicit Coordinates(const BasicModel<Real>& model);

  const CoordinateMap<Real>& to_latent() const { return to_latent_; }      ///< u (n) of z (m)
  const CoordinateMap<Real>& from_latent() const { return from_latent_; }  ///< z (m) of u (n)

  /// As of both maps.
  std::size_t parameter_count() const { return to_latent_.parameter_count(); }

  /// Length of the adjoint of the coefficients.
  std::size_t coefficient_count() const {
    return to_latent_.coefficient_count() + from_latent_.coefficient_count();
  }

  void set_parameters(std::span<const double> theta) {
    to_latent_.set_parameters(theta);
    from_latent_.set_parameters(theta);
  }

  /// theta_bar += the pull-back of the adjoint of the coefficients, for the last theta.
  void assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                    std::span<double> theta_bar) const {
    to_latent_.assemble_vjp(theta, bar, theta_bar);
    from_latent_.assemble_vjp(theta, bar, theta_bar);
  }

  /// dot (coefficient_count()) = the tangent of the coefficients in the direction theta_dot; overwritten.
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> dot) const {
    to_latent_.assemble_jvp(theta, theta_dot, dot);
    from_latent_.assemble_jvp(theta, theta_dot, dot);
  }

 private:
  CoordinateMap<Real> to_latent_, from_latent_;
};

}  // namespace spnode::core
