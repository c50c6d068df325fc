// A history of any bytes is continued after its first rows, which stay as they are, or refused with status 3.
#include "io/history.hpp"

#include <algorithm>

#include "fuzz.hpp"

using namespace spnode;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::start_libraries();
  return 0;
}

/// The first byte is the number of rows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t rows = data[0] % 8;
  const std::string before = fuzz::to_string(data + 1, size - 1), path = fuzz::scratch("history.csv");
  test::write_file(path, before);
  const bool continued = fuzz::succeeds(
      [&] {
        io::History::resume(parallel::Communicator(), path, {"epoch", "loss"}, rows);
      },
      {ExitStatus::file_error});
  const std::string after = test::read_file(path);
  fuzz::require(before.starts_with(after), "the rows that stay have changed");
  fuzz::require(continued || after == before, "a history that was refused has changed");
  const auto lines = static_cast<std::size_t>(std::count(after.begin(), after.end(), '\n'));
  fuzz::require(!continued || lines == rows + 1, "another number of rows stays");
  return 0;
}
