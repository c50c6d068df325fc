#pragma once
/// Small matrix products by BLAS and by libxsmm (where CMake found it), in the conventions of
/// core/kernels/gemm.hpp: row major, lanes contiguous.

#include "machine.hpp"

#include <cstddef>
#include <type_traits>

#ifdef SPNODE_BENCHMARK_LIBXSMM
#include <libxsmm.h>
#endif

extern "C" void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
                       const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
                       const float* beta, float* c, const int* ldc);

namespace spnode::benchmark {

/// C (m, n) = op(A) op(B) + beta C with an inner extent k.
struct ProductShape {
  enum class Kind {
    plain,      ///< A (m, k), B (k, n): gemm with Transpose::no, n lanes
    transpose,  ///< A (k, m), B (k, n): gemm with Transpose::yes, n lanes
    outer       ///< A (m, k), B (n, k): gemm_nt, k lanes; beta = 1
  };
  Kind kind;
  std::size_t m, n, k;

  double flops() const { return 2.0 * double(m) * double(n) * double(k); }
  double beta() const { return kind == Kind::outer ? 1.0 : 0.0; }
  const char* name() const {
    return kind == Kind::plain ? "A B" : kind == Kind::transpose ? "A^T B" : "A B^T +=";
  }
};

// Column-major libraries see the transposes: C^T = op(B)^T op(A)^T.
template <class Real>
void blas_product(const ProductShape& shape, const Real* a, const Real* b, Real* c) {
  const bool b_transposed = shape.kind == ProductShape::Kind::outer,
             a_transposed = shape.kind == ProductShape::Kind::transpose;
  const int m = int(shape.m), n = int(shape.n), k = int(shape.k);
  const int ldb = b_transposed ? k : n, lda = a_transposed ? m : k;
  const char op_b = b_transposed ? 'T' : 'N', op_a = a_transposed ? 'T' : 'N';
  const Real alpha = 1, beta = Real(shape.beta());
  if constexpr (sizeof(Real) == sizeof(double))
    dgemm_(&op_b, &op_a, &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &n);
  else
    sgemm_(&op_b, &op_a, &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &n);
}

#ifdef SPNODE_BENCHMARK_LIBXSMM
/// A kernel that libxsmm generates for one shape. It has none for a transposed left factor (as it sees it):
/// the outer product transposes B first, as gemm_nt does.
template <class Real>
class XsmmProduct {
 public:
  explicit XsmmProduct(const ProductShape& shape) : shape_(shape) {
    const int m = int(shape.m), n = int(shape.n), k = int(shape.k);
    const int lda = shape.kind == ProductShape::Kind::transpose ? m : k;
    const int flags = shape.kind == ProductShape::Kind::transpose ? LIBXSMM_GEMM_FLAG_TRANS_B : 0;
    const Real alpha = 1, beta = Real(shape.beta());
    if constexpr (is_double)
      kernel_ = libxsmm_dmmdispatch(n, m, k, &n, &lda, &n, &alpha, &beta, &flags, nullptr);
    else
      kernel_ = libxsmm_smmdispatch(n, m, k, &n, &lda, &n, &alpha, &beta, &flags, nullptr);
    if (shape.kind == ProductShape::Kind::outer)
      turned_ = static_cast<Real*>(libxsmm_aligned_malloc(shape.n * shape.k * sizeof(Real), 64));
  }
  ~XsmmProduct() { libxsmm_free(turned_); }
  XsmmProduct(const XsmmProduct&) = delete;
  XsmmProduct& operator=(const XsmmProduct&) = delete;

  /// Whether libxsmm generates code for this shape.
  bool exists() const { return kernel_ != nullptr; }

  void operator()(const Real* a, const Real* b, Real* c) const {
    const unsigned n = unsigned(shape_.n), k = unsigned(shape_.k);
    if (turned_) {
      libxsmm_otrans(turned_, b, sizeof(Real), k, n, k, n);
      b = turned_;
    }
    kernel_(b, a, c);
  }

 private:
  static constexpr bool is_double = sizeof(Real) == sizeof(double);
  ProductShape shape_;
  std::conditional_t<is_double, libxsmm_dmmfunction, libxsmm_smmfunction> kernel_ = nullptr;
  Real* turned_ = nullptr;
};
#endif

}  // namespace spnode::benchmark
