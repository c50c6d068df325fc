#include "training/projection.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/error.hpp"
#include "parallel/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

namespace spnode::training {

namespace {

using core::HostOperand;
using core::multiply;
using core::transposed;

constexpr const char* encoder_name = "autoencoder/encoder/linear";
constexpr const char* decoder_name = "autoencoder/decoder/linear";
constexpr std::size_t numbers_at_once = std::size_t(1) << 22;
constexpr double rounding = 1e-12;  // relative norm of vectors that count as combinations of others

std::span<const double> block_of(const core::ParameterLayout& layout, std::span<const double> theta,
                                 const std::string& name) {
  for (const core::ParameterBlock& block : layout.blocks())
    if (block.name == name) return theta.subspan(block.offset, block.size());
  throw Error(ExitStatus::internal_error, "the model has no block " + name);
}

double norm_of(std::span<const double> x) {
  double squares = 0.0;
  for (const double entry : x) squares += entry * entry;
  return std::sqrt(squares);
}

/// along (k) = P x for the rows P (k, m).
void multiply_rows(const std::vector<double>& rows, std::span<const double> x, std::span<double> along) {
  multiply({rows.data(), along.size(), x.size()}, x, along);
}

/// x -= P^T P x for the rows P (k, m).
void remove_rows(const std::vector<double>& rows, std::span<double> x) {
  const std::size_t m = x.size(), k = rows.size() / m;
  if (k == 0) return;
  std::vector<double> along(k), inside(m);
  multiply_rows(rows, x, along);
  multiply(transposed({rows.data(), k, m}), along, inside);
  for (std::size_t c = 0; c < m; ++c) x[c] -= inside[c];
}

/// Adds the direction of x to the orthonormal rows (k, m), unless it is one of theirs to rounding.
void add_row(std::vector<double>& rows, std::vector<double> x) {
  const double before = norm_of(x);
  for (int pass = 0; pass < 2; ++pass) {
    remove_rows(rows, x);
    const double norm = norm_of(x);
    if (!(norm > rounding * before)) return;
    if (pass == 1)
      for (double& entry : x) entry /= norm;
  }
  rows.insert(rows.end(), x.begin(), x.end());
}

/// Copies the blocks that both layouts have in the same shape, all but encoder and decoder.
void copy_others(const core::ParameterLayout& from_layout, std::span<const double> from,
                 const core::ParameterLayout& to_layout, std::span<double> to) {
  for (std::size_t i = 0; i < from_layout.blocks().size(); ++i) {
    const core::ParameterBlock &source = from_layout.blocks()[i], &target = to_layout.blocks()[i];
    if (source.name == encoder_name || source.name == decoder_name) continue;
    std::ranges::copy(from.subspan(source.offset, source.size()), to.begin() + std::ptrdiff_t(target.offset));
  }
}

}  // namespace

bool LatentProjection::suits(const core::ModelOptions& options, std::size_t state_dimension, bool weighted) {
  const core::AutoencoderOptions& autoencoder = options.autoencoder;
  const std::size_t n = options.latent_dimension == 0 ? state_dimension : options.latent_dimension;
  return autoencoder.enabled && autoencoder.pod && !autoencoder.pod_trainable && autoencoder.hidden.empty() &&
         (weighted ? 2 : 1) * n + 1 < state_dimension;
}

LatentProjection::LatentProjection(const core::Model& model, std::vector<double> theta,
                                   std::vector<double> weights)
    : options_(model.options()),
      m_(model.state_dimension()),
      n_(model.latent_dimension()),
      scaling_(model.scaling),
      argument_scaling_(model.argument_scaling),
      layout_(model.layout()),
      theta_(std::move(theta)),
      root_weights_(std::move(weights)) {
  root_weights_.resize(m_, 1.0);
  for (double& weight : root_weights_) weight = std::sqrt(weight);
  rows_.reserve(n_ * m_);
  for (std::size_t i = 0; i < n_; ++i) add_row(rows_, decoder_column(i));
  multiply_maps();
  const std::vector<double> outside = encoder_outside();
  if (std::ranges::any_of(outside, [](double part) { return part > rounding; })) {
    for (std::size_t i = 0; i < n_; ++i)
      if (outside[i] > rounding) add_row(rows_, encoder_row(i));
    multiply_maps();
  }
  options_.invariants = invariants_of_y();
}

// Weights of y in what is kept, (functions, k + 1).
std::vector<double> LatentProjection::invariants_of_y() const {
  const std::size_t k = dimension() - 1;
  std::vector<double> weights, of_z(m_), along(k);
  for (std::size_t first = 0; first < options_.invariants.size(); first += m_) {
    for (std::size_t c = 0; c < m_; ++c)
      of_z[c] = options_.invariants[first + c] * scaling_.scale[c] / root_weights_[c];
    multiply_rows(rows_, of_z, along);
    weights.insert(weights.end(), along.begin(), along.end());
    weights.push_back(0.0);
  }
  return weights;
}

// Calls work(first, count, E W^(-1/2) (n, count), P (k, count)) for the components [first, first + count).
template <class Work>
void LatentProjection::for_each_block(Work&& work) const {
  const std::span<const double> E = block_of(layout_, theta_, encoder_name);
  const std::size_t k = dimension() - 1, some = std::max<std::size_t>(1, numbers_at_once / std::max(k, n_));
  std::vector<double> encoder, P;
  for (std::size_t first = 0; first < m_; first += some) {
    const std::size_t width = std::min(some, m_ - first);
    encoder.resize(n_ * width);
    P.resize(k * width);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t c = 0; c < width; ++c)
        encoder[i * width + c] = E[i * m_ + first + c] / root_weights_[first + c];
    for (std::size_t j = 0; j < k; ++j) std::copy_n(&rows_[j * m_ + first], width, &P[j * width]);
    work(first, width, std::span(encoder), std::span<const double>(P));
  }
}

