#pragma once
/// Encoder and decoder with assembled coefficients; the identity for a model without an autoencoder.

#include "core/vector_field/model.hpp"

#include <span>

namespace spnode::core {

template <class Real>
class AutoencoderMap {
 public:
  explicit AutoencoderMap(const BasicModel<Real>& model);

  /// Whether its coefficients have an adjoint at all.
  bool trainable() const { return trainable_; }

  /// Length of the adjoint of the coefficients: encoder, then decoder; 0 when not trainable.
  std::size_t bar_size() const {
    return trainable_ ? encoder_coefficients_.extent(0) + decoder_coefficients_.extent(0) : 0;
  }

  void set_parameters(std::span<const double> theta);
  void assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                    std::span<double> theta_bar) const;

  /// dot (bar_size()) = the tangent of the coefficients in the direction theta_dot; overwritten.
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> dot) const;

  std::size_t encode_tape_rows() const { return model_.has_autoencoder() ? model_.encoder().tape_rows() : 0; }
  std::size_t decode_tape_rows() const { return model_.has_autoencoder() ? model_.decoder().tape_rows() : 0; }

  /// u (n, lanes) = encode(z), z (m, lanes) scaled; u is overwritten.
  void encode(const ExecSpace& space, ConstMatrixView<Real> z, MatrixView<Real> u, MatrixView<Real> tape,
              Scratch<Real>& scratch) const;

  /// z (m, lanes) = decode(u); z is overwritten.
  void decode(const ExecSpace& space, ConstMatrixView<Real> u, MatrixView<Real> z, MatrixView<Real> tape,
              Scratch<Real>& scratch) const;

  /// The coefficients' adjoint: += into bar (bar_size()).
  void encode_vjp(const ExecSpace& space, ConstMatrixView<Real> z, ConstMatrixView<Real> tape,
                  ConstMatrixView<Real> u_bar, VectorView<Real> bar, Scratch<Real>& scratch) const;

  /// u_bar += too.
  struct DecodeReverse {
    ConstMatrixView<Real> u, tape, z_bar;
    MatrixView<Real> u_bar;
    VectorView<Real> bar;
  };
  void decode_vjp(const ExecSpace& space, const DecodeReverse& reverse, Scratch<Real>& scratch) const;

  /// u_dot (n, lanes), overwritten: what a tangent `dot` (bar_size()) of the coefficients does to encode(z).
  void encode_jvp(const ExecSpace& space, ConstMatrixView<Real> z, ConstMatrixView<Real> tape,
                  ConstVectorView<Real> dot, MatrixView<Real> u_dot, Scratch<Real>& scratch) const;

  /// z_dot is overwritten.
  struct DecodeTangent {
    ConstMatrixView<Real> u, u_dot, tape;
    ConstVectorView<Real> dot;
    MatrixView<Real> z_dot;
  };
  void decode_jvp(const ExecSpace& space, const DecodeTangent& tangent, Scratch<Real>& scratch) const;

 private:
  const BasicModel<Real>& model_;
  bool trainable_;
  Vector<Real> encoder_coefficients_, decoder_coefficients_;
  Vector<Real> no_dot_;  ///< the tangent of a decoder that does not learn
};

}  // namespace spnode::core
