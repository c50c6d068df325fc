#include "training/signals.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace spnode::training {

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

SignalFlag::SignalFlag() noexcept {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;  // file and network calls go on
  sigemptyset(&action.sa_mask);
  for (const int signal : signals_) sigaddset(&action.sa_mask, signal);  // one after the other
  struct sigaction outer {};
  sigaction(signals_[0], nullptr, &outer);
  if (outer.sa_handler != note) raised_signal = 0;
  for (std::size_t i = 0; i < signals_.size(); ++i) sigaction(signals_[i], &action, &previous_[i]);
}

SignalFlag::~SignalFlag() {
  for (std::size_t i = 0; i < signals_.size(); ++i) sigaction(signals_[i], &previous_[i], nullptr);
}

int SignalFlag::raised() noexcept { return raised_signal; }

}  // namespace spnode::training
