#include "io/trajectories.hpp"
#include "parallel/partition.hpp"
#include "trajectory_examples.hpp"

#include <limits>

using namespace spnode;
using namespace spnode::test;
using core::Trajectories;
using io::Overwrite;
using io::TimeAxis;
using io::TrajectoryInfo;
using io::TrajectoryWriter;
using io::hdf5::ElementType;
using io::hdf5::File;
using parallel::Communicator;
using parallel::Range;

namespace {

/// Writes the example in blocks of up to `block` trajectories, each dealt over the ranks.
void write_example(const std::string& path, const TrajectoryInfo& info, std::size_t block) {
  const Communicator comm;
  TrajectoryWriter writer(comm, path, info, Overwrite::no);
  for (std::size_t begin = 0; begin < info.count; begin += block) {
    const Range part = parallel::share(std::min(block, info.count - begin), comm.size(), comm.rank());
    const Range mine = {begin + part.begin, begin + part.end};
    writer.write(mine.begin, example(info, mine, 0, info.times));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  MPI_Barrier(comm.handle());
  writer.commit();
}

/// Adds /time to a file.
void write_times(const std::string& path, const std::vector<double>& times) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hsize_t count = times.size();
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t dataset =
      H5Dcreate2(file, "/time", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, times.data());
  H5Dclose(dataset);
  H5Sclose(space);
  H5Fclose(file);
}

/// A small valid file without attributes, as a user would make it.
struct PlainFile {
  std::vector<double> state = std::vector<double>(2 * 3 * 2, 0.5), time = {0.0, 1.0, 2.0};
  std::vector<std::size_t> state_shape = {2, 3, 2}, time_shape = {3};
};

Outcome reading(const std::string& path, const std::function<void(File&)>& contents) {
  on_root([&] {
    File file = File::create(path);
    contents(file);
    file.close();
  });
  const Communicator comm;
  const Range mine = parallel::share(2, comm.size(), comm.rank());
  const Outcome outcome = outcome_of([&] { io::read_trajectories(comm, path, mine.begin, mine.size()); });
  MPI_Barrier(comm.handle());
  return outcome;
}

Outcome reading(const std::string& path, const PlainFile& plain) {
  return reading(path, [&](File& file) {
    file.write("/state", plain.state, plain.state_shape);
    file.write("/time", plain.time, plain.time_shape);
  });
}

}  // namespace

TEST_CASE("file_written_on_n_ranks_is_read_with_every_other_partition") {
  const TemporaryDirectory directory;
  const Communicator comm;
  for (const TimeAxis axis : {TimeAxis::shared, TimeAxis::per_trajectory}) {
    for (const std::size_t block : {2u, 7u}) {
      const TrajectoryInfo info = example_info(axis);
      const std::string path =
          directory / ("x" + std::to_string(block) + (axis == TimeAxis::shared ? "s" : "p") + ".h5");
      write_example(path, info, block);

      const Range mine = parallel::share(info.count, comm.size(), comm.size() - 1 - comm.rank());
      check_equal(io::read_trajectories(comm, path, mine.begin, mine.size()),
                  example(info, mine, 0, info.times));
      check_equal(io::read_trajectories(comm, path, 0, info.count),
                  example(info, {0, info.count}, 0, info.times));
      const Range some = comm.is_root() ? Range{2, 5} : Range{0, 0};
      check_equal(io::read_trajectories(comm, path, some.begin, some.size(), {1, 4}),
                  example(info, some, 1, 4));
    }
  }
  CHECK(directory.files() == std::vector<std::string>{"x2p.h5", "x2s.h5", "x7p.h5", "x7s.h5"});
}

TEST_CASE("tangents_are_read_where_they_are_asked_for") {
  const TemporaryDirectory directory;
  const Communicator comm;
  TrajectoryInfo info = example_info(TimeAxis::shared);
  info.tangents = 2;
  const std::string path = directory / "x.h5";
  write_example(path, info, 3);
  CHECK(io::inspect_trajectories(comm, path).tangents == 2);
  const Range mine = parallel::share(info.count, comm.size(), comm.rank());
  io::ReadOptions reading;
  reading.time_begin = 1;
  reading.time_end = 4;
  reading.tangents = io::Tangents::read;
  check_equal(io::read_trajectories(comm, path, mine.begin, mine.size(), reading), example(info, mine, 1, 4));
  info.tangents = 0;
  check_equal(io::read_trajectories(comm, path, mine.begin, mine.size()), example(info, mine, 0, info.times));
}

