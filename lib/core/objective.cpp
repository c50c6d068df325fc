#include "core/objective.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/loss/square_error.hpp"
#include "core/loss/weights.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
Objective<Real>::Objective(const Model& model, ObjectiveOptions options, StepTable table,
                           MatrixFunctionMethod method)
    : model_(BasicModel<Real>::like(model)),
      options_(std::move(options)),
      dynamics_(model_, options_.integrator, std::move(table), method),
      autoencoder_(model_),
      bar_("spnode::core::Objective", dynamics_.coefficient_count() + autoencoder_.bar_size()),
      state_rows_("spnode::core::Objective", model.state_dimension()),
      latent_rows_("spnode::core::Objective", model.latent_dimension()),
      sums_("spnode::core::Objective", std::max(model.state_dimension(), model.latent_dimension())) {
  const std::size_t m = model.state_dimension();
  std::vector<double> rows(m);
  for (std::size_t i = 0; i < m; ++i)
    rows[i] = (options_.component_weights.empty() ? 1.0 : options_.component_weights[i]) / double(m);
  upload(rows, state_rows_);
  for (const double scale : model.scaling.scale) inverse_scale_.push_back(1.0 / scale);
  Kokkos::deep_copy(latent_rows_, Real(1.0 / double(model.latent_dimension())));
}

template <class Real>
void Objective<Real>::set_parameters(std::span<const double> theta) {
  theta_.assign(theta.begin(), theta.end());
  dynamics_.set_parameters(theta);
  autoencoder_.set_parameters(theta);
}

// The scaled states of a tile's windows, lanes together; `states` is accessible to the host.
template <class Real>
void Objective<Real>::gather(const WindowData& data, std::span<const std::uint64_t> windows, const Tile& tile,
                             const HostMatrix& states) const {
  constexpr std::size_t strip = pack_width<Real>;  // lanes that are written side by side
  const std::size_t m = model_.state_dimension();
  const double* const shift = model_.scaling.shift.data();
  const double* const inverse = inverse_scale_.data();
  const double* x[strip];
  for (std::size_t first = 0; first < tile.lanes; first += strip)
    for (std::size_t t = 0; t < tile.blocks; ++t) {
      for (std::size_t l = 0; l < strip; ++l) x[l] = data.state(window_of_lane(windows, first + l), t);
      for (std::size_t i = 0; i < m; ++i) {
        Real* const row = &states(i, t * tile.lanes + first);
        for (std::size_t l = 0; l < strip; ++l) row[l] = Real((x[l][i] - shift[i]) * inverse[i]);
      }
    }
}

template <class Real>
auto Objective<Real>::load(const WindowData& data, std::span<const std::uint64_t> windows,
                           std::size_t horizon) -> Tile {
  const std::size_t all = data.index().intervals(), T = horizon == 0 ? all : std::min(horizon, all);
  Tile tile{padded<Real>(windows.size()), T + 1, {}, {}};
  const std::size_t lanes = tile.lanes;
  weights_host_.assign(tile.blocks * lanes, 0.0);
  h_.resize(T * lanes);
  times_.resize(T + 1);
  omega_.resize(T + 1);
  for (std::size_t l = 0; l < lanes; ++l) {
    const std::uint64_t window = window_of_lane(windows, l);
    for (std::size_t t = 0; t <= T; ++t) times_[t] = data.time(window, t);
    for (std::size_t t = 0; t < T; ++t)
      h_[t * lanes + l] = (times_[t + 1] - times_[t]) / double(options_.integrator.substeps);
    if (l >= windows.size()) continue;
    time_weights(options_.loss.time_weights, times_, omega_);
    for (std::size_t t = 0; t <= T; ++t) weights_host_[t * lanes + l] = omega_[t];
  }
  steps_.assign(dynamics_.table(), h_, T, lanes);
  tile.states = scratch_.matrix(model_.state_dimension(), tile.blocks * lanes);
  if constexpr (runs_on_host) {
    gather(data, windows, tile, tile.states);
  } else {
    if (states_host_.extent(1) != tile.states.extent(1))
      states_host_ = HostMatrix("spnode::core::Objective", tile.states.extent(0), tile.states.extent(1));
    gather(data, windows, tile, states_host_);
    Kokkos::deep_copy(tile.states, states_host_);
  }
  const VectorView<Real> weights = scratch_.vector(tile.blocks * lanes);
  upload(weights_host_, weights);
  tile.weights = weights;
  return tile;
}

