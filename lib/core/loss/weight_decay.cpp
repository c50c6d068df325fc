#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

class WeightDecay final : public ParameterPenalty {
 public:
  using ParameterPenalty::ParameterPenalty;

  Value add(const ParameterLayout& layout, std::span<const double> theta,
            std::span<double> theta_bar) const override {
    double sum = 0.0;
    for (const ParameterBlock& block : layout.blocks()) {
      if (block.frozen) continue;
      for (std::size_t i = block.offset; i < block.offset + block.size(); ++i) {
        sum += theta[i] * theta[i];
        if (!theta_bar.empty()) theta_bar[i] += weight() * theta[i];
      }
    }
    return {0.5 * sum, 0.5 * weight() * sum};
  }

  void add_product(std::span<const double> v, std::span<double> Hv) const override {
    for (std::size_t i = 0; i < Hv.size(); ++i) Hv[i] += weight() * v[i];
  }

  void add_entry(std::span<const double> v, std::span<const double> w, double& entry) const override {
    for (std::size_t i = 0; i < v.size(); ++i) entry += weight() * v[i] * w[i];
  }
};

}  // namespace

LossTermKind weight_decay_term() {
  LossTermKind kind{"weight_decay", "weight: half the squared norm of the trainable parameters"};
  kind.make_penalty = [](double weight) -> std::unique_ptr<ParameterPenalty> {
    return std::make_unique<WeightDecay>(weight);
  };
  return kind;
}

}  // namespace spnode::core
