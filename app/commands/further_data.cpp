#include "app/commands/further_data.hpp"

#include <fmt/format.h>

#include "app/deck/check.hpp"
#include "core/support/error.hpp"

namespace spnode::app {

Deck deck_beside(const Deck& deck, const std::string& path, const core::LossOptions& loss) {
  Deck beside = deck;
  beside.data.windows = {.window = 0, .stride = 0, .times = {}};
  beside.data.train = path;
  beside.data.validation = "";
  beside.data.validation_fraction = 0.0;
  beside.loss = loss;
  return beside;
}

void require_components_of(const DataSet& train, const DataSet& set) {
  if (set.info.components != train.info.components)
    throw FileError(set.path + ": /state has " + std::to_string(set.info.components) + " components; " +
                    train.path + " has " + std::to_string(train.info.components));
}

std::optional<DataSet> load_beside(const Context& context, const std::string& path, const DataSet& train) {
  if (path.empty()) return std::nullopt;
  const Deck beside = deck_beside(context.deck, path, {});
  DataSet set = load_data_set(context.comm, beside, Role::training,
                              training::validation_sampler(context.deck.training));
  require_components_of(train, set);
  return set;
}

FurtherSets::FurtherSets(const Context& context, const DataSet& train) {
  const Deck& deck = context.deck;
  const bool validates = !data_of(deck, Role::validation).empty();
  const auto add = [&](const std::string& path, const core::DataLossOptions& terms, core::DynamicsMode mode) {
    if (!terms.any()) return;
    constexpr double usual_part = 0.1;
    const double part = deck.data.validation_fraction;
    Deck beside = deck_beside(deck, path, deck.loss.of(terms));
    if (validates) beside.data.validation_fraction = part > 0.0 ? part : usual_part;
    Set set{load_data_set(context.comm, beside, Role::training,
                          training::training_sampler(deck.training, deck.seed)),
            std::nullopt, beside.loss, mode};
    require_components_of(train, set.train);
    if (validates)
      set.validation =
          load_data_set(context.comm, beside, Role::validation, training::validation_sampler(deck.training));
    sets_.push_back(std::move(set));
  };
  add(deck.data.slow, deck.loss.slow_data, core::DynamicsMode::slow);
  add(deck.data.manifold, deck.loss.manifold_data, core::DynamicsMode::full);
}

void FurtherSets::make_objectives(const Context& context, const training::InitialModel& start) {
  for (Set& set : sets_)
    set.objective = using_section(context.deck, "integrator", [&] {
      return training::make_further_objective(context.comm, {context.deck.integrator, set.loss}, set.mode,
                                              start, set.train, set.validation ? &*set.validation : nullptr);
    });
}

std::vector<training::FurtherData> FurtherSets::list() const {
  std::vector<training::FurtherData> list;
  for (const Set& set : sets_) {
    training::FurtherData data{set.objective.get(), {&set.train.data, &set.train.sampler}, {}};
    if (set.validation) data.validation = {&set.validation->data, &set.validation->sampler};
    list.push_back(data);
  }
  return list;
}

std::string FurtherSets::description() const {
  std::string text;
  for (const Set& set : sets_)
    text += fmt::format("{}: {} windows of {} intervals{}\n", set.train.path, set.train.data.index().count(),
                        set.train.data.index().intervals(),
                        set.mode == core::DynamicsMode::slow ? ", on the slow manifold" : "");
  return text;
}

}  // namespace spnode::app
