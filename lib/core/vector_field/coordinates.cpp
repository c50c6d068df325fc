#include "core/vector_field/coordinates.hpp"

#include "core/kernels/elementwise.hpp"

#include <vector>

namespace spnode::core {
namespace {

template <class Real>
void assemble_into(const Component& component, std::span<const double> theta,
                   const Vector<Real>& coefficients) {
  std::vector<double> exact(coefficients.extent(0));
  component.assemble(theta, exact);
  upload(exact, coefficients);
}

}  // namespace

template <class Real>
AutoencoderMap<Real>::AutoencoderMap(const BasicModel<Real>& model) : model_(model), trainable_(false) {
  if (!model.has_autoencoder()) return;
  trainable_ = model.encoder().trainable();
  encoder_coefficients_ = Vector<Real>("spnode::core::AutoencoderMap", model.encoder().coefficient_count());
  decoder_coefficients_ = Vector<Real>("spnode::core::AutoencoderMap", model.decoder().coefficient_count());
  if (!trainable_) no_dot_ = Vector<Real>("spnode::core::AutoencoderMap", decoder_coefficients_.extent(0));
}

template <class Real>
void AutoencoderMap<Real>::set_parameters(std::span<const double> theta) {
  if (!model_.has_autoencoder()) return;
  assemble_into(model_.encoder(), theta, encoder_coefficients_);
  assemble_into(model_.decoder(), theta, decoder_coefficients_);
}

template <class Real>
void AutoencoderMap<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                                        std::span<double> theta_bar) const {
  if (!trainable_) return;
  const std::size_t encoder = encoder_coefficients_.extent(0);
  model_.encoder().assemble_vjp(theta, bar.first(encoder), theta_bar);
  model_.decoder().assemble_vjp(theta, bar.subspan(encoder), theta_bar);
}

template <class Real>
void AutoencoderMap<Real>::encode(const ExecSpace& space, ConstMatrixView<Real> z, MatrixView<Real> u,
                                  MatrixView<Real> tape, Scratch<Real>& scratch) const {
  if (!model_.has_autoencoder()) return scaled_copy(space, 1.0, z, u);
  fill(space, 0.0, u);
  model_.encoder().apply(space, {encoder_coefficients_, z, u, tape}, scratch);
}

template <class Real>
void AutoencoderMap<Real>::decode(const ExecSpace& space, ConstMatrixView<Real> u, MatrixView<Real> z,
                                  MatrixView<Real> tape, Scratch<Real>& scratch) const {
  if (!model_.has_autoencoder()) return scaled_copy(space, 1.0, u, z);
  fill(space, 0.0, z);
  model_.decoder().apply(space, {decoder_coefficients_, u, z, tape}, scratch);
}

template <class Real>
void AutoencoderMap<Real>::encode_vjp(const ExecSpace& space, ConstMatrixView<Real> z,
                                      ConstMatrixView<Real> tape, ConstMatrixView<Real> u_bar,
                                      VectorView<Real> bar, Scratch<Real>& scratch) const {
  if (!trainable_) return;
  const ScratchFrame frame(scratch);
  // The data do not learn: their adjoint is computed by the common code and dropped.
  const MatrixView<Real> z_bar = scratch.matrix(z.extent(0), z.extent(1));
  fill(space, 0.0, z_bar);
  model_.encoder().apply_vjp(space,
                             {encoder_coefficients_, z, tape, u_bar, z_bar,
                              VectorView<Real>(bar.data(), encoder_coefficients_.extent(0))},
                             scratch);
}

template <class Real>
void AutoencoderMap<Real>::decode_vjp(const ExecSpace& space, const DecodeReverse& reverse,
                                      Scratch<Real>& scratch) const {
  if (!model_.has_autoencoder()) return axpy(space, 1.0, reverse.z_bar, reverse.u_bar);
  const VectorView<Real> bar = trainable_
                                   ? VectorView<Real>(reverse.bar.data() + encoder_coefficients_.extent(0),
                                                      decoder_coefficients_.extent(0))
                                   : VectorView<Real>();
  model_.decoder().apply_vjp(
      space, {decoder_coefficients_, reverse.u, reverse.tape, reverse.z_bar, reverse.u_bar, bar}, scratch);
}

template <class Real>
void AutoencoderMap<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                        std::span<double> dot) const {
  if (!trainable_) return;
  const std::size_t encoder = encoder_coefficients_.extent(0);
  model_.encoder().assemble_jvp(theta, theta_dot, dot.first(encoder));
  model_.decoder().assemble_jvp(theta, theta_dot, dot.subspan(encoder));
}

template <class Real>
void AutoencoderMap<Real>::encode_jvp(const ExecSpace& space, ConstMatrixView<Real> z,
                                      ConstMatrixView<Real> tape, ConstVectorView<Real> dot,
                                      MatrixView<Real> u_dot, Scratch<Real>& scratch) const {
  fill(space, 0.0, u_dot);
  if (!trainable_) return;
  const ScratchFrame frame(scratch);
  const MatrixView<Real> z_dot = scratch.matrix(z.extent(0), z.extent(1));
  fill(space, 0.0, z_dot);
  model_.encoder().apply_jvp(
      space,
      {encoder_coefficients_, ConstVectorView<Real>(dot.data(), encoder_coefficients_.extent(0)), z, z_dot,
       tape, u_dot},
      scratch);
}

template <class Real>
void AutoencoderMap<Real>::decode_jvp(const ExecSpace& space, const DecodeTangent& tangent,
                                      Scratch<Real>& scratch) const {
  if (!model_.has_autoencoder()) return scaled_copy(space, 1.0, tangent.u_dot, tangent.z_dot);
  fill(space, 0.0, tangent.z_dot);
  const ConstVectorView<Real> dot =
      trainable_ ? ConstVectorView<Real>(tangent.dot.data() + encoder_coefficients_.extent(0),
                                         decoder_coefficients_.extent(0))
                 : ConstVectorView<Real>(no_dot_);
  model_.decoder().apply_jvp(
      space, {decoder_coefficients_, dot, tangent.u, tangent.u_dot, tangent.tape, tangent.z_dot}, scratch);
}

template class AutoencoderMap<double>;
template class AutoencoderMap<float>;

}  // namespace spnode::core
