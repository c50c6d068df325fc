#include "parallel/exact_sum.hpp"

#include "core/support/text.hpp"
#include "parallel/count.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace spnode::parallel {

namespace {

constexpr std::int64_t magnitude_mask = std::numeric_limits<std::int64_t>::max();

/// A factor 2^exponent in two parts: one double cannot hold all the exponents that occur.
struct PowerOfTwo {
  double first = 1.0, second = 1.0;
  PowerOfTwo() = default;
  explicit PowerOfTwo(int exponent)
      : first(std::ldexp(1.0, exponent / 2)), second(std::ldexp(1.0, exponent - exponent / 2)) {}
  double operator*(double x) const { return x * first * second; }
};

/// A fixed-point representation: x = (high + low 2^-bits) 2^-scale, |high| <= 2^bits.
struct FixedPoint {
  int bits;   ///< of one limb, such that `summands` limbs cannot overflow 63 bits
  int scale;  ///< |x| 2^scale <= 2^bits
  bool may_overflow;

  FixedPoint(double largest, std::size_t summands) {
    const int headroom = std::bit_width(std::max<std::size_t>(summands, 1) - 1);  // ceil(log2 N)
    int exponent = 0;
    std::frexp(largest, &exponent);  // largest < 2^exponent
    bits = 62 - headroom;
    scale = bits - exponent;
    may_overflow = exponent + headroom > std::numeric_limits<double>::max_exponent;
  }
};

/// high, low += the limbs of one row piece. Truncation, unlike rounding, vectorises on every processor, and
/// both subtractions are exact.
template <class Up>
void accumulate(const double* __restrict x, std::size_t n, const Up& up, double limb,
                std::int64_t* __restrict high, std::int64_t* __restrict low) {
  for (std::size_t j = 0; j < n; ++j) {
    const double scaled = up(j) * x[j];
    const std::int64_t whole = static_cast<std::int64_t>(scaled);
    high[j] += whole;
    low[j] += static_cast<std::int64_t>((scaled - static_cast<double>(whole)) * limb);
  }
}

/// The nearest double to within 0.5001 units in the last place, by the same instructions on every rank.
template <class Down>
void decode(const std::int64_t* __restrict high, const std::int64_t* __restrict low, std::size_t n, int bits,
            const Down& down, double* __restrict out) {
  const double limb = std::ldexp(1.0, -bits);
  const std::int64_t fraction = (std::int64_t(1) << bits) - 1;
  for (std::size_t j = 0; j < n; ++j) {
    const std::int64_t whole = high[j] + (low[j] >> bits);
    const double leading = static_cast<double>(whole);
    const std::int64_t rest = whole - static_cast<std::int64_t>(leading);
    const double tail = static_cast<double>(rest) + static_cast<double>(low[j] & fraction) * limb;
    out[j] = down(j) * (leading + tail);
  }
}

}  // namespace

ExactSum::ExactSum(const Communicator& comm, std::size_t size, Magnitude magnitude)
    : comm_(comm), size_(size), magnitude_(magnitude) {
  require_countable(static_cast<double>(size));
  limbs_.resize(2 * size);
  largest_.resize(magnitude == Magnitude::of_entry ? size : 1);
}

void ExactSum::require_countable(double size) {
  constexpr double most = 0x1p30;
  if (size > most)
    throw UsageError("sums of " + shortest(size) + " numbers over ranks are asked for; at most " +
                     shortest(most) + " can be counted");
}

void ExactSum::find_largest(std::span<const double> rows) {
  // The bits of |x| order like |x|, and those of NaN lie above infinity: one integer tells both.
  const auto magnitude = [](double x) { return std::bit_cast<std::int64_t>(x) & magnitude_mask; };
  std::ranges::fill(largest_, 0);
  if (magnitude_ == Magnitude::of_vector) {
    std::int64_t largest = 0;
    for (const double x : rows) largest = std::max(largest, magnitude(x));
    largest_[0] = largest;
  } else {
    for (std::size_t begin = 0; begin < rows.size(); begin += size_)
      for (std::size_t j = 0; j < size_; ++j) largest_[j] = std::max(largest_[j], magnitude(rows[begin + j]));
  }
  MPI_Allreduce(MPI_IN_PLACE, largest_.data(), mpi_count(largest_.size()), MPI_INT64_T, MPI_MAX,
                comm_.handle());
}

