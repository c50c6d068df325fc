#include "distributed/signals.hpp"

#include "core/error.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>

namespace spnode::distributed {

namespace {

constexpr std::int64_t same_signal_ns = 300'000'000;

// A handler may touch nothing but lock-free atomics and async-signal-safe calls.
std::atomic<int> raised_signal{0};
std::atomic<std::int64_t> raised_at{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

void note(int signal) {
  const int first = raised_signal;
  if (first == 0) {
    raised_signal = signal;
    raised_at = now_ns();
  } else if (signal != first || now_ns() - raised_at > same_signal_ns) {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    raise(signal);  // delivered when this handler returns
  }
}

}  // namespace

SignalFlag::SignalFlag(const std::vector<int>& signals) {
  raised_signal = 0;
  struct sigaction action {};
  action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  for (const int signal : signals) sigaddset(&action.sa_mask, signal);  // one after the other
  action.sa_flags = SA_RESTART;                                         // file and network calls go on
  previous_.reserve(signals.size());
  for (const int signal : signals) {
    Previous previous{signal, {}};
    if (sigaction(signal, &action, &previous.action) != 0)
      throw Error(ExitStatus::internal_error,
                  "cannot watch signal " + std::to_string(signal) + ": " + std::strerror(errno));
    previous_.push_back(previous);
  }
}

SignalFlag::~SignalFlag() {
  for (const Previous& previous : previous_) sigaction(previous.signal, &previous.action, nullptr);
}

int SignalFlag::raised() const { return raised_signal; }

}  // namespace spnode::distributed
