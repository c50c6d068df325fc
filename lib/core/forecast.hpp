#pragma once
/// A trained model run forward (or backward) from given states.

#include "core/autoencoder_map.hpp"
#include "core/data/trajectories.hpp"
#include "core/dynamics.hpp"

#include <span>
#include <vector>

namespace spnode::core {

struct ForecastOptions {
  IntegratorOptions integrator;
  std::size_t tile = 64;  ///< trajectories computed at a time
};

/// The lengths of a forecast's steps over a set of times, without repetitions.
std::vector<double> forecast_steps(const Trajectories& grid, std::size_t substeps);

/// Runs a model, in tiles of Real, over the time grids of trajectories. Memory for temporaries does not grow
/// with the number of times.
template <class Real>
class BasicForecaster {
 public:
  /// theta: the model's parameters. `steps`: all step lengths that run() will meet. Raises NumericalError
  /// where the model's operators are not finite.
  BasicForecaster(const Model& model, std::span<const double> theta, ForecastOptions options,
                  std::vector<double> steps);

  BasicForecaster(const BasicForecaster&) = delete;
  BasicForecaster& operator=(const BasicForecaster&) = delete;

  MatrixFunctionMethod method() const { return method_; }

  /// Overwrites the states after the first of every trajectory with the forecast from the first, on the
  /// trajectory's own times (either direction). With an autoencoder the first state is replaced by its
  /// reconstruction. Where a forecast diverges the states are not finite from there on.
  void run(Trajectories& trajectories);

 private:
  void run_tile(Trajectories& trajectories, std::size_t first, std::size_t count);
  void assign_steps(const Trajectories& trajectories, std::size_t first, std::size_t count, std::size_t start,
                    std::size_t intervals);
  void store(Trajectories& trajectories, std::size_t first, std::size_t count, std::size_t start,
             MatrixView<Real> latent);

  BasicModel<Real> model_;
  ForecastOptions options_;
  StepTable table_;
  MatrixFunctionMethod method_;
  Dynamics<Real> dynamics_;
  AutoencoderMap<Real> autoencoder_;
  ExecSpace space_;
  Scratch<Real> scratch_;
  TileSteps<Real> steps_;
  std::vector<double> h_;
};

using Forecaster = BasicForecaster<double>;

}  // namespace spnode::core
