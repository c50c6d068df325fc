#pragma once
/// The smoothed sigmoid map.

#include "core/systems/options.hpp"
#include "core/systems/reference_system.hpp"

#include <cmath>

namespace spnode::core {

/// u_{k+1} = a u_k - (1 + tanh(c u_k)) / 2 + b (LECTURE, "One-d smoothed sigmoid map"): for c to infinity
/// the map with a jump by 1 at 0. Initial states are uniform in [-1, 1].
class SigmoidMap final : public ReferenceSystem {
 public:
  explicit SigmoidMap(const SigmoidMapOptions& options) : options_(options) {}

  std::size_t dimension() const override { return 1; }
  Solution solution() const override { return Solution::map; }
  void rhs(std::span<const double> u, std::span<double> image) const override {
    image[0] = options_.a * u[0] - 0.5 * (1.0 + std::tanh(options_.c * u[0])) + options_.b;
  }
  void jacobian(std::span<const double> u, std::span<double> matrix) const override {
    const double t = std::tanh(options_.c * u[0]);
    matrix[0] = options_.a - 0.5 * options_.c * (1.0 - t * t);
  }
  void initial_state(const Random& random, std::span<double> u) const override {
    u[0] = random.uniform(0, -1.0, 1.0);
  }
  std::vector<std::string> component_names() const override { return {"x"}; }

 private:
  SigmoidMapOptions options_;
};

}  // namespace spnode::core
