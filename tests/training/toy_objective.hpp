#pragma once
/// A small linear least-squares problem on windows, with faults to order, for tests of training.

#include "core/data/windows.hpp"
#include "core/loss/tile_objective.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"
#include "parallel/communicator.hpp"
#include "training/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace spnode::tests {

constexpr std::size_t toy_components = 3;

/// Trajectories of random states, the same for every number of ranks; holds those of the windows `held`.
inline core::WindowData toy_data(std::size_t trajectories, std::size_t times, const parallel::Range& held,
                                 std::uint64_t seed = 1) {
  const core::WindowIndex index(trajectories, times, {.window = 1, .stride = 1, .times = {}});
  const auto range = index.trajectories(held.begin, held.end);
  const core::Random random(seed, "toy");
  core::Trajectories part;
  part.count = range.last - range.first;
  part.times = times;
  part.components = toy_components;
  for (std::size_t t = 0; t < times; ++t) part.time.push_back(static_cast<double>(t));
  const std::size_t size = times * toy_components;
  for (std::size_t i = range.first * size; i < range.last * size; ++i) part.state.push_back(random.normal(i));
  return core::WindowData(index, part, range.first);
}

/// Half the mean of |W u(t) + c - u(t+1)|^2 over windows (t, t+1). Blocks: "W" (3, 3) of the dynamics, "c"
/// (3) of the autoencoder, and "fixed" (2), frozen, which does not matter.
class ToyObjective : public core::TileObjective {
 public:
  ToyObjective() {
    layout_.add({.name = "fixed", .shape = {2}, .meaning = "untouched", .frozen = true});
    layout_.add({.name = "W", .shape = {toy_components, toy_components}, .meaning = "matrix"});
    layout_.add({.name = "c",
                 .shape = {toy_components},
                 .meaning = "shift",
                 .group = core::ParameterGroup::autoencoder});
  }

  std::function<void()> before_set, before_contribution, before_gradient;  ///< may throw
  double domain = INFINITY;                  ///< the loss is NaN where |W[0]| is larger
  std::size_t outside = 0;                   ///< how often it was evaluated there
  std::vector<std::size_t> rollout_lengths;  ///< of contributions, as they changed

  const core::ParameterLayout& parameters() const override { return layout_; }
  void set_parameters(std::span<const double> theta) override {
    if (before_set) before_set();
    theta_.assign(theta.begin(), theta.end());
    if (std::abs(theta[2]) > domain) ++outside;
  }
  std::size_t contribution_size() const override {
    return toy_components * toy_components + toy_components + 1;
  }
  std::size_t value_size() const override { return 1; }

