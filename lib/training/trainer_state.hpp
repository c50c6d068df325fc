#pragma once
/// Everything that a run must remember to continue bit for bit.

#include "core/loss/loss_terms.hpp"
#include "core/loss/tile_objective.hpp"
#include "parallel/vector_parts.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace spnode::training {

/// Moments and safeguards of Adam. Of long vectors every rank keeps the part that it updates.
struct AdamState {
  parallel::VectorPart first;   ///< m, size of theta
  parallel::VectorPart second;  ///< v, size of theta
  parallel::VectorPart good;    ///< the last theta whose loss and gradient were finite
  std::uint64_t updates = 0;    ///< updates done: t of the bias correction
  std::uint64_t bad_steps = 0;  ///< consecutive steps skipped as not finite
  double shrink = 1.0;          ///< factor of the learning rate, below 1 after a skipped step
};

/// Sums over the steps done of the epoch that is under way.
struct EpochTotals {
  core::LossTerms loss = core::LossTerms::zero();  ///< summed over the steps that were not skipped
  double gradient_norm = 0.0;                      ///< the same
  double rate = 0.0;                               ///< learning rate of the last step
  std::uint64_t steps = 0;                         ///< steps not skipped
  std::uint64_t skipped = 0;
};

/// Where a run stands: but for parts of vectors the same bits on all ranks. Random numbers need no state
/// (they are counted).
struct TrainerState {
  std::vector<double> theta;
  std::vector<double>
      best_theta;  ///< the best validated parameters of the phase; the result when the run is done
  double best_loss = std::numeric_limits<double>::infinity();
  std::uint64_t best_epoch = 0;  ///< overall epoch of best_theta
  std::uint64_t stale = 0;       ///< validations since then

  std::uint64_t phase = 0;         ///< index of the current phase; the number of phases when the run is done
  std::uint64_t phase_epochs = 0;  ///< epochs (full-batch methods: iterations) done in the phase
  std::uint64_t step = 0;          ///< steps done in the epoch that is under way
  std::uint64_t epochs = 0;        ///< epochs done over all phases
  std::uint64_t records = 0;  ///< history records given out so far: a resumed table continues after these

  AdamState adam;
  double damping = 0.0;  ///< of Gauss-Newton steps; 0 before the first
  EpochTotals totals;

  /// The state before the first step.
  static TrainerState start(std::vector<double> theta) {
    TrainerState state;
    state.best_theta = theta;
    state.theta = std::move(theta);
    return state;
  }
};

/// Calls visitor(name, member) for every member of a state, each a std::vector<double>, a
/// parallel::VectorPart, a double or a std::uint64_t (reference, const where the state is): the one list of
/// what a checkpoint holds.
template <class State, class Visitor>
void visit_members(State& state, Visitor&& visitor) {
  visitor("theta", state.theta);
  visitor("best_theta", state.best_theta);
  visitor("best_loss", state.best_loss);
  visitor("best_epoch", state.best_epoch);
  visitor("stale", state.stale);
  visitor("phase", state.phase);
  visitor("phase_epochs", state.phase_epochs);
  visitor("step", state.step);
  visitor("epochs", state.epochs);
  visitor("records", state.records);
  visitor("adam_first", state.adam.first);
  visitor("adam_second", state.adam.second);
  visitor("adam_good", state.adam.good);
  visitor("adam_updates", state.adam.updates);
  visitor("adam_bad_steps", state.adam.bad_steps);
  visitor("adam_shrink", state.adam.shrink);
  visitor("damping", state.damping);
  visitor("epoch_loss_total", state.totals.loss.total);
  for (std::size_t i = 0; i < core::loss_terms().size(); ++i)
    visitor(("epoch_loss_" + std::string(core::loss_terms()[i].name)).c_str(), state.totals.loss.values[i]);
  visitor("epoch_gradient_norm", state.totals.gradient_norm);
  visitor("epoch_rate", state.totals.rate);
  visitor("epoch_steps", state.totals.steps);
  visitor("epoch_skipped", state.totals.skipped);
}

}  // namespace spnode::training
