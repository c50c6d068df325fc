#pragma once

#include <cstddef>

namespace spnode::benchmark {

/// y = tanh(x) as the compiler vectorises it with -ffast-math: glibc's libmvec where there is one.
void tanh_by_compiler(const double* x, double* y, std::size_t count);
void tanh_by_compiler(const float* x, float* y, std::size_t count);

}  // namespace spnode::benchmark
