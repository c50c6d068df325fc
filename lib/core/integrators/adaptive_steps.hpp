#pragma once
/// Steps whose lengths follow an estimate of their error, lane by lane.

#include "core/integrators/dynamics.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace spnode::core {

/// Crosses intervals in steps h / 2^k, h = interval / substeps: operators exist once for each number k of
/// halvings and are shared by the lanes that take it.
///
/// The error of a step is what the scheme's embedded one differs by (Dormand-Prince), else that of two halves
/// of the step: it is done whole and in two halves, the halves are kept, and the difference over 2^p - 1
/// estimates their error, p the order of the scheme (Hairer, Norsett, Wanner, Solving Ordinary Differential
/// Equations I, II.4). A lane's steps depend on the lane alone, and each interval starts with the longest
/// step: the same bits in whatever tile and piece of a forecast.
template <class Real>
class AdaptiveSteps {
 public:
  /// A step is halved so often at most: where no functions of h A are formed, jumps may be short.
  static constexpr std::size_t most_halvings(Scheme scheme) { return is_rosenbrock(scheme) ? 30 : 16; }
  static constexpr std::size_t most_steps = 10000;  ///< of a lane in an interval, where failures diverge

  /// What becomes of a lane whose shortest step still misses the tolerance.
  enum class Failure {
    raise,   ///< NumericalError
    diverge  ///< its states are not finite from there on
  };

  /// All step lengths that advance() may take where `steps` are the longest ones.
  static std::vector<double> lengths(const std::vector<double>& steps, Scheme scheme);

  /// `tolerance`: of a step's error, root mean square over the latent components, relative to 1 plus that of
  /// the state. Keeps references to the dynamics, whose table must hold the lengths, and to the reader of
  /// their arguments.
  AdaptiveSteps(const Dynamics<Real>& dynamics, const ArgumentReader& arguments, std::size_t substeps,
                double tolerance, Failure failure = Failure::raise)
      : dynamics_(dynamics),
        arguments_(arguments),
        most_halvings_(most_halvings(dynamics.scheme())),
        substeps_(substeps),
        tolerance_(tolerance),
        failure_(failure) {}

  /// States (n, lanes) on the host.
  using HostStates = decltype(Kokkos::create_mirror_view(std::declval<const MatrixView<Real>&>()));

  /// Ways of the lanes through an interval, where they differ.
  struct Ways {
    std::span<const std::uint64_t> parts;  ///< (lanes): a step is at most length / parts; 0: the lane stays
    std::span<const double> lengths;       ///< (lanes)
    /// Whether a lane ends its way behind a step that led it here; empty: none does.
    std::function<bool(const HostStates& states, std::size_t lane)> ends;
  };

  /// u (n, lanes) = the states after an interval that begins at interval.times (lanes) and ends at the next
  /// (lanes) of them. Raises NumericalError, unless failures diverge, where the shortest step still misses
  /// the tolerance or states are not finite.
  void advance(const ExecSpace& space, const LaneTimes& interval, MatrixView<Real> u, Scratch<Real>& scratch);

  /// The same along `ways`.
  void advance(const ExecSpace& space, const LaneTimes& interval, const Ways& ways, MatrixView<Real> u,
               Scratch<Real>& scratch);

  /// What a lane that ended its way has left of it; the same wherever the interval stands.
  struct Left {
    double share, length, time;  ///< of its way; and the time at which it ended
  };
  Left left(const LaneTimes& interval, std::size_t lane) const;
  bool ended(std::size_t lane) const { return lanes_[lane].ended; }

  /// A step of the last advance().
  struct Taken {
    double h, end;  ///< its length, and the time at its end
  };
  /// Those of a lane, in their order.
  std::span<const Taken> taken(std::size_t lane) const { return taken_[lane]; }
  bool diverged(std::size_t lane) const { return lanes_[lane].failed; }

 private:
  struct Lane {
    std::uint64_t parts = 0;  // of its longest step
    double length = 0.0;
    std::uint64_t position = 0;  // in shortest steps
    std::size_t halvings = 0;
    bool failed = false, ended = false;

    double longest() const { return length / double(parts); }
  };
  // Where a try of a step puts its result and what estimates its error, both (n, lanes).
  struct Try {
    MatrixView<Real> next, error;
  };
  std::uint64_t end(const Lane& lane) const { return lane.parts << most_halvings_; }
  bool finished(const Lane& lane) const { return lane.ended || lane.position == end(lane); }
  double time_at(const LaneTimes& interval, std::size_t l, std::uint64_t position) const;
  void take(const LaneTimes& interval, std::size_t l, std::uint64_t from, std::size_t halvings);
  void fail(Lane& lane) const;
  // Steps of lane l's length over 2^finer, the `half`-th of them from its position on.
  void assign(const LaneTimes& interval, std::size_t finer, std::size_t half, RolloutSteps<Real>& steps);
  void try_step(const StepContext<Real>& context, const LaneTimes& interval, ConstMatrixView<Real> u,
                const Try& result, MatrixView<Real> tape);
  void move(Lane& lane, double error) const;

  const Dynamics<Real>& dynamics_;
  const ArgumentReader& arguments_;
  std::size_t most_halvings_, substeps_;
  double tolerance_;
  Failure failure_;
  std::vector<Lane> lanes_;
  std::vector<std::vector<Taken>> taken_;  // of the lanes
  std::vector<double> h_, times_, lengths_;
  std::vector<std::uint64_t> parts_;
  RolloutSteps<Real> steps_;
};

}  // namespace spnode::core
