#pragma once
/// What several commands need.

#include <fmt/core.h>

#include <chrono>
#include <functional>
#include <string>

#include "app/commands/commands.hpp"
#include "core/support/text.hpp"
#include "io/trajectories.hpp"
#include "parallel/communicator.hpp"

namespace spnode::app {

/// Prints on rank 0, control characters but ends of lines as escapes.
template <class... Arguments>
void say(const parallel::Communicator& comm, fmt::format_string<Arguments...> format,
         Arguments&&... arguments) {
  if (!comm.is_root()) return;
  fmt::print("{}", printable(fmt::format(format, std::forward<Arguments>(arguments)...), "\n"));
  std::fflush(stdout);
}

/// Wall-clock time since its construction.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

inline io::Overwrite overwrite(const Context& context) {
  return context.line.overwrite ? io::Overwrite::yes : io::Overwrite::no;
}

/// Rank 0's answer, on all ranks. Collective; raises what `question` throws.
bool answer_of_root(const parallel::Communicator& comm, const std::function<bool()>& question);

/// Whether rank 0 sees the file. Collective; raises FileError where it cannot tell (a loop of links, a name
/// too long, a folder that may not be read).
bool exists(const parallel::Communicator& comm, const std::string& path);

/// Whether the file, or any file of a pattern, is there, as rank 0 sees it. Collective; errors as of exists.
bool data_exist(const parallel::Communicator& comm, const std::string& path);

/// Whether the file is there and holds `text`, as rank 0 sees it. Collective; raises FileError.
bool holds(const parallel::Communicator& comm, const std::string& path, const std::string& text);

/// Removes a file if it is there. Collective; raises FileError.
void remove(const parallel::Communicator& comm, const std::string& path);

/// Refuses a trajectory file that cannot be. Collective; raises UsageError where no file can be so large,
/// FileError where the file system of `path` has less space left. The folder of `path` must be there.
void require_space(const parallel::Communicator& comm, const std::string& path,
                   const io::TrajectoryInfo& info);

/// Creates the directory that `path` lies in. Collective; raises FileError.
void prepare_parent(const parallel::Communicator& comm, const std::string& path);

/// A file of the run directory.
inline std::string in_run(const Deck& deck, const std::string& name) { return deck.output + "/" + name; }

/// `given`, or `otherwise` where it is empty.
inline std::string either(const std::string& given, const std::string& otherwise) {
  return given.empty() ? otherwise : given;
}

}  // namespace spnode::app
