#pragma once
/// The words of the command line, sorted by whom they are for.

#include <string>
#include <vector>

namespace spnode::app {

struct CommandLine {
  std::string program;
  std::string command;                  ///< empty: none given
  std::string file;                     ///< deck, or the file of `info`; empty: none given
  std::string output;                   ///< -o FILE, of `suggest`; empty: not given
  std::vector<std::string> overrides;   ///< section.key=value
  std::vector<std::string> unexpected;  ///< words and flags that nothing takes
  std::vector<std::string> petsc;       ///< options with one dash, and their values
  std::vector<std::string> kokkos;      ///< options that start with --kokkos-
  bool resume = false;                  ///< --resume: continue from the checkpoint
  bool overwrite = false;               ///< --overwrite: replace existing results
  bool help = false;
  bool version = false;
  bool reference = false;           ///< check --reference
  bool reference_markdown = false;  ///< check --reference-markdown
};

/// spnode COMMAND FILE [section.key=value ...] [-petsc_option [value] ...] [--kokkos-...] [--flag ...]
///
/// A word after an option with one dash is that option's value unless it starts with a dash and is no number,
/// or is an override. Not collective.
CommandLine parse_command_line(int argc, char** argv);

/// argc and argv of a library: the program's name, then `words`. Keeps the characters alive.
class Arguments {
 public:
  Arguments(std::string program, std::vector<std::string> words);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  int count;
  char** values;

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

}  // namespace spnode::app
