#pragma once
/// Steps whose lengths follow an estimate of their error, lane by lane.

#include "core/integrators/dynamics.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace spnode::core {

/// Crosses intervals in steps h / 2^k, h = interval / substeps: operators exist once for each halvings k of
/// this lengths and are shared by the lanes that stand on it.
///
/// A step is done twice as long and in two halves, and the halves are kept. Their difference over 2^p - 1
/// estimates the error of the halves, p the order of the scheme (Hairer, Norsett, Wanner, Solving Ordinary
/// Differential Equations I, II.4). A lane's steps depend on the lane alone, and each interval starts with
/// the longest step: the same bits in whatever tile and piece of a forecast.
template <class Real>
class AdaptiveSteps {
 public:
  static constexpr std::size_t most_halvings = 16;  ///< a step is halved so often at most

  /// All step lengths that advance() may take where `steps` are the longest ones.
  static std::vector<double> lengths(const std::vector<double>& steps);

  /// `tolerance`: of a step's error, root mean square over the latent components, relative to 1 plus that of
  /// the state. Keeps a reference to the dynamics, whose table must hold the lengths.
  AdaptiveSteps(const Dynamics<Real>& dynamics, std::size_t substeps, double tolerance)
      : dynamics_(dynamics), substeps_(substeps), tolerance_(tolerance) {}

  /// u (n, lanes) = the states after the intervals `interval` (lanes), time. Raises NumericalError where the
  /// shortest step still misses the tolerance or states are not finite.
  void advance(const ExecSpace& space, std::span<const double> interval, MatrixView<Real> u,
               Scratch<Real>& scratch);

 private:
  struct Lane {
    std::uint64_t position = 0;  // in shortest steps
    std::size_t halvings = 0;
  };
  bool finished(const Lane& lane) const { return lane.position == substeps_ << most_halvings; }
  void assign(std::span<const double> interval, std::size_t finer, TileSteps<Real>& steps);
  void move(Lane& lane, double error) const;

  const Dynamics<Real>& dynamics_;
  std::size_t substeps_;
  double tolerance_;
  std::vector<Lane> lanes_;
  std::vector<double> h_;
  TileSteps<Real> whole_, half_;
};

}  // namespace spnode::core
