#include "core/autoencoder_map.hpp"

#include "core/kernels/elementwise.hpp"

namespace spnode::core {
namespace {

void realise_into(const Component& component, std::span<const double> theta, const Vector& kappa) {
  const auto host = Kokkos::create_mirror_view(kappa);
  component.realise(theta, std::span(host.data(), host.extent(0)));
  Kokkos::deep_copy(kappa, host);
}

}  // namespace

AutoencoderMap::AutoencoderMap(const Model& model) : model_(model), trainable_(false) {
  if (!model.has_autoencoder()) return;
  trainable_ = model.encoder().trainable();
  encoder_kappa_ = Vector("spnode::core::AutoencoderMap", model.encoder().coefficient_count());
  decoder_kappa_ = Vector("spnode::core::AutoencoderMap", model.decoder().coefficient_count());
}

void AutoencoderMap::set_parameters(std::span<const double> theta) {
  if (!model_.has_autoencoder()) return;
  realise_into(model_.encoder(), theta, encoder_kappa_);
  realise_into(model_.decoder(), theta, decoder_kappa_);
}

void AutoencoderMap::realise_vjp(std::span<const double> theta, std::span<const double> bar,
                                 std::span<double> theta_bar) const {
  if (!trainable_) return;
  const std::size_t encoder = encoder_kappa_.extent(0);
  model_.encoder().realise_vjp(theta, bar.first(encoder), theta_bar);
  model_.decoder().realise_vjp(theta, bar.subspan(encoder), theta_bar);
}

void AutoencoderMap::encode(const ExecSpace& space, ConstMatrixView z, MatrixView u, MatrixView tape,
                            Scratch& scratch) const {
  if (!model_.has_autoencoder()) return scaled_copy(space, 1.0, z, u);
  fill(space, 0.0, u);
  model_.encoder().apply(space, encoder_kappa_, z, u, tape, scratch);
}

void AutoencoderMap::decode(const ExecSpace& space, ConstMatrixView u, MatrixView z, MatrixView tape,
                            Scratch& scratch) const {
  if (!model_.has_autoencoder()) return scaled_copy(space, 1.0, u, z);
  fill(space, 0.0, z);
  model_.decoder().apply(space, decoder_kappa_, u, z, tape, scratch);
}

void AutoencoderMap::encode_vjp(const ExecSpace& space, ConstMatrixView z, ConstMatrixView tape,
                                ConstMatrixView u_bar, VectorView bar, Scratch& scratch) const {
  if (!trainable_) return;
  const Scratch::Frame frame(scratch);
  // The data do not learn: their adjoint is computed by the common code and dropped.
  const MatrixView z_bar = scratch.matrix(z.extent(0), z.extent(1));
  fill(space, 0.0, z_bar);
  model_.encoder().apply_vjp(
      space, {encoder_kappa_, z, tape, u_bar, z_bar, VectorView(bar.data(), encoder_kappa_.extent(0))},
      scratch);
}

void AutoencoderMap::decode_vjp(const ExecSpace& space, const DecodeReverse& reverse,
                                Scratch& scratch) const {
  if (!model_.has_autoencoder()) return axpy(space, 1.0, reverse.z_bar, reverse.u_bar);
  const VectorView bar =
      trainable_ ? VectorView(reverse.bar.data() + encoder_kappa_.extent(0), decoder_kappa_.extent(0))
                 : VectorView();
  model_.decoder().apply_vjp(
      space, {decoder_kappa_, reverse.u, reverse.tape, reverse.z_bar, reverse.u_bar, bar}, scratch);
}

}  // namespace spnode::core
