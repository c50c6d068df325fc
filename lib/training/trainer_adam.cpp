// A phase of Adam: batches, epochs, skipped steps.
#include "petsc/tao_solver.hpp"
#include "training/optimizers/adam.hpp"
#include "training/optimizers/schedule.hpp"
#include "training/trainer_phase.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace spnode::training {

namespace {

class AdamRun {
 public:
  explicit AdamRun(PhaseRun& run);
  void solve() { solver_.solve(); }

 private:
  double evaluate(std::span<const double> x, std::span<double> gradient);
  void loop();
  bool step();
  void apply(double rate);
  void skip();
  void finish_epoch();
  std::size_t rollout_length(std::uint64_t epoch) const;
  double share_done() const;
  std::uint64_t steps_done() const { return state_.phase_epochs * steps_per_epoch_ + state_.step; }

  PhaseRun& run_;
  TrainerState& state_;
  std::uint64_t epochs_, steps_per_epoch_;
  parallel::VectorParts parts_;
  Adam adam_;
  Schedule schedule_;
  petsc::TaoSolver solver_;
  bool gradient_wanted_ = false;  ///< the next evaluation is the step's own
  Evaluation last_;               ///< of the step
  std::vector<double> work_;      ///< (epochs + 1), of all steps before an epoch, in times of a window
};

AdamRun::AdamRun(PhaseRun& run)
    : run_(run),
      state_(run.state()),
      epochs_(run.phase().adam.epochs),
      steps_per_epoch_(run.train().sampler().steps_per_epoch()),
      parts_(run.comm(), state_.theta.size(), run.phase().adam.shared_from),
      adam_(run.phase().adam, run.phase().objective->parameters(), parts_),
      schedule_(run.phase().adam.learning_rate, steps_per_epoch_, epochs_),
      solver_({.type = TAOSHELL, .iterations = epochs_ * steps_per_epoch_}, state_.theta,
              {.evaluate = [this](auto x, auto gradient) { return evaluate(x, gradient); },
               .iterate = {},
               .shell = [this] { loop(); }}) {
  if (state_.adam.first.size == 0) state_.adam = adam_.start(state_.theta);
  work_.push_back(0.0);
  for (std::uint64_t epoch = 0; epoch < epochs_; ++epoch)
    work_.push_back(work_.back() + 1.0 + static_cast<double>(rollout_length(epoch)));
}

/// Of an epoch of the phase; 0: the whole window.
std::size_t AdamRun::rollout_length(std::uint64_t epoch) const {
  const std::vector<std::size_t>& rollout_lengths = run_.phase().adam.rollout_lengths;
  return rollout_lengths.empty() ? 0 : rollout_lengths[epoch * rollout_lengths.size() / epochs_];
}

/// A step costs what its rollout costs, which grows with the number of times.
double AdamRun::share_done() const {
  const double before = work_[state_.phase_epochs], epoch = work_[state_.phase_epochs + 1] - before;
  return (before + epoch * static_cast<double>(state_.step) / static_cast<double>(steps_per_epoch_)) /
         work_.back();
}

/// Loss and gradient of the current batch. Where they are not finite Tao sees zeros: it refuses NaN.
double AdamRun::evaluate(std::span<const double> x, std::span<double> gradient) {
  const Evaluation result = run_.train().gradient(
      BatchNumber{state_.epochs, state_.step, rollout_length(state_.phase_epochs)}, x, gradient);
  // -tao_test_gradient evaluates again at other points after the step's own evaluation.
  if (gradient_wanted_) last_ = result;
  gradient_wanted_ = false;
  if (result.finite) return result.loss.total;
  std::fill(gradient.begin(), gradient.end(), 0.0);
  return 0.0;
}

void AdamRun::loop() {
  bool more = true;
  while (more && state_.phase_epochs < epochs_ && !run_.exhausted()) more = step();
  if (state_.step > 0) finish_epoch();
}

/// One step of Adam; whether Tao wants another.
bool AdamRun::step() {
  run_.train().ask(run_.wishes());
  gradient_wanted_ = true;
  solver_.evaluate();
  const double rate = schedule_.rate(steps_done()) * state_.adam.shrink;
  if (last_.finite)
    apply(rate);
  else
    skip();
  state_.totals.rate = rate;
  ++state_.step;
  run_.show(epochs_, steps_per_epoch_,
            last_.finite ? last_.loss : core::LossTerms{.total = std::numeric_limits<double>::quiet_NaN()},
            share_done());

  bool more = true;
  if (last_.finite) more = solver_.report({steps_done(), last_.loss.total, last_.gradient_norm, rate});
  if (state_.step == steps_per_epoch_) finish_epoch();
  if (!more || state_.phase_epochs == epochs_) return false;
  if ((last_.requests & request_stop) != 0) run_.interrupt();
  run_.checkpoint_if_due(last_.requests);
  return true;
}

void AdamRun::apply(double rate) {
  adam_.update(state_.theta, solver_.gradient(), last_.gradient_norm, rate, state_.adam);
  parts_.exchange(state_.theta);
  EpochTotals& totals = state_.totals;
  totals.loss += last_.loss;
  totals.gradient_norm += last_.gradient_norm;
  ++totals.steps;
}

void AdamRun::skip() {
  adam_.reject(state_.theta, state_.adam);
  parts_.exchange(state_.theta);
  ++state_.totals.skipped;
  if (state_.adam.bad_steps < std::max<std::size_t>(1, run_.setup().options.max_bad_steps)) return;
  throw NumericalError("phase " + run_.phase().name + ": loss or gradient were not finite in " +
                       std::to_string(state_.adam.bad_steps) + " consecutive steps, the last one step " +
                       std::to_string(state_.step + 1) + " of epoch " + std::to_string(state_.epochs + 1) +
                       "; try a smaller learning rate, clipping, or smaller initial values");
}

void AdamRun::finish_epoch() {
  const EpochTotals& totals = state_.totals;
  const double steps = static_cast<double>(totals.steps);  // none: 0 / 0
  EpochRecord record;
  record.steps = steps_done();
  record.loss = totals.loss / steps;
  record.gradient_norm = totals.gradient_norm / steps;
  record.rate = totals.rate;
  record.skipped = totals.skipped;
  const bool last = state_.phase_epochs + 1 == epochs_ || state_.step < steps_per_epoch_;
  state_.step = 0;
  state_.totals = {};
  run_.finish_epoch(record, last ? Validation::always : Validation::when_due);
}

}  // namespace

void run_adam(PhaseRun& run) { AdamRun(run).solve(); }

}  // namespace spnode::training
