#pragma once
/// Learning rate as a function of the step.

#include "training/options.hpp"

#include <cstdint>

namespace spnode::training {

/// Warm-up times decay. Over the first `warmup` steps it grows linearly to options.rate. After them
///  - constant: options.rate,
///  - exponential: options.rate * decay^(epochs done), not below final_rate,
///  - cosine: half a period from options.rate to final_rate at the last step (Loshchilov and Hutter 2017).
class Schedule {
 public:
  /// Raises UsageError for a learning rate or a decay outside its range.
  Schedule(const ScheduleOptions& options, std::uint64_t steps_per_epoch, std::uint64_t epochs);

  /// Rate of a step of the phase, counted from 0.
  double rate(std::uint64_t step) const;

 private:
  double decayed(std::uint64_t step) const;

  ScheduleOptions options_;
  std::uint64_t steps_per_epoch_, steps_;
};

}  // namespace spnode::training
