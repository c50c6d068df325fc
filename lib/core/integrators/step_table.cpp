#include "core/integrators/step_table.hpp"

#include "core/data/windows.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace spnode::core {
namespace {

constexpr double same_step = 1e-10;

bool equal_steps(double a, double b) {
  return std::abs(a - b) <= same_step * std::max(std::abs(a), std::abs(b));
}

void sort_and_merge(std::vector<double>& steps) {
  std::ranges::sort(steps);
  steps.erase(std::unique(steps.begin(), steps.end(), equal_steps), steps.end());
}

}  // namespace

StepTable::StepTable(std::vector<double> steps) : steps_(std::move(steps)) { sort_and_merge(steps_); }

double StepTable::largest() const {
  double largest = 0.0;
  for (const double h : steps_) largest = std::max(largest, std::abs(h));
  return largest;
}

std::uint32_t StepTable::index(double h) const {
  const auto above = std::ranges::lower_bound(steps_, h);
  if (above != steps_.end() && equal_steps(*above, h)) return std::uint32_t(above - steps_.begin());
  if (above != steps_.begin() && equal_steps(*(above - 1), h))
    return std::uint32_t(above - 1 - steps_.begin());
  throw Error(ExitStatus::internal_error,
              "step length " + std::to_string(h) + " is not in the table of steps");
}

std::vector<double> distinct_steps(const WindowData& data, std::size_t substeps) {
  std::vector<double> steps;
  const Trajectories& held = data.held();
  const WindowIndex& index = data.index();
  const std::size_t axes = held.shared_time ? std::min<std::size_t>(held.count, 1) : held.count;
  for (std::size_t window = data.first() * index.per_trajectory(), i = 0; i < axes * index.per_trajectory();
       ++i, ++window)
    for (std::size_t k = 0; k < index.intervals(); ++k) {
      steps.push_back((data.time(window, k + 1) - data.time(window, k)) / double(substeps));
      if (steps.size() > 100000) sort_and_merge(steps);
    }
  sort_and_merge(steps);
  return steps;
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
      h_host(i, l) = Real(table.steps()[index]);
      if (index != index_host(i, 0)) uniform_[i] = 0;
    }
    first_[i] = index_host(i, 0);
  }
  update_from(h_, h_host);
  update_from(index_, index_host);
}

template <class Real>
StepLengths<Real> TileSteps<Real>::interval(std::size_t i) const {
  return {ConstVectorView<Real>(&h_(i, 0), lanes_),
          Kokkos::View<const std::uint32_t*, Device, Unmanaged>(&index_(i, 0), lanes_), first_[i],
          uniform_[i] != 0};
}

template class TileSteps<double>;
template class TileSteps<float>;

}  // namespace spnode::core
