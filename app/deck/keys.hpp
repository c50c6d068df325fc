#pragma once
/// Every key of the deck, from the descriptions of its options: the reader, the printed deck,
/// input/reference.yaml, docs/deck-reference.md and what --resume compares all come from it.

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "app/deck/deck.hpp"

namespace spnode::app {

/// One key and the field of the deck that it fills. Its default is the field's value in Deck().
struct Key {
  std::string path;     ///< "model.bilinear.rank"
  std::string type;     ///< "integer", "list of numbers", "word", ...
  std::string allowed;  ///< limits or words, empty where anything of the type goes
  std::string unit;     ///< empty where there is none
  std::string meaning;  ///< one line
  OnResume on_resume;

  std::function<void(Deck&, const YAML::Node&)> read;  ///< throws BadValue
  std::function<std::string(const Deck&)> print;       ///< the value as YAML on one line
};

/// A group of keys.
struct Section {
  std::string path;
  std::string meaning;
};

/// All keys, in the order of the manual.
const std::vector<Key>& deck_keys();

/// All sections in the same order.
const std::vector<Section>& deck_sections();

/// A key or a section in a section: "model.linear", or the name alone at the top.
std::string join(const std::string& section, std::string_view name);

}  // namespace spnode::app
