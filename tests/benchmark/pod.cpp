// Time and memory of the POD of snapshots that are held in single precision, of sizes that are given.
//
//   mpirun -n RANKS benchmark_pod [--components m[,m ...]] [--snapshots s[,s ...]] [--modes d[,d ...]]
//
// A line of a table for every combination: the method, seconds on the wall of the slowest rank, and the
// largest memory that a rank has held so far in MB, snapshots included: give sizes in ascending order. The
// snapshots are sums of waves with decaying amplitudes and noise, in trajectories of 20 times.

#include "selection.hpp"

#include "core/support/random.hpp"
#include "parallel/communicator.hpp"
#include "spectral/pod.hpp"
#include "spectral/slepc.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace spnode::benchmark {
namespace {

constexpr std::size_t times = 20;  // of a trajectory
constexpr std::size_t waves = 8;

/// The trajectories of this rank.
struct Snapshots {
  std::size_t components;
  parallel::Range trajectories;
  std::vector<float> numbers;  // (trajectories, times, components)

  Snapshots(const parallel::Communicator& comm, std::size_t m, std::size_t count)
      : components(m),
        trajectories(parallel::share(count / times, static_cast<std::size_t>(comm.size()),
                                     static_cast<std::size_t>(comm.rank()))),
        numbers(trajectories.size() * times * m) {
    float* out = numbers.data();
    for (std::size_t row = trajectories.begin * times; row < trajectories.end * times; ++row) {
      const core::Random random(row, "snapshot");
      for (std::size_t c = 0; c < m; ++c)
        out[c] = 1e-3F * (float((row * 40503U + c * 2654435761U) % 65536U) / 65536.0F - 0.5F);
      for (std::size_t k = 0; k < waves; ++k) {
        const double size = random.normal(k) * std::exp(-double(k)),
                     angle = 2.0 * M_PI * double(k + 1) / double(m);
        // The waves by a rotation for each component.
        double wave = size, other = 0.0;
        const double cosine = std::cos(angle), sine = std::sin(angle);
        for (std::size_t c = 0; c < m; ++c) {
          out[c] += float(wave);
          const double next = cosine * wave - sine * other;
          other = sine * wave + cosine * other;
          wave = next;
        }
      }
      out += m;
    }
  }

  spectral::LocalSnapshots view() const {
    return {components, std::vector<std::size_t>(trajectories.size(), times),
            [this](const spectral::LocalSnapshots::Part& part, std::span<double> out) {
              std::size_t k = 0;
              for (std::size_t row = part.snapshots.begin; row < part.snapshots.end; ++row)
                for (std::size_t c = part.components.begin; c < part.components.end; ++c)
                  out[k++] = numbers[(part.chunk * times + row) * components + c];
            }};
  }
};

const char* name_of(spectral::PodMethod method) {
  if (method == spectral::PodMethod::covariance) return "covariance";
  return method == spectral::PodMethod::snapshots ? "snapshots" : "lanczos";
}

void measure(const parallel::Communicator& comm, std::size_t m, std::size_t count, std::size_t modes) {
  const Snapshots snapshots(comm, m, count);
  MPI_Barrier(comm.handle());
  const auto start = std::chrono::steady_clock::now();
  const spectral::Pod pod = spectral::compute_pod(comm, snapshots.view(), modes);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  double worst[2] = {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                     double(usage.ru_maxrss) / 1024.0};
  MPI_Allreduce(MPI_IN_PLACE, worst, 2, MPI_DOUBLE, MPI_MAX, comm.handle());
  if (comm.is_root()) {
    std::printf("| %zu | %zu | %zu | %s | %.2f | %.0f | %.1e |\n", m, count, modes, name_of(pod.method),
                worst[0], worst[1], pod.mean_residual);
    std::fflush(stdout);
  }
}

std::vector<std::size_t> sizes(const std::vector<std::string>& arguments, std::string_view name,
                               const char* standard) {
  std::vector<std::size_t> values;
  for (const std::string& word : detail::words(option(arguments, name).value_or(standard)))
    values.push_back(detail::positive(name, word));
  return values;
}

void run(const std::vector<std::string>& arguments) {
  const parallel::Communicator comm;
  if (comm.is_root())
    std::puts(
        "| components | snapshots | modes | method | s | MB | residual |\n| --- | --- | --- | --- | --- | "
        "--- | --- |");
  for (const std::size_t m : sizes(arguments, "--components", "64,1024,4096,16384,65536"))
    for (const std::size_t count : sizes(arguments, "--snapshots", "500"))
      for (const std::size_t modes : sizes(arguments, "--modes", "50")) measure(comm, m, count, modes);
}

}  // namespace
}  // namespace spnode::benchmark

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  SlepcInitializeNoArguments();
  int status = EXIT_SUCCESS;
  try {
    spnode::benchmark::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "benchmark_pod: %s\n", error.what());
    status = EXIT_FAILURE;
  }
  SlepcFinalize();
  MPI_Finalize();
  return status;
}
