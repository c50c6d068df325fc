#include "io/model_options.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <charconv>
#include <cmath>
#include <functional>
#include <iomanip>
#include <map>
#include <sstream>
#include <system_error>
#include <type_traits>
#include <vector>

namespace spnode::io {

namespace {

/// Calls visit(path, value) for every option of a struct and of the structs in it.
template <class Options, class Visit>
void visit_all(Options& options, const std::string& prefix, Visit& visit);

template <class Options, class Visit>
struct Walk {
  Options& options;
  const std::string& prefix;
  Visit& visit;

  void option(std::string_view name, auto field, const Option&) {
    visit(prefix + std::string(name), std::invoke(field, options));
  }
  void section(std::string_view name, auto field, std::string_view, OnResume = OnResume::same) {
    visit_all(std::invoke(field, options), prefix + std::string(name) + ".", visit);
  }
  void include(auto field) { visit_all(std::invoke(field, options), prefix, visit); }
};

template <class Options, class Visit>
void visit_all(Options& options, const std::string& prefix, Visit& visit) {
  Walk<Options, Visit> walk{options, prefix, visit};
  std::remove_const_t<Options>::describe(walk);
}

template <class Options, class Visit>
void visit_options(Options& options, Visit& visit) {
  visit_all(options.model, "model.", visit);
  visit_all(options.integrator, "integrator.", visit);
}

std::string print(bool value) { return value ? "true" : "false"; }
std::string print(std::size_t value) { return std::to_string(value); }
std::string print(double value) { return shortest(value); }
std::string print(const std::string& value) {
  std::ostringstream text;
  text << std::quoted(value);
  return text.str();
}
template <class Enum>
requires std::is_enum_v<Enum> std::string print(Enum value) { return std::string(name_of(value)); }
template <class T>
std::string print(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text.append(text.empty() ? "" : " ").append(print(value));
  return text;
}

[[noreturn]] void refuse(const std::string& text, const char* wanted) {
  throw UsageError(std::string("'").append(printable(text)).append("' is not ").append(wanted));
}

template <class Number>
void parse_number(const std::string& text, Number& value, const char* wanted) {
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(static_cast<double>(value)))
    refuse(text, wanted);
}
void parse(const std::string& text, double& value) { parse_number(text, value, "a number"); }
void parse(const std::string& text, std::size_t& value) { parse_number(text, value, "a count"); }
void parse(const std::string& text, bool& value) {
  if (text != "true" && text != "false") refuse(text, "true or false");
  value = text == "true";
}
template <class Enum>
requires std::is_enum_v<Enum>
void parse(const std::string& text, Enum& value) {
  for (const Word<Enum>& word : words<Enum>())
    if (word.name == text) {
      value = word.value;
      return;
    }
  refuse(text, "a word that is known");
}
void parse(const std::string& text, std::vector<std::string>& values) {
  values.clear();
  std::istringstream stream(text);
  for (std::string word; stream >> std::quoted(word);) values.push_back(word);
}
template <class T>
void parse(const std::string& text, std::vector<T>& values) {
  values.clear();
  std::istringstream stream(text);
  for (std::string word; stream >> word;) parse(word, values.emplace_back());
}

}  // namespace

std::string print_options(const StoredOptions& options) {
  std::string text;
  auto visit = [&](const std::string& path, const auto& value) {
    text.append(path).append(": ").append(print(value)).append("\n");
  };
  visit_options(options, visit);
  return text;
}

StoredOptions parse_options(const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos || !values.emplace(line.substr(0, colon), line.substr(colon + 2)).second)
      refuse(line, "the one line of an option");
  }
  StoredOptions options;
  auto visit = [&](const std::string& path, auto& value) {
    const auto found = values.find(path);
    if (found == values.end()) return;
    try {
      parse(found->second, value);
    } catch (const UsageError& error) {
      throw UsageError(path + ": " + error.what());
    }
    values.erase(found);
  };
  visit_options(options, visit);
  if (!values.empty()) refuse(values.begin()->first, "an option that is known");
  return options;
}

}  // namespace spnode::io
