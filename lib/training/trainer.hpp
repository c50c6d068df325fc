#pragma once
/// The training loop: phases of optimizers, validation, best model, early stopping, checkpoints, signals.

#include "core/data/windows.hpp"
#include "core/loss/tile_objective.hpp"
#include "parallel/communicator.hpp"
#include "training/options.hpp"
#include "training/sampler.hpp"
#include "training/signals.hpp"
#include "training/trainer_state.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace spnode::training {

/// A data set's windows as far as this rank holds them, sampler.held(rank, ranks). Both outlive the trainer.
struct SampledWindows {
  const core::WindowData* data = nullptr;
  const Sampler* sampler = nullptr;
};

/// A data set beside the training data, with a loss of its own.
struct FurtherData {
  core::TileObjective* objective = nullptr;  ///< must outlive the trainer
  SampledWindows train, validation;          ///< validation: where the training data have one
};

/// One optimizer on one objective. -tao_type replaces the solver of every phase: `shell` is Adam on batches
/// (Gauss-Newton in a phase that is declared as that), any other type works on the full batch, for as many
/// iterations as the declared optimizer has epochs or iterations.
struct Phase {
  std::string name;  ///< for the history and messages
  OptimizerKind optimizer = OptimizerKind::adam;
  core::TileObjective* objective = nullptr;  ///< must outlive the trainer
  AdamOptions adam;
  LbfgsOptions lbfgs;
  GaussNewtonOptions gauss_newton;
  std::vector<FurtherData> further = {};  ///< whose losses are added
};

/// The phases that the options ask for: "pretrain" on `reconstruction` where pretrain_epochs > 0 (it may be
/// null otherwise), then "adam", "lbfgs" and "gauss_newton" on `objective` and `further` in the order of
/// options.optimizers.
std::vector<Phase> make_phases(const TrainingOptions& options, core::TileObjective* reconstruction,
                               core::TileObjective* objective, const std::vector<FurtherData>& further = {});

/// Raises UsageError where PETSc's options (-tao_..., -normal_...) do not fit the optimizers: cheap enough to
/// be called before any work. Not collective; the same on all ranks.
void check_optimizer_options(const TrainingOptions& options);

/// How training windows are cut into work shares. Without any phase of Adam the full batch is cut into as
/// many shares as allowed, so that more ranks find work.
SamplerOptions training_sampler(const TrainingOptions& options, std::uint64_t seed);

/// How validation windows are.
SamplerOptions validation_sampler(const TrainingOptions& options);

/// A line of the training history. An epoch of a full-batch method is one iteration.
struct EpochRecord {
  std::uint64_t epoch = 0;  ///< over all phases, from 1
  std::string phase;
  std::uint64_t steps = 0;  ///< optimizer steps done in the phase, skipped ones included
  core::LossTerms loss;     ///< Adam: mean over the epoch's finite steps (NaN where there was none)
  std::optional<core::LossTerms> validation;  ///< where this epoch was validated
  double gradient_norm = 0.0;                 ///< mean over the epoch, before clipping
  double rate = 0.0;                          ///< learning rate, or the length of the line search's step
  double seconds = 0.0;                       ///< wall-clock time of the epoch
  std::uint64_t skipped = 0;                  ///< steps skipped as not finite
  bool best = false;                          ///< the best validated parameters so far
};

/// After every step.
struct Progress {
  const Phase& phase;
  std::uint64_t epoch, epochs;          ///< epochs done in the phase, and to do
  std::uint64_t step, steps_per_epoch;  ///< steps done in the epoch under way, and to do
  double share;                         ///< of the phase's work that is done: later steps may cost more
  const core::LossTerms& loss;          ///< of the last step
  double best_loss;                     ///< of the best validation, infinity before the first
};

/// What the program does along the way; each may be empty. All are called on all ranks at the same point with
/// the same arguments (times apart) and may communicate; what they raise must be collective
/// (parallel::collectively), except in `progress`, which must neither communicate nor throw.
struct Hooks {
  std::function<void(const EpochRecord&)> history;
  std::function<void(const TrainerState&)> checkpoint;
  /// After the validation of a start and at the end of every epoch: best_theta are the best parameters so far
  /// where best_loss is finite.
  std::function<void(const TrainerState&)> best;
  /// Every spectrum_every epochs, before the record of the epoch.
  std::function<void(std::uint64_t epoch, std::span<const double> theta)> spectrum;
  std::function<void(const Progress&)> progress;
};

struct TrainerSetup {
  TrainingOptions options;
  std::vector<Phase> phases;
  SampledWindows train;
  SampledWindows validation;  ///< null pointers: the training windows select the best model
  Hooks hooks;
  const SignalFlag* signals = nullptr;
};

/// Runs the phases one after the other; a phase starts from the best parameters of the one before. What the
/// first phase on an objective starts from is validated, too, as epoch 0 of the phase.
///
/// Parameters, optimizer state and all decisions are replicated on every rank; only contributions of tiles
/// are computed apart and added exactly (BatchObjective). So every number of ranks gives the same bits, and a
/// run that is resumed from any state that was given to hooks.checkpoint ends with the same bits as one never
/// stopped.
class Trainer {
 public:
  Trainer(const parallel::Communicator& comm, TrainerSetup setup);

  /// Trains from `state` (TrainerState::start, or one that a checkpoint kept) to the end; the result is
  /// state.best_theta. Gives the final state to hooks.checkpoint too. Collective. Raises
  ///  - Interrupted after a signal, once hooks.checkpoint has had the state,
  ///  - NumericalError after options.max_bad_steps consecutive non-finite steps, or where a phase starts
  ///    from or ends with a loss that is not finite,
  ///  - what an objective or a hook raised on any rank, on all ranks,
  ///  - Error (internal) where the ranks' parameters differ.
  void run(TrainerState& state);

 private:
  parallel::Communicator comm_;
  TrainerSetup setup_;
};

}  // namespace spnode::training
