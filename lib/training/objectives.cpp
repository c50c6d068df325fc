#include "training/objectives.hpp"

#include "core/loss/objective.hpp"
#include "core/support/error.hpp"
#include "parallel/count.hpp"
#include "training/start/scaling.hpp"

#include <cstdint>
#include <numeric>

namespace spnode::training {

std::vector<double> union_of_steps(const parallel::Communicator& comm, const std::vector<double>& mine) {
  std::uint64_t sum = mine.size();
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  parallel::mpi_count(sum);
  const int count = static_cast<int>(mine.size());
  std::vector<int> counts(comm.size()), offsets(comm.size());
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, comm.handle());
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  std::vector<double> all(offsets.back() + counts.back());
  MPI_Allgatherv(mine.data(), count, MPI_DOUBLE, all.data(), counts.data(), offsets.data(), MPI_DOUBLE,
                 comm.handle());
  return core::StepTable(std::move(all)).steps();
}

core::LossOptions pretraining_loss(const core::LossOptions& loss) {
  core::LossOptions alone;
  alone.time_weights = loss.time_weights;
  alone.weights = {{"reconstruction", 1.0}};
  return alone;
}

namespace {

void require_data(const core::LossOptions& loss, const DataSet& set) {
  core::require_intervals(loss, set.data.index().intervals());
  if (core::needs_tangents(loss) && set.data.held().tangents == 0)
    throw UsageError("a term of the loss needs Jacobian-vector products; the data have none");
}

/// All that an objective on some data is made of, beside the model.
struct Ingredients {
  core::ObjectiveOptions options;
  core::StepTable table;
  core::MatrixFunctionMethod method;

  std::unique_ptr<core::TileObjective> objective(const core::Model& model) const {
    return core::with_tile_scalar(model.options().precision, [&]<class Real>() {
      return std::unique_ptr<core::TileObjective>(
          std::make_unique<core::Objective<Real>>(model, options, table, method));
    });
  }
};

Ingredients collect(const parallel::Communicator& comm, const ObjectiveSetup& options,
                    core::DynamicsMode mode, const InitialModel& start, const DataSet& train,
                    const DataSet* validation) {
  require_data(options.loss, train);
  if (validation != nullptr) require_data(options.loss, *validation);
  const std::size_t substeps = options.integrator.substeps;
  std::vector<double> steps = core::distinct_steps(train.data, substeps);
  if (validation != nullptr) {
    const std::vector<double> more = core::distinct_steps(validation->data, substeps);
    steps.insert(steps.end(), more.begin(), more.end());
  }
  core::StepTable table(union_of_steps(comm, steps));
  const core::Model& model = *start.model;
  const std::size_t intervals = train.data.index().intervals(), windows = train.sampler.batch(),
                    lane_steps = windows * intervals * substeps;
  const core::MatrixFunctionMethod method = core::choose_method(
      options.integrator, model.split_shape(), table, model.linear_operator(start.theta), lane_steps);
  const core::StepScope scope =
      core::choose_scope(table, train.sampler.tile() * intervals, windows * intervals);
  return {{options.integrator, options.loss,
           options.projection != nullptr
               ? options.projection->weights()
               : component_weights(comm, options.loss.component_weights, model.scaling, train),
           scope, train.data.held().tangents, mode},
          std::move(table),
          method};
}

}  // namespace

Objectives make_objectives(const parallel::Communicator& comm, const ObjectiveSetup& options,
                           const InitialModel& start, const DataSet& train, const DataSet* validation) {
  Ingredients ingredients = collect(comm, options, core::DynamicsMode::full, start, train, validation);
  Objectives objectives;
  objectives.rollout = ingredients.objective(*start.model);
  if (options.pretrain) {
    ingredients.options.loss = pretraining_loss(options.loss);
    objectives.reconstruction = ingredients.objective(*start.model);
  }
  return objectives;
}

std::unique_ptr<core::TileObjective> make_further_objective(const parallel::Communicator& comm,
                                                            const ObjectiveSetup& options,
                                                            core::DynamicsMode mode,
                                                            const InitialModel& start, const DataSet& train,
                                                            const DataSet* validation) {
  return collect(comm, options, mode, start, train, validation).objective(*start.model);
}

}  // namespace spnode::training
