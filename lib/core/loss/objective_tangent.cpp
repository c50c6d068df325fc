// Tangents of an objective's residuals, and products with its Gauss-Newton matrix.
#include "core/loss/objective.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

/// R(i, l) *= sqrt(2 factor rows(i) columns(l)): done once it makes half the squared norm of R the loss term
/// of weight `factor`, done twice its adjoint.
template <class Real>
void weigh(const ExecSpace& space, double factor, InputVector<Real> rows, InputVector<Real> columns,
           MatrixView<Real> R) {
  const Real twice = Real(2.0 * factor);
  for_each_row(
      "weigh", space, R.extent(0), R.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) R(i, l) *= Real(::sqrt(twice * rows(i) * columns(l)));
      });
}

}  // namespace

/// A tile's residuals at theta: values and tapes of all that they are made of, taken from the objective's
/// scratch. Of the three terms, those without weight have no rows.
template <class Real>
class Objective<Real>::Linearisation {
 public:
  Linearisation(Objective& objective, const Tile& tile);

  struct Residuals {
    MatrixView<Real> trajectory, latent, reconstruction;  ///< (m, n, m; columns of the tile's states)
  };
  /// Rows of each term's residual, and of all.
  std::size_t trajectory_rows() const { return o_.trajectory_rows(); }
  std::size_t latent_rows() const { return o_.latent_rows(); }
  std::size_t reconstruction_rows() const { return o_.reconstruction_rows(); }
  std::size_t rows() const { return o_.residual_rows(); }
  std::size_t columns() const { return columns_; }

  /// Residuals that stand one below the other in R (rows(), columns()).
  Residuals split(const MatrixView<Real>& R) const {
    return {rows_of(R, 0, trajectory_rows()), rows_of(R, trajectory_rows(), latent_rows()),
            rows_of(R, trajectory_rows() + latent_rows(), reconstruction_rows())};
  }

  /// The residuals' tangents for a tangent of the coefficients.
  void tangent(ConstVectorView<Real> dot, const Residuals& dots);

  /// Adds the adjoint of the residuals to bar_.
  void reverse(const Residuals& bars);

  void weigh(const Residuals& R) const;

 private:
  bool rolls() const { return trajectory_rows() + latent_rows() > 0; }
  bool encodes() const { return latent_rows() + reconstruction_rows() > 0; }
  MatrixView<Real> take(std::size_t rows, std::size_t columns) { return o_.scratch_.matrix(rows, columns); }
  ConstMatrixView<Real> first() const { return lanes_of(z_, 0, tile_.lanes); }

  Objective& o_;
  const Tile& tile_;
  MatrixView<Real> z_;  // the data
  std::size_t m_, n_, columns_;
  Rollout<Real> rollout_;
  MatrixView<Real> states_, first_tape_, decode_tape_;  // of the rollout and its decoding
  MatrixView<Real> u_, encode_tape_, again_tape_;       // of all data encoded, and decoded again
};

template <class Real>
Objective<Real>::Linearisation::Linearisation(Objective& objective, const Tile& tile)
    : o_(objective),
      tile_(tile),
      z_(objective.states(tile, 0, tile.times)),
      m_(o_.model_.state_dimension()),
      n_(o_.model_.latent_dimension()),
      columns_(z_.extent(1)),
      rollout_(o_.dynamics_, {o_.options_.integrator.substeps, o_.options_.integrator.checkpoint_interval}) {
  const AutoencoderMap<Real>& coder = o_.autoencoder_;
  const MatrixView<Real> z = take(m_, columns_);
  if (rolls()) {
    states_ = take(n_, columns_);
    first_tape_ = take(coder.encode_tape_rows(), tile_.lanes);
    decode_tape_ = take(coder.decode_tape_rows(), columns_);
    coder.encode(o_.space_, first(), lanes_of(states_, 0, tile_.lanes), first_tape_, o_.scratch_);
    rollout_.forward(o_.space_, o_.steps_, states_, Rollout<Real>::Record::yes, o_.scratch_);
    coder.decode(o_.space_, states_, z, decode_tape_, o_.scratch_);
  }
  if (encodes()) {
    u_ = take(n_, columns_);
    encode_tape_ = take(coder.encode_tape_rows(), columns_);
    again_tape_ = take(coder.decode_tape_rows(), columns_);
    coder.encode(o_.space_, z_, u_, encode_tape_, o_.scratch_);
    coder.decode(o_.space_, u_, z, again_tape_, o_.scratch_);
  }
}