TEST_CASE("tangents_that_do_not_fit_are_named") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const PlainFile plain;
  using Shape = std::vector<std::size_t>;
  const auto outcome = [&](const Shape& directions, const Shape& products, double value = 0.5) {
    on_root([&] {
      File file = File::create(path);
      file.write("/state", plain.state, plain.state_shape);
      file.write("/time", plain.time, plain.time_shape);
      const auto add = [&](const char* name, const Shape& shape) {
        if (shape.empty()) return;
        std::size_t size = 1;
        for (const std::size_t extent : shape) size *= extent;
        file.write(name, std::vector<double>(size, value), shape);
      };
      add("/tangents/directions", directions);
      add("/tangents/products", products);
      file.close();
    });
    io::ReadOptions reading;
    reading.tangents = io::Tangents::read;
    const Outcome found = outcome_of([&] { io::read_trajectories(Communicator(), path, 0, 2, reading); });
    MPI_Barrier(Communicator().handle());
    return found;
  };
  CHECK(outcome({2, 3, 4, 2}, {2, 3, 4, 2}).message.empty());
  const std::string shape = "(trajectories, times, directions, components)";
  check_refused(outcome({2, 3, 4, 2}, {}),
                path +
                    ": /tangents/products is missing; /tangents/directions needs it "
                    "beside it as " +
                    shape);
  check_refused(outcome({}, {2, 3, 4, 2}),
                path +
                    ": /tangents/directions is missing; /tangents/products needs it "
                    "beside it as " +
                    shape);
  check_refused(outcome({2, 3, 2}, {2, 3, 4, 2}), path + ": /tangents/directions has the shape (2, 3, 2); " +
                                                      shape + " as of /state is needed");
  check_refused(outcome({2, 3, 4, 2}, {2, 3, 5, 2}),
                path + ": /tangents/products has 5 directions at a state; /tangents/directions has 4");
  check_refused(outcome({2, 3, 4, 2}, {2, 3, 4, 2}, std::numeric_limits<double>::quiet_NaN()),
                path + ": /tangents/directions[0, 0, 0, 0] is nan; every value must be finite");
}

TEST_CASE("inspection_tells_shapes_names_and_attributes_on_all_ranks") {
  const TemporaryDirectory directory;
  TrajectoryInfo info = example_info(TimeAxis::per_trajectory);
  info.state_type = ElementType::float32;
  write_example(directory / "x.h5", info, 7);
  const TrajectoryInfo found = io::inspect_trajectories(Communicator(), directory / "x.h5");
  CHECK(found.count == 7);
  CHECK(found.times == 5);
  CHECK(found.components == 3);
  CHECK(found.time_axis == TimeAxis::per_trajectory);
  CHECK(found.state_type == ElementType::float32);
  CHECK(found.system == "example");
  CHECK(found.units == "s");
  CHECK(found.parameters == std::vector<std::string>{"epsilon", "rate"});
  const Trajectories data = io::read_trajectories(Communicator(), directory / "x.h5", 3, 1);
  CHECK(data.state_at(0, 2)[1] == static_cast<double>(static_cast<float>(example_state(3, 2, 1))));
}

TEST_CASE("states_of_float32_files_are_held_in_single_precision_where_that_is_asked_for") {
  const TemporaryDirectory directory;
  TrajectoryInfo info = example_info(TimeAxis::per_trajectory);
  write_example(directory / "wide.h5", info, 7);
  info.state_type = ElementType::float32;
  write_example(directory / "x.h5", info, 7);
  const io::ReadOptions stored{.precision = io::StatePrecision::stored};
  const Trajectories wide = io::read_trajectories(Communicator(), directory / "x.h5", 3, 2),
                     single = io::read_trajectories(Communicator(), directory / "x.h5", 3, 2, stored);
  CHECK(single.state.empty());
  REQUIRE(single.single.size() == wide.state.size());
  for (std::size_t k = 0; k < wide.state.size(); ++k) CHECK(double(single.single[k]) == wide.state[k]);
  CHECK(io::read_trajectories(Communicator(), directory / "wide.h5", 3, 2, stored).single.empty());
}

