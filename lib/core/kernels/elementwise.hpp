#pragma once
/// Entry-by-entry operations on batches (rows, lanes). Nothing here allocates.

#include "core/model/options.hpp"
#include "core/types.hpp"

namespace spnode::core {

/// Y = value.
void fill(const ExecSpace& space, double value, MatrixView Y);

/// Y = alpha X.
void scaled_copy(const ExecSpace& space, double alpha, ConstMatrixView X, MatrixView Y);

/// Y += alpha X.
void axpy(const ExecSpace& space, double alpha, ConstMatrixView X, MatrixView Y);

/// Y = sigma(Y + b) with the bias b (rows) added to every lane.
void add_bias_and_activate(const ExecSpace& space, Activation sigma, ConstVectorView b, MatrixView Y);

/// Y_bar *= sigma'(x) where Y = sigma(x).
void activate_vjp(const ExecSpace& space, Activation sigma, ConstMatrixView Y, MatrixView Y_bar);

/// sums += the sum of X over its lanes; sums (rows). The gradient of a bias.
void add_row_sums(const ExecSpace& space, ConstMatrixView X, VectorView sums);

/// Y(i, :) *= factor(i).
void scale_rows(const ExecSpace& space, ConstVectorView factor, MatrixView Y);

/// Y(i, :) += factor(i) X(i, :).
void add_scaled_rows(const ExecSpace& space, ConstVectorView factor, ConstMatrixView X, MatrixView Y);

/// sums(i) += sum over lanes of X(i, :) Y(i, :).
void add_row_products(const ExecSpace& space, ConstMatrixView X, ConstMatrixView Y, VectorView sums);

}  // namespace spnode::core
