#include "io/hdf5.hpp"
#include "fixtures.hpp"
#include "io/file_bytes.hpp"

using namespace spnode;
using namespace spnode::test;
using io::hdf5::ElementType;
using io::hdf5::File;

TEST_CASE("file_in_memory_holds_what_a_file_on_the_disk_holds") {
  const std::vector<double> values = {1.0, 2.0, 3.0};
  File file = File::create_image("x.h5");
  file.write("/group/x", values, {3});
  file.set_attribute("/", "name", "spnode");
  const std::string image = file.close_image();
  CHECK_FALSE(std::filesystem::exists("x.h5"));
  const TemporaryDirectory directory;
  on_root([&] {
    write_file(directory / "x.h5", image);
    const auto check = [&](const File& read) {
      CHECK(same_bits(read.read_doubles("/group/x"), values));
      CHECK(read.string_attribute("/", "name") == "spnode");
    };
    check(File::open(directory / "x.h5"));
    check(File::open_image(image, "x.h5"));
  });
}

TEST_CASE("what_cannot_be_written_is_a_file_error_and_the_file_is_given_up") {
  const TemporaryDirectory directory;
  on_root([&] {
    const FileSizeLimit limit(1000);
    File file = File::create(directory / "x.h5", "final.h5");
    file.create_dataset("/x", ElementType::float64, {1000});
    const Outcome outcome = outcome_of([&] { file.close(); });
    CHECK(outcome.status == ExitStatus::file_error);
    CHECK(outcome.mentions("final.h5: the data could not be written (HDF5: File too large"));
  });
}

TEST_CASE("chunks_that_nobody_wrote_are_known") {
  const TemporaryDirectory directory;
  on_root([&] {
    const std::string path = directory / "x.h5";
    write_chunked(path, "/state", {4, 2}, 2);
    CHECK(File::open(path).has_unwritten_parts("/state"));
    write_chunked(path, "/state", {4, 2}, 4);
    CHECK_FALSE(File::open(path).has_unwritten_parts("/state"));
  });
}

TEST_CASE("external_files_that_are_too_short_are_known") {
  const TemporaryDirectory directory;
  on_root([&] {
    const std::string path = directory / "x.h5", values = directory / "values";
    write_external(path, "/state", values, 4);
    CHECK(File::open(path).has_unwritten_parts("/state"));
    write_file(values, std::string(31, '\0'));
    CHECK(File::open(path).has_unwritten_parts("/state"));
    write_file(values, std::string(32, '\0'));
    CHECK_FALSE(File::open(path).has_unwritten_parts("/state"));
    CHECK(File::open(path).read_doubles("/state") == std::vector<double>(4, 0.0));
  });
}

TEST_CASE("parts_of_a_virtual_dataset_whose_file_is_missing_are_known") {
  const TemporaryDirectory directory;
  on_root([&] {
    write_chunked(directory / "front.h5", "/x", {2, 3}, 2);
    write_chunked(directory / "back.h5", "/x", {2, 3}, 2);
    const std::string path = directory / "whole.h5";
    write_virtual(path, "/state", {"front.h5", "back.h5"}, "/x", {2, 3});
    CHECK_FALSE(File::open(path).has_unwritten_parts("/state"));
    std::filesystem::remove(directory / "back.h5");
    CHECK(File::open(path).has_unwritten_parts("/state"));
  });
}

TEST_CASE("parts_of_a_slab_come_in_its_row_major_order") {
  const io::hdf5::Slab slab = {{1, 10, 100}, {3, 5, 7}};
  for (const std::size_t most : {1, 2, 7, 20, 1000}) {
    std::vector<std::size_t> entries, parts;
    const auto append = [](const io::hdf5::Slab& part, std::vector<std::size_t>& out) {
      for (std::size_t i = 0; i < part.count[0]; ++i)
        for (std::size_t j = 0; j < part.count[1]; ++j)
          for (std::size_t k = 0; k < part.count[2]; ++k)
            out.push_back((part.first[0] + i) * 10000 + (part.first[1] + j) * 1000 + part.first[2] + k);
    };
    append(slab, entries);
    io::hdf5::for_each_part(slab, most, [&](const io::hdf5::Slab& part) {
      CHECK(part.size() <= most);
      append(part, parts);
    });
    CHECK(parts == entries);
  }
}

