#pragma once
/// Which scheme advances the latent state, and how.

#include <cstddef>

namespace spnode::core {

enum class Scheme { etd1, etdrk2, etdrk4, imex_euler, imex_ssp2, imex_ars2, euler, rk4 };

/// How functions of A_L act: dense matrices, or the matrix-free Taylor method of Al-Mohy and Higham.
enum class MatrixFunctionMethod { automatic, dense, taylor };

struct IntegratorOptions {
  Scheme scheme = Scheme::etd1;
  std::size_t substeps = 1;  ///< steps per interval of the data
  MatrixFunctionMethod linear = MatrixFunctionMethod::automatic;
  std::size_t checkpoint_interval =
      0;  ///< reverse sweep: keep only every k-th state and recompute between; 0: keep all
};

}  // namespace spnode::core
