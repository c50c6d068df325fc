#pragma once
/// How a model is trained.

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace spnode::training {

inline constexpr double most_epochs = 10000000;

enum class ScheduleKind { constant, exponential, cosine };

constexpr auto words_of(ScheduleKind) {
  return std::to_array<Word<ScheduleKind>>({{"constant", ScheduleKind::constant},
                                            {"exponential", ScheduleKind::exponential},
                                            {"cosine", ScheduleKind::cosine}});
}

/// Learning rate over the steps of one optimizer.
struct ScheduleOptions {
  ScheduleKind schedule = ScheduleKind::cosine;
  double rate = 1e-2;
  double final_rate = 1e-5;
  double decay = 0.99;
  std::size_t warmup = 50;

  static void describe(auto& visit) {
    using Self = ScheduleOptions;
    visit.option("schedule", &Self::schedule, {.meaning = "schedule of the learning rate"});
    visit.option("rate", &Self::rate, {.meaning = "learning rate after the warm-up", .limits = above(0)});
    visit.option(
        "final_rate", &Self::final_rate,
        {.meaning = "learning rate of the last step (cosine), lower limit of the learning rate (exponential)",
         .limits = at_least(0)});
    visit.option(
        "decay", &Self::decay,
        {.meaning = "exponential: factor of the learning rate per epoch", .limits = above(0).up_to(1)});
    visit.option("warmup", &Self::warmup,
                 {.meaning = "steps in which the learning rate grows linearly from 0", .unit = "steps"});
  }

  /// Raises OptionError.
  void validate() const {
    require_option(schedule == ScheduleKind::constant || final_rate <= rate, {"final_rate", "rate"},
                   "must not be above rate; found " + shortest(final_rate) + " and " + shortest(rate));
  }
};

/// Adam (Kingma and Ba 2015); with weight_decay > 0 the decoupled AdamW (Loshchilov and Hutter 2019).
struct AdamOptions {
  std::size_t epochs = 100;
  ScheduleOptions learning_rate = {};
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0.0;
  double clip = 0.0;
  double autoencoder_rate_factor = 1.0;
  std::vector<std::size_t> rollout_lengths = {};
  std::size_t shared_from = 1000000;

  static void describe(auto& visit) {
    using Self = AdamOptions;
    visit.option("epochs", &Self::epochs,
                 {.meaning = "passes over the windows", .unit = "epochs", .limits = between(1, most_epochs)});
    visit.include(&Self::learning_rate);
    visit.option("beta1", &Self::beta1,
                 {.meaning = "decay factor of the mean gradient", .limits = between(0, 1)});
    visit.option("beta2", &Self::beta2,
                 {.meaning = "decay factor of the mean squared gradient", .limits = between(0, 1)});
    visit.option("epsilon", &Self::epsilon,
                 {.meaning = "added to the root of the mean squared gradient", .limits = above(0)});
    visit.option(
        "weight_decay", &Self::weight_decay,
        {.meaning = "weight decay that is decoupled from the gradient (AdamW)", .limits = at_least(0)});
    visit.option("clip", &Self::clip,
                 {.meaning = "largest global norm of the gradient; 0: no clipping", .limits = at_least(0)});
    visit.option("autoencoder_rate_factor", &Self::autoencoder_rate_factor,
                 {.meaning = "learning rate of the autoencoder divided by that of the other parameters",
                  .limits = at_least(0)});
    visit.option("rollout_lengths", &Self::rollout_lengths,
                 {.meaning = "intervals of the windows that are rolled out; each entry holds for an equal "
                             "share of the epochs; []: all intervals",
                  .unit = "intervals",
                  .limits = at_least(1)});
    visit.option(
        "shared_from", &Self::shared_from,
        {.meaning = "from this number of parameters on each rank keeps and updates a part of them only, "
                    "with the same results",
         .unit = "parameters",
         .on_resume = OnResume::free});
  }
};

/// Limited-memory BFGS on the full batch (TAOLMVM), in cycles: the memory is cleared between cycles, which is
/// where checkpoints are taken.
struct LbfgsOptions {
  std::size_t iterations = 500;
  std::size_t cycle = 100;
  std::size_t history = 20;
  double gradient_tolerance = 1e-12;

  static void describe(auto& visit) {
    using Self = LbfgsOptions;
    visit.option("iterations", &Self::iterations,
                 {.meaning = "largest number of iterations", .limits = at_least(1)});
    visit.option(
        "cycle", &Self::cycle,
        {.meaning =
             "iterations between two restarts without stored pairs; checkpoints are written at restarts",
         .unit = "iterations",
         .limits = at_least(1)});
    visit.option("history", &Self::history,
                 {.meaning = "number of stored pairs", .limits = between(1, 10000)});
    visit.option("gradient_tolerance", &Self::gradient_tolerance,
                 {.meaning = "norm of the gradient at which the iteration stops", .limits = at_least(0)});
  }
};

/// How the linear systems of Gauss-Newton steps are solved.
enum class NormalSolver {
  automatic,  ///< dense up to 1500 parameters that learn
  dense,      ///< the whole matrix and its Cholesky factor; robust where it is ill-conditioned
  cg          ///< conjugate gradients on products with it
};

constexpr auto words_of(NormalSolver) {
  return std::to_array<Word<NormalSolver>>(
      {{"automatic", NormalSolver::automatic}, {"dense", NormalSolver::dense}, {"cg", NormalSolver::cg}});
}

/// Gauss-Newton steps on the full batch, damped as of Levenberg and Marquardt.
struct GaussNewtonOptions {
  std::size_t iterations = 100;
  double damping = 1e-3;
  NormalSolver solver = NormalSolver::automatic;
  std::size_t cg_iterations = 200;
  double gradient_tolerance = 1e-14;

  static void describe(auto& visit) {
    using Self = GaussNewtonOptions;
    visit.option("iterations", &Self::iterations,
                 {.meaning = "largest number of iterations", .limits = at_least(1)});
    visit.option("damping", &Self::damping,
                 {.meaning = "initial damping, relative to the size of the matrix", .limits = above(0)});
    visit.option("solver", &Self::solver,
                 {.meaning = "dense: Cholesky factorisation of the matrix; cg: conjugate gradients with "
                             "matrix-vector products; automatic: dense up to 1500 parameters"});
    visit.option("cg_iterations", &Self::cg_iterations,
                 {.meaning = "largest number of iterations of one solve", .limits = at_least(1)});
    visit.option("gradient_tolerance", &Self::gradient_tolerance,
                 {.meaning = "norm of the gradient at which the iteration stops", .limits = at_least(0)});
  }
};

enum class OptimizerKind { adam, lbfgs, gauss_newton };

constexpr auto words_of(OptimizerKind) {
  return std::to_array<Word<OptimizerKind>>({{"adam", OptimizerKind::adam},
                                             {"lbfgs", OptimizerKind::lbfgs},
                                             {"gauss_newton", OptimizerKind::gauss_newton}});
}

struct TrainingOptions {
  std::vector<OptimizerKind> optimizers = {OptimizerKind::adam};
  std::size_t batch = 128;
  std::size_t tile = 32;
  std::size_t summands = 256;  ///< of the exact sum, and work shares
  AdamOptions adam;
  LbfgsOptions lbfgs;
  GaussNewtonOptions gauss_newton;
  std::size_t starts = 1;
  std::size_t start_epochs = 10;
  std::size_t pretrain_epochs = 0;
  double pretrain_rate = 1e-2;  ///< cosine, warm-up as adam's
  std::size_t validate_every = 1;
  std::size_t patience = 0;
  std::size_t spectrum_every = 10;
  std::size_t checkpoint_epochs = 10;
  double checkpoint_minutes = 10.0;
  std::size_t max_bad_steps = 20;

  static void describe(auto& visit) {
    using Self = TrainingOptions;
    visit.option("optimizers", &Self::optimizers,
                 {.meaning = "optimizers, used in this order; []: the model is its start from the data"});
    visit.option("batch", &Self::batch,
                 {.meaning = "windows per step of adam; the other optimizers use all windows",
                  .unit = "windows",
                  .limits = at_least(1)});
    visit.option(
        "tile", &Self::tile,
        {.meaning = "windows that a rank computes together", .unit = "windows", .limits = at_least(1)});
    visit.option("summands", &Self::summands,
                 {.meaning = "largest number of work shares of a batch; at most so many ranks work",
                  .limits = at_least(1)});
    visit.option(
        "starts", &Self::starts,
        {.meaning = "starts of successive seeds that are trained for a short while; training goes on "
                    "from the one with the lowest validation loss",
         .limits = between(1, 10000)});
    visit.option("start_epochs", &Self::start_epochs,
                 {.meaning = "starts: epochs or iterations of each optimizer, at most",
                  .unit = "epochs",
                  .limits = between(1, most_epochs)});
    visit.option(
        "pretrain_epochs", &Self::pretrain_epochs,
        {.meaning = "epochs that train only the reconstruction of the autoencoder, before the optimizers",
         .unit = "epochs",
         .limits = between(0, most_epochs)});
    visit.option("pretrain_rate", &Self::pretrain_rate,
                 {.meaning = "learning rate of these epochs", .limits = above(0)});
    visit.option("validate_every", &Self::validate_every,
                 {.meaning = "epochs between two validations", .unit = "epochs", .limits = at_least(1)});
    visit.option("patience", &Self::patience,
                 {.meaning = "stop after this number of validations without improvement; 0: never",
                  .unit = "validations"});
    visit.option("spectrum_every", &Self::spectrum_every,
                 {.meaning = "epochs between two checks of the spectral bound; 0: never",
                  .unit = "epochs",
                  .on_resume = OnResume::free});
    visit.option("checkpoint_epochs", &Self::checkpoint_epochs,
                 {.meaning = "interval between two checkpoints; 0: none",
                  .unit = "epochs",
                  .on_resume = OnResume::free});
    visit.option("checkpoint_minutes", &Self::checkpoint_minutes,
                 {.meaning = "interval between two checkpoints; 0: none",
                  .unit = "minutes",
                  .limits = at_least(0),
                  .on_resume = OnResume::free});
    visit.option("max_bad_steps", &Self::max_bad_steps,
                 {.meaning = "successive non-finite steps that end the training with status 5",
                  .unit = "steps",
                  .limits = at_least(1)});
    visit.section("adam", &Self::adam, "Adam; AdamW with weight decay. Minibatches of windows.");
    visit.section("lbfgs", &Self::lbfgs, "Limited-memory BFGS (TAOLMVM); each iteration uses all windows.");
    visit.section("gauss_newton", &Self::gauss_newton,
                  "Gauss-Newton (Levenberg-Marquardt) iterations with all windows, for small models and high "
                  "accuracy.");
  }
};

}  // namespace spnode::training
