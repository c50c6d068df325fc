// The program: libraries up, one command, libraries down, exit status.
#include <fmt/core.h>

#include <exception>

#include "app/commands/commands.hpp"
#include "app/commands/support.hpp"
#include "app/deck/text.hpp"
#include "app/deck/values.hpp"
#include "app/processor_report.hpp"
#include "app/runtime.hpp"
#include "app/start_signals.hpp"
#include "core/machine/processor.hpp"
#include "core/support/memory_limit.hpp"
#include "training/signals.hpp"

namespace spnode::app {

namespace {

constexpr Command table[] = {
    {"generate", "write the trajectory files of a built-in reference system", Takes::deck, true, Signals::end,
     generate},
    {"train", "fit a model to trajectories; --resume continues", Takes::deck, true, Signals::checkpoint,
     train},
    {"forecast", "write trajectories from the initial states of a data set", Takes::deck, true, Signals::end,
     forecast},
    {"evaluate", "errors of forecasts, valid prediction time, step consistency", Takes::deck, true,
     Signals::end, evaluate},
    {"spectrum", "eigenvalues of the learned linear part, and their bound", Takes::deck, true, Signals::end,
     spectrum},
    {"closure", "the slow equations of a fast-slow model at the states of a data set", Takes::deck, true,
     Signals::end, closure},
    {"limit_sets", "fixed points, periodic and chaotic sets over a parameter", Takes::deck, true,
     Signals::end, limit_sets},
    {"run", "generate (if the data are absent), train, evaluate, spectrum", Takes::deck, true, Signals::end,
     run},
    {"suggest", "look at trajectories, try recipes, write a deck: spnode suggest DATA.h5 [-o DECK.yaml]",
     Takes::file, true, Signals::end, suggest},
    {"info", "say what an HDF5 file of spnode holds: spnode info FILE.h5", Takes::file, false, Signals::end,
     info},
    {"check", "read a deck, open its files, print it resolved; trains nothing", Takes::deck, false,
     Signals::end, check},
};

std::string usage() {
  std::string text = "usage: [mpirun -n N] spnode COMMAND DECK.yaml [section.key=value ...] [options]\n\n";
  for (const Command& command : commands())
    text += fmt::format("  {:<11}{}\n", command.name, command.summary);
  return text +
         "\n"
         "  --overwrite   replace existing results\n"
         "  --resume      train: continue from the checkpoint\n"
         "  --reference   check: print every key of a deck with its default\n"
         "  --help, --version\n"
         "  -option ...   for PETSc and SLEPc (-log_view, -tao_monitor, -eps_nev 20)\n"
         "  --kokkos-...  for Kokkos\n";
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (command.name == name) return command;
    names.emplace_back(command.name);
  }
  throw UsageError("unknown command '" + name + "'" + suggestion(name, names) + "\n" + usage());
}

/// The last moment at which a signal means that nothing has been done. Collective.
void begin_work(const parallel::Communicator& comm, const Command& command) {
  if (command.signals == Signals::end) end_by_signals();  // first: between the two no signal may be lost
  int signal = training::SignalFlag::raised();
  MPI_Allreduce(MPI_IN_PLACE, &signal, 1, MPI_INT, MPI_MAX, comm.handle());
  if (signal != 0) throw stopped_before_work();
}

/// Runs the command line. Collective.
void run_command(const parallel::Communicator& comm, const CommandLine& line) {
  if (line.command.empty()) throw UsageError("no command is given\n" + usage());
  const Command& command = find_command(line.command);
  if (!line.unexpected.empty())
    throw UsageError("unexpected '" + line.unexpected.front() + "' on the command line");
  const bool manual = line.reference || line.reference_markdown;
  if (!line.output.empty() && command.function != suggest)
    throw UsageError("unexpected '-o' on the command line; only spnode suggest takes it");
  core::limit_memory();
  Context context{comm, line, Deck()};  // gcc 12 warns of {} without reason
  if (!manual) {
    if (command.computes) report_processor(comm);
    if (line.file.empty())
      throw UsageError(fmt::format("spnode {} needs a file; none is given\n{}", command.name, usage()));
    if (command.takes == Takes::deck)
      context.deck = read_deck(read_deck_text(comm, line.file), line.file, line.overrides);
  }
  begin_work(comm, command);
  command.function(context);
}

}  // namespace

std::span<const Command> commands() { return table; }

}  // namespace spnode::app

int main(int argc, char** argv) try {
  using namespace spnode::app;
  const CommandLine line = parse_command_line(argc, argv);
  return static_cast<int>(run_on_all_ranks(line, [&](const spnode::parallel::Communicator& comm) {
    if (line.help)
      say(comm, "{}", usage());
    else if (line.version)
      say(comm, "spnode " SPNODE_VERSION ", built for {}\n", spnode::core::build_target.name);
    else
      run_command(comm, line);
  }));
} catch (const std::exception& error) {  // before the ranks can agree on anything
  fmt::print(stderr, "spnode: error: {}\n", error.what());
  return static_cast<int>(spnode::ExitStatus::internal_error);
}
