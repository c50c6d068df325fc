// check: a deck read, its files opened, the resolved deck printed; or the manual of the deck.
#include "app/commands/commands.hpp"
#include "app/deck_reference.hpp"
#include "io/trajectories.hpp"

#include <fmt/core.h>

namespace spnode::app {

namespace {

/// Opens the data files that the deck names. Collective.
std::string describe_data(Context& context) {
  const DataOptions& data = context.deck.data;
  std::string text;
  for (const auto& [key, path] : {std::pair{"data.train", data.train}, std::pair{"data.validation", data.validation},
                                  std::pair{"data.test", data.test}}) {
    if (path.empty()) continue;
    const io::TrajectoryInfo info = io::inspect_trajectories(context.comm, path);
    text += fmt::format("# {}: {}: {} trajectories of {} times, {} components\n", key, path, info.count, info.times,
                        info.components);
  }
  return text;
}

}  // namespace

void check(Context& context) {
  std::string text;
  if (context.line.reference) text = print_reference();
  else if (context.line.reference_markdown) text = print_reference_markdown();
  else text = print_deck(context.deck) + describe_data(context);
  if (context.comm.is_root()) fmt::print("{}", text);
}

}  // namespace spnode::app
