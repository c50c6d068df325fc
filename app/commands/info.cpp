// info: what a file holds, on stdout; of a model with a library of functions also its equations.
#include <fmt/format.h>

#include <algorithm>

#include "app/commands/commands.hpp"
#include "app/commands/support.hpp"
#include "core/support/error.hpp"
#include "core/vector_field/equations.hpp"
#include "io/describe.hpp"
#include "io/trained_model.hpp"
#include "io/trajectories.hpp"

namespace spnode::app {

namespace {

bool holds_equations(const std::vector<std::string>& lines) {
  return !lines.empty() && lines.front().ends_with(": a trained model") &&
         std::ranges::any_of(
             lines, [](const std::string& line) { return line.starts_with("  /nonlinear/library/Xi "); });
}

/// How the program reads the axes of a trajectory file. Collective; of a file that it does not read it says
/// why.
void say_axes(const Context& context) {
  try {
    const io::TrajectoryInfo info = io::inspect_trajectories(context.comm, context.line.file);
    const io::StoredAxes& stored = info.files.front().stored;
    say(context.comm, "  read as {} trajectories of {} times, {} components: {} is ({})\n", info.count,
        info.times, info.components, stored.state, fmt::join(stored.axes, ", "));
  } catch (const FileError& error) {
    say(context.comm, "  not read as trajectories: {}\n", error.what());
  }
}

}  // namespace

void info(Context& context) {
  const std::vector<std::string> lines = io::describe(context.comm, context.line.file);
  for (const std::string& line : lines) say(context.comm, "{}\n", printable(line));
  if (lines.front().ends_with(": trajectories")) say_axes(context);
  if (!holds_equations(lines)) return;
  const io::TrainedModel trained = io::load_model(context.comm, context.line.file);
  for (const std::string& line : core::equations(*trained.model, trained.theta))
    say(context.comm, "{}\n", printable(line));
}

}  // namespace spnode::app
