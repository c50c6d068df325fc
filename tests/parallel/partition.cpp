#include "parallel/partition.hpp"
#include "catch.hpp"

using spnode::parallel::Range;
using spnode::parallel::share;

TEST_CASE("shares_cover_all_items_in_order_and_differ_by_at_most_one") {
  for (const std::size_t count : {0u, 1u, 2u, 5u, 7u, 64u, 1000u}) {
    for (const std::size_t parts : {1u, 2u, 3u, 4u, 7u, 100u}) {
      std::size_t next = 0, smallest = count, largest = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        const Range range = share(count, parts, part);
        REQUIRE(range.begin == next);
        next = range.end;
        smallest = std::min(smallest, range.size());
        largest = std::max(largest, range.size());
      }
      CHECK(next == count);
      CHECK(largest - smallest <= 1);
    }
  }
}

TEST_CASE("larger_shares_come_first") {
  CHECK(share(7, 3, 0) == Range{0, 3});
  CHECK(share(7, 3, 1) == Range{3, 5});
  CHECK(share(7, 3, 2) == Range{5, 7});
  CHECK(share(2, 3, 2).size() == 0);
}
