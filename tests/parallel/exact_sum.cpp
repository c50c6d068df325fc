#include "parallel/exact_sum.hpp"
#include "catch.hpp"
#include "parallel/partition.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace spnode;
using namespace spnode::parallel;

namespace {

/// (count, size) numbers of both signs over `decades` decades around `centre`, the same on all ranks.
std::vector<double> summands(std::size_t count, std::size_t size, double decades, double centre,
                             unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> sign(-1.0, 1.0), power(-decades, 0.0);
  std::vector<double> rows(count * size);
  for (double& x : rows) x = centre * sign(engine) * std::pow(10.0, power(engine));
  return rows;
}

std::vector<double> pick(const std::vector<double>& rows, std::size_t size,
                         std::span<const std::size_t> order) {
  std::vector<double> out;
  for (const std::size_t row : order) {
    out.insert(out.end(), rows.begin() + row * size, rows.begin() + (row + 1) * size);
  }
  return out;
}

constexpr std::array magnitudes = {Magnitude::of_entry, Magnitude::of_vector};

/// The sum as one rank alone computes it, in the order of the rows.
std::vector<double> sum_alone(const std::vector<double>& rows, std::size_t count, std::size_t size,
                              Magnitude magnitude = Magnitude::of_vector) {
  std::vector<double> out(size);
  ExactSum alone(Communicator(MPI_COMM_SELF), size, magnitude);
  REQUIRE(alone.sum(rows, count, count, out) == SumStatus::finite);
  return out;
}

/// The sum over all ranks of the rows in a shuffled order (with few rows some ranks get none).
std::vector<double> sum_spread(const std::vector<double>& rows, std::size_t count, std::size_t size,
                               unsigned seed, Magnitude magnitude) {
  const Communicator comm;
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  const Range mine = share(count, comm.size(), (comm.rank() + seed) % comm.size());
  const std::vector<double> local = pick(rows, size, std::span(order).subspan(mine.begin, mine.size()));
  std::vector<double> out(size);
  ExactSum spread(comm, size, magnitude);
  REQUIRE(spread.sum(local, mine.size(), count, out) == SumStatus::finite);
  return out;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

}  // namespace

TEST_CASE("sum_has_the_same_bits_for_every_order_and_distribution") {
  for (const double centre : {1.0, 1e300, 1e-300, 3e-310, 4.9e-324}) {
    for (const std::size_t count : {1u, 2u, 3u, 17u, 256u}) {
      const std::size_t size = 1037;
      const std::vector<double> rows = summands(count, size, 20.0, centre, 7);
      for (const Magnitude magnitude : magnitudes) {
        const std::vector<double> expected = sum_alone(rows, count, size, magnitude);
        for (const unsigned seed : {1u, 2u, 3u})
          CHECK(same_bits(sum_spread(rows, count, size, seed, magnitude), expected));
      }
    }
  }
}

TEST_CASE("sum_is_the_rounding_of_the_exact_sum") {
  const std::size_t count = 256, size = 500;
  const std::vector<double> rows = summands(count, size, 12.0, 1.0, 11);
  const std::vector<double> sum = sum_alone(rows, count, size);
  for (std::size_t j = 0; j < size; ++j) {
    long double reference = 0.0L;
    for (std::size_t row = 0; row < count; ++row) reference += static_cast<long double>(rows[row * size + j]);
    const long double error = std::fabs(static_cast<long double>(sum[j]) - reference);
    CHECK(error <= 0.51L * std::numeric_limits<double>::epsilon() * std::fabs(reference) + count * 0x1p-64L);
  }
}

TEST_CASE("entries_of_any_ratio_are_summed_as_if_alone") {
  const std::size_t count = 100, size = 1500;
  std::vector<double> rows = summands(count, size, 12.0, 1.0, 3);
  const std::vector<double> plain = sum_alone(rows, count, size, Magnitude::of_entry);
  std::vector<double> expected(size);
  for (std::size_t j = 0; j < size; ++j) {
    const int exponent = static_cast<int>(j) - 750;
    expected[j] = std::ldexp(plain[j], exponent);
    for (std::size_t row = 0; row < count; ++row)
      rows[row * size + j] = std::ldexp(rows[row * size + j], exponent);
  }
  CHECK(same_bits(sum_alone(rows, count, size, Magnitude::of_entry), expected));
}

TEST_CASE("cancellation_leaves_the_small_summands_to_two_to_the_minus_100_of_the_largest") {
  const double tiny = 0x1.9p-98;
  const std::vector<double> rows = {1e10, tiny * 1e10, -1e10, 0.0};
  CHECK(sum_alone(rows, 4, 1).front() == Approx(tiny * 1e10).epsilon(1e-3));
  CHECK(sum_alone({0x1p60, 1.0, -0x1p60}, 3, 1).front() == 1.0);
}

TEST_CASE("extreme_summands_neither_overflow_nor_vanish") {
  const double denormal = std::numeric_limits<double>::denorm_min();
  CHECK(sum_alone({denormal, 2 * denormal, denormal}, 3, 1).front() == 4 * denormal);
  CHECK(sum_alone({1e300, 1e300, -5e299}, 3, 1).front() == Approx(1.5e300));
  CHECK(sum_alone({-1e300, 1e-300}, 2, 1).front() == -1e300);
  CHECK(sum_alone({0x1p1022, 0x1p1021}, 2, 1).front() == 0x1.8p1022);
}

TEST_CASE("zeros_and_no_summands_at_all_sum_to_zero") {
  const Communicator comm;
  for (const Magnitude magnitude : magnitudes) {
    ExactSum zero(comm, 3, magnitude);
    std::vector<double> out(3, 9.0);
    const std::vector<double> rows(6, 0.0);
    REQUIRE(zero.sum(rows, 2, 2 * comm.size(), out) == SumStatus::finite);
    CHECK(same_bits(out, {0.0, 0.0, 0.0}));
    out.assign(3, 9.0);
    REQUIRE(zero.sum({}, 0, 0, out) == SumStatus::finite);
    CHECK(same_bits(out, {0.0, 0.0, 0.0}));
  }
  CHECK(same_bits(sum_alone({0.0, 2.0, 0.0, -3.0}, 2, 2, Magnitude::of_entry), {0.0, -1.0}));
}

TEST_CASE("ranks_without_summands_take_part") {
  const Communicator comm;
  const std::vector<double> row = {1.0, -2.5};
  for (int owner = 0; owner < comm.size(); ++owner) {
    ExactSum one(comm, 2, Magnitude::of_vector);
    std::vector<double> out(2);
    const bool mine = comm.rank() == owner;
    REQUIRE(one.sum(mine ? std::span<const double>(row) : std::span<const double>(), mine, 1, out) ==
            SumStatus::finite);
    CHECK(out == row);
  }
}

TEST_CASE("one_non_finite_summand_is_reported_on_all_ranks_and_leaves_the_result_untouched") {
  const Communicator comm;
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {infinity, -infinity, nan, -nan}) {
    for (int culprit = 0; culprit < comm.size(); ++culprit) {
      std::vector<double> rows(100, 1.0), out(100, 7.0);
      if (comm.rank() == culprit) rows[63] = bad;
      ExactSum broken(comm, 100, Magnitude::of_vector);
      CHECK(broken.sum(rows, 1, comm.size(), out) == SumStatus::non_finite);
      CHECK(out == std::vector<double>(100, 7.0));
      CHECK_FALSE(exact_sum(comm, rows, 10).has_value());
    }
  }
}