template <class Real>
double Objective<Real>::sum_of(const VectorView<double>& sums) {
  row_sums_.resize(sums.extent(0));
  download(sums, row_sums_);
  double total = 0.0;
  for (const double sum : row_sums_) total += sum;
  return total;
}

// The scaled states of the first `times` times, encoded.
template <class Real>
typename Objective<Real>::Encoded Objective<Real>::encode(const Tile& tile, std::size_t times) {
  const std::size_t columns = times * tile.lanes;
  const Encoded encoded{lanes_of(tile.states, 0, columns),
                        scratch_.matrix(model_.latent_dimension(), columns),
                        scratch_.matrix(autoencoder_.encode_tape_rows(), columns)};
  autoencoder_.encode(space_, encoded.z, encoded.u, encoded.tape, scratch_);
  return encoded;
}

// decode(u) against the data; with u_bar it adds the adjoint of u, `factor` times.
template <class Real>
double Objective<Real>::decoded_loss(const Tile& tile, ConstMatrixView<Real> u, double factor,
                                     MatrixView<Real>* u_bar) {
  const ScratchFrame frame(scratch_);
  const std::size_t m = model_.state_dimension(), columns = tile.states.extent(1);
  const MatrixView<Real> z = scratch_.matrix(m, columns);
  const MatrixView<Real> tape = scratch_.matrix(autoencoder_.decode_tape_rows(), columns);
  autoencoder_.decode(space_, u, z, tape, scratch_);
  const VectorView<double> sums = this->sums(m);
  const WeightedSquares<Real> squares{state_rows_, tile.weights, z, tile.states};
  if (u_bar == nullptr) {
    squares.value(space_, sums);
    return sum_of(sums);
  }
  const MatrixView<Real> z_bar = scratch_.matrix(m, columns);
  squares.value_and_gradient(space_, factor, sums, z_bar);
  const VectorView<Real> bar = autoencoder_bar();
  autoencoder_.decode_vjp(space_, {u, tape, z_bar, *u_bar, bar}, scratch_);
  return sum_of(sums);
}

// The rollout against the encoded data; adds the weighted adjoints of both.
template <class Real>
double Objective<Real>::latent_loss(const Tile& tile, ConstMatrixView<Real> states, ConstMatrixView<Real> u,
                                    MatrixView<Real>* states_bar, MatrixView<Real>* u_bar) {
  const ScratchFrame frame(scratch_);
  const VectorView<double> sums = this->sums(u.extent(0));
  const WeightedSquares<Real> squares{latent_rows_, tile.weights, states, u};
  if (states_bar == nullptr) {
    squares.value(space_, sums);
    return sum_of(sums);
  }
  const MatrixView<Real> bar = scratch_.matrix(u.extent(0), u.extent(1));
  squares.value_and_gradient(space_, options_.loss.latent, sums, bar);
  axpy(space_, 1.0, bar, *states_bar);
  axpy(space_, -1.0, bar, *u_bar);
  return sum_of(sums);
}

template <class Real>
void Objective<Real>::roll(const Tile& tile, ConstMatrixView<Real> u, std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const MatrixView<Real> states = scratch_.matrix(model_.latent_dimension(), tile.states.extent(1));
  {
    const ScratchFrame inner(scratch_);
    scaled_copy(space_, 1.0, lanes_of(u, 0, tile.lanes), lanes_of(states, 0, tile.lanes));
    Rollout<Real> rollout(dynamics_, {options_.integrator.substeps, options_.integrator.keep_every});
    rollout.forward(space_, steps_, states, Rollout<Real>::Record::no, scratch_);
  }
  out[trajectory] = decoded_loss(tile, states, 0.0, nullptr);
  out[latent] = latent_loss(tile, states, u, nullptr, nullptr);
}

// u: encoded data, at the first time at least; u_bar its adjoint, added to.
template <class Real>
void Objective<Real>::roll_with_gradient(const Tile& tile, ConstMatrixView<Real> u, MatrixView<Real> u_bar,
                                         std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const std::size_t n = model_.latent_dimension(), columns = tile.states.extent(1);
  const MatrixView<Real> states = scratch_.matrix(n, columns);
  MatrixView<Real> states_bar = scratch_.matrix(n, columns);
  scaled_copy(space_, 1.0, lanes_of(u, 0, tile.lanes), lanes_of(states, 0, tile.lanes));
  Rollout<Real> rollout(dynamics_, {options_.integrator.substeps, options_.integrator.keep_every});
  rollout.forward(space_, steps_, states, Rollout<Real>::Record::yes, scratch_);

  fill(space_, 0.0, states_bar);
  if (options_.loss.trajectory != 0.0)
    out[trajectory] = decoded_loss(tile, states, options_.loss.trajectory, &states_bar);
  if (options_.loss.latent != 0.0) out[latent] = latent_loss(tile, states, u, &states_bar, &u_bar);
  rollout.reverse(space_, steps_, states_bar, dynamics_bar(), scratch_);
  axpy(space_, 1.0, lanes_of(states_bar, 0, tile.lanes), lanes_of(u_bar, 0, tile.lanes));
}

