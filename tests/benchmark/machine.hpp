#pragma once
/// What a benchmark ran on: processor, vector instructions, BLAS. A rate without them says nothing.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

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

/// Starts the program again with BLAS and libxsmm held to the vectors that it was compiled for, so that what
/// it compares is of one level. They choose when they are loaded: the first thing to do in main. Where the
/// environment names a kind already, that stands.
inline void hold_libraries_to_build(char** argv) {
#ifdef __x86_64__
#if defined __AVX512F__
  const char *const blas = "SkylakeX", *const xsmm = "skx";
#elif defined __AVX2__
  const char *const blas = "Haswell", *const xsmm = "hsw";
#elif defined __AVX__
  const char *const blas = "Sandybridge", *const xsmm = "snb";
#else
  const char *const blas = "Nehalem", *const xsmm = "wsm";
#endif
  if (std::getenv("OPENBLAS_CORETYPE") && std::getenv("LIBXSMM_TARGET")) return;
  setenv("OPENBLAS_CORETYPE", blas, 0);
  setenv("LIBXSMM_TARGET", xsmm, 0);
  execv("/proc/self/exe", argv);  // comes back only where that fails: then the libraries choose
#else
  (void)argv;
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
  return found;
}

}  // namespace spnode::benchmark
