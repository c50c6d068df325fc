#include "spectral/pod.hpp"
#include "catch.hpp"
#include "core/support/random.hpp"
#include "parallel/partition.hpp"

#include <cmath>
#include <limits>
#include <numbers>

using namespace spnode;
using parallel::Communicator;
using spectral::compute_pod;
using spectral::LocalSnapshots;
using spectral::Pod;
using spectral::PodMethod;

namespace {

/// Trajectories of snapshots (row, m), dealt to the ranks in contiguous shares.
struct DataSet {
  std::size_t dimension;
  std::vector<std::vector<double>> chunks;

  LocalSnapshots share(const Communicator& comm) const {
    const auto mine = parallel::share(chunks.size(), comm.size(), comm.rank());
    LocalSnapshots local{dimension, {}, {}};
    for (std::size_t i = mine.begin; i < mine.end; ++i) local.chunks.push_back(chunks[i].size() / dimension);
    local.read = [this, mine](const LocalSnapshots::Part& part, std::span<double> out) {
      const auto& chunk = chunks[mine.begin + part.chunk];
      std::size_t k = 0;
      for (std::size_t row = part.snapshots.begin; row < part.snapshots.end; ++row)
        for (std::size_t c = part.components.begin; c < part.components.end; ++c)
          out[k++] = chunk[row * dimension + c];
    };
    return local;
  }
};

DataSet decaying_data(std::size_t m, std::size_t chunks, std::size_t rows) {
  DataSet data{m, {}};
  for (std::size_t c = 0; c < chunks; ++c) {
    const core::Random random(c, "pod data");
    std::vector<double> chunk((rows + c % 3) * m);
    for (std::size_t i = 0; i < chunk.size(); ++i)
      chunk[i] = random.normal(i) * std::exp(-0.5 * static_cast<double>(i % m));
    data.chunks.push_back(std::move(chunk));
  }
  return data;
}

/// Sums of `rank` products of random vectors, each a tenth of the one before: singular values over as many
/// decades.
DataSet low_rank_data(std::size_t m, std::size_t chunks, std::size_t rows, std::size_t rank) {
  DataSet data{m, std::vector<std::vector<double>>(chunks, std::vector<double>(rows * m, 0.0))};
  for (std::size_t r = 0; r < rank; ++r) {
    const core::Random left(r, "amplitudes"), right(r, "shapes");
    const double size = std::pow(10.0, -static_cast<double>(r));
    for (std::size_t c = 0; c < chunks; ++c)
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t j = 0; j < m; ++j)
          data.chunks[c][row * m + j] += size * left.normal(c * rows + row) * right.normal(j);
  }
  return data;
}

