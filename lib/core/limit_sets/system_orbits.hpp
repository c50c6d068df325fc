#pragma once
/// Orbits of reference systems.

#include "core/limit_sets/orbits.hpp"
#include "core/systems/reference_system.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// An orbit of each system from each of its initial states, system by system; the first `starts` of `states`
/// (systems, starts, dimension) belong to the first system. Maps are iterated; flows with a switching plane
/// are exact (core/systems/switching.hpp), as are their maxima; other flows take steps of the fifth-order
/// scheme of Dormand and Prince. `step`: of flows, time. Raises OptionError (system) for a system that is
/// stiff or a partial differential equation.
std::unique_ptr<Orbits> make_orbits(std::vector<std::unique_ptr<ReferenceSystem>> systems,
                                    std::span<const double> states, double step);

}  // namespace spnode::core
