#pragma once
/// Work on files that may be damaged, in a process of its own.

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace spnode::io {

/// What a child process may use beyond a fixed allowance (seconds of the processor, and memory).
struct ChildLimits {
  std::size_t bytes = 0;  ///< that it reads and gives back
};

/// Runs `work` in a child process and returns what it returns.
///
/// HDF5 1.10 crashes on some damaged files and follows others without end. Here either becomes a FileError
/// that names `path`; errors that `work` throws come back as they are. The child has a copy of this process's
/// memory; whatever it changes there is lost. Not collective; `work` must not communicate.
std::string in_child(const std::string& path, const ChildLimits& limits,
                     const std::function<std::string()>& work);

/// The same for work that fills `numbers`, in the child; they are copied to this process's.
void in_child(const std::string& path, const ChildLimits& limits, std::span<double> numbers,
              const std::function<void()>& work);

}  // namespace spnode::io
