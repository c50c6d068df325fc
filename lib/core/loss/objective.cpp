#include "core/loss/objective.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/scaled_lanes.hpp"
#include "core/loss/weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace spnode::core {
namespace {

/// The lengths that steps may have where `table` has the longest ones. Lanes that wait for others step by 0.
template <class Real>
StepTable lengths_of(const IntegratorOptions& options, StepTable table) {
  if (options.tolerance == 0.0) return table;
  std::vector<double> lengths = AdaptiveSteps<Real>::lengths(table.steps(), options.scheme);
  lengths.push_back(0.0);
  return StepTable(std::move(lengths));
}

}  // namespace

template <class Real>
Objective<Real>::Objective(const Model& model, ObjectiveOptions options, StepTable table,
                           MatrixFunctionMethod method)
    : model_(BasicModel<Real>::like(model)),
      options_(std::move(options)),
      dynamics_(model_, options_.integrator, lengths_of<Real>(options_.integrator, std::move(table)), method,
                options_.integrator.tolerance > 0.0 ? StepScope::table : options_.steps, options_.mode),
      coordinates_(model_),
      arguments_(model_.options().arguments, model_.argument_scaling),
      coordinate_arguments_(parameter_reader(model_.options().arguments, model_.argument_scaling,
                                             coordinates_.parameter_count())),
      state_rows_("spnode::core::Objective", model.state_dimension()),
      latent_rows_("spnode::core::Objective", model.latent_dimension()),
      slow_rows_("spnode::core::Objective", model.latent_dimension()),
      fast_rows_("spnode::core::Objective", model.latent_dimension()),
      sums_(std::max(model.state_dimension(), model.latent_dimension())) {
  const std::size_t m = model.state_dimension(), n = model.latent_dimension(),
                    slow = model.options().linear.slow_dimension;
  std::vector<double> rows(m), slow_rows(n), fast_rows(n);
  for (std::size_t i = 0; i < m; ++i)
    rows[i] = (options_.component_weights.empty() ? 1.0 : options_.component_weights[i]) / double(m);
  upload(rows, state_rows_);
  for (const double scale : model.scaling.scale) inverse_scale_.push_back(1.0 / scale);
  no_shift_.assign(m, 0.0);
  Kokkos::deep_copy(latent_rows_, Real(1.0 / double(model.latent_dimension())));
  for (std::size_t i = 0; i < n && slow > 0; ++i)
    (i < slow ? slow_rows : fast_rows)[i] = 1.0 / double(i < slow ? slow : n - slow);
  upload(slow_rows, slow_rows_);
  upload(fast_rows, fast_rows_);
  for (std::size_t i = 0; i < loss_terms().size(); ++i) {
    if (!is_validated(options_.loss, i)) continue;
    const LossTermKind& kind = loss_terms()[i];
    const double weight = options_.loss.weights[i];
    const std::string refused = refusal(kind, model.options());
    require_option(refused.empty(), {std::string(kind.name)}, refused);
    if (kind.is_penalty())
      penalties_.push_back({i, kind.make_penalty(weight)});
    else
      terms_.push_back({i, kind.template make<Real>(weight, options_.loss)});
  }
  const bool is_continuous = options_.integrator.adjoint == Adjoint::continuous;
  if (is_continuous && options_.mode == DynamicsMode::slow)
    throw UsageError("rollouts on the slow manifold need the discrete adjoint");
  const bool needs_field = needs(Wanted::values).field;
  if (needs_field && options_.integrator.scheme == Scheme::map)
    throw UsageError("a term of the loss needs derivatives in time, which a map does not have");
  if (needs_field || is_continuous) field_.emplace(model_);
  if (is_continuous)
    continuous_.emplace(*field_, options_.integrator.substeps, dynamics_.integrator().abscissae());
  const double tolerance = options_.integrator.tolerance;
  if (tolerance > 0.0)
    adaptive_.emplace(dynamics_, arguments_, options_.integrator.substeps, tolerance,
                      AdaptiveSteps<Real>::Failure::diverge);
  bar_ = Vector<Real>("spnode::core::Objective", bar_size());
}

// What the terms take that are computed.
template <class Real>
LossNeeds Objective<Real>::needs(Wanted wanted) const {
  LossNeeds all;
  for (const auto& listed : terms_) {
    if (wanted == Wanted::gradient && !listed.is_trained()) continue;
    const LossNeeds needs = listed.term->needs();
    all.rollout |= needs.rollout;
    all.encoded |= needs.encoded;
    all.field |= needs.field;
    all.derivatives |= needs.derivatives;
    all.epsilon |= needs.epsilon;
  }
  return all;
}

