#pragma once
/// Steps of a fast-slow model that change to its slow manifold.

#include "core/forecast/options.hpp"
#include "core/integrators/adaptive_steps.hpp"
#include "core/integrators/dynamics.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace spnode::core {

/// Crosses intervals with the full equations until |y| <= fast_tolerance, y the fast variables, which is
/// looked for after each step; then y = 0, and the rest of the interval belongs to the slow manifold.
///
/// The full equations take full_steps() equal steps in an interval, the slow manifold `substeps`, and in the
/// rest of an interval so many that none is longer; with a tolerance both take steps that are at most as long
/// (AdaptiveSteps). A lane's way depends on the lane alone. Lanes that are on the manifold have y = 0
/// exactly, so that states need nothing else to go on from: the same bits in whatever tile and piece of a
/// forecast.
template <class Real>
class HybridSteps {
 public:
  using Failure = typename AdaptiveSteps<Real>::Failure;
  struct Plan {
    HybridOptions options;
    std::size_t slow_dimension = 0;
    std::size_t substeps = 1;
    double tolerance = 0.0;  ///< of adaptive steps; 0: equal steps
    Failure failure = Failure::raise;
  };

  /// Dynamics of either mode, whose tables take unlisted lengths. Keeps references to both, and to the reader
  /// of their arguments.
  HybridSteps(const Dynamics<Real>& full, const Dynamics<Real>& slow, const ArgumentReader& arguments,
              const Plan& plan);

  /// As AdaptiveSteps::advance.
  void advance(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u, Scratch<Real>& scratch);

  /// The first time in the last interval at which a lane was on the slow manifold; infinity: it was not.
  double reached(std::size_t lane) const { return lanes_[lane].reached; }

 private:
  using HostStates = typename AdaptiveSteps<Real>::HostStates;
  struct Lane {
    std::uint64_t full = 0, slow = 0;  // steps of the full equations in the interval, and on the manifold
    double full_length = 0.0, slow_length = 0.0;  // of all of them together
    double reached = 0.0;
  };
  // The equal steps of a lane: `count` of length h, from the time `begin` to the end of the interval.
  struct March {
    std::uint64_t count = 0, done = 0;
    double h = 0.0, begin = 0.0;

    bool moves() const { return done < count; }
    double time(std::uint64_t steps, double end) const {
      return steps == count ? end : begin + double(steps) / double(count) * (end - begin);
    }
  };

  void begin(const LaneTimes& interval, HostStates& states);
  void enter(std::size_t l, HostStates& states, double time);
  void leave_full(std::size_t l, double share, double length);
  bool is_near(const HostStates& states, std::size_t lane) const;
  void cross_equally(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u, HostStates& host,
                     Scratch<Real>& scratch);
  void assign(const Dynamics<Real>& dynamics, const LaneTimes& interval);
  void look_for_manifold(std::size_t l, double end, HostStates& states);
  void march(const ExecSpace& space, const Dynamics<Real>& dynamics, const LaneTimes& interval,
             MatrixView<Real> u, HostStates& host, Scratch<Real>& scratch);
  void cross_adaptively(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u,
                        HostStates& host, Scratch<Real>& scratch);

  const Dynamics<Real>&full_, &slow_;
  const ArgumentReader& arguments_;
  Plan plan_;
  std::optional<AdaptiveSteps<Real>> full_steps_, slow_steps_;  // with a tolerance
  std::vector<Lane> lanes_;
  std::vector<March> marches_;
  std::vector<double> h_, times_, lengths_;
  std::vector<std::uint64_t> parts_;
  RolloutSteps<Real> steps_;
};

}  // namespace spnode::core
