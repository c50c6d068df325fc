#include "core/integrators/rollout.hpp"

#include "core/kernels/elementwise.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
std::size_t Rollout<Real>::segment_length() const {
  return plan_.checkpoint_interval == 0 ? steps_ : std::min(plan_.checkpoint_interval, steps_);
}

template <class Real>
MatrixView<Real> Rollout<Real>::tape(std::size_t step) const {
  const std::size_t rows = dynamics_.integrator().tape_rows();
  return MatrixView<Real>(tapes_.data() + step * rows * lanes_, rows, lanes_);
}

// Steps [first, last) from segment_'s first state on, with their tapes.
template <class Real>
void Rollout<Real>::run_segment(const StepContext<Real>& context, const RolloutSteps<Real>& steps,
                                std::size_t first, std::size_t last) const {
  for (std::size_t i = first; i < last; ++i)
    dynamics_.integrator().step(context, steps.step(i, plan_.substeps), state(segment_, i - first),
                                state(segment_, i - first + 1), tape(i - first));
}

template <class Real>
void Rollout<Real>::forward(const ExecSpace& space, const RolloutSteps<Real>& steps, MatrixView<Real> states,
                            Record record, Scratch<Real>& scratch) {
  lanes_ = states.extent(1) / (steps.intervals() + 1);
  steps_ = steps.count(plan_.substeps);
  const std::size_t n = states.extent(0);
  const std::size_t rows = dynamics_.integrator().tape_rows();
  // Without a record two states and one tape are enough.
  const std::size_t length = record == Record::yes ? segment_length() : 1;
  const std::size_t segments = (steps_ + length - 1) / length;
  kept_ = scratch.matrix(n, record == Record::yes ? segments * lanes_ : 0);
  segment_ = scratch.matrix(n, (length + 1) * lanes_);
  tapes_ = scratch.vector(length * rows * lanes_);

  const StepContext<Real> context = dynamics_.context(space, scratch);
  scaled_copy(space, 1.0, state(states, 0), state(segment_, 0));
  for (std::size_t first = 0; first < steps_; first += length) {
    const std::size_t last = std::min(first + length, steps_);
    if (record == Record::yes) scaled_copy(space, 1.0, state(segment_, 0), state(kept_, first / length));
    run_segment(context, steps, first, last);
    for (std::size_t i = first; i < last; ++i)
      if (const auto time = steps.time_after(i + 1, plan_.substeps))
        scaled_copy(space, 1.0, state(segment_, i + 1 - first), state(states, *time));
    if (last < steps_) scaled_copy(space, 1.0, state(segment_, last - first), state(segment_, 0));
  }
}

template <class Real>
void Rollout<Real>::reverse(const ExecSpace& space, const RolloutSteps<Real>& steps,
                            MatrixView<Real> states_bar, VectorView<Real> bar, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = states_bar.extent(0), length = segment_length();
  const auto bars = cut(bar, dynamics_.linear_count());
  const StepContext<Real> context = dynamics_.context(space, scratch);
  MatrixView<Real> next_bar = scratch.matrix(n, lanes_), u_bar = scratch.matrix(n, lanes_);
  scaled_copy(space, 1.0, state(states_bar, steps.intervals()), next_bar);
  const std::size_t segments = (steps_ + length - 1) / length;
  for (std::size_t segment = segments; segment-- > 0;) {
    const std::size_t first = segment * length, last = std::min(first + length, steps_);
    if (segments > 1) {
      scaled_copy(space, 1.0, state(kept_, segment), state(segment_, 0));
      run_segment(context, steps, first, last);
    }
    for (std::size_t i = last; i-- > first;) {
      if (const auto time = steps.time_after(i, plan_.substeps))
        scaled_copy(space, 1.0, state(states_bar, *time), u_bar);
      else
        fill(space, 0.0, u_bar);
      dynamics_.integrator().step_vjp(context, steps.step(i, plan_.substeps), state(segment_, i - first),
                                      tape(i - first), {next_bar, u_bar, bars.linear, bars.nonlinear});
      std::swap(next_bar, u_bar);
    }
  }
  scaled_copy(space, 1.0, next_bar, state(states_bar, 0));
}

template <class Real>
void Rollout<Real>::tangent(const ExecSpace& space, const RolloutSteps<Real>& steps,
                            MatrixView<Real> states_dot, ConstVectorView<Real> dot,
                            Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = states_dot.extent(0), length = segment_length();
  const auto dots = cut(dot, dynamics_.linear_count());
  const StepContext<Real> context = dynamics_.context(space, scratch);
  MatrixView<Real> u_dot = scratch.matrix(n, lanes_), next_dot = scratch.matrix(n, lanes_);
  scaled_copy(space, 1.0, state(states_dot, 0), u_dot);
  for (std::size_t first = 0; first < steps_; first += length) {
    const std::size_t last = std::min(first + length, steps_);
    if (length < steps_) {
      scaled_copy(space, 1.0, state(kept_, first / length), state(segment_, 0));
      run_segment(context, steps, first, last);
    }
    for (std::size_t i = first; i < last; ++i) {
      dynamics_.integrator().step_jvp(context, steps.step(i, plan_.substeps), state(segment_, i - first),
                                      tape(i - first), {u_dot, dots.linear, dots.nonlinear, next_dot});
      std::swap(u_dot, next_dot);
      if (const auto time = steps.time_after(i + 1, plan_.substeps))
        scaled_copy(space, 1.0, u_dot, state(states_dot, *time));
    }
  }
}

template class Rollout<double>;
template class Rollout<float>;

}  // namespace spnode::core
