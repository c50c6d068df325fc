#include "core/vector_field/time_unit.hpp"

#include <vector>

namespace spnode::core {

std::string fixed_time_unit(const ModelOptions& options) {
  if (options.order == 2) return "the equation is of second order: velocities are components of the state";
  if (is_fast_slow(options.linear.structure)) return "the model is fast-slow: epsilon is its unit of time";
  for (const NonlinearKind kind : options.nonlinear) {
    if (options.relaxes(kind)) continue;
    if (kind == NonlinearKind::lipschitz && !options.lipschitz.output_scale)
      return "the bound of the Lipschitz network holds in the unit of the data";
    if (kind == NonlinearKind::network && options.network.last_activation && !options.network.output_scale)
      return "the last activation of the network bounds the right-hand side";
    if (kind == NonlinearKind::library && options.arguments.time)
      return "the library has functions of the time";
  }
  return "";
}

ModelOptions in_time_unit(double unit, ModelOptions options) {
  for (double* rate : {&options.linear.mu, &options.linear.rate_min, &options.linear.rate_max,
                       &options.sparse_regression.threshold})
    *rate *= unit;
  return options;
}

std::unique_ptr<Model> in_data_time(double unit, const ModelOptions& options, const Model& trained) {
  auto model = std::make_unique<Model>(options, trained.state_dimension());
  model->scaling = trained.scaling;
  model->argument_scaling = trained.argument_scaling;
  if (options.arguments.time)
    for (std::vector<double>* values : {&model->argument_scaling.shift, &model->argument_scaling.scale})
      values->back() *= unit;
  return model;
}

}  // namespace spnode::core
