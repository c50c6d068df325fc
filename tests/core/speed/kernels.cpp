// Products and tanh of core/kernels beside BLAS and the C library in the same run. A rate below a fifth of
// the best is a collapse: kernels whose packs do not fit the registers run at 3 %. Above that it is a matter
// of tests/benchmark.
#include "benchmark.hpp"
#include "core/kernels/elementwise.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

using namespace spnode;
using namespace spnode::benchmark;
using Kind = ProductShape::Kind;

namespace {

constexpr double least_share = 0.2, seconds = 0.06;

/// Prints a line; whether the share of the best rate is large enough.
bool is_fast_enough(const char* what, const char* scalar, double core, double other) {
  const double share = core / std::max(core, other);
  std::printf("%-26s %-6s core %7.2f  other %7.2f  share %.2f%s\n", what, scalar, core, other, share,
              share < least_share ? "  COLLAPSED" : "");
  return share >= least_share;
}

template <class Real>
constexpr const char* scalar = sizeof(Real) == sizeof(double) ? "double" : "float";

/// GFLOP/s of products.
template <class Real>
bool products() {
  const core::ExecSpace space;
  bool fast = true;
  for (const ProductShape& shape : {ProductShape{Kind::plain, 200, 64, 20},
                                    {Kind::transpose, 20, 64, 200},
                                    {Kind::outer, 200, 20, 64},
                                    {Kind::plain, 64, 64, 64}}) {
    const bool outer = shape.kind == Kind::outer, turned = shape.kind == Kind::transpose;
    const core::Matrix<Real> A("A", turned ? shape.k : shape.m, turned ? shape.m : shape.k),
        B("B", outer ? shape.n : shape.k, outer ? shape.k : shape.n), C("C", shape.m, shape.n);
    Kokkos::deep_copy(A, Real(0.01));
    Kokkos::deep_copy(B, Real(0.01));
    const auto core_product = [&] {
      if (outer)
        core::gemm_nt<Real>(space, 1.0, A, core::ConstMatrixView<Real>(B), C);
      else
        core::gemm<Real>(space, 1.0, A, turned ? core::Transpose::yes : core::Transpose::no,
                         core::ConstMatrixView<Real>(B), 0.0, C);
    };
    const auto times = seconds_in_turns(3, seconds, core_product,
                                        [&] { blas_product(shape, A.data(), B.data(), C.data()); });
    const auto rate = [&](double time) { return shape.flops() / time * 1e-9; };
    char what[64];
    std::snprintf(what, sizeof what, "%s %zu %zu %zu", shape.name(), shape.m, shape.n, shape.k);
    fast = is_fast_enough(what, scalar<Real>, rate(times[0]), rate(times[1])) && fast;
  }
  return fast;
}

/// Values of tanh per ns.
template <class Real>
bool activation() {
  constexpr std::size_t rows = 50, lanes = 64;
  const core::ExecSpace space;
  const core::Matrix<Real> Y("Y", rows, lanes), Z("Z", rows, lanes);
  const core::Vector<Real> bias("bias", rows);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t l = 0; l < lanes; ++l) Y(i, l) = Z(i, l) = Real(3.0 * std::sin(double(i * lanes + l)));
  const auto times = seconds_in_turns(
      3, seconds, [&] { core::add_bias_and_activate<Real>(space, core::Activation::tanh, bias, Y); },
      [&] {
        for (std::size_t i = 0; i < rows * lanes; ++i) Z.data()[i] = std::tanh(Z.data()[i]);
      });
  const auto rate = [](double time) { return double(rows * lanes) / time * 1e-9; };
  return is_fast_enough("tanh", scalar<Real>, rate(times[0]), rate(times[1]));
}

}  // namespace

int main(int argc, char** argv) {
  hold_libraries_to_build(argv);
  const Kokkos::ScopeGuard kokkos(argc, argv);
  const Blas library = blas();
  std::printf("built for %s; BLAS %s\nGFLOP/s, values per ns\n", core::build_target.name,
              library.name.c_str());
  bool fast = products<double>();
  fast = products<float>() && fast;
  fast = activation<double>() && fast;
  fast = activation<float>() && fast;
  return fast ? 0 : 1;
}
