#pragma once

#include "core/matrix_functions/structured_matrix.hpp"

#include <cstddef>

namespace spnode::core {

/// A_L with all real parts of its spectrum below mu: dense, (G_s + G_u) S + mu I (SPNODE-25, Theorem 1 and
/// eqs. (3)-(5)), or of a structure whose cost is linear in n (core/linear/hurwitz.hpp).
struct HurwitzOptions {
  double mu = 0.0;        ///< upper bound of the real parts of the spectrum, 1/time
  double rate_min = 1.0;  ///< smallest decay rate below mu at the start, 1/time
  double rate_max = 1.0;  ///< largest; rates are spread evenly in the logarithm
  double noise = 0.05;    ///< size of the random entries of the factors at the start
  bool trainable = true;
  LinearStructure structure = LinearStructure::dense;
  std::size_t rank = 4;  ///< r of low_rank
};

}  // namespace spnode::core
