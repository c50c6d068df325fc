#include "app/deck/check.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "app/deck/values.hpp"
#include "core/linear/hurwitz.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/vector_field/time_unit.hpp"

namespace spnode::app {

namespace {

bool strictly_monotone(const std::vector<double>& t) {
  return std::adjacent_find(t.begin(), t.end(), std::greater_equal<>()) == t.end() ||
         std::adjacent_find(t.begin(), t.end(), std::less_equal<>()) == t.end();
}

std::string number(double value) { return Value<double>::print(value); }

/// An autoencoder or a coupling flow is asked for in one word, so that none is left out by mistake.
void check_that_it_is_enabled(const Deck& deck, const std::string& section) {
  const std::string enabled = section + "enabled";
  const auto first = deck.places.lower_bound(section);
  if (first == deck.places.end() || !first->first.starts_with(section)) return;
  require_option(deck.places.contains(enabled), {first->first},
                 "is given, but not " + enabled + ": say true or false");
}

void check_autoencoder(const Deck& deck) {
  check_that_it_is_enabled(deck, "model.autoencoder.");
  check_that_it_is_enabled(deck, "model.coupling_flow.");
  const auto& autoencoder = deck.model.autoencoder;
  const bool networks = autoencoder.enabled && !autoencoder.hidden.empty();
  require_option(!networks || !autoencoder.frozen || deck.training.pretrain_epochs > 0,
                 {"model.autoencoder.frozen", "training.pretrain_epochs"},
                 "is true, which keeps untrained networks; give training.pretrain_epochs above 0");
  require_option(
      deck.training.pretrain_epochs == 0 || networks || (autoencoder.enabled && autoencoder.pod_trainable),
      {"training.pretrain_epochs", "model.autoencoder.enabled"},
      "is " + std::to_string(deck.training.pretrain_epochs) +
          ", but no autoencoder is there to train: give model.autoencoder.enabled and hidden layers");
}

/// Terms that are zero without an autoencoder.
void check_loss(const Deck& deck) {
  const auto terms = core::loss_terms();
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool is_constant = terms[i].needs_autoencoder && !deck.model.autoencoder.enabled;
    const std::string name(terms[i].name),
        reason = ", but model.autoencoder.enabled is false: without an autoencoder it is always zero";
    require_option(!is_constant || !core::is_trained(deck.loss, i), {"loss." + name},
                   "is " + number(deck.loss.weights[i]) + reason);
    require_option(!is_constant || !core::is_validated(deck.loss, i), {"loss.monitor"},
                   "names " + name + reason);
    if (!core::is_validated(deck.loss, i)) continue;
    const std::string refused = core::refusal(terms[i], deck.model);
    require_option(refused.empty(), {"loss." + name, "model.autoencoder.pod_trainable"}, refused);
    const std::size_t window = deck.data.windows.window, least = terms[i].least_intervals;
    require_option(window == 0 || window >= least, {"loss." + name, "data.window"},
                   "needs windows of at least " + std::to_string(least) + " intervals; data.window is " +
                       std::to_string(window));
    for (const std::size_t rollout_length : deck.training.adam.rollout_lengths)
      require_option(rollout_length == 0 || rollout_length >= least,
                     {"loss." + name, "training.adam.rollout_lengths"},
                     "needs windows of at least " + std::to_string(least) +
                         " intervals; training.adam.rollout_lengths has " + std::to_string(rollout_length));
  }
}

void check_adjoint(const Deck& deck) {
  require_option(deck.integrator.adjoint == core::Adjoint::discrete ||
                     std::ranges::find(deck.training.optimizers, training::OptimizerKind::gauss_newton) ==
                         deck.training.optimizers.end(),
                 {"integrator.adjoint", "training.optimizers"},
                 "is continuous, but training.optimizers names gauss_newton, which needs the discrete one");
}

/// Functions of structured operators have one way each.
void check_structure(const Deck& deck) {
  using core::LinearStructure, core::MatrixFunctionMethod;
  const core::HurwitzOptions& options = deck.model.linear;
  const LinearStructure structure =
      core::make_hurwitz(options.slow_dimension + 1, options)->shape().structure;
  const std::string kind(name_of(options.structure));
  const std::string found = "; found " + std::string(name_of(deck.integrator.linear));
  require_option(
      structure != LinearStructure::block_diagonal || deck.integrator.linear != MatrixFunctionMethod::taylor,
      {"model.linear.structure", "integrator.linear"},
      "is " + kind + ", which has closed forms; leave integrator.linear automatic" + found);
  require_option(
      structure != LinearStructure::low_rank || deck.integrator.linear != MatrixFunctionMethod::dense,
      {"model.linear.structure", "integrator.linear"},
      "is " + kind + ", which has products only; leave integrator.linear automatic" + found);
  require_option(structure != LinearStructure::state_dependent ||
                     deck.integrator.linear == MatrixFunctionMethod::automatic,
                 {"model.linear.structure", "integrator.linear"},
                 "is " + kind + ", which has one way to act; leave integrator.linear automatic" + found);
}

void check_optimizers(const Deck& deck) {
  require_option(
      !deck.training.optimizers.empty() || deck.model.initialisation != core::Initialisation::random,
      {"training.optimizers", "model.initialisation"},
      "is empty, but model.initialisation is random: the model would not see the data; name at least one "
      "of " +
          listed_words<training::OptimizerKind>());
  require_option(deck.training.starts == 1 || !deck.training.optimizers.empty(),
                 {"training.starts", "training.optimizers"},
                 "is " + std::to_string(deck.training.starts) +
                     ", but training.optimizers is empty: there is nothing to try the starts with");
}

void check_time_unit(const Deck& deck) {
  const double unit = deck.data.time_unit;
  const std::string fixed = fixed_time_unit(deck);
  require_option(unit == 0.0 || unit == 1.0 || fixed.empty(), {"data.time_unit"},
                 "is " + shortest(unit) + ", but " + fixed + "; leave it out");
}

/// Terms that compare with differences of the data in time would take missing states for known ones.
void check_missing(const Deck& deck) {
  if (!deck.data.layout.allow_missing) return;
  for (std::size_t i = 0; i < core::loss_terms().size(); ++i) {
    const core::LossTermKind& term = core::loss_terms()[i];
    const bool differences =
        term.name == "derivative" && deck.loss.derivatives == core::DerivativeSource::differences;
    require_option(!core::is_validated(deck.loss, i) || (term.least_intervals == 1 && !differences),
                   {"data.allow_missing", "loss." + std::string(term.name)},
                   "is true, but the term " + std::string(term.name) +
                       " of the loss needs the states of several times together");
  }
  require_option(deck.model.initialisation != core::Initialisation::fast_slow,
                 {"data.allow_missing", "model.initialisation"},
                 "is true, but model.initialisation: fast_slow needs complete trajectories");
}

/// The first term with weight.
std::string trained_term(const core::DataLossOptions& loss) {
  std::size_t term = 0;
  while (loss.weights[term] == 0.0) ++term;
  return std::string(core::loss_terms()[term].name);
}

/// The files beside the training data of a fast-slow model: of its start, or with losses of their own.
void check_start(const Deck& deck) {
  const bool fast_slow = deck.model.initialisation == core::Initialisation::fast_slow;
  require_option(!fast_slow || !deck.data.slow.empty(), {"model.initialisation", "data.slow"},
                 "is fast_slow, which needs windows near the slow manifold; name them in data.slow");
  const auto check = [&](const std::string& name, const std::string& path,
                         const core::DataLossOptions& loss) {
    const std::string key = "data." + name, section = "loss." + name + "_data";
    require_option(fast_slow || loss.any() || path.empty(), {key, "model.initialisation"},
                   "is given, but neither does " + section +
                       " give a term a weight, nor is model.initialisation "
                       "fast_slow; found " +
                       std::string(name_of(deck.model.initialisation)));
    if (!loss.any()) return;
    const std::string term = section + "." + trained_term(loss);
    require_option(!path.empty(), {term, key}, "has a weight, but " + key + " names no file");
    require_option(core::is_fast_slow(deck.model.linear.structure), {term, "model.linear.structure"},
                   "has a weight, but the model is not fast-slow; found " +
                       std::string(name_of(deck.model.linear.structure)));
  };
  check("slow", deck.data.slow, deck.loss.slow_data);
  check("manifold", deck.data.manifold, deck.loss.manifold_data);
}

void check_rollout_lengths(const Deck& deck) {
  const std::size_t window = deck.data.windows.window;
  for (const std::size_t rollout_length : deck.training.adam.rollout_lengths)
    require_option(window == 0 || rollout_length <= window, {"training.adam.rollout_lengths", "data.window"},
                   "has " + std::to_string(rollout_length) + ", but data.window is " +
                       std::to_string(window) + ": windows have no more intervals");
}

}  // namespace

