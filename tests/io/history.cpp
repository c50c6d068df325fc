#include "io/history.hpp"
#include "fixtures.hpp"

#include <limits>

using namespace spnode;
using namespace spnode::test;
using io::History;
using parallel::Communicator;

namespace {

const std::vector<std::string> columns = {"epoch", "loss"};

void append(History& history, double epoch, double loss) { history.append(std::vector{epoch, loss}); }

/// A history of epochs 1 to `rows`.
void write_rows(const std::string& path, int rows) {
  History history = History::start(Communicator(), path, columns);
  for (int epoch = 1; epoch <= rows; ++epoch) append(history, epoch, 1.0 / epoch);
}

std::string settled(const std::string& path) {
  MPI_Barrier(MPI_COMM_WORLD);
  std::string text = read_file(path);
  MPI_Barrier(MPI_COMM_WORLD);
  return text;
}

}  // namespace

TEST_CASE("every_row_is_in_the_file_as_soon_as_it_is_appended") {
  const TemporaryDirectory directory;
  const std::string path = directory / "history.csv";
  History history = History::start(Communicator(), path, columns);
  CHECK(settled(path) == "epoch,loss\n");
  append(history, 1, 0.1);
  CHECK(settled(path) == "epoch,loss\n1,0.1\n");
  append(history, 2, std::numeric_limits<double>::quiet_NaN());
  CHECK(settled(path) == "epoch,loss\n1,0.1\n2,nan\n");
}

TEST_CASE("resumed_history_drops_what_came_after_the_checkpoint") {
  const TemporaryDirectory directory;
  const std::string path = directory / "history.csv";
  write_rows(path, 5);
  {
    History history = History::resume(Communicator(), path, columns, 2);
    append(history, 3, 0.25);
  }
  CHECK(settled(path) == "epoch,loss\n1,1\n2,0.5\n3,0.25\n");
}

TEST_CASE("resumed_history_drops_a_half_written_line") {
  const TemporaryDirectory directory;
  const std::string path = directory / "history.csv";
  write_rows(path, 2);
  on_root([&] { std::ofstream(path, std::ios::app) << "3,0.3"; });
  { History::resume(Communicator(), path, columns, 2); }
  CHECK(settled(path) == "epoch,loss\n1,1\n2,0.5\n");
  on_root([&] { std::ofstream(path, std::ios::app) << "3,0.3"; });
  CHECK(
      outcome_of([&] { History::resume(Communicator(), path, columns, 3); }).mentions("holds 2 whole rows"));
}

TEST_CASE("table_is_told_from_a_foreign_file") {
  const TemporaryDirectory directory;
  const std::string path = directory / "history.csv";
  const auto is_begun = [&](const std::string& text) {
    on_root([&] { write_file(path, text); });
    const bool begun = History::is_begun(path, columns);
    MPI_Barrier(MPI_COMM_WORLD);
    return begun;
  };
  for (const char* text : {"epoch,loss\n1,1\n", "epoch,loss\n", "epoch,loss", "epoch,", ""})
    CHECK(is_begun(text));
  for (const char* text : {"epoch,error\n", "epoch\n", "x", "\n"}) CHECK_FALSE(is_begun(text));
}

TEST_CASE("header_without_an_end_is_a_file_error_and_stays") {
  const TemporaryDirectory directory;
  const std::string path = directory / "history.csv";
  on_root([&] { write_file(path, "epoch,loss"); });
  CHECK(outcome_of([&] { History::resume(Communicator(), path, columns, 0); }).status ==
        ExitStatus::file_error);
  CHECK(settled(path) == "epoch,loss");
}

TEST_CASE("history_that_does_not_fit_the_run_is_a_file_error_on_all_ranks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "history.csv";
  const auto resume = [&](const std::vector<std::string>& names, std::size_t rows) {
    return outcome_of([&] { History::resume(Communicator(), path, names, rows); });
  };
  CHECK(resume(columns, 0).status == ExitStatus::file_error);  // absent
  write_rows(path, 2);
  CHECK(resume({"epoch", "error"}, 1).status == ExitStatus::file_error);
  CHECK(resume({"epoch", "error"}, 1).mentions("'epoch,loss'"));
  CHECK(resume(columns, 3).status == ExitStatus::file_error);
  CHECK(settled(path) == "epoch,loss\n1,1\n2,0.5\n");
  const Outcome start =
      outcome_of([&] { History::start(Communicator(), directory / "absent/h.csv", columns); });
  CHECK(start.status == ExitStatus::file_error);
  CHECK(start.mentions(directory / "absent/h.csv"));
}

TEST_CASE("full_disk_is_a_file_error_on_all_ranks") {
  if (!std::filesystem::exists("/dev/full")) return;
  CHECK(outcome_of([&] { History::start(Communicator(), "/dev/full", columns); }).status ==
        ExitStatus::file_error);
}
