#include "app/deck/reference.hpp"

#include <algorithm>

#include "app/deck/keys.hpp"

namespace spnode::app {

namespace {

std::string section_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

std::string name_in_section(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::size_t depth_of(const std::string& section) {
  return section.empty() ? 0 : 1 + std::count(section.begin(), section.end(), '.');
}

/// "integer, at least 1" or "one of etd1, etdrk2".
std::string type_and_range(const Key& key) {
  if (key.type == "word") return "one of " + key.allowed;
  if (key.type == "list of words") return "list of " + key.allowed;
  return key.allowed.empty() ? key.type : key.type + ", " + key.allowed;
}

template <class Visit>
void for_keys_of(const Section& section, Visit visit) {
  for (const Key& key : deck_keys())
    if (section_of(key.path) == section.path) visit(key);
}

}  // namespace

std::string print_reference() {
  const Deck defaults;
  std::string text =
      "# Every key of a spnode deck with its default; printed by `spnode check --reference`.\n"
      "# Above each key: what it is [unit]; behind it: its type and what is allowed.\n";
  for (const Section& section : deck_sections()) {
    const std::size_t depth = depth_of(section.path);
    const std::string outer(depth == 0 ? 0 : 2 * (depth - 1), ' '), inner(2 * depth, ' ');
    text += "\n" + outer + "# " + section.meaning + "\n";
    if (depth > 0) text += outer + name_in_section(section.path) + ":\n";
    for_keys_of(section, [&](const Key& key) {
      text += inner + "# " + key.meaning + (key.unit.empty() ? "" : " [" + key.unit + "]") + "\n";
      text += inner + name_in_section(key.path) + ": " + key.print(defaults) + "  # " + type_and_range(key) +
              "\n";
    });
  }
  return text;
}

std::string print_reference_markdown() {
  const Deck defaults;
  std::string text =
      "# Deck reference\n\n"
      "Every key of a deck, printed by `spnode check --reference-markdown`. "
      "On the command line a key is given as `section.key=value`.\n";
  for (const Section& section : deck_sections()) {
    text += "\n## " + (section.path.empty() ? std::string("Top level") : "`" + section.path + "`") + "\n\n";
    text += section.meaning +
            "\n\n| key | type and range | unit | default | meaning |\n| --- | --- | --- | --- | --- |\n";
    for_keys_of(section, [&](const Key& key) {
      text += "| `" + key.path + "` | " + type_and_range(key) + " | " + key.unit + " | `" +
              key.print(defaults) + "` | " + key.meaning + " |\n";
    });
  }
  return text;
}

}  // namespace spnode::app
