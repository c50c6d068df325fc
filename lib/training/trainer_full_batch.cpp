// A phase of a TAO method on the full batch, in cycles.
#include "petsc/tao_solver.hpp"
#include "training/trainer_phase.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spnode::training {

namespace {

/// Every cycle is a fresh solver started from theta alone, so that the state at a cycle's start says
/// everything; an interrupted run falls back to it. An epoch is an iteration.
class FullBatchRun {
 public:
  FullBatchRun(PhaseRun& run, const std::string& type);
  void solve();

 private:
  struct Stopped {};  ///< a stop was agreed; leaves the solver

  bool cycle();
  double evaluate(std::span<const double> x, std::span<double> gradient);
  double beyond_domain(std::span<const double> x, std::span<double> gradient) const;
  void iterate(const petsc::TaoIterate& iterate);

  PhaseRun& run_;
  TrainerState& state_;
  petsc::TaoDefaults defaults_;
  std::uint64_t total_ = 0, cycle_length_;
  TrainerState boundary_;  ///< at the start of the cycle
  petsc::TaoSolver* solver_ = nullptr;
  Evaluation last_;           ///< the latest evaluation
  Requests requests_ = 0;     ///< seen in this cycle
  double start_value_ = 0.0;  ///< of the cycle

  double base_value_ = 0.0;  ///< the current iterate: value, point, gradient
  std::vector<double> base_point_, base_gradient_;
  bool has_base_ = false;
};

FullBatchRun::FullBatchRun(PhaseRun& run, const std::string& type) : run_(run), state_(run.state()) {
  const LbfgsOptions& options = run.phase().lbfgs;
  const OptimizerKind optimizer = run.phase().optimizer;
  const std::uint64_t iterations = optimizer == OptimizerKind::adam    ? run.phase().adam.epochs
                                   : optimizer == OptimizerKind::lbfgs ? options.iterations
                                                                       : run.phase().gauss_newton.iterations;
  defaults_ = {type, iterations, options.gradient_tolerance, options.history};
  cycle_length_ = options.cycle == 0 ? defaults_.iterations : options.cycle;
}

void FullBatchRun::solve() {
  try {
    do boundary_ = state_;
    while (cycle());
  } catch (const Stopped&) {
    state_ = boundary_;
    run_.interrupt();
  }
}

/// Whether another cycle may get further.
bool FullBatchRun::cycle() {
  petsc::TaoSolver solver(defaults_, state_.theta,
                          {.evaluate = [this](auto x, auto gradient) { return evaluate(x, gradient); },
                           .iterate = [this](const petsc::TaoIterate& it) { iterate(it); },
                           .shell = {}});
  total_ = solver.iterations();
  if (state_.phase_epochs >= total_ || run_.exhausted()) return false;
  solver.limit_iterations(std::min(cycle_length_, total_ - state_.phase_epochs));
  solver_ = &solver;
  has_base_ = false;
  requests_ = 0;
  const std::uint64_t epochs_before = state_.phase_epochs;
  const TaoConvergedReason reason = solver.solve();
  // A line search that fails may only suffer from a bad memory: go on while that helps.
  const bool progress = state_.phase_epochs > epochs_before && base_value_ < start_value_;
  const bool again =
      state_.phase_epochs < total_ && (reason == TAO_DIVERGED_MAXITS || (reason < 0 && progress));
  if (again) run_.checkpoint_if_due(requests_);
  return again;
}

double FullBatchRun::evaluate(std::span<const double> x, std::span<double> gradient) {
  run_.train().ask(run_.wishes());
  last_ = run_.train().gradient(std::nullopt, x, gradient);
  requests_ |= last_.requests;
  if ((last_.requests & request_stop) != 0) throw Stopped();
  return last_.finite ? last_.loss.total : beyond_domain(x, gradient);
}

/// A stand-in for a loss that is not finite: along the step from the current iterate, where the loss is f
/// with slope s < 0 over the whole step, the parabola with the same f and s and its minimum at half the step.
/// Line searches (which interpolate) then try about a fifth of the step; infinity or a huge number would make
/// them give up.
double FullBatchRun::beyond_domain(std::span<const double> x, std::span<double> gradient) const {
  if (!has_base_)
    throw NumericalError("phase " + run_.phase().name +
                         " starts from parameters whose loss or gradient is not finite");
  double slope = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    slope += base_gradient_[i] * (x[i] - base_point_[i]);
    gradient[i] = -base_gradient_[i];
  }
  return base_value_ + std::abs(slope);
}

void FullBatchRun::iterate(const petsc::TaoIterate& it) {
  if (it.failed) return;
  base_value_ = it.value;
  base_point_ = state_.theta;
  base_gradient_.assign(solver_->gradient().begin(), solver_->gradient().end());
  has_base_ = true;
  if (it.number == 0) {
    start_value_ = it.value;
    return;
  }
  // A line search may end at another point than its last one.
  if (last_.loss.total != it.value) last_.loss = run_.train().value(state_.theta).loss;
  EpochRecord record;
  record.steps = state_.phase_epochs + 1;
  record.loss = last_.loss;
  record.gradient_norm = it.gradient_norm;
  record.rate = it.step;
  const bool last = state_.phase_epochs + 1 == total_;
  run_.finish_epoch(record, last ? Validation::always : Validation::when_due, record.loss);
  run_.show(total_, 1, last_.loss, double(state_.phase_epochs) / double(total_));
  if (run_.exhausted()) solver_->stop();
}

}  // namespace

void run_full_batch(PhaseRun& run, const std::string& type) { FullBatchRun(run, type).solve(); }

}  // namespace spnode::training
