#include "core/linear/step_table.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

namespace spnode::core {
namespace {

/// The sign, the exponent and 33 bits of the fraction, to which it is rounded. Whether two steps count as one
/// must not depend on others: tables of ranks and parts of the data are merged again.
std::uint64_t leading_bits(double h) {
  constexpr int dropped = 52 - 33;
  return (std::bit_cast<std::uint64_t>(h) + (std::uint64_t(1) << (dropped - 1))) >> dropped;
}

constexpr double same_step = 1e-10;

bool equal_steps(double a, double b) { return leading_bits(a) == leading_bits(b); }

}  // namespace

void merge_steps(std::vector<double>& steps) {
  std::ranges::sort(steps);
  steps.erase(std::unique(steps.begin(), steps.end(), equal_steps), steps.end());
}

StepTable::StepTable(std::vector<double> steps, Unlisted unlisted)
    : steps_(std::move(steps)), unlisted_(unlisted) {
  merge_steps(steps_);
  buckets_.assign(steps_.size() + 1, 0);
  for (std::uint32_t i = 0, next = 0; i <= steps_.size(); ++i) {
    const std::size_t last = i < steps_.size() ? bucket(steps_[i]) : steps_.size();
    while (next <= last) buckets_[next++] = i;
  }
}

/// Never falls when h grows: a step stands in the bucket of its own value.
std::size_t StepTable::bucket(double h) const {
  const double low = steps_.front(), range = steps_.back() - low;
  if (!(h > low) || range == 0.0) return 0;
  const double most = double(steps_.size() - 1);
  return std::size_t(std::min(most, most * ((h - low) / range)));
}

double StepTable::largest() const {
  double largest = 0.0;
  for (const double h : steps_) largest = std::max(largest, std::abs(h));
  return largest;
}

std::uint32_t StepTable::index(double h) const {
  const std::size_t near = steps_.empty() ? 0 : bucket(h);
  const auto begin = steps_.begin();
  const auto above = steps_.empty() ? begin
                                    : std::lower_bound(begin + std::ptrdiff_t(buckets_[near]),
                                                       begin + std::ptrdiff_t(buckets_[near + 1]), h);
  if (above != steps_.end() && equal_steps(*above, h)) return std::uint32_t(above - steps_.begin());
  if (above != steps_.begin() && equal_steps(*(above - 1), h))
    return std::uint32_t(above - 1 - steps_.begin());
  // One that the table was not made of, whose rounding took it beyond the last binary place.
  const auto is_near = [h](double step) { return std::abs(step - h) <= same_step * std::abs(h); };
  if (above != steps_.end() && is_near(*above)) return std::uint32_t(above - steps_.begin());
  if (above != steps_.begin() && is_near(*(above - 1))) return std::uint32_t(above - 1 - steps_.begin());
  if (unlisted_ == Unlisted::itself) return std::uint32_t(steps_.size());
  throw Error(ExitStatus::internal_error, "step length " + shortest(h) + " is not in the table of steps");
}

double StepTable::length(double h) const {
  const std::uint32_t number = index(h);
  return number < steps_.size() ? steps_[number] : h;
}

template <class Real>
void TileSteps<Real>::assign(const StepTable& table, const std::vector<double>& h, std::size_t intervals,
                             std::size_t lanes) {
  lanes_ = lanes;
  first_.resize(intervals);
  uniform_.resize(intervals);
  if (h_.extent(0) < intervals || h_.extent(1) != lanes) {
    h_ = decltype(h_)("spnode::core::TileSteps", intervals, lanes);
    index_ = decltype(index_)("spnode::core::TileSteps", intervals, lanes);
  }
  const auto h_host = Kokkos::create_mirror_view(h_);
  const auto index_host = Kokkos::create_mirror_view(index_);
  for (std::size_t i = 0; i < intervals; ++i) {
    uniform_[i] = 1;
    for (std::size_t l = 0; l < lanes; ++l) {
      const double step = h[i * lanes + l];
      const bool same = l > 0 && step == h[i * lanes + l - 1];
      const std::uint32_t index = same ? index_host(i, l - 1) : table.index(step);
      index_host(i, l) = index;
      const bool is_listed = index < table.steps().size();
      h_host(i, l) = Real(is_listed ? table.steps()[index] : step);
      if (!is_listed || index != index_host(i, 0)) uniform_[i] = 0;
    }
    first_[i] = index_host(i, 0);
  }
  update_from(h_, h_host);
  update_from(index_, index_host);
}

template <class Real>
void TileSteps<Real>::renumber(std::vector<std::uint32_t>& taken) {
  const auto index = Kokkos::create_mirror_view(index_);
  if constexpr (!runs_on_host) Kokkos::deep_copy(index, index_);
  taken.clear();
  for (std::size_t i = 0; i < intervals(); ++i)
    for (std::size_t l = 0; l < lanes_; ++l)
      if (l == 0 || index(i, l) != index(i, l - 1)) taken.push_back(index(i, l));
  std::ranges::sort(taken);
  taken.erase(std::unique(taken.begin(), taken.end()), taken.end());
  for (std::size_t i = 0; i < intervals(); ++i) {
    for (std::size_t l = 0; l < lanes_; ++l)
      index(i, l) = std::uint32_t(std::ranges::lower_bound(taken, index(i, l)) - taken.begin());
    first_[i] = index(i, 0);
  }
  update_from(index_, index);
}

template <class Real>
StepLengths<Real> TileSteps<Real>::interval(std::size_t i) const {
  // Rows by their place: the host must not touch entries that stand on a device.
  return {
      ConstVectorView<Real>(h_.data() + i * h_.stride_0(), lanes_),
      Kokkos::View<const std::uint32_t*, Device, Unmanaged>(index_.data() + i * index_.stride_0(), lanes_),
      first_[i], uniform_[i] != 0};
}

template class TileSteps<double>;
template class TileSteps<float>;

}  // namespace spnode::core
