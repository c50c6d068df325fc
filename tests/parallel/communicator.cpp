#include "parallel/communicator.hpp"
#include "catch.hpp"

using namespace spnode;
using parallel::Communicator;

TEST_CASE("failure_on_one_rank_throws_on_all_ranks") {
  const Communicator comm;
  for (int culprit = 0; culprit < comm.size(); ++culprit) {
    try {
      parallel::collectively(comm, [&] {
        if (comm.rank() == culprit) throw FileError("broken on " + std::to_string(culprit));
      });
      FAIL("did not throw");
    } catch (const Error& error) {
      CHECK(error.status() == ExitStatus::file_error);
      CHECK(std::string(error.what()) == "broken on " + std::to_string(culprit));
    }
  }
}

TEST_CASE("success_on_all_ranks_does_not_throw") {
  CHECK_NOTHROW(parallel::collectively(Communicator(), [] {}));
}
