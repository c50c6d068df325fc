#pragma once
/// States that are not held, but read while they are used.

#include "core/data/trajectories.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace spnode::core {

/// Some components of consecutive states. States are numbered trajectory by trajectory.
struct StateBlock {
  std::size_t first = 0, count = 0;  ///< states
  std::size_t begin = 0, end = 0;    ///< components, [begin, end)

  std::size_t width() const { return end - begin; }
  std::size_t size() const { return count * width(); }
  bool operator==(const StateBlock&) const = default;
};

/// Reads states into one of two places while the other one is used.
class StateSource {
 public:
  static constexpr std::size_t places = 2;
  virtual ~StateSource() = default;

  /// Numbers that a place holds.
  virtual std::size_t capacity() const = 0;

  /// Begins to read blocks, one behind the other, each (count, width) row major, into a place. finish() must
  /// follow before the next start().
  virtual void start(std::size_t place, std::span<const StateBlock> blocks) = 0;

  /// Waits for what was started. Raises FileError.
  virtual void finish() = 0;

  /// The numbers of a place from `offset` on.
  virtual HeldNumbers numbers(std::size_t place, std::size_t offset) const = 0;
};

/// The states of trajectories in pieces, of which the next one is read while the present one is used.
/// Single-threaded use.
class StreamedStates {
 public:
  /// `states` and `components`: of all trajectories of the source.
  StreamedStates(std::unique_ptr<StateSource> source, std::size_t states, std::size_t components);
  StreamedStates(const StreamedStates&) = delete;
  StreamedStates& operator=(const StreamedStates&) = delete;

  /// Numbers of a piece.
  std::size_t capacity() const { return source_->capacity(); }

  /// Components [begin, end) of a state, valid until the next call of read() or load(). For passes over the
  /// states in their order, or over some components of them: reads ahead as if one went on. Raises FileError.
  HeldNumbers read(std::size_t state, std::size_t begin, std::size_t end);

  /// Makes a piece of blocks the present one; they may overlap. Then reads `next` ahead, if it is no piece
  /// that is there. Raises FileError.
  void load(std::vector<StateBlock> blocks, std::vector<StateBlock> next);

  /// The numbers of a block of the present piece; their rows are apart as in the block that holds them: as
  /// long as a state for a block of whole states. None: it is not there.
  std::optional<HeldNumbers> find(const StateBlock& wanted) const;

 private:
  struct Piece {
    std::vector<StateBlock> blocks;  // ascending, without overlap
    std::vector<std::size_t> offsets;
    bool complete = false;
  };

  Piece piece_of(std::vector<StateBlock> blocks) const;
  void drain();
  void start(std::size_t place, Piece piece);
  StateBlock widest(std::size_t state, std::size_t begin, std::size_t end) const;
  std::vector<StateBlock> after(const StateBlock& block) const;

  std::unique_ptr<StateSource> source_;
  std::size_t states_, components_;
  std::array<Piece, StateSource::places> pieces_;
  std::size_t present_ = 0;
  std::optional<std::size_t> pending_;  // the place that is being read into
};

}  // namespace spnode::core
