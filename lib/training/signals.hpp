#pragma once
/// Signals that ask a run to write a checkpoint and stop.

#include <array>
#include <csignal>

namespace spnode::training {

/// While it lives, the first SIGTERM or SIGUSR1 is only noted; a second one has its default action and ends
/// the process at once. The same signal once more within 0.3 s counts as the first: launchers forward signals
/// that a batch system has delivered to every process already. Flags may nest: an inner one still knows of a
/// signal that the outer one noted. Not collective: ranks may see a signal at different times and agree
/// through the trainer. Allocates nothing and may be made before main().
class SignalFlag {
 public:
  SignalFlag() noexcept;
  ~SignalFlag();
  SignalFlag(const SignalFlag&) = delete;
  SignalFlag& operator=(const SignalFlag&) = delete;

  /// The signal that was noted since the outermost flag was made, 0 for none.
  static int raised() noexcept;

 private:
  static constexpr std::array signals_ = {SIGTERM, SIGUSR1};
  std::array<struct sigaction, signals_.size()> previous_{};
};

}  // namespace spnode::training
