#include "io/atomic_file.hpp"
#include "fixtures.hpp"
#include "io/process_name.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

using namespace spnode;
using namespace spnode::test;
using io::AtomicFile;
using io::Overwrite;
using parallel::Communicator;

namespace fs = std::filesystem;

TEST_CASE("file_appears_only_at_commit_and_leaves_no_temporary") {
  const TemporaryDirectory directory;
  {
    AtomicFile file(Communicator(), directory / "result", Overwrite::no);
    on_root([&] { write_file(file.temporary(), "whole"); });
    CHECK_FALSE(fs::exists(directory / "result"));
    MPI_Barrier(MPI_COMM_WORLD);
    file.commit();
    CHECK(read_file(directory / "result") == "whole");
  }
  CHECK(directory.files() == std::vector<std::string>{"result"});
}

TEST_CASE("file_that_is_not_committed_vanishes_and_the_previous_one_stays") {
  const TemporaryDirectory directory;
  on_root([&] { write_file(directory / "result", "previous"); });
  {
    AtomicFile file(Communicator(), directory / "result", Overwrite::yes);
    on_root([&] { write_file(file.temporary(), "half"); });
  }
  CHECK(directory.files() == std::vector<std::string>{"result"});
  CHECK(read_file(directory / "result") == "previous");
}

TEST_CASE("existing_result_is_a_usage_error_unless_overwriting_is_asked_for") {
  const TemporaryDirectory directory;
  const std::string path = directory / "result";
  on_root([&] { write_file(path, "previous"); });
  const auto check = [&](const Outcome& outcome) {
    CHECK(outcome.status == ExitStatus::usage_error);
    CHECK(outcome.mentions(path + " exists"));
    CHECK(outcome.mentions("--overwrite"));
  };
  check(outcome_of([&] { io::check_overwrite(Communicator(), path, Overwrite::no); }));
  check(outcome_of([&] { AtomicFile(Communicator(), path, Overwrite::no); }));
  check(outcome_of([&] { io::write_text(Communicator(), path, "new", Overwrite::no); }));
  CHECK(read_file(path) == "previous");
  MPI_Barrier(MPI_COMM_WORLD);
  io::write_text(Communicator(), path, "new", Overwrite::yes);
  CHECK(read_file(path) == "new");
  CHECK(directory.files() == std::vector<std::string>{"result"});
}

TEST_CASE("result_that_appeared_meanwhile_is_not_overwritten") {
  const TemporaryDirectory directory;
  {
    AtomicFile file(Communicator(), directory / "result", Overwrite::no);
    on_root([&] { write_file(directory / "result", "of somebody else"); });
    CHECK(outcome_of([&] { file.commit(); }).status == ExitStatus::usage_error);
  }
  CHECK(directory.files() == std::vector<std::string>{"result"});
  CHECK(read_file(directory / "result") == "of somebody else");
}

TEST_CASE("directory_that_cannot_be_written_is_a_file_error_on_all_ranks") {
  const TemporaryDirectory directory;
  on_root([&] { write_file(directory / "plain", ""); });
  for (const char* name : {"absent/result", "plain/result"}) {
    const Outcome outcome = outcome_of([&] { AtomicFile(Communicator(), directory / name, Overwrite::yes); });
    CHECK(outcome.status == ExitStatus::file_error);
    CHECK(outcome.mentions(directory / name));
  }
}

TEST_CASE("file_has_the_rights_of_other_new_files") {
  const TemporaryDirectory directory;
  on_root([&] { write_file(directory / "plain", ""); });
  io::write_text(Communicator(), directory / "result", "text", Overwrite::no);
  CHECK(fs::status(directory / "result").permissions() == fs::status(directory / "plain").permissions());
}

TEST_CASE("file_that_is_not_written_whole_is_a_file_error_with_the_final_name") {
  const TemporaryDirectory directory;
  io::write_text(Communicator(), directory / "result", "old", Overwrite::no);
  {
    const FileSizeLimit limit(1000);
    const Outcome outcome = outcome_of([&] {
      io::write_text(Communicator(), directory / "result", std::string(2000, 'x'), Overwrite::yes);
    });
    CHECK(outcome.status == ExitStatus::file_error);
    CHECK(outcome.message == directory / "result" + ": cannot be written: File too large");
  }
  CHECK(directory.files() == std::vector<std::string>{"result"});
  CHECK(read_file(directory / "result") == "old");
}

TEST_CASE("old_leftovers_of_killed_programs_are_removed_and_young_ones_stay") {
  const TemporaryDirectory directory;
  on_root([&] {
    for (const char* name : {"result.tmp-old", "result.tmp-young", "other.tmp-old"})
      write_file(directory / name, "");
    for (const char* name : {"result.tmp-old", "other.tmp-old"}) {
      fs::last_write_time(directory / name, fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
  });
  io::write_text(Communicator(), directory / "result", "text", Overwrite::no);
  CHECK(directory.files() == std::vector<std::string>{"other.tmp-old", "result", "result.tmp-young"});
}

TEST_CASE("leftover_of_a_process_of_this_machine_is_removed_once_it_is_dead") {
  const TemporaryDirectory directory;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  const std::string machine = io::this_process().machine;
  on_root([&] {
    write_file(directory / "result.tmp-" + io::to_string({machine, child}) + "-abc", "");
    write_file(directory / "result.tmp-" + io::to_string(io::this_process()) + "-abc", "");
    write_file(directory / "result.tmp-0123456789abcdef-1-abc", "");  // of another machine
  });
  io::write_text(Communicator(), directory / "result", "text", Overwrite::no);
  CHECK(directory.files().size() == 3);
  on_root([&] {
    CHECK_FALSE(fs::exists(directory / "result.tmp-" + io::to_string({machine, child}) + "-abc"));
  });
  io::remove_temporaries(Communicator(), directory / "result");
  CHECK(directory.files() == std::vector<std::string>{"result"});
}