TEST_CASE("all_kinds_of_contents_are_read_back_unchanged") {
  const TemporaryDirectory directory;
  on_root([&] {
    const std::string path = directory / "x.h5";
    File file = File::create(path);
    file.write("/group/doubles", std::vector{1.0, -0.0, 1.0 / 3.0, 4.9e-324}, {2, 2});
    file.write("/integers", std::vector<std::int64_t>{-1, INT64_MAX}, {2});
    file.write("/text", "first\nsecond \xce\xb5");
    file.write("/no text", "");
    file.write("/nothing", std::vector<double>{}, {0, 3});
    file.set_attribute("/", "name", "spnode");
    file.set_attribute("/group/doubles", "number", 0.1);
    file.set_attribute("/group", "count", std::int64_t(3));
    file.close();

    file = File::open(path);
    CHECK(same_bits(file.read_doubles("/group/doubles"), {1.0, -0.0, 1.0 / 3.0, 4.9e-324}));
    CHECK(file.read_integers("/integers") == std::vector<std::int64_t>{-1, INT64_MAX});
    CHECK(file.read_string("/text") == "first\nsecond \xce\xb5");
    CHECK(file.read_string("/no text").empty());
    CHECK(file.read_doubles("/nothing").empty());
    CHECK(file.string_attribute("/", "name") == "spnode");
    CHECK(file.number_attribute("/group/doubles", "number") == 0.1);
    CHECK(file.number_attribute("/group", "count") == 3.0);
    CHECK(file.integer_attribute("/group", "count") == 3);
    CHECK_FALSE(file.string_attribute("/group", "count"));
    CHECK_FALSE(file.number_attribute("/", "absent"));
    CHECK(file.info("/group/doubles").shape == std::vector<std::size_t>{2, 2});
    CHECK(file.info("/integers").type == ElementType::integer);
    CHECK(file.datasets() ==
          std::vector<std::string>{"/group/doubles", "/integers", "/no text", "/nothing", "/text"});
    CHECK(file.members("/group") == std::vector<std::string>{"doubles"});
    CHECK(file.has_group("/group"));
    CHECK_FALSE(file.has_group("/integers"));
    CHECK_FALSE(file.has_dataset("/integers/below"));
    CHECK_FALSE(file.has_dataset("/absent/x"));
  });
}

TEST_CASE("attributes_are_listed_with_their_values") {
  const TemporaryDirectory directory;
  on_root([&] {
    File file = File::create(directory / "x.h5");
    file.set_attribute("/", "text", "abc");
    file.set_attribute("/", "real", 0.5);
    file.set_attribute("/", "whole", std::int64_t(-7));
    std::string listed;
    for (const auto& [name, text] : file.attributes("/")) listed += name + "=" + text + ";";
    CHECK(listed == "real=0.5;text=abc;whole=-7;");
  });
}

TEST_CASE("failures_name_the_file_and_the_object") {
  const TemporaryDirectory directory;
  on_root([&] {
    const std::string path = directory / "x.h5";
    File file = File::create(path);
    file.write("/x", std::vector{1.0}, {1});
    const auto check = [&](const std::function<void()>& work, const std::string& object) {
      const Outcome outcome = outcome_of(work);
      CHECK(outcome.status == ExitStatus::file_error);
      CHECK(outcome.mentions(path + ": " + object));
    };
    check([&] { file.read_doubles("/absent"); }, "/absent");
    check([&] { file.write("/x", std::vector{1.0}, {1}); }, "/x");
    check([&] { file.write("/x/below", std::vector{1.0}, {1}); }, "/x/below");
    check([&] { file.read_string("/x"); }, "/x");
    check([&] { file.members("/absent"); }, "/absent");
    std::vector<double> two(2);
    check([&] { file.read_slab("/x", {{1}, {2}}, two); }, "/x");
  });
}

TEST_CASE("file_that_does_not_open_says_why_on_all_ranks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5";
  const auto message = [&] {
    const Outcome serial = outcome_of([&] { File::open(path); });
    CHECK(serial.status == ExitStatus::file_error);
    CHECK(serial.mentions(path));
    return serial.message;
  };
  CHECK(message() == path + ": no such file");
  MPI_Barrier(MPI_COMM_WORLD);
  on_root([&] { write_file(path, "no HDF5 at all"); });
  CHECK(message() == path + ": not an HDF5 file");
  MPI_Barrier(MPI_COMM_WORLD);
  on_root([&] {
    File file = File::create(path);
    file.write("/x", std::vector<double>(1000, 1.0), {1000});
    file.close();
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  });
  CHECK_THAT(message(), Catch::Matchers::Contains("truncated"));
}