void ForecastOptions::validate() const {
  require_option(times.empty() || (step == 0.0 && steps == 0), {"times", "step"},
                 "and step with steps exclude each other; give one of the two");
  const std::string found = "; found " + number(step) + " and " + std::to_string(steps);
  require_option((step == 0.0) == (steps == 0), {"step", "steps"}, "and steps go together" + found);
  require_option(std::isfinite(step * static_cast<double>(steps)), {"step", "steps"},
                 "times steps is not finite" + found);
  require_option(
      times.size() != 1 && strictly_monotone(times), {"times"},
      "must be at least two strictly monotone times; found " + Value<std::vector<double>>::print(times));
}

std::string fixed_time_unit(const Deck& deck) {
  if (deck.integrator.scheme == core::Scheme::map) return "integrator.scheme is map, which counts no time";
  return core::fixed_time_unit(deck.model);
}

void check_contradictions(const Deck& deck) {
  try {
    require_option(!deck.output.empty(), {"output"}, "is empty; name a directory");
    validate_all(deck);
    check_autoencoder(deck);
    check_loss(deck);
    check_structure(deck);
    check_adjoint(deck);
    check_optimizers(deck);
    check_start(deck);
    check_time_unit(deck);
    check_missing(deck);
    check_rollout_lengths(deck);
  } catch (const OptionError& error) {
    throw at_its_key(deck, error);
  }
}

UsageError at_its_key(const Deck& deck, const OptionError& error) {
  const auto given = std::find_if(error.options.begin(), error.options.end(),
                                  [&](const std::string& key) { return deck.places.contains(key); });
  return UsageError((given == error.options.end() ? "" : deck.places.at(*given)) + error.what());
}

}  // namespace spnode::app
