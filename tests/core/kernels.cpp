#include "catch.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"
#include "core/memory/scratch.hpp"
#include "core/support/random.hpp"
#include "helpers.hpp"

#include <cmath>
#include <limits>

using namespace spnode::core;
using spnode::test::on_host;
using spnode::test::roundoff;

namespace {

template <class Real>
Matrix<Real> random_matrix(std::size_t rows, std::size_t columns, std::uint64_t stream) {
  const Random random(11, stream);
  Matrix<Real> A("A", rows, columns);
  std::vector<double> entries(rows * columns);
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = random.normal(i);
  upload(entries, A);
  return A;
}

}  // namespace

TEMPLATE_TEST_CASE("gemm_agrees_with_its_definition_for_all_remainders", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  for (const std::size_t m : {1, 3, 10, 11, 20, 37})
    for (const std::size_t k : {1, 5, 20})
      for (const std::size_t lanes : {1, 7, 8, 12, 16, 29, 64, 131}) {
        const Matrix<Real> A = random_matrix<Real>(m, k, 1), At = random_matrix<Real>(k, m, 2),
                           B = random_matrix<Real>(k, lanes, 3), D = random_matrix<Real>(m, lanes, 4);
        Matrix<Real> C = random_matrix<Real>(m, lanes, 5), Ct = random_matrix<Real>(m, lanes, 5),
                     G = random_matrix<Real>(m, k, 6);
        const Matrix<Real> C0 = random_matrix<Real>(m, lanes, 5), G0 = random_matrix<Real>(m, k, 6);
        gemm<Real>(space, 1.5, A, Transpose::no, B, 0.5, C);
        gemm<Real>(space, -2.0, At, Transpose::yes, B, 0.0, Ct);
        gemm_nt<Real>(space, 0.25, D, B, G);
        const auto a = on_host(A), at = on_host(At), b = on_host(B), c = on_host(C), c0 = on_host(C0),
                   ct = on_host(Ct), d = on_host(D), g = on_host(G), g0 = on_host(G0);
        double error = 0.0;
        for (std::size_t i = 0; i < m; ++i) {
          for (std::size_t l = 0; l < lanes; ++l) {
            double plain = 0.0, transposed = 0.0;
            for (std::size_t j = 0; j < k; ++j) {
              plain += double(a(i, j)) * double(b(j, l));
              transposed += double(at(j, i)) * double(b(j, l));
            }
            error = std::max(error, std::abs(c(i, l) - (0.5 * c0(i, l) + 1.5 * plain)));
            error = std::max(error, std::abs(ct(i, l) + 2.0 * transposed));
          }
          for (std::size_t j = 0; j < k; ++j) {
            double sum = 0.0;
            for (std::size_t l = 0; l < lanes; ++l) sum += double(d(i, l)) * double(b(j, l));
            error = std::max(error, std::abs(g(i, j) - (g0(i, j) + 0.25 * sum)));
          }
        }
        CAPTURE(m, k, lanes);
        REQUIRE(error < 4500 * roundoff<Real>);
      }
}

TEMPLATE_TEST_CASE("gemm_gives_the_same_bits_whatever_lanes_stand_beside", "", double, float) {
  using Real = TestType;
  constexpr std::size_t width = pack_width<Real>;
  const ExecSpace space;
  for (const std::size_t rows : {1, 2, 20}) {  // one row: one sum in a tile of one pack
    const Matrix<Real> A = random_matrix<Real>(rows, 33, 1), B = random_matrix<Real>(33, 64, 2);
    Matrix<Real> all("all", rows, 64), part("part", rows, width);
    gemm<Real>(space, 1.0, A, Transpose::no, B, 0.0, all);
    gemm<Real>(space, 1.0, A, Transpose::no, lanes_of(ConstMatrixView<Real>(B), 32, width), 0.0, part);
    const auto found = on_host(part), expected = on_host(all);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t l = 0; l < width; ++l) REQUIRE(found(i, l) == expected(i, 32 + l));
  }
}

