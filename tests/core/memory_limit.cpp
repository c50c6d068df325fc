#include "core/support/memory_limit.hpp"

#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/vector_field/model.hpp"

#include <sys/resource.h>

#include <vector>

using namespace spnode;

TEST_CASE("a_process_has_no_more_memory_than_its_node") {
  CHECK(core::process_memory() > 1e6);
  CHECK(core::process_memory() <= core::node_memory());
}

TEST_CASE("the_limit_of_the_process_counts") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_DATA, &before) == 0);
  rlimit less = before;
  less.rlim_cur = rlim_t{1} << 29;
  REQUIRE(setrlimit(RLIMIT_DATA, &less) == 0);
  CHECK(core::process_memory() <= 0x1p29);
  CHECK_NOTHROW(core::require_memory(1e8, "what fits"));
  CHECK_THROWS_WITH(core::require_memory(1e9, "a tile"),
                    "a tile needs 1 GB of memory; a process here has 537 MB");
  REQUIRE(setrlimit(RLIMIT_DATA, &before) == 0);
}

TEST_CASE("memory_that_is_taken_is_resident") {
  const double before = core::resident_memory();
  const std::vector<double> taken(std::size_t{1} << 23, 1.0);
  CHECK(core::resident_memory() - before > 0x1p25 * static_cast<double>(taken.front()));
}

TEST_CASE("models_beyond_what_can_be_counted_are_refused") {
  core::ModelOptions options;
  options.nonlinear = {core::NonlinearKind::bilinear};
  options.bilinear.rank = 1000000;  // the product with the squared dimension has more than 64 bits
  CHECK_THROWS_AS(core::Model(options, 10000000), UsageError);
  options.nonlinear = {core::NonlinearKind::network};
  options.network.hidden = {1000000, 1000000};
  CHECK_THROWS_WITH(core::Model(options, 2),
                    Catch::Matchers::StartsWith("a model of 1000006000009 parameters"));
}
