#include "training/optimizers/adam.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::training {

namespace {

constexpr double shrink_after_bad_step = 0.5;
constexpr double growth_after_good_step = 1.02;
constexpr double smallest_shrink =
    1.0 / 4.0;  // smaller and a run that has met a bad region could not leave it

void require(bool valid, const char* key, double value, const char* allowed) {
  if (!valid) throw UsageError(std::string("adam.") + key + " = " + shortest(value) + ": must be " + allowed);
}

}  // namespace

Adam::Adam(const AdamOptions& options, const core::ParameterLayout& layout,
           const parallel::VectorParts& parts)
    : options_(options), parts_(parts) {
  require(options.beta1 >= 0.0 && options.beta1 < 1.0, "beta1", options.beta1, "in [0, 1)");
  require(options.beta2 >= 0.0 && options.beta2 < 1.0, "beta2", options.beta2, "in [0, 1)");
  require(options.epsilon > 0.0, "epsilon", options.epsilon, "positive");
  require(options.weight_decay >= 0.0, "weight_decay", options.weight_decay, "at least 0");
  require(options.clip >= 0.0, "clip", options.clip, "at least 0");
  require(options.autoencoder_rate_factor >= 0.0, "autoencoder_rate_factor", options.autoencoder_rate_factor,
          "at least 0");
  for (const core::ParameterBlock& block : layout.blocks()) {
    if (block.frozen) continue;
    const std::size_t begin = std::max(block.offset, parts.own().begin),
                      end = std::min(block.offset + block.size(), parts.own().end);
    const bool slow = block.group == core::ParameterGroup::autoencoder;
    if (begin < end) trainable_.push_back({begin, end, slow ? options.autoencoder_rate_factor : 1.0});
  }
}

AdamState Adam::start(std::span<const double> theta) const {
  AdamState state;
  state.good = parts_.take(theta);
  state.first = state.second = {std::vector<double>(parts_.own().size(), 0.0), theta.size()};
  return state;
}

void Adam::update(std::span<double> theta, std::span<const double> gradient, double gradient_norm,
                  double rate, AdamState& state) const {
  const std::size_t first = parts_.own().begin;
  std::ranges::copy(theta.subspan(first, parts_.own().size()), state.good.entries.begin());
  state.bad_steps = 0;
  ++state.updates;

  const double t = static_cast<double>(state.updates);
  const double scale =
      options_.clip > 0.0 && gradient_norm > options_.clip ? options_.clip / gradient_norm : 1.0;
  const double unbias1 = 1.0 / (1.0 - std::pow(options_.beta1, t));
  const double unbias2 = 1.0 / (1.0 - std::pow(options_.beta2, t));
  // Local names and no alias: the loop vectorises, with the same bits.
  const double beta1 = options_.beta1, beta2 = options_.beta2, epsilon = options_.epsilon,
               decay = options_.weight_decay;
  const double* __restrict g = gradient.data() + first;
  double* __restrict m = state.first.entries.data();
  double* __restrict v = state.second.entries.data();
  double* __restrict x = theta.data() + first;
  for (const Trainable& block : trainable_) {
    const double step = rate * state.shrink * block.rate_factor;
    for (std::size_t i = block.begin - first; i < block.end - first; ++i) {
      const double clipped = scale * g[i];
      m[i] = beta1 * m[i] + (1.0 - beta1) * clipped;
      v[i] = beta2 * v[i] + (1.0 - beta2) * clipped * clipped;
      const double direction = unbias1 * m[i] / (std::sqrt(unbias2 * v[i]) + epsilon);
      x[i] -= step * (direction + decay * x[i]);
    }
  }
  state.shrink = std::min(1.0, state.shrink * growth_after_good_step);
}

void Adam::reject(std::span<double> theta, AdamState& state) const {
  std::ranges::copy(state.good.entries, theta.begin() + std::ptrdiff_t(parts_.own().begin));
  ++state.bad_steps;
  state.shrink = std::max(smallest_shrink, state.shrink * shrink_after_bad_step);
}

}  // namespace spnode::training