TEMPLATE_TEST_CASE("gemm_gives_the_same_bits_whatever_rows_stand_beside", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  constexpr std::size_t rows = 70, few = 20;  // many rows read copies of their lanes
  for (const std::size_t depth : {63, 64, 100, 1100})
    for (const std::size_t lanes : {8, 29, 64}) {
      CAPTURE(depth, lanes);
      const Matrix<Real> A = random_matrix<Real>(rows, depth, 1), At = random_matrix<Real>(depth, rows, 2),
                         B = random_matrix<Real>(depth, lanes, 3);
      for (const Transpose transpose : {Transpose::no, Transpose::yes}) {
        const bool turned = transpose == Transpose::yes;
        const ConstMatrixView<Real> a = turned ? At : A,
                                    part_of_a = turned ? lanes_of(a, 0, few) : rows_of(a, 0, few);
        Matrix<Real> all("all", rows, lanes), part("part", few, lanes);
        gemm<Real>(space, 1.0, a, transpose, B, 0.0, all);
        gemm<Real>(space, 1.0, part_of_a, transpose, B, 0.0, part);
        const auto found = on_host(part), expected = on_host(all);
        for (std::size_t i = 0; i < few; ++i)
          for (std::size_t l = 0; l < lanes; ++l) REQUIRE(found(i, l) == expected(i, l));
      }
    }
}

TEMPLATE_TEST_CASE("tanh_is_accurate_to_two_units_in_the_last_place", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  const std::size_t n = 100001;
  Matrix<Real> Y("Y", 1, n);
  Vector<Real> b("b", 1);
  const auto x = [n](std::size_t i) {
    return Real(25.0 * std::pow(2.0 * double(i) / double(n - 1) - 1.0, 5));
  };
  std::vector<double> arguments(n);
  for (std::size_t i = 0; i < n; ++i) arguments[i] = x(i);
  upload(arguments, Y);
  add_bias_and_activate<Real>(space, Activation::tanh, b, Y);
  const auto y = on_host(Y);
  for (std::size_t i = 0; i < n; ++i) {
    const long double exact = std::tanh(static_cast<long double>(x(i)));
    REQUIRE(std::abs(y(0, i) - exact) <= 2.03 * roundoff<Real> * std::abs(exact));
    REQUIRE(std::abs(y(0, i)) <= 1);
  }
}

TEMPLATE_TEST_CASE("tanh_keeps_nan_and_saturates_at_infinity", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  Matrix<Real> Y("Y", 1, 3);
  Vector<Real> b("b", 1);
  upload(std::vector<double>{NAN, INFINITY, -INFINITY}, Y);
  add_bias_and_activate<Real>(space, Activation::tanh, b, Y);
  const auto y = on_host(Y);
  CHECK(std::isnan(y(0, 0)));
  CHECK(y(0, 1) == 1.0);
  CHECK(y(0, 2) == -1.0);
}

TEMPLATE_TEST_CASE("squareplus_and_its_derivative_agree_with_their_definitions", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  const std::size_t n = 20001;
  Matrix<Real> Y("Y", 1, n), Y_bar("Y_bar", 1, n);
  const auto x = [n](std::size_t i) {
    return Real(1000.0 * std::pow(2.0 * double(i) / double(n - 1) - 1.0, 5));
  };
  std::vector<double> arguments(n);
  for (std::size_t i = 0; i < n; ++i) arguments[i] = x(i);
  upload(arguments, Y);
  fill<Real>(space, 1.0, Y_bar);
  add_bias_and_activate<Real>(space, Activation::squareplus, Vector<Real>("b", 1), Y);
  activate_vjp<Real>(space, Activation::squareplus, Y, Y_bar);
  const auto y = on_host(Y), derivative = on_host(Y_bar);
  for (std::size_t i = 0; i < n; ++i) {
    const long double X = x(i), root = std::sqrt(X * X + 0.1L);
    REQUIRE(std::abs(y(0, i) - (X + root) / 2) <= 2.0 * roundoff<Real> * (1.0L + std::abs(X)));
    REQUIRE(std::abs(derivative(0, i) - (1.0L + X / root) / 2) <= 20.0 * roundoff<Real>);
    REQUIRE(derivative(0, i) >= 0.0);
    REQUIRE(derivative(0, i) <= 1.0);
  }
}

TEMPLATE_TEST_CASE("row_sums_agree_with_their_definition", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  const Matrix<Real> X = random_matrix<Real>(3, 29, 1), Y = random_matrix<Real>(3, 29, 2);
  Vector<Real> sums("sums", 3), products("products", 3);
  add_row_sums<Real>(space, X, sums);
  add_row_products<Real>(space, X, Y, products);
  const auto x = on_host(X), y = on_host(Y);
  const auto found = on_host(sums), found_products = on_host(products);
  for (std::size_t i = 0; i < 3; ++i) {
    double sum = 0.0, product = 0.0;
    for (std::size_t l = 0; l < 29; ++l) sum += double(x(i, l)), product += double(x(i, l)) * double(y(i, l));
    CHECK(found(i) == Approx(sum).epsilon(450 * roundoff<Real>));
    CHECK(found_products(i) == Approx(product).epsilon(450 * roundoff<Real>));
  }
}
