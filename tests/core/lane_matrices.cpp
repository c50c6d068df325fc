#include "core/linear/dense/lane_matrices.hpp"

#include "catch.hpp"
#include "core/kernels/lanes.hpp"
#include "helpers.hpp"

#include <cmath>

using namespace spnode::core;
using spnode::test::on_host;

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
    const auto fill = [&](const auto& array, std::size_t shift) {
      std::vector<double> entries(array.size());
      for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = std::sin(1.0 + 3.7 * double(i + shift));
      upload(entries, array);
    };
    fill(matrices, 0);
    fill(X, 1);
    fill(out_bar, 2);
    const auto host = Kokkos::create_mirror_view(index);
    for (std::size_t l = 0; l < lanes; ++l) host(l) = step(l);
    Kokkos::deep_copy(index, host);
  }
  static std::uint32_t step(std::size_t l) { return std::uint32_t(l % 7 == 0 ? 2 : l % 2); }
  LaneMatrices<Real> M() const { return {matrices.data(), n * columns, 0, n, columns}; }
  StepLengths<Real> steps() const { return {h, index, step(0), false}; }

  Vector<Real> matrices, bar;
  Matrix<Real> X, X_bar, out, out_bar;
  Vector<Real> h;
  Kokkos::View<std::uint32_t*, Device> index;
  Scratch<Real> scratch;
};

}  // namespace

TEMPLATE_TEST_CASE("lanes_of_mixed_steps_have_the_bits_of_uniform_tiles", "", double, float) {
  Problem<TestType> p;
  apply_per_lane<TestType>(ExecSpace(), p.M(), p.steps(), p.X, p.out, p.scratch);
  for (std::uint32_t step = 0; step < p.count; ++step) {
    const Matrix<TestType> uniform("uniform", p.n, p.lanes);
    gemm<TestType>(ExecSpace(), 1.0, p.M().of(step), Transpose::no, p.X, 0.0, uniform);
    const auto expected = on_host(uniform), found = on_host(p.out);
    for (std::size_t l = 0; l < p.lanes / pack_width<TestType> * pack_width<TestType>; ++l)
      for (std::size_t i = 0; i < p.n && p.step(l) == step; ++i) CHECK(found(i, l) == expected(i, l));
  }
}

TEMPLATE_TEST_CASE("adjoint_of_mixed_steps_is_the_sum_over_lanes", "", double, float) {
  Problem<TestType> p;
  Kokkos::deep_copy(p.bar, TestType(1));
  apply_per_lane_vjp<TestType>(ExecSpace(), p.M(), p.steps(),
                               {{0, p.steps(), p.X}, p.X, p.out_bar, p.X_bar, p.bar, {}}, p.scratch);
  const auto matrices = on_host(p.matrices), bar = on_host(p.bar);
  const auto X = on_host(p.X), X_bar = on_host(p.X_bar), out_bar = on_host(p.out_bar);
  const double tolerance = 100.0 * std::numeric_limits<TestType>::epsilon();
  for (std::size_t j = 0; j < p.columns; ++j)
    for (std::size_t l = 0; l < p.lanes; ++l) {
      double sum = 0.0;
      for (std::size_t i = 0; i < p.n; ++i)
        sum += double(matrices((p.step(l) * p.n + i) * p.columns + j)) * double(out_bar(i, l));
      CHECK(X_bar(j, l) == Approx(sum).margin(tolerance));
    }
  for (std::size_t step = 0; step < p.count; ++step)
    for (std::size_t i = 0; i < p.n; ++i)
      for (std::size_t j = 0; j < p.columns; ++j) {
        double sum = 1.0;
        for (std::size_t l = 0; l < p.lanes; ++l)
          if (p.step(l) == step) sum += double(out_bar(i, l)) * double(X(j, l));
        CHECK(bar((step * p.n + i) * p.columns + j) == Approx(sum).margin(tolerance * 10));
      }
}
