#include "core/integrators/adaptive_steps.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {

namespace {

/// Error of lane l of `fine`, of a step of order p, over 1 plus the size of the state; both root mean
/// squares.
template <class Host>
double lane_error(const Host& coarse, const Host& fine, std::size_t l, int order) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < fine.extent(0); ++i) {
    const double d = double(coarse(i, l)) - double(fine(i, l));
    difference += d * d;
    size += double(fine(i, l)) * double(fine(i, l));
  }
  const double n = double(fine.extent(0));
  return std::sqrt(difference / n) / (std::ldexp(1.0, order) - 1.0) / (1.0 + std::sqrt(size / n));
}

}  // namespace

template <class Real>
std::vector<double> AdaptiveSteps<Real>::lengths(const std::vector<double>& steps) {
  std::vector<double> all;
  for (const double h : steps)
    for (std::size_t k = 0; k <= most_halvings; ++k) all.push_back(std::ldexp(h, -int(k)));
  return all;
}

template <class Real>
void AdaptiveSteps<Real>::assign(std::span<const double> interval, std::size_t finer,
                                 TileSteps<Real>& steps) {
  h_.resize(lanes_.size());
  for (std::size_t l = 0; l < lanes_.size(); ++l)
    h_[l] = std::ldexp(interval[l] / double(substeps_), -int(lanes_[l].halvings + finer));
  steps.assign(dynamics_.table(), h_, 1, lanes_.size());
}

// After a try with the lane's step: on, or the same again with half of it.
template <class Real>
void AdaptiveSteps<Real>::move(Lane& lane, double error) const {
  if (!(error <= tolerance_)) {
    if (++lane.halvings == most_halvings)  // its half would leave the lengths
      throw NumericalError("an adaptive step of 2^-" + std::to_string(most_halvings) +
                           " of the longest one misses the tolerance " + shortest(tolerance_) +
                           ": the forecast has diverged, or asks for more digits than there are");
    return;
  }
  lane.position += std::uint64_t{1} << (most_halvings - lane.halvings);
  // A step twice as long errs 2^(p+1) times as much, and must begin at a multiple of itself.
  const double growth = std::ldexp(1.0, dynamics_.integrator().order() + 1);
  const bool aligned =
      lane.halvings > 0 && lane.position % (std::uint64_t{2} << (most_halvings - lane.halvings)) == 0;
  if (aligned && 2.0 * growth * error < tolerance_) --lane.halvings;
}

template <class Real>
void AdaptiveSteps<Real>::advance(const ExecSpace& space, std::span<const double> interval,
                                  MatrixView<Real> u, Scratch<Real>& scratch) {
  const ScratchFrame<Real> frame(scratch);
  const std::size_t n = u.extent(0), lanes = u.extent(1);
  const Integrator<Real>& scheme = dynamics_.integrator();
  const MatrixView<Real> coarse = scratch.matrix(n, lanes), middle = scratch.matrix(n, lanes),
                         fine = scratch.matrix(n, lanes),
                         tape = scratch.matrix(scheme.tape_rows(dynamics_.rate()), lanes);
  const StepContext<Real> context{space, dynamics_.linear(), dynamics_.rate(), scratch};
  const auto host = Kokkos::create_mirror_view(u);
  const auto coarse_host = Kokkos::create_mirror_view(coarse), fine_host = Kokkos::create_mirror_view(fine);
  lanes_.assign(lanes, {});
  Kokkos::deep_copy(host, u);
  while (!std::all_of(lanes_.begin(), lanes_.end(), [this](const Lane& lane) { return finished(lane); })) {
    // Finished lanes go on for nothing: what they compute is thrown away.
    assign(interval, 0, whole_);
    assign(interval, 1, half_);
    scheme.step(context, whole_.interval(0), u, coarse, tape);
    scheme.step(context, half_.interval(0), u, middle, tape);
    scheme.step(context, half_.interval(0), middle, fine, tape);
    Kokkos::deep_copy(coarse_host, coarse);
    Kokkos::deep_copy(fine_host, fine);
    for (std::size_t l = 0; l < lanes; ++l) {
      if (finished(lanes_[l])) continue;
      const std::uint64_t before = lanes_[l].position;
      move(lanes_[l], lane_error(coarse_host, fine_host, l, scheme.order()));
      if (lanes_[l].position == before) continue;
      for (std::size_t i = 0; i < n; ++i) host(i, l) = fine_host(i, l);
    }
    Kokkos::deep_copy(u, host);
  }
}

template class AdaptiveSteps<double>;
template class AdaptiveSteps<float>;

}  // namespace spnode::core
