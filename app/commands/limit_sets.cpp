// limit_sets: what orbits of a model or of a reference system tend to, over a parameter.
#include "core/limit_sets/limit_sets.hpp"

#include <algorithm>

#include "app/commands/commands.hpp"
#include "app/commands/limit_sets_report.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/deck/check.hpp"
#include "app/forecasting.hpp"
#include "core/limit_sets/model_orbits.hpp"
#include "core/limit_sets/switching_form.hpp"
#include "core/limit_sets/system_orbits.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/option_number.hpp"
#include "core/systems/switching.hpp"
#include "core/systems/systems.hpp"
#include "io/array_file.hpp"
#include "io/output_directory.hpp"
#include "parallel/count.hpp"
#include "parallel/partition.hpp"
#include "reference/generate.hpp"

namespace spnode::app {

namespace {

constexpr std::size_t block = 256;  // orbits that advance together, about

std::string csv_file(const Deck& deck) { return in_run(deck, "limit_sets.csv"); }
std::string h5_file(const Deck& deck) { return in_run(deck, "limit_sets.h5"); }

std::vector<double> parameter_values(const LimitSetSettings& settings) {
  if (settings.parameter.empty()) return {0.0};
  std::vector<double> values;
  for (std::size_t i = 0; i < settings.values; ++i) {
    const double share = settings.values > 1 ? double(i) / double(settings.values - 1) : 0.0;
    values.push_back(settings.from + share * (settings.to - settings.from));
  }
  if (settings.values > 1) values.back() = settings.to;
  return values;
}

/// Makes the orbits of some values of the parameter, value by value.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::size_t dimension() const = 0;   ///< of the states that advance
  virtual std::size_t components() const = 0;  ///< of the states as they are shown
  /// The result may refer to the source, one call at a time.
  virtual std::unique_ptr<core::Orbits> orbits(std::span<const double> values) = 0;
  /// What is said of the source besides its limit sets.
  virtual std::string remarks() { return ""; }
};

class SystemSource final : public Source {
 public:
  explicit SystemSource(const Deck& deck) : deck_(deck) {
    const LimitSetSettings& settings = deck.limit_sets;
    using_section(deck, "generate", [&] {
      require_option(deck.generate.system.has_value(), {"system"},
                     "is none, but limit_sets.source is system; name a built-in system");
      validate_all(deck.generate);
    });
    using_section(deck, "limit_sets", [&] {
      core::GenerateOptions options = deck.generate;
      require_option(
          settings.parameter.empty() || find_number(options, settings.parameter) != nullptr, {"parameter"},
          "is '" + settings.parameter +
              "'; with source: system it must be a real number among the keys of generate, such as "
              "sigmoid_map.b");
    });
    for (const double end : {settings.from, settings.to}) with_value(end);
    const auto system = core::make_system(deck.generate);
    for (std::size_t start = 0; start < settings.starts; ++start) {
      std::vector<double> state(system->dimension());
      system->initial_state(core::Random(deck.seed, core::hash_name("limit_sets") + start), state);
      states_.insert(states_.end(), state.begin(), state.end());
    }
    // Refuses what has no orbits.
    orbits(std::span(&settings.from, 1));
  }

  std::size_t dimension() const override { return states_.size() / deck_.limit_sets.starts; }
  std::size_t components() const override { return dimension(); }
  std::unique_ptr<core::Orbits> orbits(std::span<const double> values) override {
    std::vector<std::unique_ptr<core::ReferenceSystem>> systems;
    std::vector<double> states;
    for (const double value : values) {
      systems.push_back(core::make_system(with_value(value)));
      states.insert(states.end(), states_.begin(), states_.end());
    }
    return using_section(deck_, "generate", [&] {
      return core::make_orbits(std::move(systems), states, deck_.limit_sets.orbits.step);
    });
  }

 private:
  core::GenerateOptions with_value(double value) const {
    core::GenerateOptions options = deck_.generate;
    if (deck_.limit_sets.parameter.empty()) return options;
    *find_number(options, deck_.limit_sets.parameter) = value;
    using_section(deck_, "generate", [&] { validate_all(options); });
    return options;
  }

