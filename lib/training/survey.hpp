#pragma once
/// What a look at trajectories says about the model that suits them.

#include "core/data/trajectories.hpp"
#include "training/field_survey.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spnode::training {

/// The steps between the times of all trajectories.
struct TimeGrid {
  double shortest = 0.0, longest = 0.0;  ///< step, in magnitude
  double length = 0.0;                   ///< of the longest trajectory
  bool even = false;                     ///< equal but for the rounding of the times

  double growth = 1.0;  ///< median step of the last quarter of the times over that of the first one

  /// Steps that grow along a trajectory, as those of logarithmic times do; random ones do not.
  bool logarithmic() const { return growth > 30.0; }
};

/// A class of right-hand sides: polynomials of the state and of the arguments of the model.
struct PolynomialFit {
  std::size_t degree = 1;
  double residual = 0.0;     ///< on held-out rows: root mean square of what is left of du/dt over that of
                             ///< du/dt, of the worst component, or of all POD modes together; infinity
                             ///< where it could not be fitted
  double growth_rate = 0.0;  ///< largest real part of an eigenvalue of the fit's linear part [1/time]
};

/// A linear combination of the components that does not change along any trajectory.
struct Invariant {
  std::vector<double> weights;  ///< (components), the largest in magnitude 1
};

/// All of it.
struct Survey {
  std::size_t trajectories = 0, times = 0, components = 0;
  TimeGrid grid;
  std::size_t constant = 0;        ///< components that do not vary
  double least_deviation = 0.0;    ///< of the components that vary
  double largest_deviation = 0.0;  ///< of them
  double decades = 0.0;   ///< that the values of one component span, the widest: log10 of max/min |u|
  bool positive = false;  ///< all values are above 0
  std::vector<double> pod_residual;  ///< (number of modes, from 0): root mean square of what is left of the
                                     ///< scaled states, relative; of the components in their own units where
                                     ///< these are alike, else each over its deviation
  std::size_t modes = 0;             ///< that the fits use; 0: they use the components
  std::vector<PolynomialFit> fits;   ///< by degree; empty on a grid of logarithms
  std::size_t order = 0;             ///< of the central differences with which a fit leaves least; 0: no fits
  double noise = 0.0;      ///< at most so much, relative to the deviation: from differences of even data
  double mean_rate = 0.0;  ///< the same of all coordinates together
  double rate = 0.0;       ///< root mean square of du/dt over that of u: the largest of a component
  std::vector<Invariant> invariants;
  std::optional<FieldFit> fields;          ///< of many components: of fields on a periodic grid
  std::optional<double> shift_invariance;  ///< of many components: by how much the covariance of neighbours
                                           ///< on a ring depends on the place, relative

  /// Whether the components are alike, as those of a field.
  bool alike() const { return largest_deviation < 100.0 * least_deviation; }

  /// Whether they look like a periodic field that is the same everywhere.
  bool homogeneous() const { return alike() && shift_invariance && *shift_invariance < 0.2; }

  /// Modes whose projection leaves at most so much of the states.
  std::size_t modes_for(double residual) const;
};

/// Looks at trajectories in memory. Fits are linear least squares of central differences in the scaled
/// components, or in POD modes where there are more than sixteen components, on four fifths of the times of
/// every trajectory; their residuals are those of the rest. `axes`: the extents of the axes of a state, where
/// it has several. Not collective. Raises FileError for trajectories of fewer than three times or components
/// that are all constant.
Survey survey(const core::Trajectories& data, const std::vector<std::size_t>& axes = {});

}  // namespace spnode::training
