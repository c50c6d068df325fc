// Rates of the small products of core/kernels on the shapes that occur, beside BLAS and libxsmm.
//
//   benchmark_small_products [--json|--markdown] [--long]
//
// All calls find their operands in the first caches, as they do in a tile. --long times each ten times
// longer.

#include "benchmark.hpp"

#include <algorithm>
#include <cstdlib>

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
                                   {"square, n = 64", 64, 64},
                                   {"hidden layer of 200", 200, 200}};

template <class Real>
std::vector<Real> entries(std::size_t count) {
  std::vector<Real> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = Real(std::sin(double(i)));
  return values;
}

/// Largest difference of two results, relative to the largest entry.
template <class Real>
double difference(const std::vector<Real>& x, const std::vector<Real>& y) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    difference = std::max(difference, double(std::abs(x[i] - y[i])));
    size = std::max(size, double(std::abs(y[i])));
  }
  return difference / size;
}

template <class Real>
struct Product {
  explicit Product(const ProductShape& product_shape)
      : shape(product_shape),
        a(entries<Real>(shape.m * shape.k)),
        b(entries<Real>(shape.k * shape.n)),
        c(shape.m * shape.n) {}

  void by_core() {
    const core::ExecSpace space;
    const bool outer = shape.kind == Kind::outer, transposed = shape.kind == Kind::transpose;
    const core::ConstMatrixView<Real> A(a.data(), transposed ? shape.k : shape.m,
                                        transposed ? shape.m : shape.k);
    const core::ConstMatrixView<Real> B(b.data(), outer ? shape.n : shape.k, outer ? shape.k : shape.n);
    const core::MatrixView<Real> C(c.data(), shape.m, shape.n);
    if (outer)
      core::gemm_nt(space, 1.0, A, B, C);
    else
      core::gemm(space, 1.0, A, transposed ? core::Transpose::yes : core::Transpose::no, B, 0.0, C);
  }
  void by_blas() { blas_product(shape, a.data(), b.data(), c.data()); }

  /// The result of one call, from C = 0.
  std::vector<Real> result_of(const auto& call) {
    std::ranges::fill(c, Real(0));
    call();
    return c;
  }

  ProductShape shape;
  std::vector<Real> a, b, c;
};

void check(const std::string& name, double difference, double tolerance) {
  if (difference <= tolerance) return;
  std::fprintf(stderr, "%s: results differ by %.1e, more than %.1e\n", name.c_str(), difference, tolerance);
  std::exit(1);
}

template <class Real>
void measure(const Table& table, const std::string& name, const ProductShape& shape, double at_least) {
  Product<Real> product(shape);
  const double tolerance = 100.0 * double(std::numeric_limits<Real>::epsilon());
  const auto ours = [&] { product.by_core(); };
  const auto blas = [&] { product.by_blas(); };
  const std::vector<Real> result = product.result_of(ours);
  check(name + ", core and BLAS", difference(product.result_of(blas), result), tolerance);
  double xsmm = not_measured;
  std::vector<double> seconds;
#ifdef SPNODE_BENCHMARK_LIBXSMM
  if (const XsmmProduct<Real> generated(shape); generated.exists()) {
    const auto call = [&] { generated(product.a.data(), product.b.data(), product.c.data()); };
    check(name + ", core and libxsmm", difference(product.result_of(call), result), tolerance);
    seconds = seconds_in_turns(3, at_least, ours, blas, call);
    xsmm = shape.flops() / seconds[2] * 1e-9;
  }
#endif
  if (seconds.empty()) seconds = seconds_in_turns(3, at_least, ours, blas);
  const double core = shape.flops() / seconds[0] * 1e-9, other = shape.flops() / seconds[1] * 1e-9;
  table.row({name, std::string(shape.name()), double(shape.m), double(shape.n), double(shape.k), core, other,
             xsmm, core / std::fmax(other, xsmm)});
}

template <class Real>
void measure_all(const Session& session, const std::string& precision) {
  const double at_least = session.has("--long") ? 1.0 : 0.1;
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
      measure<Real>(table, layer.name, {Kind::plain, layer.out, lanes, layer.in}, at_least);
      measure<Real>(table, layer.name, {Kind::transpose, layer.in, lanes, layer.out}, at_least);
      measure<Real>(table, layer.name, {Kind::outer, layer.out, layer.in, lanes}, at_least);
    }
}

}  // namespace

int main(int argc, char** argv) {
  hold_libraries_to_build(argv);
  const Session session(argc, argv);
  measure_all<double>(session, "double");
  measure_all<float>(session, "float");
}
