#include "training/summed_objective.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::training {

namespace {

/// The batch of a further data set that comes along with one of the first.
BatchNumber along(BatchNumber batch, const Sampler& first, const Sampler& further) {
  const std::uint64_t step = batch.epoch * first.steps_per_epoch() + batch.step,
                      epoch = further.steps_per_epoch();
  return {.epoch = step / epoch, .step = step % epoch};
}

/// What only one of two losses has is that of the sum.
void add(const core::LossTerms& more, core::LossTerms& sum) {
  sum.total += more.total;
  for (std::size_t i = 0; i < sum.values.size(); ++i)
    if (!std::isnan(more.values[i]))
      sum.values[i] = std::isnan(sum.values[i]) ? more.values[i] : sum.values[i] + more.values[i];
}

void add(const Evaluation& more, Evaluation& sum) {
  sum.finite = sum.finite && more.finite;
  if (sum.finite) add(more.loss, sum.loss);
}

}  // namespace

SummedObjective::SummedObjective(const parallel::Communicator& comm, const SampledLoss& first,
                                 const std::vector<SampledLoss>& further) {
  parts_.emplace_back(comm, *first.objective, *first.data, *first.sampler);
  for (const SampledLoss& loss : further)
    parts_.emplace_back(comm, *loss.objective, *loss.data, *loss.sampler);
}

Evaluation SummedObjective::gradient(std::optional<BatchNumber> batch, std::span<const double> theta,
                                     std::span<double> gradient) {
  Evaluation sum = parts_.front().gradient(batch, theta, gradient);
  if (parts_.size() == 1) return sum;
  part_.resize(gradient.size());
  for (std::size_t i = 1; i < parts_.size() && sum.finite; ++i) {
    std::optional<BatchNumber> own;
    if (batch) own = along(*batch, sampler(), parts_[i].sampler());
    add(parts_[i].gradient(own, theta, part_), sum);
    for (std::size_t k = 0; k < gradient.size(); ++k) gradient[k] += part_[k];
  }
  double squares = 0.0;
  for (const double g : gradient) squares += g * g;
  sum.gradient_norm = std::sqrt(squares);
  sum.finite = sum.finite && std::isfinite(sum.gradient_norm);
  return sum;
}

Evaluation SummedObjective::value(std::span<const double> theta) {
  Evaluation sum = parts_.front().value(theta);
  for (std::size_t i = 1; i < parts_.size() && sum.finite; ++i) add(parts_[i].value(theta), sum);
  return sum;
}

bool SummedObjective::product(std::span<const double> theta, std::span<const double> v,
                              std::span<double> Hv) {
  if (!parts_.front().product(theta, v, Hv)) return false;
  part_.resize(Hv.size());
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (!parts_[i].product(theta, v, part_)) return false;
    for (std::size_t k = 0; k < Hv.size(); ++k) Hv[k] += part_[k];
  }
  return true;
}

bool SummedObjective::gram(std::span<const double> theta, std::span<const double> directions,
                           std::span<double> matrix) {
  if (!parts_.front().gram(theta, directions, matrix)) return false;
  part_.resize(parts_.size() > 1 ? matrix.size() : 0);
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (!parts_[i].gram(theta, directions, part_)) return false;
    for (std::size_t k = 0; k < matrix.size(); ++k) matrix[k] += part_[k];
  }
  return true;
}

void SummedObjective::check_replicas(std::span<const double> theta) {
  for (BatchObjective& part : parts_) part.check_replicas(theta);
}

}  // namespace spnode::training
