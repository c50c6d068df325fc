// A phase of Gauss-Newton steps on the full batch, damped as of Levenberg and Marquardt.
#include "petsc/tao_solver.hpp"
#include "training/optimizers/normal_equations.hpp"
#include "training/trainer_phase.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

namespace spnode::training {

namespace {

constexpr double least_gain = 1e-4;       // minimum ratio of actual to predicted reduction
constexpr double largest_damping = 1e12;  // no step is tried beyond it

/// A step solves (H + damping D) d = -g; it is accepted if it lowers the loss, and the damping follows the
/// ratio of actual to predicted reduction (Nielsen 1999; Madsen, Nielsen, Tingleff,
/// Methods for non-linear least squares problems, 2004, algorithm 3.16). theta and the damping at the start
/// of an iteration say everything; an interrupted run falls back to it. An epoch is an iteration.
class GaussNewtonRun {
 public:
  explicit GaussNewtonRun(PhaseRun& run);
  void solve() { solver_.solve(); }

 private:
  double evaluate(std::span<const double> x, std::span<double> gradient);
  void evaluate_here();
  void loop();
  bool iterate();
  bool step();
  double model_decrease(double damping) const;
  bool finish_epoch(double length);

  PhaseRun& run_;
  TrainerState& state_;
  GaussNewtonOptions options_;
  std::unique_ptr<NormalEquations> normal_;
  petsc::TaoSolver solver_;
  bool gradient_wanted_ = false;  ///< the next evaluation is that at state_.theta
  Evaluation last_;               ///< at state_.theta
  std::vector<double> step_, trial_;
};

GaussNewtonRun::GaussNewtonRun(PhaseRun& run)
    : run_(run),
      state_(run.state()),
      options_(run.phase().gauss_newton),
      normal_(make_normal_equations(options_, run.train(), run.phase().objective->parameters())),
      solver_({.type = TAOSHELL,
               .iterations = options_.iterations,
               .gradient_tolerance = options_.gradient_tolerance},
              state_.theta,
              {.evaluate = [this](auto x, auto gradient) { return evaluate(x, gradient); },
               .iterate = {},
               .shell = [this] { loop(); }}),
      step_(state_.theta.size()),
      trial_(state_.theta.size()) {
  if (state_.damping == 0.0) state_.damping = options_.damping;
}

double GaussNewtonRun::evaluate(std::span<const double> x, std::span<double> gradient) {
  run_.train().ask(run_.wishes());
  const Evaluation result = run_.train().gradient(std::nullopt, x, gradient);
  // -tao_test_gradient evaluates again at other points.
  if (gradient_wanted_) last_ = result;
  gradient_wanted_ = false;
  if (result.finite) return result.loss.total;
  throw NumericalError("phase " + run_.phase().name + " met parameters whose loss or gradient is not finite");
}

void GaussNewtonRun::evaluate_here() {
  gradient_wanted_ = true;
  solver_.evaluate();
}

void GaussNewtonRun::loop() {
  evaluate_here();
  bool more = solver_.report({state_.phase_epochs, last_.loss.total, last_.gradient_norm, 0.0});
  while (more && state_.phase_epochs < solver_.iterations() && !run_.exhausted()) more = iterate();
}

/// One step and what follows; whether to go on.
bool GaussNewtonRun::iterate() {
  if ((last_.requests & request_stop) != 0) run_.interrupt();
  run_.checkpoint_if_due(last_.requests);
  normal_->linearise(state_.theta, solver_.gradient());
  if (!step()) return false;
  const double length = std::sqrt(std::inner_product(step_.begin(), step_.end(), step_.begin(), 0.0));
  evaluate_here();
  return finish_epoch(length);
}

/// Tries steps with growing damping until one is accepted; whether there was one.
bool GaussNewtonRun::step() {
  double damping = state_.damping, growth = 2.0;
  for (; damping < largest_damping; damping *= growth, growth *= 2.0) {
    if (!normal_->solve(damping, step_)) continue;
    for (std::size_t i = 0; i < trial_.size(); ++i) trial_[i] = state_.theta[i] + step_[i];
    run_.train().ask(run_.wishes());
    const Evaluation trial = run_.train().value(trial_);
    if ((trial.requests & request_stop) != 0) run_.interrupt();
    if (!trial.finite) continue;
    const double gain = (last_.loss.total - trial.loss.total) / model_decrease(damping);
    if (!(gain > least_gain)) continue;
    std::ranges::copy(trial_, state_.theta.begin());
    state_.damping = damping * std::max(1.0 / 3.0, 1.0 - std::pow(2.0 * gain - 1.0, 3));
    return true;
  }
  return false;
}

/// What the step takes off <g, d> + <d, H d> / 2, for H d = -g - damping D d.
double GaussNewtonRun::model_decrease(double damping) const {
  double slope = 0.0;
  for (std::size_t i = 0; i < step_.size(); ++i) slope += solver_.gradient()[i] * step_[i];
  return 0.5 * (normal_->damping_term(damping, step_) - slope);
}

bool GaussNewtonRun::finish_epoch(double length) {
  EpochRecord record;
  record.steps = state_.phase_epochs + 1;
  record.loss = last_.loss;
  record.gradient_norm = last_.gradient_norm;
  record.rate = length;
  const bool more = solver_.report({record.steps, last_.loss.total, last_.gradient_norm, length});
  const bool last = !more || record.steps == solver_.iterations();
  run_.finish_epoch(record, last ? Validation::always : Validation::when_due, record.loss);
  run_.show(solver_.iterations(), 1, last_.loss, double(state_.phase_epochs) / double(solver_.iterations()));
  return more;
}

}  // namespace

void run_gauss_newton(PhaseRun& run) { GaussNewtonRun(run).solve(); }

}  // namespace spnode::training
