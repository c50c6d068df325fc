#pragma once
/// Names in a trajectory file, and the check that reader and writer share.

#include "io/hdf5.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace spnode::io {

inline constexpr const char* trajectory_format = "spnode.trajectories";
inline constexpr int trajectory_format_version = 1;
inline constexpr const char* state_name = "/state";
inline constexpr const char* truth_name = "/truth";
inline constexpr const char* time_name = "/time";
inline constexpr const char* parameters_name = "/parameters";
inline constexpr const char* inputs_name = "/inputs";
inline constexpr const char* derivatives_name = "/derivatives";
inline constexpr const char* directions_name = "/tangents/directions";
inline constexpr const char* products_name = "/tangents/products";

inline std::string parameter_name(const std::string& parameter) {
  return std::string(parameters_name).append("/").append(parameter);
}

inline std::string input_name(const std::string& input) {
  return std::string(inputs_name).append("/").append(input);
}

/// Position of the first number that is not finite. Not collective.
std::optional<std::size_t> first_non_finite(std::span<const double> values);

/// "[3, 17, 0]": the file's index of the entry at `position` of a slab's row-major values.
std::string print_index(const hdf5::Slab& slab, std::size_t position);

/// Raises the FileError for a number of a state, "/state[3, 17, 0]", that is not finite or marks a missing one.
[[noreturn]] void refuse_state(const std::string& path, const std::string& place, double value);

}  // namespace spnode::io
