// suggest: what a data file looks like, a few short trainings on it, and the deck of the best.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "app/commands/commands.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/suggest/recipes.hpp"
#include "app/suggest/trial.hpp"
#include "core/support/error.hpp"
#include "io/atomic_file.hpp"
#include "parallel/broadcast.hpp"
#include "training/survey.hpp"

namespace spnode::app {

namespace {

constexpr double most_numbers = 32e6;           ///< of the data that are looked at, 256 MB
constexpr std::size_t most_forecasts = 16;      ///< of a trial
constexpr double default_trial_seconds = 60.0;  ///< of one trial

/// The part of a file that is looked at: whole trajectories, or the first times of the first one.
core::Trajectories read_sample(const parallel::Communicator& comm, const io::DataSource& source,
                               const io::TrajectoryInfo& info) {
  const double state = static_cast<double>(info.components);
  const auto times = std::min(info.times, static_cast<std::size_t>(std::max(3.0, most_numbers / state)));
  const auto count =
      std::min(info.count,
               static_cast<std::size_t>(std::max(1.0, most_numbers / (state * static_cast<double>(times)))));
  return io::read_trajectories(comm, source, 0, count, {.time_end = times});
}

/// What is trained on, and what is kept to judge by.
struct Split {
  core::Trajectories train, held_out;
  std::string what;  ///< "2 of 10 trajectories"
};

std::vector<std::size_t> range(std::size_t begin, std::size_t end) {
  std::vector<std::size_t> indices;
  for (std::size_t i = begin; i < end; ++i) indices.push_back(i);
  return indices;
}

/// As many of the last trajectories as decks hold out, or the last fifth of the times where there are not
/// enough of them.
Split split(const core::Trajectories& sample, const training::Survey& survey) {
  if (!can_be_split(survey)) return {sample, sample, "the training data themselves, too few to be divided"};
  if (sample.count >= 3) {
    const std::size_t held = std::max<std::size_t>(1, sample.count / one_in(sample.count)),
                      kept = sample.count - held;
    return {core::select_trajectories(sample, 0, kept),
            core::select_trajectories(sample, kept, std::min(held, most_forecasts)),
            fmt::format("{} of {} trajectories", std::min(held, most_forecasts), sample.count)};
  }
  const std::size_t cut = sample.times - sample.times / 5;
  return {core::select_times(sample, range(0, cut)), core::select_times(sample, range(cut - 1, sample.times)),
          "the last fifth of the times"};
}

/// Extents of the axes of a state, from "x 21, variable 2"; empty: one axis.
std::vector<std::size_t> extents_of(const std::string& axes) {
  std::vector<std::size_t> extents;
  for (std::size_t begin = 0; begin < axes.size();) {
    const std::size_t end = std::min(axes.find(", ", begin), axes.size());
    const std::size_t space = axes.rfind(' ', end - 1);
    extents.push_back(space < end && space >= begin ? std::strtoul(axes.c_str() + space, nullptr, 10) : 0);
    begin = end + 2;
  }
  return extents;
}

/// The extents that make up the state, none where the file's attribute does not fit it.
std::vector<std::size_t> axes_of(const io::TrajectoryInfo& info) {
  std::vector<std::size_t> extents = extents_of(info.component_axes);
  double components = 1.0;
  for (const std::size_t extent : extents) components *= static_cast<double>(extent);
  if (components != static_cast<double>(info.components)) extents.clear();
  return extents;
}

/// "2 fields of 21 points each, one after the other".
std::string described(const training::FieldFit& fields, std::size_t components) {
  const core::LibraryOptions& form = fields.form;
  std::string text = fmt::format("{} field{} of {} points", form.fields, form.fields > 1 ? "s" : "",
                                 form.points.empty() ? fmt::to_string(components / form.fields)
                                                     : fmt::format("{}", fmt::join(form.points, " x ")));
  if (form.fields > 1)
    text += form.field_axis == core::FieldAxis::first ? ", one after the other" : ", point by point";
  return text;
}

std::string described(const training::Invariant& invariant) {
  std::string text;
  for (std::size_t c = 0; c < invariant.weights.size(); ++c) {
    const double weight = invariant.weights[c];
    if (weight == 0.0) continue;
    const std::string size = rounded(std::abs(weight), 4), factor = size == "1" ? "" : size + " ";
    text += fmt::format("{}{}u{}", text.empty() ? (weight < 0 ? "-" : "") : (weight < 0 ? " - " : " + "),
                        factor, c + 1);
  }
  return text;
}

std::string grid_line(const training::TimeGrid& grid) {
  if (grid.even)
    return fmt::format("even steps of {}, length {}", rounded(grid.longest, 4), rounded(grid.length, 4));
  return fmt::format("steps from {} to {}{}, length {}", rounded(grid.shortest, 3), rounded(grid.longest, 3),
                     grid.logarithmic() ? ", spread over decades" : "", rounded(grid.length, 4));
}

/// The table of what the survey saw.
std::string table(const std::string& path, const training::Survey& seen) {
  std::string text = path + "\n";
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("  {:<15} {}\n", name, value);
  };
  line("data", fmt::format("{} trajectories of {} times, {} components", seen.trajectories, seen.times,
                           seen.components));
  line("times", grid_line(seen.grid));
  line("components",
       fmt::format("deviations from {} to {}{}{}", rounded(seen.least_deviation, 2),
                   rounded(seen.largest_deviation, 2),
                   seen.constant > 0 ? fmt::format(", {} constant", seen.constant) : "",
                   seen.decades > 3.0 ? fmt::format(", values over {:.0f} decades", seen.decades) : ""));
  if (seen.positive)
    line("positive", "all values are above 0: coordinates can keep them so (model.positive)");
  if (seen.components > 1)
    line("POD", fmt::format("{}, {}, {} modes leave 10 %, 1 %, 0.1 % of the states", seen.modes_for(0.1),
                            seen.modes_for(0.01), seen.modes_for(0.001)));
  constexpr const char* degrees[] = {"", "linear", "quadratic", "cubic"};
  std::string fits;
  for (const training::PolynomialFit& fit : seen.fits)
    if (std::isfinite(fit.residual))
      fits += fmt::format("{}{} {}", fits.empty() ? "" : ", ", degrees[fit.degree], rounded(fit.residual, 2));
  if (!fits.empty())
    line("du/dt", fmt::format("what fits leave of it, on held-out times: {}{}, differences of order {}", fits,
                              seen.modes > 0 ? fmt::format(" (in {} modes)", seen.modes) : "", seen.order));
  if (seen.grid.even) line("noise", fmt::format("at most {} of the deviation", rounded(seen.noise, 2)));
  for (const training::Invariant& invariant : seen.invariants) line("conserved", described(invariant));
  if (seen.fields && seen.fields->median < training::good_field_fit)
    line("grid",
         fmt::format("as {}: the same products of up to {} values at a point and its neighbours leave "
                     "{} of du/dt, {} where the times resolve it",
                     described(*seen.fields, seen.components), seen.fields->form.degree,
                     rounded(seen.fields->residual, 2), rounded(seen.fields->median, 2)));
  if (seen.shift_invariance)
    line("space", seen.homogeneous() ? "as a periodic field: no place differs"
                                     : "places differ: not a homogeneous periodic field");
  return text;
}

/// "3e-5 of the deviation, valid for 98 % of the length".
std::string verdict(const Trial& trial) {
  if (!trial.failure.empty()) return trial.failure.substr(0, trial.failure.find('\n'));
  if (trial.diverged == trial.forecasts) return "all forecasts diverge";
  return fmt::format(
      "error {}, valid for {:.0f} % of the length{}", rounded(trial.error, 2), 100.0 * trial.valid,
      trial.diverged > 0 ? fmt::format(", {} of {} diverge", trial.diverged, trial.forecasts) : "");
}

/// What the words behind the file ask for.
struct Request {
  double seconds = default_trial_seconds;  ///< of a trial
  std::vector<std::string> layout;         ///< lines of the section data
  Deck deck;                               ///< with this layout
};

/// Takes seconds=NUMBER, and keys of the section data that say how the file is laid out.
Request request_of(const CommandLine& line) {
  Request request;
  std::vector<std::string> layout;
  for (const std::string& word : line.overrides) {
    const std::string key = word.substr(0, word.find('=')), value = word.substr(key.size() + 1);
    const bool of_layout =
        key == "data.state" || key == "data.time" || key == "data.axes" || key == "data.step";
    if (of_layout) {
      layout.push_back(word);
      request.layout.push_back(key.substr(5) + ": " + value);
      continue;
    }
    char* end = nullptr;
    if (key == "seconds") request.seconds = std::strtod(value.c_str(), &end);
    if (end == nullptr || value.empty() || *end != '\0' || !(request.seconds > 0.0 && request.seconds <= 1e6))
      throw UsageError(
          "spnode suggest takes seconds=NUMBER (of each trial, above 0) and data.state, data.time, "
          "data.axes, "
          "data.step; found '" +
          word + "'");
  }
  request.deck = read_deck("", "the command line", layout);
  return request;
}

/// The data's name without folders and endings, for the deck and the run directory.
std::string stem_of(const std::string& path) {
  std::string stem = std::filesystem::path(path).stem().string();
  std::erase_if(stem,
                [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '-' && c != '.'; });
  return stem.empty() ? "data" : stem;
}

/// Rank 0's recipes: a survey may differ in its last bits between processors.
std::vector<Recipe> agreed(const parallel::Communicator& comm, std::vector<Recipe> found) {
  std::string count = std::to_string(found.size());
  parallel::broadcast(comm, count);
  found.resize(std::stoul(count));
  for (Recipe& recipe : found) {
    parallel::broadcast(comm, recipe.name);
    parallel::broadcast(comm, recipe.deck);
  }
  return found;
}

std::string header(const std::string& path, const Recipe& recipe, const Trial& trial, const Split& split) {
  return fmt::format("# Written by spnode suggest for {}: {}.\n# A trial of {:.0f} s, judged by {}: {}.\n",
                     path, recipe.name, trial.seconds, split.what, verdict(trial));
}

}  // namespace

