#pragma once
/// Long vectors of which every rank keeps a part.

#include "parallel/communicator.hpp"
#include "parallel/partition.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::parallel {

/// What a rank keeps of a vector.
struct VectorPart {
  std::vector<double> entries;
  std::size_t size = 0;  ///< of the whole vector
};

/// Equal parts of a vector that is long, one for each rank; of a short one every rank keeps the whole,
/// because messages would take longer than they save.
class VectorParts {
 public:
  /// A vector of `size` entries; it is long from `long_from` on. Raises UsageError for a long one of 2^31
  /// entries or more.
  VectorParts(const Communicator& comm, std::size_t size, std::size_t long_from);

  /// The entries that this rank keeps.
  Range own() const { return own_; }

  /// Of a vector that this rank holds whole. Not collective.
  VectorPart take(std::span<const double> whole) const;

  /// Gives every rank the entries that the other ranks have changed, each in its own part. Collective.
  void exchange(std::span<double> whole) const;

  /// The whole vector on rank 0, nothing on the others. Collective.
  std::vector<double> gather(const VectorPart& part) const;

 private:
  /// Of the ranks' parts, as MPI counts.
  struct Places {
    std::vector<int> counts, first;
  };
  Places places() const;

  Communicator comm_;
  std::size_t size_;
  Range own_;
  bool shared_ = false;
};

}  // namespace spnode::parallel
