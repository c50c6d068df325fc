#pragma once
/// The reference systems by kind.

#include "core/systems/options.hpp"
#include "core/systems/reference_system.hpp"

#include <memory>

namespace spnode::core {

/// The system that the options describe; they are taken as valid. Raises OptionError where they name none.
std::unique_ptr<ReferenceSystem> make_system(const GenerateOptions& options);

}  // namespace spnode::core
