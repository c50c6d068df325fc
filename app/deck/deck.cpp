#include "app/deck/deck.hpp"

#include <yaml-cpp/depthguard.h>

#include <algorithm>

#include "app/deck/check.hpp"
#include "app/deck/keys.hpp"
#include "app/deck/values.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

namespace spnode::app {

namespace {

const Key* find_key(const std::string& path) {
  const auto& keys = deck_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.path == path; });
  return found == keys.end() ? nullptr : &*found;
}

bool is_section(const std::string& path) {
  const auto& sections = deck_sections();
  return std::any_of(sections.begin(), sections.end(), [&](const Section& s) { return s.path == path; });
}

/// The nearest key or section for an unknown path.
std::string suggest_path(const std::string& path) {
  std::vector<std::string> candidates;
  for (const Key& key : deck_keys()) candidates.push_back(key.path);
  for (const Section& section : deck_sections())
    if (!section.path.empty()) candidates.push_back(section.path);
  const std::string near = suggestion(path, candidates);
  // A key in the wrong section, the same last word somewhere else, is nearer than another word in this one.
  const std::string last = path.substr(path.rfind('.') + 1);
  if (near.ends_with("." + last + "'?")) return near;
  for (const std::string& candidate : candidates)
    if (candidate.ends_with("." + last)) return "; did you mean '" + candidate + "'?";
  if (!near.empty()) return near;
  return "; `spnode check --reference` prints every key";
}

/// What yaml-cpp found wrong; of what is nested too deep it only says "bad file".
std::string reason(const YAML::Exception& error) {
  const auto* const deep = dynamic_cast<const YAML::DeepRecursion*>(&error);
  return deep == nullptr ? error.msg
                         : "nested too deep; at most " + std::to_string(deep->depth()) + " levels";
}

/// Fills a deck and remembers where each key was given.
class Reader {
 public:
  Deck deck;

  void read_text(const std::string& text, const std::string& name) {
    name_ = name;
    YAML::Node root;
    try {
      root = YAML::Load(text);
    } catch (const YAML::Exception& error) {
      throw UsageError(place(error.mark) + "not valid YAML: " + reason(error));
    }
    if (root.IsNull()) return;
    if (!root.IsMap()) throw UsageError(place(root.Mark()) + "a deck is a list of 'key: value' lines");
    read_section(root, "");
  }

  void read_override(const std::string& word) {
    const std::string where = "command line: " + printable(word) + ": ";
    const std::size_t equals = word.find('=');
    const std::string path = word.substr(0, equals);
    YAML::Node value;
    try {
      value = YAML::Load(word.substr(equals + 1));
    } catch (const YAML::Exception& error) {
      throw UsageError(where + "not a valid value: " + reason(error));
    }
    if (is_section(path)) throw UsageError(where + "'" + path + "' is a section; name one of its keys");
    read_value(path, value, where);
  }

 private:
  std::string place(const YAML::Mark& mark) const {
    if (mark.is_null()) return name_ + ": ";
    return name_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": ";
  }

  void read_section(const YAML::Node& section, const std::string& path) {
    for (const auto& entry : section) {
      const std::string where = place(entry.first.Mark());
      if (!entry.first.IsScalar()) throw UsageError(where + "a key must be a word");
      const std::string inner = join(path, entry.first.Scalar());
      if (!is_section(inner)) {
        if (const auto before = deck.places.find(inner); before != deck.places.end())
          throw UsageError(where + "'" + inner + "' is given twice; also at " +
                           before->second.substr(0, before->second.size() - 2));
        read_value(inner, entry.second, where);
      } else if (entry.second.IsMap()) {
        read_section(entry.second, inner);
      } else if (!entry.second.IsNull()) {
        throw UsageError(where + "'" + inner + "' is a section: its keys follow on indented lines");
      }
    }
  }

  void read_value(const std::string& path, const YAML::Node& value, const std::string& where) {
    const Key* key = find_key(path);
    if (key == nullptr) throw UsageError(where + "unknown key " + quoted(path) + suggest_path(path));
    try {
      key->read(deck, value);
    } catch (const BadValue& error) {
      // The value's own place is the more exact one, where it has any.
      const bool from_text = !where.starts_with("command line") && !value.Mark().is_null();
      throw UsageError((from_text ? place(value.Mark()) : where) + path + " " + error.what());
    }
    deck.places[path] = where;
  }

  std::string name_;
};

}  // namespace

Deck read_deck(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  Reader reader;
  reader.read_text(text, name);
  for (const std::string& word : overrides) reader.read_override(word);
  check_contradictions(reader.deck);
  return reader.deck;
}

std::string print_deck(const Deck& deck) {
  std::string text;
  std::vector<std::string> open;  // sections that the lines above have opened
  for (const Key& key : deck_keys()) {
    std::vector<std::string> words;
    std::size_t begin = 0;
    for (std::size_t dot = key.path.find('.'); dot != std::string::npos; dot = key.path.find('.', begin)) {
      words.push_back(key.path.substr(begin, dot - begin));
      begin = dot + 1;
    }
    for (std::size_t depth = 0; depth < words.size(); ++depth) {
      if (depth < open.size() && open[depth] == words[depth]) continue;
      open.resize(depth);
      open.push_back(words[depth]);
      text += std::string(2 * depth, ' ') + words[depth] + ":\n";
    }
    open.resize(words.size());
    text += std::string(2 * words.size(), ' ') + key.path.substr(begin) + ": " + key.print(deck) + "\n";
  }
  return text;
}

}  // namespace spnode::app
