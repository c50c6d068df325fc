#pragma once
/// The reference systems by kind.

#include "core/systems/options.hpp"
#include "core/systems/reference_system.hpp"

#include <memory>
#include <string>

namespace spnode::core {

/// The system that the options describe; they are taken as valid.
std::unique_ptr<ReferenceSystem> make_system(const GenerateOptions& options);

/// The name of a system, as in the deck and in the attribute `system` of a trajectory file.
std::string system_name(SystemKind kind);

}  // namespace spnode::core
