#pragma once
/// Balanced contiguous shares of numbered items.

#include <algorithm>
#include <cstddef>

namespace spnode::parallel {

/// The half-open range [begin, end) of item numbers.
struct Range {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// Share number `part` of `count` items dealt in order to `parts` > 0 owners: sizes differ by at most one,
/// the larger shares come first, and with more owners than items the last ones get none. Not collective.
constexpr Range share(std::size_t count, std::size_t parts, std::size_t part) {
  const std::size_t small = count / parts, larger = count % parts;
  const std::size_t begin = part * small + std::min(part, larger);
  return {begin, begin + small + (part < larger ? 1 : 0)};
}

}  // namespace spnode::parallel
