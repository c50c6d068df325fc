#include "io/directory_lock.hpp"
#include "fixtures.hpp"

#include <sys/wait.h>
#include <unistd.h>

using namespace spnode;
using namespace spnode::test;
using io::DirectoryLock;
using parallel::Communicator;

TEST_CASE("directory_is_held_once_and_given_back") {
  const TemporaryDirectory directory;
  const auto lock = [&] { return outcome_of([&] { DirectoryLock(Communicator(), directory / ""); }); };
  {
    const DirectoryLock first(Communicator(), directory / "");
    const Outcome second = lock();
    CHECK(second.status == ExitStatus::usage_error);
    CHECK(second.mentions("another run writes into this directory (process "));
    CHECK(directory.files() == std::vector<std::string>{"lock"});
  }
  CHECK(directory.files().empty());
  CHECK(lock().status == ExitStatus::success);
}

TEST_CASE("killed_process_leaves_no_lock_behind") {
  const TemporaryDirectory directory;
  on_root([&] {
    const pid_t child = fork();
    if (child == 0) {
      const DirectoryLock lock(Communicator(MPI_COMM_SELF), directory / "");
      kill(getpid(), SIGKILL);
    }
    waitpid(child, nullptr, 0);
  });
  CHECK(directory.files() == std::vector<std::string>{"lock"});
  CHECK(outcome_of([&] { DirectoryLock(Communicator(), directory / ""); }).status == ExitStatus::success);
  CHECK(directory.files().empty());
}

TEST_CASE("directory_that_cannot_be_written_is_a_file_error") {
  const TemporaryDirectory directory;
  CHECK(outcome_of([&] { DirectoryLock(Communicator(), directory / "absent"); }).status ==
        ExitStatus::file_error);
}
