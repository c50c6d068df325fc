// What this build is for: compiled as everything else is, and only constants.
#include "core/kernels/vector_unit.hpp"
#include "core/machine/instruction_sets.hpp"
#include "core/machine/processor.hpp"

#include <array>
#include <string_view>

namespace spnode::core {
namespace {

// A macro that is defined stands for 1; one that is not stands for its own name.
#define SPNODE_TEXT(token) #token
#define SPNODE_IS_DEFINED(macro) (std::string_view(SPNODE_TEXT(macro)) == "1")
#define SPNODE_ROW(name, macro, level) {SPNODE_IS_DEFINED(macro), level},

struct Used {
  bool used;
  int level;
};
constexpr Used sets[] = {SPNODE_INSTRUCTION_SETS(SPNODE_ROW){false, beyond_levels}};

constexpr std::uint64_t used_sets() {
  std::uint64_t bits = 0, bit = 1;
  for (const Used& set : sets) {
    if (set.used) bits |= bit;
    bit <<= 1;
  }
  return bits;
}

// The highest level all of whose sets, and those of the levels below, are used.
constexpr int level() {
  int level = beyond_levels - 1;
  for (const Used& set : sets)
    if (!set.used && set.level <= level) level = set.level - 1;
  return level;
}

#if defined __x86_64__
constexpr std::string_view architecture[] = {"", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
constexpr std::string_view architecture_name = architecture[level()];
#elif defined __aarch64__
constexpr std::string_view architecture_name = "aarch64";
#else
constexpr std::string_view architecture_name = "this architecture";
#endif

constexpr auto name = [] {
  std::array<char, 64> text{};
  std::size_t size = 0;
  for (const std::string_view word :
       {architecture_name, std::string_view(" ("), std::string_view(vector_unit.name), std::string_view(")")})
    for (const char c : word) text[size++] = c;
  return text;
}();

#if defined __ARM_FEATURE_SVE_BITS
constexpr std::uint32_t sve_bits = __ARM_FEATURE_SVE_BITS;
#else
constexpr std::uint32_t sve_bits = 0;
#endif

}  // namespace

constinit const BuildTarget build_target{name.data(), used_sets(), vector_unit.bytes, sve_bits};

}  // namespace spnode::core
