#include "core/data/state_source.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <utility>

namespace spnode::core {

StreamedStates::StreamedStates(std::unique_ptr<StateSource> source, std::size_t states,
                               std::size_t components)
    : source_(std::move(source)), states_(states), components_(components) {}

HeldNumbers StreamedStates::read(std::size_t state, std::size_t begin, std::size_t end) {
  const StateBlock wanted{state, 1, begin, end};
  if (const auto numbers = find(wanted)) return *numbers;
  const StateBlock block = widest(state, begin, end);
  load({block}, after(block));
  return *find(wanted);
}

// As many states as a piece holds; as many components where it holds all the states that are left.
StateBlock StreamedStates::widest(std::size_t state, std::size_t begin, std::size_t end) const {
  StateBlock block{state, std::min(capacity() / (end - begin), states_ - state), begin, end};
  if (block.first + block.count == states_)
    block.end = std::min(components_, begin + std::max(end - begin, capacity() / block.count));
  return block;
}

// What a pass reads after a block; nothing where that is not known.
std::vector<StateBlock> StreamedStates::after(const StateBlock& block) const {
  const std::size_t behind = block.first + block.count;
  if (behind < states_) return {{behind, std::min(block.count, states_ - behind), block.begin, block.end}};
  if (block.end < components_)
    return {{block.first, block.count, block.end, std::min(components_, block.end + block.width())}};
  return {};
}

void StreamedStates::load(std::vector<StateBlock> blocks, std::vector<StateBlock> next) {
  Piece wanted = piece_of(std::move(blocks));
  std::size_t place = 0;
  while (place < pieces_.size() && pieces_[place].blocks != wanted.blocks) ++place;
  if (place == pieces_.size()) {
    place = 1 - present_;
    start(place, std::move(wanted));
  }
  if (!pieces_[place].complete) drain();
  present_ = place;
  Piece ahead = piece_of(std::move(next));
  const auto is_there = [&](const Piece& piece) { return piece.blocks == ahead.blocks; };
  if (!ahead.blocks.empty() && std::ranges::none_of(pieces_, is_there)) start(1 - place, std::move(ahead));
}

// Waits for what is being read.
void StreamedStates::drain() {
  if (!pending_) return;
  const std::size_t place = *std::exchange(pending_, std::nullopt);
  try {
    source_->finish();
  } catch (...) {
    pieces_[place] = {};
    throw;
  }
  pieces_[place].complete = true;
}

void StreamedStates::start(std::size_t place, Piece piece) {
  drain();
  source_->start(place, piece.blocks);
  pieces_[place] = std::move(piece);
  pending_ = place;
}

// Blocks in ascending order, those that overlap or follow each other as one.
StreamedStates::Piece StreamedStates::piece_of(std::vector<StateBlock> blocks) const {
  std::ranges::sort(blocks, {}, &StateBlock::first);
  Piece piece;
  std::size_t offset = 0;
  for (const StateBlock& block : blocks) {
    StateBlock* const last = piece.blocks.empty() ? nullptr : &piece.blocks.back();
    if (last != nullptr && block.first <= last->first + last->count && block.begin == last->begin &&
        block.end == last->end) {
      const std::size_t behind = std::max(last->first + last->count, block.first + block.count),
                        more = behind - last->first - last->count;
      last->count += more;
      offset += more * block.width();
    } else {
      piece.blocks.push_back(block);
      piece.offsets.push_back(offset);
      offset += block.size();
    }
  }
  if (offset > capacity())
    throw Error(ExitStatus::internal_error, "a piece of " + std::to_string(offset) +
                                                " numbers is asked for, of " + std::to_string(capacity()) +
                                                " at most");
  return piece;
}

std::optional<HeldNumbers> StreamedStates::find(const StateBlock& wanted) const {
  const Piece& piece = pieces_[present_];
  if (!piece.complete) return std::nullopt;
  auto block = std::ranges::upper_bound(piece.blocks, wanted.first, {}, &StateBlock::first);
  if (block == piece.blocks.begin()) return std::nullopt;
  --block;
  if (wanted.first + wanted.count > block->first + block->count || wanted.begin < block->begin ||
      wanted.end > block->end)
    return std::nullopt;
  const std::size_t row = wanted.first - block->first;
  return source_->numbers(present_, piece.offsets[std::size_t(block - piece.blocks.begin())] +
                                        row * block->width() + wanted.begin - block->begin);
}

}  // namespace spnode::core
