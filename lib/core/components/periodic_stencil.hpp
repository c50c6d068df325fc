#pragma once
/// Points of a periodic grid with their neighbours, of a state that holds several fields.

#include "core/components/options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spnode::core {

/// Which components of a state are the values of its fields at a point of a periodic grid and at the
/// neighbours of that point: the variables there.
///
/// A point has first the values of the fields at itself, then those at its neighbours: along each axis at the
/// distances +1, -1, +2, -2 ... up to options.neighbours.
class PeriodicStencil {
 public:
  /// options.fields > 0. Raises OptionError, of the options of a library, where the fields and points do not
  /// make up a state of so many components, or where neighbours would coincide.
  PeriodicStencil(std::size_t components, const LibraryOptions& options);

  std::size_t fields() const { return fields_; }
  std::size_t points() const { return points_; }
  std::size_t variables() const { return fields_ * offsets_.size(); }  ///< at a point
  std::size_t components() const { return fields_ * points_; }
  std::size_t neighbours() const { return offsets_.size() - 1; }  ///< of a point

  std::size_t component(std::size_t point, std::size_t variable) const {
    return components_[variable * points_ + point];
  }
  /// The component of each variable at each point, (variables, points).
  const std::vector<std::uint32_t>& table() const { return components_; }

  /// Of the variables, where the fields have these: "u_0", "u_0[+1]", in two dimensions "u_0[0,-1]".
  std::vector<std::string> variable_names(const std::vector<std::string>& fields) const;

 private:
  std::size_t neighbour_of(std::size_t point, const std::vector<int>& offset) const;

  std::size_t fields_, points_;
  std::vector<std::size_t> shape_;         // points along each axis
  std::vector<std::vector<int>> offsets_;  // of the point itself, then of its neighbours
  std::vector<std::uint32_t> components_;
};

}  // namespace spnode::core
