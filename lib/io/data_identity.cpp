#include "io/data_identity.hpp"

#include "core/support/random.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace spnode::io {

namespace {

/// A sum over numbers and their places, modulo 2^64: the order of the terms does not matter.
class PlacedSum {
 public:
  void add(std::uint64_t place, double value) {
    sum_ += core::mix64(core::mix64(place) ^ std::bit_cast<std::uint64_t>(value));
  }
  std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;
};

/// Different kinds of numbers are counted from places that are far apart.
constexpr std::uint64_t derivatives_begin = std::uint64_t(1) << 61, times_begin = std::uint64_t(1) << 62,
                        parameters_begin = std::uint64_t(1) << 63,
                        tangents_begin = parameters_begin + times_begin;

std::uint64_t sum_of(const core::WindowData& data, std::size_t skipped) {
  PlacedSum sum;
  const core::Trajectories& held = data.held();
  const std::uint64_t row = std::uint64_t(held.times) * held.components;
  for (std::size_t n = skipped; n < held.count; ++n) {
    const std::uint64_t number = data.first() + n;
    for (std::size_t t = 0; t < held.times; ++t)
      data.numbers(n, t).visit([&](const auto* state) {
        const std::uint64_t place = number * row + t * held.components;
        for (std::uint64_t c = 0; c < held.components; ++c) sum.add(place + c, double(state[c]));
      });
    if (!held.derivative.empty())
      for (std::uint64_t k = 0; k < row; ++k)
        sum.add(derivatives_begin + number * row + k, held.derivative[n * row + k]);
    for (std::size_t t = 0; t < held.times; ++t)
      sum.add(times_begin + number * held.times + t, held.time_at(n, t));
    const std::uint64_t tangents = row * held.tangents;
    for (std::uint64_t k = 0; k < tangents; ++k) {
      const std::uint64_t place = tangents_begin + 2 * (number * tangents + k);
      sum.add(place, held.directions[n * tangents + k]);
      sum.add(place + 1, held.products[n * tangents + k]);
    }
    std::uint64_t place = parameters_begin + number;
    for (const auto& [name, values] : held.parameters) {
      for (const char letter : name) place = core::mix64(place ^ static_cast<unsigned char>(letter));
      sum.add(place, values[n]);
    }
    for (const auto& [name, values] : held.inputs) {
      for (const char letter : name) place = core::mix64(place ^ static_cast<unsigned char>(letter));
      for (std::size_t t = 0; t < held.input_times; ++t) sum.add(place + t, values[n * held.input_times + t]);
    }
  }
  return sum.value();
}

}  // namespace

std::string identify(const parallel::Communicator& comm, const core::WindowData& data) {
  const core::Trajectories& held = data.held();
  const std::size_t first = data.first();
  // A trajectory counts on the first rank that holds it; ranks hold ascending ranges.
  std::uint64_t end = held.count > 0 ? first + held.count : 0, seen = 0;
  MPI_Exscan(&end, &seen, 1, MPI_UINT64_T, MPI_MAX, comm.handle());
  if (comm.is_root()) seen = 0;  // MPI_Exscan leaves it undefined there
  const std::size_t skipped = seen > first ? std::min<std::size_t>(seen - first, held.count) : 0;
  std::uint64_t sums[2] = {held.count - skipped, 0};
  parallel::collectively(comm, [&] { sums[1] = sum_of(data, skipped); });
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_UINT64_T, MPI_SUM, comm.handle());
  std::uint64_t shape[2] = {held.times, held.components};
  MPI_Allreduce(MPI_IN_PLACE, shape, 2, MPI_UINT64_T, MPI_MAX, comm.handle());
  return std::to_string(sums[0]) + " trajectories of " + std::to_string(shape[0]) + " times and " +
         std::to_string(shape[1]) + " components, checksum " + std::to_string(sums[1]);
}

}  // namespace spnode::io
