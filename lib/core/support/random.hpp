#pragma once
/// Counter-based random numbers: a value depends on (seed, stream, counter) alone, never on ranks or call
/// order.

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace spnode::core {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64-bit words with full avalanche.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// FNV-1a hash of a name, to derive a stream from it.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

/// Random access to one stream of random numbers.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : key_(mix64(mix64(seed + golden) ^ (stream * golden))) {}
  Random(std::uint64_t seed, std::string_view name) : Random(seed, hash_name(name)) {}

  std::uint64_t bits(std::uint64_t counter) const { return mix64(key_ + golden * (counter + 1)); }

  /// Uniform in the open interval (0, 1).
  double uniform(std::uint64_t counter) const {
    return (static_cast<double>(bits(counter) >> 11) + 0.5) * 0x1.0p-53;
  }
  double uniform(std::uint64_t counter, double low, double high) const {
    return low + (high - low) * uniform(counter);
  }

  /// Standard normal (Box-Muller on counters 2c and 2c + 1).
  double normal(std::uint64_t counter) const {
    return std::sqrt(-2.0 * std::log(uniform(2 * counter))) *
           std::cos(2.0 * std::numbers::pi * uniform(2 * counter + 1));
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;
  std::uint64_t key_;
};

/// A pseudo-random permutation of 0 .. size - 1 evaluated entry by entry, without storage: a four-round
/// Feistel network on the smallest even number of bits that holds size, walked along its cycles until it
/// lands inside.
class Permutation {
 public:
  Permutation(std::uint64_t size, std::uint64_t seed, std::uint64_t stream)
      : size_(size), random_(seed, stream) {
    while ((std::uint64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
  }

  std::uint64_t operator()(std::uint64_t index) const {
    do index = encrypt(index);
    while (index >= size_);
    return index;
  }

 private:
  std::uint64_t encrypt(std::uint64_t index) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = index >> half_bits_, right = index & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (random_.bits(round << 32 | right) & mask);
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  std::uint64_t size_;
  Random random_;
  int half_bits_ = 1;
};

}  // namespace spnode::core
