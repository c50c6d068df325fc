#pragma once
/// Typed values of deck keys: from YAML with their limits, and back.

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/registry.hpp"

namespace spnode::app {

/// What is wrong with a value, without its place: "must be an integer; found 'abc'".
struct BadValue : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Which numbers a key takes.
struct Limits {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool excludes_least = false;

  bool allow(double value) const {
    return (excludes_least ? value > least : value >= least) && value <= most;
  }
  /// "at least 1", "above 0, at most 1", or nothing.
  std::string words() const;
  /// The same of integers, which always have both ends.
  std::string integer_words() const;
  /// As limits of integers, which are never negative: without an upper one, the libraries' (2^31 - 1).
  Limits of_integers() const;
};

/// Most for integers of which all 64 bits count.
inline constexpr double any_integer = 0x1p64;

inline Limits any() { return {}; }
inline Limits at_least(double least) { return {.least = least}; }
inline Limits above(double least) { return {.least = least, .excludes_least = true}; }
inline Limits between(double least, double most) { return {.least = least, .most = most}; }

/// How one C++ type stands in a deck: its name for the manual, reading and printing.
template <class T>
struct Value;

template <>
struct Value<double> {
  static std::string type() { return "number"; }
  static double read(const YAML::Node& node, const Limits& limits);
  static std::string print(double value);
};

/// Unsigned integers (std::size_t and std::uint64_t).
template <>
struct Value<std::uint64_t> {
  static std::string type() { return "integer"; }
  static std::uint64_t read(const YAML::Node& node, const Limits& limits);
  static std::string print(std::uint64_t value) { return std::to_string(value); }
};

template <>
struct Value<bool> {
  static std::string type() { return "true or false"; }
  static bool read(const YAML::Node& node, const Limits& limits);
  static std::string print(bool value) { return value ? "true" : "false"; }
};

template <>
struct Value<std::string> {
  static std::string type() { return "text"; }
  static std::string read(const YAML::Node& node, const Limits& limits);
  static std::string print(const std::string& value);
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
  static std::string names() {
    std::string list;
    for (const auto& choice : choices<Enum>()) list += (list.empty() ? "" : ", ") + std::string(choice.name);
    return list;
  }
  static Enum read(const YAML::Node& node, const Limits&) {
    std::vector<std::string> known;
    for (const auto& choice : choices<Enum>()) {
      if (node.IsScalar() && node.Scalar() == choice.name) return choice.value;
      known.emplace_back(choice.name);
    }
    if (!node.IsScalar()) refuse("one of " + names(), node);
    throw BadValue("must be one of " + names() + "; found " + quoted(node.Scalar()) +
                   suggestion(node.Scalar(), known));
  }
  static std::string print(Enum value) { return std::string(name_of(value)); }
};

/// A word, or `none`.
template <class Enum>
struct Value<std::optional<Enum>> {
  static std::string type() { return "word"; }
  static std::string names() { return "none, " + Value<Enum>::names(); }
  static std::optional<Enum> read(const YAML::Node& node, const Limits& limits) {
    if (node.IsScalar() && node.Scalar() == "none") return std::nullopt;
    return Value<Enum>::read(node, limits);
  }
  static std::string print(std::optional<Enum> value) { return value ? Value<Enum>::print(*value) : "none"; }
};

template <class T>
struct Value<std::vector<T>> {
  static std::string type() { return "list of " + Value<T>::type() + "s"; }
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
