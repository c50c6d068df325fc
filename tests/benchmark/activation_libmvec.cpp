// The only file compiled with -ffast-math (CMakeLists.txt): without it g++ does not use libmvec.
#include "activation_libmvec.hpp"

#include <cmath>

namespace spnode::benchmark {

void tanh_by_compiler(const double* x, double* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = std::tanh(x[i]);
}

void tanh_by_compiler(const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = std::tanh(x[i]);
}

}  // namespace spnode::benchmark
