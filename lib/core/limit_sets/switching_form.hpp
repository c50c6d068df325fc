#pragma once
/// Models that are piecewise linear with one switching plane.

#include "core/systems/options.hpp"
#include "core/vector_field/model.hpp"

#include <optional>
#include <span>

namespace spnode::core {

/// The flow of a model whose only nonlinear term is a network of a single ReLU unit,
///   du/dt = A u + w relu(B u + B_q q + beta) + e,
/// as a switching system of the unscaled state (core/systems/switching.hpp):
///   A_1 = S A S^-1,  A_2 = A_1 + a c^T,  b_2 = b_1 - d a,
/// with the state's scaling x = S u + s. The plane's normal c has 1 as its largest entry in size; where the
/// unit is then active below the plane, the indices 1 and 2 change places. q: the model's arguments, scaled.
/// None where a model is not of this form: another term, an autoencoder, a structured linear part. Not
/// collective.
std::optional<SwitchingOptions> switching_form(const Model& model, std::span<const double> theta,
                                               std::span<const double> q);

}  // namespace spnode::core
