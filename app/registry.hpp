#pragma once
/// The one place where a word of the deck becomes a type of the library.
///
/// To add a scheme, a system, a schedule, ...: one line in registry.cpp beside its enumerator.

#include <span>
#include <string_view>

#include "core/integrators/options.hpp"
#include "core/loss/options.hpp"
#include "core/systems/options.hpp"
#include "core/vector_field/options.hpp"
#include "training/options.hpp"

namespace spnode::app {

/// A word of the deck and what it stands for.
template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

/// Every word that stands for an Enum, in the order of the manual.
template <class Enum>
std::span<const Choice<Enum>> choices();

template <>
std::span<const Choice<core::Scheme>> choices();
template <>
std::span<const Choice<core::MatrixFunctionMethod>> choices();
template <>
std::span<const Choice<core::LinearStructure>> choices();
template <>
std::span<const Choice<core::NonlinearKind>> choices();
template <>
std::span<const Choice<core::LipschitzDivisor>> choices();
template <>
std::span<const Choice<core::Activation>> choices();
template <>
std::span<const Choice<core::Precision>> choices();
template <>
std::span<const Choice<core::ScalingKind>> choices();
template <>
std::span<const Choice<core::Initialisation>> choices();
template <>
std::span<const Choice<core::TimeWeights>> choices();
template <>
std::span<const Choice<core::ComponentWeights>> choices();
template <>
std::span<const Choice<core::SystemKind>> choices();
template <>
std::span<const Choice<core::TimeGrid>> choices();
template <>
std::span<const Choice<training::ScheduleKind>> choices();
template <>
std::span<const Choice<training::OptimizerKind>> choices();
template <>
std::span<const Choice<training::NormalSolver>> choices();

/// The word for a value.
template <class Enum>
std::string_view name_of(Enum value) {
  for (const auto& choice : choices<Enum>())
    if (choice.value == value) return choice.name;
  return "?";
}

}  // namespace spnode::app
