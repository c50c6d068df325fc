#pragma once
/// Which windows of streamed data are read at a time, and which ahead.

#include "core/data/windows.hpp"
#include "training/sampler.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace spnode::training {

/// A tile of a batch, or of all windows.
struct TilePosition {
  std::optional<BatchNumber> batch;
  std::size_t share = 0, begin = 0;  ///< begin: among the windows of the share
};

/// Holds the windows of the tiles that are computed. A piece is as many of the tiles that follow each other
/// as are held at a time: those of several steps, at most to the end of an epoch, or part of a full batch.
/// The piece behind it is read while one is computed. What is computed does not depend on pieces.
class WindowPieces {
 public:
  /// `shares` are computed here. All must outlive this.
  WindowPieces(const core::WindowData& data, const Sampler& sampler, parallel::Range shares)
      : data_(data), sampler_(sampler), shares_(shares) {}

  /// Lets the windows of a tile be viewed. Raises FileError. Not collective.
  void hold(TilePosition position, std::span<const std::uint64_t> tile) const;

 private:
  std::vector<std::uint64_t> take(TilePosition& position) const;

  const core::WindowData& data_;
  const Sampler& sampler_;
  parallel::Range shares_;
};

}  // namespace spnode::training
