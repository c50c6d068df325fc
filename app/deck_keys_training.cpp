// Keys of integration, training and results.
#include "app/deck_key_table.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::app {

namespace {

constexpr double most_substeps = 1000000, most_epochs = 10000000;

void add_integrator_and_loss(KeyTable& t) {
  t.section("integrator", "How the model is advanced between two times of the data.");
  t.key("integrator.scheme", SPNODE_FIELD(integrator.scheme), any(), "",
        "exponential (etd...), implicit-explicit (imex_...) or explicit Runge-Kutta");
  t.key("integrator.substeps", SPNODE_FIELD(integrator.substeps), between(1, most_substeps), "",
        "steps per interval of the data");
  t.key("integrator.linear", SPNODE_FIELD(integrator.linear), any(), "",
        "functions of A_L: dense matrices, or matrix-free Taylor sums");
  t.key("integrator.checkpoint_interval", SPNODE_FIELD(integrator.checkpoint_interval), any(), "steps",
        "reverse sweep: keep every k-th state and recompute between them; 0: keep all");

  t.section(
      "loss",
      "Weighted sum of mean squares. A term of weight 0 is not computed: history.csv has no column of it.");
  t.key("loss.time_weights", SPNODE_FIELD(loss.time_weights), any(), "",
        "quadrature over the times of a window");
  t.key("loss.component_weights", SPNODE_FIELD(loss.component_weights), any(), "",
        "variance: divide by the components' variance over the training states");
  for (std::size_t i = 0; i < core::loss_terms().size(); ++i) {
    const core::LossTermKind& kind = core::loss_terms()[i];
    t.key(
        "loss." + std::string(kind.name), [i](auto& deck) -> auto& { return deck.loss.weights[i]; },
        at_least(0), "", "weight: " + std::string(kind.meaning));
  }
  t.key("loss.monitor", SPNODE_FIELD(loss.monitor), any(), "",
        "terms that validation computes even where their weight is 0");
}

void add_trainer(KeyTable& t) {
  t.section("training", "Optimizers run one after the other; the best model on the validation data is kept.");
  t.key("training.optimizers", SPNODE_FIELD(training.optimizers), any(), "", "in this order");
  t.key("training.batch", SPNODE_FIELD(training.batch), at_least(1), "windows",
        "per step of adam; the others take all");
  t.key("training.tile", SPNODE_FIELD(training.tile), at_least(1), "windows",
        "computed at a time by one rank");
  t.key("training.summands", SPNODE_FIELD(training.summands), at_least(1), "",
        "shares of work of a batch at most; more lets more ranks work");
  t.key("training.pretrain_epochs", SPNODE_FIELD(training.pretrain_epochs), between(0, most_epochs), "epochs",
        "on the autoencoder's reconstruction alone, before everything else");
  t.key("training.pretrain_rate", SPNODE_FIELD(training.pretrain_rate), above(0), "",
        "learning rate of these");
  t.key("training.validate_every", SPNODE_FIELD(training.validate_every), at_least(1), "epochs",
        "between two validations");
  t.key("training.patience", SPNODE_FIELD(training.patience), any(), "validations",
        "stop after so many without a better one; 0: never");
  t.key("training.spectrum_every", SPNODE_FIELD(training.spectrum_every), any(), "epochs",
        "between two checks of the spectral bound; 0: never");
  t.key("training.checkpoint_epochs", SPNODE_FIELD(training.checkpoint_epochs), any(), "epochs",
        "between two checkpoints; 0: never");
  t.key("training.checkpoint_minutes", SPNODE_FIELD(training.checkpoint_minutes), at_least(0), "minutes",
        "between two checkpoints; 0: never");
  t.key("training.max_bad_steps", SPNODE_FIELD(training.max_bad_steps), at_least(1), "steps",
        "non-finite ones in a row before giving up with status 5");
}

void add_optimizers(KeyTable& t) {
  t.section("training.adam", "Adam; AdamW with weight decay. Minibatches of windows.");
  t.key("training.adam.epochs", SPNODE_FIELD(training.adam.epochs), between(1, most_epochs), "epochs",
        "passes over the windows");
  t.key("training.adam.schedule", SPNODE_FIELD(training.adam.schedule.kind), any(), "",
        "of the learning rate");
  t.key("training.adam.rate", SPNODE_FIELD(training.adam.schedule.rate), above(0), "",
        "learning rate after the warm-up");
  t.key("training.adam.final_rate", SPNODE_FIELD(training.adam.schedule.final_rate), at_least(0), "",
        "cosine: reached at the last step; exponential: never below");
  t.key("training.adam.decay", SPNODE_FIELD(training.adam.schedule.decay), between(0, 1), "",
        "exponential: factor per epoch");
  t.key("training.adam.warmup", SPNODE_FIELD(training.adam.schedule.warmup), any(), "steps",
        "of linear growth of the rate from 0");
  t.key("training.adam.beta1", SPNODE_FIELD(training.adam.beta1), between(0, 1), "",
        "decay of the mean gradient");
  t.key("training.adam.beta2", SPNODE_FIELD(training.adam.beta2), between(0, 1), "",
        "decay of the mean squared gradient");
  t.key("training.adam.epsilon", SPNODE_FIELD(training.adam.epsilon), above(0), "",
        "added to the root of the mean squared gradient");
  t.key("training.adam.weight_decay", SPNODE_FIELD(training.adam.weight_decay), at_least(0), "",
        "decoupled from the gradient (AdamW)");
  t.key("training.adam.clip", SPNODE_FIELD(training.adam.clip), at_least(0), "",
        "largest global norm of the gradient; 0: no clipping");
  t.key("training.adam.autoencoder_rate_factor", SPNODE_FIELD(training.adam.autoencoder_rate_factor),
        at_least(0), "", "the autoencoder's learning rate over the others'");
  t.key("training.adam.rollout_lengths", SPNODE_FIELD(training.adam.rollout_lengths), at_least(1),
        "intervals",
        "of the windows that are rolled out, each entry for an equal share of the epochs; growing: a "
        "curriculum; []: all");

  t.section("training.lbfgs", "Limited-memory BFGS (TAOLMVM) on all windows at once.");
  t.key("training.lbfgs.iterations", SPNODE_FIELD(training.lbfgs.iterations), at_least(1), "", "at most");
  t.key("training.lbfgs.cycle", SPNODE_FIELD(training.lbfgs.cycle), at_least(1), "iterations",
        "between two clearings of the memory, where checkpoints are taken");
  t.key("training.lbfgs.history", SPNODE_FIELD(training.lbfgs.history), between(1, 10000), "", "pairs kept");
  t.key("training.lbfgs.gradient_tolerance", SPNODE_FIELD(training.lbfgs.gradient_tolerance), at_least(0), "",
        "stop at this norm of the gradient");

  t.section("training.gauss_newton",
            "Gauss-Newton steps (Levenberg-Marquardt) on all windows at once, for the last digits.");
  t.key("training.gauss_newton.iterations", SPNODE_FIELD(training.gauss_newton.iterations), at_least(1), "",
        "at most");
  t.key("training.gauss_newton.damping", SPNODE_FIELD(training.gauss_newton.damping), above(0), "",
        "at the start, relative to the size of the matrix");
  t.key("training.gauss_newton.solver", SPNODE_FIELD(training.gauss_newton.solver), any(), "",
        "dense: Cholesky factor of the whole matrix; cg: products alone; automatic: dense up to 1500 "
        "parameters");
  t.key("training.gauss_newton.cg_iterations", SPNODE_FIELD(training.gauss_newton.cg_iterations), at_least(1),
        "", "of one solve at most");
  t.key("training.gauss_newton.gradient_tolerance", SPNODE_FIELD(training.gauss_newton.gradient_tolerance),
        at_least(0), "", "stop at this norm of the gradient");
}

void add_forecast(KeyTable& t) {
  t.section("forecast", "Trajectories from the initial states of a data set.");
  t.key("forecast.model", SPNODE_FIELD(forecast.model), any(), "",
        "model file; empty: model.h5 in the run directory");
  t.key("forecast.data", SPNODE_FIELD(forecast.data), any(), "",
        "file of the initial states; empty: data.test");
  t.key("forecast.output", SPNODE_FIELD(forecast.output), any(), "",
        "file that is written; empty: trajectories.h5 in the run directory");
  t.key("forecast.start", SPNODE_FIELD(forecast.start), any(), "",
        "index of the initial state along the data's times");
  t.key("forecast.trajectories", SPNODE_FIELD(forecast.trajectories), any(), "",
        "only the first so many; 0: all");
  t.key("forecast.step", SPNODE_FIELD(forecast.step), any(), "time",
        "between two written states; negative: backwards; 0: the data's times");
  t.key("forecast.steps", SPNODE_FIELD(forecast.steps), any(), "", "number of these");
  t.key("forecast.times", SPNODE_FIELD(forecast.times), any(), "time",
        "explicit times, strictly monotone, the initial state's first; []: none");
  t.key("forecast.substeps", SPNODE_FIELD(forecast.substeps), between(0, most_substeps), "",
        "integration steps between two written states; 0: integrator.substeps of the model");
  t.key("forecast.tolerance", SPNODE_FIELD(forecast.tolerance), at_least(0), "",
        "relative error of a step; shorter ones are taken as it needs, for each trajectory; 0: equal steps");

  t.section("forecast.ensemble",
            "Several forecasts from each initial state: the state itself, and perturbed ones.");
  t.key("forecast.ensemble.members", SPNODE_FIELD(forecast.members), at_least(1), "",
        "forecasts for each state; all are written, with their numbers as /parameters");
  t.key("forecast.ensemble.perturbation", SPNODE_FIELD(forecast.perturbation), at_least(0), "",
        "standard deviation of normal numbers added to the components, over the model's scaling");
}

void add_reports(KeyTable& t) {
  t.section("evaluate", "Errors of forecasts over a whole data set.");
  t.key("evaluate.model", SPNODE_FIELD(evaluate.model), any(), "",
        "model file; empty: model.h5 in the run directory");
  t.key("evaluate.data", SPNODE_FIELD(evaluate.data), any(), "",
        "trajectories to compare with; empty: data.test");
  t.key("evaluate.trajectories", SPNODE_FIELD(evaluate.trajectories), any(), "",
        "only the first so many; 0: all");
  t.key("evaluate.fine_data", SPNODE_FIELD(evaluate.fine_data), any(), "",
        "trajectories on a finer time grid, integrator.substeps in each interval: one more column; empty: "
        "none");
  t.key("evaluate.threshold", SPNODE_FIELD(evaluate.threshold), above(0), "",
        "relative error that ends the valid prediction time");
  t.key("evaluate.lyapunov_time", SPNODE_FIELD(evaluate.lyapunov_time), at_least(0), "time",
        "unit that the valid prediction time is given in, too; 0: none");
  t.key("evaluate.step_consistency", SPNODE_FIELD(evaluate.step_consistency), any(), "",
        "forecast again with half the step and compare");
  t.key("evaluate.spatial_period", SPNODE_FIELD(evaluate.spatial_period), at_least(0), "length",
        "components are values on a periodic grid of this length: density of (u_x, u_xx), energies; 0: no");
  t.key("evaluate.conserved", SPNODE_FIELD(evaluate.conserved), any(), "",
        "weights w of a conserved quantity w . u, whose drift is measured; []: none");
  t.key("evaluate.long_run", SPNODE_FIELD(evaluate.long_run), at_least(0), "time",
        "length of a forecast, not stored, in steps of the data's first interval: is it bounded? 0: none");
  t.key("evaluate.require_valid_time", SPNODE_FIELD(evaluate.require_valid_time), at_least(0), "time",
        "status 4 where the mean valid prediction time is less; 0: no check");
  t.key("evaluate.require_error", SPNODE_FIELD(evaluate.require_error), at_least(0), "",
        "status 4 where the mean relative error is more; 0: no check");

  t.section("spectrum", "Eigenvalues of the learned linear part and the bound mu.");
  t.key("spectrum.model", SPNODE_FIELD(spectrum.model), any(), "",
        "model file; empty: model.h5 in the run directory");
  t.key("spectrum.count", SPNODE_FIELD(spectrum.count), any(), "",
        "eigenvalues of largest real part; 0: all up to dense_limit, 20 above it");
  t.key("spectrum.dense_limit", SPNODE_FIELD(spectrum.dense_limit), any(), "",
        "up to this dimension LAPACK computes all of them, above it Krylov-Schur");
  t.key("spectrum.tolerance", SPNODE_FIELD(spectrum.tolerance), at_least(0), "",
        "changes of A_L so large, relative to its norm, break no bound");
}

}  // namespace

void add_training_keys(KeyTable& t) {
  add_integrator_and_loss(t);
  add_trainer(t);
  add_optimizers(t);
}

void add_result_keys(KeyTable& t) {
  add_forecast(t);
  add_reports(t);
}

}  // namespace spnode::app