/// Snapshots amplitude_k w_k, with orthonormal waves w_k on 8 points, in two chunks.
DataSet wave_data(const std::vector<double>& amplitudes) {
  DataSet data{8, {{}, {}}};
  for (std::size_t k = 0; k < amplitudes.size(); ++k)
    for (std::size_t j = 0; j < 8; ++j)
      data.chunks[k % 2].push_back(amplitudes[k] * 0.5 *
                                   std::cos(2 * std::numbers::pi * static_cast<double>((k + 1) * j) / 8.0));
  return data;
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("pod_of_orthogonal_snapshots_returns_them") {
  const Communicator comm;
  const DataSet data = wave_data({3.0, -2.0, 1.0});
  const Pod pod = compute_pod(comm, data.share(comm), 2);
  REQUIRE(pod.modes.size() == 16);
  REQUIRE(pod.singular_values.size() == 3);
  for (int k = 0; k < 3; ++k)
    CHECK(pod.singular_values[k] == Approx((3.0 - k) / std::sqrt(3.0)).margin(1e-7));
  CHECK(pod.captured_energy == Approx(13.0 / 14.0).epsilon(1e-14));
  CHECK(pod.mean_residual == Approx(std::sqrt(1.0 / 14.0)).epsilon(1e-12));
  for (int k = 0; k < 2; ++k)
    for (int j = 0; j < 8; ++j)
      CHECK(pod.modes[k * 8 + j] ==
            Approx(0.5 * std::cos(2 * std::numbers::pi * (k + 1) * j / 8.0)).margin(1e-14));
}

TEST_CASE("modes_are_orthonormal_and_their_residual_is_that_of_the_projection") {
  const Communicator comm;
  const DataSet data = decaying_data(12, 9, 20);
  const std::size_t d = 4, m = 12;
  const auto method = GENERATE(PodMethod::covariance, PodMethod::snapshots, PodMethod::lanczos);
  const Pod pod = compute_pod(comm, data.share(comm), d, method);
  const auto mode = [&](std::size_t k) { return std::span(pod.modes).subspan(k * m, m); };
  for (std::size_t k = 0; k < d; ++k)
    for (std::size_t l = 0; l < d; ++l)
      CHECK(dot(mode(k), mode(l)) == Approx(k == l ? 1.0 : 0.0).margin(1e-14));
  double lost = 0.0, total = 0.0;
  for (const auto& chunk : data.chunks)
    for (std::size_t row = 0; row < chunk.size() / m; ++row) {
      const auto x = std::span(chunk).subspan(row * m, m);
      total += dot(x, x);
      lost += dot(x, x);
      for (std::size_t k = 0; k < d; ++k) lost -= dot(x, mode(k)) * dot(x, mode(k));
    }
  CHECK(pod.mean_residual == Approx(std::sqrt(lost / total)).epsilon(1e-8));
  CHECK(pod.captured_energy == Approx(1.0 - lost / total).epsilon(1e-12));
}

TEST_CASE("pod_has_the_same_bits_on_any_number_of_ranks") {
  const Communicator all, alone(MPI_COMM_SELF);
  const auto method = GENERATE(PodMethod::covariance, PodMethod::snapshots, PodMethod::lanczos);
  for (const std::size_t m : {3, 17, 40, 5000}) {
    if (m > 40 && method == PodMethod::covariance) continue;
    const DataSet data = decaying_data(m, 7, 5);  // bands of several rows
    const Pod shared = compute_pod(all, data.share(all), 3, method),
              whole = compute_pod(alone, data.share(alone), 3, method);
    CHECK(shared.modes == whole.modes);
    CHECK(shared.singular_values == whole.singular_values);
    CHECK(shared.mean_residual == whole.mean_residual);
  }
}

TEST_CASE("all_methods_find_the_same_modes_over_six_decades") {
  const Communicator comm;
  const std::size_t d = 6, m = 200;
  const DataSet data = low_rank_data(m, 5, 12, 10);
  const Pod covariance = compute_pod(comm, data.share(comm), d, PodMethod::covariance);
  for (const PodMethod method : {PodMethod::snapshots, PodMethod::lanczos}) {
    const Pod pod = compute_pod(comm, data.share(comm), d, method);
    CHECK(pod.method == method);
    CHECK(std::abs(pod.mean_residual - covariance.mean_residual) < 1e-7);
    for (std::size_t k = 0; k < d; ++k) {
      const double sigma = covariance.singular_values[k], first = covariance.singular_values[0];
      const double rounding = 1e-13 * first * first / (sigma * sigma);  // of the covariance's eigenvalues
      CHECK(pod.singular_values[k] == Approx(sigma).epsilon(rounding + 1e-13));
      for (std::size_t j = 0; j < m; ++j)
        CHECK(std::abs(pod.modes[k * m + j] - covariance.modes[k * m + j]) < 1e-13 + 10.0 * rounding);
      for (std::size_t l = 0; l < d; ++l)
        CHECK(std::abs(dot(std::span(pod.modes).subspan(k * m, m), std::span(pod.modes).subspan(l * m, m)) -
                       double(k == l)) < 1e-14);
    }
  }
}

TEST_CASE("pod_of_many_components_takes_the_method_of_snapshots") {
  const Communicator comm;
  const std::size_t d = 5, m = 20000, count = 20;
  // Snapshot k is amplitude_k times the k-th of orthonormal waves: singular values are known.
  DataSet data{m, std::vector<std::vector<double>>(4)};
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t j = 0; j < m; ++j)
      data.chunks[k % 4].push_back(
          std::pow(0.1, static_cast<double>(k)) * std::sqrt(2.0 / static_cast<double>(m)) *
          std::cos(2 * std::numbers::pi * static_cast<double>((k + 1) * j) / static_cast<double>(m)));
  const Pod pod = compute_pod(comm, data.share(comm), d);
  CHECK(pod.method == PodMethod::snapshots);
  for (std::size_t k = 0; k < d; ++k) {
    CHECK(pod.singular_values[k] ==
          Approx(std::pow(0.1, static_cast<double>(k)) / std::sqrt(20.0)).epsilon(1e-7));
    for (std::size_t l = 0; l < d; ++l)
      CHECK(std::abs(dot(std::span(pod.modes).subspan(k * m, m), std::span(pod.modes).subspan(l * m, m)) -
                     double(k == l)) < 1e-13);
    CHECK(std::abs(pod.modes[k * m]) == Approx(std::sqrt(2.0 / static_cast<double>(m))).epsilon(1e-6));
  }
  CHECK(pod.rank() == 8);
  CHECK_THROWS_AS(compute_pod(comm, data.share(comm), 9), UsageError);
}

