// States of files that are read while they are used: of all layouts, in the order of their numbers.
#include "core/data/windows.hpp"
#include "fixtures.hpp"
#include "io/trajectories.hpp"

#include <csignal>
#include <limits>

using namespace spnode;
using namespace spnode::io;
using namespace spnode::test;
using core::StateBlock;
using parallel::Communicator;

namespace {

constexpr std::size_t count = 5, times = 6;

double number(std::size_t k) { return std::sin(double(k)); }

/// How a dataset of states is stored.
struct Stored {
  std::vector<hsize_t> components, chunk;  ///< chunk, of all axes: compressed; empty: contiguous
  hid_t type = H5T_IEEE_F64LE;
  bool with_trajectories = true;
};

/// A file of `trajectories` of the numbers from `first` on; `bad` is not a number.
void write_states(const std::string& path, const Stored& stored, std::size_t trajectories, std::size_t first,
                  std::size_t bad = std::size_t(-1)) {
  std::vector<hsize_t> shape = {times};
  if (stored.with_trajectories) shape.insert(shape.begin(), trajectories);
  shape.insert(shape.end(), stored.components.begin(), stored.components.end());
  std::size_t size = 1;
  for (const hsize_t extent : shape) size *= extent;
  std::vector<double> numbers, axis;
  for (std::size_t k = 0; k < size; ++k)
    numbers.push_back(k == bad ? std::numeric_limits<double>::quiet_NaN() : number(first + k));
  for (std::size_t t = 0; t < times; ++t) axis.push_back(double(t));
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const auto put = [&](const char* name, const std::vector<hsize_t>& extents, hid_t type,
                       const std::vector<hsize_t>& chunk, const std::vector<double>& values) {
    const int rank = static_cast<int>(extents.size());
    const hid_t space = H5Screate_simple(rank, extents.data(), nullptr),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    if (!chunk.empty()) {
      H5Pset_chunk(creation, rank, chunk.data());
      H5Pset_deflate(creation, 1);
    }
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
  };
  put("/state", shape, stored.type, stored.chunk, numbers);
  put("/time", {times}, H5T_IEEE_F64LE, {}, axis);
  H5Fclose(file);
}

ReadOptions as_stored() {
  ReadOptions options;
  options.precision = StatePrecision::stored;
  return options;
}

/// Every state, whole and in parts, as it is read from beginning to end in small pieces.
void check_states(const DataSource& source, const ReadOptions& options, std::size_t first, std::size_t held) {
  const Communicator comm;
  const TrajectoryInfo info = inspect_trajectories(comm, source);
  CHECK(streaming_problem(info, source.layout, options).empty());
  const core::Trajectories expected = read_trajectories(comm, source, first, held, options);
  const std::size_t m = info.components, states = held * expected.times;
  for (const std::size_t capacity : {2 * m, 5 * m + 1, 100 * m}) {
    core::StreamedStates streamed(stream_states(source, info, first, options, capacity), states, m);
    for (const std::size_t width : {m, m / 2 + 1, std::size_t(1)})
      for (std::size_t begin = 0; begin < m; begin += width)
        for (std::size_t k = 0; k < states; ++k) {
          const std::size_t end = std::min(begin + width, m);
          const core::HeldNumbers found = streamed.read(k, begin, end), row = expected.numbers_at(0, k);
          bool equal = true;
          for (std::size_t c = begin; c < end; ++c) equal = equal && found[c - begin] == row[c];
          REQUIRE(equal);
        }
    const std::vector<StateBlock> windows = {{states - 2, 2, 0, m}}, next = {{0, 2, 0, m}};
    streamed.load(windows, next);
    CHECK((*streamed.find(windows.front()))[m] == expected.numbers_at(0, states - 1)[0]);
  }
}

}  // namespace

