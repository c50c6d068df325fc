#include "io/describe.hpp"
#include "fixtures.hpp"
#include "io/checkpoint.hpp"
#include "io/hdf5.hpp"
#include "io/model_file.hpp"

#include <limits>

using namespace spnode;
using namespace spnode::test;
using parallel::Communicator;

namespace {

std::string description(const std::string& path) {
  std::string text;
  for (const std::string& line : io::describe(Communicator(), path)) text += line + "\n";
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("description_names_kind_shape_meaning_and_range_on_all_ranks") {
  const TemporaryDirectory directory;
  io::ModelFile model;
  model.scalars = {{"mu", 0.25}};
  model.deck = std::string(100, '#');
  model.arrays = {{"linear/L_S", {2, 2}, "lower factor of S", {1.0, -3.5, 0.0, 2.0}}};
  io::write_model(Communicator(), directory / "model.h5", model, io::Overwrite::no);
  const std::string text = description(directory / "model.h5");
  CHECK(contains(text, (directory / "model.h5") + ": a trained model\n"));
  CHECK(contains(text, "  mu = 0.25\n"));
  CHECK(contains(text, "  format_version = 1\n"));
  CHECK(contains(text, "  /linear/L_S  (2, 2) float64  from -3.5 to 2  (lower factor of S)\n"));
  CHECK(contains(text, "  /deck  string  100 bytes of text\n"));

  io::write_checkpoint(Communicator(), directory / "c.h5", {});
  CHECK(contains(description(directory / "c.h5"), "a checkpoint"));
}

TEST_CASE("description_reads_large_datasets_to_the_end_and_counts_what_is_not_finite") {
  const TemporaryDirectory directory;
  on_root([&] {
    const std::size_t rows = 3000, width = 1000;  // more than is read at a time
    std::vector<double> values(rows * width, 1.0);
    values[rows * width - 1] = 9.0;
    values[5] = std::numeric_limits<double>::quiet_NaN();
    io::hdf5::File file = io::hdf5::File::create(directory / "x.h5");
    file.write("/state", values, {rows, width});
    file.close();
  });
  const std::string text = description(directory / "x.h5");
  CHECK(contains(text, "names no format of spnode"));
  CHECK(contains(text, "from 1 to 9  NOT FINITE: 1 values"));
}

TEST_CASE("description_of_a_file_that_cannot_be_read_is_a_file_error_on_all_ranks") {
  const TemporaryDirectory directory;
  on_root([&] { write_file(directory / "text", "no HDF5"); });
  const auto describe = [&](const std::string& name) {
    return outcome_of([&] { io::describe(Communicator(), directory / name); });
  };
  CHECK(describe("text").status == ExitStatus::file_error);
  CHECK(describe("text").mentions("not an HDF5 file"));
  CHECK(describe("absent").mentions("no such file"));
}
