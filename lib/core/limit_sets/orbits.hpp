#pragma once
/// Orbits of maps and flows with a tangent along each, side by side.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// Orbits that advance together, application by application of a map or step by step of a flow. Each depends
/// on itself alone, to the last bit. Not collective.
class Orbits {
 public:
  virtual ~Orbits() = default;

  virtual std::size_t count() const = 0;
  virtual std::size_t dimension() const = 0;
  virtual bool is_map() const = 0;

  /// Advances all orbits and their tangents by an application or by a step. Raises NumericalError where that
  /// fails; a state that leaves the range of doubles is not finite from then on.
  virtual void advance() = 0;

  /// Component i of an orbit's state.
  virtual double state(std::size_t orbit, std::size_t i) const = 0;
  /// Scales the tangent of an orbit to length 1; gives the length that it had.
  virtual double normalise_tangent(std::size_t orbit) = 0;

  /// Of a flow: the rate of change of component i, as it is along the step that follows.
  virtual double rate(std::size_t orbit, std::size_t i) const = 0;
  /// Of a flow, after a step in which the rate of component i has fallen from above zero to zero or less:
  /// u (dimension()) = the state at the maximum. Gives its place in the step, between 0 and 1.
  virtual double maximum(std::size_t orbit, std::size_t i, std::span<double> u) const = 0;

  /// States (count, dimension()) as the user knows them, (count, components) row major.
  virtual std::vector<double> shown(const std::vector<double>& states) const { return states; }
};

/// The cubic through both ends of a step with their rates: (n) each, the rates times the step.
struct CubicStep {
  std::span<const double> u, next, change, next_change;

  /// Where the derivative of component i goes from above zero to below, between 0 and 1.
  double maximum(std::size_t i) const;
  double value(std::size_t i, double share) const;
};

}  // namespace spnode::core
