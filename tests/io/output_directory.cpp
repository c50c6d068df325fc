#include "io/output_directory.hpp"
#include "fixtures.hpp"

using namespace spnode;
using namespace spnode::test;
using parallel::Communicator;

TEST_CASE("output_directory_is_created_with_its_parents_and_may_exist") {
  const TemporaryDirectory directory;
  for (int repetition = 0; repetition < 2; ++repetition) {
    io::prepare_output_directory(Communicator(), directory / "runs/first");
    CHECK(std::filesystem::is_directory(directory / "runs/first"));
  }
  CHECK(std::filesystem::is_empty(directory / "runs/first"));
}

TEST_CASE("output_directory_that_cannot_be_made_is_a_file_error_on_all_ranks") {
  const TemporaryDirectory directory;
  on_root([&] { write_file(directory / "plain", ""); });
  for (const char* name : {"plain", "plain/run"}) {
    const Outcome outcome =
        outcome_of([&] { io::prepare_output_directory(Communicator(), directory / name); });
    CHECK(outcome.status == ExitStatus::file_error);
    CHECK(outcome.mentions("output directory " + (directory / name)));
  }
  // A file system that takes no files, whoever asks.
  const Outcome outcome =
      outcome_of([&] { io::prepare_output_directory(Communicator(), "/proc/spnode/run"); });
  CHECK(outcome.status == ExitStatus::file_error);
}
