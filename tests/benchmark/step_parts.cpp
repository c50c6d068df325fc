// The parts of a training step of the latent-20 decks, one by one, at their place in memory: what a step
// would take if nothing but its kernels took time.
//
//   benchmark_step_parts [--json|--markdown]
//
// Everything is for 64 lanes and one evaluation of the right-hand side, the decoder for 256 columns. The tape
// holds eight steps, which are taken in turns, so that a part finds its operands in the cache that a step
// finds them in. Times are the best of many.

#include "benchmark.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/quadratic.hpp"
#include "core/memory/scratch.hpp"

#include <functional>

using namespace spnode;
using namespace spnode::benchmark;

namespace {

constexpr std::size_t lanes = 64, n = 20, hidden = 200, components = 64, steps = 8;

struct Part {
  std::string deck, name;
  double flops;
  std::function<void(std::size_t step)> work;
};

template <class Real>
class Parts {
 public:
  Parts() {
    const auto fill = [](const core::Matrix<Real>& X, double size) {
      for (std::size_t i = 0; i < X.size(); ++i) X.data()[i] = Real(size * std::sin(double(i)));
    };
    for (const auto* matrix : {&W1, &W2, &Q, &phi, &D, &u, &y, &x_bar, &columns}) fill(*matrix, 0.2);
  }

  std::vector<Part> all() {
    using core::Transpose;
    const double layer = 2.0 * hidden * n * lanes, form = 2.0 * double(Q.extent(0)) * n * lanes,
                 linear = 2.0 * n * 2.0 * n * lanes, decoder = 2.0 * components * n * 4.0 * lanes;
    const auto gemm = [this](auto A, Transpose transpose, auto B, double beta, const auto& C) {
      core::gemm<Real>(space, 1.0, A, transpose, B, beta, C);
    };
    return {
        {"network", "first layer", layer,
         [=, this](auto t) { gemm(W1, Transpose::no, state(t), 0.0, tape(t)); }},
        {"network", "bias and tanh", 0.0,
         [=, this](auto t) { core::add_bias_and_activate<Real>(space, core::Activation::tanh, b, tape(t)); }},
        {"network", "second layer", layer, [=, this](auto t) { gemm(W2, Transpose::yes, kept(t), 1.0, y); }},
        {"network", "adjoint of the second layer", layer,
         [=, this](auto) { gemm(W2, Transpose::no, core::ConstMatrixView<Real>(y), 0.0, h_bar); }},
        {"network", "derivative of tanh", 0.0,
         [=, this](auto t) {
           core::activate_vjp<Real>(space, core::Activation::tanh, kept(t), core::MatrixView<Real>(h_bar));
         }},
        {"network", "gradient of the second layer", layer,
         [=, this](auto t) { core::gemm_nt<Real>(space, 1e-6, kept(t), y, W2_bar); }},
        {"network", "gradient of the first layer", layer,
         [=, this](auto t) { core::gemm_nt<Real>(space, 1e-6, h_bar, state(t), W1_bar); }},
        {"network", "gradient of the bias", 0.0,
         [=, this](auto) { core::add_row_sums<Real>(space, h_bar, core::VectorView<Real>(b_bar)); }},
        {"network", "adjoint of the first layer", layer,
         [=, this](auto) { gemm(W1, Transpose::yes, core::ConstMatrixView<Real>(h_bar), 1.0, x_bar); }},
        {"bilinear form", "value", form,
         [=, this](auto t) { core::quadratic<Real>(space, forms(), state(t), core::MatrixView<Real>(y)); }},
        {"bilinear form", "adjoint of the state", form, [=, this](auto t) { form_vjp(t, {}); }},
        {"bilinear form", "both adjoints", 2.0 * form, [=, this](auto t) { form_vjp(t, Q_bar); }},
        {"both", "phi matrices, two blocks", linear,
         [=, this](auto t) { gemm(phi, Transpose::no, stack(t), 0.0, y); }},
        {"both", "their gradient", linear,
         [=, this](auto t) { core::gemm_nt<Real>(space, 1e-6, y, stack(t), phi_bar); }},
        {"both", "decoder", decoder,
         [=, this](auto) { gemm(D, Transpose::no, core::ConstMatrixView<Real>(columns), 0.0, z); }},
        {"both", "its adjoint", decoder,
         [=, this](auto) { gemm(D, Transpose::yes, core::ConstMatrixView<Real>(z), 0.0, columns); }},
    };
  }

 private:
  core::ConstMatrixView<Real> state(std::size_t t) const {
    return core::rows_of(core::ConstMatrixView<Real>(u), t * n, n);
  }
  core::MatrixView<Real> tape(std::size_t t) const {
    return core::rows_of(core::MatrixView<Real>(tapes), t * hidden, hidden);
  }
  core::ConstMatrixView<Real> kept(std::size_t t) const { return tape(t); }
  core::ConstMatrixStack<Real> stack(std::size_t t) const {
    core::ConstMatrixStack<Real> both(state(t));
    both.push_back(state((t + 1) % steps));
    return both;
  }
  core::ConstMatrixView<Real> forms() const { return core::lanes_of(core::ConstMatrixView<Real>(Q), 0, n); }
  void form_vjp(std::size_t t, core::MatrixView<Real> bar) const {
    core::fill<Real>(space, 0.0, core::MatrixView<Real>(x_bar));
    core::quadratic_vjp<Real>(space, {forms(), state(t), y, x_bar, bar});
  }

  core::ExecSpace space;
  core::Matrix<Real> W1{"W1", hidden, n}, W2{"W2", hidden, n}, W1_bar{"W1_bar", hidden, n},
      W2_bar{"W2_bar", hidden, n}, Q{"Q", core::monomial_count(n), core::form_stride<Real>(n)},
      Q_bar{"Q_bar", core::monomial_count(n), core::form_stride<Real>(n)}, phi{"phi", n, 2 * n},
      phi_bar{"phi_bar", n, 2 * n}, D{"D", components, n}, u{"u", steps*n, lanes},
      tapes{"tapes", steps*hidden, lanes}, y{"y", n, lanes}, x_bar{"x_bar", n, lanes},
      h_bar{"h_bar", hidden, lanes}, columns{"columns", n, 4 * lanes}, z{"z", components, 4 * lanes};
  core::Vector<Real> b{"b", hidden}, b_bar{"b_bar", hidden};
};

template <class Real>
void measure(const Session& session, const std::string& precision) {
  const double best = best_product_rate<Real>();
  const Table table(session.format(), "parts of a step, " + precision,
                    {{"deck", 0, 14}, {"part", 0, 30}, {"us", 2}, {"GFLOP/s", 1}, {"of best %", 0}});
  Parts<Real> parts;
  for (const Part& part : parts.all()) {
    const double seconds = seconds_of(
                               [&] {
                                 for (std::size_t t = 0; t < steps; ++t) part.work(t);
                               },
                               0.5) /
                           double(steps);
    const double rate = part.flops > 0.0 ? part.flops / seconds * 1e-9 : not_measured;
    table.row({part.deck, part.name, 1e6 * seconds, rate, 100.0 * rate / best});
  }
}

}  // namespace

int main(int argc, char** argv) {
  hold_libraries_to_build(argv);
  const Session session(argc, argv);
  measure<double>(session, "double");
  measure<float>(session, "float");
}