TEST_CASE("lanczos_takes_over_where_components_and_snapshots_are_many") {
  const Communicator comm;
  const std::size_t m = 4100;
  DataSet data{m, std::vector<std::vector<double>>(41)};
  for (std::size_t c = 0; c < 41; ++c) {
    data.chunks[c].assign(100 * m, 0.0);
    for (std::size_t row = 0; row < 100; ++row) {
      data.chunks[c][row * m + 7] = 3.0;
      data.chunks[c][row * m + 4000] = row % 2 == 0 ? 1.0 : -1.0;
    }
  }
  const Pod pod = compute_pod(comm, data.share(comm), 2);
  CHECK(pod.method == PodMethod::lanczos);
  CHECK(pod.singular_values[0] == Approx(3.0).epsilon(1e-12));
  CHECK(pod.singular_values[1] == Approx(1.0).epsilon(1e-12));
  CHECK(pod.modes[7] == Approx(1.0).epsilon(1e-12));
  CHECK(pod.modes[m + 4000] == Approx(1.0).epsilon(1e-12));
  CHECK(pod.mean_residual < 1e-7);
}

TEST_CASE("modes_below_rounding_come_from_the_covariance_where_it_fits") {
  const Communicator comm;
  const DataSet data = low_rank_data(100, 4, 3, 2);
  const Pod pod = compute_pod(comm, data.share(comm), 5);
  CHECK(pod.method == PodMethod::covariance);
  CHECK(pod.rank() == 2);
  CHECK(pod.modes.size() == 500);
}

TEST_CASE("pod_works_with_ranks_that_hold_nothing") {
  const Communicator comm;
  const DataSet data{2, {{3, 4, 3, 4}}};
  const auto method = GENERATE(PodMethod::covariance, PodMethod::snapshots, PodMethod::lanczos);
  const Pod pod = compute_pod(comm, data.share(comm), 1, method);
  CHECK(pod.singular_values[0] == Approx(5.0).epsilon(1e-15));
  CHECK(pod.modes[0] == Approx(0.6).epsilon(1e-15));
  CHECK(pod.modes[1] == Approx(0.8).epsilon(1e-15));
  CHECK(pod.mean_residual == Approx(0.0).margin(1e-7));
}

TEST_CASE("pod_refuses_what_it_cannot_do_on_all_ranks") {
  const Communicator comm;
  const DataSet data = decaying_data(5, 6, 4);
  CHECK_THROWS_AS(compute_pod(comm, data.share(comm), 6), UsageError);
  CHECK_THROWS_AS(compute_pod(comm, data.share(comm), 0), UsageError);
  CHECK_THROWS_AS(compute_pod(comm, LocalSnapshots{5, {}, {}}, 2), UsageError);
  CHECK_THROWS_AS(compute_pod(comm, DataSet{2, {{0, 0}}}.share(comm), 1), NumericalError);
  DataSet broken = data;
  broken.chunks[3][2] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(compute_pod(comm, broken.share(comm), 1), NumericalError);
}

TEST_CASE("covariance_of_many_snapshots_takes_no_memory_for_each_and_has_the_bits_of_one_rank") {
  // Waves with amplitudes that differ from snapshot to snapshot; they are computed, not held.
  constexpr std::size_t m = 128, chunks = 6, rows = 24000, modes = 3;
  const core::Random random(1, "amplitudes");
  const auto share = [&](const Communicator& comm) {
    const auto mine = parallel::share(chunks, comm.size(), comm.rank());
    LocalSnapshots local{m, std::vector<std::size_t>(mine.size(), rows), {}};
    local.read = [&, mine](const LocalSnapshots::Part& part, std::span<double> out) {
      std::size_t k = 0;
      for (std::size_t row = part.snapshots.begin; row < part.snapshots.end; ++row)
        for (std::size_t c = part.components.begin; c < part.components.end; ++c) {
          double x = 0.0;
          for (std::size_t j = 0; j < modes; ++j)
            x += random.normal(((mine.begin + part.chunk) * rows + row) * modes + j) / double(1 + j) *
                 std::sqrt(2.0 / double(m)) *
                 std::cos(2 * std::numbers::pi * double((j + 1) * c) / double(m));
          out[k++] = x;
        }
    };
    return local;
  };
  const Communicator comm, alone(MPI_COMM_SELF);
  const Pod pod = compute_pod(comm, share(comm), modes, PodMethod::covariance),
            expected = compute_pod(alone, share(alone), modes, PodMethod::covariance);
  CHECK(pod.modes == expected.modes);
  CHECK(pod.singular_values == expected.singular_values);
  for (std::size_t j = 0; j < modes; ++j)
    CHECK(pod.singular_values[j] == Approx(1.0 / double(1 + j)).epsilon(0.01));
  CHECK(pod.mean_residual < 1e-6);
}
