#pragma once
/// One phase of a training run: what Adam on batches and the full-batch methods share. Used by the trainer
/// alone.

#include "training/summed_objective.hpp"
#include "training/trainer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace spnode::training {

/// Since when there has been no checkpoint.
struct CheckpointClock {
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  std::uint64_t epochs = 0;
};

/// Whether an epoch is validated when options.validate_every does not ask for it.
enum class Validation { when_due, always };

/// Epoch by epoch, a phase reads the requests of signals and clocks, validates, keeps the best parameters and
/// calls the hooks. All members are collective unless they say otherwise.
class PhaseRun {
 public:
  PhaseRun(const parallel::Communicator& comm, const TrainerSetup& setup, TrainerState& state,
           CheckpointClock& clock);

  const parallel::Communicator& comm() const { return comm_; }
  const Phase& phase() const { return phase_; }
  const TrainerSetup& setup() const { return setup_; }
  TrainerState& state() { return state_; }
  SummedObjective& train() { return train_; }

  /// What this rank asks for with its next evaluation. Not collective.
  Requests wishes() const;

  /// Validates the parameters that a phase starts from where nothing on its objective has been: they compete
  /// for the best with those of its epochs.
  void validate_start();

  /// Closes an epoch at state().theta: counts it, validates, completes `record` and calls the hooks.
  /// @param exact the loss of all training windows at theta where it is known
  void finish_epoch(EpochRecord record, Validation validation,
                    const std::optional<core::LossTerms>& exact = {});

  /// Validates state().theta where its epoch was not; for phases that end without knowing it beforehand.
  /// Raises NumericalError where the first phase on its objective ends in a loss that is not finite and none
  /// of its epochs was better than its start.
  void validate_end();

  /// Whether patience is used up. Not collective.
  bool exhausted() const;

  /// Gives the state to hooks.checkpoint if `requests` or the number of epochs since the last one say so.
  void checkpoint_if_due(Requests requests);

  /// Gives the state to hooks.checkpoint after a stop was agreed, and raises Interrupted.
  [[noreturn]] void interrupt();

  /// Tells hooks.progress; `share`: of the phase's work that is done. Not collective.
  void show(std::uint64_t epochs, std::uint64_t steps_per_epoch, const core::LossTerms& loss,
            double share) const;

 private:
  core::LossTerms validate(const std::optional<core::LossTerms>& exact);
  bool keep_if_best(double loss);
  void checkpoint();

  parallel::Communicator comm_;
  const TrainerSetup& setup_;
  TrainerState& state_;
  CheckpointClock& clock_;
  const Phase& phase_;
  SummedObjective train_;
  std::optional<SummedObjective> validation_;
  std::chrono::steady_clock::time_point epoch_start_ = std::chrono::steady_clock::now();
  bool validated_ = false;  ///< state_.theta has been
};

/// Runs Adam on batches from the state to the end of the phase. Collective.
void run_adam(PhaseRun& run);

/// Runs Gauss-Newton steps on the full batch from the state to the end of the phase. Collective.
void run_gauss_newton(PhaseRun& run);

/// Runs a TAO method of the given type on the full batch from the state to the end of the phase. Collective.
void run_full_batch(PhaseRun& run, const std::string& type);

}  // namespace spnode::training
