#include "parallel/vector_parts.hpp"
#include "catch.hpp"

#include <numeric>

using spnode::parallel::Communicator;
using spnode::parallel::VectorParts;

namespace {

std::vector<double> counted(std::size_t size) {
  std::vector<double> whole(size);
  std::iota(whole.begin(), whole.end(), 0.0);
  return whole;
}

}  // namespace

TEST_CASE("parts_that_ranks_change_become_those_of_all") {
  const Communicator comm;
  for (const std::size_t size : {1u, 3u, 10u, 1001u})
    for (const std::size_t long_from : {0u, 4u, 5000u}) {
      const VectorParts parts(comm, size, long_from);
      std::vector<double> whole = counted(size);
      for (std::size_t i = parts.own().begin; i < parts.own().end; ++i) whole[i] += 0.5;
      parts.exchange(whole);
      for (std::size_t i = 0; i < size; ++i) REQUIRE(whole[i] == double(i) + 0.5);
    }
}

TEST_CASE("rank_0_gathers_what_ranks_keep") {
  const Communicator comm;
  for (const std::size_t size : {1u, 3u, 10u, 1001u})
    for (const std::size_t long_from : {0u, 4u, 5000u}) {
      const VectorParts parts(comm, size, long_from);
      const auto part = parts.take(counted(size));
      CHECK(part.size == size);
      CHECK(part.entries.size() == parts.own().size());
      const bool is_short = size < long_from || comm.size() == 1;
      CHECK((parts.own().size() == size) == (is_short || (size == 1 && comm.is_root())));
      CHECK(parts.gather(part) == (comm.is_root() ? counted(size) : std::vector<double>()));
    }
}