// After load(), which may move bar_.
template <class Real>
LossTools<Real> Objective<Real>::tools() {
  return {space_,      scratch_,     sums_,      coordinates_, coordinates_bar(),
          state_rows_, latent_rows_, slow_rows_, fast_rows_,   field_ ? &*field_ : nullptr,
          field_bar()};
}

template <class Real>
void Objective<Real>::set_parameters(std::span<const double> theta) {
  // Conjugate gradients ask for many products at one theta.
  if (theta_.size() == theta.size() && std::memcmp(theta_.data(), theta.data(), theta.size_bytes()) == 0)
    return;
  theta_.clear();  // none, should the next lines fail
  dynamics_.set_parameters(theta);
  coordinates_.set_parameters(theta);
  if (field_) field_->set_parameters(theta);
  theta_.assign(theta.begin(), theta.end());
}

// Steps, weights and places of the data of some windows, over the first `rollout_length` intervals (0: all).
template <class Real>
auto Objective<Real>::load(const WindowData& data, std::span<const std::uint64_t> windows,
                           std::size_t rollout_length) -> Tile {
  if (needs(Wanted::values).derivatives) require_derivatives(data);
  const std::size_t all = data.index().intervals(),
                    T = rollout_length == 0 ? all : std::min(rollout_length, all);
  Tile tile{padded<Real>(windows.size()), T + 1, {}, {}};
  const std::size_t lanes = tile.lanes;
  views_.clear();
  held_ = &data.held();
  weights_host_.assign(tile.times * lanes, 0.0);
  h_.resize(T * lanes);
  times_.resize(T + 1);
  omega_.resize(T + 1);
  for (std::size_t l = 0; l < lanes; ++l) {
    // Lanes that pad repeat the last window, so that they stay finite, with weight zero.
    views_.push_back(data.view(windows[std::min(l, windows.size() - 1)]));
    for (std::size_t t = 0; t <= T; ++t) times_[t] = views_[l].time(t);
    for (std::size_t t = 0; t < T; ++t)
      h_[t * lanes + l] = (times_[t + 1] - times_[t]) / double(options_.integrator.substeps);
    if (l >= windows.size()) continue;
    time_weights(options_.loss.time_weights, times_, omega_);
    for (std::size_t t = 0; t <= T; ++t)
      weights_host_[t * lanes + l] = views_[l].counts(t) ? data.weight() * omega_[t] : 0.0;
  }
  steps_.assign(dynamics_.table(), h_, T, lanes);
  dynamics_.hold(steps_);
  assign_arguments(data, T, lanes);
  if (bar_.extent(0) < bar_size()) bar_ = Vector<Real>("spnode::core::Objective", bar_size());
  const VectorView<Real> weights = scratch_.vector(tile.times * lanes);
  upload(weights_host_, weights);
  tile.weights = weights;
  tile.parameters = coordinate_parameters(data, tile.times, lanes);
  if (needs(Wanted::values).epsilon) tile.slow_weights = slow_weights(data, tile);
  return tile;
}

// The weights of the loaded times over epsilon^slow_power.
template <class Real>
ConstVectorView<Real> Objective<Real>::slow_weights(const WindowData& data, const Tile& tile) {
  const auto found = data.held().parameters.find(std::string(epsilon_name));
  if (found == data.held().parameters.end())
    throw UsageError("the loss of the slow variables needs the parameter " + std::string(epsilon_name) +
                     " of the trajectories");
  for (std::size_t l = 0; l < tile.lanes; ++l) {
    const double epsilon = found->second[views_[l].trajectory()],
                 factor = epsilon > 0.0 ? std::pow(epsilon, -options_.loss.slow_power) : 0.0;
    for (std::size_t t = 0; t < tile.times; ++t) weights_host_[t * tile.lanes + l] *= factor;
  }
  const VectorView<Real> weights = scratch_.vector(tile.times * tile.lanes);
  upload(weights_host_, weights);
  return weights;
}

