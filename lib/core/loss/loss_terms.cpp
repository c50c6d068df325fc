#include "core/loss/loss_terms.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <array>

namespace spnode::core {

LossTermKind trajectory_term(), latent_term(), reconstruction_term(), derivative_term(), jacobian_term(),
    second_difference_term(), weight_decay_term(), slow_term(), fast_term(), manifold_term();

std::span<const LossTermKind> loss_terms() {
  static const std::array table = {
      trajectory_term(),   latent_term(),   reconstruction_term(),
      derivative_term(),   jacobian_term(), second_difference_term(),
      weight_decay_term(), slow_term(),     fast_term(),
      manifold_term(),
  };
  static_assert(table.size() <= most_loss_terms);
  return table;
}

std::optional<std::size_t> find_loss_term(std::string_view name) {
  const auto table = loss_terms();
  const auto found = std::ranges::find(table, name, &LossTermKind::name);
  if (found == table.end()) return std::nullopt;
  return std::size_t(found - table.begin());
}

std::string loss_term_names() {
  std::string names;
  for (const LossTermKind& kind : loss_terms()) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

bool is_trained(const LossOptions& options, std::size_t term) { return options.weights[term] != 0.0; }

bool is_validated(const LossOptions& options, std::size_t term) {
  return is_trained(options, term) ||
         std::ranges::find(options.monitor, loss_terms()[term].name) != options.monitor.end();
}

bool needs_derivatives(const LossOptions& options) {
  return options.derivatives == DerivativeSource::given &&
         is_validated(options, *find_loss_term("derivative"));
}

bool needs_tangents(const LossOptions& options) {
  for (std::size_t i = 0; i < loss_terms().size(); ++i)
    if (loss_terms()[i].needs_tangents && is_validated(options, i)) return true;
  return false;
}

std::string refusal(const LossTermKind& kind, const ModelOptions& model) {
  const AutoencoderOptions& autoencoder = model.autoencoder;
  if (kind.needs_fast_slow && !is_fast_slow(model.linear.structure))
    return "needs a fast-slow model, which has slow and fast variables";
  if (kind.coordinates != CoordinateDemand::none && model.coupling_flow.enabled)
    return "needs a map to the latent space that does not train, but the coupling flow does";
  if (kind.coordinates == CoordinateDemand::fixed_linear &&
      (model.positive.enabled() || model.lifting.enabled()))
    return "needs a linear map to the latent space, but that of positive components or of products is none";
  if (kind.coordinates == CoordinateDemand::none || !autoencoder.enabled) return "";
  const bool networks = !autoencoder.pod || !autoencoder.hidden.empty(),
             trains = (networks && !autoencoder.frozen) || (autoencoder.pod && autoencoder.pod_trainable);
  if (kind.coordinates == CoordinateDemand::fixed)
    return trains ? "needs a map to the latent space that does not train, but the autoencoder does" : "";
  return trains || networks
             ? "needs a linear map to the latent space that does not train: no autoencoder, or one with "
               "pod: true, pod_trainable: false and hidden: []"
             : "";
}

void require_intervals(const LossOptions& options, std::size_t intervals) {
  for (std::size_t i = 0; i < loss_terms().size(); ++i) {
    const LossTermKind& kind = loss_terms()[i];
    require_option(!is_validated(options, i) || intervals >= kind.least_intervals, {std::string(kind.name)},
                   "needs windows of at least " + std::to_string(kind.least_intervals) +
                       " intervals; found " + std::to_string(intervals));
  }
}

std::vector<LossTermWord> loss_term_words() {
  std::vector<LossTermWord> words;
  for (const LossTermKind& kind : loss_terms()) words.push_back({kind.name, kind.meaning, kind.of_any_data});
  return words;
}

void LossOptions::validate() const {
  std::vector<std::string> residuals;
  std::string others;
  bool any = false;
  for (std::size_t i = 0; i < loss_terms().size(); ++i) {
    if (loss_terms()[i].is_penalty()) continue;
    any = any || is_trained(*this, i);
    residuals.emplace_back(loss_terms()[i].name);
  }
  for (std::size_t i = 1; i < residuals.size(); ++i)
    others += (i == 1 ? "" : i + 1 == residuals.size() ? " and " : ", ") + residuals[i];
  require_option(any, residuals, "is 0, and so are " + others + ": there is nothing to train on");
  require_option(derivative_order % 2 == 0, {"derivative_order"},
                 "must be even; found " + std::to_string(derivative_order));
  require_option(
      derivatives == DerivativeSource::differences || is_validated(*this, *find_loss_term("derivative")),
      {"derivatives", "derivative"},
      "is " + std::string(name_of(derivatives)) +
          ", but the term derivative has no weight and is not monitored");
  for (const std::string& name : monitor)
    require_option(find_loss_term(name).has_value(), {"monitor"},
                   "must name terms of the loss (" + loss_term_names() + "); found '" + name + "'");
}

LossWeights::LossWeights() {
  const auto table = loss_terms();
  for (std::size_t i = 0; i < table.size(); ++i) values_[i] = table[i].default_weight;
}

LossWeights::LossWeights(std::initializer_list<std::pair<std::string_view, double>> named) {
  for (const auto& [name, weight] : named) at(name) = weight;
}

bool DataLossOptions::any() const {
  for (std::size_t i = 0; i < loss_terms().size(); ++i)
    if (weights[i] != 0.0) return true;
  return false;
}

LossOptions LossOptions::of(const DataLossOptions& data) const {
  LossOptions options = *this;
  options.weights = data.weights;
  options.monitor.clear();
  options.derivatives = DerivativeSource::differences;
  return options;
}

double& LossWeights::at(std::string_view name) {
  const auto term = find_loss_term(name);
  if (!term) throw UsageError("the loss has no term " + std::string(name) + "; it has " + loss_term_names());
  return values_[*term];
}

}  // namespace spnode::core
