#include "io/child_process.hpp"

#include "core/error.hpp"
#include "io/file_bytes.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>
#include <string_view>
#include <utility>

namespace spnode::io {

namespace {

// Generous for honest files: HDF5 reads some 100 MB/s through its slowest filter.
constexpr std::size_t allowed_seconds = 5, bytes_per_second = 10'000'000;
constexpr std::size_t allowed_bytes = std::size_t(2) << 30;

/// What the child sends: the exit status that its error stands for, as one byte, and a text.
struct Outcome {
  ExitStatus status;
  std::string text;  ///< the result or the message
};

void set_limit(int resource, std::size_t value) {
  const rlimit limit{value, value};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

/// Address space of this process, bytes.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void limit_this_process(const ChildLimits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody is left to read from it
  ::signal(SIGPIPE, SIG_IGN);
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_CPU, allowed_seconds + limits.bytes / bytes_per_second);
  if (const std::size_t used = address_space(); used > 0)
    set_limit(RLIMIT_AS, used + allowed_bytes + 4 * limits.bytes);
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL})
    ::signal(crash, SIG_DFL);  // without anybody's stack trace
}

Outcome outcome_of(const std::string& path, const std::function<std::string()>& work) {
  try {
    return {ExitStatus::success, work()};
  } catch (const Error& error) {
    return {error.status(), error.what()};
  } catch (const std::exception&) {
    return {ExitStatus::file_error, path + ": is damaged: it asks for more memory than there is"};
  }
}

void send(const Descriptor& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(out.number(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

[[noreturn]] void run_child(const Descriptor& out, const std::string& path, const ChildLimits& limits,
                            const std::function<std::string()>& work) {
  limit_this_process(limits);
  const Outcome outcome = outcome_of(path, work);
  const char status = static_cast<char>(outcome.status);
  send(out, {&status, 1});
  send(out, outcome.text);
  ::_exit(0);
}

Outcome receive(const Descriptor& in) {
  Outcome outcome{ExitStatus::internal_error, "the process that reads a file has ended early"};
  char status = 0;
  ssize_t count = 0;
  while ((count = ::read(in.number(), &status, 1)) < 0 && errno == EINTR) {
  }
  if (count == 1) outcome = {static_cast<ExitStatus>(status), ""};
  std::array<char, 1 << 16> piece;
  for (;;) {
    count = ::read(in.number(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return outcome;
    outcome.text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

/// Raises FileError where the child did not come to its own end.
void require_end(pid_t child, const std::string& path) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return;
  if (!WIFSIGNALED(status)) return;
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU || signal == SIGKILL)
    throw FileError(path + ": is damaged: reading it does not come to an end");
  throw FileError(path + ": is damaged: HDF5 fails on it (" + ::strsignal(signal) + ")");
}

}  // namespace

std::string in_child(const std::string& path, const ChildLimits& limits,
                     const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_with_errno(path, "cannot be read: no pipe");
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) fail_with_errno(path, "cannot be read: no process");
  if (child == 0) run_child(out, path, limits, work);
  out.close();
  Outcome outcome = receive(in);
  require_end(child, path);
  if (outcome.status != ExitStatus::success) throw Error(outcome.status, outcome.text);
  return std::move(outcome.text);
}

}  // namespace spnode::io
