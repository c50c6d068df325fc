#include "io/file_pattern.hpp"
#include "parallel/partition.hpp"
#include "trajectory_examples.hpp"

using namespace spnode;
using namespace spnode::test;
using core::Trajectories;
using io::Overwrite;
using io::TimeAxis;
using io::TrajectoryInfo;
using io::TrajectoryWriter;
using parallel::Communicator;
using parallel::Range;

namespace {

/// Writes trajectories [first, first + count) of a set of 7 to a file of their own.
void write_file(const std::string& path, TimeAxis axis, Range range) {
  TrajectoryInfo info = example_info(axis);
  info.inputs = {"c"};
  info.count = range.size();
  TrajectoryWriter writer(Communicator(MPI_COMM_SELF), path, info, Overwrite::yes);
  writer.write(0, example(info, range, 0, info.times));
  writer.commit();
}

}  // namespace

TEST_CASE("files_of_a_pattern_are_one_data_set_for_every_rank") {
  const TemporaryDirectory directory;
  const Communicator comm;
  if (comm.is_root()) {
    write_file(directory / "one_0.h5", TimeAxis::per_trajectory, {0, 2});
    write_file(directory / "one_1.h5", TimeAxis::per_trajectory, {2, 3});
    write_file(directory / "two.h5", TimeAxis::per_trajectory, {3, 7});
  }
  MPI_Barrier(comm.handle());
  const std::string path = directory / "{one_*.h5,two.h5}";
  TrajectoryInfo info = example_info(TimeAxis::per_trajectory);
  info.inputs = {"c"};
  const TrajectoryInfo found = io::inspect_trajectories(comm, path);
  CHECK(found.count == info.count);
  CHECK(found.files.size() == 3);
  CHECK(found.files[1].path == std::string(directory / "one_1.h5"));
  const Range mine = parallel::share(info.count, comm.size(), comm.rank());
  check_equal(io::read_trajectories(comm, path, mine.begin, mine.size()), example(info, mine, 0, info.times));
  check_equal(io::read_trajectories(comm, path, 1, 3, {1, 4}), example(info, {1, 4}, 1, 4));
  CHECK(io::read_trajectories(comm, path, 7, 0).count == 0);
}

TEST_CASE("files_share_their_times_where_these_are_the_same") {
  const TemporaryDirectory directory;
  const Communicator comm;
  if (comm.is_root()) {
    write_file(directory / "a.h5", TimeAxis::shared, {0, 2});
    write_file(directory / "b.h5", TimeAxis::shared, {2, 3});
    write_file(directory / "c.h5", TimeAxis::per_trajectory, {3, 7});
  }
  MPI_Barrier(comm.handle());
  const std::string two = directory / "[ab].h?", all = directory / "*.h5";
  CHECK(io::inspect_trajectories(comm, two).time_axis == TimeAxis::shared);
  CHECK(io::read_trajectories(comm, two, 1, 2).shared_time);
  const Trajectories mixed = io::read_trajectories(comm, all, 1, 6);
  CHECK_FALSE(mixed.shared_time);
  CHECK_FALSE(mixed.shared_input_time);
  REQUIRE(mixed.time.size() == 30);
  CHECK(mixed.time_at(0, 1) == 0.1);
  CHECK(mixed.time_at(1, 1) == 0.1);
  CHECK(mixed.time_at(2, 1) == 0.1 - 3);
}

TEST_CASE("patterns_and_files_that_do_not_go_together_are_refused") {
  const TemporaryDirectory directory;
  const auto inspect = [&](const std::string& path) {
    return outcome_of([&] { io::inspect_trajectories(Communicator(), path); });
  };
  check_refused(inspect(directory / "*.h5"), (directory / "*.h5") + ": no file matches");
  if (Communicator().is_root()) {
    write_file(directory / "a.h5", TimeAxis::shared, {0, 2});
    TrajectoryInfo info = example_info(TimeAxis::shared);
    info.count = 1;
    info.times = 4;
    TrajectoryWriter writer(Communicator(MPI_COMM_SELF), directory / "b.h5", info, Overwrite::yes);
    writer.write(0, example(info, {0, 1}, 0, 4));
    writer.commit();
  }
  MPI_Barrier(MPI_COMM_WORLD);
  check_refused(inspect(directory / "*.h5"), (directory / "b.h5") + ": the times of /state are 4; " +
                                                 (directory / "a.h5") + ", to which it is added, has 5");
  const std::string twice = directory / "{a.h5,a*.h5}";
  check_refused(inspect(twice), twice + ": " + (directory / "a.h5") + " matches twice");
}

TEST_CASE("shorter_trajectories_of_a_list_end_with_missing_states_where_these_are_allowed") {
  const TemporaryDirectory directory;
  const Communicator comm;
  if (comm.is_root())
    for (const std::size_t times : {5, 3}) {
      TrajectoryInfo info = example_info(TimeAxis::shared);
      info.count = 2;
      info.times = times;
      TrajectoryWriter writer(Communicator(MPI_COMM_SELF), directory / (times == 5 ? "a.h5" : "b.h5"), info,
                              Overwrite::yes);
      writer.write(0, example(info, {0, 2}, 0, times));
      writer.commit();
    }
  MPI_Barrier(comm.handle());
  io::DataSource source(directory / "{a,b}.h5");
  CHECK(outcome_of([&] { io::inspect_trajectories(comm, source); }).message.find("times of /state are 3") !=
        std::string::npos);
  source.layout.allow_missing = true;
  CHECK(io::inspect_trajectories(comm, source).times == 5);
  const Trajectories data = io::read_trajectories(comm, source, 1, 2);
  REQUIRE(data.count == 2);
  CHECK_FALSE(data.shared_time);
  for (std::size_t t = 0; t < 5; ++t) {
    CHECK_FALSE(data.is_missing(0, t));
    CHECK(data.is_missing(1, t) == (t > 2));
  }
  CHECK(data.time_at(1, 4) == Approx(data.time_at(1, 2) + 2.0 * (data.time_at(1, 2) - data.time_at(1, 1))));
  CHECK(data.state_at(1, 4)[0] == data.state_at(1, 2)[0]);
  CHECK(io::read_trajectories(comm, source, 4, 0).count == 0);
}
