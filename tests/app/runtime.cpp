// A program of its own: fails on purpose, to be watched by runtime.py.
#include "app/runtime.hpp"

#include <string>

using namespace spnode;

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  app::CommandLine line;
  line.program = argv[0];
  return static_cast<int>(app::run_on_all_ranks(line, [&](const parallel::Communicator& comm) {
    const bool last = comm.rank() == comm.size() - 1;
    if (what == "all") throw FileError("on all ranks");
    if (what == "at_the_end" && last) throw CheckFailed("on the last rank, at the end");
    if (what == "memory" && last) throw std::bad_alloc();
    if (what == "alone") {
      if (last) throw NumericalError("on the last rank, in the middle");
      MPI_Barrier(comm.handle());  // waits for the rank that has failed
    }
  }));
}
