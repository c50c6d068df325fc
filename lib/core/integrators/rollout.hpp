#pragma once
/// A tile's latent trajectory over the intervals of its data, and the exact adjoint.

#include "core/integrators/dynamics.hpp"

#include <cstddef>

namespace spnode::core {

/// What the reverse sweep keeps of the forward sweep, and what it computes again.
struct RolloutPlan {
  std::size_t substeps = 1;
  std::size_t checkpoint_interval =
      0;  ///< keep every k-th state and recompute between; 0: keep all states and tapes
};

/// Runs the dynamics over a tile. Temporaries live in the caller's scratch: between forward and reverse the
/// caller keeps a Scratch::Frame open.
template <class Real>
class Rollout {
 public:
  Rollout(const Dynamics<Real>& dynamics, RolloutPlan plan) : dynamics_(dynamics), plan_(plan) {}

  /// states: (n, (intervals + 1) lanes), block i of lanes at data time i; block 0 is given, the others
  /// overwritten. With `record`, what reverse needs is kept.
  enum class Record { no, yes };
  void forward(const ExecSpace& space, const RolloutSteps<Real>& steps, MatrixView<Real> states,
               Record record, Scratch<Real>& scratch);

  /// From the adjoint of all blocks: block 0 of states_bar becomes the adjoint of the initial state, the
  /// other blocks are used up. `bar`: adjoint of the coefficients of the dynamics, +=.
  void reverse(const ExecSpace& space, const RolloutSteps<Real>& steps, MatrixView<Real> states_bar,
               VectorView<Real> bar, Scratch<Real>& scratch) const;

  /// After forward with a record, any number of times: from block 0 of states_dot, shaped as the states, the
  /// tangents of the other blocks. `dot`: tangent of the coefficients of the dynamics.
  void tangent(const ExecSpace& space, const RolloutSteps<Real>& steps, MatrixView<Real> states_dot,
               ConstVectorView<Real> dot, Scratch<Real>& scratch) const;

 private:
  std::size_t segment_length() const;
  MatrixView<Real> state(const MatrixView<Real>& storage, std::size_t i) const {
    return lanes_of(storage, i * lanes_, lanes_);
  }
  MatrixView<Real> tape(std::size_t step) const;
  void run_segment(const StepContext<Real>& context, const RolloutSteps<Real>& steps, std::size_t first,
                   std::size_t last) const;

  const Dynamics<Real>& dynamics_;
  RolloutPlan plan_;
  std::size_t lanes_ = 0, steps_ = 0;
  MatrixView<Real> kept_;     // states at the start of each segment, blocks of lanes
  MatrixView<Real> segment_;  // states of the current segment
  VectorView<Real> tapes_;    // tapes of the steps of the current segment
};

}  // namespace spnode::core