  const Deck& deck_;
  std::vector<double> states_;
};

class ModelSource final : public Source {
 public:
  /// Collective.
  ModelSource(const parallel::Communicator& comm, const Deck& deck, const std::string& model,
              const io::DataSource& data)
      : deck_(deck), model_(load_model(comm, model)) {
    const LimitSetSettings& settings = deck.limit_sets;
    const auto& names = model_.state.model->options().arguments.parameters;
    using_section(deck, "limit_sets", [&] {
      require_option(
          settings.parameter.empty() || std::ranges::find(names, settings.parameter) != names.end(),
          {"parameter"},
          "is '" + settings.parameter + "', which is no parameter of the model " + model_.path);
      require_option(
          !core::is_fast_slow(model_.state.model->options().linear.structure) ||
              settings.parameter != core::epsilon_name || std::min(settings.from, settings.to) >= 0.0,
          {"from", "to"}, "goes below 0; the ratio of the time scales of a fast-slow model is 0 or above");
    });
    const io::TrajectoryInfo info = inspect_share(comm, data, settings.starts, model_);
    using_section(deck, "limit_sets", [&] {
      require_option(info.count == settings.starts, {"starts"},
                     "is " + std::to_string(settings.starts) + "; " + data + " has " +
                         std::to_string(info.count) + " trajectories");
    });
    held_ = io::read_trajectories(comm, data, 0, settings.starts, {0, 1});
    require_values(data, held_, model_.state.model->options(), held_.times);
  }

  std::size_t dimension() const override { return model_.state.model->latent_dimension(); }
  std::size_t components() const override { return model_.state.model->state_dimension(); }
  std::unique_ptr<core::Orbits> orbits(std::span<const double> values) override {
    begin_at(values);
    if (auto forms = switching_forms(); !forms.empty()) {
      std::vector<std::unique_ptr<core::ReferenceSystem>> systems;
      for (const core::SwitchingOptions& form : forms)
        systems.push_back(std::make_unique<core::SwitchingSystem>(form));
      return core::make_orbits(std::move(systems), start_.state, deck_.limit_sets.orbits.step);
    }
    return using_section(model_.deck, "model", [&] {
      return std::make_unique<core::ModelOrbits>(*model_.state.model, model_.state.theta,
                                                 model_.deck.integrator, start_,
                                                 deck_.limit_sets.orbits.step);
    });
  }
  std::string remarks() override {
    begin_at(std::span(&deck_.limit_sets.from, 1));
    const auto forms = switching_forms();
    return forms.empty() ? "" : switching_text(forms.front());
  }

 private:
  /// The flow with a plane of each orbit; none where the model has no such form.
  std::vector<core::SwitchingOptions> switching_forms() const {
    std::vector<core::SwitchingOptions> forms;
    const core::Model& model = *model_.state.model;
    const core::ArgumentOptions& arguments = model.options().arguments;
    if (model_.deck.integrator.scheme == core::Scheme::map || !arguments.constant()) return {};
    core::ArgumentReader reader(arguments, model.argument_scaling);
    reader.attach(start_);
    std::vector<double> q(reader.size());
    for (std::size_t orbit = 0; orbit < start_.count; ++orbit) {
      reader.read(orbit, 0.0, q);
      auto form = core::switching_form(model, model_.state.theta, q);
      if (!form) return {};
      forms.push_back(std::move(*form));
    }
    return forms;
  }

  void begin_at(std::span<const double> values) {
    start_ = {};
    start_.count = values.size() * held_.count;
    start_.times = 1;
    start_.components = held_.components;
    start_.time = {0.0};
    for (const double value : values) {
      start_.state.insert(start_.state.end(), held_.state.begin(), held_.state.end());
      for (const auto& [name, held] : held_.parameters) {
        auto& all = start_.parameters[name];
        if (name == deck_.limit_sets.parameter)
          all.insert(all.end(), held_.count, value);
        else
          all.insert(all.end(), held.begin(), held.end());
      }
    }
  }

