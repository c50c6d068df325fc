#include "app/deck/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "core/support/text.hpp"

namespace spnode::app {

namespace {

/// The whole of a plain (unquoted) scalar as a number; false where it is anything else.
template <class T>
bool parse(const YAML::Node& node, T& value) {
  // yaml-cpp tags quoted scalars with "!": '20' in quotes is text, not a number.
  if (!node.IsScalar() || node.Tag() == "!") return false;
  const std::string& text = node.Scalar();
  const char* first = text.data() + (text.starts_with("+") ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto result = std::from_chars(first, last, value);
  return result.ec == std::errc() && result.ptr == last;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string quoted(const std::string& text) { return std::string("'").append(printable(text)).append("'"); }

void refuse(const std::string& wanted, const YAML::Node& node) {
  std::string found;
  if (node.IsScalar())
    found =
        node.Tag() == "!" ? "the quoted text \"" + printable(node.Scalar()) + "\"" : quoted(node.Scalar());
  else
    found = node.IsMap() ? "a section" : node.IsSequence() ? "a list" : "nothing";
  throw BadValue("must be " + wanted + "; found " + found);
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  std::string nearest;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

double Value<double>::read(const YAML::Node& node, const Limits& limits) {
  double value = 0.0;
  if (!parse(node, value) || !std::isfinite(value) || !limits.allow(value)) {
    const std::string words = limits.words();
    refuse(words.empty() ? "a number" : "a number (" + words + ")", node);
  }
  return value;
}

std::string Value<double>::print(double value) {
  std::string text = shortest(value);
  // YAML 1.1 readers (PyYAML) take 1e-05 for text, 1.0e-05 for a number.
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) text.insert(exponent, ".0");
  return text;
}

std::uint64_t Value<std::uint64_t>::read(const YAML::Node& node, const Limits& limits) {
  std::uint64_t value = 0;
  if (!parse(node, value) || !limits.of_integers().allow(static_cast<double>(value)))
    refuse("an integer (" + limits.integer_words() + ")", node);
  return value;
}

bool Value<bool>::read(const YAML::Node& node, const Limits&) {
  if (node.IsScalar() && node.Tag() != "!") {
    if (node.Scalar() == "true") return true;
    if (node.Scalar() == "false") return false;
  }
  refuse("true or false", node);
}

std::string Value<std::string>::read(const YAML::Node& node, const Limits&) {
  if (!node.IsScalar()) refuse("text", node);
  // The system would take a path up to there.
  if (node.Scalar().find('\0') != std::string::npos) refuse("text without zero bytes", node);
  return node.Scalar();
}

FilePattern Value<FilePattern>::read(const YAML::Node& node, const Limits& limits) {
  if (!node.IsSequence()) {
    if (!node.IsScalar()) refuse("text or a list of texts", node);
    return FilePattern(Value<std::string>::read(node, limits));
  }
  std::string list;
  for (const auto& item : node) {
    const std::string file = Value<std::string>::read(item, limits);
    if (file.empty() || file.find_first_of(",{}") != std::string::npos)
      throw BadValue("must be a list of names without commas and braces; found " + quoted(file));
    list += (list.empty() ? "" : ",") + file;
  }
  if (list.empty()) refuse("text or a list of texts", YAML::Node());
  return FilePattern(node.size() == 1 ? list : "{" + list + "}");
}

std::string Value<std::string>::print(const std::string& value) {
  YAML::Emitter emitter;
  emitter << value;
  return emitter.c_str();
}

}  // namespace spnode::app
