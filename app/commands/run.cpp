// run: everything in one go; what is there already is taken.
#include "app/commands/commands.hpp"
#include "app/commands/support.hpp"

namespace spnode::app {

namespace {

/// Runs a step unless its result is there. Collective.
void once(Context& context, const std::string& result, void (*step)(Context&)) {
  if (!context.line.overwrite && exists(context.comm, result))
    say(context.comm, "{}: there\n", result);
  else
    step(context);
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
  generate_missing(context);
  once(context, in_run(context.deck, "model.h5"), train_or_resume);
  if (!either(context.deck.evaluate.data, context.deck.data.test).empty())
    once(context, in_run(context.deck, "metrics.csv"), evaluate);
  once(context, in_run(context.deck, "spectrum.csv"), spectrum);
}

}  // namespace spnode::app
