#pragma once
/// Signals that ask a run to write a checkpoint and stop.

#include <csignal>
#include <vector>

namespace spnode::distributed {

/// While it lives, the first of the given signals is only noted; a second one has its default action and ends
/// the process at once. The same signal once more within 0.3 s counts as the first: launchers forward signals
/// that a batch system has delivered to every process already. At most one object at a time. Not collective:
/// ranks may see a signal at different times and agree through the trainer.
class SignalFlag {
 public:
  explicit SignalFlag(const std::vector<int>& signals = {SIGTERM, SIGUSR1});
  ~SignalFlag();
  SignalFlag(const SignalFlag&) = delete;
  SignalFlag& operator=(const SignalFlag&) = delete;

  /// The signal that arrived at this process, 0 for none.
  int raised() const;

 private:
  struct Previous {
    int signal;
    struct sigaction action;
  };
  std::vector<Previous> previous_;
};

}  // namespace spnode::distributed
