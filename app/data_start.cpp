#include "app/data_start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/components/even_pairs.hpp"
#include "training/rate_inference.hpp"

namespace spnode::app {

namespace {

/// u = modes z / latent_scale, or z without a POD; z = (x - shift) / scale.
class LatentStates {
 public:
  LatentStates(const core::Model& model, const std::optional<core::PodStart>& pod,
               const core::Trajectories& held)
      : model_(model), pod_(pod), held_(held), scaled_(held.times * held.components) {}

  void operator()(std::size_t trajectory, std::span<double> states) {
    const std::size_t m = model_.state_dimension();
    const double* x = held_.state_at(trajectory, 0);
    for (std::size_t k = 0; k < scaled_.size(); ++k)
      scaled_[k] = (x[k] - model_.scaling.shift[k % m]) / model_.scaling.scale[k % m];
    if (!pod_) {
      std::ranges::copy(scaled_, states.begin());
      return;
    }
    const std::size_t n = model_.latent_dimension();
    core::multiply(1.0 / pod_->latent_scale, {scaled_.data(), held_.times, m},
                   core::transposed({pod_->modes.data(), n, m}), 0.0, {states.data(), held_.times, n});
  }

 private:
  const core::Model& model_;
  const std::optional<core::PodStart>& pod_;
  const core::Trajectories& held_;
  std::vector<double> scaled_;
};

/// One group for each shard of the data: the trajectories whose first window is there.
training::LatentTrajectories latent_trajectories(const parallel::Communicator& comm, const core::Model& model,
                                                 const std::optional<core::PodStart>& pod,
                                                 const DataSet& train) {
  const core::Trajectories& held = train.data.held();
  const std::size_t per = train.data.index().per_trajectory();
  const std::size_t first = train.data.first();
  training::LatentTrajectories latent;
  latent.dimension = model.latent_dimension();
  latent.times = train.times;
  latent.group_count = train.sampler.shares();
  const parallel::Range shares = train.sampler.shares_of(comm.rank(), comm.size());
  for (std::size_t share = shares.begin; share < shares.end; ++share) {
    const parallel::Range shard = train.sampler.shard(share);
    latent.groups.push_back({(shard.begin + per - 1) / per - first, (shard.end + per - 1) / per - first});
  }
  latent.states = LatentStates(model, pod, held);
  latent.time = [&held](std::size_t trajectory, std::size_t t) { return held.time_at(trajectory, t); };
  return latent;
}

/// Eigenvalues stay below mu by this part of the root mean square singular value of A.
constexpr double margin = 1e-4;

void move_inside(std::span<double> A, std::size_t n, double mu) {
  double squares = 0.0;
  for (const double entry : A) squares += entry * entry;
  core::limit_real_parts(A, mu - margin * std::sqrt(squares / static_cast<double>(n)));
}

/// The rows that give the components of the scaled state from u, (components, n).
std::vector<double> state_rows(const core::Model& model, const std::optional<core::PodStart>& pod) {
  const std::size_t n = model.latent_dimension(), m = model.state_dimension();
  std::vector<double> rows(m * n, 0.0);
  for (std::size_t c = 0; c < m; ++c)
    for (std::size_t j = 0; j < n; ++j)
      rows[c * n + j] = pod ? pod->modes[j * m + c] * pod->latent_scale : double(c == j);
  return rows;
}

/// Puts the quadratic part of a rate into a network, as even pairs; gives the words for it.
std::string start_network(const parallel::Communicator& comm, const core::Network<double>& network,
                          const std::vector<double>& rows, const training::LatentTrajectories& latent,
                          const core::QuadraticRate& rate, std::span<double> theta) {
  std::vector<double> V =
      core::pair_directions(rows, training::second_moments(comm, latent), latent.dimension, network.pairs());
  network.set_directions(V, theta);
  const training::InferredPairs pairs = training::infer_pairs(comm, latent, rate, V);
  const double divided = network.set_outputs(pairs.W, pairs.b, theta);
  std::string note = fmt::format("; the network holds its quadratic part but for {:.2g}", pairs.residual);
  if (divided > 1.0) note += fmt::format(", divided by {:.2g} to keep its Lipschitz bound", divided);
  return note;
}

}  // namespace

std::string start_from_data(const parallel::Communicator& comm, const core::Model& model,
                            const std::optional<core::PodStart>& pod, const DataSet& train,
                            std::span<double> theta) {
  const core::ModelOptions& options = model.options();
  const training::LatentTrajectories latent = latent_trajectories(comm, model, pod, train);
  const bool dmd = options.initialisation == core::Initialisation::dmd;
  const auto form = options.nonlinear.empty() ? training::RateForm::linear : training::RateForm::quadratic;
  training::InferredRate inferred = dmd ? training::infer_map(comm, latent)
                                        : training::infer_rate(comm, latent, form, options.inference_order);
  move_inside(inferred.rate.A, latent.dimension, options.linear.mu);
  const double dropped = model.set_rate(inferred.rate, theta);
  const std::string method = dmd ? "dynamic mode decomposition"
                                 : fmt::format("operator inference of order {}",
                                               training::used_order(latent.times, options.inference_order));
  std::string note = fmt::format("{} leaves a relative residual of {:.2g}", method, inferred.residual);
  if (dropped > 0.0)
    note += fmt::format("; model.bilinear.rank = {} drops {:.2g} of the quadratic forms",
                        options.bilinear.rank, dropped);
  const core::Network<double>* const network = model.rate_network();
  if (network != nullptr && !inferred.rate.Q.empty())
    note += start_network(comm, *network, state_rows(model, pod), latent, inferred.rate, theta);
  return note;
}

}  // namespace spnode::app
