#pragma once
/// Times of what several ranks do together.

#include "benchmark.hpp"
#include "parallel/communicator.hpp"

namespace spnode::benchmark {

/// As seconds_of, for work that all ranks do at once and that may communicate: each call starts together and
/// takes as long as its slowest rank. All ranks call it equally often. Collective; the same on all ranks.
template <Clock clock = Clock::wall, class Work>
double collective_seconds_of(const parallel::Communicator& comm, Work&& work, double at_least = 0.2) {
  const auto of_slowest = [&](double seconds) {
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, comm.handle());
    return seconds;
  };
  const auto timed = [&](std::size_t calls) {
    MPI_Barrier(comm.handle());
    const double start = now<clock>();
    for (std::size_t i = 0; i < calls; ++i) work();
    return of_slowest((now<clock>() - start) / double(calls));
  };
  work();
  double best = timed(1);
  const std::size_t calls = 1 + std::size_t(20e-6 / std::max(best, 1e-9));
  const double begin = now<Clock::wall>();
  for (int i = 1; i < 3 || of_slowest(now<Clock::wall>() - begin) < at_least; ++i)
    best = std::min(best, timed(calls));
  return best;
}

}  // namespace spnode::benchmark
