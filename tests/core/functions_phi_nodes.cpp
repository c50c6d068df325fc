/// Phi functions that act on vectors by way of PhiNodes, against references/matrix_functions.txt and against
/// the dense functions.
#include "catch.hpp"
#include "core/linear/dense/tabulated_linear_part.hpp"
#include "core/linear/step_table.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "functions_reference.hpp"
#include "matrix_references.hpp"

#include <cmath>
#include <cstring>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

/// phi_k(h A) of one step length, as it acts on the unit vectors, and the adjoint of A.
class Columns {
 public:
  Columns(std::size_t n, std::size_t k)
      : n_(n),
        k_(k),
        lanes_(padded<double>(n)),
        part_({n, true, false}, {spec(k)}),
        u_("u", n, lanes_),
        g_("g", n, lanes_),
        out_("out", n, lanes_) {
    for (std::size_t i = 0; i < n; ++i) (k == 0 ? u_ : g_)(i, i) = 1.0;
  }

  Array value(const Array& a, double h) {
    part_.assemble(a);
    part_.set_steps({h});
    steps_.assign(StepTable({h}), std::vector<double>(lanes_, h), 1, lanes_);
    part_.apply(space_, {{0, steps_.interval(0), u_}, arguments(), out_}, scratch_);
    Array result;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) result.push_back(out_(i, j));
    return result;
  }
  /// After value(), for the adjoint of the references.
  Array adjoint() {
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) out_(i, j) = reference_bar(i, j);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = n_; j < lanes_; ++j) out_(i, j) = 0.0;
    Matrix<double> u_bar("u_bar", n_, lanes_), g_bar("g_bar", n_, lanes_);
    MatrixStack<double> bars(MatrixView<double>{u_bar});
    if (k_ > 0) bars.push_back(g_bar);
    Vector<double> bar("bar", part_.coefficient_count());
    part_.apply_vjp(space_, {{0, steps_.interval(0), u_}, arguments(), out_, bars, bar, {}}, scratch_);
    Array host(bar.extent(0)), a_bar(n_ * n_, 0.0);
    download(bar, host);
    part_.assemble_vjp(host, a_bar);
    return a_bar;
  }

 private:
  static OperatorSpec spec(std::size_t k) {
    OperatorSpec spec{OperatorSpec::Kind::exponential, 1.0};
    for (std::size_t j = 1; j <= k; ++j) spec.weight.push_back({j == k ? 1.0 : 0.0});
    return spec;
  }
  ConstMatrixStack<double> arguments() const {
    ConstMatrixStack<double> X(ConstMatrixView<double>{u_});
    if (k_ > 0) X.push_back(g_);
    return X;
  }

  std::size_t n_, k_, lanes_;
  TabulatedLinearPart<double> part_;
  Matrix<double> u_, g_, out_;
  TileSteps<double> steps_;
  ExecSpace space_;
  Scratch<double> scratch_;
};

}  // namespace

TEST_CASE("phi_functions_by_nodes_and_their_adjoints_match_80_digits_at_all_norms") {
  if (!runs_on_host) return;  // a TabulatedLinearPart is one of the host
  for (const ReferenceCase& c : reference_cases())
    for (std::size_t k = 0; k <= 3; ++k) {
      const auto value = c.rows.find("phi" + std::to_string(k)),
                 adjoint = c.rows.find("phi_adjoint" + std::to_string(k));
      if (value == c.rows.end()) continue;
      Columns columns(c.n, k);
      const Array found = columns.value(c.rows.at("a"), 1.0);
      INFO(c.name << " n " << c.n << " k " << k);
      CHECK(norm_error(found, value->second, c.n) < 1e-13);
      CHECK(row_error(found, value->second, c.n) < 1e-13);
      // Pulled back in double, whatever the nodes are.
      if (adjoint != c.rows.end()) CHECK(norm_error(columns.adjoint(), adjoint->second, c.n) < 2e-13);
    }
}

TEST_CASE("phi_functions_by_nodes_agree_with_the_dense_ones_for_any_step_length") {
  if (!runs_on_host) return;  // a TabulatedLinearPart is one of the host
  const std::size_t n = GENERATE(1, 2, 10, 20), k = GENERATE(0, 1, 3);
  const Array a = random_hurwitz(n, 50.0);
  Columns columns(n, k);
  PhiFunctions phi(n, k, HalfArgument::omit);
  const Random random(1, "step");
  for (std::size_t i = 0; i < 40; ++i) {
    // All magnitudes, among them lengths of nodes and their neighbours.
    double h = std::ldexp(1.0, int(i) - 20);
    if (i % 3 == 1) h *= 1.0 + random.uniform(i);
    if (i % 3 == 2) h = std::nextafter(h, 0.0);
    phi.compute(a, h);
    Array expected(phi.value(k, Argument::full).begin(), phi.value(k, Argument::full).end());
    if (k > 0)
      for (double& entry : expected) entry *= h;
    const double error = relative_error(columns.value(a, h), expected);
    INFO("n " << n << " k " << k << " h " << h << " error " << error);
    CHECK(error < 2e-13);  // either holds 1e-13 against the references
  }
  CHECK(columns.value(a, 0.0) == (k == 0 ? Columns(n, 0).value(Array(n * n, 0.0), 1.0) : Array(n * n, 0.0)));
}

TEST_CASE("nodes_have_the_same_bits_whichever_are_there") {
  const std::size_t n = 6;
  for (const double norm : {3.0, 1e7}) {
    const Array a = random_hurwitz(n, norm);
    PhiNodes all(n, 2), few(n, 2);
    all.set_matrix(a);
    few.set_matrix(a);
    few.require(few.split(0.3));
    few.compute();
    for (const double h : {1e-3, 0.3, 41.0, 0.7}) {
      all.start();
      all.require(all.split(h));
      all.compute();
    }
    all.start();
    all.require(all.split(0.3));
    for (std::size_t node = 0; node < few.count(); ++node)
      if (few.needs(node)) CHECK(all.value(node).entries == few.value(node).entries);
  }
}

TEST_CASE("nodes_refuse_norms_beyond_two_to_the_60") {
  PhiNodes nodes(1, 1);
  nodes.set_matrix(Array{-1e300});
  CHECK_THROWS_AS(nodes.split(1.0), NumericalError);
  nodes.set_matrix(Array{0.0});
  CHECK_NOTHROW(nodes.split(1.0));
}
