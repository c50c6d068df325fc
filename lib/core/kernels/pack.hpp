#pragma once
/// A register of eight doubles on the host. The compiler lowers it to what the processor has.

#include <cstddef>
#include <cstring>
#include <initializer_list>

namespace spnode::core {

inline constexpr std::size_t pack_width = 8;

typedef double Pack __attribute__((vector_size(pack_width * sizeof(double))));

inline Pack load(const double* from) {
  Pack value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(double* to, Pack value) { std::memcpy(to, &value, sizeof value); }

/// Transposes an 8 x 8 block held in eight packs: three rounds of exchanges between rows 1, 2 and 4 apart.
inline void transpose(Pack (&row)[pack_width]) {
  const auto exchange = [&row](std::size_t i, std::size_t j, auto low, auto high) {
    const Pack a = row[i], b = row[j];
    row[i] = low(a, b);
    row[j] = high(a, b);
  };
  for (std::size_t i = 0; i < 8; i += 2)
    exchange(
        i, i + 1, [](Pack a, Pack b) { return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14); },
        [](Pack a, Pack b) { return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15); });
  for (const std::size_t i : {0, 1, 4, 5})
    exchange(
        i, i + 2, [](Pack a, Pack b) { return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13); },
        [](Pack a, Pack b) { return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15); });
  for (std::size_t i = 0; i < 4; ++i)
    exchange(
        i, i + 4, [](Pack a, Pack b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11); },
        [](Pack a, Pack b) { return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15); });
}

/// Lanes rounded up so that whole packs can be loaded.
constexpr std::size_t padded(std::size_t lanes) { return (lanes + pack_width - 1) / pack_width * pack_width; }

}  // namespace spnode::core
