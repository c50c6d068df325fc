#pragma once
/// The commands of the program. Each one is collective and raises an Error where it cannot do its work.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/command_line.hpp"
#include "app/deck/deck.hpp"
#include "parallel/communicator.hpp"

namespace spnode::app {

/// What a command works on.
struct Context {
  const parallel::Communicator& comm;
  const CommandLine& line;
  Deck deck;  ///< read and checked, except for commands that take another file
};

void generate(Context& context);
void train(Context& context);
void forecast(Context& context);
void evaluate(Context& context);
void spectrum(Context& context);
void closure(Context& context);
void limit_sets(Context& context);
void run(Context& context);
void info(Context& context);
void suggest(Context& context);
void check(Context& context);

// Parts of commands, for `run`. Collective, and they raise what the command raises.

/// Generates the data files that are absent.
void generate_missing(Context& context);

/// Checks the options of PETSc and SLEPc that a training will read, before any work.
void check_training_options(const Deck& deck);

/// The files that a command writes.
std::vector<std::string> evaluation_files(const Deck& deck);
std::vector<std::string> spectrum_files(const Deck& deck);

/// The verdict that a command gave, from its files and what the deck asks for now.
void repeat_evaluation_check(Context& context);
void repeat_spectrum_check(Context& context);

/// What the word after `spnode` names.
enum class Takes { deck, file };

/// What SIGTERM and SIGUSR1 do to a command at work.
enum class Signals { end, checkpoint };

struct Command {
  std::string_view name;
  std::string_view summary;
  Takes takes;
  bool computes;  ///< and so begins by saying what the program was built for
  Signals signals;
  void (*function)(Context&);
};

/// All commands, in the order of the usage text.
std::span<const Command> commands();

}  // namespace spnode::app
