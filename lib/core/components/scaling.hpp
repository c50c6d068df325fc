#pragma once

#include <vector>

namespace spnode::core {

/// z = (x - shift) / scale, entry by entry; part of the model, not trained.
struct Scaling {
  std::vector<double> shift, scale;  ///< (state dimension), scale > 0
};

}  // namespace spnode::core
