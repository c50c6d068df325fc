#pragma once
/// Temporary matrices of a tile, taken from memory that is allocated once.

#include "core/kernels/pack.hpp"
#include "core/types.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace spnode::core {

/// A stack of chunks of device memory. It grows on first use; after one pass over the largest tile it never
/// allocates again. Take matrices inside a Frame; they are given back when the frame ends.
class Scratch {
 public:
  /// Uninitialised (rows, lanes) matrix, valid until the enclosing Frame ends.
  MatrixView matrix(std::size_t rows, std::size_t lanes) {
    return MatrixView(take(rows * lanes), rows, lanes);
  }
  VectorView vector(std::size_t size) { return VectorView(take(size), size); }

  class Frame {
   public:
    explicit Frame(Scratch& scratch) : scratch_(scratch), chunk_(scratch.chunk_), used_(scratch.used_) {}
    ~Frame() {
      scratch_.chunk_ = chunk_;
      scratch_.used_ = used_;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    Scratch& scratch_;
    std::size_t chunk_, used_;
  };

  /// Memory held, in doubles.
  std::size_t capacity() const {
    std::size_t sum = 0;
    for (const Vector& chunk : chunks_) sum += chunk.extent(0);
    return sum;
  }

 private:
  double* take(std::size_t size) {
    size = padded(size);
    while (chunk_ < chunks_.size() && used_ + size > chunks_[chunk_].extent(0)) {
      ++chunk_;
      used_ = 0;
    }
    if (chunk_ == chunks_.size())
      chunks_.emplace_back(Kokkos::view_alloc(Kokkos::WithoutInitializing, "spnode::core::Scratch"),
                           std::max(size, smallest_chunk));
    double* const start = chunks_[chunk_].data() + used_;
    used_ += size;
    return start;
  }

  static constexpr std::size_t smallest_chunk = std::size_t{1} << 16;
  std::vector<Vector> chunks_;
  std::size_t chunk_ = 0, used_ = 0;
};

/// Rows [first, first + count) of a matrix.
inline MatrixView rows_of(const MatrixView& X, std::size_t first, std::size_t count) {
  return Kokkos::subview(X, std::make_pair(first, first + count), Kokkos::ALL);
}
inline ConstMatrixView rows_of(const ConstMatrixView& X, std::size_t first, std::size_t count) {
  return Kokkos::subview(X, std::make_pair(first, first + count), Kokkos::ALL);
}

/// Columns [first, first + count) of a matrix.
inline MatrixView lanes_of(const MatrixView& X, std::size_t first, std::size_t count) {
  return Kokkos::subview(X, Kokkos::ALL, std::make_pair(first, first + count));
}
inline ConstMatrixView lanes_of(const ConstMatrixView& X, std::size_t first, std::size_t count) {
  return Kokkos::subview(X, Kokkos::ALL, std::make_pair(first, first + count));
}

}  // namespace spnode::core
