#include "core/vector_field/coordinates.hpp"

#include "core/kernels/elementwise.hpp"

#include <utility>
#include <vector>

namespace spnode::core {
namespace {

/// An adjoint that a component adds to: the caller's, or scratch where the caller does not want it.
template <class Real>
MatrixView<Real> wanted_or_scratch(const ExecSpace& space, const MatrixView<Real>& bar,
                                   const ConstMatrixView<Real>& x, Scratch<Real>& scratch) {
  if (bar.extent(0) > 0) return bar;
  const MatrixView<Real> dropped = scratch.matrix(x.extent(0), x.extent(1));
  fill(space, 0.0, dropped);
  return dropped;
}

}  // namespace

template <class Real>
CoordinateMap<Real>::CoordinateMap(std::shared_ptr<const LaneMap<Real>> map, Place place)
    : map_(std::move(map)),
      place_(place),
      coefficients_("spnode::core::CoordinateMap", map_->coefficient_count()) {}

template <class Real>
void CoordinateMap<Real>::set_parameters(std::span<const double> theta) {
  if (map_ == nullptr) return;
  std::vector<double> exact(coefficients_.extent(0));
  map_->assemble(theta, exact);
  upload(exact, coefficients_);
}

template <class Real>
void CoordinateMap<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> bar,
                                       std::span<double> theta_bar) const {
  if (place_.trainable) map_->assemble_vjp(theta, bar.subspan(place_.first, coefficient_count()), theta_bar);
}

template <class Real>
void CoordinateMap<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                       std::span<double> dot) const {
  if (place_.trainable) map_->assemble_jvp(theta, theta_dot, dot.subspan(place_.first, coefficient_count()));
}

template <class Real>
void CoordinateMap<Real>::value(const ExecSpace& space, const Point<Real>& x, MatrixView<Real> y,
                                MatrixView<Real> tape, Scratch<Real>& scratch) const {
  if (map_ == nullptr) return scaled_copy(space, 1.0, x.u, y);
  fill(space, 0.0, y);
  map_->apply(space, {coefficients_, x, y, tape}, scratch);
}

template <class Real>
void CoordinateMap<Real>::vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const VectorView<Real> bar = part(reverse.coefficients_bar);
  const bool moves = reverse.x_bar.extent(0) > 0;
  if (!moves && bar.extent(0) == 0) return;
  if (map_ == nullptr) return axpy(space, 1.0, reverse.y_bar, reverse.x_bar);
  const ScratchFrame frame(scratch);
  map_->apply_vjp(space,
                  {coefficients_, reverse.x, reverse.tape, reverse.y_bar,
                   wanted_or_scratch(space, reverse.x_bar, reverse.x.u, scratch), bar},
                  scratch);
}

template <class Real>
void CoordinateMap<Real>::jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ConstVectorView<Real> dot = part(tangent.coefficients_dot);
  const bool moves = tangent.x_dot.extent(0) > 0;
  if (map_ == nullptr && moves) return scaled_copy(space, 1.0, tangent.x_dot, tangent.y_dot);
  fill(space, 0.0, tangent.y_dot);
  if (!moves && dot.extent(0) == 0) return;
  const ScratchFrame frame(scratch);
  ConstMatrixView<Real> x_dot = tangent.x_dot;
  if (!moves) x_dot = wanted_or_scratch<Real>(space, {}, tangent.x.u, scratch);
  map_->apply_jvp(space, {coefficients_, dot, tangent.x, x_dot, tangent.tape, tangent.y_dot}, scratch);
}

template <class Real>
void CoordinateMap<Real>::jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                  Scratch<Real>& scratch) const {
  const bool moves = reverse.x_dot_bar.extent(0) > 0;
  if (map_ == nullptr) {
    if (moves) axpy(space, 1.0, reverse.y_dot_bar, reverse.x_dot_bar);
    return;
  }
  const VectorView<Real> bar = part(reverse.coefficients_bar);
  if (!moves && reverse.x_bar.extent(0) == 0 && bar.extent(0) == 0) return;
  const ScratchFrame frame(scratch);
  map_->apply_jvp_vjp(space,
                      {coefficients_, reverse.x, reverse.x_dot, reverse.tape, reverse.y_dot_bar,
                       wanted_or_scratch(space, reverse.x_bar, reverse.x.u, scratch),
                       wanted_or_scratch(space, reverse.x_dot_bar, reverse.x.u, scratch), bar},
                      scratch);
}

template <class Real>
void CoordinateMap<Real>::jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                  Scratch<Real>& scratch) const {
  fill(space, 0.0, tangent.y_dot_dot);
  const ConstVectorView<Real> dot = part(tangent.coefficients_dot);
  if (dot.extent(0) == 0) return;
  map_->apply_jvp_jvp(space, {coefficients_, dot, tangent.x, tangent.x_dot, tangent.tape, tangent.y_dot_dot},
                      scratch);
}

template <class Real>
Coordinates<Real>::Coordinates(const BasicModel<Real>& model) {
  // The model keeps the encoder and the decoder.
  const auto borrowed = [](const LinearPlusNetwork<Real>& map) {
    return std::shared_ptr<const LaneMap<Real>>(std::shared_ptr<void>(), &map);
  };
  const auto set = [&](std::shared_ptr<const LaneMap<Real>> to_latent,
                       std::shared_ptr<const LaneMap<Real>> from_latent, bool to_learns, bool from_learns,
                       std::size_t parameters) {
    to_latent_ = CoordinateMap<Real>(std::move(to_latent), {to_learns, parameters, 0});
    from_latent_ = CoordinateMap<Real>(std::move(from_latent),
                                       {from_learns, parameters, to_latent_.coefficient_count()});
  };
  if (model.has_autoencoder())
    set(borrowed(model.encoder()), borrowed(model.decoder()), model.encoder().trainable(),
        model.decoder().trainable(), 0);
  if (const CouplingFlow<Real>* const flow = model.coupling_flow()) {
    using Map = CouplingMap<Real>;
    set(std::make_shared<Map>(*flow, Map::Direction::to_latent),
        std::make_shared<Map>(*flow, Map::Direction::from_latent), true, true,
        model.options().arguments.parameters.size());
  }
  if (model.lifting()) {
    using Map = LiftingMap<Real>;
    set(std::make_shared<Map>(*model.lifting(), Map::Direction::to_latent),
        std::make_shared<Map>(*model.lifting(), Map::Direction::from_latent), false, false, 0);
  }
  if (const PositiveCoordinates* const positive = model.positive()) {
    using Map = PositiveMap<Real>;
    set(std::make_shared<Map>(*positive, Map::Direction::to_latent),
        std::make_shared<Map>(*positive, Map::Direction::from_latent), false, false, 0);
  }
}

template class CoordinateMap<double>;
template class CoordinateMap<float>;
template class Coordinates<double>;
template class Coordinates<float>;

}  // namespace spnode::core
