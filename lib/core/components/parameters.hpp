#pragma once
/// The named blocks of the flat parameter vector.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spnode::core {

/// Blocks of one group may have their own learning rate or be frozen.
enum class ParameterGroup { dynamics, autoencoder };

/// One named array inside the flat vector of parameters theta.
struct ParameterBlock {
  std::string name;                ///< path in the model file, for instance "linear/L_S"
  std::vector<std::size_t> shape;  ///< row major
  std::string meaning;             ///< one line for the reader of a model file
  ParameterGroup group = ParameterGroup::dynamics;
  bool frozen = false;  ///< kept at its initial value
  std::size_t offset = 0;

  std::size_t size() const {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    return n;
  }
};

/// The blocks of all components in the order of the flat vector.
class ParameterLayout {
 public:
  /// Appends a block and returns its offset.
  std::size_t add(ParameterBlock block) {
    block.offset = size_;
    size_ += block.size();
    blocks_.push_back(std::move(block));
    return blocks_.back().offset;
  }

  const std::vector<ParameterBlock>& blocks() const { return blocks_; }
  std::size_t size() const { return size_; }

 private:
  std::vector<ParameterBlock> blocks_;
  std::size_t size_ = 0;
};

}  // namespace spnode::core
