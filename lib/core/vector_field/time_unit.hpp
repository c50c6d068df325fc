#pragma once
/// The unit that a training counts time in.
///
/// Initial rates, slopes of networks and steps of optimizers are numbers of order 1. So that a model does not
/// depend on the unit of the data's times, a training divides these by a unit that follows from the data,
/// tau: with s = t / tau it learns du/ds = tau (A_L u + g(u)). The trained model counts in the data's unit.

#include "core/vector_field/model.hpp"

#include <memory>
#include <string>

namespace spnode::core {

/// Why models of these options have the data's unit alone: "order is 2 ..."; empty: they have others.
std::string fixed_time_unit(const ModelOptions& options);

/// Options of the model in another unit of time: mu, decay rates, thresholds of coefficients.
ModelOptions in_time_unit(double unit, ModelOptions options);

/// The model of `options`, in the data's unit of time, of which `trained` was made by in_time_unit();
/// scaled_rates(1 / unit, theta) are its parameters.
std::unique_ptr<Model> in_data_time(double unit, const ModelOptions& options, const Model& trained);

}  // namespace spnode::core
