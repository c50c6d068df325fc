#pragma once
/// The steps of a rollout of one tile: their lengths, and the arguments of the right-hand side.

#include "core/data/trajectories.hpp"
#include "core/integrators/integrator.hpp"
#include "core/linear/step_table.hpp"
#include "core/vector_field/model.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace spnode::core {

/// The arguments q of a model (ArgumentOptions), read from trajectories at any time.
class ArgumentReader {
 public:
  /// `scaling`: of the arguments; q is scaled by it.
  ArgumentReader(const ArgumentOptions& options, const Scaling& scaling);

  std::size_t size() const { return scaling_.shift.size(); }
  bool constant() const { return options_.constant(); }

  /// Reads these trajectories from now on, without a copy. Raises UsageError where they lack a parameter or
  /// an input.
  void attach(const Trajectories& data);

  /// Of two values that meet at a time where an input jumps: the one that holds at earlier times, or the one
  /// that holds at later ones. A step must see the one that holds along it, at either of its ends.
  enum class Side { earlier, later };

  /// q (size()) of the held trajectory number `trajectory` at time t. Raises UsageError where an input is not
  /// given at t.
  void read(std::size_t trajectory, double t, std::span<double> q, Side side = Side::later) const;

 private:
  double input(std::size_t number, std::size_t trajectory, double t, Side side) const;

  ArgumentOptions options_;
  Scaling scaling_;
  const Trajectories* data_ = nullptr;
  std::vector<const double*> parameters_, inputs_;  // where their values stand
};

/// Reads the first `count` of the parameters alone, scaled as the arguments are: what the coordinates of a
/// model depend on (CoordinateMap::parameter_count).
ArgumentReader parameter_reader(const ArgumentOptions& options, const Scaling& scaling, std::size_t count);

/// Where the lanes of a tile stand: their trajectories, and the times between their intervals.
struct LaneTimes {
  std::span<const std::size_t> trajectory;  ///< (lanes)
  std::span<const double> times;            ///< (intervals + 1, lanes) row major
};

/// Step lengths and arguments of all steps of a tile. `substeps` steps cross an interval, or as many as the
/// interval has been given.
template <class Real>
class RolloutSteps {
 public:
  /// As TileSteps::assign. Without arguments until assign_arguments().
  void assign(const StepTable& table, const std::vector<double>& h, std::size_t intervals, std::size_t lanes);

  /// Steps one by one: h (ends.back(), lanes), row major, where ends[k] steps lead to the end of interval k.
  /// Without arguments until assign_arguments(), which takes the times of these steps, with `substeps` = 1.
  void assign_each(const StepTable& table, const std::vector<double>& h, std::span<const std::size_t> ends,
                   std::size_t lanes);

  /// The arguments at the abscissae of a scheme. Raises UsageError as ArgumentReader::read does.
  void assign_arguments(const ArgumentReader& reader, const LaneTimes& lanes, std::size_t substeps,
                        std::span<const double> abscissae);

  TileSteps<Real>& lengths() { return lengths_; }
  std::size_t intervals() const { return ends_.empty() ? lengths_.intervals() : ends_.size(); }

  /// Where `substeps` steps cross an interval, unless the intervals have numbers of their own: all steps of
  /// the rollout; which time of the data the first `steps` of them lead to, none where it is between two;
  /// step number i.
  std::size_t count(std::size_t substeps) const {
    return ends_.empty() ? lengths_.intervals() * substeps : ends_.back();
  }
  std::optional<std::size_t> time_after(std::size_t steps, std::size_t substeps) const;
  Step<Real> step(std::size_t i, std::size_t substeps) const;

 private:
  TileSteps<Real> lengths_;
  std::vector<std::size_t> ends_;          // empty: all intervals have as many steps
  std::size_t lanes_ = 0, abscissae_ = 0;  // abscissae_ = 0: q is constant
  bool has_arguments_ = false;
  Matrix<Real> q_;  // (m, lanes), or (m, steps abscissae lanes)
  std::vector<double> staging_, point_;
};

}  // namespace spnode::core
