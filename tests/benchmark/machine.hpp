#pragma once
/// What a benchmark ran on: processor, vector instructions, BLAS. A rate without them says nothing.

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

extern "C" void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
                       const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
                       const double* beta, double* c, const int* ldc);

namespace spnode::benchmark {

inline std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

/// The widest vectors that this program was compiled for.
constexpr const char* vector_instructions() {
#if defined __AVX512F__
  return "AVX-512";
#elif defined __AVX2__
  return "AVX2";
#elif defined __ARM_FEATURE_SVE
  return "SVE";
#elif defined __ARM_NEON
  return "NEON";
#else
  return "baseline";
#endif
}

/// Load of the machine over the last minute; a busy machine makes every figure too low.
inline double load_average() {
  double load = 0.0;
  return getloadavg(&load, 1) == 1 ? load : 0.0;
}

struct Blas {
  std::string name;     ///< of the implementation, as far as it tells, and its file
  std::string warning;  ///< empty where it does what it can
};

/// The BLAS that this process has loaded, held to one thread.
inline Blas blas() {
  Blas found;
  Dl_info where{};
  if (dladdr(reinterpret_cast<const void*>(&dgemm_), &where) != 0 && where.dli_fname) {
    char* const resolved = realpath(where.dli_fname, nullptr);
    found.name = resolved ? resolved : where.dli_fname;
    std::free(resolved);
  }
  const auto symbol = [](const char* name) { return dlsym(RTLD_DEFAULT, name); };
  if (void* const config = symbol("openblas_get_config")) {
    found.name = std::string(reinterpret_cast<char* (*)()>(config)()) + ", " + found.name;
    if (void* const threads = symbol("openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(threads)(1);
  }
  const bool fast = symbol("openblas_get_config") || symbol("bli_thread_set_num_threads") ||
                    symbol("MKL_Get_Version_String");
  if (!fast) found.warning = "this may be the netlib reference BLAS, ten times too slow";
  if (std::string_view(vector_instructions()) == "AVX-512" && found.name.find("Haswell") != std::string::npos)
    found.warning = "this OpenBLAS took its AVX2 kernels, half as fast: set OPENBLAS_CORETYPE=SkylakeX";
  return found;
}

}  // namespace spnode::benchmark
