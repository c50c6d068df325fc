#pragma once
/// Products of small matrices with batches of vectors, lanes contiguous.

#include "core/memory/stack.hpp"
#include "core/memory/types.hpp"

namespace spnode::core {

enum class Transpose { no, yes };

/// C = beta C + alpha op(A) B.
///
/// A is (M, K), or (K, M) with Transpose::yes; B is (K, lanes), in one piece or several; C is (M, lanes) and
/// must not alias A or B. beta = 0 overwrites C, whatever it holds. Every entry of C is one sum over k in
/// ascending order: its bits depend neither on the lanes beside it nor on the number of lanes, as long as
/// that is a multiple of the width of a pack. Real, double or float, is deduced from C where that is a
/// MatrixView. Allocates nothing.
template <class Real>
void gemm(const ExecSpace& space, double alpha, InputMatrix<Real> A, Transpose transpose,
          const InputStack<Real>& B, double beta, MatrixView<Real> C);

/// C += alpha A B^T, the sum over lanes.
///
/// A is (M, lanes), B is (K, lanes), in one piece or several; C is (M, K) and must not alias A or B. The
/// gradient of a weight matrix in y = W x is gemm_nt(1, y_bar, x, W_bar). Lanes are summed in ascending
/// order. Allocates nothing.
template <class Real>
void gemm_nt(const ExecSpace& space, double alpha, InputMatrix<Real> A, const InputStack<Real>& B,
             MatrixView<Real> C);

}  // namespace spnode::core