TEST_CASE("plain_file_without_attributes_and_with_integer_or_falling_times_is_accepted") {
  const TemporaryDirectory directory;
  PlainFile plain;
  CHECK(reading(directory / "a.h5", plain).message.empty());
  plain.time = {2.0, 1.0, -5.0};
  CHECK(reading(directory / "b.h5", plain).message.empty());
  CHECK(reading(directory / "c.h5", [&](File& file) {
          file.write("/state", plain.state, plain.state_shape);
          file.write("/time", std::vector<std::int64_t>{0, 1, 2}, {3});
        }).message.empty());
}

TEST_CASE("value_that_is_not_finite_is_named_with_its_index") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  PlainFile plain;
  plain.state[9] = std::numeric_limits<double>::quiet_NaN();
  plain.state[11] = std::numeric_limits<double>::quiet_NaN();
  const std::string hint = " (allow_missing declares NaN in training data to be missing)";
  check_refused(reading(path, plain), path + ": /state[1, 1, 1] is nan; every value must be finite" + hint);
  plain.state[2] = -std::numeric_limits<double>::infinity();
  check_refused(reading(path, plain), path + ": /state[0, 1, 0] is -inf; every value must be finite");

  const Outcome outside = outcome_of([&] { io::read_trajectories(Communicator(), path, 0, 2, {2, 3}); });
  CHECK(outside.message == path + ": /state[1, 2, 1] is nan; every value must be finite" + hint);

  plain = PlainFile();
  plain.time[1] = std::numeric_limits<double>::infinity();
  check_refused(reading(path, plain), path + ": /time[1] is inf; every value must be finite");
}

TEST_CASE("nan_marks_a_missing_state_where_this_is_allowed") {
  const TemporaryDirectory directory;
  io::DataSource source(directory / "x.h5");
  source.layout.allow_missing = true;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  PlainFile plain;  // (2, 3, 2)
  for (std::size_t i = 0; i < plain.state.size(); ++i) plain.state[i] = double(i);
  plain.state[3] = plain.state[6] = plain.state[7] = nan;  // (0, 1, 1), (1, 0)
  plain.time = {0.0, 1.0, 2.0, 0.0, 1.0, nan};
  plain.time_shape = {2, 3};
  const auto read = [&](std::size_t first, std::size_t count) {
    return io::read_trajectories(Communicator(), source, first, count);
  };
  check_refused(reading(source, plain), source +
                                            ": /state[0, 1, 1] is nan; every value must be finite "
                                            "(allow_missing declares NaN in training data to be missing)");
  CHECK(outcome_of([&] { read(0, 2); }).message ==
        source + ": /time of trajectory 1 is nan at index 2, before its last state");
  plain.state[10] = nan;  // (1, 2, 0)
  reading(source, plain);
  const Trajectories data = read(0, 2);
  const std::vector<std::uint8_t> missing = {0, 1, 0, 1, 0, 1};
  CHECK(data.missing == missing);
  CHECK(data.time == std::vector<double>{0.0, 1.0, 2.0, 0.0, 1.0, 2.0});
  CHECK(data.state == std::vector<double>{0, 1, 0, 1, 4, 5, 8, 9, 8, 9, 8, 9});
  plain.state[9] = std::numeric_limits<double>::infinity();
  reading(source, plain);
  CHECK(outcome_of([&] { read(0, 2); }).message ==
        source + ": /state[1, 1, 1] is inf; every value must be finite");
  plain.state[9] = nan;
  reading(source, plain);
  CHECK(outcome_of([&] { read(0, 2); }).message == source + ": trajectory 1 has no complete state");
  CHECK(read(0, 1).missing == std::vector<std::uint8_t>{0, 1, 0});
}