template <class Real>
void Objective<Real>::Linearisation::tangent(ConstVectorView<Real> dot, const Residuals& dots) {
  const ScratchFrame frame(o_.scratch_);
  const AutoencoderMap<Real>& coder = o_.autoencoder_;
  const std::size_t dynamics = o_.dynamics_.coefficient_count();
  const ConstVectorView<Real> dynamics_dot(dot.data(), dynamics),
      coder_dot(dot.data() + dynamics, coder.bar_size());
  MatrixView<Real> states_dot;
  if (rolls()) {
    states_dot = take(n_, columns_);
    coder.encode_jvp(o_.space_, first(), first_tape_, coder_dot, lanes_of(states_dot, 0, tile_.lanes),
                     o_.scratch_);
    rollout_.tangent(o_.space_, o_.steps_, states_dot, dynamics_dot, o_.scratch_);
  }
  if (trajectory_rows() > 0)
    coder.decode_jvp(o_.space_, {states_, states_dot, decode_tape_, coder_dot, dots.trajectory}, o_.scratch_);
  if (!encodes()) return;
  const MatrixView<Real> u_dot = take(n_, columns_);
  coder.encode_jvp(o_.space_, z_, encode_tape_, coder_dot, u_dot, o_.scratch_);
  if (latent_rows() > 0) {
    scaled_copy(o_.space_, 1.0, states_dot, dots.latent);
    axpy(o_.space_, -1.0, u_dot, dots.latent);
  }
  if (reconstruction_rows() > 0)
    coder.decode_jvp(o_.space_, {u_, u_dot, again_tape_, coder_dot, dots.reconstruction}, o_.scratch_);
}

template <class Real>
void Objective<Real>::Linearisation::reverse(const Residuals& bars) {
  const ScratchFrame frame(o_.scratch_);
  const AutoencoderMap<Real>& coder = o_.autoencoder_;
  const VectorView<Real> coder_bar = o_.autoencoder_bar();
  if (rolls()) {
    const MatrixView<Real> states_bar = take(n_, columns_);
    fill(o_.space_, 0.0, states_bar);
    if (trajectory_rows() > 0)
      coder.decode_vjp(o_.space_, {states_, decode_tape_, bars.trajectory, states_bar, coder_bar},
                       o_.scratch_);
    if (latent_rows() > 0) axpy(o_.space_, 1.0, bars.latent, states_bar);
    rollout_.reverse(o_.space_, o_.steps_, states_bar, o_.dynamics_bar(), o_.scratch_);
    coder.encode_vjp(o_.space_, first(), first_tape_, lanes_of(states_bar, 0, tile_.lanes), coder_bar,
                     o_.scratch_);
  }
  if (!encodes()) return;
  const MatrixView<Real> u_bar = take(n_, columns_);
  fill(o_.space_, 0.0, u_bar);
  if (latent_rows() > 0) axpy(o_.space_, -1.0, bars.latent, u_bar);
  if (reconstruction_rows() > 0)
    coder.decode_vjp(o_.space_, {u_, again_tape_, bars.reconstruction, u_bar, coder_bar}, o_.scratch_);
  coder.encode_vjp(o_.space_, z_, encode_tape_, u_bar, coder_bar, o_.scratch_);
}

template <class Real>
void Objective<Real>::Linearisation::weigh(const Residuals& R) const {
  const LossOptions& loss = o_.options_.loss;
  core::weigh<Real>(o_.space_, loss.trajectory, o_.state_rows_, tile_.weights, R.trajectory);
  core::weigh<Real>(o_.space_, loss.latent, o_.latent_rows_, tile_.weights, R.latent);
  core::weigh<Real>(o_.space_, loss.reconstruction, o_.state_rows_, tile_.weights, R.reconstruction);
}

template <class Real>
void Objective<Real>::set_directions(std::span<const double> directions) {
  const std::size_t parameters = model_.layout().size(), count = directions.size() / parameters,
                    dynamics = dynamics_.shared_count(), size = shared_size();
  directions_.assign(directions.begin(), directions.end());
  if (dots_.extent(0) != count) {
    dots_ = Matrix<Real>("spnode::core::Objective", count, size);
    gram_ = Matrix<Real>("spnode::core::Objective", count, count);
  }
  shared_dots_.resize(count * size);
  for (std::size_t i = 0; i < count; ++i) {
    const auto direction = std::span(directions_).subspan(i * parameters, parameters);
    clear_frozen(direction);
    const auto dot = std::span(shared_dots_).subspan(i * size, size);
    dynamics_.assemble_jvp(theta_, direction, dot.first(dynamics));
    autoencoder_.assemble_jvp(theta_, direction, dot.subspan(dynamics));
  }
  if (!holds_tile()) upload(std::span<const double>(shared_dots_), dots_);
}

