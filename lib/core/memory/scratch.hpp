#pragma once
/// Temporary matrices of a tile, taken from memory that is allocated once.

#include "core/memory/types.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace spnode::core {

template <class Real>
class ScratchFrame;

/// A stack of chunks of device memory. It grows on first use; after one pass over the largest tile it never
/// allocates again. Take matrices while a ScratchFrame stands; they are given back when the frame ends.
template <class Real>
class Scratch {
 public:
  /// Uninitialised (rows, lanes) matrix, valid until the enclosing frame ends.
  MatrixView<Real> matrix(std::size_t rows, std::size_t lanes) {
    return MatrixView<Real>(take(rows * lanes), rows, lanes);
  }
  VectorView<Real> vector(std::size_t size) { return VectorView<Real>(take(size), size); }

  /// Memory held.
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Vector<Real>& chunk : chunks_) sum += chunk.extent(0) * sizeof(Real);
    return sum;
  }

 private:
  friend class ScratchFrame<Real>;

  Real* take(std::size_t size) {
    constexpr std::size_t line = 64 / sizeof(Real);  // what is taken starts with a cache line
    size = (size + line - 1) / line * line;
    while (chunk_ < chunks_.size() && used_ + size > chunks_[chunk_].extent(0)) {
      ++chunk_;
      used_ = 0;
    }
    if (chunk_ == chunks_.size())
      chunks_.emplace_back(Kokkos::view_alloc(Kokkos::WithoutInitializing, "spnode::core::Scratch"),
                           std::max(size, smallest_chunk));
    Real* const start = chunks_[chunk_].data() + used_;
    used_ += size;
    return start;
  }

  static constexpr std::size_t smallest_chunk = std::size_t{1} << 16;
  std::vector<Vector<Real>> chunks_;
  std::size_t chunk_ = 0, used_ = 0;
};

/// What is taken from a Scratch while the frame stands is given back at its end.
template <class Real>
class ScratchFrame {
 public:
  explicit ScratchFrame(Scratch<Real>& scratch)
      : scratch_(scratch), chunk_(scratch.chunk_), used_(scratch.used_) {}
  ~ScratchFrame() {
    scratch_.chunk_ = chunk_;
    scratch_.used_ = used_;
  }
  ScratchFrame(const ScratchFrame&) = delete;
  ScratchFrame& operator=(const ScratchFrame&) = delete;

 private:
  Scratch<Real>& scratch_;
  std::size_t chunk_, used_;
};

/// Rows [first, first + count) of a matrix; Entry: double or float, const or not.
template <class Entry>
MatrixView<Entry> rows_of(const MatrixView<Entry>& X, std::size_t first, std::size_t count) {
  return Kokkos::subview(X, std::make_pair(first, first + count), Kokkos::ALL);
}

/// Columns [first, first + count) of a matrix.
template <class Entry>
MatrixView<Entry> lanes_of(const MatrixView<Entry>& X, std::size_t first, std::size_t count) {
  return Kokkos::subview(X, Kokkos::ALL, std::make_pair(first, first + count));
}

}  // namespace spnode::core
