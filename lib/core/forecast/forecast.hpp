#pragma once
/// A trained model run forward (or backward) from given states.

#include "core/data/trajectories.hpp"
#include "core/forecast/hybrid_steps.hpp"
#include "core/forecast/options.hpp"
#include "core/integrators/adaptive_steps.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/vector_field/coordinates.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace spnode::core {

struct ForecastOptions {
  IntegratorOptions integrator;
  std::size_t tile = 64;  ///< trajectories computed at a time
  /// Of adaptive steps (core/integrators/adaptive_steps.hpp), which must succeed; 0: that of the integrator,
  /// with which forecasts may diverge.
  double tolerance = 0.0;
  ForecastMode mode = ForecastMode::full;
  HybridOptions hybrid = {};  ///< ForecastMode::hybrid
};

/// The lengths of a forecast's steps over a set of times, without repetitions. `fast_step`: that of
/// HybridOptions; 0 in other modes.
std::vector<double> forecast_steps(const Trajectories& grid, std::size_t substeps, double fast_step = 0.0);

/// Those over one interval.
std::vector<double> forecast_steps(double interval, std::size_t substeps, double fast_step);

/// The inputs that a model takes, as it interpolates them, at the trajectories' own times: each (count,
/// times), row major. At a jump of a held input the value that holds along the direction of the times. Raises
/// UsageError where the data lack one, or it is not given at a time.
std::map<std::string, std::vector<double>> inputs_at_times(const ArgumentOptions& options,
                                                           const Trajectories& trajectories);

/// Runs a model from given states, whatever the scalar of its tiles. Memory for temporaries does not grow
/// with the number of times. ForecastMode::slow: on the slow manifold, onto which the first states are
/// projected (their fast variables are set to zero). ForecastMode::hybrid: states are projected as soon as
/// they are near it (HybridSteps).
class Forecaster {
 public:
  virtual ~Forecaster() = default;

  /// Latent states of the first states of all trajectories, (count, latent dimension) row major.
  virtual std::vector<double> encode(const Trajectories& trajectories) = 0;

  /// Computes one piece of a longer forecast: overwrites all states of every trajectory with the forecast
  /// from the latent states `latent` (as of encode()) at the piece's first time, on the trajectory's own
  /// times (either direction), and `latent` with those at its last time. Pieces that follow each other give
  /// the bits of the whole. Where a forecast diverges the states are not finite from there on.
  virtual void run(Trajectories& piece, std::span<double> latent) = 0;

  /// ForecastMode::hybrid: for each trajectory of the last piece the first of its times, those of its clock,
  /// at which it was on the slow manifold; infinity: it was not. Empty in other modes.
  virtual std::span<const double> manifold_times() const = 0;

  /// The forecast from the first states. With an autoencoder they are replaced by their reconstruction.
  void run(Trajectories& trajectories) {
    std::vector<double> latent = encode(trajectories);
    run(trajectories, latent);
  }
};

/// A forecaster in tiles of Real.
template <class Real>
class BasicForecaster final : public Forecaster {
 public:
  /// theta: the model's parameters. `steps`: all step lengths that run() will meet; the longest ones where
  /// they are adaptive. Raises NumericalError where the model's operators are not finite; run() does where
  /// adaptive steps fail. Raises UsageError where the mode needs a slow manifold that the model does not
  /// have, and for a hybrid forecast backwards in time, in which the fast variables grow.
  BasicForecaster(const Model& model, std::span<const double> theta, ForecastOptions options,
                  std::vector<double> steps);

  BasicForecaster(const BasicForecaster&) = delete;
  BasicForecaster& operator=(const BasicForecaster&) = delete;

  MatrixFunctionMethod method() const { return method_; }

  using Forecaster::run;
  std::vector<double> encode(const Trajectories& trajectories) override;
  void run(Trajectories& piece, std::span<double> latent) override;
  std::span<const double> manifold_times() const override { return manifold_times_; }

 private:
  ConstMatrixView<Real> coordinate_parameters(const Trajectories& trajectories, std::size_t first,
                                              std::size_t count, std::size_t blocks);
  template <class HostStates>
  bool is_projected(const HostStates& states, std::size_t lane) const;
  void encode_tile(const Trajectories& trajectories, std::size_t first, std::size_t count, double* latent);
  void run_tile(Trajectories& piece, std::size_t first, std::size_t count, double* latent);
  void run_chunk(const Trajectories& piece, MatrixView<Real> states, std::size_t intervals);
  void run_hybrid_chunk(const Trajectories& piece, MatrixView<Real> states, std::size_t intervals);
  typename AdaptiveSteps<Real>::Failure failure() const;
  LaneTimes interval(std::size_t i) const {
    return {lanes_, std::span<const double>(times_).subspan(i * lanes_.size(), 2 * lanes_.size())};
  }
  void assign_steps(const Trajectories& trajectories, std::size_t first, std::size_t count, std::size_t start,
                    std::size_t intervals);
  void store(Trajectories& trajectories, std::size_t first, std::size_t count, std::size_t start,
             MatrixView<Real> latent);

  BasicModel<Real> model_;
  ForecastOptions options_;
  double tolerance_;  // 0: equal steps
  StepTable table_;
  MatrixFunctionMethod method_;
  Dynamics<Real> dynamics_;
  std::optional<Dynamics<Real>> manifold_;  // ForecastMode::hybrid: the slow one beside the full one
  Coordinates<Real> coordinates_;
  ExecSpace space_;
  Scratch<Real> scratch_;
  RolloutSteps<Real> steps_;
  ArgumentReader arguments_, coordinate_arguments_;  // of the model; of its coordinates
  std::vector<double> h_, times_, manifold_times_;
  std::vector<std::size_t> lanes_;  // trajectories of the tile
};

}  // namespace spnode::core