// Encoder and decoder of y for the present rows.
void LatentProjection::multiply_maps() {
  const std::span<const double> D = block_of(layout_, theta_, decoder_name);
  const std::size_t k = dimension() - 1;
  std::vector<double> along(n_ * k, 0.0), decoder;
  decoder_.assign((k + 1) * n_, 0.0);
  for_each_block([&](std::size_t first, std::size_t width, std::span<double> E, std::span<const double> P) {
    decoder.resize(width * n_);
    for (std::size_t c = 0; c < width; ++c)
      for (std::size_t i = 0; i < n_; ++i)
        decoder[c * n_ + i] = root_weights_[first + c] * D[(first + c) * n_ + i];
    multiply(1.0, {E.data(), n_, width}, transposed({P.data(), k, width}), 1.0, {along.data(), n_, k});
    multiply(1.0, {P.data(), k, width}, {decoder.data(), width, n_}, 1.0, {decoder_.data(), k, n_});
  });
  encoder_.assign(n_ * (k + 1), 0.0);
  for (std::size_t i = 0; i < n_; ++i)
    std::copy_n(&along[i * k], k, encoder_.begin() + std::ptrdiff_t(i * (k + 1)));
}

// Of each row of E W^(-1/2): the norm of what is no combination of the rows P, relative.
std::vector<double> LatentProjection::encoder_outside() const {
  const std::size_t k = dimension() - 1;
  std::vector<double> along(n_ * k), all(n_, 0.0), outside(n_, 0.0);
  for (std::size_t i = 0; i < n_; ++i) std::copy_n(&encoder_[i * (k + 1)], k, &along[i * k]);
  const auto add_squares = [&](std::span<const double> E, std::size_t width, std::vector<double>& squares) {
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t c = 0; c < width; ++c) squares[i] += E[i * width + c] * E[i * width + c];
  };
  for_each_block([&](std::size_t, std::size_t width, std::span<double> E, std::span<const double> P) {
    add_squares(E, width, all);
    multiply(-1.0, {along.data(), n_, k}, {P.data(), k, width}, 1.0, {E.data(), n_, width});
    add_squares(E, width, outside);
  });
  for (std::size_t i = 0; i < n_; ++i) outside[i] = std::sqrt(outside[i] / all[i]);
  return outside;
}

std::vector<double> LatentProjection::decoder_column(std::size_t i) const {
  const std::span<const double> D = block_of(layout_, theta_, decoder_name);
  std::vector<double> x(m_);
  for (std::size_t c = 0; c < m_; ++c) x[c] = root_weights_[c] * D[c * n_ + i];
  return x;
}

std::vector<double> LatentProjection::encoder_row(std::size_t i) const {
  const std::span<const double> E = block_of(layout_, theta_, encoder_name);
  std::vector<double> x(m_);
  for (std::size_t c = 0; c < m_; ++c) x[c] = E[i * m_ + c] / root_weights_[c];
  return x;
}

double LatentProjection::bytes(const core::Model& model) {
  const double map = double(model.latent_dimension()) * double(model.state_dimension());
  return sizeof(double) * (double(model.layout().size()) + map);  // theta and the rows
}

std::unique_ptr<core::Model> LatentProjection::model() const {
  auto reduced = std::make_unique<core::Model>(options_, dimension());
  reduced->argument_scaling = argument_scaling_;
  return reduced;
}