// The tangents of the coefficients of the tile that has been loaded.
template <class Real>
void Objective<Real>::spread_directions() {
  if (!holds_tile()) return;
  const std::size_t count = dots_.extent(0), own = dynamics_.coefficient_count(),
                    shared = dynamics_.shared_count(), size = shared_size();
  if (dots_.extent(1) < bar_size()) dots_ = Matrix<Real>("spnode::core::Objective", count, bar_size());
  dots_host_.resize(count * dots_.extent(1));
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = std::span<const double>(shared_dots_).subspan(i * size, size);
    const auto to = std::span(dots_host_).subspan(i * dots_.extent(1), bar_size());
    dynamics_.spread_dot(from.first(shared), to.first(own));
    std::ranges::copy(from.subspan(shared), to.subspan(own).begin());
  }
  upload(std::span<const double>(dots_host_), dots_);
}

template <class Real>
void Objective<Real>::product_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                           std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const Tile tile = load(data, windows);
  spread_directions();
  Linearisation at(*this, tile);
  const auto residuals = at.split(scratch_.matrix(at.rows(), at.columns()));
  at.tangent(dot(0), residuals);
  at.weigh(residuals);
  at.weigh(residuals);
  fill(space_, 0.0, MatrixView<Real>(bar_.data(), 1, bar_.extent(0)));
  at.reverse(residuals);
  if (!holds_tile()) return download(bar_, out);
  std::ranges::fill(out, 0.0);
  add_shared_bar(out);
}

template <class Real>
void Objective<Real>::product(std::span<const double> summed, std::size_t windows, std::span<double> Hv) {
  pull_back(summed, windows, Hv);
  for (std::size_t i = 0; i < Hv.size(); ++i) Hv[i] += options_.loss.weight_decay * directions_[i];
  clear_frozen(Hv);
}

template <class Real>
double Objective<Real>::residual_bytes(std::size_t windows, std::size_t intervals) const {
  return double(residual_rows()) * double(padded<Real>(windows)) * double(intervals + 1) * sizeof(Real);
}

template <class Real>
void Objective<Real>::gram_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                        std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const Tile tile = load(data, windows);
  spread_directions();
  Linearisation at(*this, tile);
  const std::size_t count = dots_.extent(0), size = at.rows() * at.columns();
  const MatrixView<Real> J = scratch_.matrix(count, size);  // transposed: a row for each direction
  for (std::size_t i = 0; i < count; ++i) {
    const auto residuals = at.split(MatrixView<Real>(J.data() + i * size, at.rows(), at.columns()));
    at.tangent(dot(i), residuals);
    at.weigh(residuals);
  }
  fill(space_, 0.0, MatrixView<Real>(gram_));
  gemm_nt<Real>(space_, 1.0, J, ConstMatrixView<Real>(J), gram_);
  const auto host = Kokkos::create_mirror_view(gram_);
  if constexpr (!runs_on_host) Kokkos::deep_copy(host, gram_);
  std::size_t at_entry = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i; j < count; ++j) out[at_entry++] = double(host(i, j));
}

template <class Real>
void Objective<Real>::gram(std::span<const double> summed, std::size_t windows,
                           std::span<double> matrix) const {
  const std::size_t parameters = model_.layout().size(), count = dots_.extent(0);
  const auto direction = [&](std::size_t i) { return directions_.data() + i * parameters; };
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i; j < count; ++j) {
      double entry = summed[at++] / double(windows);
      if (options_.loss.weight_decay != 0.0)
        for (std::size_t k = 0; k < parameters; ++k)
          entry += options_.loss.weight_decay * direction(i)[k] * direction(j)[k];
      matrix[i * count + j] = matrix[j * count + i] = entry;
    }
}

#define SPNODE_INSTANTIATE(Real)                                                                         \
  template void Objective<Real>::set_directions(std::span<const double>);                                \
  template void Objective<Real>::product_contribution(const WindowData&, std::span<const std::uint64_t>, \
                                                      std::span<double>);                                \
  template void Objective<Real>::product(std::span<const double>, std::size_t, std::span<double>);       \
  template double Objective<Real>::residual_bytes(std::size_t, std::size_t) const;                       \
  template void Objective<Real>::gram_contribution(const WindowData&, std::span<const std::uint64_t>,    \
                                                   std::span<double>);                                   \
  template void Objective<Real>::gram(std::span<const double>, std::size_t, std::span<double>) const;
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
