#include "core/integrators/rollout_steps.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace spnode::core {
namespace {

/// The polynomial through `count` points, at t.
double interpolate(const double* times, const double* values, std::size_t count, double t) {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    double product = values[i];
    for (std::size_t j = 0; j < count; ++j)
      if (j != i) product *= (t - times[j]) / (times[i] - times[j]);
    sum += product;
  }
  return sum;
}

}  // namespace

ArgumentReader::ArgumentReader(const ArgumentOptions& options, const Scaling& scaling)
    : options_(options), scaling_(scaling) {
  parameters_.reserve(options_.parameters.size());
  inputs_.reserve(options_.inputs.size());
}

ArgumentReader parameter_reader(const ArgumentOptions& options, const Scaling& scaling, std::size_t count) {
  const auto first = [count](const auto& values) {
    return std::decay_t<decltype(values)>(values.begin(), values.begin() + std::ptrdiff_t(count));
  };
  ArgumentOptions own;
  own.parameters = first(options.parameters);
  return ArgumentReader(own, {first(scaling.shift), first(scaling.scale)});
}

void ArgumentReader::attach(const Trajectories& data) {
  data_ = &data;
  parameters_.clear();
  inputs_.clear();
  for (const std::string& name : options_.parameters) {
    const auto found = data.parameters.find(name);
    if (found == data.parameters.end()) throw UsageError("the data have no parameter '" + name + "'");
    parameters_.push_back(found->second.data());
  }
  for (const std::string& name : options_.inputs) {
    const auto found = data.inputs.find(name);
    if (found == data.inputs.end()) throw UsageError("the data have no input '" + name + "'");
    inputs_.push_back(found->second.data());
  }
}

// Input number `number` of the model.
double ArgumentReader::input(std::size_t number, std::size_t trajectory, double t, Side side) const {
  const std::size_t count = data_->input_times;
  const double* const times = data_->input_times_at(trajectory);
  const double* const values = inputs_[number] + trajectory * count;
  const double direction = times[count - 1] >= times[0] ? 1.0 : -1.0;
  // Times carry rounding: a step may end a little beyond the last one.
  const double slack = 1e-9 * std::abs(times[count - 1] - times[0]);
  if (direction * (t - times[0]) < -slack || direction * (t - times[count - 1]) > slack)
    throw UsageError("the input '" + options_.inputs[number] + "' is needed at time " + shortest(t) +
                     ", but is given from " + shortest(times[0]) + " to " + shortest(times[count - 1]));
  // The interval [below, below + 1] that holds t; of two that meet at t the one of the side.
  // Times may be stored backwards: a value is then held to the earlier time that follows it.
  const double limit = direction * t + ((side == Side::later) == (direction > 0.0) ? slack : -slack);
  const auto before = [&](double next) { return direction * next <= limit; };
  const auto above = std::partition_point(times, times + count, before);
  const std::size_t last = count - 1;
  const std::size_t below = std::min(std::size_t(std::max<std::ptrdiff_t>(above - times - 1, 0)), last);
  if (options_.interpolation == Interpolation::previous || count == 1) return values[below];
  const std::size_t wanted = options_.interpolation == Interpolation::cubic ? 4 : 2;
  const std::size_t points = std::min(wanted, count);
  const std::size_t first = std::min(below - std::min(below, points / 2 - 1), count - points);
  return interpolate(times + first, values + first, points, t);
}

void ArgumentReader::read(std::size_t trajectory, double t, std::span<double> q, Side side) const {
  t += data_->clock_at(trajectory);
  std::size_t at = 0;
  for (const double* const values : parameters_) q[at++] = values[trajectory];
  for (std::size_t i = 0; i < inputs_.size(); ++i) q[at++] = input(i, trajectory, t, side);
  if (options_.time) q[at++] = t;
  for (std::size_t i = 0; i < q.size(); ++i) q[i] = (q[i] - scaling_.shift[i]) / scaling_.scale[i];
}

template <class Real>
void RolloutSteps<Real>::assign(const StepTable& table, const std::vector<double>& h, std::size_t intervals,
                                std::size_t lanes) {
  lengths_.assign(table, h, intervals, lanes);
  ends_.clear();
  lanes_ = lanes;
  has_arguments_ = false;
}

template <class Real>
void RolloutSteps<Real>::assign_each(const StepTable& table, const std::vector<double>& h,
                                     std::span<const std::size_t> ends, std::size_t lanes) {
  assign(table, h, ends.back(), lanes);
  ends_.assign(ends.begin(), ends.end());
}

template <class Real>
std::optional<std::size_t> RolloutSteps<Real>::time_after(std::size_t steps, std::size_t substeps) const {
  if (ends_.empty()) {
    if (steps % substeps != 0) return {};
    return steps / substeps;
  }
  if (steps == 0) return 0;
  const auto end = std::ranges::lower_bound(ends_, steps);
  if (*end != steps) return {};
  return std::size_t(end - ends_.begin()) + 1;
}

template <class Real>
void RolloutSteps<Real>::assign_arguments(const ArgumentReader& reader, const LaneTimes& lanes,
                                          std::size_t substeps, std::span<const double> abscissae) {
  const std::size_t m = reader.size();
  has_arguments_ = m > 0;
  if (m == 0) return;
  abscissae_ = reader.constant() ? 0 : abscissae.size();
  const std::size_t steps = reader.constant() ? 1 : count(substeps),
                    blocks = steps * std::max<std::size_t>(1, abscissae_), columns = blocks * lanes_;
  if (q_.extent(0) != m || q_.extent(1) != columns)
    q_ = Matrix<Real>("spnode::core::RolloutSteps", m, columns);
  staging_.resize(m * columns);
  point_.resize(m);
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t step = abscissae_ == 0 ? 0 : block / abscissae_, interval = step / substeps;
    const double c = abscissae_ == 0 ? 0.0 : abscissae[block % abscissae_];
    const double share = (double(step % substeps) + c) / double(substeps);
    for (std::size_t l = 0; l < lanes_; ++l) {
      const double begin = lanes.times[interval * lanes_ + l], end = lanes.times[(interval + 1) * lanes_ + l];
      // Ends of intervals are met exactly.
      const double t = share == 1.0 ? end : begin + share * (end - begin);
      const bool is_later = (c < 0.5) == (end >= begin);  // the step lies at later times
      reader.read(lanes.trajectory[l], t, point_,
                  is_later ? ArgumentReader::Side::later : ArgumentReader::Side::earlier);
      for (std::size_t i = 0; i < m; ++i) staging_[i * columns + block * lanes_ + l] = point_[i];
    }
  }
  upload(std::span<const double>(staging_), q_);
}

template <class Real>
Step<Real> RolloutSteps<Real>::step(std::size_t i, std::size_t substeps) const {
  Step<Real> step{lengths_.interval(ends_.empty() ? i / substeps : i), {{}, lanes_}};
  if (!has_arguments_) return step;
  const ConstMatrixView<Real> q = q_;
  step.arguments.all = abscissae_ == 0 ? q : lanes_of(q, i * abscissae_ * lanes_, abscissae_ * lanes_);
  return step;
}

template class RolloutSteps<double>;
template class RolloutSteps<float>;

}  // namespace spnode::core
