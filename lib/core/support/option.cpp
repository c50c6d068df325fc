#include "core/support/option.hpp"

#include "core/support/text.hpp"

#include <cmath>

namespace spnode {

std::string Limits::words() const {
  std::string text;
  if (std::isfinite(least)) text = (excludes_least ? "above " : "at least ") + shortest(least);
  if (std::isfinite(most)) text += (text.empty() ? "" : ", ") + ("at most " + shortest(most));
  return text;
}

std::string Limits::integer_words() const {
  const Limits both = of_integers();
  const std::uint64_t last = both.most < any_integer ? static_cast<std::uint64_t>(both.most)
                                                     : std::numeric_limits<std::uint64_t>::max();
  return "at least " + std::to_string(static_cast<std::uint64_t>(both.least)) + ", at most " +
         std::to_string(last);
}

void require_within(std::string_view option, double value, const Limits& limits) {
  if (std::isfinite(value) && limits.allow(value)) return;
  const std::string words = limits.words();
  throw OptionError({std::string(option)}, "must be a " +
                                               (words.empty() ? "finite number" : "number (" + words + ")") +
                                               "; found " + shortest(value));
}

void require_within(std::string_view option, std::uint64_t value, const Limits& limits) {
  if (!limits.of_integers().allow(static_cast<double>(value)))
    throw OptionError({std::string(option)},
                      "must be an integer (" + limits.integer_words() + "); found " + std::to_string(value));
}

}  // namespace spnode
