#pragma once
/// Adam and AdamW: the update of the parameters and the safeguard against non-finite steps.

#include "core/components/parameters.hpp"
#include "training/options.hpp"
#include "training/trainer_state.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::training {

/// With g the gradient, clipped to the norm `clip`, and t the number of updates (Kingma and Ba 2015,
/// algorithm 1):
///
///     m <- beta1 m + (1 - beta1) g,            m^ = m / (1 - beta1^t)
///     v <- beta2 v + (1 - beta2) g^2,          v^ = v / (1 - beta2^t)
///     theta <- theta - r (m^ / (sqrt(v^) + epsilon) + weight_decay theta)
///
/// The last term is the decoupled decay of AdamW (Loshchilov and Hutter 2019). r is the learning rate,
/// times autoencoder_rate_factor for blocks of that group, times a shrink factor s. Frozen blocks are never
/// touched.
///
/// Safeguard: where loss or gradient are not finite, theta goes back to the last point where they were and s
/// is halved (down to 1/4); every good step lets s grow by 2 % up to 1 again. Nothing here communicates.
class Adam {
 public:
  /// Updates the parameters that this rank keeps of `parts`. Raises UsageError for an option outside its
  /// range.
  Adam(const AdamOptions& options, const core::ParameterLayout& layout, const parallel::VectorParts& parts);

  /// The state before the first step at theta.
  AdamState start(std::span<const double> theta) const;

  /// One update with a finite gradient of Euclidean norm `gradient_norm`; the entries of other ranks stay as
  /// they are. Allocates nothing.
  /// @param theta (layout.size()) in and out
  void update(std::span<double> theta, std::span<const double> gradient, double gradient_norm, double rate,
              AdamState& state) const;

  /// Undoes the last update of this rank's entries, since theta gave a non-finite loss or gradient.
  void reject(std::span<double> theta, AdamState& state) const;

 private:
  struct Trainable {
    std::size_t begin, end;
    double rate_factor;
  };

  AdamOptions options_;
  parallel::VectorParts parts_;
  std::vector<Trainable> trainable_;
};

}  // namespace spnode::training
