#pragma once
/// Numbers and shapes as text.

#include <charconv>
#include <cstddef>
#include <string>
#include <vector>

namespace spnode::io {

/// The shortest decimal text that reads back to the same double ("nan", "inf" where it is not finite).
inline std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// "(3, 17)".
inline std::string print_shape(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return std::string("(").append(text).append(")");
}

}  // namespace spnode::io
