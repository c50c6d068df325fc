#pragma once
/// Sums of vectors of doubles that do not depend on the order of the summands nor on their place.

#include "parallel/communicator.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace spnode::parallel {

/// What a sum came to.
enum class SumStatus {
  finite,     ///< `out` holds the sum
  non_finite  ///< a summand is not finite, or so large that the sum could overflow; `out` is untouched
};

/// What the summands of an entry are kept relative to.
enum class Magnitude {
  of_entry,  ///< the largest of the same entry: entries of any ratio, such as physical units have
  of_vector  ///< the largest of all entries: two thirds of the communication; for gradients and the like
};

/// Adds vectors spread over ranks so that the result has the same bits for every order of the summands, every
/// distribution over ranks and every number of ranks.
///
/// Fixed point: all ranks agree on a power of two from the largest |x| and the number N of summands; each x
/// becomes two 64-bit integers, whose sums are exact and associative. With b = 62 - ceil(log2 N) a summand is
/// kept to 2^(1-2b) of the largest one (N = 256: 2^-107), and the result is the rounding of that sum to
/// double. The same idea as the pre-rounding of reproducible sums (Demmel and Nguyen 2015). `Magnitude` says
/// whose largest |x| that is.
class ExactSum {
 public:
  /// `size`: length of the vectors to be added; raises UsageError as require_countable() does. Not
  /// collective.
  ExactSum(const Communicator& comm, std::size_t size, Magnitude magnitude);

  /// Raises UsageError for vectors of more than 2^30 entries: each is two integers, and MPI counts in 32
  /// bits. Not collective.
  static void require_countable(double size);

  std::size_t size() const { return size_; }

  /// Adds all rows of all ranks. Collective; allocates nothing.
  /// @param rows (local_count, size()) row major: this rank's summands; a rank may have none
  /// @param global_count number of summands over all ranks or a larger number; the same on all ranks
  /// @param out (size()) overwritten with the sum, the same on all ranks
  [[nodiscard]] SumStatus sum(std::span<const double> rows, std::size_t local_count, std::size_t global_count,
                              std::span<double> out);

 private:
  /// Largest |x| of each entry or of the vector over all ranks, into largest_.
  void find_largest(std::span<const double> rows);

  Communicator comm_;
  std::size_t size_;
  Magnitude magnitude_;
  std::vector<std::int64_t> limbs_;    ///< (2, size): high parts, low parts
  std::vector<std::int64_t> largest_;  ///< (size or 1): bit patterns; that of NaN is larger than infinity's
};

/// The same sum where summands come one by one, and a bound of their entries is known before: memory does not
/// grow with their number. Entries are kept relative to the bound, as with Magnitude::of_vector.
class ExactAccumulator {
 public:
  /// `bound`: at least |x| of all entries but for rounding, finite; `count`: at least the number of summands
  /// over all ranks; both the same on all ranks. Raises UsageError as ExactSum::require_countable() does. Not
  /// collective.
  ExactAccumulator(const Communicator& comm, std::size_t size, double bound, std::size_t count);

  /// Adds x (size). Not collective.
  void add(std::span<const double> x);

  /// Overwrites out (size), on all ranks, with the sum of what all have added; non_finite where an entry was
  /// not finite or above the bound. To be called once. Collective.
  [[nodiscard]] SumStatus sum(std::span<double> out);

 private:
  Communicator comm_;
  std::size_t size_;
  int bits_, scale_;
  double limit_;
  std::vector<std::int64_t>
      limbs_;  ///< (2, size): high parts, low parts; then the number of refused summands
};

/// The exact sum of short rows, many on each rank (losses, metrics), entry by entry, or nothing where it is
/// not finite. Collective; `rows` is (any number, width) row major, width the same on all ranks.
[[nodiscard]] std::optional<std::vector<double>> exact_sum(const Communicator& comm,
                                                           std::span<const double> rows, std::size_t width);

}  // namespace spnode::parallel
