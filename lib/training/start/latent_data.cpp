#include "training/start/latent_data.hpp"

#include "core/components/fourier_modes.hpp"
#include "core/integrators/rollout_steps.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "spectral/pod.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spnode::training {

namespace {

/// z = (x - shift) / scale of some components of some states of a trajectory, (times, components).
void scale_states(const core::Scaling& scaling, const core::WindowData& data, std::size_t trajectory,
                  parallel::Range times, parallel::Range components, std::span<double> z) {
  double* out = z.data();
  for (std::size_t t = times.begin; t < times.end; ++t) {
    data.numbers(trajectory, t, components.begin, components.end).visit([&](const auto* x) {
      for (std::size_t c = components.begin; c < components.end; ++c)
        *out++ = (double(x[c - components.begin]) - scaling.shift[c]) / scaling.scale[c];
    });
  }
}

class LatentStates {
 public:
  LatentStates(const core::Model& model, const std::optional<core::PodStart>& pod,
               const core::WindowData& data)
      : model_(model), pod_(pod), data_(data) {}

  void operator()(std::size_t trajectory, std::span<double> states) {
    const std::size_t m = model_.state_dimension(), n = model_.latent_dimension();
    if (model_.lifting()) return lift(trajectory, states);
    if (!pod_) {
      scale_states(model_.scaling, data_, trajectory, {0, data_.held().times}, {0, m}, states);
      return;
    }
    constexpr std::size_t numbers = std::size_t(1) << 22;  // that are held at a time
    const std::size_t some = std::max<std::size_t>(1, numbers / m);
    for (std::size_t first = 0; first < data_.held().times; first += some) {
      const parallel::Range times{first, std::min(first + some, data_.held().times)};
      scaled_.resize(times.size() * m);
      scale_states(model_.scaling, data_, trajectory, times, {0, m}, scaled_);
      core::multiply(1.0 / pod_->latent_scale, {scaled_.data(), times.size(), m},
                     core::transposed({pod_->modes.data(), n, m}), 0.0,
                     {states.data() + first * n, times.size(), n});
    }
  }

 private:
  void lift(std::size_t trajectory, std::span<double> states) {
    const core::Lifting& lifting = *model_.lifting();
    const std::size_t m = lifting.states(), n = lifting.dimension();
    scaled_.resize(m);
    for (std::size_t t = 0; t < data_.held().times; ++t) {
      scale_states(model_.scaling, data_, trajectory, {t, t + 1}, {0, m}, scaled_);
      const std::span<double> u = states.subspan(t * n, n);
      std::ranges::copy(scaled_, u.begin());
      for (std::size_t j = 0; j < lifting.products(); ++j)
        u[m + j] = scaled_[lifting.pairs()[2 * j]] * scaled_[lifting.pairs()[2 * j + 1]];
    }
  }

  const core::Model& model_;
  const std::optional<core::PodStart>& pod_;
  const core::WindowData& data_;
  std::vector<double> scaled_;
};

}  // namespace

core::PodStart start_basis(const parallel::Communicator& comm, const core::Model& model,
                           const DataSet& train) {
  if (model.options().autoencoder.basis == core::LinearBasis::fourier)
    return {core::fourier_modes(model.latent_dimension(), model.state_dimension()), 1.0,
            model.latent_dimension()};
  const core::Trajectories& held = train.data.held();
  const parallel::Range own = own_trajectories(comm, train);
  spectral::LocalSnapshots snapshots;
  snapshots.dimension = held.components;
  std::vector<std::vector<std::size_t>> known(own.size());  // times of the snapshots of each chunk
  for (std::size_t chunk = 0; chunk < own.size(); ++chunk) {
    for (std::size_t t = 0; t < held.times; ++t)
      if (!held.is_missing(own.begin + chunk - train.data.first(), t)) known[chunk].push_back(t);
    snapshots.chunks.push_back(known[chunk].size());
  }
  snapshots.read = [&](const spectral::LocalSnapshots::Part& part, std::span<double> out) {
    for (std::size_t k = part.snapshots.begin; k < part.snapshots.end; ++k) {
      const std::size_t t = known[part.chunk][k], width = part.components.size();
      scale_states(model.scaling, train.data, own.begin + part.chunk - train.data.first(), {t, t + 1},
                   part.components, out.subspan((k - part.snapshots.begin) * width, width));
    }
  };
  spectral::Pod pod = spectral::compute_pod(comm, snapshots, model.latent_dimension());
  return {std::move(pod.modes), pod.singular_values.front(), pod.rank()};
}

