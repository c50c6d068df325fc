#pragma once
/// The commands of the program. Each one is collective and raises an Error where it cannot do its work.

#include <span>
#include <string_view>

#include "app/command_line.hpp"
#include "app/deck.hpp"
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
void run(Context& context);
void info(Context& context);
void check(Context& context);

/// The part of `run` that generates the data files that are absent. Collective.
void generate_missing(Context& context);

/// What the word after `spnode` names.
enum class Takes { deck, file };

struct Command {
  std::string_view name;
  std::string_view summary;
  Takes takes;
  bool computes;  ///< and so begins by saying what the program was built for
  void (*function)(Context&);
};

/// All commands, in the order of the usage text.
std::span<const Command> commands();

}  // namespace spnode::app
