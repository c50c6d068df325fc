#include "core/matrix_functions/lane_operator.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/memory/scratch.hpp"
#include "core/support/error.hpp"

#include <vector>

namespace spnode::core {

template <class Real>
void turn(const ExecSpace& space, Transpose transpose, MatrixView<Real> z) {
  const std::size_t r = z.extent(0) / 3, lanes = z.extent(1);
  const Real sign = transpose == Transpose::no ? Real(1) : Real(-1);
  Kokkos::parallel_for(
      "spnode::core::turn", Kokkos::RangePolicy<ExecSpace>(space, 0, r), KOKKOS_LAMBDA(const std::size_t k) {
        for (std::size_t l = 0; l < lanes; ++l) {
          const Real second = z(r + k, l);
          z(k, l) = -z(k, l);
          z(r + k, l) = sign * z(2 * r + k, l);
          z(2 * r + k, l) = -sign * second;
        }
      });
}

namespace {

template <class Real>
class DenseLanes final : public LaneOperator<Real> {
 public:
  explicit DenseLanes(std::size_t n) : n_(n), matrix_("spnode::core::DenseLanes", n, n), host_(n * n) {}

  std::size_t work_rows() const override { return 0; }

  void update(std::span<const double> coefficients, double shift) override {
    host_.assign(coefficients.begin(), coefficients.end());
    for (std::size_t i = 0; i < n_; ++i) host_[i * (n_ + 1)] -= shift;
    upload(host_, matrix_);
  }

  void apply(const ExecSpace& space, double alpha, Transpose transpose, InputMatrix<Real> X, double beta,
             MatrixView<Real> Y, MatrixView<Real>) const override {
    gemm<Real>(space, alpha, matrix_, transpose, X, beta, Y);
  }

  void apply_vjp(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y_bar, VectorView<Real> bar,
                 MatrixView<Real>) const override {
    gemm_nt<Real>(space, 1.0, Y_bar, X, MatrixView<Real>(bar.data(), n_, n_));
  }

  void apply_jvp(const ExecSpace& space, InputVector<Real> dot, InputMatrix<Real> X, MatrixView<Real> Y,
                 MatrixView<Real>) const override {
    gemm<Real>(space, 1.0, ConstMatrixView<Real>(dot.data(), n_, n_), Transpose::no, X, 1.0, Y);
  }

 private:
  std::size_t n_;
  Matrix<Real> matrix_;
  std::vector<double> host_;
};

/// Y += alpha d X, row by row.
template <class Real>
void add_diagonal(const ExecSpace& space, double alpha, InputVector<Real> d, InputMatrix<Real> X,
                  MatrixView<Real> Y) {
  const Real a = Real(alpha);
  const std::size_t lanes = Y.extent(1);
  Kokkos::parallel_for(
      "spnode::core::add_diagonal", Kokkos::RangePolicy<ExecSpace>(space, 0, Y.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const Real factor = a * d(i);
        for (std::size_t l = 0; l < lanes; ++l) Y(i, l) += factor * X(i, l);
      });
}

/// diag(d) + F J F^T: two thin products.
template <class Real>
class LowRankLanes final : public LaneOperator<Real> {
 public:
  explicit LowRankLanes(const LinearShape& shape)
      : n_(shape.n),
        columns_(shape.columns()),
        diagonal_("spnode::core::LowRankLanes", shape.n),
        factors_("spnode::core::LowRankLanes", shape.n, shape.columns()) {}

  std::size_t work_rows() const override { return columns_; }

  void update(std::span<const double> coefficients, double shift) override {
    std::vector<double> shifted(coefficients.begin(), coefficients.begin() + std::ptrdiff_t(n_));
    for (double& d : shifted) d -= shift;
    upload(std::span<const double>(shifted), diagonal_);
    upload(coefficients.subspan(n_), factors_);
  }

  void apply(const ExecSpace& space, double alpha, Transpose transpose, InputMatrix<Real> X, double beta,
             MatrixView<Real> Y, MatrixView<Real> work) const override {
    gemm<Real>(space, 1.0, factors_, Transpose::yes, X, 0.0, work);
    turn(space, transpose, work);
    gemm<Real>(space, alpha, factors_, Transpose::no, work, beta, Y);
    add_diagonal<Real>(space, alpha, diagonal_, X, Y);
  }

  void apply_vjp(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y_bar, VectorView<Real> bar,
                 MatrixView<Real> work) const override {
    const MatrixView<Real> F_bar(bar.data() + n_, n_, columns_);
    add_row_products<Real>(space, X, Y_bar, VectorView<Real>(bar.data(), n_));
    gemm<Real>(space, 1.0, factors_, Transpose::yes, X, 0.0, work);
    turn(space, Transpose::no, work);
    gemm_nt<Real>(space, 1.0, Y_bar, work, F_bar);
    gemm<Real>(space, 1.0, factors_, Transpose::yes, Y_bar, 0.0, work);
    turn(space, Transpose::yes, work);
    gemm_nt<Real>(space, 1.0, X, work, F_bar);
  }

  void apply_jvp(const ExecSpace& space, InputVector<Real> dot, InputMatrix<Real> X, MatrixView<Real> Y,
                 MatrixView<Real> work) const override {
    const ConstMatrixView<Real> F_dot(dot.data() + n_, n_, columns_);
    add_diagonal<Real>(space, 1.0, InputVector<Real>(dot.data(), n_), X, Y);
    gemm<Real>(space, 1.0, factors_, Transpose::yes, X, 0.0, work);
    turn(space, Transpose::no, work);
    gemm<Real>(space, 1.0, F_dot, Transpose::no, work, 1.0, Y);
    gemm<Real>(space, 1.0, F_dot, Transpose::yes, X, 0.0, work);
    turn(space, Transpose::no, work);
    gemm<Real>(space, 1.0, factors_, Transpose::no, work, 1.0, Y);
  }

 private:
  std::size_t n_, columns_;
  Vector<Real> diagonal_;
  Matrix<Real> factors_;
};

}  // namespace

template <class Real>
std::unique_ptr<LaneOperator<Real>> make_lane_operator(const LinearShape& shape) {
  if (shape.structure == LinearStructure::dense) return std::make_unique<DenseLanes<Real>>(shape.n);
  if (shape.structure == LinearStructure::low_rank) return std::make_unique<LowRankLanes<Real>>(shape);
  throw UsageError("the Taylor method takes dense and low-rank operators; blocks have closed forms");
}

template void turn(const ExecSpace&, Transpose, MatrixView<double>);
template void turn(const ExecSpace&, Transpose, MatrixView<float>);
template std::unique_ptr<LaneOperator<double>> make_lane_operator(const LinearShape&);
template std::unique_ptr<LaneOperator<float>> make_lane_operator(const LinearShape&);

}  // namespace spnode::core
