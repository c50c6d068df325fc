#pragma once
/// Shapes as text.

#include "core/support/text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace spnode::io {

/// "(3, 17)".
inline std::string print_shape(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return std::string("(").append(text).append(")");
}

}  // namespace spnode::io
