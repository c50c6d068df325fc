// run: everything in one go; what is there already is taken, and its check made again.
#include <algorithm>
#include <filesystem>

#include "app/commands/commands.hpp"
#include "app/commands/support.hpp"
#include "app/model_store.hpp"
#include "core/support/error.hpp"
#include "spectral/spectrum.hpp"

namespace spnode::app {

namespace {

/// A command with a check, whose files `run` makes where one of them is missing or older than the model.
struct Check {
  std::vector<std::string> files;
  std::string model;
  void (*make)(Context&);
  void (*repeat)(Context&);
};

bool all_there(const Context& context, const std::vector<std::string>& files) {
  return std::ranges::all_of(files, [&](const std::string& file) { return exists(context.comm, file); });
}

/// Whether one of the files is of an earlier model, as of a training that was evaluated while it ran.
bool are_outdated(const Context& context, const Check& check) {
  const auto time_of = [](const std::string& path) {
    std::error_code error;  // what is missing is nobody's fault here
    return std::filesystem::last_write_time(path, error);
  };
  return answer_of_root(context.comm, [&] {
    return std::ranges::any_of(check.files,
                               [&](const std::string& file) { return time_of(file) < time_of(check.model); });
  });
}

/// The command, with leave to replace those of its files that a killed run left.
void make(const Context& context, const Check& check) {
  CommandLine line = context.line;
  line.overwrite = true;
  Context making{context.comm, line, context.deck};
  check.make(making);
}

/// Makes or takes the files. The reason why the check failed, empty where it did not. Collective.
std::string failure(Context& context, const Check& check) {
  try {
    if (context.line.overwrite || !all_there(context, check.files) || are_outdated(context, check)) {
      make(context, check);
    } else {
      say(context.comm, "{}: exists, is kept\n", check.files.front());
      check.repeat(context);
    }
  } catch (const CheckFailed& failed) {
    return failed.what();
  }
  return "";
}

/// Trains, or continues a training that was stopped.
void train_or_resume(Context& context) {
  CommandLine line = context.line;
  line.resume =
      line.resume || (!line.overwrite && exists(context.comm, in_run(context.deck, "checkpoint.h5")));
  Context training{context.comm, line, context.deck};
  train(training);
}

}  // namespace

void run(Context& context) {
  const Deck& deck = context.deck;
  check_training_options(deck);
  spectral::check_spectrum_options();
  generate_missing(context);
  const std::string model = in_run(deck, "model.h5");
  if (!context.line.overwrite && exists(context.comm, model) &&
      is_finished(io::read_model(context.comm, model)))
    say(context.comm, "{}: exists, is kept\n", model);
  else
    train_or_resume(context);

  std::string failures;  // a failed check must not keep the other command from its work
  if (!either(deck.evaluate.data, deck.data.test).empty())
    failures = failure(context, {evaluation_files(deck), either(deck.evaluate.model, model), evaluate,
                                 repeat_evaluation_check});
  std::string bound;
  const bool needs_data = core::is_fast_slow(deck.model.linear.structure);
  if (deck.model.linear.structure != core::HurwitzKind::none &&
      (!needs_data || !either(deck.spectrum.data, deck.data.test).empty()))
    bound = failure(
        context, {spectrum_files(deck), either(deck.spectrum.model, model), spectrum, repeat_spectrum_check});
  if (!failures.empty() && !bound.empty()) failures += "; ";
  failures += bound;
  if (!failures.empty()) throw CheckFailed(failures);
}

}  // namespace spnode::app
