#include "training/trainer_phase.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace spnode::training {

using std::chrono::steady_clock;

namespace {

std::vector<SampledLoss> losses(const std::vector<FurtherData>& further,
                                SampledWindows FurtherData::*windows) {
  std::vector<SampledLoss> losses;
  for (const FurtherData& set : further)
    losses.push_back({set.objective, (set.*windows).data, (set.*windows).sampler});
  return losses;
}

}  // namespace

PhaseRun::PhaseRun(const parallel::Communicator& comm, const TrainerSetup& setup, TrainerState& state,
                   CheckpointClock& clock)
    : comm_(comm),
      setup_(setup),
      state_(state),
      clock_(clock),
      phase_(setup.phases.at(state.phase)),
      train_(comm, {phase_.objective, setup.train.data, setup.train.sampler},
             losses(phase_.further, &FurtherData::train)) {
  if (setup.validation.data != nullptr)
    validation_.emplace(comm, SampledLoss{phase_.objective, setup.validation.data, setup.validation.sampler},
                        losses(phase_.further, &FurtherData::validation));
}

Requests PhaseRun::wishes() const {
  Requests wishes = 0;
  if (setup_.signals != nullptr && setup_.signals->raised() != 0) wishes |= request_stop;
  // One clock decides for all.
  const std::chrono::duration<double, std::ratio<60>> minutes = steady_clock::now() - clock_.last;
  if (comm_.is_root() && setup_.options.checkpoint_minutes > 0.0 &&
      minutes.count() >= setup_.options.checkpoint_minutes)
    wishes |= request_checkpoint;
  return wishes;
}

void PhaseRun::finish_epoch(EpochRecord record, Validation validation,
                            const std::optional<core::LossTerms>& exact) {
  const TrainingOptions& options = setup_.options;
  ++state_.epochs;
  ++state_.phase_epochs;
  ++state_.records;
  ++clock_.epochs;
  record.epoch = state_.epochs;
  record.phase = phase_.name;
  validated_ = validation == Validation::always ||
               state_.phase_epochs % std::max<std::size_t>(1, options.validate_every) == 0;
  if (validated_) {
    record.validation = validate(exact);
    record.best = keep_if_best(record.validation->total);
    train_.check_replicas(state_.theta);
  }
  const auto now = steady_clock::now();
  record.seconds = std::chrono::duration<double>(now - std::exchange(epoch_start_, now)).count();
  // The spectrum first, so that the history's line of this epoch can hold it.
  if (setup_.hooks.spectrum && options.spectrum_every > 0 && state_.epochs % options.spectrum_every == 0)
    setup_.hooks.spectrum(state_.epochs, state_.theta);
  if (setup_.hooks.history) setup_.hooks.history(record);
  if (setup_.hooks.best) setup_.hooks.best(state_);
}

void PhaseRun::validate_start() {
  if (state_.phase_epochs > 0 || state_.step > 0 || std::isfinite(state_.best_loss)) return;
  keep_if_best(validate({}).total);
  state_.stale = 0;
  if (setup_.hooks.best) setup_.hooks.best(state_);
}

void PhaseRun::validate_end() {
  if (state_.phase_epochs == 0) return;
  const bool first = state_.phase == 0 || setup_.phases[state_.phase - 1].objective != phase_.objective;
  const bool got_nowhere = first && state_.best_epoch + state_.phase_epochs <= state_.epochs;
  if (validated_ && !got_nowhere) return;
  const double loss = validate({}).total;
  if (!validated_) keep_if_best(loss);
  validated_ = true;
  if (got_nowhere && !std::isfinite(loss))
    throw NumericalError("phase " + phase_.name + " ended without a finite validation loss in " +
                         std::to_string(state_.phase_epochs) + " epochs");
}

/// The validation loss at theta, infinite where it is not finite; without a validation set the training loss.
core::LossTerms PhaseRun::validate(const std::optional<core::LossTerms>& exact) {
  if (!validation_ && exact) return *exact;
  const Evaluation result = (validation_ ? *validation_ : train_).value(state_.theta);
  if (result.finite) return result.loss;
  return {.total = std::numeric_limits<double>::infinity()};
}

/// Of equal losses the later parameters are kept: at the rounding level they have the smaller gradient.
/// Patience only counts smaller ones.
bool PhaseRun::keep_if_best(double loss) {
  state_.stale = loss < state_.best_loss ? 0 : state_.stale + 1;
  if (!std::isfinite(loss) || loss > state_.best_loss) return false;
  state_.best_theta = state_.theta;
  state_.best_loss = loss;
  state_.best_epoch = state_.epochs;
  return true;
}

bool PhaseRun::exhausted() const {
  return setup_.options.patience > 0 && state_.stale >= setup_.options.patience;
}

void PhaseRun::checkpoint_if_due(Requests requests) {
  const std::size_t every = setup_.options.checkpoint_epochs;
  if ((requests & request_checkpoint) != 0 || (every > 0 && clock_.epochs >= every)) checkpoint();
}

void PhaseRun::checkpoint() {
  train_.check_replicas(state_.theta);
  if (setup_.hooks.checkpoint) setup_.hooks.checkpoint(state_);
  clock_ = {};
}

void PhaseRun::interrupt() {
  checkpoint();
  throw Interrupted(
      "stopped by a signal in phase " + phase_.name + " after epoch " + std::to_string(state_.epochs) +
      (state_.step > 0 ? ", step " + std::to_string(state_.step) : "") + "; run again with --resume");
}

void PhaseRun::show(std::uint64_t epochs, std::uint64_t steps_per_epoch, const core::LossTerms& loss,
                    double share) const {
  if (!setup_.hooks.progress) return;
  setup_.hooks.progress(
      {phase_, state_.phase_epochs, epochs, state_.step, steps_per_epoch, share, loss, state_.best_loss});
}

}  // namespace spnode::training
