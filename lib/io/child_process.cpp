#include "io/child_process.hpp"

#include "core/support/error.hpp"
#include "io/file_bytes.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

namespace spnode::io {

namespace {

// Generous for honest files: HDF5 opens one in milliseconds and reads some 100 MB/s through its slowest
// filter.
constexpr std::size_t allowed_seconds = 2, bytes_per_second = 10'000'000;
constexpr std::size_t allowed_bytes = std::size_t(2) << 30;

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

std::size_t seconds_for(const ChildLimits& limits) {
  return allowed_seconds + limits.bytes / bytes_per_second;
}

void limit_this_process(const ChildLimits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody is left to read from it
  ::signal(SIGPIPE, SIG_IGN);
  set_limit(RLIMIT_CORE, 0);
  if (const std::size_t used = address_space(); used > 0)
    set_limit(RLIMIT_AS, used + allowed_bytes + 4 * limits.bytes);
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL})
    ::signal(crash, SIG_DFL);  // without anybody's stack trace
}

/// Sends the exit status that an error stands for, as one byte, and its message or the result.
[[noreturn]] void run_child(const Descriptor& out, const std::string& path, const ChildLimits& limits,
                            const std::function<std::string_view()>& work) {
  limit_this_process(limits);
  set_limit(RLIMIT_CPU, seconds_for(limits));
  const auto finish = [&](ExitStatus status, std::string_view text) {
    const char byte = static_cast<char>(status);
    if (write_all(out, {&byte, 1})) write_all(out, text);  // where nobody reads any more, nothing is missed
    ::_exit(0);
  };
  try {
    finish(ExitStatus::success, work());
  } catch (const Error& error) {
    finish(error.status(), error.what());
  } catch (const std::exception&) {
    finish(ExitStatus::file_error, path + ": is damaged: it asks for more memory than there is");
  }
  ::_exit(0);
}

/// Bytes that have come, `size` at most; 0 at the end.
std::size_t receive_some(const Descriptor& in, char* bytes, std::size_t size) {
  ssize_t count = 0;
  do count = ::read(in.number(), bytes, size);
  while (count < 0 && errno == EINTR);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::string receive(const Descriptor& in) {
  std::string text;
  std::array<char, 1 << 16> piece;
  while (const std::size_t count = receive_some(in, piece.data(), piece.size()))
    text.append(piece.data(), count);
  return text;
}

FileError is_damaged(const std::string& path, int signal) {
  return FileError(
      path + ": is damaged: " +
      (signal == SIGXCPU || signal == SIGKILL ? "reading it does not come to an end" : "HDF5 crashes on it"));
}

/// Raises FileError where the child did not come to its own end.
void require_end(pid_t child, const std::string& path) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return;
  if (WIFSIGNALED(status)) throw is_damaged(path, WTERMSIG(status));
}

/// Runs `work` in a child and lets `take` receive its result.
void exchange(const std::string& path, const ChildLimits& limits,
              const std::function<std::string_view()>& work,
              const std::function<void(const Descriptor&)>& take) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_with_errno(path, "cannot be read: no pipe");
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) fail_with_errno(path, "cannot be read: no process");
  if (child == 0) run_child(out, path, limits, work);
  out.close();
  char byte = 0;
  const bool answered = receive_some(in, &byte, 1) == 1;
  const auto status = static_cast<ExitStatus>(byte);
  std::string message;
  if (answered && status == ExitStatus::success)
    take(in);
  else
    message = receive(in);
  require_end(child, path);
  if (!answered) throw FileError(path + ": cannot be read: the process that reads it has ended");
  if (status != ExitStatus::success) throw Error(status, message);
}

}  // namespace

std::string in_child(const std::string& path, const ChildLimits& limits,
                     const std::function<std::string()>& work) {
  std::string result;
  exchange(
      path, limits,
      [&] {
        result = work();
        return std::string_view(result);
      },
      [&](const Descriptor& in) { result = receive(in); });
  return result;
}

