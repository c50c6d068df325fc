#include "io/slab_writer.hpp"
#include "fixtures.hpp"
#include "parallel/partition.hpp"

#include <numeric>

using namespace spnode;
using namespace spnode::test;
using io::SlabWriter;
using io::hdf5::ElementType;
using io::hdf5::File;
using io::hdf5::Placement;
using io::hdf5::Slab;
using parallel::Communicator;

namespace {

const std::vector<std::size_t> shape = {11, 4, 5};

std::vector<double> numbered() {
  std::vector<double> values(11 * 4 * 5);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

/// A file with the dataset /a/x, made by rank 0. Collective.
Placement create(const std::string& path, ElementType type) {
  Placement place{0, type, shape};
  on_root([&] {
    File file = File::create(path);
    file.write("/before", "text");
    file.create_dataset("/a/x", type, shape);
    place = file.placement("/a/x");
    file.close();
  });
  MPI_Bcast(&place.offset, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
  return place;
}

/// The numbers of a slab in its own order.
std::vector<double> cut(const std::vector<double>& whole, const Slab& slab) {
  std::vector<double> part;
  for (std::size_t i = 0; i < slab.count[0]; ++i)
    for (std::size_t j = 0; j < slab.count[1]; ++j)
      for (std::size_t k = 0; k < slab.count[2]; ++k)
        part.push_back(
            whole[((slab.first[0] + i) * shape[1] + slab.first[1] + j) * shape[2] + slab.first[2] + k]);
  return part;
}

}  // namespace

TEST_CASE("slabs_written_by_all_ranks_form_the_whole_that_hdf5_reads") {
  const TemporaryDirectory directory;
  const Communicator comm;
  const std::vector<double> whole = numbered();
  for (const ElementType type : {ElementType::float64, ElementType::float32}) {
    const std::string path = directory / (type == ElementType::float64 ? "double.h5" : "single.h5");
    const Placement place = create(path, type);
    const parallel::Range mine = parallel::share(shape[0], comm.size(), comm.rank());
    SlabWriter writer(path, path);
    // All of the last dimension, parts of it, and parts of the one before.
    for (const Slab& slab :
         {Slab{{mine.begin, 0, 0}, {mine.size(), 2, 5}}, Slab{{mine.begin, 2, 0}, {mine.size(), 2, 3}},
          Slab{{mine.begin, 2, 3}, {mine.size(), 2, 2}}, Slab{{0, 0, 0}, {0, 4, 5}}})
      writer.write(place, slab, cut(whole, slab));
    writer.close();
    MPI_Barrier(MPI_COMM_WORLD);
    const File file = File::open(path);
    CHECK(same_bits(file.read_doubles("/a/x"), whole));
    CHECK(file.info("/a/x").type == type);
    const Slab inner = {{3, 1, 2}, {5, 2, 2}};
    std::vector<double> part(inner.size());
    file.read_slab("/a/x", inner, part);
    CHECK(same_bits(part, cut(whole, inner)));
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

TEST_CASE("failed_write_names_the_final_file_and_the_reason") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.h5.tmp";
  const Placement place = create(path, ElementType::float64);
  const FileSizeLimit limit(place.offset + 100);
  SlabWriter writer(path, "x.h5");
  const Outcome outcome = outcome_of([&] { writer.write(place, {{0, 0, 0}, shape}, numbered()); });
  CHECK(outcome.status == ExitStatus::file_error);
  CHECK(outcome.message == "x.h5: cannot be written: File too large");
}
