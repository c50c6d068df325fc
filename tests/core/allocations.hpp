#pragma once

#include <atomic>
#include <cstddef>

namespace spnode::test {

/// How often operator new was called in this program.
extern std::atomic<std::size_t> allocations;

}  // namespace spnode::test
