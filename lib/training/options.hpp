#pragma once
/// How a model is trained; plain options, filled by the application from the deck.

#include <cstddef>
#include <vector>

namespace spnode::training {

enum class ScheduleKind { constant, exponential, cosine };

/// Learning rate over the steps of one optimizer.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::cosine;
  double rate = 1e-2;        ///< after the warm-up
  double final_rate = 1e-5;  ///< cosine: reached at the last step; exponential: floor
  double decay = 0.99;       ///< exponential: factor per epoch
  std::size_t warmup = 50;   ///< steps of linear growth from 0
};

/// Adam (Kingma and Ba 2015); with weight_decay > 0 the decoupled AdamW (Loshchilov and Hutter 2019).
struct AdamOptions {
  std::size_t epochs = 100;
  ScheduleOptions schedule = {};
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0.0;
  double clip = 0.0;                              ///< largest global norm of the gradient; 0: no clipping
  double autoencoder_rate_factor = 1.0;           ///< the autoencoder's learning rate over the others'
  std::vector<std::size_t> rollout_lengths = {};  ///< intervals of the windows that are rolled out, each for
                                                  ///< an equal share of the epochs; empty: all
};

/// Limited-memory BFGS on the full batch (TAOLMVM), in cycles: the memory is cleared between cycles, which is
/// where checkpoints are taken.
struct LbfgsOptions {
  std::size_t iterations = 500;
  std::size_t cycle = 100;   ///< iterations between two clearings of the memory
  std::size_t history = 20;  ///< pairs kept
  double gradient_tolerance = 1e-12;
};

/// How the linear systems of Gauss-Newton steps are solved.
enum class NormalSolver {
  automatic,  ///< dense up to 1500 parameters that learn
  dense,      ///< the whole matrix and its Cholesky factor; robust where it is ill-conditioned
  cg          ///< conjugate gradients on products with it
};

/// Gauss-Newton steps on the full batch, damped as of Levenberg and Marquardt.
struct GaussNewtonOptions {
  std::size_t iterations = 100;
  double damping = 1e-3;  ///< at the start, relative to the size of the matrix
  NormalSolver solver = NormalSolver::automatic;
  std::size_t cg_iterations = 200;  ///< at most, of one solve
  double gradient_tolerance = 1e-14;
};

enum class OptimizerKind { adam, lbfgs, gauss_newton };

struct TrainingOptions {
  std::vector<OptimizerKind> optimizers = {OptimizerKind::adam};  ///< run one after the other
  std::size_t batch = 128;                                        ///< windows per step of Adam
  std::size_t tile = 32;  ///< windows that one rank computes at a time
  std::size_t summands =
      256;  ///< a batch's tiles form at most so many summands of the exact sum (and work shares)
  AdamOptions adam;
  LbfgsOptions lbfgs;
  GaussNewtonOptions gauss_newton;
  std::size_t pretrain_epochs = 0;     ///< epochs on the reconstruction alone before everything else
  double pretrain_rate = 1e-2;         ///< its learning rate (cosine, warm-up as adam's)
  std::size_t validate_every = 1;      ///< epochs between two validations
  std::size_t patience = 0;            ///< stop after so many validations without a better one; 0: never
  std::size_t spectrum_every = 10;     ///< epochs between two checks of the spectrum; 0: never
  std::size_t checkpoint_epochs = 10;  ///< epochs between two checkpoints; 0: never
  double checkpoint_minutes = 10.0;    ///< and minutes; 0: never
  std::size_t max_bad_steps = 20;      ///< consecutive non-finite steps before giving up with status 5
};

}  // namespace spnode::training
