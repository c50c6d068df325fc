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

namespace {

/// Trajectories of snapshots (row, m), dealt to the ranks in contiguous shares.
struct DataSet {
  std::size_t dimension;
  std::vector<std::vector<double>> chunks;

  LocalSnapshots share(const Communicator& comm) const {
    const auto mine = parallel::share(chunks.size(), comm.size(), comm.rank());
    return {dimension, mine.size(),
            [this, mine](std::size_t i) { return std::span(chunks[mine.begin + i]); }};
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

/// Snapshots amplitude_k w_k, with orthonormal waves w_k on 8 points; 4 snapshots, two chunks.
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
  REQUIRE(pod.singular_values.size() == 8);
  for (int k = 0; k < 8; ++k)
    CHECK(pod.singular_values[k] == Approx(k < 3 ? (3.0 - k) / std::sqrt(3.0) : 0.0).margin(1e-7));
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
  const Pod pod = compute_pod(comm, data.share(comm), d);
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
  for (const std::size_t m : {3, 17, 40}) {
    const DataSet data = decaying_data(m, 7, 5);  // bands of several rows
    const Pod shared = compute_pod(all, data.share(all), 3), whole = compute_pod(alone, data.share(alone), 3);
    CHECK(shared.modes == whole.modes);
    CHECK(shared.singular_values == whole.singular_values);
    CHECK(shared.mean_residual == whole.mean_residual);
  }
}

TEST_CASE("pod_works_with_ranks_that_hold_nothing") {
  const Communicator comm;
  const DataSet data{2, {{3, 4, 3, 4}}};
  const Pod pod = compute_pod(comm, data.share(comm), 1);
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
  CHECK_THROWS_AS(compute_pod(comm, LocalSnapshots{4097, 0, {}}, 2), UsageError);
  CHECK_THROWS_AS(compute_pod(comm, LocalSnapshots{5, 0, {}}, 2), UsageError);
  CHECK_THROWS_AS(compute_pod(comm, DataSet{2, {{0, 0}}}.share(comm), 1), NumericalError);
  DataSet broken = data;
  broken.chunks[3][2] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(compute_pod(comm, broken.share(comm), 1), NumericalError);
  DataSet ragged = data;
  ragged.chunks[5].pop_back();
  try {
    compute_pod(comm, ragged.share(comm), 1);
    FAIL("did not throw");
  } catch (const Error& error) {
    CHECK(error.status() == ExitStatus::usage_error);
  }
}
