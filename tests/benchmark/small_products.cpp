// Rates of the small products of core/kernels on the shapes that occur, beside BLAS and libxsmm.
//
//   benchmark_small_products [--json] [--long]
//
// All calls find their operands in the first caches, as they do in a tile. --long times each ten times
// longer.

#include "benchmark.hpp"

#include <type_traits>

using namespace spnode;
using namespace spnode::benchmark;
using Kind = ProductShape::Kind;

namespace {

struct Layer {
  std::string name;
  std::size_t out, in;  // of its weight matrix W: forward W x, reverse W^T y_bar, gradient y_bar x^T
};

const std::vector<Layer> layers = {{"bilinear factors, n = 20, R = 20", 800, 20},
                                   {"bilinear sum, n = 20, R = 20", 20, 800},
                                   {"Lipschitz net, first layer", 200, 20},
                                   {"Lipschitz net, last layer", 20, 200},
                                   {"phi matrices, n = 20, one term", 20, 40},
                                   {"decoder, one layer", 64, 20},
                                   {"decoder, last layer", 64, 200},
                                   {"bilinear factors, n = 7, R = 7", 98, 7},
                                   {"Lipschitz net, n = 7", 200, 7},
                                   {"phi matrices, n = 7, one term", 7, 14},
                                   {"Robertson, n = 3, net 50", 50, 3},
                                   {"Robertson, phi matrices", 3, 6},
                                   {"Grad-13, n = 13, net 50", 50, 13},
                                   {"Grad-13, phi matrices", 13, 26},
                                   {"square, n = 64", 64, 64}};

template <class Real>
std::vector<Real> entries(std::size_t count) {
  std::vector<Real> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = Real(std::sin(double(i)));
  return values;
}

void measure(const Table& table, const std::string& name, const ProductShape& shape, double at_least) {
  const core::ExecSpace space;
  const bool outer = shape.kind == Kind::outer, transposed = shape.kind == Kind::transpose;
  auto a = entries<double>(shape.m * shape.k), b = entries<double>(shape.k * shape.n);
  std::vector<double> c(shape.m * shape.n);
  const core::ConstMatrixView<double> A(a.data(), transposed ? shape.k : shape.m,
                                        transposed ? shape.m : shape.k);
  const core::ConstMatrixView<double> B(b.data(), outer ? shape.n : shape.k, outer ? shape.k : shape.n);
  const core::MatrixView<double> C(c.data(), shape.m, shape.n);
  const auto ours = [&] {
    if (outer)
      core::gemm_nt(space, 1.0, A, B, C);
    else
      core::gemm(space, 1.0, A, transposed ? core::Transpose::yes : core::Transpose::no, B, 0.0, C);
  };
  const auto blas = [&] { blas_product(shape, a.data(), b.data(), c.data()); };
  const auto rate = [&](double seconds) { return shape.flops() / seconds * 1e-9; };
  double xsmm_rate = not_measured, ours_rate, blas_rate;
#ifdef SPNODE_BENCHMARK_LIBXSMM
  if (const XsmmProduct<double> product(shape); product.exists()) {
    const auto best =
        seconds_in_turns(3, at_least, ours, blas, [&] { product(a.data(), b.data(), c.data()); });
    ours_rate = rate(best[0]), blas_rate = rate(best[1]), xsmm_rate = rate(best[2]);
  } else
#endif
  {
    const auto best = seconds_in_turns(3, at_least, ours, blas);
    ours_rate = rate(best[0]), blas_rate = rate(best[1]);
  }
  table.row({name, std::string(shape.name()), double(shape.m), double(shape.n), double(shape.k), ours_rate,
             blas_rate, xsmm_rate, ours_rate / std::fmax(blas_rate, xsmm_rate)});
}

void measure_all(const Session& session, const std::string& precision, double at_least) {
  const Table table(session.format(), "small products, " + precision + ", GFLOP/s",
                    {{"product", 0, 34},
                     {"kind", 0, 8},
                     {"m", 0, 4},
                     {"n", 0, 4},
                     {"k", 0, 4},
                     {"core", 1, 7},
                     {"BLAS", 1, 7},
                     {"libxsmm", 1},
                     {"core/best other", 2}});
  for (const Layer& layer : layers)
    for (const std::size_t lanes : {32, 64, 256}) {
      measure(table, layer.name, {Kind::plain, layer.out, lanes, layer.in}, at_least);
      measure(table, layer.name, {Kind::transpose, layer.in, lanes, layer.out}, at_least);
      measure(table, layer.name, {Kind::outer, layer.out, layer.in, lanes}, at_least);
    }
}

}  // namespace

int main(int argc, char** argv) {
  const Session session(argc, argv);
  measure_all(session, "double", session.has("--long") ? 1.0 : 0.1);
}
