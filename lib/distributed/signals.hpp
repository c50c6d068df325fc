#pragma once
/// Signals that ask a run to write a checkpoint and stop.

#include <csignal>
#include <vector>

namespace spnode::distributed {

/// While it lives, the first of the given signals is only noted; from then on all of them have their default action
/// again, so that a second signal ends the process at once. At most one object at a time. Not collective: ranks may
/// see a signal at different times and agree through the trainer.
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
