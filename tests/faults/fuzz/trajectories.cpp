// A trajectory file of any bytes is read into finite numbers or refused with status 3; so it is for `info`.
#include "io/trajectories.hpp"

#include <algorithm>
#include <cmath>

#include "fuzz.hpp"
#include "io/describe.hpp"

using namespace spnode;

namespace {

constexpr std::size_t most_numbers = 1 << 20;  // read into memory

void read(const io::DataSource& path) {
  const parallel::Communicator comm;
  const io::TrajectoryInfo info = io::inspect_trajectories(comm, path);
  const auto numbers = static_cast<double>(info.count) * static_cast<double>(info.times) *
                       static_cast<double>(info.components);
  if (numbers > static_cast<double>(most_numbers)) return;
  const core::Trajectories read = io::read_trajectories(comm, path, 0, info.count);
  fuzz::require(read.count == info.count && read.times == info.times, "other extents than the file's");
  for (const std::vector<double>* numbers : {&read.state, &read.time})
    fuzz::require(std::ranges::all_of(*numbers, [](double value) { return std::isfinite(value); }),
                  "a state or a time is not finite");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::start_libraries();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = fuzz::scratch("data.h5");
  test::write_file(path, fuzz::to_string(data, size));
  fuzz::succeeds([&] { read(path); }, {ExitStatus::file_error});
  // As MATLAB stores it.
  const io::TrajectoryLayout reversed{.axes = {"component", "time", "trajectory"}};
  fuzz::succeeds([&] { read({path, reversed}); }, {ExitStatus::file_error});
  const io::TrajectoryLayout incomplete{.axes = {}, .allow_missing = true, .missing_values = {0.0}};
  fuzz::succeeds([&] { read({path, incomplete}); }, {ExitStatus::file_error});
  fuzz::succeeds([&] { io::describe(parallel::Communicator(), path); }, {ExitStatus::file_error});
  return 0;
}
