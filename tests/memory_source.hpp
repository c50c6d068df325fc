#pragma once
/// A source of streamed states that has them in memory.

#include "core/data/state_source.hpp"
#include "core/data/windows.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace spnode::tests {

/// Copies the states of `all` that are asked for, in the precision in which they are held there.
class MemorySource final : public core::StateSource {
 public:
  MemorySource(core::Trajectories all, std::size_t capacity)
      : all_(std::move(all)), capacity_(capacity), state_(places), single_(places) {}

  std::size_t capacity() const override { return capacity_; }
  void start(std::size_t place, std::span<const core::StateBlock> blocks) override {
    state_[place].clear();
    single_[place].clear();
    for (const core::StateBlock& block : blocks)
      for (std::size_t k = block.first; k < block.first + block.count; ++k) {
        const std::size_t row = k * all_.components;
        const auto copy = [&](const auto& from, auto& to) {
          if (!from.empty())
            to.insert(to.end(), from.begin() + std::ptrdiff_t(row + block.begin),
                      from.begin() + std::ptrdiff_t(row + block.end));
        };
        copy(all_.state, state_[place]);
        copy(all_.single, single_[place]);
      }
    ++pieces;
  }
  void finish() override {}
  core::HeldNumbers numbers(std::size_t place, std::size_t offset) const override {
    return single_[place].empty() ? core::HeldNumbers(state_[place].data() + offset)
                                  : core::HeldNumbers(single_[place].data() + offset);
  }

  inline static std::size_t pieces = 0;  ///< that were started

 private:
  core::Trajectories all_;
  std::size_t capacity_;
  std::vector<std::vector<double>> state_;
  std::vector<std::vector<float>> single_;
};

/// The same data with streamed states, in pieces of `capacity` numbers.
inline core::WindowData streamed(const core::WindowData& data, std::size_t capacity) {
  const core::Trajectories& held = data.held();
  core::WindowData copy(data.index(), core::without_states(held), data.first(),
                        std::make_shared<core::StreamedStates>(std::make_unique<MemorySource>(held, capacity),
                                                               held.count * held.times, held.components));
  copy.set_weight(data.weight());
  return copy;
}

}  // namespace spnode::tests
