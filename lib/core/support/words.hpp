#pragma once
/// The words that stand for the values of enumerations, in tables beside them. Not collective.

#include "core/support/error.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace spnode {

/// A word that stands for a value of an enumeration. Beside the enumeration stands its table:
///
///   constexpr auto words_of(Scheme) { return std::to_array<Word<Scheme>>({{"etd1", Scheme::etd1}, ...}); }
template <class Enum>
struct Word {
  std::string_view name;
  Enum value;
};

/// Every word of an enumeration, in the order of the manual.
template <class Enum>
std::span<const Word<Enum>> words() {
  static constexpr auto table = words_of(Enum{});
  return table;
}

/// All of them, "tanh, identity".
template <class Enum>
std::string listed_words() {
  std::string list;
  for (const Word<Enum>& word : words<Enum>()) list += (list.empty() ? "" : ", ") + std::string(word.name);
  return list;
}

/// The word for a value.
template <class Enum>
std::string_view name_of(Enum value) {
  for (const Word<Enum>& word : words<Enum>())
    if (word.value == value) return word.name;
  throw Error(ExitStatus::internal_error, "a value of an enumeration has no word in its table");
}

}  // namespace spnode