template <class Real>
LossSample<Real> Objective<Real>::Tile::sample(std::size_t first, std::size_t count,
                                               ConstMatrixView<Real> z) const {
  const auto columns = [&](const ConstVectorView<Real>& all) {
    return ConstVectorView<Real>(all.data() + first * lanes, count * lanes);
  };
  LossSample<Real> sample{columns(weights), z};
  sample.parameters = parameters_at(first, count);
  if (slow_weights.extent(0) > 0) sample.slow_weights = columns(slow_weights);
  return sample;
}

// What a rollout begins with, or its tangent or adjoint, in the mode of the rollouts.
template <class Real>
void Objective<Real>::project(const MatrixView<Real>& first) const {
  if (options_.mode == DynamicsMode::full) return;
  const std::size_t slow = model_.options().linear.slow_dimension;
  fill(space_, 0.0, rows_of(first, slow, model_.latent_dimension() - slow));
}

// The arguments of the model over the steps of the loaded lanes.
template <class Real>
void Objective<Real>::assign_arguments(const WindowData& data, std::size_t intervals, std::size_t lanes) {
  if (arguments_.size() == 0 && !field_ && !adaptive_) return;
  if (arguments_.size() > 0) arguments_.attach(data.held());
  trajectories_.resize(lanes);
  lane_times_.resize((intervals + 1) * lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    trajectories_[l] = views_[l].trajectory();
    for (std::size_t t = 0; t <= intervals; ++t) lane_times_[t * lanes + l] = views_[l].time(t);
  }
  if (arguments_.size() > 0)
    steps_.assign_arguments(arguments_, {trajectories_, lane_times_}, options_.integrator.substeps,
                            dynamics_.integrator().abscissae());
}

// The parameters that the coordinates depend on, in the columns of all times of the loaded lanes.
template <class Real>
ConstMatrixView<Real> Objective<Real>::coordinate_parameters(const WindowData& data, std::size_t times,
                                                             std::size_t lanes) {
  const std::size_t count = coordinate_arguments_.size();
  const MatrixView<Real> parameters = scratch_.matrix(count, times * lanes);
  if (count == 0) return parameters;
  coordinate_arguments_.attach(data.held());
  point_.resize(count);
  arguments_host_.resize(count * times * lanes);
  for (std::size_t l = 0; l < lanes; ++l) {
    coordinate_arguments_.read(views_[l].trajectory(), times_[0], point_);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t t = 0; t < times; ++t) arguments_host_[(i * times + t) * lanes + l] = point_[i];
  }
  upload(std::span<const double>(arguments_host_), parameters);
  return parameters;
}

// The scaled states of the times [first, first + count) of a tile, (m, count lanes), time by time.
template <class Real>
MatrixView<Real> Objective<Real>::states(const Tile& tile, std::size_t first, std::size_t count) {
  if (views_.front().in_single())
    return scaled(tile, first, count, model_.scaling.shift,
                  [](const WindowView& view, std::size_t t) { return view.single(t); });
  return scaled(tile, first, count, model_.scaling.shift,
                [](const WindowView& view, std::size_t t) { return view.state(t); });
}

// The given derivatives of the scaled states of all times of a tile.
template <class Real>
MatrixView<Real> Objective<Real>::derivatives(const Tile& tile) {
  return scaled(tile, 0, tile.times, no_shift_,
                [](const WindowView& view, std::size_t t) { return view.derivative(t); });
}

// (values(view, t) - shift) / scale for the times [first, first + count), as states().
template <class Real>
template <class Values>
MatrixView<Real> Objective<Real>::scaled(const Tile& tile, std::size_t first, std::size_t count,
                                         const std::vector<double>& shift, Values values) {
  const MatrixView<Real> scaled = scratch_.matrix(model_.state_dimension(), count * tile.lanes);
  if constexpr (runs_on_host) {
    gather(tile, first, count, shift, values, scaled);
  } else {
    if (states_host_.extent(1) != scaled.extent(1))
      states_host_ = HostMatrix("spnode::core::Objective", scaled.extent(0), scaled.extent(1));
    gather(tile, first, count, shift, values, states_host_);
    Kokkos::deep_copy(scaled, states_host_);
  }
  return scaled;
}

