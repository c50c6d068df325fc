#include "core/integrators/window_steps.hpp"

#include "core/linear/step_table.hpp"

#include <algorithm>

namespace spnode::core {

std::vector<double> distinct_steps(const WindowData& data, std::size_t substeps) {
  std::vector<double> steps;
  const Trajectories& held = data.held();
  const WindowIndex& index = data.index();
  const std::size_t axes = held.shared_time ? std::min<std::size_t>(held.count, 1) : held.count;
  for (std::size_t window = data.first() * index.per_trajectory(), i = 0; i < axes * index.per_trajectory();
       ++i, ++window)
    for (std::size_t k = 0; k < index.intervals(); ++k) {
      steps.push_back((data.time(window, k + 1) - data.time(window, k)) / double(substeps));
      if (steps.size() > 100000) merge_steps(steps);
    }
  merge_steps(steps);
  return steps;
}

}  // namespace spnode::core