template <class Real>
void Objective<Real>::contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                   std::size_t horizon, std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const Tile tile = load(data, windows, horizon);
  const LossOptions& loss = options_.loss;
  const auto values = out.last(terms);
  std::ranges::fill(values, 0.0);
  fill(space_, 0.0, MatrixView<Real>(bar_.data(), 1, bar_.extent(0)));
  const Encoded data_in = encode(tile, loss.latent != 0.0 || loss.reconstruction != 0.0 ? tile.blocks : 1);
  MatrixView<Real> u_bar = scratch_.matrix(data_in.u.extent(0), data_in.u.extent(1));
  fill(space_, 0.0, u_bar);
  if (loss.trajectory != 0.0 || loss.latent != 0.0) roll_with_gradient(tile, data_in.u, u_bar, values);
  if (loss.reconstruction != 0.0)
    values[reconstruction] = decoded_loss(tile, data_in.u, loss.reconstruction, &u_bar);
  autoencoder_.encode_vjp(space_, data_in.z, data_in.tape, u_bar, autoencoder_bar(), scratch_);
  download(bar_, out.first(bar_.extent(0)));
}

template <class Real>
void Objective<Real>::value_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                         std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const Tile tile = load(data, windows);
  std::ranges::fill(out, 0.0);
  const Encoded data_in = encode(tile, tile.blocks);
  if (options_.loss.trajectory != 0.0 || options_.loss.latent != 0.0) roll(tile, data_in.u, out);
  out[reconstruction] = decoded_loss(tile, data_in.u, 0.0, nullptr);
}

template <class Real>
LossTerms Objective<Real>::weighted(std::span<const double> sums, std::size_t windows) const {
  const LossOptions& loss = options_.loss;
  LossTerms result;
  result.trajectory = sums[trajectory] / double(windows);
  result.latent = sums[latent] / double(windows);
  result.reconstruction = sums[reconstruction] / double(windows);
  result.total = loss.trajectory * result.trajectory + loss.latent * result.latent +
                 loss.reconstruction * result.reconstruction;
  return result;
}

template <class Real>
double Objective<Real>::weight_decay(std::span<double> theta_bar) const {
  if (options_.loss.weight_decay == 0.0) return 0.0;
  double sum = 0.0;
  for (const ParameterBlock& block : model_.layout().blocks()) {
    if (block.frozen) continue;
    for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
      sum += theta_[i] * theta_[i];
      if (!theta_bar.empty()) theta_bar[i] += options_.loss.weight_decay * theta_[i];
    }
  }
  return 0.5 * options_.loss.weight_decay * sum;
}

template <class Real>
LossTerms Objective<Real>::gradient(std::span<const double> summed, std::size_t windows,
                                    std::span<double> theta_bar) {
  LossTerms result = weighted(summed.last(terms), windows);
  pull_back(summed.first(bar_.extent(0)), windows, theta_bar);
  result.total += weight_decay(theta_bar);
  clear_frozen(theta_bar);
  return result;
}

// The mean over windows of the adjoint of theta, from the sum of those of the coefficients.
template <class Real>
void Objective<Real>::pull_back(std::span<const double> bar, std::size_t windows,
                                std::span<double> theta_bar) {
  std::ranges::fill(theta_bar, 0.0);
  const std::size_t dynamics = dynamics_.coefficient_count();
  dynamics_.realise_vjp(theta_, bar.first(dynamics), theta_bar);
  autoencoder_.realise_vjp(theta_, bar.subspan(dynamics), theta_bar);
  for (double& entry : theta_bar) entry /= double(windows);
}

template <class Real>
void Objective<Real>::clear_frozen(std::span<double> theta_bar) const {
  for (const ParameterBlock& block : model_.layout().blocks())
    if (block.frozen) std::ranges::fill(theta_bar.subspan(block.offset, block.size()), 0.0);
}

template <class Real>
LossTerms Objective<Real>::value(std::span<const double> summed, std::size_t windows) const {
  LossTerms result = weighted(summed, windows);
  result.total += weight_decay({});
  return result;
}

template class Objective<double>;
template class Objective<float>;

}  // namespace spnode::core
