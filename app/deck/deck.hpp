#pragma once
/// The input deck: options of the libraries and of the program, filled from YAML text and the command line.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/deck/options.hpp"
#include "core/integrators/options.hpp"
#include "core/loss/options.hpp"
#include "core/systems/options.hpp"
#include "core/vector_field/options.hpp"
#include "training/options.hpp"

namespace spnode::app {

/// For each key that was given: where, as the beginning of a message ("deck.yaml:3:4: ").
using Places = std::map<std::string, std::string>;

/// Everything that a deck can say.
struct Deck {
  std::string output = "runs/spnode";  ///< RUN
  std::uint64_t seed = 1;
  DataOptions data;
  core::GenerateOptions generate;
  core::ModelOptions model;
  core::IntegratorOptions integrator;
  core::LossOptions loss;
  training::TrainingOptions training;
  ForecastOptions forecast;
  EvaluateOptions evaluate;
  SpectrumSettings spectrum;
  ClosureSettings closure;
  LimitSetSettings limit_sets;

  Places places;  ///< of the text that the deck was read from

  static void describe(auto& visit) {
    using Self = Deck;
    visit.option("output", &Self::output,
                 {.meaning = "run directory, which receives model, checkpoint, history, metrics and spectrum",
                  .on_resume = OnResume::free});
    visit.option(
        "seed", &Self::seed,
        {.meaning = "seed of all random numbers: initial parameters, order of the windows, generated data",
         .limits = between(0, any_integer)});
    visit.section("data", &Self::data, "Trajectory files, and how training cuts windows from them.");
    visit.section(
        "generate", &Self::generate,
        "A reference system to simulate; writes the files data.train, data.validation and data.test.",
        OnResume::free);
    visit.section("model", &Self::model, "du/dt = A_L u + g(u), in latent space if there is an autoencoder.");
    visit.section("integrator", &Self::integrator,
                  "Time integration of the model between two times of the data.");
    visit.section("loss", &Self::loss,
                  "Weighted sum of mean squares. Terms with weight 0 are not computed, except by monitor.");
    visit.section("training", &Self::training,
                  "Optimizers run one after the other; the model with the lowest validation loss is kept.");
    visit.section("forecast", &Self::forecast, "Trajectories from the initial states of a data set.",
                  OnResume::free);
    visit.section("evaluate", &Self::evaluate, "Errors of forecasts over a whole data set.", OnResume::free);
    visit.section("spectrum", &Self::spectrum, "Eigenvalues of the learned linear part and the bound mu.",
                  OnResume::free);
    visit.section("closure", &Self::closure,
                  "The equations on the slow manifold of a fast-slow model at the states of a data set.",
                  OnResume::free);
    visit.section("limit_sets", &Self::limit_sets,
                  "Omega-limit sets of a model or a reference system over a parameter.", OnResume::free);
  }
};

/// The deck in `text` with `overrides` (words of the form section.key=value) applied in order.
/// `name` is the name of the text in messages. Raises UsageError naming the place, the value found and what
/// is allowed: for unknown keys, wrong types, values out of range and contradictory keys. Not collective.
Deck read_deck(const std::string& text, const std::string& name, const std::vector<std::string>& overrides);

/// The whole deck as YAML, every key with its value: reading it again gives the same deck.
std::string print_deck(const Deck& deck);

}  // namespace spnode::app