TEST_CASE("time_that_is_not_strictly_monotone_is_named_with_its_index") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const std::string rule = "; times must be strictly increasing or strictly decreasing";
  PlainFile plain;
  plain.time = {0.0, 1.0, 1.0};
  check_refused(reading(path, plain), path + ": /time[2] = 1 follows [1] = 1" + rule);
  plain.time = {0.0, 0.0, 1.0};
  check_refused(reading(path, plain), path + ": /time[1] = 0 follows [0] = 0" + rule);
  plain.time = {0.0, -1.0, 3.0};
  check_refused(reading(path, plain), path + ": /time[2] = 3 follows [1] = -1" + rule);
  plain.time = {0.0, 1.0, 2.0, 0.0, 1.0, 0.5};
  plain.time_shape = {2, 3};
  check_refused(reading(path, plain), path + ": /time[1, 2] = 0.5 follows [1, 1] = 1" + rule);
}

TEST_CASE("states_of_integers_are_read_as_numbers") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const Communicator comm;
  if (comm.is_root()) {
    File file = File::create(path);
    file.write("/state", std::vector<std::int64_t>{1, -2, 3, 4, 5, 6}, {1, 3, 2});
    file.write("/time", std::vector<double>{0, 1, 2}, {3});
    file.close();
  }
  MPI_Barrier(comm.handle());
  CHECK(io::read_trajectories(comm, path, 0, 1).state == std::vector<double>{1, -2, 3, 4, 5, 6});
}

TEST_CASE("objects_that_are_missing_or_misshapen_are_named") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  PlainFile plain;
  check_refused(
      reading(path, [](File&) {}),
      path + ": /state is missing; a trajectory file needs it as (trajectories, times, components)");
  check_refused(reading(path, [&](File& file) { file.write("/state", plain.state, plain.state_shape); }),
                path + ": /time is missing; a trajectory file needs it as (times) or (trajectories, times)");
  check_refused(reading(path, [&](File& file) { file.write("/state", "text"); }),
                path + ": /state holds string; numbers are needed");
  plain.state_shape = {6, 2};
  check_refused(
      reading(path, plain),
      path +
          ": /state has the shape (6, 2); (trajectories, times, components) is needed, or names of its axes");
  plain.state_shape = {2, 2, 3};
  check_refused(reading(path, plain), path + ": /time has the shape (3); /state needs (2) or (2, 2)");
  plain.state_shape = {0, 2, 3};
  plain.state.clear();
  check_refused(reading(path, plain), path + ": /state has the shape (0, 2, 3); no extent may be zero");
}

TEST_CASE("inputs_and_derivatives_are_read_as_they_were_written_on_n_ranks") {
  const TemporaryDirectory directory;
  const Communicator comm;
  TrajectoryInfo info = example_info(TimeAxis::shared);
  info.inputs = {"heater", "outside"};
  info.derivatives = io::Derivatives::present;
  const std::string path = directory / "x.h5";
  {
    // In two blocks of times.
    TrajectoryWriter writer(comm, path, info, Overwrite::no);
    const Range mine = parallel::share(info.count, comm.size(), comm.rank());
    writer.write(mine.begin, example(info, mine, 0, 2));
    writer.write(mine.begin, example(info, mine, 2, info.times), 2);
    writer.commit();
  }
  const TrajectoryInfo found = io::inspect_trajectories(comm, path);
  CHECK(found.inputs == info.inputs);
  CHECK(found.derivatives == io::Derivatives::present);
  const Range mine = parallel::share(info.count, comm.size(), comm.size() - 1 - comm.rank());
  io::ReadOptions options;
  options.content = io::Content::with_derivatives;
  const Trajectories all = io::read_trajectories(comm, path, mine.begin, mine.size(), options);
  const Trajectories expected = example(info, mine, 0, info.times);
  check_equal(all, expected);
  CHECK(all.inputs == expected.inputs);
  CHECK(same_bits(all.derivative, expected.derivative));
  CHECK(io::read_trajectories(comm, path, mine.begin, mine.size()).derivative.empty());
  options.time_begin = 1;
  options.time_end = 4;
  CHECK(same_bits(io::read_trajectories(comm, path, mine.begin, mine.size(), options).derivative,
                  example(info, mine, 1, 4).derivative));
}

