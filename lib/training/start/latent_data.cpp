#include "training/start/latent_data.hpp"

#include "core/components/fourier_modes.hpp"
#include "core/integrators/rollout_steps.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "spectral/pod.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

namespace spnode::training {

namespace {

/// z = (x - shift) / scale of the states of a trajectory, (times, components).
void scale_states(const core::Scaling& scaling, const core::Trajectories& held, std::size_t trajectory,
                  std::span<double> z) {
  const double* const x = held.state_at(trajectory, 0);
  for (std::size_t k = 0; k < z.size(); ++k) {
    const std::size_t c = k % held.components;
    z[k] = (x[k] - scaling.shift[c]) / scaling.scale[c];
  }
}

class LatentStates {
 public:
  LatentStates(const core::Model& model, const std::optional<core::PodStart>& pod,
               const core::Trajectories& held)
      : model_(model), pod_(pod), held_(held), scaled_(held.times * held.components) {}

  void operator()(std::size_t trajectory, std::span<double> states) {
    if (!pod_) {
      scale_states(model_.scaling, held_, trajectory, states);
      return;
    }
    scale_states(model_.scaling, held_, trajectory, scaled_);
    const std::size_t m = model_.state_dimension(), n = model_.latent_dimension();
    core::multiply(1.0 / pod_->latent_scale, {scaled_.data(), held_.times, m},
                   core::transposed({pod_->modes.data(), n, m}), 0.0, {states.data(), held_.times, n});
  }

 private:
  const core::Model& model_;
  const std::optional<core::PodStart>& pod_;
  const core::Trajectories& held_;
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
  std::vector<double> scaled(held.times * held.components);
  spectral::LocalSnapshots snapshots;
  snapshots.dimension = held.components;
  snapshots.chunks = own.size();
  snapshots.chunk = [&](std::size_t i) {
    const std::size_t trajectory = own.begin + i - train.data.first();
    scale_states(model.scaling, held, trajectory, scaled);
    std::size_t kept = 0;
    for (std::size_t t = 0; t < held.times; ++t)
      if (!held.is_missing(trajectory, t))
        std::copy_n(&scaled[t * held.components], held.components, &scaled[kept++ * held.components]);
    return std::span<const double>(scaled).first(kept * held.components);
  };
  const spectral::Pod pod = spectral::compute_pod(comm, snapshots, model.latent_dimension());
  return {pod.modes, pod.singular_values.front(), pod.rank()};
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
  latent.states = LatentStates(model, pod, held);
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
    variables.states = [&held](std::size_t trajectory, std::span<double> states) {
      std::copy_n(held.state_at(trajectory, 0), states.size(), states.begin());
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

}  // namespace spnode::training
