// The program: libraries up, one command, libraries down, exit status.
#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "app/commands/commands.hpp"
#include "app/deck_values.hpp"
#include "app/processor_report.hpp"
#include "app/runtime.hpp"
#include "core/processor.hpp"
#include "parallel/broadcast.hpp"

namespace spnode::app {

namespace {

constexpr Command table[] = {
    {"generate", "write the trajectory files of a built-in reference system", Takes::deck, true, generate},
    {"train", "fit a model to trajectories; --resume continues", Takes::deck, true, train},
    {"forecast", "write trajectories from the initial states of a data set", Takes::deck, true, forecast},
    {"evaluate", "errors of forecasts, valid prediction time, step consistency", Takes::deck, true, evaluate},
    {"spectrum", "eigenvalues of the learned linear part, and their bound", Takes::deck, true, spectrum},
    {"run", "generate (if the data are absent), train, evaluate, spectrum", Takes::deck, true, run},
    {"info", "say what an HDF5 file of spnode holds: spnode info FILE.h5", Takes::file, false, info},
    {"check", "read a deck, open its files, print it resolved; trains nothing", Takes::deck, false, check},
};

std::string usage() {
  std::string text = "usage: [mpirun -n N] spnode COMMAND DECK.yaml [section.key=value ...] [options]\n\n";
  for (const Command& command : commands())
    text += fmt::format("  {:<10}{}\n", command.name, command.summary);
  return text +
         "\n"
         "  --overwrite   replace existing results\n"
         "  --resume      train: continue from the checkpoint\n"
         "  --reference   check: print every key of a deck with its default\n"
         "  --help, --version\n"
         "  -option ...   for PETSc and SLEPc (-log_view, -tao_monitor, -eps_nev 20)\n"
         "  --kokkos-...  for Kokkos\n";
}

/// The deck's text, read by rank 0. Collective.
std::string read_deck_text(const parallel::Communicator& comm, const std::string& path) {
  std::string text;
  parallel::collectively(comm, [&] {
    if (!comm.is_root()) return;
    std::ifstream file(path);
    text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad())
      throw UsageError(path + ": the deck cannot be read: " + std::strerror(errno));
  });
  parallel::broadcast(comm, text);
  return text;
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (command.name == name) return command;
    names.emplace_back(command.name);
  }
  throw UsageError("unknown command '" + name + "'" + suggestion(name, names) + "\n" + usage());
}

/// Runs the command line. Collective.
void run_command(const parallel::Communicator& comm, const CommandLine& line) {
  if (line.command.empty()) throw UsageError("no command is given\n" + usage());
  const Command& command = find_command(line.command);
  if (!line.unexpected.empty())
    throw UsageError("unexpected '" + line.unexpected.front() + "' on the command line");
  const bool manual = line.reference || line.reference_markdown;
  Context context{comm, line, {}};
  if (!manual) {
    if (command.computes) report_processor(comm);
    if (line.file.empty())
      throw UsageError(fmt::format("spnode {} needs a file; none is given\n{}", command.name, usage()));
    if (command.takes == Takes::deck)
      context.deck = read_deck(read_deck_text(comm, line.file), line.file, line.overrides);
  }
  command.function(context);
}

}  // namespace

std::span<const Command> commands() { return table; }

}  // namespace spnode::app

int main(int argc, char** argv) {
  using namespace spnode::app;
  const CommandLine line = parse_command_line(argc, argv);
  Runtime runtime(line);
  const auto print = [&](const std::string& text) {
    if (runtime.comm().is_root()) fmt::print("{}", text);
  };
  return static_cast<int>(runtime.run([&] {
    if (line.help)
      print(usage());
    else if (line.version)
      print("spnode " SPNODE_VERSION ", built for " + std::string(spnode::core::build_target.name) + "\n");
    else
      run_command(runtime.comm(), line);
  }));
}