TEST_CASE("derivatives_that_do_not_fit_are_named") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const PlainFile plain;
  const auto with = [&](std::vector<double> values, const std::vector<std::size_t>& shape) {
    const auto contents = [&](File& file) {
      file.write("/state", plain.state, plain.state_shape);
      file.write("/time", plain.time, plain.time_shape);
      file.write("/derivatives", values, shape);
    };
    Outcome outcome = reading(path, contents);
    if (!outcome.message.empty()) return outcome;
    return outcome_of([&] {
      io::read_trajectories(Communicator(), path, 0, 2, {.content = io::Content::with_derivatives});
    });
  };
  CHECK(with(plain.state, plain.state_shape).message.empty());
  check_refused(with(std::vector<double>(6), {2, 3, 1}),
                path + ": /derivatives has the shape (2, 3, 1); /state needs (2, 3, 2)");
  std::vector<double> values = plain.state;
  values[7] = std::numeric_limits<double>::quiet_NaN();
  check_refused(with(values, plain.state_shape),
                path + ": /derivatives[1, 0, 1] is nan; every value must be finite");
}

TEST_CASE("parameter_that_does_not_fit_is_named") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const PlainFile plain;
  const auto with_parameter = [&](std::vector<double> values) {
    return reading(path, [&](File& file) {
      file.write("/state", plain.state, plain.state_shape);
      file.write("/time", plain.time, plain.time_shape);
      file.write("/parameters/epsilon", values, {values.size()});
    });
  };
  CHECK(with_parameter({1.0, 2.0}).message.empty());
  check_refused(with_parameter({1.0}), path + ": /parameters/epsilon has the shape (1); /state needs (2)");
  check_refused(with_parameter({1.0, std::numeric_limits<double>::quiet_NaN()}),
                path + ": /parameters/epsilon[1] is nan; every value must be finite");
}

TEST_CASE("file_of_another_kind_or_version_is_refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const auto with_format = [&](const std::string& format, std::int64_t version) {
    return reading(path, [&](File& file) {
      file.set_attribute("/", "format", format);
      file.set_attribute("/", "format_version", version);
    });
  };
  check_refused(with_format("spnode.model", 1),
                path + ": attribute format of / is 'spnode.model'; 'spnode.trajectories' is needed");
  check_refused(with_format("spnode.trajectories", 9),
                path + ": attribute format_version of / is 9; this program reads up to 1");
}

TEST_CASE("missing_foreign_and_truncated_files_are_refused_on_all_ranks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const auto read = [&] { return outcome_of([&] { io::read_trajectories(Communicator(), path, 0, 1); }); };
  check_refused(read(), path + ": no such file");
  MPI_Barrier(MPI_COMM_WORLD);
  on_root([&] { write_file(path, "time,x\n0,1\n"); });
  check_refused(read(), path + ": not an HDF5 file");
  MPI_Barrier(MPI_COMM_WORLD);
  on_root([&] { std::filesystem::remove(path); });
  write_example(path, example_info(TimeAxis::shared), 7);
  const std::uintmax_t size = std::filesystem::file_size(path);
  for (const std::uintmax_t length : {size - 1, size / 2, std::uintmax_t(100)}) {
    MPI_Barrier(MPI_COMM_WORLD);
    on_root([&] { std::filesystem::resize_file(path, length); });
    CHECK(read().status == ExitStatus::file_error);
    CHECK(read().mentions(path + ": "));
    CHECK(read().mentions("truncated"));
  }
}

TEST_CASE("states_that_were_never_written_are_refused_on_all_ranks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const auto read = [&](hsize_t written) {
    on_root([&] {
      write_chunked(path, "/state", {4, 3, 2}, written);
      write_times(path, {0.0, 1.0, 2.0});
    });
    const Outcome outcome = outcome_of([&] { io::read_trajectories(Communicator(), path, 0, 4); });
    MPI_Barrier(MPI_COMM_WORLD);
    return outcome;
  };
  check_refused(read(3),
                path + ": parts of /state were never written, or the files that hold them are missing");
  CHECK(read(4).status == ExitStatus::success);
}

TEST_CASE("states_that_no_machine_can_hold_are_refused_with_their_size") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const hsize_t many = hsize_t(1) << 40;
  on_root([&] {
    write_chunked(path, "/state", {many, 3, 2}, 1);
    write_times(path, {0.0, 1.0, 2.0});
  });
  const Outcome outcome = outcome_of([&] { io::read_trajectories(Communicator(), path, 0, many); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.mentions("components need 52.8 TB of memory on one rank; a process here has "));
}

