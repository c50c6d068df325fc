#include "distributed/signals.hpp"

#include "core/error.hpp"

#include <cstring>
#include <string>

namespace spnode::distributed {

namespace {

// A handler may touch nothing else: volatile sig_atomic_t and async-signal-safe calls.
volatile std::sig_atomic_t raised_signal = 0;
sigset_t watched;

void note(int signal) {
  raised_signal = signal;
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    if (sigismember(&watched, number) == 1) sigaction(number, &standard, nullptr);
}

}  // namespace

SignalFlag::SignalFlag(const std::vector<int>& signals) {
  raised_signal = 0;
  sigemptyset(&watched);
  for (const int signal : signals) sigaddset(&watched, signal);
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_mask = watched;      // two at once: one after the other
  action.sa_flags = SA_RESTART;  // file and network calls go on
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
