#include "core/integrators/continuous_adjoint.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

/// Y(:, l) = h(l) X(:, l).
template <class Real>
void scale_lanes(const ExecSpace& space, const ConstVectorView<Real>& h, const ConstMatrixView<Real>& X,
                 const MatrixView<Real>& Y) {
  for_each_row(
      "scale_lanes", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) Y(i, l) = h(l) * X(i, l);
      });
}

std::size_t place_of(std::span<const double> abscissae, double c) {
  const auto found = std::ranges::find(abscissae, c);
  if (found == abscissae.end())
    throw UsageError("the continuous adjoint needs the arguments of the scheme rk4");
  return std::size_t(found - abscissae.begin());
}

}  // namespace

template <class Real>
ContinuousAdjoint<Real>::ContinuousAdjoint(const VectorField<Real>& field, std::size_t substeps,
                                           std::span<const double> abscissae)
    : field_(field),
      substeps_(substeps),
      begin_(place_of(abscissae, 0.0)),
      middle_(place_of(abscissae, 0.5)),
      end_(place_of(abscissae, 1.0)) {}

// From the end of a step to its beginning; u and a are overwritten.
template <class Real>
void ContinuousAdjoint<Real>::step_back(const ExecSpace& space, const Step<Real>& step, const Pair& at,
                                        VectorView<Real> bar, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = at.u.extent(0), lanes = at.u.extent(1);
  const auto take = [&] { return scratch.matrix(n, lanes); };
  const Pair start{take(), take()}, stage{take(), take()}, slope{take(), take()};  // slopes times h
  const MatrixView<Real> f = take(), weighted = take(), tape = scratch.matrix(field_.tape_rows(), lanes);
  const VectorView<Real> stage_bar = scratch.vector(bar.extent(0));
  const MatrixView<Real> stage_bars(stage_bar.data(), 1, bar.extent(0)), bars(bar.data(), 1, bar.extent(0));
  scaled_copy(space, 1.0, at.u, start.u);
  scaled_copy(space, 1.0, at.a, start.a);

  constexpr double c[] = {0.0, 0.5, 0.5, 1.0}, b[] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  const std::size_t arguments[] = {end_, middle_, middle_, begin_};
  for (std::size_t j = 0; j < 4; ++j) {
    scaled_copy(space, 1.0, start.u, stage.u);
    scaled_copy(space, 1.0, start.a, stage.a);
    if (j > 0) {
      axpy(space, -c[j], slope.u, stage.u);
      axpy(space, c[j], slope.a, stage.a);
    }
    const Point<Real> x(stage.u, step.arguments.at(arguments[j]));
    field_.value(space, x, f, tape, scratch);
    scale_lanes<Real>(space, step.lengths.h, f, slope.u);
    scale_lanes<Real>(space, step.lengths.h, stage.a, weighted);
    fill(space, 0.0, slope.a);
    fill(space, 0.0, stage_bars);
    field_.vjp(space, {x, tape, weighted, slope.a, stage_bar}, scratch);
    axpy(space, -b[j], slope.u, at.u);
    axpy(space, b[j], slope.a, at.a);
    axpy(space, b[j], stage_bars, bars);
  }
}

template <class Real>
void ContinuousAdjoint<Real>::reverse(const ExecSpace& space, const RolloutSteps<Real>& steps,
                                      ConstMatrixView<Real> states, MatrixView<Real> states_bar,
                                      VectorView<Real> bar, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t n = states.extent(0), lanes = states.extent(1) / (steps.intervals() + 1);
  const Pair at{scratch.matrix(n, lanes), scratch.matrix(n, lanes)};
  scaled_copy(space, 1.0, lanes_of(states_bar, steps.intervals() * lanes, lanes), at.a);
  for (std::size_t k = steps.intervals(); k-- > 0;) {
    scaled_copy(space, 1.0, lanes_of(states, (k + 1) * lanes, lanes), at.u);
    for (std::size_t s = substeps_; s-- > 0;)
      step_back(space, steps.step(k * substeps_ + s, substeps_), at, bar, scratch);
    axpy(space, 1.0, lanes_of(states_bar, k * lanes, lanes), at.a);
  }
  scaled_copy(space, 1.0, at.a, lanes_of(states_bar, 0, lanes));
}

template class ContinuousAdjoint<double>;
template class ContinuousAdjoint<float>;

}  // namespace spnode::core