LatentTrajectories latent_trajectories(const parallel::Communicator& comm, const core::Model& model,
                                       const std::optional<core::PodStart>& pod, const DataSet& train) {
  const core::Trajectories& held = train.data.held();
  const std::size_t per = train.data.index().per_trajectory();
  const std::size_t first = train.data.first();
  LatentTrajectories latent;
  latent.dimension = model.latent_dimension();
  latent.times = held.times;
  latent.group_count = train.sampler.shares();
  const parallel::Range shares = train.sampler.shares_of(comm.rank(), comm.size());
  for (std::size_t share = shares.begin; share < shares.end; ++share) {
    const parallel::Range shard = train.sampler.shard(share);
    latent.groups.push_back({(shard.begin + per - 1) / per - first, (shard.end + per - 1) / per - first});
  }
  latent.states = LatentStates(model, pod, train.data);
  latent.time_epsilon = train.time_epsilon;
  latent.time = [&held](std::size_t trajectory, std::size_t t) { return held.time_at(trajectory, t); };
  if (!held.missing.empty())
    latent.known = [&held](std::size_t trajectory, std::size_t t, std::size_t last) {
      while (t <= last && !held.is_missing(trajectory, t)) ++t;
      return t > last;
    };
  return latent;
}

LatentTrajectories library_variables(const parallel::Communicator& comm, const core::Model& model,
                                     const std::optional<core::PodStart>& pod, const DataSet& train) {
  const core::Trajectories& held = train.data.held();
  LatentTrajectories variables = latent_trajectories(comm, model, pod, train);
  if (!pod)
    variables.states = [&data = train.data](std::size_t trajectory, std::span<double> states) {
      const std::size_t count = data.held().components;
      for (std::size_t t = 0; t < data.held().times; ++t)
        data.numbers(trajectory, t).visit([&](const auto* x) {
          std::copy_n(x, count, states.begin() + std::ptrdiff_t(t * count));
        });
    };
  const std::size_t m = model.argument_count();
  variables.arguments = m;
  if (m == 0) return variables;
  const auto reader = std::make_shared<core::ArgumentReader>(
      model.options().arguments, core::Scaling{std::vector<double>(m, 0.0), std::vector<double>(m, 1.0)});
  parallel::collectively(comm, [&] { reader->attach(held); });
  variables.arguments_at = [reader, &held](std::size_t trajectory, std::size_t t, std::span<double> q) {
    reader->read(trajectory, held.time_at(trajectory, t), q);
  };
  return variables;
}

namespace {

/// `parts` trajectories that follow each other in place of each one of `whole`, all at its times and with its
/// arguments; states and names are the caller's matter.
LatentTrajectories divided(const LatentTrajectories& whole, std::size_t parts) {
  LatentTrajectories divided = whole;
  for (parallel::Range& group : divided.groups) group = {group.begin * parts, group.end * parts};
  divided.time = [parts, time = whole.time](std::size_t at, std::size_t t) { return time(at / parts, t); };
  if (whole.known)
    divided.known = [parts, known = whole.known](std::size_t at, std::size_t first, std::size_t last) {
      return known(at / parts, first, last);
    };
  if (whole.arguments > 0)
    divided.arguments_at = [parts, arguments = whole.arguments_at](std::size_t at, std::size_t t,
                                                                   std::span<double> q) {
      arguments(at / parts, t, q);
    };
  return divided;
}

/// The states of the trajectory that was read last: parts of one follow each other.
class LastTrajectory {
 public:
  LastTrajectory(const LatentTrajectories& data) : size_(data.times * data.dimension), read_(data.states) {}

  const std::vector<double>& operator()(std::size_t trajectory) {
    if (trajectory_ != trajectory) {
      states_.resize(size_);
      read_(trajectory, states_);
      trajectory_ = trajectory;
    }
    return states_;
  }

 private:
  std::size_t size_;
  std::function<void(std::size_t, std::span<double>)> read_;
  std::size_t trajectory_ = std::numeric_limits<std::size_t>::max();
  std::vector<double> states_;
};

}  // namespace

LatentTrajectories with_images(const LatentTrajectories& data, const core::Symmetries& symmetries) {
  const std::size_t count = symmetries.count(), n = data.dimension;
  LatentTrajectories all = divided(data, count);
  all.states = [&symmetries, count, n, times = data.times, last = std::make_shared<LastTrajectory>(data)](
                   std::size_t at, std::span<double> states) {
    const std::span<const double> original = (*last)(at / count);
    for (std::size_t t = 0; t < times; ++t)
      symmetries.move(at % count, original.subspan(t * n, n), states.subspan(t * n, n));
  };
  return all;
}

LatentTrajectories at_points(const LatentTrajectories& fields, const core::PeriodicStencil& stencil) {
  const std::size_t points = stencil.points();
  LatentTrajectories local = divided(fields, points);
  local.dimension = stencil.variables();
  local.states = [&stencil, points, times = fields.times, last = std::make_shared<LastTrajectory>(fields)](
                     std::size_t at, std::span<double> states) {
    const std::vector<double>& whole = (*last)(at / points);
    const std::size_t point = at % points, variables = stencil.variables();
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t v = 0; v < variables; ++v)
        states[t * variables + v] = whole[t * stencil.components() + stencil.component(point, v)];
  };
  std::vector<std::string> names;
  for (std::size_t f = 0; f < stencil.fields(); ++f) names.push_back("u_" + std::to_string(f));
  local.names = stencil.variable_names(names);
  for (std::size_t i = 0; i < fields.arguments; ++i) local.names.push_back("q_" + std::to_string(i));
  return local;
}

}  // namespace spnode::training
