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
  std::size_t keep_every = 1;  ///< reverse sweep: keep every k-th step's state and recompute between them
};

}  // namespace spnode::core
