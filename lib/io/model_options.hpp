#pragma once
/// The options of a model as text in its file, read back bit for bit.

#include "core/integrators/options.hpp"
#include "core/vector_field/options.hpp"

#include <string>

namespace spnode::io {

/// What a model and its forecasts are made from.
struct StoredOptions {
  core::ModelOptions model;
  core::IntegratorOptions integrator;
};

/// A line "model.linear.mu: 0.25" for every option, lists with spaces between their entries. Not collective.
std::string print_options(const StoredOptions& options);

/// Options that have no line keep their defaults, those of older programs. Raises UsageError for a line of
/// another form, an option that is not known or there twice, a value that is none. Not collective.
StoredOptions parse_options(const std::string& text);

}  // namespace spnode::io
