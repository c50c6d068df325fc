#pragma once
/// Instruction sets beyond the least of the architecture that a compiler uses of its own accord where it is
/// allowed to: row(name for __builtin_cpu_supports, macro of the compiler, level of x86-64 that has it).

// clang-format off
#if defined __x86_64__
#define SPNODE_INSTRUCTION_SETS(row)             \
  row("sse3", __SSE3__, 2)                       \
  row("ssse3", __SSSE3__, 2)                     \
  row("sse4.1", __SSE4_1__, 2)                   \
  row("sse4.2", __SSE4_2__, 2)                   \
  row("popcnt", __POPCNT__, 2)                   \
  row("avx", __AVX__, 3)                         \
  row("avx2", __AVX2__, 3)                       \
  row("bmi", __BMI__, 3)                         \
  row("bmi2", __BMI2__, 3)                       \
  row("f16c", __F16C__, 3)                       \
  row("fma", __FMA__, 3)                         \
  row("lzcnt", __LZCNT__, 3)                     \
  row("movbe", __MOVBE__, 3)                     \
  row("avx512f", __AVX512F__, 4)                 \
  row("avx512bw", __AVX512BW__, 4)               \
  row("avx512cd", __AVX512CD__, 4)               \
  row("avx512dq", __AVX512DQ__, 4)               \
  row("avx512vl", __AVX512VL__, 4)               \
  row("avx512ifma", __AVX512IFMA__, 5)           \
  row("avx512vbmi", __AVX512VBMI__, 5)           \
  row("avx512vbmi2", __AVX512VBMI2__, 5)         \
  row("avx512vnni", __AVX512VNNI__, 5)           \
  row("avx512bitalg", __AVX512BITALG__, 5)       \
  row("avx512vpopcntdq", __AVX512VPOPCNTDQ__, 5) \
  row("avxvnni", __AVXVNNI__, 5)                 \
  row("fma4", __FMA4__, 5)                       \
  row("xop", __XOP__, 5)
#else
#define SPNODE_INSTRUCTION_SETS(row)
#endif
// clang-format on

namespace spnode::core {

/// The level of sets that belong to none.
inline constexpr int beyond_levels = 5;

}  // namespace spnode::core
