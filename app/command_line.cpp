#include "app/command_line.hpp"

#include <algorithm>
#include <cctype>

namespace spnode::app {

namespace {

bool is_flag(const std::string& word) { return word.starts_with("--"); }

/// -tao_type, but neither a negative number nor a single dash.
bool is_petsc_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && word[1] != '-' && word[1] != '.' &&
         !std::isdigit(static_cast<unsigned char>(word[1]));
}

/// section.key=value, or key=value for the keys at the top.
bool is_override(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == 0 || equals == std::string::npos) return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_' || c == '.';
  });
}

bool take_flag(CommandLine& line, const std::string& word) {
  if (word == "--resume")
    line.resume = true;
  else if (word == "--overwrite")
    line.overwrite = true;
  else if (word == "--help")
    line.help = true;
  else if (word == "--version")
    line.version = true;
  else if (word == "--reference")
    line.reference = true;
  else if (word == "--reference-markdown")
    line.reference_markdown = true;
  else
    return false;
  return true;
}

void take_word(CommandLine& line, const std::string& word) {
  if (line.command.empty())
    line.command = word;
  else if (line.file.empty())
    line.file = word;
  else if (is_override(word))
    line.overrides.push_back(word);
  else
    line.unexpected.push_back(word);
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  line.program = argc > 0 ? argv[0] : "spnode";
  bool after_petsc_option = false, after_output = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (after_output) {
      line.output = word;
      after_output = false;
      continue;
    }
    if (word == "-o") {
      after_output = true;
      after_petsc_option = false;
      continue;
    }
    const bool is_value =
        after_petsc_option && !is_flag(word) && !is_petsc_option(word) && !is_override(word);
    after_petsc_option = is_petsc_option(word);
    if (is_value || after_petsc_option) {
      line.petsc.push_back(word);
    } else if (word.starts_with("--kokkos-")) {
      line.kokkos.push_back(word);
    } else if (is_flag(word)) {
      if (!take_flag(line, word)) line.unexpected.push_back(word);
    } else {
      take_word(line, word);
    }
  }
  if (after_output) line.unexpected.push_back("-o");  // without a file
  return line;
}

Arguments::Arguments(std::string program, std::vector<std::string> words) : words_(std::move(words)) {
  words_.insert(words_.begin(), std::move(program));
  for (std::string& word : words_) pointers_.push_back(word.data());
  count = static_cast<int>(pointers_.size());
  pointers_.push_back(nullptr);
  values = pointers_.data();
}

}  // namespace spnode::app
