#pragma once
/// The Jacobian of a trained model at given states.

#include "core/data/trajectories.hpp"
#include "core/integrators/rollout_steps.hpp"
#include "core/memory/scratch.hpp"
#include "core/vector_field/coordinates.hpp"
#include "core/vector_field/vector_field.hpp"

#include <span>
#include <vector>

namespace spnode::core {

/// Products of the Jacobian dF/dx of a model's right-hand side in the units of the state with vectors. With
/// linear coordinates u = E z, z = D u, of the scaled state z = (x - shift) / scale,
///   dx/dt = F(x) = scale D f(E z),  (dF/dx) v = scale D (df/du) E (v / scale).
class JacobianProducts {
 public:
  /// Whether the coordinates of a model are linear: the identity, or an autoencoder without networks.
  static bool defined_for(const ModelOptions& options);

  /// theta: the model's parameters; keeps a reference to the model, whose coordinates are linear. Raises
  /// NumericalError where A is not finite.
  JacobianProducts(const Model& model, std::span<const double> theta);

  JacobianProducts(const JacobianProducts&) = delete;
  JacobianProducts& operator=(const JacobianProducts&) = delete;

  /// products (times, tangents, components), overwritten: with the directions of a trajectory of `data` at
  /// its states. Raises UsageError where the data lack what the model depends on. Not collective.
  void compute(const Trajectories& data, std::size_t trajectory, std::span<double> products);

 private:
  const Model& model_;
  VectorField<double> field_;
  Coordinates<double> coordinates_;
  ArgumentReader arguments_;
  ExecSpace space_;
  Scratch<double> scratch_;
  std::vector<double> host_;  // staging
};

}  // namespace spnode::core
