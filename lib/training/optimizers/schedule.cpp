#include "training/optimizers/schedule.hpp"

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace spnode::training {

Schedule::Schedule(const ScheduleOptions& options, std::uint64_t steps_per_epoch, std::uint64_t epochs)
    : options_(options), steps_per_epoch_(steps_per_epoch), steps_(steps_per_epoch * epochs) {
  if (!(options.rate > 0.0)) throw OptionError({"rate"}, "must be positive; found " + shortest(options.rate));
  if (!(options.final_rate >= 0.0))
    throw OptionError({"final_rate"}, "must not be negative; found " + shortest(options.final_rate));
  if (!(options.decay > 0.0 && options.decay <= 1.0))
    throw OptionError({"decay"}, "must be above 0, at most 1; found " + shortest(options.decay));
}

double Schedule::rate(std::uint64_t step) const {
  const double ramp = step < options_.warmup ? static_cast<double>(step + 1) / options_.warmup : 1.0;
  return ramp * decayed(step);
}

double Schedule::decayed(std::uint64_t step) const {
  const double high = options_.rate, low = std::min(options_.final_rate, high);
  if (options_.schedule == ScheduleKind::constant) return high;
  if (options_.schedule == ScheduleKind::exponential)
    return std::max(low, high * std::pow(options_.decay, static_cast<double>(step / steps_per_epoch_)));
  if (step <= options_.warmup || steps_ <= options_.warmup + 1) return high;
  const double span = static_cast<double>(steps_ - 1 - options_.warmup);
  const double done = std::min(1.0, static_cast<double>(step - options_.warmup) / span);
  return low + 0.5 * (high - low) * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace spnode::training