TEST_CASE("a_sum_that_could_overflow_is_reported_as_non_finite") {
  ExactSum alone(Communicator(MPI_COMM_SELF), 1, Magnitude::of_vector);
  std::vector<double> rows = {1.7e308, 1.7e308}, out(1);
  CHECK(alone.sum(rows, 2, 2, out) == SumStatus::non_finite);
  CHECK(alone.sum(std::span(rows).first(1), 1, 1, out) == SumStatus::finite);
  CHECK(out.front() == 1.7e308);
}

TEST_CASE("short_rows_are_summed_exactly_over_ranks") {
  const Communicator comm;
  const std::size_t count = 1001, width = 3;
  const std::vector<double> rows = summands(count, width, 15.0, 1.0, 5);
  const Range mine = share(count, comm.size(), comm.rank());
  const auto sum = exact_sum(comm, std::span(rows).subspan(mine.begin * width, mine.size() * width), width);
  REQUIRE(sum.has_value());
  CHECK(same_bits(*sum, sum_alone(rows, count, width, Magnitude::of_entry)));
}

TEST_CASE("an_accumulator_gives_the_same_bits_for_every_distribution_of_the_summands") {
  const Communicator comm, alone(MPI_COMM_SELF);
  const std::size_t count = 50, width = 9;
  const std::vector<double> rows = summands(count, width, 15.0, 1.0, 5);
  double bound = 0.0;
  for (const double x : rows) bound = std::max(bound, std::abs(x));
  const auto sum = [&](const Communicator& ranks) {
    ExactAccumulator accumulator(ranks, width, bound, count);
    const Range mine = share(count, ranks.size(), ranks.rank());
    for (std::size_t i = mine.end; i-- > mine.begin;)
      accumulator.add(std::span(rows).subspan(i * width, width));
    std::vector<double> out(width);
    REQUIRE(accumulator.sum(out) == SumStatus::finite);
    return out;
  };
  CHECK(same_bits(sum(comm), sum(alone)));
  const std::vector<double> exact = sum_alone(rows, count, width, Magnitude::of_vector);
  for (std::size_t j = 0; j < width; ++j) CHECK(sum(comm)[j] == Approx(exact[j]).epsilon(1e-15));
}

TEST_CASE("an_accumulator_reports_entries_that_are_not_finite_or_above_its_bound") {
  const Communicator comm;
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), 3.0}) {
    ExactAccumulator accumulator(comm, 2, 1.0, static_cast<std::size_t>(comm.size()));
    std::vector<double> out(2, 7.0);
    accumulator.add(std::vector<double>{1.0, comm.is_root() ? bad : 1.0});
    CHECK(accumulator.sum(out) == SumStatus::non_finite);
    CHECK(out == std::vector<double>(2, 7.0));
  }
  ExactAccumulator overflowing(comm, 1, std::numeric_limits<double>::infinity(), 1);
  std::vector<double> out(1);
  overflowing.add(std::vector<double>{1.0});
  CHECK(overflowing.sum(out) == SumStatus::non_finite);
}