  using TileObjective::contribution;
  void contribution(const core::WindowData& data, std::span<const std::uint64_t> windows,
                    std::size_t rollout_length, std::span<double> out) override {
    if (rollout_lengths.empty() || rollout_lengths.back() != rollout_length)
      rollout_lengths.push_back(rollout_length);
    if (before_contribution) before_contribution();
    std::fill(out.begin(), out.end(), 0.0);
    for (const std::uint64_t window : windows) add_window(data, window, out);
  }
  void value_contribution(const core::WindowData& data, std::span<const std::uint64_t> windows,
                          std::span<double> out) override {
    std::vector<double> all(contribution_size(), 0.0);
    for (const std::uint64_t window : windows) add_window(data, window, all);
    out[0] = all.back();
  }
  core::LossTerms gradient(std::span<const double> summed, std::size_t windows,
                           std::span<double> theta_bar) override {
    if (before_gradient) before_gradient();
    theta_bar[0] = theta_bar[1] = 0.0;
    const double n = static_cast<double>(windows);
    for (std::size_t i = 0; i + 1 < summed.size(); ++i) theta_bar[2 + i] = summed[i] / n;
    return {.total = summed.back() / n};
  }
  core::LossTerms value(std::span<const double> summed, std::size_t windows) const override {
    const double loss = summed[0] / static_cast<double>(windows);
    return {.total = loss};
  }
  // The loss is quadratic: H v is the difference of two gradients.
  void set_directions(std::span<const double> directions) override {
    directions_.assign(directions.begin(), directions.end());
    for (std::size_t i = 0; i < directions_.size(); i += layout_.size())
      directions_[i] = directions_[i + 1] = 0.0;
  }
  std::size_t product_size() const override { return contribution_size() - 1; }
  void product_contribution(const core::WindowData& data, std::span<const std::uint64_t> windows,
                            std::span<double> out) override {
    std::fill(out.begin(), out.end(), 0.0);
    for (const std::uint64_t window : windows) add_product(data, window, directions_, out);
  }
  void product(std::span<const double> summed, std::size_t windows, std::span<double> Hv) override {
    Hv[0] = Hv[1] = 0.0;
    for (std::size_t i = 0; i < summed.size(); ++i) Hv[2 + i] = summed[i] / static_cast<double>(windows);
  }
  std::size_t gram_size() const override {
    const std::size_t count = directions_.size() / layout_.size();
    return count * (count + 1) / 2;
  }
  void gram_contribution(const core::WindowData& data, std::span<const std::uint64_t> windows,
                         std::span<double> out) override {
    const std::size_t size = layout_.size(), count = directions_.size() / size;
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<double> Hv(product_size(), 0.0);
      for (const std::uint64_t window : windows)
        add_product(data, window, std::span(directions_).subspan(i * size, size), Hv);
      for (std::size_t j = i; j < count; ++j) {
        double sum = 0.0;
        for (std::size_t k = 0; k < Hv.size(); ++k) sum += directions_[j * size + 2 + k] * Hv[k];
        out[at++] = sum;
      }
    }
  }
  void gram(std::span<const double> summed, std::size_t windows, std::span<double> matrix) const override {
    const std::size_t count = directions_.size() / layout_.size();
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = i; j < count; ++j)
        matrix[i * count + j] = matrix[j * count + i] = summed[at++] / static_cast<double>(windows);
  }

 private:
  static void add_product(const core::WindowData& data, std::uint64_t window, std::span<const double> v,
                          std::span<double> out) {
    constexpr std::size_t n = toy_components;
    const double *W = v.data() + 2, *c = W + n * n, *u = data.state(window, 0);
    for (std::size_t i = 0; i < n; ++i) {
      double r = c[i];
      for (std::size_t j = 0; j < n; ++j) r += W[i * n + j] * u[j];
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += r * u[j];
      out[n * n + i] += r;
    }
  }
  void add_window(const core::WindowData& data, std::uint64_t window, std::span<double> out) const {
    constexpr std::size_t n = toy_components;
    const double* W = theta_.data() + 2;
    const double* c = W + n * n;
    const double *u = data.state(window, 0), *next = data.state(window, 1);
    for (std::size_t i = 0; i < n; ++i) {
      double r = c[i] - next[i];
      for (std::size_t j = 0; j < n; ++j) r += W[i * n + j] * u[j];
      if (std::abs(W[0]) > domain) r = NAN;
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += r * u[j];
      out[n * n + i] += r;
      out[n * n + n] += 0.5 * r * r;
    }
  }

  core::ParameterLayout layout_;
  std::vector<double> theta_, directions_;
};

/// The first `size` ranks of MPI_COMM_WORLD; the others hold none (is_member false).
class SubCommunicator {
 public:
  explicit SubCommunicator(int size) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &handle_);
  }
  ~SubCommunicator() {
    if (is_member()) MPI_Comm_free(&handle_);
  }
  SubCommunicator(const SubCommunicator&) = delete;
  SubCommunicator& operator=(const SubCommunicator&) = delete;
  bool is_member() const { return handle_ != MPI_COMM_NULL; }
  parallel::Communicator get() const { return parallel::Communicator(handle_); }

 private:
  MPI_Comm handle_ = MPI_COMM_NULL;
};

}  // namespace spnode::tests
