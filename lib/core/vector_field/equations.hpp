#pragma once
/// Learned equations as text.

#include "core/vector_field/model.hpp"

#include <span>
#include <string>
#include <vector>

namespace spnode::core {

/// The equations of a model with a library of functions, one line for each component: "du_0/dt = -10 u_0 + 10
/// u_1", in the unscaled variables of the library, with six digits of its coefficients. Arguments have their
/// names, time is t. With other terms in the right-hand side the lines end with "...", and a last line names
/// these; another says that u is a latent state where it is not the scaled one, or that the equations hold at
/// each point of a grid. Empty without a library.
std::vector<std::string> equations(const Model& model, std::span<const double> theta);

}  // namespace spnode::core