void suggest(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const std::string& path = context.line.file;
  const Request request = request_of(context.line);
  const std::string stem = stem_of(path);
  const std::string target = either(context.line.output, stem + ".yaml");
  check_outputs(context, {{"the data", path}}, {{"the deck", target}});

  const io::DataSource source = source_of(request.deck, path);
  const io::TrajectoryInfo info = inspect_data(comm, source);
  const core::Trajectories sample = read_sample(comm, source, info);
  training::Survey seen;
  parallel::collectively(comm, [&] {
    try {
      seen = training::survey(sample, axes_of(info));
    } catch (const FileError& error) {
      throw FileError(path + ": " + error.what());
    }
  });
  say(comm, "{}", table(path, seen));
  const std::vector<Recipe> found =
      agreed(comm, recipes(seen, {path, "runs/" + stem, request.layout, info.parameters, info.inputs}));
  const Split parts = split(sample, seen);
  std::optional<std::size_t> best;
  std::vector<Trial> trials;
  say(comm, "trials, judged by {}\n", parts.what);
  for (const Recipe& recipe : found) {
    const Deck deck = read_deck(recipe.deck, "the deck of a trial", {});
    trials.push_back(run_trial(comm, deck, parts.train, parts.held_out, request.seconds));
    say(comm, "  {:<43} {} [{:.1f} s]\n", recipe.name, verdict(trials.back()), trials.back().seconds);
    if (!best || better(trials.back(), trials[*best])) best = trials.size() - 1;
  }
  const Trial& chosen = trials[*best];
  if (!chosen.failure.empty() || chosen.diverged == chosen.forecasts)
    throw NumericalError(path + ": no recipe gives a model that can be forecast; see the table above");
  prepare_parent(comm, target);
  io::write_text(comm, target, header(path, found[*best], chosen, parts) + found[*best].deck,
                 overwrite(context));
  if (chosen.error > 0.3 && chosen.valid < 0.3)
    say(comm, "warning: the forecasts soon leave the data: no recipe suits them, or the system is chaotic\n");
  say(comm, "{}: {}\n", target, found[*best].name);
}

}  // namespace spnode::app
