#include "fixtures.hpp"
#include "io/describe.hpp"
#include "io/hdf5.hpp"
#include "io/model_file.hpp"

using namespace spnode;
using namespace spnode::test;
using io::ModelFile;
using io::Overwrite;
using parallel::Communicator;

namespace {

ModelFile example() {
  ModelFile model;
  model.deck = "model:\n  latent: 2\n";
  model.version = "0.1.0";
  model.scalars = {{"loss", 1.0 / 3.0}, {"mu", -0.0}};
  model.arrays = {{"linear/L_S", {2, 2}, "lower factor of S", {1.0, 0.0, 0.1, 4.9e-324}},
                  {"linear/offset", {}, "one number", {7.0}},
                  {"none", {0, 3}, "nothing", {}},
                  {"scaling/shift", {3}, "mean of the data", {1.0, 2.0, 3.0}}};
  return model;
}

}  // namespace

TEST_CASE("model_file_is_read_back_bit_for_bit_on_all_ranks") {
  const TemporaryDirectory directory;
  const Communicator comm;
  io::write_model(comm, directory / "model.h5", comm.is_root() ? example() : ModelFile(), Overwrite::no);
  const ModelFile read = io::read_model(comm, directory / "model.h5");
  CHECK(read.deck == example().deck);
  CHECK(read.version == "0.1.0");
  CHECK(read.scalars == example().scalars);
  CHECK(read.scalar("loss") == 1.0 / 3.0);
  REQUIRE(read.arrays.size() == example().arrays.size());
  for (const io::NamedArray& array : example().arrays) {
    CHECK(read.has_array(array.name));
    CHECK(same_bits(read.array(array.name, array.shape).values, array.values));
    CHECK(read.array(array.name, array.shape).meaning == array.meaning);
  }
  CHECK(directory.files() == std::vector<std::string>{"model.h5"});
}

TEST_CASE("array_that_is_missing_or_of_another_shape_is_named") {
  const TemporaryDirectory directory;
  io::write_model(Communicator(), directory / "model.h5", example(), Overwrite::no);
  const ModelFile read = io::read_model(Communicator(), directory / "model.h5");
  const Outcome missing = outcome_of([&] { read.array("linear/L_G", {2, 2}); });
  CHECK(missing.status == ExitStatus::file_error);
  CHECK(missing.message == (directory / "model.h5") + ": /linear/L_G is missing");
  const Outcome shape = outcome_of([&] { read.array("linear/L_S", {2, 3}); });
  CHECK(shape.status == ExitStatus::file_error);
  CHECK(shape.mentions("(2, 2); (2, 3) is needed"));
  CHECK(outcome_of([&] { read.scalar("none"); }).status == ExitStatus::file_error);
}

TEST_CASE("file_of_another_format_or_a_newer_version_is_refused") {
  const TemporaryDirectory directory;
  const auto read = [&](const std::string& name) {
    return outcome_of([&] { io::read_model(Communicator(), directory / name); });
  };
  io::write_array_file(Communicator(), directory / "spectrum.h5", io::spectrum_format, example(),
                       Overwrite::no);
  CHECK(read("spectrum.h5").status == ExitStatus::file_error);
  CHECK(read("spectrum.h5").mentions("'spnode.spectrum'; 'spnode.model' is needed"));

  on_root([&] { io::hdf5::File::create(directory / "bare.h5").close(); });
  CHECK(read("bare.h5").status == ExitStatus::file_error);
  CHECK(read("bare.h5").mentions("has no checksum at its end"));

  io::write_array_file(Communicator(), directory / "future.h5", {"spnode.model", 2}, example(),
                       Overwrite::no);
  CHECK(read("future.h5").status == ExitStatus::file_error);
  CHECK(read("future.h5").mentions("is 2; this program reads up to 1"));
  CHECK(read("absent.h5").mentions("absent.h5"));
  CHECK(read("absent.h5").status == ExitStatus::file_error);
}

TEST_CASE("model_file_with_any_changed_byte_is_refused_by_every_reader") {
  const TemporaryDirectory directory;
  const std::string path = directory / "model.h5", damaged = directory / "damaged.h5";
  io::write_model(Communicator(), path, example(), Overwrite::no);
  const std::string bytes = read_file(path);
  for (std::size_t position = 0; position < bytes.size(); position += 97) {
    std::string changed = bytes;
    changed[position] = static_cast<char>(changed[position] ^ (1 << position % 8));
    on_root([&] { write_file(damaged, changed); });
    REQUIRE(outcome_of([&] { io::read_model(Communicator(), damaged); }).status == ExitStatus::file_error);
  }
  std::string changed = bytes;
  changed[bytes.size() / 2] ^= 1;
  on_root([&] { write_file(damaged, changed); });
  CHECK(outcome_of([&] { io::describe(Communicator(), damaged); }).mentions("checksum does not match"));
}

TEST_CASE("failed_model_file_leaves_nothing_behind") {
  const TemporaryDirectory directory;
  ModelFile broken = example();
  broken.arrays.push_back({"linear/L_S", {1}, "a second time", {1.0}});
  const Outcome outcome =
      outcome_of([&] { io::write_model(Communicator(), directory / "model.h5", broken, Overwrite::no); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.mentions("/linear/L_S"));
  CHECK(directory.files().empty());
}

TEST_CASE("existing_model_is_not_overwritten_unless_asked") {
  const TemporaryDirectory directory;
  io::write_model(Communicator(), directory / "model.h5", example(), Overwrite::no);
  ModelFile other = example();
  other.deck = "other: 1\n";
  const auto write = [&](Overwrite overwrite) {
    return outcome_of([&] { io::write_model(Communicator(), directory / "model.h5", other, overwrite); })
        .status;
  };
  CHECK(write(Overwrite::no) == ExitStatus::usage_error);
  CHECK(io::read_model(Communicator(), directory / "model.h5").deck == example().deck);
  CHECK(write(Overwrite::yes) == ExitStatus::success);
  CHECK(io::read_model(Communicator(), directory / "model.h5").deck == "other: 1\n");
}