std::vector<double> LatentProjection::weights() const {
  return std::vector<double>(dimension(), double(dimension()) / double(m_));
}

std::vector<double> LatentProjection::reduce(std::span<const double> theta) const {
  const core::ParameterLayout layout = model()->layout();
  std::vector<double> reduced(layout.size());
  copy_others(layout_, theta, layout, reduced);
  for (const core::ParameterBlock& block : layout.blocks()) {
    if (block.name == encoder_name)
      std::ranges::copy(encoder_, reduced.begin() + std::ptrdiff_t(block.offset));
    if (block.name == decoder_name)
      std::ranges::copy(decoder_, reduced.begin() + std::ptrdiff_t(block.offset));
  }
  return reduced;
}

std::vector<double> LatentProjection::expand(std::span<const double> reduced) const {
  std::vector<double> theta = theta_;
  copy_others(model()->layout(), reduced, layout_, theta);
  return theta;
}

core::WindowData LatentProjection::project(const core::WindowData& data) const {
  const core::Trajectories& from = data.held();
  core::Trajectories to = core::without_states(from);
  to.components = dimension();
  to.tangents = from.tangents;
  project_states(data, to);
  to.derivative = project_vectors(from.derivative);
  to.directions = project_vectors(from.directions);
  to.products = project_vectors(from.products);
  core::WindowData projected(data.index(), std::move(to), data.first());
  projected.set_weight(data.weight());
  return projected;
}

void LatentProjection::project_states(const core::WindowData& data, core::Trajectories& to) const {
  const core::Trajectories& from = data.held();
  const std::size_t k = dimension() - 1, states = from.count * from.times,
                    some = std::max<std::size_t>(1, numbers_at_once / m_);
  const HostOperand P(rows_.data(), k, m_);
  to.state.resize(states * (k + 1));
  std::vector<double> x, along;
  for (std::size_t trajectory = 0; trajectory < from.count; ++trajectory)
    for (std::size_t first = 0; first < from.times; first += some) {
      const std::size_t count = std::min(some, from.times - first);
      x.resize(count * m_);
      along.resize(count * k);
      for (std::size_t t = 0; t < count; ++t)
        data.numbers(trajectory, first + t).visit([&](const auto* state) {
          for (std::size_t c = 0; c < m_; ++c)
            x[t * m_ + c] = (double(state[c]) - scaling_.shift[c]) / scaling_.scale[c] * root_weights_[c];
        });
      multiply(1.0, {x.data(), count, m_}, transposed(P), 0.0, {along.data(), count, k});
      multiply(-1.0, {along.data(), count, k}, P, 1.0, {x.data(), count, m_});
      for (std::size_t t = 0; t < count; ++t) {
        double* const y = to.state_at(trajectory, first + t);
        std::copy_n(&along[t * k], k, y);
        y[k] = norm_of(std::span(x).subspan(t * m_, m_));
      }
    }
}

// Of vectors that scale as states do: the part that the encoder sees.
std::vector<double> LatentProjection::project_vectors(const std::vector<double>& from) const {
  const std::size_t k = dimension() - 1, count = from.size() / m_;
  std::vector<double> to(count * (k + 1), 0.0), x(m_);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < m_; ++c) x[c] = from[i * m_ + c] / scaling_.scale[c] * root_weights_[c];
    multiply(1.0, {x.data(), 1, m_}, transposed({rows_.data(), k, m_}), 0.0, {&to[i * (k + 1)], 1, k});
  }
  return to;
}

double LatentProjection::lost(const parallel::Communicator& comm, const DataSet& projected) const {
  const core::Trajectories& held = projected.data.held();
  const parallel::Range own = own_trajectories(comm, projected);
  std::vector<double> squares(own.size(), 0.0);
  std::uint64_t states = 0;
  for (std::size_t i = 0; i < own.size(); ++i)
    for (std::size_t t = 0; t < held.times; ++t) {
      const std::size_t trajectory = own.begin + i - projected.data.first();
      if (held.is_missing(trajectory, t)) continue;
      ++states;
      const double last = held.state_at(trajectory, t)[dimension() - 1];
      squares[i] += last * last;
    }
  const auto sum = parallel::exact_sum(comm, squares, 1);
  if (!sum) throw FileError("the states of the data set are too large to be projected");
  MPI_Allreduce(MPI_IN_PLACE, &states, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  return sum->front() / (double(states) * double(m_));
}

InitialModel projected(const LatentProjection& projection, InitialModel start) {
  start.model = projection.model();
  start.theta = projection.reduced_theta();
  return start;
}

}  // namespace spnode::training
