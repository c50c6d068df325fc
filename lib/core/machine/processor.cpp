// Compiled for the least processor of the architecture (CMakeLists.txt), whatever the rest is built for.
#include "core/machine/processor.hpp"

#include "core/machine/instruction_sets.hpp"

#if defined __aarch64__ && defined __linux__
#include <sys/auxv.h>
#include <sys/prctl.h>
#endif

namespace spnode::core {

// Clang 14 does not know the names of all instruction sets.
#if defined __x86_64__ && !defined __clang__

ProcessorFit processor_fit(const BuildTarget& target) noexcept {
  __builtin_cpu_init();
  ProcessorFit fit{nullptr, nullptr, nullptr, beyond_levels - 1};
  std::uint64_t bit = 1;
  const auto look = [&](const char* name, bool present, std::uint32_t level) {
    if (!present && (target.instructions & bit) != 0 && fit.missing == nullptr) fit.missing = name;
    if (!present && level <= fit.level_number) fit.level_number = level - 1;
    bit <<= 1;
  };
#define SPNODE_ROW(name, macro, level) look(name, __builtin_cpu_supports(name) != 0, level);
  SPNODE_INSTRUCTION_SETS(SPNODE_ROW)
#undef SPNODE_ROW
  switch (fit.level_number) {
    case 4:
      fit.level = "x86-64-v4";
      break;
    case 3:
      fit.level = "x86-64-v3";
      break;
    case 2:
      fit.level = "x86-64-v2";
      break;
    default:
      fit.level = "x86-64";
  }
  if (fit.level_number >= 4 && target.vector_bytes < 64)
    fit.wider = "AVX-512";
  else if (fit.level_number >= 3 && target.vector_bytes < 32)
    fit.wider = "AVX2";
  return fit;
}

#elif defined __aarch64__ && defined __linux__

ProcessorFit processor_fit(const BuildTarget& target) noexcept {
  ProcessorFit fit{nullptr, nullptr, "armv8-a", 1};
  std::uint32_t bytes = 0;
  if ((getauxval(AT_HWCAP) & HWCAP_SVE) != 0)
    bytes = std::uint32_t(prctl(PR_SVE_GET_VL)) & PR_SVE_VL_LEN_MASK;
  if (bytes > 0) {
    fit.level = "armv8.2-a+sve";
    fit.level_number = bytes;
  }
  if (target.sve_bits > 0 && target.sve_bits != 8 * bytes)
    fit.missing = "SVE vectors of that length";
  else if (bytes > target.vector_bytes)
    fit.wider = "longer SVE vectors";
  return fit;
}

#else

ProcessorFit processor_fit(const BuildTarget&) noexcept { return {nullptr, nullptr, "native", 1}; }

#endif

}  // namespace spnode::core
