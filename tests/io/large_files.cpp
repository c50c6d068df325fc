// Datasets of more than 2^31 numbers; the files have holes, so that they take no space.
#include "core/data/windows.hpp"
#include "fixtures.hpp"
#include "io/data_identity.hpp"
#include "io/trajectories.hpp"

using namespace spnode;
using namespace spnode::io;
using namespace spnode::test;
using parallel::Communicator;

namespace {

constexpr std::size_t count = 3, times = 90, components = 9'000'000;
static_assert(count * times * components > std::size_t(1) << 31);

constexpr std::size_t last_state = count * times - 1;

float at(std::size_t state, std::size_t component) { return float(state) + 1e-7F * float(component % 1000); }

/// Zeros, but for the first and the last thousand components of the last state.
void write_large(const std::string& path) {
  const std::vector<hsize_t> shape = {count, times, components}, row = {1, 1, 1000};
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
              space = H5Screate_simple(3, shape.data(), nullptr), creation = H5Pcreate(H5P_DATASET_CREATE),
              memory = H5Screate_simple(3, row.data(), nullptr);
  H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  const hid_t state = H5Dcreate2(file, "/state", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  for (const hsize_t first : {hsize_t(0), hsize_t(components - 1000)}) {
    std::vector<float> numbers;
    for (std::size_t c = 0; c < 1000; ++c) numbers.push_back(at(last_state, first + c));
    const std::vector<hsize_t> place = {count - 1, times - 1, first};
    H5Sselect_hyperslab(space, H5S_SELECT_SET, place.data(), nullptr, row.data(), nullptr);
    H5Dwrite(state, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, numbers.data());
  }
  std::vector<double> axis;
  for (std::size_t t = 0; t < times; ++t) axis.push_back(double(t));
  const hsize_t extent = times;
  const hid_t line = H5Screate_simple(1, &extent, nullptr),
              time = H5Dcreate2(file, "/time", H5T_IEEE_F64LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(time, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, axis.data());
  H5Dclose(time);
  H5Dclose(state);
  for (const hid_t each : {space, memory, line}) H5Sclose(each);
  H5Pclose(creation);
  H5Fclose(file);
}

}  // namespace

TEST_CASE("states_behind_the_first_2_to_the_31_numbers_are_read_where_they_stand") {
  const TemporaryDirectory folder;
  const std::string path = folder / "large.h5";
  on_root([&] { write_large(path); });
  const Communicator comm;
  const TrajectoryInfo info = inspect_trajectories(comm, path);
  CHECK(info.count * info.times * info.components == count * times * components);

  ReadOptions options;
  options.precision = StatePrecision::stored;
  options.time_begin = times - 1;
  const core::Trajectories held = read_trajectories(comm, path, count - 1, 1, options);
  REQUIRE(held.single.size() == components);
  for (const std::size_t c : {std::size_t(0), std::size_t(999), components - 1000, components - 1})
    CHECK(held.single[c] == at(last_state, c));
  CHECK(held.single[components / 2] == 0.0F);

  options.time_begin = 0;
  core::StreamedStates streamed(stream_states(path, info, 0, options, 1'000'000), count * times, components);
  CHECK(streamed.read(last_state, components - 1000, components)[999] == at(last_state, components - 1));
  CHECK(streamed.read(last_state, 0, 1000)[999] == at(last_state, 999));
  CHECK(streamed.read(0, components - 1000, components)[999] == 0.0);
}

TEST_CASE("data_that_do_not_fit_into_memory_are_refused_whatever_their_number") {
  const TemporaryDirectory folder;
  const std::string path = folder / "large.h5";
  on_root([&] {  // 2^61 bytes, none of which is stored
    const std::vector<hsize_t> shape = {hsize_t(1) << 30, hsize_t(1) << 16, hsize_t(1) << 12};
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
                space = H5Screate_simple(3, shape.data(), nullptr),
                line = H5Screate_simple(1, &shape[1], nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
    const std::vector<hsize_t> chunk = {1, 1, 4096};
    H5Pset_chunk(creation, 3, chunk.data());
    H5Dclose(H5Dcreate2(file, "/state", H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(file, "/time", H5T_IEEE_F64LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(line);
    H5Sclose(space);
    H5Fclose(file);
  });
  const Communicator comm;
  const Outcome outcome =
      outcome_of([&] { (void)read_trajectories(comm, path, 0, std::size_t(1) << 30, {}); });
  CHECK(outcome.status == ExitStatus::file_error);
  INFO(outcome.message);
  CHECK(outcome.mentions("need"));
  CHECK(outcome.mentions("of memory on one rank"));
}

TEST_CASE("places_of_states_beyond_2_to_the_32_count_in_the_checksum") {
  core::Trajectories one;
  one.count = 1;
  one.times = 2;
  one.components = 2;
  one.state = {1.0, 2.0, 3.0, 4.0};
  one.time = {0.0, 1.0};
  const Communicator comm(MPI_COMM_SELF);
  const std::size_t many = std::size_t(1) << 34;
  const auto identity = [&](std::size_t first) {
    return identify(comm, {core::WindowIndex(many, 2, {}), one, first});
  };
  CHECK(identity(0) != identity(std::size_t(1) << 30));  // 2^32 numbers further
  CHECK(identity(5) != identity(5 + (std::size_t(1) << 32)));
}
