#pragma once
/// A register of eight doubles on the host. The compiler lowers it to what the processor has.

#include <cstddef>
#include <cstring>

namespace spnode::core {

inline constexpr std::size_t pack_width = 8;

typedef double Pack __attribute__((vector_size(pack_width * sizeof(double))));

inline Pack load(const double* from) {
  Pack value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(double* to, Pack value) { std::memcpy(to, &value, sizeof value); }

/// Lanes rounded up so that whole packs can be loaded.
constexpr std::size_t padded(std::size_t lanes) { return (lanes + pack_width - 1) / pack_width * pack_width; }

}  // namespace spnode::core