void in_child(const std::string& path, const ChildLimits& limits, std::span<double> numbers,
              const std::function<void()>& work) {
  char* const bytes = reinterpret_cast<char*>(numbers.data());
  const std::size_t size = numbers.size_bytes();
  std::size_t received = 0;
  exchange(
      path, limits,
      [&] {
        work();
        return std::string_view(bytes, size);
      },
      [&](const Descriptor& in) {
        while (const std::size_t count = receive_some(in, bytes + received, size - received))
          received += count;
      });
  if (received != size) throw FileError(path + ": cannot be read: the process that reads it has ended");
}

namespace {

/// All of so many bytes; false at the end.
bool receive_all(const Descriptor& in, char* bytes, std::size_t size) {
  for (std::size_t received = 0; received < size;) {
    const std::size_t count = receive_some(in, bytes + received, size - received);
    if (count == 0) return false;
    received += count;
  }
  return true;
}

/// A text behind its length.
bool send_text(const Descriptor& out, std::string_view text) {
  const std::uint64_t size = text.size();
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes += text;
  for (std::string_view left = bytes; !left.empty();) {
    const ssize_t sent = ::send(out.number(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// A text that send_text() sent; false at the end.
bool receive_text(const Descriptor& in, std::string& text) {
  std::uint64_t size = 0;
  if (!receive_all(in, reinterpret_cast<char*>(&size), sizeof(size))) return false;
  text.resize(size);
  return receive_all(in, text.data(), size);
}

/// Gives up what a process has open from its parent, such as locks: they would outlive the parent's.
void close_all_but(int kept) {
  namespace fs = std::filesystem;
  std::vector<int> numbers;
  std::error_code error;
  for (fs::directory_iterator entry("/proc/self/fd", error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    numbers.push_back(std::atoi(entry->path().filename().c_str()));
  for (const int number : numbers)
    if (number > STDERR_FILENO && number != kept) ::close(number);
}

/// Lets this process compute for so many seconds from now on.
void allow_time(std::size_t seconds) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  rlimit limit{};
  ::getrlimit(RLIMIT_CPU, &limit);
  limit.rlim_cur = std::min<rlim_t>(
      limit.rlim_max, static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + seconds);
  ::setrlimit(RLIMIT_CPU, &limit);
}

/// Does what is asked for until nobody asks; an answer is the exit status, as one byte, and a message.
[[noreturn]] void serve(const Descriptor& socket, const std::string& path, const ChildLimits& limits,
                        const std::function<void(std::string_view)>& work) {
  limit_this_process(limits);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP}) ::signal(signal, SIG_IGN);
  close_all_but(socket.number());
  std::string request;
  while (receive_text(socket, request)) {
    allow_time(seconds_for(limits));
    std::string answer(1, static_cast<char>(ExitStatus::success));
    const auto failed = [&](ExitStatus status, const std::string& message) {
      answer.assign(1, static_cast<char>(status)).append(message);
    };
    try {
      work(request);
    } catch (const Error& error) {
      failed(error.status(), error.what());
    } catch (const std::exception&) {
      failed(ExitStatus::file_error, path + ": is damaged: it asks for more memory than there is");
    }
    if (!send_text(socket, answer)) break;
  }
  ::_exit(0);
}

}  // namespace

Worker::Worker(std::string path, const ChildLimits& limits, std::function<void(std::string_view)> work)
    : path_(std::move(path)) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    fail_with_errno(path_, "cannot be read: no socket");
  socket_ = Descriptor(ends[0]);
  Descriptor other(ends[1]);
  child_ = ::fork();
  if (child_ < 0) fail_with_errno(path_, "cannot be read: no process");
  if (child_ > 0) return;
  socket_.close();
  serve(other, path_, limits, work);
}

Worker::~Worker() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);  // a later child may still hold this end of the socket
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Worker::start(std::string_view request) {
  if (!send_text(socket_, request)) fail();
}

void Worker::wait() {
  std::string answer;
  if (!receive_text(socket_, answer) || answer.empty()) fail();
  const auto status = static_cast<ExitStatus>(answer.front());
  if (status != ExitStatus::success) throw Error(status, answer.substr(1));
}

void Worker::fail() {
  int status = 0;
  if (child_ > 0 && ::waitpid(std::exchange(child_, -1), &status, 0) > 0 && WIFSIGNALED(status))
    throw is_damaged(path_, WTERMSIG(status));
  throw FileError(path_ + ": cannot be read: the process that reads it has ended");
}

}  // namespace spnode::io
