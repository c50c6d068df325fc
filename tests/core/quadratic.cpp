#include "core/kernels/quadratic.hpp"

#include "catch.hpp"
#include "core/kernels/gemm.hpp"
#include "core/memory/scratch.hpp"
#include "helpers.hpp"

using namespace spnode::core;
using namespace spnode::test;

namespace {

using HostMatrix = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;

// Forms with rows far enough apart for whole packs, and arguments; `value` adds Q m(x) of one lane to y.
template <class Real>
struct Forms {
  Forms(std::size_t n_, std::size_t rows_, std::size_t lanes)
      : n(n_),
        rows(rows_),
        entries(random_matrix<Real>(monomial_count(n), form_stride<Real>(rows), "Q")),
        X(random_matrix<Real>(n, lanes, "X")),
        Y_bar(random_matrix<Real>(rows, lanes, "Y_bar")) {}
  MatrixView<Real> Q() const { return lanes_of(MatrixView<Real>(entries), 0, rows); }

  std::size_t n, rows;
  Matrix<Real> entries, X, Y_bar;
};

// Visits every monomial: its place, j and k.
template <class Visit>
void for_each_monomial(std::size_t n, Visit visit) {
  std::size_t at = 0;
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t k = j; k < n; ++k) visit(at++, j, k);
}

}  // namespace

TEMPLATE_TEST_CASE("quadratic_forms_and_their_adjoint_agree_with_their_definition", "", double, float) {
  using Real = TestType;
  // More monomials than one block holds at n = 30, more than one task at n = 64; lanes with every remainder.
  for (const auto& [n, rows] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {3, 4}, {20, 20}, {30, 7}, {64, 11}, {5, 70}})
    for (const std::size_t lanes : {1, 5, 8, 16, 24, 29, 96}) {
      const Forms<Real> f(n, rows, lanes);
      const Matrix<Real> Y("Y", rows, lanes), X_bar("X_bar", n, lanes),
          bars("Q_bar", monomial_count(n), form_stride<Real>(rows));
      HostMatrix y("y", rows, lanes), x_bar("x_bar", n, lanes), q_bar("q_bar", rows, monomial_count(n));
      const auto q_of = on_host(f.entries), x_of = on_host(f.X), bar_of = on_host(f.Y_bar);
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t l = 0; l < lanes; ++l)
          for_each_monomial(n, [&](std::size_t at, std::size_t j, std::size_t k) {
            const double q = q_of(at, i), x_j = x_of(j, l), x_k = x_of(k, l), bar = bar_of(i, l);
            y(i, l) += q * x_j * x_k;
            x_bar(j, l) += bar * q * x_k;
            x_bar(k, l) += bar * q * x_j;
            q_bar(i, at) += bar * x_j * x_k;
          });
      const ExecSpace space;
      const MatrixView<Real> Q_bar = lanes_of(MatrixView<Real>(bars), 0, rows);
      quadratic<Real>(space, f.Q(), f.X, Y);
      quadratic_vjp<Real>(space, {f.Q(), f.X, f.Y_bar, X_bar, Q_bar});
      const auto Y_found = on_host(Y), X_found = on_host(X_bar), Q_found = on_host(bars);
      double error = 0.0;
      for (std::size_t l = 0; l < lanes; ++l) {
        for (std::size_t i = 0; i < rows; ++i) error = std::max(error, std::abs(Y_found(i, l) - y(i, l)));
        for (std::size_t j = 0; j < n; ++j) error = std::max(error, std::abs(X_found(j, l) - x_bar(j, l)));
      }
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t at = 0; at < monomial_count(n); ++at)
          error = std::max(error, std::abs(Q_found(at, i) - q_bar(i, at)));
      CAPTURE(n, rows, lanes);
      CHECK(error < 4500 * roundoff<Real>);
    }
}

TEST_CASE("adjoint_of_quadratic_forms_is_the_transpose_of_their_tangent") {
  const std::size_t n = 13, rows = 9, lanes = 16;
  const Forms<double> f(n, rows, lanes);
  const Matrix<double> X_dot = random_matrix(n, lanes, "X_dot"), Y_dot("Y_dot", rows, lanes),
                       X_bar("X_bar", n, lanes);
  quadratic_jvp<double>(ExecSpace(), f.Q(), f.X, X_dot, Y_dot);
  quadratic_vjp<double>(ExecSpace(), {f.Q(), f.X, f.Y_bar, X_bar, {}});
  CHECK(dot(Y_dot, f.Y_bar) == Approx(dot(X_bar, X_dot)).epsilon(1e-13));
}

TEMPLATE_TEST_CASE("product_of_a_stack_is_that_of_the_whole", "", double, float) {
  using Real = TestType;
  const ExecSpace space;
  for (const std::size_t lanes : {3, 8, 32, 37}) {
    const Matrix<Real> A = random_matrix<Real>(11, 40, "A"), B = random_matrix<Real>(40, lanes, "B"),
                       D = random_matrix<Real>(11, lanes, "D");
    // The same rows, in three pieces.
    ConstMatrixStack<Real> stack;
    for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 20}, {20, 7}, {27, 13}})
      stack.push_back(rows_of(ConstMatrixView<Real>(B), first, count));
    const Matrix<Real> whole("whole", 11, lanes), pieces("pieces", 11, lanes), outer("outer", 11, 40),
        outer_pieces("outer_pieces", 11, 40);
    gemm<Real>(space, 1.0, A, Transpose::no, B, 0.0, whole);
    gemm<Real>(space, 1.0, A, Transpose::no, stack, 0.0, pieces);
    gemm_nt<Real>(space, 1.0, D, B, outer);
    gemm_nt<Real>(space, 1.0, D, stack, outer_pieces);
    const auto w = on_host(whole), p = on_host(pieces), o = on_host(outer), o_pieces = on_host(outer_pieces);
    for (std::size_t i = 0; i < 11; ++i) {
      for (std::size_t l = 0; l < lanes; ++l) REQUIRE(p(i, l) == w(i, l));
      for (std::size_t k = 0; k < 40; ++k) REQUIRE(o_pieces(i, k) == o(i, k));
    }
  }
}
