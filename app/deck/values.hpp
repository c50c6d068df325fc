#pragma once
/// Typed values of deck keys: from YAML with their limits, and back.

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/deck/options.hpp"
#include "core/support/option.hpp"

namespace spnode::app {

/// What is wrong with a value, without its place: "must be an integer; found 'abc'".
struct BadValue : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How one C++ type stands in a deck: its name and what is allowed for the manual, reading and printing.
template <class T>
struct Value;

template <>
struct Value<double> {
  static std::string type() { return "number"; }
  static std::string allowed(const Limits& limits) { return limits.words(); }
  static double read(const YAML::Node& node, const Limits& limits);
  static std::string print(double value);
};

/// Unsigned integers (std::size_t and std::uint64_t).
template <>
struct Value<std::uint64_t> {
  static std::string type() { return "integer"; }
  static std::string allowed(const Limits& limits) { return limits.integer_words(); }
  static std::uint64_t read(const YAML::Node& node, const Limits& limits);
  static std::string print(std::uint64_t value) { return std::to_string(value); }
};

template <>
struct Value<bool> {
  static std::string type() { return "true or false"; }
  static std::string allowed(const Limits&) { return ""; }
  static bool read(const YAML::Node& node, const Limits& limits);
  static std::string print(bool value) { return value ? "true" : "false"; }
};

template <>
struct Value<std::string> {
  static std::string type() { return "text"; }
  static std::string allowed(const Limits&) { return ""; }
  static std::string read(const YAML::Node& node, const Limits& limits);
  static std::string print(const std::string& value);
};

/// A list [a.h5, b.h5] is the pattern {a.h5,b.h5}.
template <>
struct Value<FilePattern> {
  static std::string type() { return "text or list of texts"; }
  static std::string allowed(const Limits&) { return ""; }
  static FilePattern read(const YAML::Node& node, const Limits& limits);
  static std::string print(const FilePattern& value) { return Value<std::string>::print(value); }
};

/// A text of the deck in a message: 'text', control characters as escapes.
std::string quoted(const std::string& text);

/// Throws BadValue: must be `wanted`; found the node.
[[noreturn]] void refuse(const std::string& wanted, const YAML::Node& node);

/// "; did you mean 'x'?" where one of `candidates` is close to `word`, else nothing.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

template <class Enum>
requires std::is_enum_v<Enum>
struct Value<Enum> {
  static std::string type() { return "word"; }
  static std::string allowed(const Limits&) { return listed_words<Enum>(); }
  static Enum read(const YAML::Node& node, const Limits&) {
    std::vector<std::string> known;
    for (const Word<Enum>& word : words<Enum>()) {
      if (node.IsScalar() && node.Scalar() == word.name) return word.value;
      known.emplace_back(word.name);
    }
    if (!node.IsScalar()) refuse("one of " + listed_words<Enum>(), node);
    throw BadValue("must be one of " + listed_words<Enum>() + "; found " + quoted(node.Scalar()) +
                   suggestion(node.Scalar(), known));
  }
  static std::string print(Enum value) { return std::string(name_of(value)); }
};

/// A word, or `none`.
template <class Enum>
struct Value<std::optional<Enum>> {
  static std::string type() { return "word"; }
  static std::string allowed(const Limits&) { return "none, " + listed_words<Enum>(); }
  static std::optional<Enum> read(const YAML::Node& node, const Limits& limits) {
    if (node.IsScalar() && node.Scalar() == "none") return std::nullopt;
    return Value<Enum>::read(node, limits);
  }
  static std::string print(std::optional<Enum> value) { return value ? Value<Enum>::print(*value) : "none"; }
};

template <class T>
struct Value<std::vector<T>> {
  static std::string type() { return "list of " + Value<T>::type() + "s"; }
  static std::string allowed(const Limits& limits) { return Value<T>::allowed(limits); }
  static std::vector<T> read(const YAML::Node& node, const Limits& limits) {
    if (!node.IsSequence()) refuse("a " + type() + " such as [a, b]", node);
    std::vector<T> values;
    for (const auto& item : node) values.push_back(Value<T>::read(item, limits));
    return values;
  }
  static std::string print(const std::vector<T>& values) {
    std::string list = "[";
    for (const T& value : values) list += (list.size() == 1 ? "" : ", ") + Value<T>::print(value);
    return list + "]";
  }
};

}  // namespace spnode::app
