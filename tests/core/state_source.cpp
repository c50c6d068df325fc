// States that are read while they are used are those that are held.
#include "core/data/state_source.hpp"

#include "catch.hpp"
#include "core/data/windows.hpp"
#include "core/support/error.hpp"
#include "memory_source.hpp"

using namespace spnode;
using namespace spnode::core;

namespace {

constexpr std::size_t count = 4, times = 7, components = 5;

WindowData numbered(const WindowOptions& options = {}) {
  Trajectories data;
  data.count = count;
  data.times = times;
  data.components = components;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(double(t));
  for (std::size_t k = 0; k < count * times * components; ++k) data.state.push_back(double(k));
  return WindowData(WindowIndex(count, times, options), data, 0);
}

std::vector<double> copy(const HeldNumbers& numbers, std::size_t size) {
  std::vector<double> values;
  for (std::size_t i = 0; i < size; ++i) values.push_back(numbers[i]);
  return values;
}

}  // namespace

TEST_CASE("passes_over_streamed_states_see_those_that_are_held") {
  const WindowData held = numbered();
  for (const std::size_t capacity : {5, 11, 35, 64, 1000}) {
    INFO(capacity);
    const WindowData data = tests::streamed(held, capacity);
    REQUIRE(data.streamed());
    for (const std::size_t width : {5, 2, 1})
      for (std::size_t begin = 0; begin < components; begin += width)
        for (std::size_t n = 0; n < count; ++n)
          for (std::size_t t = 0; t < times; ++t) {
            const std::size_t end = std::min(begin + width, components);
            REQUIRE(copy(data.numbers(n, t, begin, end), end - begin) ==
                    copy(held.numbers(n, t, begin, end), end - begin));
          }
  }
}

TEST_CASE("a_pass_reads_each_state_once_and_components_as_many_at_a_time_as_fit") {
  const WindowData data = tests::streamed(numbered(), 35);
  tests::MemorySource::pieces = 0;
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t t = 0; t < times; ++t) (void)data.numbers(n, t);
  CHECK(tests::MemorySource::pieces == count);
  const WindowData columns = tests::streamed(numbered(), 2 * count * times);
  tests::MemorySource::pieces = 0;
  for (std::size_t c = 0; c < components; ++c)
    for (std::size_t n = 0; n < count; ++n)
      for (std::size_t t = 0; t < times; ++t) (void)columns.numbers(n, t, c, c + 1);
  CHECK(tests::MemorySource::pieces == 3);
}

TEST_CASE("streamed_windows_are_those_that_are_held") {
  const WindowData held = numbered({.window = 2, .stride = 1, .times = {}, .every = {1, 3}});
  const WindowData data = tests::streamed(held, 4 * 7 * components);
  CHECK(data.windows_at_once() == 4);
  CHECK_THROWS_AS(data.view(3), Error);
  const std::vector<std::uint64_t> piece = {9, 0, 1, 5}, next = {20, 3};
  data.load(piece, next);
  CHECK(data.has(piece));
  CHECK_FALSE(data.has(next));
  const auto check = [&](const std::vector<std::uint64_t>& windows) {
    for (const std::uint64_t window : windows)
      for (std::size_t k = 0; k <= 2; ++k) {
        const WindowView found = data.view(window), expected = held.view(window);
        CHECK(found.time(k) == expected.time(k));
        CHECK_FALSE(found.in_single());
        for (std::size_t c = 0; c < components; ++c) CHECK(found.state(k)[c] == expected.state(k)[c]);
      }
  };
  check(piece);
  const std::size_t before = tests::MemorySource::pieces;
  data.load(next, piece);  // both are there
  check(next);
  data.load(piece, next);
  check(piece);
  CHECK(tests::MemorySource::pieces == before);
}

TEST_CASE("a_failed_read_leaves_nothing_that_looks_read") {
  class Failing final : public StateSource {
   public:
    std::size_t capacity() const override { return 100; }
    void start(std::size_t, std::span<const StateBlock>) override {}
    void finish() override { throw FileError("file: cannot be read"); }
    HeldNumbers numbers(std::size_t, std::size_t) const override { return HeldNumbers(&number_); }

   private:
    double number_ = 0.0;
  };
  StreamedStates states(std::make_unique<Failing>(), 10, 2);
  for (int k = 0; k < 2; ++k) {
    CHECK_THROWS_AS(states.read(0, 0, 2), Error);
    CHECK_FALSE(states.find({0, 1, 0, 2}).has_value());
  }
}
