#include "app/processor_report.hpp"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "core/machine/processor.hpp"

namespace spnode::app {

namespace {

/// The rank that has the most of `value`. Collective.
int rank_of_largest(const parallel::Communicator& comm, int value) {
  struct {
    int value, rank;
  } largest{value, comm.rank()};
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_2INT, MPI_MAXLOC, comm.handle());
  return largest.rank;
}

void warn(const std::string& text) {
  std::fflush(stdout);
  fmt::print(stderr, "spnode: warning: {}\n", text);
}

}  // namespace

void report_processor(const parallel::Communicator& comm) {
  const char* const target = core::build_target.name;
  if (comm.is_root())
    fmt::print("spnode {}, built for {}, on {} rank{}\n", SPNODE_VERSION, target, comm.size(),
               comm.size() == 1 ? "" : "s");
  const core::ProcessorFit fit = core::processor_fit();
  const int level = static_cast<int>(fit.level_number);
  std::array<int, 3> most = {level, -level, fit.wider != nullptr ? 1 : 0};
  MPI_Allreduce(MPI_IN_PLACE, most.data(), 3, MPI_INT, MPI_MAX, comm.handle());
  const bool is_highest = rank_of_largest(comm, level) == comm.rank();
  if (most[2] > 0 && is_highest)
    warn(
        fmt::format("this processor has {}, wider than the vectors of the build ({}): -DSPNODE_ARCH={} makes "
                    "a faster program",
                    fit.wider, target, fit.level));
  if (most[0] != -most[1] && is_highest)
    warn(
        "the processors of the ranks are of different levels, and BLAS and the C library may compute "
        "differently on each: set OPENBLAS_CORETYPE as the user guide says");
}

}  // namespace spnode::app