template <class Real>
template <class Values>
void Objective<Real>::gather(const Tile& tile, std::size_t first, std::size_t count,
                             const std::vector<double>& shifts, Values values, const HostMatrix& to) const {
  constexpr std::size_t strip = pack_width<Real>;  // lanes that are written side by side
  decltype(values(views_[0], first)) x[strip], next[strip];
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t lane = 0; lane < tile.lanes; lane += strip) {
      for (std::size_t l = 0; l < strip; ++l) {
        x[l] = values(views_[lane + l], first + t);
        next[l] = values(views_[lane + l], std::min(first + t + 1, tile.times - 1));
      }
      scaled_lanes<Real>(x, next, model_.state_dimension(), shifts.data(), inverse_scale_.data(),
                         &to(0, t * tile.lanes + lane), to.stride_0());
    }
}

template <class Real>
typename Objective<Real>::Encoded Objective<Real>::encode(const Point<Real>& z) {
  const Encoded encoded{z, scratch_.matrix(model_.latent_dimension(), z.lanes()),
                        scratch_.matrix(coordinates_.to_latent().tape_rows(), z.lanes())};
  coordinates_.to_latent().value(space_, encoded.z, encoded.u, encoded.tape, scratch_);
  return encoded;
}

// From block 0 of the states on.
template <class Real>
void Objective<Real>::roll(Rollout<Real>& rollout, const Tile& tile, MatrixView<Real> states,
                           typename Rollout<Real>::Record record) {
  if (adaptive_) choose_steps(tile, lanes_of(states, 0, tile.lanes));
  rollout.forward(space_, steps_, states, record, scratch_);
  if (!adaptive_) return;
  for (const std::size_t lane : diverged_)
    for (std::size_t t = 1; t < tile.times; ++t)
      fill(space_, std::numeric_limits<double>::quiet_NaN(), lanes_of(states, t * tile.lanes + lane, 1));
}

// The steps of the tile, from the states u on. A lane's own do not depend on the others; where it has fewer,
// steps of length zero follow, which leave its state and its adjoint as they are.
template <class Real>
void Objective<Real>::choose_steps(const Tile& tile, ConstMatrixView<Real> u) {
  const ScratchFrame frame(scratch_);
  const std::size_t lanes = tile.lanes;
  const MatrixView<Real> state = scratch_.matrix(u.extent(0), lanes);
  scaled_copy(space_, 1.0, u, state);
  h_.clear();
  step_ends_.clear();
  diverged_.clear();
  step_times_.assign(lane_times_.begin(), lane_times_.begin() + std::ptrdiff_t(lanes));
  for (std::size_t interval = 0; interval + 1 < tile.times; ++interval) {
    adaptive_->advance(
        space_, {trajectories_, std::span<const double>(lane_times_).subspan(interval * lanes, 2 * lanes)},
        state, scratch_);
    std::size_t count = 1;
    for (std::size_t l = 0; l < lanes; ++l) count = std::max(count, adaptive_->taken(l).size());
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t l = 0; l < lanes; ++l) {
        const auto taken = adaptive_->taken(l);
        h_.push_back(i < taken.size() ? taken[i].h : 0.0);
        step_times_.push_back(i < taken.size() ? taken[i].end : step_times_[step_times_.size() - lanes]);
      }
    step_ends_.push_back((step_ends_.empty() ? 0 : step_ends_.back()) + count);
    for (std::size_t l = 0; l < lanes; ++l)
      if (adaptive_->diverged(l)) diverged_.push_back(l);
  }
  steps_.assign_each(dynamics_.table(), h_, step_ends_, lanes);
  if (arguments_.size() > 0)
    steps_.assign_arguments(arguments_, {trajectories_, step_times_}, 1, dynamics_.integrator().abscissae());
}

// The data do not learn: only the coefficients have an adjoint.
template <class Real>
void Objective<Real>::encode_vjp(const Encoded& encoded, ConstMatrixView<Real> u_bar) {
  coordinates_.to_latent().vjp(space_, {encoded.z, encoded.tape, u_bar, {}, coordinates_bar()}, scratch_);
}

// Without adjoints the terms are only evaluated.
template <class Real>
void Objective<Real>::add_losses(Of of, const LossSample<Real>& sample, const LossBars<Real>* bars,
                                 std::span<double> sums) {
  const LossTools<Real> tools = this->tools();
  for (std::size_t i = 0; i < terms_.size(); ++i)
    if ((bars == nullptr || terms_[i].is_trained()) && terms_[i].term->needs().field == (of == Of::field))
      sums[i] += terms_[i].term->add(tools, sample, bars);
}