TEST_CASE("streamed_states_of_a_file_are_those_that_are_read") {
  const TemporaryDirectory folder;
  const std::string path = folder / "data.h5";
  const auto stored = GENERATE(Stored{{7}, {}}, Stored{{3, 2, 4}, {}, H5T_IEEE_F32LE}, Stored{{7}, {2, 4, 3}},
                               Stored{{3, 4}, {1, 6, 2, 3}, H5T_IEEE_F32LE}, Stored{{4}, {}, H5T_STD_I32BE});
  on_root([&] { write_states(path, stored, count, 0); });
  check_states(path, as_stored(), 0, count);
  check_states(path, as_stored(), 2, 2);
  ReadOptions some = as_stored();
  some.time_begin = 1;
  some.time_end = 4;
  check_states(path, some, 1, 3);
}

TEST_CASE("streamed_states_of_several_files_are_those_of_one") {
  const TemporaryDirectory folder;
  on_root([&] {
    write_states(folder / "part1.h5", {{5}, {}}, 2, 0);
    write_states(folder / "part2.h5", {{5}, {1, 2, 5}}, 3, 1000);
    write_states(folder / "single1.h5", {{2, 3}, {}, H5T_IEEE_F32LE, false}, 1, 0);
    write_states(folder / "single2.h5", {{2, 3}, {}, H5T_IEEE_F32LE, false}, 1, 500);
  });
  check_states(folder / "part*.h5", as_stored(), 0, 5);
  check_states(folder / "part*.h5", as_stored(), 1, 3);
  TrajectoryLayout layout;
  layout.axes = {"time", "y", "x"};
  check_states({folder / "single*.h5", layout}, as_stored(), 0, 2);
}

TEST_CASE("a_streamed_state_that_is_not_finite_is_refused_with_its_place") {
  const TemporaryDirectory folder;
  const std::string path = folder / "data.h5";
  on_root([&] { write_states(path, {{2, 3}, {}}, count, 0, (3 * times + 4) * 6 + 5); });
  const TrajectoryInfo info = inspect_trajectories(Communicator(), path);
  core::StreamedStates states(stream_states(path, info, 1, as_stored(), 60), (count - 1) * times, 6);
  CHECK_NOTHROW(states.read(0, 0, 6));
  const Outcome outcome = outcome_of([&] { states.read(2 * times + 4, 0, 6); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.mentions(path + ": /state[3, 4, 1, 2] is nan; every value must be finite"));
  CHECK_NOTHROW(states.read(0, 0, 6));
}

TEST_CASE("a_file_that_goes_away_while_it_is_streamed_is_an_error") {
  const TemporaryDirectory folder;
  on_root([&] {
    write_states(folder / "part1.h5", {{5}, {}}, 2, 0);
    write_states(folder / "part2.h5", {{5}, {}}, 3, 1000);
  });
  const std::string pattern = folder / "part*.h5";
  const TrajectoryInfo info = inspect_trajectories(Communicator(), pattern);
  MPI_Barrier(MPI_COMM_WORLD);
  on_root([&] { std::filesystem::remove(folder / "part2.h5"); });
  core::StreamedStates states(stream_states(pattern, info, 0, as_stored(), 10), 5 * times, 5);
  CHECK_NOTHROW(states.read(0, 0, 5));
  const Outcome outcome = outcome_of([&] { states.read(4 * times, 0, 5); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.mentions("part2.h5"));
}

TEST_CASE("states_in_another_order_or_with_more_than_states_are_not_streamed") {
  const TemporaryDirectory folder;
  const std::string path = folder / "data.h5";
  on_root([&] { write_states(path, {{count}, {}}, count, 0); });
  TrajectoryLayout layout;
  const auto problem = [&](const ReadOptions& options) {
    return streaming_problem(inspect_trajectories(Communicator(), {path, layout}), layout, options);
  };
  CHECK(problem(as_stored()).empty());
  ReadOptions tangents = as_stored();
  tangents.tangents = Tangents::read;
  CHECK_FALSE(problem(tangents).empty());
  layout.allow_missing = true;
  CHECK_FALSE(problem(as_stored()).empty());
  layout.allow_missing = false;
  layout.axes = {"x", "time", "trajectory"};
  CHECK_FALSE(problem(as_stored()).empty());
}
