#pragma once
/// How the table of keys is built. Used by deck_keys*.cpp alone.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "app/deck_keys.hpp"
#include "app/deck_values.hpp"

/// Access to a field of the deck, for reading and for writing.
#define SPNODE_FIELD(field) \
  [](auto& deck) -> auto& { return deck.field; }

namespace spnode::app {

/// Allowed values in words: the words of an enumeration, or the limits.
template <class T>
struct Allowed {
  static std::string words(const Limits& limits) {
    if constexpr (std::is_enum_v<T>)
      return Value<T>::names();
    else if constexpr (std::is_same_v<T, std::uint64_t>)
      return limits.of_integers().integer_words();
    else
      return limits.words();
  }
};
template <class T>
struct Allowed<std::vector<T>> : Allowed<T> {};
template <class T>
struct Allowed<std::optional<T>> {
  static std::string words(const Limits&) { return Value<std::optional<T>>::names(); }
};

class KeyTable {
 public:
  void section(std::string path, std::string doc) { sections.push_back({std::move(path), std::move(doc)}); }

  /// Appends the key `path` for the field that `access` reaches.
  template <class Access>
  void key(std::string path, Access access, Limits limits, std::string unit, std::string doc) {
    using T = std::remove_cvref_t<decltype(access(std::declval<Deck&>()))>;
    Key entry;
    entry.path = std::move(path);
    entry.type = Value<T>::type();
    entry.allowed = Allowed<T>::words(limits);
    entry.unit = std::move(unit);
    entry.doc = std::move(doc);
    entry.read = [access, limits](Deck& deck, const YAML::Node& node) {
      access(deck) = Value<T>::read(node, limits);
    };
    entry.print = [access](const Deck& deck) { return Value<T>::print(access(deck)); };
    keys.push_back(std::move(entry));
  }

  std::vector<Key> keys;
  std::vector<Section> sections;
};

/// The keys of data and models, in deck_keys_model.cpp.
void add_data_keys(KeyTable& table);
void add_model_keys(KeyTable& table);

/// The keys of what is done with them, in deck_keys_training.cpp.
void add_training_keys(KeyTable& table);
void add_result_keys(KeyTable& table);

}  // namespace spnode::app
