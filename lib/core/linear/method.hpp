#pragma once

#include "core/support/words.hpp"

namespace spnode::core {

/// How functions of A_L act: dense matrices, or the matrix-free Taylor method of Al-Mohy and Higham.
enum class MatrixFunctionMethod { automatic, dense, taylor };

constexpr auto words_of(MatrixFunctionMethod) {
  return std::to_array<Word<MatrixFunctionMethod>>({{"automatic", MatrixFunctionMethod::automatic},
                                                    {"dense", MatrixFunctionMethod::dense},
                                                    {"taylor", MatrixFunctionMethod::taylor}});
}

}  // namespace spnode::core
