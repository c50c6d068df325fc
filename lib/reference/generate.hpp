#pragma once
/// Reference trajectories of the built-in systems.

#include "core/data/trajectories.hpp"
#include "core/systems/options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spnode::reference {

/// The trajectories [first, first + count) of the split ("train", "validation", "test") of a reference
/// system.
///
/// A trajectory depends on (options, seed, split, its number) alone, to the last bit: any process may compute
/// any range. All trajectories of a split share one time axis, reference_times(options_of(options, split)),
/// but where has_own_times(options): there these count in 1/epsilon of each trajectory.
/// With options.derivatives they have the right-hand side at their states, with options.tangents directions
/// and products of the Jacobian there. options.noise changes the states of all splits but "test", before
/// these are taken.
///
/// Not collective. Raises OptionError for options out of range, NumericalError (naming split, trajectory and
/// time) where a reference solve breaks down.
core::Trajectories simulate(const core::GenerateOptions& options, std::uint64_t seed, std::string_view split,
                            std::size_t first, std::size_t count);

/// The options of a split alone: the test data may have more times.
core::GenerateOptions options_of(const core::GenerateOptions& options, std::string_view split);

/// Bytes that simulate() holds for `count` trajectories, about.
double simulation_bytes(const core::GenerateOptions& options, std::size_t count);

/// The stored times, (options.times). Uniform grid: t_start ... t_end. Logarithmic grid: 0, then t_start ...
/// t_end evenly spaced in log t.
std::vector<double> reference_times(const core::GenerateOptions& options);

/// Whether each trajectory has its own time axis.
bool has_own_times(const core::GenerateOptions& options);

/// Components of a state.
std::size_t number_of_components(const core::GenerateOptions& options);

/// Name of each component, for instance "y2" or "Re rho_1".
std::vector<std::string> component_names(const core::GenerateOptions& options);

/// Names of the parameters that trajectories have values of their own of: that of options.vary.
std::vector<std::string> parameter_names(const core::GenerateOptions& options);

/// What the numbers are measured in, for the attribute `units` of a trajectory file.
std::string system_units(const core::GenerateOptions& options);

/// Raises OptionError where the options cannot be simulated.
void validate(const core::GenerateOptions& options);

}  // namespace spnode::reference