SumStatus ExactSum::sum(std::span<const double> rows, std::size_t local_count, std::size_t global_count,
                        std::span<double> out) {
  find_largest(rows.first(local_count * size_));
  const auto format = [&](std::int64_t bits) {
    return FixedPoint(std::bit_cast<double>(bits), global_count);
  };
  const std::int64_t largest = largest_.empty() ? 0 : *std::ranges::max_element(largest_);
  if (!std::isfinite(std::bit_cast<double>(largest)) || format(largest).may_overflow)
    return SumStatus::non_finite;
  if (largest == 0) {
    std::fill_n(out.begin(), size_, 0.0);
    return SumStatus::finite;
  }

  constexpr std::size_t block = 1024;  // limbs of a block stay in L1 while the rows pass
  std::int64_t* const high = limbs_.data();
  std::int64_t* const low = high + size_;
  const int bits = format(0).bits;
  const double limb = std::ldexp(1.0, bits);
  const bool each = magnitude_ == Magnitude::of_entry;
  std::array<PowerOfTwo, block> powers;
  /// Calls work(powers of the entries from `begin`) for the powers that scale by `sign` times the exponent.
  const auto with_powers = [&](std::size_t begin, std::size_t n, int sign, auto&& work) {
    if (!each) return work([power = PowerOfTwo(sign * format(largest).scale)](std::size_t) { return power; });
    for (std::size_t j = 0; j < n; ++j) powers[j] = PowerOfTwo(sign * format(largest_[begin + j]).scale);
    work([&powers](std::size_t j) { return powers[j]; });
  };
  std::ranges::fill(limbs_, 0);
  for (std::size_t begin = 0; begin < size_; begin += block) {
    const std::size_t n = std::min(block, size_ - begin);
    with_powers(begin, n, 1, [&](const auto& up) {
      for (std::size_t row = 0; row < local_count; ++row)
        accumulate(rows.data() + row * size_ + begin, n, up, limb, high + begin, low + begin);
    });
  }
  MPI_Allreduce(MPI_IN_PLACE, limbs_.data(), mpi_count(limbs_.size()), MPI_INT64_T, MPI_SUM, comm_.handle());
  for (std::size_t begin = 0; begin < size_; begin += block) {
    const std::size_t n = std::min(block, size_ - begin);
    with_powers(begin, n, -1, [&](const auto& down) {
      decode(high + begin, low + begin, n, bits, down, out.data() + begin);
    });
  }
  return SumStatus::finite;
}

ExactAccumulator::ExactAccumulator(const Communicator& comm, std::size_t size, double bound,
                                   std::size_t count)
    : comm_(comm), size_(size) {
  ExactSum::require_countable(static_cast<double>(size));
  limit_ = 2.0 * bound;  // bounds and entries are rounded
  const FixedPoint format(limit_, count);
  bits_ = format.bits;
  scale_ = format.scale;
  if (!std::isfinite(limit_) || format.may_overflow) limit_ = -1.0;  // refuses every entry
  limbs_.resize(2 * size + 1);
}

void ExactAccumulator::add(std::span<const double> x) {
  bool allowed = true;
  for (std::size_t j = 0; j < size_; ++j) allowed &= std::abs(x[j]) <= limit_;
  if (!allowed) {
    ++limbs_.back();
    return;
  }
  const PowerOfTwo power(scale_);
  accumulate(
      x.data(), size_, [power](std::size_t) { return power; }, std::ldexp(1.0, bits_), limbs_.data(),
      limbs_.data() + size_);
}

SumStatus ExactAccumulator::sum(std::span<double> out) {
  MPI_Allreduce(MPI_IN_PLACE, limbs_.data(), mpi_count(limbs_.size()), MPI_INT64_T, MPI_SUM, comm_.handle());
  if (limbs_.back() != 0) return SumStatus::non_finite;
  const PowerOfTwo power(-scale_);
  decode(
      limbs_.data(), limbs_.data() + size_, size_, bits_, [power](std::size_t) { return power; }, out.data());
  return SumStatus::finite;
}

std::optional<std::vector<double>> exact_sum(const Communicator& comm, std::span<const double> rows,
                                             std::size_t width) {
  const std::size_t count = width == 0 ? 0 : rows.size() / width;
  std::uint64_t global_count = count;
  MPI_Allreduce(MPI_IN_PLACE, &global_count, 1, MPI_UINT64_T, MPI_SUM, comm.handle());
  std::vector<double> out(width);
  ExactSum summation(comm, width, Magnitude::of_entry);
  if (summation.sum(rows, count, global_count, out) == SumStatus::non_finite) return std::nullopt;
  return out;
}

}  // namespace spnode::parallel
