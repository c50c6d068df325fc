#pragma once
/// The processor that a build is for, beside the one that it runs on.

#include <cstdint>

namespace spnode::core {

/// What the compiler was told of the processor: constants, so that asking runs no instruction of it.
struct BuildTarget {
  const char* name;  ///< "x86-64-v3 (AVX2)": level of the instruction set and vectors of the kernels
  std::uint64_t instructions;  ///< bit i: row i of core/machine/instruction_sets.hpp may be used
  std::uint32_t vector_bytes;  ///< of a register of the kernels
  std::uint32_t sve_bits;      ///< 64-bit Arm: the length that SVE vectors must have; 0: any
};
extern const BuildTarget build_target;

/// How this processor suits the build.
struct ProcessorFit {
  const char* missing;         ///< what the build uses and the processor lacks; null where it runs
  const char* wider;           ///< vectors that are wider than those of the build; null where there are none
  const char* level;           ///< the -march to build for: the highest level that the processor has
  std::uint32_t level_number;  ///< the same as a number that grows with it
};

/// Uses instructions that every processor of the architecture has, no memory and no library, so that it may
/// be called before anything else. Not collective.
ProcessorFit processor_fit(const BuildTarget& target = build_target) noexcept;

}  // namespace spnode::core
