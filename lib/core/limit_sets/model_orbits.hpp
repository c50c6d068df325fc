#pragma once
/// Orbits of a model.

#include "core/forecast/forecast.hpp"
#include "core/limit_sets/orbits.hpp"
#include "core/vector_field/vector_field.hpp"

#include <optional>
#include <span>
#include <vector>

namespace spnode::core {

/// Orbits in the latent space of a model under its scheme, one from each first state of `start` with the
/// parameters that it has there; a map where the scheme is one. They are computed in double, in tiles.
///
/// A maximum stands on the cubic through both ends of a step with their rates of change: a state with an
/// error of the order of step^4 along the orbit.
class ModelOrbits final : public Orbits {
 public:
  /// `step`: of a flow, time. Keeps references to the model and to `start`. Raises UsageError where `start`
  /// lacks a parameter, OptionError (inputs) where the model depends on inputs or time, NumericalError where
  /// its operators are not finite.
  ModelOrbits(const Model& model, std::span<const double> theta, const IntegratorOptions& integrator,
              const Trajectories& start, double step);

  std::size_t count() const override { return count_; }
  std::size_t dimension() const override { return model_.latent_dimension(); }
  bool is_map() const override { return is_map_; }
  void advance() override;
  double state(std::size_t orbit, std::size_t i) const override { return u_host_(i, orbit); }
  double normalise_tangent(std::size_t orbit) override;
  double rate(std::size_t orbit, std::size_t i) const override { return f_host_(i, orbit); }
  double maximum(std::size_t orbit, std::size_t i, std::span<double> u) const override;
  std::vector<double> shown(const std::vector<double>& states) const override;

 private:
  using HostMatrix = Matrix<double>::HostMirror;
  void compute_rates();
  double step_length() const { return is_map_ ? 1.0 : step_; }

  const Model& model_;
  bool is_map_;
  double step_;
  std::size_t count_, lanes_;
  mutable BasicForecaster<double> forecaster_;  // between states and latent states
  Dynamics<double> dynamics_;
  std::optional<VectorField<double>> field_;  // of a flow
  ExecSpace space_;
  Scratch<double> scratch_;
  RolloutSteps<double> steps_;
  ArgumentReader arguments_;
  Vector<double> no_dot_;  // of the coefficients
  Matrix<double> q_, u_, v_, f_, next_, next_dot_;
  HostMatrix u_host_, v_host_, f_host_, u_before_, f_before_;
};

}  // namespace spnode::core