  const Deck& deck_;
  StoredModel model_;
  core::Trajectories held_, start_;
};

// Limit sets as numbers, to be sent.
void pack(const core::LimitSet& set, std::vector<double>& numbers) {
  for (const double number : {double(set.kind), double(set.period), set.period_time, set.exponent,
                              set.exponent_error, double(set.points.size())})
    numbers.push_back(number);
  numbers.insert(numbers.end(), set.points.begin(), set.points.end());
}

std::vector<core::LimitSet> unpack(const std::vector<double>& numbers) {
  std::vector<core::LimitSet> sets;
  for (auto at = numbers.begin(); at != numbers.end();) {
    core::LimitSet set;
    set.kind = static_cast<core::LimitSetKind>(static_cast<int>(*at++));
    set.period = static_cast<std::size_t>(*at++);
    set.period_time = *at++;
    set.exponent = *at++;
    set.exponent_error = *at++;
    const auto points = static_cast<std::ptrdiff_t>(*at++);
    set.points.assign(at, at + points);
    at += points;
    sets.push_back(std::move(set));
  }
  return sets;
}

/// All ranks' numbers on rank 0, in the order of the ranks. Collective.
std::vector<double> gather(const parallel::Communicator& comm, const std::vector<double>& mine) {
  std::vector<int> counts(static_cast<std::size_t>(comm.size())), offsets(counts.size());
  int count = 0;
  parallel::collectively(comm, [&] { count = parallel::mpi_count(mine.size()); });
  MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, comm.handle());
  std::size_t total = 0;
  std::vector<double> all;
  parallel::collectively(comm, [&] {
    for (std::size_t rank = 0; comm.is_root() && rank < counts.size(); ++rank) {
      offsets[rank] = parallel::mpi_count(total);
      total += static_cast<std::size_t>(counts[rank]);
    }
    all.resize(total);
  });
  MPI_Gatherv(mine.data(), count, MPI_DOUBLE, all.data(), counts.data(), offsets.data(), MPI_DOUBLE, 0,
              comm.handle());
  return all;
}

/// Those of this rank's values of the parameter, block by block.
std::vector<double> find_share(const Deck& deck, Source& source, std::span<const double> values) {
  const LimitSetSettings& settings = deck.limit_sets;
  std::vector<double> numbers;
  const std::size_t most = std::max<std::size_t>(block / settings.starts, 1);
  for (std::size_t first = 0; first < values.size(); first += most) {
    const auto orbits = source.orbits(values.subspan(first, std::min(most, values.size() - first)));
    const auto sets =
        using_section(deck, "limit_sets", [&] { return core::find_limit_sets(*orbits, settings.orbits); });
    for (const core::LimitSet& set : sets) pack(set, numbers);
  }
  return numbers;
}

void require_room(const LimitSetSettings& settings, const Source& source) {
  const auto& orbits = settings.orbits;
  const double kept = double(std::max(2 * orbits.largest_period + 1, orbits.points));
  const double together = double(std::max(block, settings.starts)),
               all = double(settings.values * settings.starts);
  core::require_memory(
      (together * double(source.dimension()) + all * double(source.components())) * kept * sizeof(double),
      fmt::format("limit_sets.points = {} and limit_sets.largest_period = {} of {} orbits", orbits.points,
                  orbits.largest_period, all));
}

}  // namespace

void limit_sets(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const LimitSetSettings& settings = deck.limit_sets;
  const bool of_model = settings.source == LimitSetSource::model;
  const std::string model = of_model ? either(settings.model, in_run(deck, "model.h5")) : "";
  const std::string data = of_model ? either(settings.data, deck.data.test) : "";
  if (of_model && data.empty())
    throw UsageError("limit_sets.data and data.test are empty; name a file of initial states");
  check_outputs(context, {deck_file(context), {"the model", model}, {"the data", data}},
                results({csv_file(deck), h5_file(deck)}));

  const Stopwatch clock;
  const std::unique_ptr<Source> source = [&]() -> std::unique_ptr<Source> {
    if (of_model) return std::make_unique<ModelSource>(comm, deck, model, source_of(deck, data));
    return std::make_unique<SystemSource>(deck);
  }();
  LimitSetTable table;
  table.parameter = settings.parameter;
  table.values = parameter_values(settings);
  table.starts = settings.starts;
  table.components = source->components();
  std::vector<double> mine;
  parallel::collectively(comm, [&] {
    require_room(settings, *source);
    const parallel::Range range = parallel::share(table.values.size(), comm.size(), comm.rank());
    mine = find_share(deck, *source, std::span(table.values).subspan(range.begin, range.size()));
  });
  table.sets = unpack(gather(comm, mine));

  io::ArrayFile file;
  file.deck = print_deck(deck);
  file.version = SPNODE_VERSION;
  file.scalars["starts"] = static_cast<double>(settings.starts);
  if (comm.is_root()) file.arrays = limit_sets_arrays(table);
  io::prepare_output_directory(comm, deck.output);
  io::write_text(comm, csv_file(deck), comm.is_root() ? limit_sets_csv(table) : "", overwrite(context));
  io::write_array_file(comm, h5_file(deck), io::limit_sets_format, file, overwrite(context));
  if (comm.is_root())
    say(comm, "{}{}[{:.1f} s]\n", source->remarks(), limit_sets_ranges(table), clock.seconds());
}

}  // namespace spnode::app
