#include "training/sampler.hpp"
#include "catch.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <set>

using namespace spnode;
using training::Sampler;
using training::SamplerOptions;

namespace {

struct Case {
  std::uint64_t windows;
  SamplerOptions options;
};

const std::vector<Case> cases = {
    {1, {.batch = 1, .tile = 1}},       {10, {.batch = 5, .tile = 3}},
    {97, {.batch = 10, .tile = 4}},     {100, {.batch = 128, .tile = 32}},
    {1000, {.batch = 128, .tile = 32}}, {1003, {.batch = 250, .tile = 7, .summands = 5}},
    {60, {.batch = 0, .tile = 8}},
};

}  // namespace

TEST_CASE("an_epoch_draws_no_window_twice") {
  for (const Case& c : cases) {
    const Sampler sampler(c.windows, c.options);
    std::set<std::uint64_t> seen;
    std::vector<std::uint64_t> windows;
    std::size_t drawn = 0;
    for (std::uint64_t step = 0; step < sampler.steps_per_epoch(); ++step)
      for (std::size_t share = 0; share < sampler.shares(); ++share) {
        sampler.draw({.epoch = 3, .step = step}, share, windows);
        seen.insert(windows.begin(), windows.end());
        drawn += windows.size();
        for (const std::uint64_t w : windows) {
          REQUIRE(w >= sampler.shard(share).begin);
          REQUIRE(w < sampler.shard(share).end);
        }
      }
    CHECK(drawn == sampler.steps_per_epoch() * sampler.batch());
    CHECK(seen.size() == drawn);
  }
}

TEST_CASE("shards_cover_every_window_once") {
  for (const Case& c : cases) {
    const Sampler sampler(c.windows, c.options);
    std::vector<std::uint64_t> all, windows;
    for (std::size_t share = 0; share < sampler.shares(); ++share) {
      sampler.draw_all(share, windows);
      all.insert(all.end(), windows.begin(), windows.end());
    }
    REQUIRE(all.size() == c.windows);
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == i);
  }
}

TEST_CASE("ranks_hold_exactly_the_shards_of_their_work_shares") {
  for (const Case& c : cases) {
    const Sampler sampler(c.windows, c.options);
    for (int ranks = 1; ranks <= 7; ++ranks) {
      std::size_t next_share = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const auto shares = sampler.shares_of(rank, ranks);
        const auto held = sampler.held(rank, ranks);
        CHECK(shares.begin == next_share);
        next_share = shares.end;
        if (shares.size() == 0) {
          CHECK(held.size() == 0);
          continue;
        }
        CHECK(held.begin == sampler.shard(shares.begin).begin);
        CHECK(held.end == sampler.shard(shares.end - 1).end);
      }
      CHECK(next_share == sampler.shares());
    }
  }
}

TEST_CASE("tiles_and_summands_bound_the_work_shares") {
  const Sampler fine(1000, {.batch = 128, .tile = 32});
  CHECK(fine.shares() == 4);
  for (std::size_t share = 0; share < 4; ++share) CHECK(fine.lanes(share) == 32);
  CHECK(Sampler(1000, {.batch = 128, .tile = 32, .summands = 3}).shares() == 3);
  CHECK(Sampler(1000, {.batch = 0, .tile = 10}).shares() == 100);
  CHECK(Sampler(5, {.batch = 128, .tile = 32}).batch() == 5);
}

TEST_CASE("draws_depend_on_epoch_and_seed") {
  std::vector<std::uint64_t> first, later, other;
  const Sampler sampler(1000, {.batch = 100, .tile = 50, .seed = 1});
  sampler.draw({0, 0}, 1, first);
  sampler.draw({1, 0}, 1, later);
  Sampler(1000, {.batch = 100, .tile = 50, .seed = 2}).draw({0, 0}, 1, other);
  CHECK(first != later);
  CHECK(first != other);
}

TEST_CASE("sampler_refuses_what_it_cannot_cut") {
  CHECK_THROWS_AS(Sampler(0, {.batch = 1, .tile = 1}), UsageError);
  CHECK_THROWS_AS(Sampler(10, {.batch = 1, .tile = 0}), UsageError);
  CHECK_THROWS_AS(Sampler(10, {.batch = 1, .tile = 1, .summands = 0}), UsageError);
}
