#include "training/start/linear_parameters.hpp"

#include "core/components/constant_map.hpp"
#include "core/components/library.hpp"
#include "core/components/network.hpp"
#include "core/support/error.hpp"

#include <algorithm>

namespace spnode::training {

LinearParameters::LinearParameters(const core::LaneMap<double>& map, std::span<const double> theta)
    : constant_(dynamic_cast<const core::ConstantMap<double>*>(&map)),
      library_(dynamic_cast<const core::Library<double>*>(&map)),
      network_(dynamic_cast<const core::Network<double>*>(&map)),
      theta_(theta),
      outputs_(map.outputs()) {
  if (network_ != nullptr && network_->ends_linear())
    features_ = network_->last_inputs() + 1;
  else if (library_ != nullptr)
    features_ = library_->functions();
  else if (constant_ == nullptr)
    throw UsageError("least squares need a term that is linear in its last parameters");
  if (library_ != nullptr) values_ = core::Matrix<double>("linear_parameters", features_, 1);
}

void LinearParameters::evaluate(const FeaturePoint& at, std::span<double> f) const {
  std::ranges::fill(f, 0.0);
  if (constant_ != nullptr) {
    f[0] = 1.0;
    return;
  }
  const bool scaled = network_ != nullptr;
  std::vector<double> x(at.u.begin(), at.u.end());
  x.insert(x.end(), (scaled ? at.q_scaled : at.q).begin(), (scaled ? at.q_scaled : at.q).end());
  if (network_ != nullptr) {
    network_->last_input_at(theta_, x, f.first(features_ - 1));
    f[features_ - 1] = 1.0;
    return;
  }
  std::ranges::copy(x, f.begin() + 1);
  core::upload(f, values_);
  library_->evaluate({}, values_);
  core::download(values_, f);
}

void LinearParameters::set(std::span<const double> W, std::span<double> theta) const {
  if (constant_ != nullptr) std::ranges::copy(W, constant_->values(theta).begin());
  if (library_ != nullptr) library_->set_coefficients(W, theta);
  if (network_ == nullptr) return;
  std::vector<double> weights, bias;
  for (std::size_t i = 0; i < outputs_; ++i) {
    const std::span<const double> row = W.subspan(i * features_, features_);
    weights.insert(weights.end(), row.begin(), row.end() - 1);
    bias.push_back(row.back());
  }
  network_->set_last_layer(weights, bias, theta);
}

}  // namespace spnode::training