// Losses of all times but the first, a few at a time: what they take then stays in cache.
template <class Real>
void Objective<Real>::add_later_losses(const Tile& tile, ConstMatrixView<Real> rolled,
                                       MatrixView<Real> rolled_bar, Wanted wanted, std::span<double> sums) {
  const LossNeeds needs = this->needs(wanted);
  if (!needs.rollout && !needs.encoded) return;
  const std::size_t lanes = tile.lanes;
  const std::size_t some = runs_on_host ? std::max<std::size_t>(1, columns_at_once / lanes) : tile.times;
  for (std::size_t first = 1; first < tile.times; first += some) {
    const ScratchFrame frame(scratch_);
    const std::size_t count = std::min(some, tile.times - first), column = first * lanes,
                      columns = count * lanes;
    const MatrixView<Real> z = states(tile, first, count);
    Encoded data_in{z, {}, {}};
    if (needs.encoded) data_in = encode({z, tile.parameters_at(first, count)});
    LossSample<Real> sample = tile.sample(first, count, z);
    sample.u = data_in.u;
    if (needs.rollout) sample.rolled = lanes_of(rolled, column, columns);
    if (wanted == Wanted::values) {
      add_losses(Of::others, sample, nullptr, sums);
      continue;
    }
    LossBars<Real> bars{scratch_.matrix(data_in.u.extent(0), columns), {}};
    if (needs.rollout) bars.rolled = lanes_of(rolled_bar, column, columns);
    fill(space_, 0.0, bars.u);
    add_losses(Of::others, sample, &bars, sums);
    if (needs.encoded) encode_vjp(data_in, bars.u);
  }
}

template <class Real>
void Objective<Real>::require_derivatives(const WindowData& data) const {
  if (data.held().derivative.empty())
    throw UsageError("the loss compares with derivatives of the data in time, but the data have none");
}

// What a sample of all times of the loaded tile has for terms of the field.
template <class Real>
void Objective<Real>::set_field_sample(const Tile& tile, LossSample<Real>& sample) {
  if (needs(Wanted::values).derivatives) sample.z_dot = derivatives(tile);
  sample.lanes = tile.lanes;
  sample.times = lane_times_;
  const std::size_t arguments = arguments_.size(), columns = lane_times_.size();
  const MatrixView<Real> q = scratch_.matrix(arguments, columns);
  sample.q = q;
  if (needs_tangents(options_.loss)) set_tangents(tile, sample);
  if (arguments == 0) return;
  point_.resize(arguments);
  arguments_host_.resize(arguments * columns);
  for (std::size_t column = 0; column < columns; ++column) {
    arguments_.read(trajectories_[column % tile.lanes], lane_times_[column], point_);
    for (std::size_t i = 0; i < arguments; ++i) arguments_host_[i * columns + column] = point_[i];
  }
  upload(std::span<const double>(arguments_host_), q);
}

// Directions and products of the loaded tile: vectors of the state, seen in latent space.
template <class Real>
void Objective<Real>::set_tangents(const Tile& tile, LossSample<Real>& sample) {
  const std::size_t n = model_.latent_dimension(), count = held_->tangents, columns = lane_times_.size();
  const MatrixView<Real> directions = scratch_.matrix(count * n, columns),
                         products = scratch_.matrix(count * n, columns);
  const auto to_latent = [&](const std::vector<double>& tangents, std::size_t v,
                             const MatrixView<Real>& out) {
    const ScratchFrame frame(scratch_);
    const std::size_t place = v * model_.state_dimension();
    const MatrixView<Real> z_dot =
        scaled(tile, 0, tile.times, no_shift_, [&](const WindowView& view, std::size_t t) {
          return &tangents[held_->tangents_at(view.trajectory(), view.place(t)) + place];
        });
    coordinates_.to_latent().jvp(space_, {sample.data(), z_dot, sample.u_tape, {}, rows_of(out, v * n, n)},
                                 scratch_);
  };
  for (std::size_t v = 0; v < count; ++v) {
    to_latent(held_->directions, v, directions);
    to_latent(held_->products, v, products);
  }
  sample.tangents = count;
  sample.directions = directions;
  sample.products = products;
}