TEST_CASE("range_beyond_the_file_is_refused_on_all_ranks") {
  const TemporaryDirectory directory;
  write_example(directory / "x.h5", example_info(TimeAxis::shared), 7);
  const Communicator comm;
  const auto read = [&](std::size_t first, std::size_t count, const io::ReadOptions& options) {
    return outcome_of([&] { io::read_trajectories(comm, directory / "x.h5", first, count, options); }).status;
  };
  CHECK(read(comm.is_root() ? 7 : 0, 1, {}) == ExitStatus::file_error);
  CHECK(read(0, 1, {5, 9}) == ExitStatus::file_error);
  CHECK(read(0, 1, {3, 3}) == ExitStatus::file_error);
}

TEST_CASE("file_that_does_not_fit_is_refused_before_anything_is_written") {
  const TemporaryDirectory directory;
  TrajectoryInfo info = example_info(TimeAxis::shared);
  info.count = 1000;
  const FileSizeLimit limit(10000);
  const Outcome outcome =
      outcome_of([&] { TrajectoryWriter(Communicator(), directory / "x.h5", info, Overwrite::no); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.mentions(directory / "x.h5"));
  CHECK(outcome.mentions("File too large"));
  CHECK(directory.files().empty());
}

TEST_CASE("failed_writing_leaves_no_file_on_any_rank") {
  const TemporaryDirectory directory;
  const Communicator comm;
  const TrajectoryInfo info = example_info(TimeAxis::shared);
  const Range mine = parallel::share(info.count, comm.size(), comm.rank());
  for (int culprit = 0; culprit < comm.size(); ++culprit) {
    Trajectories block = example(info, mine, 0, info.times);
    if (comm.rank() == culprit) block.state_at(0, 1)[2] = std::numeric_limits<double>::quiet_NaN();
    const Outcome diverged = outcome_of([&] {
      TrajectoryWriter writer(comm, directory / "x.h5", info, Overwrite::no);
      writer.write(mine.begin, block);
      writer.commit();
    });
    CHECK(diverged.status == ExitStatus::numerical_error);
    const std::string row = std::to_string(parallel::share(info.count, comm.size(), culprit).begin);
    CHECK(diverged.mentions("/state[" + row + ", 1, 2] would be nan"));
    CHECK(directory.files().empty());
  }
  const Outcome incomplete = outcome_of([&] {
    TrajectoryWriter writer(comm, directory / "x.h5", info, Overwrite::no);
    writer.write(0, example(info, comm.is_root() ? Range{0, 2} : Range{0, 0}, 0, info.times));
    writer.commit();
  });
  CHECK(incomplete.mentions(std::to_string(2 * info.times) + " of " + std::to_string(7 * info.times) +
                            " states"));
  CHECK(directory.files().empty());
}

TEST_CASE("existing_trajectories_are_not_overwritten_unless_asked") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  on_root([&] { write_file(path, "previous"); });
  const TrajectoryInfo info = example_info(TimeAxis::shared);
  const Outcome outcome = outcome_of([&] { TrajectoryWriter(Communicator(), path, info, Overwrite::no); });
  CHECK(outcome.status == ExitStatus::usage_error);
  { TrajectoryWriter abandoned(Communicator(), path, info, Overwrite::yes); }
  CHECK(directory.files() == std::vector<std::string>{"x.h5"});
  CHECK(read_file(path) == "previous");
}

TEST_CASE("truth_stands_beside_the_states_of_a_forecast") {
  const TemporaryDirectory directory;
  const Communicator comm;
  TrajectoryInfo info = example_info(TimeAxis::shared);
  info.truth = io::Truth::present;
  const Range mine = parallel::share(info.count, comm.size(), comm.rank());
  const Trajectories truth = example(info, mine, 0, info.times);
  Trajectories forecast = truth;
  for (double& x : forecast.state) x += 1.0;
  TrajectoryWriter writer(comm, directory / "x.h5", info, Overwrite::no);
  writer.write(mine.begin, forecast);
  writer.write_truth(mine.begin, truth);
  writer.commit();
  check_equal(io::read_trajectories(comm, directory / "x.h5", mine.begin, mine.size()), forecast);
  on_root([&] {
    const std::vector<double> all = example(info, {0, info.count}, 0, info.times).state;
    CHECK(same_bits(File::open(directory / "x.h5").read_doubles("/truth"), all));
  });
}
