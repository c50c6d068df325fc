#include "core/support/random.hpp"
#include "catch.hpp"

#include <vector>

using namespace spnode::core;

TEST_CASE("permutation_visits_every_index_once") {
  for (const std::uint64_t size : {1, 2, 3, 17, 64, 1000}) {
    const Permutation permutation(size, 7, 3);
    std::vector<int> seen(size, 0);
    for (std::uint64_t i = 0; i < size; ++i) ++seen.at(permutation(i));
    for (const int times : seen) REQUIRE(times == 1);
  }
}

TEST_CASE("random_numbers_have_the_moments_of_their_distribution") {
  const Random random(1, "moments");
  const int n = 100000;
  double uniform = 0, normal = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    uniform += random.uniform(i) / n;
    normal += random.normal(i) / n;
    square += random.normal(i) * random.normal(i) / n;
  }
  CHECK(uniform == Approx(0.5).margin(0.005));
  CHECK(normal == Approx(0.0).margin(0.02));
  CHECK(square == Approx(1.0).margin(0.02));
}
