#include "io/checkpoint.hpp"
#include "fixtures.hpp"
#include "io/hdf5.hpp"

#include <limits>

using namespace spnode;
using namespace spnode::test;
using io::Checkpoint;
using parallel::Communicator;

namespace {

Checkpoint example() {
  Checkpoint contents;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  contents.doubles["theta"] = {1.0, -0.0, nan, -nan, 4.9e-324, 1e308, 1.0 / 3.0};
  contents.doubles["empty"] = {};
  contents.integers["counters"] = {0, -1, std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()};
  contents.strings["deck"] = "seed: 1\nepsilon: \xce\xb5\n";
  contents.strings["none"] = "";
  return contents;
}

bool equal(const Checkpoint& a, const Checkpoint& b) {
  bool same = a.doubles.size() == b.doubles.size() && a.integers == b.integers && a.strings == b.strings;
  for (const auto& [name, values] : a.doubles) same = same && same_bits(values, b.doubles.at(name));
  return same;
}

}  // namespace

TEST_CASE("checkpoint_is_read_back_bit_for_bit_on_all_ranks") {
  const TemporaryDirectory directory;
  const Communicator comm;
  // Only rank 0's contents count.
  io::write_checkpoint(comm, directory / "c.h5", comm.is_root() ? example() : Checkpoint());
  const Checkpoint read = io::read_checkpoint(comm, directory / "c.h5");
  CHECK(equal(read, example()));
  CHECK(read.doubles_at("theta").size() == 7);
  CHECK(read.integers_at("counters").size() == 4);
  CHECK(read.string_at("deck") == example().strings["deck"]);
  CHECK(directory.files() == std::vector<std::string>{"c.h5"});
}

TEST_CASE("missing_entry_of_a_checkpoint_is_named") {
  const TemporaryDirectory directory;
  io::write_checkpoint(Communicator(), directory / "c.h5", example());
  const Checkpoint read = io::read_checkpoint(Communicator(), directory / "c.h5");
  const Outcome outcome = outcome_of([&] { read.doubles_at("moments"); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.mentions("'moments'"));
  CHECK(outcome.mentions(directory / "c.h5"));
}

TEST_CASE("new_checkpoint_replaces_the_previous_one") {
  const TemporaryDirectory directory;
  Checkpoint contents = example();
  io::write_checkpoint(Communicator(), directory / "c.h5", contents);
  contents.doubles["theta"][0] = 2.0;
  io::write_checkpoint(Communicator(), directory / "c.h5", contents);
  CHECK(equal(io::read_checkpoint(Communicator(), directory / "c.h5"), contents));
}

TEST_CASE("previous_checkpoint_survives_a_failed_one") {
  const TemporaryDirectory directory;
  io::write_checkpoint(Communicator(), directory / "c.h5", example());
  Checkpoint broken = example();
  broken.doubles["a/b"] = {1.0};
  broken.doubles["a/b/c"] = {1.0};  // a dataset cannot be a group too
  CHECK(outcome_of([&] { io::write_checkpoint(Communicator(), directory / "c.h5", broken); }).status ==
        ExitStatus::file_error);
  CHECK(directory.files() == std::vector<std::string>{"c.h5"});
  CHECK(equal(io::read_checkpoint(Communicator(), directory / "c.h5"), example()));
}

TEST_CASE("checkpoint_with_any_changed_byte_is_refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "c.h5", damaged = directory / "damaged.h5";
  io::write_checkpoint(Communicator(), path, example());
  const std::string bytes = read_file(path);
  for (std::size_t position = 0; position < bytes.size(); position += 29) {
    std::string changed = bytes;
    changed[position] = static_cast<char>(changed[position] ^ 0x10);
    on_root([&] { write_file(damaged, changed); });
    const Outcome outcome = outcome_of([&] { io::read_checkpoint(Communicator(), damaged); });
    REQUIRE(outcome.status == ExitStatus::file_error);
    REQUIRE(outcome.mentions(damaged));
  }
}

TEST_CASE("checkpoint_stays_a_plain_hdf5_file") {
  const TemporaryDirectory directory;
  io::write_checkpoint(Communicator(), directory / "c.h5", example());
  const io::hdf5::File file = io::hdf5::File::open(directory / "c.h5");
  CHECK(same_bits(file.read_doubles("/doubles/theta"), example().doubles["theta"]));
}

TEST_CASE("truncated_missing_and_foreign_checkpoints_are_file_errors") {
  const TemporaryDirectory directory;
  const std::string path = directory / "c.h5";
  const auto read = [&](const std::string& name) {
    return outcome_of([&] { io::read_checkpoint(Communicator(), name); });
  };
  CHECK(read(path).status == ExitStatus::file_error);
  io::write_checkpoint(Communicator(), path, example());
  const std::uintmax_t size = std::filesystem::file_size(path);
  for (const std::uintmax_t length : {size - 1, size / 2, std::uintmax_t(20), std::uintmax_t(0)}) {
    MPI_Barrier(MPI_COMM_WORLD);
    on_root([&] { std::filesystem::resize_file(path, length); });
    CHECK(read(path).status == ExitStatus::file_error);
    CHECK(read(path).mentions(path));
  }
  on_root([&] { write_file(path, "theta: 1\n"); });
  CHECK(read(path).mentions("not an HDF5 file"));
}
