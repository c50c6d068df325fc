#include "core/integrators/lane_matrices.hpp"

#include "catch.hpp"

#include <cmath>

using namespace spnode::core;

namespace {

// Three matrices of which 150 lanes, more than one group holds, take turns.
template <class Real>
struct Problem {
  static constexpr std::size_t n = 5, columns = 9, lanes = 150, count = 3;

  Problem()
      : matrices("matrices", count * n * columns),
        bar("bar", count * n * columns),
        X("X", columns, lanes),
        X_bar("X_bar", columns, lanes),
        out("out", n, lanes),
        out_bar("out_bar", n, lanes),
        h("h", lanes),
        index("index", lanes) {
    const auto entry = [](std::size_t i) { return Real(std::sin(1.0 + 3.7 * double(i))); };
    for (std::size_t i = 0; i < count * n * columns; ++i) matrices(i) = entry(i);
    for (std::size_t i = 0; i < columns * lanes; ++i) X.data()[i] = entry(i + 1);
    for (std::size_t i = 0; i < n * lanes; ++i) out_bar.data()[i] = entry(i + 2);
    for (std::size_t l = 0; l < lanes; ++l) index(l) = std::uint32_t(l % 7 == 0 ? 2 : l % 2);
  }
  LaneMatrices<Real> M() const { return {matrices.data(), n * columns, 0, n, columns}; }
  StepLengths<Real> steps() const { return {h, index, index(0), false}; }

  Vector<Real> matrices, bar;
  Matrix<Real> X, X_bar, out, out_bar;
  Vector<Real> h;
  Kokkos::View<std::uint32_t*, ExecSpace> index;
  Scratch<Real> scratch;
};

}  // namespace

TEMPLATE_TEST_CASE("lanes_of_mixed_steps_have_the_bits_of_uniform_tiles", "", double, float) {
  Problem<TestType> p;
  apply_per_lane<TestType>(ExecSpace(), p.M(), p.steps(), p.X, p.out, p.scratch);
  for (std::uint32_t step = 0; step < p.count; ++step) {
    const Matrix<TestType> uniform("uniform", p.n, p.lanes);
    gemm<TestType>(ExecSpace(), 1.0, p.M().of(step), Transpose::no, p.X, 0.0, uniform);
    for (std::size_t l = 0; l < p.lanes / pack_width<TestType> * pack_width<TestType>; ++l)
      for (std::size_t i = 0; i < p.n && p.index(l) == step; ++i) CHECK(p.out(i, l) == uniform(i, l));
  }
}

TEMPLATE_TEST_CASE("adjoint_of_mixed_steps_is_the_sum_over_lanes", "", double, float) {
  Problem<TestType> p;
  Kokkos::deep_copy(p.bar, TestType(1));
  apply_per_lane_vjp<TestType>(ExecSpace(), p.M(), p.steps(), {p.X, p.out_bar, p.X_bar, p.bar}, p.scratch);
  const double tolerance = 100.0 * std::numeric_limits<TestType>::epsilon();
  for (std::size_t j = 0; j < p.columns; ++j)
    for (std::size_t l = 0; l < p.lanes; ++l) {
      double sum = 0.0;
      for (std::size_t i = 0; i < p.n; ++i)
        sum += double(p.M().of(p.index(l))(i, j)) * double(p.out_bar(i, l));
      CHECK(p.X_bar(j, l) == Approx(sum).margin(tolerance));
    }
  for (std::size_t step = 0; step < p.count; ++step)
    for (std::size_t i = 0; i < p.n; ++i)
      for (std::size_t j = 0; j < p.columns; ++j) {
        double sum = 1.0;
        for (std::size_t l = 0; l < p.lanes; ++l)
          if (p.index(l) == step) sum += double(p.out_bar(i, l)) * double(p.X(j, l));
        CHECK(p.bar((step * p.n + i) * p.columns + j) == Approx(sum).margin(tolerance * 10));
      }
}