// Losses of the terms that take the field at all times of the data.
template <class Real>
void Objective<Real>::add_field_losses(const Tile& tile, Wanted wanted, std::span<double> sums) {
  const ScratchFrame frame(scratch_);
  const Encoded data_in = encode({states(tile, 0, tile.times), tile.parameters});
  LossSample<Real> sample = tile.sample(0, tile.times, data_in.z.u);
  sample.u = data_in.u;
  sample.u_tape = data_in.tape;
  set_field_sample(tile, sample);
  if (wanted == Wanted::values) return add_losses(Of::field, sample, nullptr, sums);
  const LossBars<Real> bars{scratch_.matrix(data_in.u.extent(0), data_in.u.extent(1)), {}};
  fill(space_, 0.0, bars.u);
  add_losses(Of::field, sample, &bars, sums);
  encode_vjp(data_in, bars.u);
}

// Losses of some windows and, where it is wanted, the adjoint of the coefficients to bar_.
template <class Real>
void Objective<Real>::add_tile(const WindowData& data, std::span<const std::uint64_t> windows,
                               std::size_t rollout_length, Wanted wanted, std::span<double> sums) {
  const ScratchFrame frame(scratch_);
  const bool adjoint = wanted == Wanted::gradient, rolls = needs(wanted).rollout;
  const Tile tile = load(data, windows, rollout_length);
  const std::size_t n = model_.latent_dimension(), lanes = tile.lanes,
                    columns = rolls ? tile.times * lanes : 0;
  const Encoded start = encode({states(tile, 0, 1), tile.parameters_at(0, 1)});
  LossBars<Real> first_bars{scratch_.matrix(n, adjoint ? lanes : 0), {}};
  const MatrixView<Real> rolled = scratch_.matrix(n, columns),
                         rolled_bar = scratch_.matrix(n, adjoint ? columns : 0);
  fill(space_, 0.0, first_bars.u);
  fill(space_, 0.0, rolled_bar);
  Rollout<Real> rollout(dynamics_, {options_.integrator.substeps, options_.integrator.checkpoint_interval});
  LossSample<Real> first = tile.sample(0, 1, start.z.u);
  first.u = start.u;
  if (rolls) {
    scaled_copy(space_, 1.0, start.u, lanes_of(rolled, 0, lanes));
    project(lanes_of(rolled, 0, lanes));
    using Record = typename Rollout<Real>::Record;
    roll(rollout, tile, rolled, adjoint && !continuous_ ? Record::yes : Record::no);
    first.rolled = lanes_of(rolled, 0, lanes);
    if (adjoint) first_bars.rolled = lanes_of(rolled_bar, 0, lanes);
  }
  add_losses(Of::others, first, adjoint ? &first_bars : nullptr, sums);
  add_later_losses(tile, rolled, rolled_bar, wanted, sums);
  if (needs(wanted).field) add_field_losses(tile, wanted, sums);
  if (!adjoint) return;
  if (rolls) {
    if (continuous_)
      continuous_->reverse(space_, steps_, rolled, rolled_bar, field_bar(), scratch_);
    else
      rollout.reverse(space_, steps_, rolled_bar, dynamics_bar(), scratch_);
    project(first_bars.rolled);
    axpy(space_, 1.0, first_bars.rolled, first_bars.u);
  }
  encode_vjp(start, first_bars.u);
}

template <class Real>
double Objective<Real>::tape_bytes(std::size_t windows, std::size_t intervals) const {
  const IntegratorOptions& options = options_.integrator;
  const double steps = double(intervals) * double(options.substeps),
               length = options.checkpoint_interval == 0
                            ? steps
                            : std::min(steps, double(options.checkpoint_interval)),
               rows = double(dynamics_.integrator().tape_rows() + model_.latent_dimension());
  return (rows * length + double(model_.latent_dimension()) * steps / length) * double(windows) *
         sizeof(Real);
}

template <class Real>
std::size_t Objective<Real>::windows_in_cache(std::size_t intervals) const {
  if (!runs_on_host) return std::numeric_limits<std::size_t>::max();
  const std::size_t rows = dynamics_.integrator().tape_rows() + model_.latent_dimension();
  const double bytes = double(rows) * double(intervals) * double(options_.integrator.substeps) * sizeof(Real);
  constexpr std::size_t least = 32;  // narrower products lose more than the cache gains
  static_assert(least % tile_columns<double> == 0);
  return std::max(least, std::size_t(double(vector_unit.cache) / bytes) / least * least);
}

