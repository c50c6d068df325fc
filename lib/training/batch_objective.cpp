#include "training/batch_objective.hpp"

#include "core/support/random.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace spnode::training {

namespace {

/// The bits that any rank has set, found while the ranks compute.
class Agreement {
 public:
  Agreement(const parallel::Communicator& comm, Requests own) : own_(own), common_(own) {
    if (comm.size() > 1) MPI_Iallreduce(&own_, &common_, 1, MPI_UNSIGNED, MPI_BOR, comm.handle(), &pending_);
  }
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;
  ~Agreement() { wait(); }

  Requests wait() {
    MPI_Wait(&pending_, MPI_STATUS_IGNORE);
    return common_;
  }

 private:
  Requests own_, common_;
  MPI_Request pending_ = MPI_REQUEST_NULL;
};

}  // namespace

BatchObjective::BatchObjective(const parallel::Communicator& comm, core::TileObjective& objective,
                               const core::WindowData& data, const Sampler& sampler)
    : comm_(comm),
      objective_(objective),
      data_(data),
      sampler_(sampler),
      shares_(sampler.shares_of(comm.rank(), comm.size())),
      pieces_(data, sampler, shares_),
      gradient_sum_(comm, objective.contribution_size(), parallel::Magnitude::of_vector),
      value_sum_(comm, objective.value_size(), parallel::Magnitude::of_entry) {
  reserve(std::max(objective.contribution_size(), objective.value_size()));
}

void BatchObjective::reserve(std::size_t width) {
  if (width <= summed_.size()) return;
  rows_.resize(std::max<std::size_t>(1, shares_.size()) * width);
  tile_row_.resize(width);
  summed_.resize(width);
}

Evaluation BatchObjective::gradient(std::optional<BatchNumber> batch, std::span<const double> theta,
                                    std::span<double> gradient) {
  return evaluate({Quantity::gradient, batch}, theta, gradient);
}

Evaluation BatchObjective::value(std::span<const double> theta) {
  return evaluate({Quantity::value, std::nullopt}, theta, {});
}

Evaluation BatchObjective::evaluate(const Sum& sum, std::span<const double> theta,
                                    std::span<double> gradient) {
  Evaluation result;
  Agreement agreement(comm_, asked_);
  const std::size_t width = this->width(sum);
  const bool computed = compute_rows(sum, theta, width);
  result.finite = add(sum, computed);
  result.requests = agreement.wait();
  if (result.finite) finish(sum, gradient, result);
  return result;
}

bool BatchObjective::product(std::span<const double> theta, std::span<const double> v, std::span<double> Hv) {
  return curvature({Quantity::product, std::nullopt, v}, theta, Hv);
}

bool BatchObjective::gram(std::span<const double> theta, std::span<const double> directions,
                          std::span<double> matrix) {
  return curvature({Quantity::gram, std::nullopt, directions}, theta, matrix);
}

bool BatchObjective::curvature(const Sum& sum, std::span<const double> theta, std::span<double> out) {
  const std::size_t width = this->width(sum);
  reserve(width);
  if (!curvature_sum_ || curvature_sum_->size() != width)
    curvature_sum_.emplace(comm_, width, parallel::Magnitude::of_vector);
  const bool computed = compute_rows(sum, theta, width);
  if (!add(sum, computed)) return false;
  const auto summed = std::span<const double>(summed_).first(width);
  // What follows is decided from `out`, so that a rank that failed here alone must not go on.
  parallel::collectively(comm_, [&] {
    if (sum.quantity == Quantity::product)
      objective_.product(summed, sampler_.windows(), out);
    else
      objective_.gram(summed, sampler_.windows(), out);
  });
  return std::ranges::all_of(out, [](double entry) { return std::isfinite(entry); });
}

/// Length of what a tile contributes.
std::size_t BatchObjective::width(const Sum& sum) const {
  const std::size_t count = sum.directions.size() / parameters();
  switch (sum.quantity) {
    case Quantity::gradient:
      return objective_.contribution_size();
    case Quantity::value:
      return objective_.value_size();
    case Quantity::product:
      return objective_.product_size();
    case Quantity::gram:
      return count * (count + 1) / 2;
  }
  return 0;
}

parallel::ExactSum& BatchObjective::exact_sum(Quantity quantity) {
  return quantity == Quantity::gradient ? gradient_sum_
         : quantity == Quantity::value  ? value_sum_
                                        : *curvature_sum_;
}

