#pragma once
/// How far a training is: a line that is rewritten on a terminal, a line now and then in a log file.

#include <chrono>
#include <cstdint>
#include <string>

#include "parallel/communicator.hpp"
#include "training/trainer.hpp"

namespace spnode::app {

/// Shows what the trainer reports; on rank 0 only. Not collective.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(const parallel::Communicator& comm);

  /// After every step.
  void step(const training::Progress& progress);

  /// After every epoch.
  void epoch(const training::EpochRecord& record);

  /// Ends the line that is being rewritten.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string bar(const training::Progress& progress, double share) const;

  bool active_, terminal_;
  std::string phase_;              ///< the one that is shown
  Clock::time_point phase_start_;  ///< and when it was first seen
  double first_share_ = 0.0;       ///< how far it was then: a resumed run starts in the middle
  Clock::time_point last_ = {};    ///< when something was shown
  std::size_t width_ = 0;          ///< of the line that is being rewritten
};

}  // namespace spnode::app
