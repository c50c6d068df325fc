#pragma once
/// Work on files that may be damaged, in a process of its own.

#include "io/file_bytes.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

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

/// A child process that works as often as it is asked to, beside this one: what it opens stays open, and its
/// results are where it shares memory with this process. Not collective.
class Worker {
 public:
  /// `work` runs in the child, with the text of each request; it must not communicate. `limits` are those of
  /// one request. Raises FileError, which names `path`, where there is no such process.
  Worker(std::string path, const ChildLimits& limits, std::function<void(std::string_view)> work);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  ///< ends the child

  /// Asks for work; wait() must follow before the next start().
  void start(std::string_view request);

  /// Waits for its end. Raises what `work` raised, and FileError where the child has ended.
  void wait();

 private:
  [[noreturn]] void fail();

  std::string path_;
  Descriptor socket_;
  pid_t child_ = -1;
};

}  // namespace spnode::io