template <class Real>
void Objective<Real>::contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                   std::size_t rollout_length, std::span<double> out) {
  const auto sums = out.last(terms_.size());
  const auto bar = out.first(shared_size());
  std::ranges::fill(out, 0.0);
  const std::size_t some = windows_in_cache(rollout_length == 0 ? data.index().intervals() : rollout_length);
  for (std::size_t first = 0; first < windows.size(); first += some) {
    if (first == 0 || holds_tile()) fill(space_, 0.0, MatrixView<Real>(bar_.data(), 1, bar_.extent(0)));
    add_tile(data, windows.subspan(first, std::min(some, windows.size() - first)), rollout_length,
             Wanted::gradient, sums);
    if (holds_tile()) add_shared_bar(bar);
  }
  if (!holds_tile()) download(bar_, bar);
}

// The adjoint of a tile's own coefficients, pulled back to what all tiles share.
template <class Real>
void Objective<Real>::add_shared_bar(std::span<double> sum) {
  const std::size_t own = dynamics_.coefficient_count(), shared = dynamics_.shared_count();
  bar_host_.resize(bar_size());
  shared_bar_.resize(shared_size());
  download(VectorView<Real>(bar_.data(), bar_size()), bar_host_);
  const std::span<double> to = shared_bar_;
  dynamics_.share_bar(std::span(bar_host_).first(own), to.first(shared));
  std::copy(bar_host_.begin() + std::ptrdiff_t(own), bar_host_.end(),
            shared_bar_.begin() + std::ptrdiff_t(shared));
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += shared_bar_[i];
}

template <class Real>
void Objective<Real>::value_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                         std::span<double> out) {
  std::ranges::fill(out, 0.0);
  add_tile(data, windows, 0, Wanted::values, out);
}

template <class Real>
LossTerms Objective<Real>::weighted(std::span<const double> sums, std::size_t windows, Wanted wanted) const {
  static_assert(most_loss_terms >= 2);
  const LossWeights& weights = options_.loss.weights;
  LossTerms result;
  std::array<double, most_loss_terms> value{};
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    if (wanted == Wanted::gradient && !terms_[i].is_trained()) continue;
    value[terms_[i].place] = result.values[terms_[i].place] = sums[i] / double(windows);
  }
  // Two products in one expression: how these are contracted decides the last bit.
  result.total = weights[0] * value[0] + weights[1] * value[1];
  for (std::size_t i = 2; i < loss_terms().size(); ++i) result.total += weights[i] * value[i];
  return result;
}

template <class Real>
void Objective<Real>::add_penalties(Wanted wanted, std::span<double> theta_bar, LossTerms& result) const {
  for (const auto& [place, penalty] : penalties_) {
    if (wanted == Wanted::gradient && penalty->weight() == 0.0) continue;
    const ParameterPenalty::Value value = penalty->add(model_.layout(), theta_, theta_bar);
    result.values[place] = value.plain;
    result.total += value.weighted;
  }
}

template <class Real>
LossTerms Objective<Real>::gradient(std::span<const double> summed, std::size_t windows,
                                    std::span<double> theta_bar) {
  LossTerms result = weighted(summed.last(terms_.size()), windows, Wanted::gradient);
  pull_back(summed.first(shared_size()), windows, theta_bar);
  add_penalties(Wanted::gradient, theta_bar, result);
  clear_frozen(theta_bar);
  return result;
}

// The mean over windows of the adjoint of theta, from the sum of those of the coefficients.
template <class Real>
void Objective<Real>::pull_back(std::span<const double> bar, std::size_t windows,
                                std::span<double> theta_bar) {
  std::ranges::fill(theta_bar, 0.0);
  const std::size_t dynamics = dynamics_.shared_count();
  dynamics_.assemble_vjp(theta_, bar.first(dynamics), theta_bar);
  coordinates_.assemble_vjp(theta_, bar.subspan(dynamics, coordinates_.coefficient_count()), theta_bar);
  if (field_) field_->assemble_vjp(theta_, bar.last(field_size()), theta_bar);
  for (double& entry : theta_bar) entry /= double(windows);
}

template <class Real>
void Objective<Real>::clear_frozen(std::span<double> theta_bar) const {
  for (const ParameterBlock& block : model_.layout().blocks())
    if (block.frozen) std::ranges::fill(theta_bar.subspan(block.offset, block.size()), 0.0);
}

template <class Real>
LossTerms Objective<Real>::value(std::span<const double> summed, std::size_t windows) const {
  LossTerms result = weighted(summed, windows, Wanted::values);
  add_penalties(Wanted::values, {}, result);
  return result;
}

template class Objective<double>;
template class Objective<float>;

}  // namespace spnode::core