/// Local: fills the rows of this rank's shares; false where that failed.
bool BatchObjective::compute_rows(const Sum& sum, std::span<const double> theta, std::size_t width) {
  if (failure_) return false;
  try {
    objective_.set_parameters(theta);
    if (!sum.directions.empty()) objective_.set_directions(sum.directions);
    for (std::size_t share = shares_.begin; share < shares_.end; ++share)
      compute_share(sum, share, std::span(rows_).subspan((share - shares_.begin) * width, width));
    return true;
  } catch (const NumericalError&) {
    return false;
  } catch (...) {
    failure_ = std::current_exception();
    return false;
  }
}

void BatchObjective::compute_share(const Sum& sum, std::size_t share, std::span<double> row) {
  if (sum.batch)
    sampler_.draw(*sum.batch, share, windows_);
  else
    sampler_.draw_all(share, windows_);

  const std::span<const std::uint64_t> all = windows_;
  const std::span<double> scratch = std::span(tile_row_).first(row.size());
  for (std::size_t begin = 0; begin < all.size(); begin += sampler_.tile()) {
    const auto tile = all.subspan(begin, std::min(sampler_.tile(), all.size() - begin));
    const std::span<double> out = begin == 0 ? row : scratch;
    pieces_.hold({sum.batch, share, begin}, tile);
    contribute(sum, tile, out);
    if (begin > 0)
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += scratch[i];
  }
}

void BatchObjective::contribute(const Sum& sum, std::span<const std::uint64_t> tile, std::span<double> out) {
  switch (sum.quantity) {
    case Quantity::gradient:
      return objective_.contribution(data_, tile, sum.batch ? sum.batch->rollout_length : 0, out);
    case Quantity::value:
      return objective_.value_contribution(data_, tile, out);
    case Quantity::product:
      return objective_.product_contribution(data_, tile, out);
    case Quantity::gram:
      return objective_.gram_contribution(data_, tile, out);
  }
}

/// The exact sum of all ranks' rows into summed_; whether it is finite. Collective; raises a failure of any
/// rank.
bool BatchObjective::add(const Sum& sum, bool computed) {
  parallel::ExactSum& exact = exact_sum(sum.quantity);
  std::size_t count = shares_.size();
  if (!computed) {
    count = 1;
    rows_[0] = std::numeric_limits<double>::quiet_NaN();
  }
  const auto rows = std::span(rows_).first(count * exact.size());
  const auto out = std::span(summed_).first(exact.size());
  if (exact.sum(rows, count, sampler_.shares(), out) == parallel::SumStatus::finite) return true;
  parallel::collectively(comm_, [this] {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  });
  return false;
}

/// Local and replicated: loss and gradient from the sum. Where that fails on one rank only, this rank goes on
/// with a zero gradient and tells the others with the next evaluation, which spares a collective per step.
void BatchObjective::finish(const Sum& sum, std::span<double> gradient, Evaluation& result) {
  const std::size_t windows = sum.batch ? sampler_.batch() : sampler_.windows();
  try {
    if (sum.quantity == Quantity::value) {
      result.loss =
          objective_.value(std::span<const double>(summed_).first(objective_.value_size()), windows);
    } else {
      result.loss = objective_.gradient(
          std::span<const double>(summed_).first(objective_.contribution_size()), windows, gradient);
      double squares = 0.0;
      for (const double g : gradient) squares += g * g;
      result.gradient_norm = std::sqrt(squares);
    }
    result.finite = std::isfinite(result.loss.total) && std::isfinite(result.gradient_norm);
  } catch (const NumericalError&) {
    result.finite = false;
  } catch (...) {
    failure_ = std::current_exception();
    std::fill(gradient.begin(), gradient.end(), 0.0);
  }
}

void BatchObjective::check_replicas(std::span<const double> theta) {
  parallel::collectively(comm_, [this] {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  });
  std::uint64_t hash = 0;
  for (const double x : theta) hash = core::mix64(hash ^ std::bit_cast<std::uint64_t>(x));
  std::uint64_t least[2] = {hash, ~hash};
  MPI_Allreduce(MPI_IN_PLACE, least, 2, MPI_UINT64_T, MPI_MIN, comm_.handle());
  if (least[0] != ~least[1])
    throw Error(
        ExitStatus::internal_error,
        "the ranks' parameters differ: their processors or libraries compute differently; on nodes of "
        "different kinds set OPENBLAS_CORETYPE, and GLIBC_TUNABLES, to one kind for all ranks");
}

}  // namespace spnode::training
