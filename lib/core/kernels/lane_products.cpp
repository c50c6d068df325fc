#include "core/kernels/lane_products.hpp"

#include "core/kernels/lanes.hpp"

namespace spnode::core {

template <class Real>
void add_lane_product(const ExecSpace& space, InputMatrix<Real> M, InputMatrix<Real> X, MatrixView<Real> Y) {
  const std::size_t n = X.extent(0);
  for_each_row(
      "lane_product", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        Real* const __restrict y = &Y(i, 0);
        for (std::size_t j = 0; j < n; ++j) {
          const Real* const m = &M(i * n + j, 0);
          const Real* const x = &X(j, 0);
          for (std::size_t l = first; l < last; ++l) y[l] += m[l] * x[l];
        }
      });
}

template <class Real>
void add_lane_product_transposed(const ExecSpace& space, InputMatrix<Real> M, InputMatrix<Real> Y,
                                 MatrixView<Real> X) {
  const std::size_t n = X.extent(0), m = Y.extent(0);
  for_each_row(
      "lane_product_t", space, n, X.extent(1),
      KOKKOS_LAMBDA(const std::size_t j, const std::size_t first, const std::size_t last) {
        Real* const __restrict x = &X(j, 0);
        for (std::size_t i = 0; i < m; ++i) {
          const Real* const entry = &M(i * n + j, 0);
          const Real* const y = &Y(i, 0);
          for (std::size_t l = first; l < last; ++l) x[l] += entry[l] * y[l];
        }
      });
}

template <class Real>
void add_lane_outer(const ExecSpace& space, InputMatrix<Real> Y, InputMatrix<Real> X, MatrixView<Real> M) {
  const std::size_t n = X.extent(0);
  for_each_row(
      "lane_outer", space, M.extent(0), M.extent(1),
      KOKKOS_LAMBDA(const std::size_t entry, const std::size_t first, const std::size_t last) {
        Real* const __restrict m = &M(entry, 0);
        const Real* const y = &Y(entry / n, 0);
        const Real* const x = &X(entry % n, 0);
        for (std::size_t l = first; l < last; ++l) m[l] += y[l] * x[l];
      });
}

template <class Real>
void add_lanes_scaled(const ExecSpace& space, InputMatrix<Real> w, InputMatrix<Real> X, MatrixView<Real> Y) {
  for_each_row(
      "lanes_scaled", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) Y(i, l) += w(0, l) * X(i, l);
      });
}

template <class Real>
void add_lane_dots(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y, MatrixView<Real> sums) {
  const std::size_t rows = X.extent(0);
  for_each_row(
      "lane_dots", space, 1, sums.extent(1),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t l = first; l < last; ++l) sums(0, l) += X(i, l) * Y(i, l);
      });
}

template <class Real>
void add_block_products(const ExecSpace& space, InputMatrix<Real> A, InputMatrix<Real> B,
                        MatrixView<Real> Y) {
  const std::size_t n = Y.extent(0), blocks = A.extent(0) / n;
  for_each_row(
      "block_products", space, n, Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t k = 0; k < blocks; ++k)
          for (std::size_t l = first; l < last; ++l) Y(i, l) += A(k * n + i, l) * B(k * n + i, l);
      });
}

template <class Real>
void add_block_products_vjp(const ExecSpace& space, InputMatrix<Real> B, InputMatrix<Real> Y,
                            MatrixView<Real> A) {
  const std::size_t n = Y.extent(0);
  for_each_row(
      "block_products", space, A.extent(0), A.extent(1),
      KOKKOS_LAMBDA(const std::size_t row, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) A(row, l) += B(row, l) * Y(row % n, l);
      });
}

#define SPNODE_LANE_PRODUCTS(Real)                                                                          \
  template void add_lane_product(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, MatrixView<Real>); \
  template void add_lane_product_transposed(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>,         \
                                            MatrixView<Real>);                                              \
  template void add_lane_outer(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, MatrixView<Real>);   \
  template void add_lanes_scaled(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, MatrixView<Real>); \
  template void add_lane_dots(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, MatrixView<Real>);    \
  template void add_block_products(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>,                  \
                                   MatrixView<Real>);                                                       \
  template void add_block_products_vjp(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>,              \
                                       MatrixView<Real>);
SPNODE_LANE_PRODUCTS(double)
SPNODE_LANE_PRODUCTS(float)
#undef SPNODE_LANE_PRODUCTS

}  // namespace spnode::core
