#include "training/trainer.hpp"

#include "petsc/tao_solver.hpp"
#include "training/optimizers/normal_equations.hpp"
#include "training/trainer_phase.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace spnode::training {

namespace {

/// Moves on to the next phase, which starts from the best parameters of the one that has ended.
void finish_phase(const std::vector<Phase>& phases, TrainerState& state) {
  const Phase& ended = phases[state.phase];
  ++state.phase;
  state.theta = state.best_theta;
  state.phase_epochs = 0;
  state.step = 0;
  state.stale = 0;
  state.adam = {};
  state.damping = 0.0;
  state.totals = {};
  const bool comparable = state.phase == phases.size() || phases[state.phase].objective == ended.objective;
  if (!comparable) state.best_loss = std::numeric_limits<double>::infinity();
}

const char* phase_name(OptimizerKind optimizer) {
  switch (optimizer) {
    case OptimizerKind::adam:
      return "adam";
    case OptimizerKind::lbfgs:
      return "lbfgs";
    case OptimizerKind::gauss_newton:
      return "gauss_newton";
  }
  return "";
}

/// The solver of a phase, unless -tao_type says another one.
TaoType declared_type(OptimizerKind optimizer) {
  return optimizer == OptimizerKind::lbfgs ? TAOLMVM : TAOSHELL;
}

void require_fit(const TrainerState& state, const std::vector<Phase>& phases) {
  if (state.phase > phases.size())
    throw FileError("the state to continue from is in phase " + std::to_string(state.phase + 1) + " of " +
                    std::to_string(phases.size()));
  for (const Phase& phase : phases) {
    const std::size_t size = phase.objective->parameters().size();
    if (state.theta.size() != size || state.best_theta.size() != size)
      throw FileError("the state to continue from holds " + std::to_string(state.theta.size()) +
                      " parameters, the model has " + std::to_string(size));
  }
}

}  // namespace

std::vector<Phase> make_phases(const TrainingOptions& options, core::TileObjective* reconstruction,
                               core::TileObjective* objective, const std::vector<FurtherData>& further) {
  std::vector<Phase> phases;
  if (options.pretrain_epochs > 0) {
    Phase pretrain{"pretrain",   OptimizerKind::adam, reconstruction,
                   options.adam, options.lbfgs,       options.gauss_newton};
    pretrain.adam.epochs = options.pretrain_epochs;
    pretrain.adam.autoencoder_rate_factor = 1.0;
    pretrain.adam.rollout_lengths.clear();
    pretrain.adam.learning_rate.schedule = ScheduleKind::cosine;
    pretrain.adam.learning_rate.rate = options.pretrain_rate;
    phases.push_back(pretrain);
  }
  for (const OptimizerKind optimizer : options.optimizers)
    phases.push_back({phase_name(optimizer), optimizer, objective, options.adam, options.lbfgs,
                      options.gauss_newton, further});
  return phases;
}

void check_optimizer_options(const TrainingOptions& options) {
  for (const OptimizerKind optimizer : options.optimizers) {
    petsc::check_tao_options(declared_type(optimizer));
    if (optimizer == OptimizerKind::gauss_newton) check_normal_options(options.gauss_newton);
  }
}

SamplerOptions training_sampler(const TrainingOptions& options, std::uint64_t seed) {
  bool batches = options.pretrain_epochs > 0;
  for (const OptimizerKind optimizer : options.optimizers) batches |= optimizer == OptimizerKind::adam;
  return {
      .batch = batches ? options.batch : 0, .tile = options.tile, .summands = options.summands, .seed = seed};
}

SamplerOptions validation_sampler(const TrainingOptions& options) {
  return {.batch = 0, .tile = options.tile, .summands = options.summands, .seed = 0};
}

Trainer::Trainer(const parallel::Communicator& comm, TrainerSetup setup)
    : comm_(comm), setup_(std::move(setup)) {}

void Trainer::run(TrainerState& state) {
  require_fit(state, setup_.phases);
  CheckpointClock clock;
  while (state.phase < setup_.phases.size()) {
    PhaseRun run(comm_, setup_, state, clock);
    run.validate_start();
    const OptimizerKind optimizer = run.phase().optimizer;
    const std::string type = petsc::requested_tao_type(declared_type(optimizer));
    if (type == TAOSHELL && optimizer == OptimizerKind::gauss_newton)
      run_gauss_newton(run);
    else if (type == TAOSHELL)
      run_adam(run);
    else
      run_full_batch(run, type);
    run.validate_end();
    run.train().check_replicas(state.theta);
    finish_phase(setup_.phases, state);
  }
  if (setup_.hooks.checkpoint) setup_.hooks.checkpoint(state);
}

}  // namespace spnode::training
