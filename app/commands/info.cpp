// info: what a file holds, on stdout; of a model with a library of functions also its equations.
#include <fmt/core.h>

#include <algorithm>

#include "app/commands/commands.hpp"
#include "app/commands/support.hpp"
#include "core/vector_field/equations.hpp"
#include "io/describe.hpp"
#include "io/trained_model.hpp"

namespace spnode::app {

namespace {

bool holds_equations(const std::vector<std::string>& lines) {
  return !lines.empty() && lines.front().ends_with(": a trained model") &&
         std::ranges::any_of(
             lines, [](const std::string& line) { return line.starts_with("  /nonlinear/library/Xi "); });
}

}  // namespace

void info(Context& context) {
  const std::vector<std::string> lines = io::describe(context.comm, context.line.file);
  for (const std::string& line : lines) say(context.comm, "{}\n", printable(line));
  if (!holds_equations(lines)) return;
  const io::TrainedModel trained = io::load_model(context.comm, context.line.file);
  for (const std::string& line : core::equations(*trained.model, trained.theta))
    say(context.comm, "{}\n", printable(line));
}

}  // namespace spnode::app
