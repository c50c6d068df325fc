#include "app/deck_check.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "app/deck_values.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/support/error.hpp"

namespace spnode::app {

namespace {

class Checker {
 public:
  explicit Checker(const Places& places) : places_(places) {}

  bool given(const std::string& key) const { return places_.contains(key); }

  /// Throws unless `holds`; the place is that of the first of `keys` that was given.
  void require(bool holds, const std::vector<std::string>& keys, const std::string& message) const {
    if (holds) return;
    for (const std::string& key : keys)
      if (given(key)) throw UsageError(places_.at(key) + message);
    throw UsageError(message);
  }

 private:
  const Places& places_;
};

template <class T>
bool has_duplicates(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

bool strictly_monotone(const std::vector<double>& t) {
  return std::adjacent_find(t.begin(), t.end(), std::greater_equal<>()) == t.end() ||
         std::adjacent_find(t.begin(), t.end(), std::less_equal<>()) == t.end();
}

std::string number(double value) { return Value<double>::print(value); }

void check_generate(const core::GenerateOptions& generate, const Checker& check) {
  check.require(generate.t_start < generate.t_end, {"generate.t_end", "generate.t_start"},
                "generate.t_end must be after generate.t_start; found " + number(generate.t_end) + " and " +
                    number(generate.t_start));
  check.require(
      generate.grid != core::TimeGrid::logarithmic || generate.t_start > 0.0,
      {"generate.t_start", "generate.grid"},
      "generate.grid: logarithmic needs generate.t_start above 0; found " + number(generate.t_start));
  check.require(generate.grid_points % 2 == 0, {"generate.grid_points"},
                "generate.grid_points must be even; found " + std::to_string(generate.grid_points));
}

void check_autoencoder(const Deck& deck, const Checker& check) {
  const auto& autoencoder = deck.model.autoencoder;
  if (!check.given("model.autoencoder.enabled"))
    for (const char* key :
         {"model.autoencoder.pod", "model.autoencoder.pod_trainable", "model.autoencoder.hidden",
          "model.autoencoder.activation", "model.autoencoder.initial_scale", "model.autoencoder.frozen"})
      check.require(!check.given(key), {key},
                    std::string(key) + " is given, but not model.autoencoder.enabled: say true or false");
  const bool networks = autoencoder.enabled && !autoencoder.hidden.empty();
  check.require(!autoencoder.enabled || autoencoder.pod || networks,
                {"model.autoencoder.pod", "model.autoencoder.hidden"},
                "an autoencoder needs model.autoencoder.pod: true, hidden layers, or both");
  check.require(
      !networks || !autoencoder.frozen || deck.training.pretrain_epochs > 0,
      {"model.autoencoder.frozen", "training.pretrain_epochs"},
      "model.autoencoder.frozen: true keeps untrained networks; give training.pretrain_epochs above 0");
  check.require(
      deck.training.pretrain_epochs == 0 || networks || (autoencoder.enabled && autoencoder.pod_trainable),
      {"training.pretrain_epochs", "model.autoencoder.enabled"},
      "training.pretrain_epochs is " + std::to_string(deck.training.pretrain_epochs) +
          ", but no autoencoder is there to train: give model.autoencoder.enabled and hidden layers");
}

void check_loss(const Deck& deck, const Checker& check) {
  std::vector<std::string> residuals;
  std::string list;
  bool any = false;
  const auto terms = core::loss_terms();
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::string key = "loss." + std::string(terms[i].name);
    const bool is_constant = terms[i].needs_autoencoder && !deck.model.autoencoder.enabled;
    const std::string reason =
        ", but model.autoencoder.enabled is false: without an autoencoder it is always zero";
    check.require(!is_constant || !core::is_trained(deck.loss, i), {key},
                  key + " is " + number(deck.loss.weights[i]) + reason);
    check.require(!is_constant || !core::is_validated(deck.loss, i), {"loss.monitor"},
                  "loss.monitor names " + std::string(terms[i].name) + reason);
    if (terms[i].is_penalty()) continue;
    any = any || core::is_trained(deck.loss, i);
    residuals.push_back(key);
  }
  for (std::size_t i = 0; i < residuals.size(); ++i)
    list += (i == 0 ? "" : i + 1 == residuals.size() ? " and " : ", ") + residuals[i];
  check.require(any, residuals, list + " are all 0: there is nothing to train on");
  std::vector<std::string> known;
  for (const core::LossTermKind& kind : terms) known.emplace_back(kind.name);
  for (const std::string& name : deck.loss.monitor)
    check.require(core::find_loss_term(name).has_value(), {"loss.monitor"},
                  "loss.monitor must name terms of the loss (" + core::loss_term_names() + "); found " +
                      quoted(name) + suggestion(name, known));
}

void check_model(const core::ModelOptions& model, const Checker& check) {
  check.require(!has_duplicates(model.nonlinear), {"model.nonlinear"},
                "model.nonlinear names a term twice; found " +
                    Value<std::vector<core::NonlinearKind>>::print(model.nonlinear));
  check.require(model.linear.rate_min <= model.linear.rate_max,
                {"model.linear.rate_min", "model.linear.rate_max"},
                "model.linear.rate_min must not be above model.linear.rate_max; found " +
                    number(model.linear.rate_min) + " and " + number(model.linear.rate_max));
  const bool manual = model.scaling.kind == core::ScalingKind::manual;
  check.require(!manual || !(model.scaling.shift.empty() && model.scaling.scale.empty()),
                {"model.scaling.kind"},
                "model.scaling.kind: manual needs model.scaling.shift, model.scaling.scale or both");
  check.require(manual || (model.scaling.shift.empty() && model.scaling.scale.empty()),
                {"model.scaling.shift", "model.scaling.scale"},
                "model.scaling.shift and model.scaling.scale need model.scaling.kind: manual; found " +
                    std::string(name_of(model.scaling.kind)));
}

/// The latent states must be known before the training.
void check_initialisation(const core::ModelOptions& model, const Checker& check) {
  check.require(model.inference_order % 2 == 0, {"model.inference_order"},
                "model.inference_order must be even; found " + std::to_string(model.inference_order));
  if (model.initialisation == core::Initialisation::random) return;
  const std::string found = "; found " + std::string(name_of(model.initialisation));
  check.require(model.linear.structure == core::LinearStructure::dense,
                {"model.initialisation", "model.linear.structure"},
                "model.initialisation from data needs model.linear.structure: dense" + found);
  check.require(!model.autoencoder.enabled || model.autoencoder.pod,
                {"model.initialisation", "model.autoencoder.pod"},
                "model.initialisation from data needs model.autoencoder.pod: true where there is an "
                "autoencoder" +
                    found);
}

/// Functions of structured operators have one way each.
void check_structure(const Deck& deck, const Checker& check) {
  using core::LinearStructure, core::MatrixFunctionMethod;
  const LinearStructure structure = deck.model.linear.structure;
  const std::vector<std::string> keys = {"model.linear.structure", "integrator.linear"};
  const std::string found = "; found " + std::string(name_of(deck.integrator.linear));
  check.require(
      structure != LinearStructure::block_diagonal || deck.integrator.linear != MatrixFunctionMethod::taylor,
      keys,
      "model.linear.structure: block_diagonal has closed forms; leave integrator.linear automatic" + found);
  check.require(
      structure != LinearStructure::low_rank || deck.integrator.linear != MatrixFunctionMethod::dense, keys,
      "model.linear.structure: low_rank has products only; leave integrator.linear automatic" + found);
}

void check_training(const Deck& deck, const Checker& check) {
  check.require(
      !deck.training.optimizers.empty(), {"training.optimizers"},
      "training.optimizers is empty; name at least one of " + Value<training::OptimizerKind>::names());
  const auto& schedule = deck.training.adam.schedule;
  check.require(schedule.kind == training::ScheduleKind::constant || schedule.final_rate <= schedule.rate,
                {"training.adam.final_rate", "training.adam.rate"},
                "training.adam.final_rate must not be above training.adam.rate; found " +
                    number(schedule.final_rate) + " and " + number(schedule.rate));
  const std::size_t window = deck.data.windows.window;
  for (const std::size_t rollout_length : deck.training.adam.rollout_lengths)
    check.require(window == 0 || rollout_length <= window, {"training.adam.rollout_lengths", "data.window"},
                  "training.adam.rollout_lengths has " + std::to_string(rollout_length) +
                      ", but data.window is " + std::to_string(window) + ": windows have no more intervals");
  const auto& times = deck.data.windows.times;
  check.require(times.empty() || (times.size() >= 2 && std::is_sorted(times.begin(), times.end()) &&
                                  !has_duplicates(times)),
                {"data.times"},
                "data.times must be at least two increasing indices; found " +
                    Value<std::vector<std::uint64_t>>::print(times));
}

void check_forecast(const ForecastOptions& forecast, const Checker& check) {
  check.require(
      forecast.times.empty() || (forecast.step == 0.0 && forecast.steps == 0),
      {"forecast.times", "forecast.step"},
      "forecast.times and forecast.step with forecast.steps exclude each other; give one of the two");
  check.require((forecast.step == 0.0) == (forecast.steps == 0), {"forecast.step", "forecast.steps"},
                "forecast.step and forecast.steps go together; found " + number(forecast.step) + " and " +
                    std::to_string(forecast.steps));
  check.require(std::isfinite(forecast.step * static_cast<double>(forecast.steps)),
                {"forecast.step", "forecast.steps"},
                "forecast.step times forecast.steps is not finite; found " + number(forecast.step) + " and " +
                    std::to_string(forecast.steps));
  check.require(forecast.times.size() != 1 && strictly_monotone(forecast.times), {"forecast.times"},
                "forecast.times must be at least two strictly monotone times; found " +
                    Value<std::vector<double>>::print(forecast.times));
}

}  // namespace

void check_contradictions(const Deck& deck, const Places& places) {
  const Checker check(places);
  check.require(!deck.output.empty(), {"output"}, "output is empty; name a directory");
  check_generate(deck.generate, check);
  check_model(deck.model, check);
  check_autoencoder(deck, check);
  check_loss(deck, check);
  check_structure(deck, check);
  check_initialisation(deck.model, check);
  check_training(deck, check);
  check_forecast(deck.forecast, check);
}

}  // namespace spnode::app
