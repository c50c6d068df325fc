#pragma once
/// Maps of a model that are linear in some of their parameters, as least squares see them.

#include "core/components/component.hpp"
#include "core/memory/types.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {
template <class Real>
class ConstantMap;
template <class Real>
class Library;
template <class Real>
class Network;
}  // namespace spnode::core

namespace spnode::training {

/// The point [u; q] at which features are taken, on the host.
struct FeaturePoint {
  std::span<const double> u;         ///< latent state; the given part of it for a conditioner
  std::span<const double> q;         ///< arguments as they are in the file
  std::span<const double> q_scaled;  ///< as networks see them
};

/// y = W f(u, q) of a map: the features f are those of a library of functions, what the last layer of a
/// network is applied to, with a one, or a one alone for a constant map; the other parameters have been
/// chosen.
class LinearParameters {
 public:
  /// Keeps references to both. Raises UsageError where the map is not linear in parameters.
  LinearParameters(const core::LaneMap<double>& map, std::span<const double> theta);

  std::size_t features() const { return features_; }
  void evaluate(const FeaturePoint& at, std::span<double> f) const;

  /// Puts W (outputs, features()) into theta.
  void set(std::span<const double> W, std::span<double> theta) const;

 private:
  const core::ConstantMap<double>* constant_;
  const core::Library<double>* library_;
  const core::Network<double>* network_;
  std::span<const double> theta_;
  std::size_t features_ = 1, outputs_;
  core::Matrix<double> values_;  // of the library, one lane
};

}  // namespace spnode::training
