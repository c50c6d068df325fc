#include "catch.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/random.hpp"

#include <cmath>

using namespace spnode::core;

namespace {

Matrix<double> random_matrix(std::size_t rows, std::size_t columns, std::uint64_t stream) {
  const Random random(11, stream);
  Matrix<double> A("A", rows, columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) A(i, j) = random.normal(i * columns + j);
  return A;
}

}  // namespace

TEST_CASE("gemm_agrees_with_its_definition_for_all_remainders") {
  const ExecSpace space;
  for (const std::size_t m : {1, 3, 10, 11, 20, 37})
    for (const std::size_t k : {1, 5, 20})
      for (const std::size_t lanes : {1, 7, 8, 12, 16, 29, 64, 131}) {
        const Matrix<double> A = random_matrix(m, k, 1), At = random_matrix(k, m, 2),
                             B = random_matrix(k, lanes, 3), D = random_matrix(m, lanes, 4);
        Matrix<double> C = random_matrix(m, lanes, 5), Ct = random_matrix(m, lanes, 5),
                       G = random_matrix(m, k, 6);
        const Matrix<double> C0 = random_matrix(m, lanes, 5), G0 = random_matrix(m, k, 6);
        gemm<double>(space, 1.5, A, Transpose::no, B, 0.5, C);
        gemm<double>(space, -2.0, At, Transpose::yes, B, 0.0, Ct);
        gemm_nt<double>(space, 0.25, D, B, G);
        double error = 0.0;
        for (std::size_t i = 0; i < m; ++i) {
          for (std::size_t l = 0; l < lanes; ++l) {
            double plain = 0.0, transposed = 0.0;
            for (std::size_t j = 0; j < k; ++j) {
              plain += A(i, j) * B(j, l);
              transposed += At(j, i) * B(j, l);
            }
            error = std::max(error, std::abs(C(i, l) - (0.5 * C0(i, l) + 1.5 * plain)));
            error = std::max(error, std::abs(Ct(i, l) + 2.0 * transposed));
          }
          for (std::size_t j = 0; j < k; ++j) {
            double sum = 0.0;
            for (std::size_t l = 0; l < lanes; ++l) sum += D(i, l) * B(j, l);
            error = std::max(error, std::abs(G(i, j) - (G0(i, j) + 0.25 * sum)));
          }
        }
        CAPTURE(m, k, lanes);
        REQUIRE(error < 1e-12);
      }
}

TEST_CASE("gemm_gives_the_same_bits_whatever_lanes_stand_beside") {
  const ExecSpace space;
  const Matrix<double> A = random_matrix(20, 33, 1), B = random_matrix(33, 64, 2);
  Matrix<double> all("all", 20, 64), part("part", 20, 8);
  gemm<double>(space, 1.0, A, Transpose::no, B, 0.0, all);
  gemm<double>(space, 1.0, A, Transpose::no, Kokkos::subview(B, Kokkos::ALL, std::make_pair(40, 48)), 0.0,
               part);
  for (std::size_t i = 0; i < 20; ++i)
    for (std::size_t l = 0; l < 8; ++l) REQUIRE(part(i, l) == all(i, 40 + l));
}

TEST_CASE("tanh_is_accurate_to_two_units_in_the_last_place") {
  const ExecSpace space;
  const std::size_t n = 100001;
  Matrix<double> Y("Y", 1, n);
  Vector<double> b("b", 1);
  const auto x = [n](std::size_t i) { return 25.0 * std::pow(2.0 * double(i) / double(n - 1) - 1.0, 5); };
  for (std::size_t i = 0; i < n; ++i) Y(0, i) = x(i);
  add_bias_and_activate<double>(space, Activation::tanh, b, Y);
  for (std::size_t i = 0; i < n; ++i) {
    const double exact = std::tanh(x(i));
    REQUIRE(std::abs(Y(0, i) - exact) <= 4.5e-16 * std::abs(exact));
  }
}

TEST_CASE("tanh_keeps_nan_and_saturates_at_infinity") {
  const ExecSpace space;
  Matrix<double> Y("Y", 1, 3);
  Vector<double> b("b", 1);
  Y(0, 0) = NAN;
  Y(0, 1) = INFINITY;
  Y(0, 2) = -INFINITY;
  add_bias_and_activate<double>(space, Activation::tanh, b, Y);
  CHECK(std::isnan(Y(0, 0)));
  CHECK(Y(0, 1) == 1.0);
  CHECK(Y(0, 2) == -1.0);
}

TEST_CASE("row_sums_agree_with_their_definition") {
  const ExecSpace space;
  const Matrix<double> X = random_matrix(3, 29, 1), Y = random_matrix(3, 29, 2);
  Vector<double> sums("sums", 3), products("products", 3);
  add_row_sums<double>(space, X, sums);
  add_row_products<double>(space, X, Y, products);
  for (std::size_t i = 0; i < 3; ++i) {
    double sum = 0.0, product = 0.0;
    for (std::size_t l = 0; l < 29; ++l) sum += X(i, l), product += X(i, l) * Y(i, l);
    CHECK(sums(i) == Approx(sum).epsilon(1e-13));
    CHECK(products(i) == Approx(product).epsilon(1e-13));
  }
}
