// check: a deck read, its files opened, the resolved deck and the memory estimate printed; or the deck's
// manual.
#include "app/commands/commands.hpp"
#include "app/commands/memory.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/deck/reference.hpp"
#include "core/support/memory_limit.hpp"

namespace spnode::app {

namespace {

/// Opens a data file that the deck names and prints what is in it; one that `generate` would write may be
/// absent.
void check_data(const Context& context, const char* key, const std::string& path) {
  if (path.empty()) return;
  if (context.deck.generate.system && !data_exist(context.comm, path)) {
    say(context.comm, "# {}: {}: absent; spnode generate writes it\n", key, path);
    return;
  }
  const io::TrajectoryInfo info = inspect_data(context.comm, source_of(context.deck, path));
  say(context.comm, "# {}: {}: {} trajectories of {} times, {} components\n", key, path, info.count,
      info.times, info.components);
  require_arguments(path, info, context.deck.model.arguments);
  const std::string unused = unused_data(info, context.deck);
  if (!unused.empty()) say(context.comm, "# {}: {}: not used: {}\n", key, path, unused);
}

/// Prints what a training needs, where its data are there.
void check_memory(const Context& context) {
  const std::string& train = context.deck.data.train;
  if (train.empty() || !data_exist(context.comm, train)) return;
  const double libraries = core::resident_memory();
  const MemoryEstimate estimate = estimate_memory(context);
  if (const std::string note = streaming_note(estimate.streams); !note.empty())
    say(context.comm, "# data.memory: {}\n", note);
  say(context.comm,
      "# memory of each of {} ranks: {} (data {}, start {}, parameters {}, optimizers {}, work {}), and {} "
      "of "
      "the libraries\n",
      context.comm.size(), shown_bytes(estimate.total()), shown_bytes(estimate.data),
      shown_bytes(estimate.start), shown_bytes(estimate.parameters), shown_bytes(estimate.optimizer),
      shown_bytes(estimate.work), shown_bytes(libraries));
  require_node_memory(context.comm, estimate);
}

}  // namespace

void check(Context& context) {
  if (context.line.reference || context.line.reference_markdown) {
    say(context.comm, "{}", context.line.reference ? print_reference() : print_reference_markdown());
    return;
  }
  const DataOptions& data = context.deck.data;
  say(context.comm, "{}", print_deck(context.deck));
  check_data(context, "data.train", data.train);
  check_data(context, "data.validation", data.validation);
  if (data.validation_fraction > 0.0 && data_exist(context.comm, data.train)) {
    const io::TrajectoryInfo part = part_of_data(context.comm, context.deck, Role::validation).info;
    say(context.comm, "# data.validation_fraction: {} trajectories of {} times\n", part.count, part.times);
  }
  check_data(context, "data.test", data.test);
  check_memory(context);
}

}  // namespace spnode::app
