#include "training/window_pieces.hpp"

#include <algorithm>

namespace spnode::training {

void WindowPieces::hold(TilePosition position, std::span<const std::uint64_t> tile) const {
  if (data_.has(tile)) return;
  const std::vector<std::uint64_t> piece = take(position), next = take(position);
  data_.load(piece, next);
}

// The windows of the tiles from a position on, which moves behind them: no window twice.
std::vector<std::uint64_t> WindowPieces::take(TilePosition& position) const {
  const std::size_t most = data_.windows_at_once();
  std::vector<std::uint64_t> piece, windows;
  for (;;) {
    if (position.batch)
      sampler_.draw(*position.batch, position.share, windows);
    else
      sampler_.draw_all(position.share, windows);
    while (position.begin < windows.size()) {
      const std::size_t count = std::min(sampler_.tile(), windows.size() - position.begin);
      if (piece.size() + count > most) return piece;
      const auto tile = windows.begin() + std::ptrdiff_t(position.begin);
      piece.insert(piece.end(), tile, tile + std::ptrdiff_t(count));
      position.begin += count;
    }
    position.begin = 0;
    if (++position.share < shares_.end) continue;
    position.share = shares_.begin;
    if (!position.batch) return piece;
    if (++position.batch->step < sampler_.steps_per_epoch()) continue;
    position.batch->step = 0;
    ++position.batch->epoch;
    return piece;
  }
}

}  // namespace spnode::training
