// Models that commute with signed permutations of their components.
#include "core/components/symmetries.hpp"

#include "catch.hpp"
#include "core/components/library.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/support/option.hpp"
#include "core/vector_field/equations.hpp"
#include "core/vector_field/vector_field.hpp"
#include "helpers.hpp"
#include "model_options.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr std::size_t n = 6, lanes = 4;

// Two pairs change places, the last two components change sign with them or without.
const SymmetryOptions pairs_and_signs = {{2, 3, 0, 1, 4, 5, 0, 1, 2, 3, 4, 5},
                                         {1, 1, 1, 1, -1, 1, 1, 1, 1, 1, -1, -1}};
// The symmetries of a square, on its corners; and a sign.
const SymmetryOptions square_of_corners = {{1, 2, 3, 0, 4, 5, 0, 3, 2, 1, 5, 4}, {}};

ModelOptions options_of(HurwitzKind structure, const SymmetryOptions& symmetries) {
  ModelOptions options = three_terms(structure);
  options.symmetries = symmetries;
  return options;
}

std::vector<ModelOptions> all_options() {
  std::vector<ModelOptions> all;
  for (const SymmetryOptions& symmetries : {pairs_and_signs, square_of_corners})
    for (const auto structure : {HurwitzKind::dense, HurwitzKind::none})
      all.push_back(options_of(structure, symmetries));
  all.push_back(options_of(HurwitzKind::dense, square_of_corners));
  all.back().invariants = {1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0};
  all.push_back(options_of(HurwitzKind::none, {{2, 1, 0, 5, 4, 3}, {1, -1, 1, 1, -1, 1}}));
  all.back().order = 2;
  all.push_back(options_of(HurwitzKind::none, {{2, 1, 0, 5, 4, 3}, {}}));  // a mirror of two fields on a ring
  all.back().nonlinear = {NonlinearKind::library, NonlinearKind::network};
  all.back().library.fields = 2;
  all.push_back(all.back());
  all.back().order = 2;
  all.back().invariants = {0.0, 0.0, 0.0, 1.0, 1.0, 1.0};
  return all;
}

Matrix<double> image(const Symmetries& symmetries, std::size_t e, const Matrix<double>& X) {
  Matrix<double> Y("image", X.extent(0), X.extent(1));
  symmetries.apply(ExecSpace(), e, 1.0, ConstMatrixView<double>(X), MatrixView<double>(Y));
  return Y;
}

double largest_difference(const Matrix<double>& X, const Matrix<double>& Y) {
  const auto x = on_host(X), y = on_host(Y);
  double largest = 0.0;
  for (std::size_t i = 0; i < x.extent(0); ++i)
    for (std::size_t l = 0; l < x.extent(1); ++l) largest = std::max(largest, std::abs(x(i, l) - y(i, l)));
  return largest;
}

double largest_difference(std::span<const double> x, std::span<const double> y) {
  double largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

// Random in every block that learns.
std::vector<double> random_parameters(const Model& model) {
  std::vector<double> theta = model.initialise(3, nullptr);
  const auto noise = random_vector(theta.size(), "theta", 0.3);
  for (const ParameterBlock& block : model.layout().blocks())
    if (!block.frozen)
      for (std::size_t i = 0; i < block.size(); ++i) theta[block.offset + i] += noise[block.offset + i];
  return theta;
}

}  // namespace

TEST_CASE("generators_generate_their_group") {
  CHECK(Symmetries(n, pairs_and_signs).count() == 4);
  const Symmetries square_group(n, square_of_corners);
  CHECK(square_group.count() == 8);
  CHECK(Symmetries(3, {{}, {-1, -1, 1}}).count() == 2);
  const auto X = random_matrix(2 * n, lanes, "X");
  for (std::size_t e = 0; e < square_group.count(); ++e) {
    Matrix<double> back("back", 2 * n, lanes);
    square_group.add_inverse(ExecSpace(), e, 1.0, ConstMatrixView<double>(image(square_group, e, X)),
                             MatrixView<double>(back));
    CHECK(largest_difference(back, X) == 0.0);
  }
}

TEST_CASE("rates_and_steps_commute_with_the_symmetries") {
  for (const ModelOptions& options : all_options()) {
    const Model model(options, n);
    const std::vector<double> theta = random_parameters(model);
    const Symmetries& symmetries = *model.symmetries();
    const ExecSpace space;
    Scratch<double> scratch;
    VectorField<double> field(model);
    field.set_parameters(theta);
    const auto rate = [&](const Matrix<double>& u) {
      Matrix<double> f("f", n, lanes), tape("tape", field.tape_rows(), lanes);
      field.value(space, {u, {}}, f, tape, scratch);
      return f;
    };
    const bool dense = options.linear.structure == HurwitzKind::dense;
    Dynamics<double> dynamics(model,
                              {dense ? Scheme::etdrk4 : Scheme::rk4, 1, MatrixFunctionMethod::dense, 0},
                              StepTable({0.01}), MatrixFunctionMethod::dense);
    dynamics.set_parameters(theta);
    RolloutSteps<double> steps;
    steps.assign(dynamics.table(), std::vector<double>(lanes, 0.01), 1, lanes);
    const auto step = [&](const Matrix<double>& u) {
      Matrix<double> next("next", n, lanes), stages("stages", dynamics.integrator().tape_rows(), lanes);
      dynamics.integrator().step(dynamics.context(space, scratch), steps.step(0, 1), u, next, stages);
      return next;
    };
    const auto u = random_matrix(n, lanes, "u");
    const Matrix<double> f = rate(u), next = step(u);
    const double size = std::sqrt(dot(f, f));
    CHECK(largest_difference(f, image(symmetries, symmetries.count() - 1, f)) > 1e-3 * size);
    for (std::size_t e = 0; e < symmetries.count(); ++e) {
      const Matrix<double> Pu = image(symmetries, e, u);
      CHECK(largest_difference(rate(Pu), image(symmetries, e, f)) < 1e-14 * size);
      CHECK(largest_difference(step(Pu), image(symmetries, e, next)) < 1e-14 * (1.0 + size));
    }
  }
}

TEST_CASE("operators_commute_with_the_symmetries_and_keep_their_bound_for_random_parameters") {
  for (const SymmetryOptions& symmetries : {pairs_and_signs, square_of_corners})
    for (const char* const name : {"a", "b", "c", "d", "e", "f"}) {
      const Model model(options_of(HurwitzKind::dense, symmetries), n);
      std::vector<double> theta = model.initialise(3, nullptr);
      const auto noise = random_vector(theta.size(), name, 2.0);
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
      const std::vector<double> A = model.linear_operator(theta).entries;
      std::vector<double> average = A;
      model.symmetries()->average(average);
      const double size = std::sqrt(dot(A, A));
      CHECK(largest_difference(average, A) < 1e-14 * size);
      const RealSchur schur = real_schur(square(std::span<const double>(A), n));
      for (std::size_t i = 0; i < n; ++i) CHECK(schur.T[i * n + i] < 0.2);

      // It is reached from its entries.
      std::vector<double> start = model.initialise(3, nullptr);
      model.set_operators({.A = A, .Q = {}, .b = {}}, start);
      CHECK(largest_difference(model.linear_operator(start).entries, A) < 1e-6 * size);
    }
}

TEST_CASE("equations_are_the_mean_over_the_symmetries") {
  ModelOptions options;
  options.linear.structure = HurwitzKind::none;
  options.nonlinear = {NonlinearKind::library};
  options.library.degree = 2;
  options.library.frequencies = {1.0};
  options.symmetries = {{1, 0}, {-1, -1}};
  const Model model(options, 2);
  std::vector<double> theta = model.initialise(1, nullptr);
  // 1, u_0, u_1, u_0^2, u_0 u_1, u_1^2, sin u_0, cos u_0, sin u_1, cos u_1 of both equations.
  std::vector<double> Xi(20, 0.0);
  Xi[0] = 1.0;   // with the image -1 in the other
  Xi[2] = 3.0;   // keeps its sign
  Xi[13] = 4.0;  // u_0^2 in the second: -u_1^2 in the first
  Xi[6] = 2.0;
  Xi[7] = 6.0;
  model.library()->set_coefficients(Xi, theta);
  CHECK(equations(model, theta) ==
        std::vector<std::string>{"du_0/dt = 0.5 + 1.5 u_1 - 2 u_1^2 + sin(u_0) + 3 cos(u_0)",
                                 "du_1/dt = -0.5 + 1.5 u_0 + 2 u_0^2 + sin(u_1) - 3 cos(u_1)"});
}

TEST_CASE("symmetries_that_do_not_fit_are_refused") {
  using Options = ModelOptions;
  const auto refused = [](auto change, std::string_view words) {
    std::string message = "accepted";
    try {
      Options options = options_of(HurwitzKind::dense, pairs_and_signs);
      change(options);
      const Model model(options, n);
    } catch (const OptionError& error) {
      message = error.what();
    }
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
  };
  refused([](Options& o) { o.symmetries.permutations.pop_back(); }, "has 11 numbers");
  refused([](Options& o) { o.symmetries.signs.resize(n); }, "names 2 symmetries, signs 1");
  refused([](Options& o) { o.symmetries.permutations[7] = 6; }, "found 6 at place 1 of symmetry 2");
  refused([](Options& o) { o.symmetries.permutations[7] = 0; }, "found 0 at place 1 of symmetry 2");
  refused([](Options& o) { o.symmetries.signs[3] = 0.5; }, "must be 1 or -1; found 0.5");
  refused([](Options& o) { o.linear.structure = HurwitzKind::block_diagonal; }, "dense or none");
  refused([](Options& o) { o.autoencoder.enabled = true; }, "the states as they are");
  refused([](Options& o) { o.coupling_flow.enabled = true; }, "the states as they are");
  refused([](Options& o) { o.positive.coordinates = PositiveFunction::log; }, "the states as they are");
  refused([](Options& o) { o.lifting.products = {0, 0}; }, "the states as they are");
  refused([](Options& o) { o.invariants = {1, 0, 0, 0, 0, 0}; }, "turns into others");
  refused(
      [](Options& o) {
        o.linear.structure = HurwitzKind::none;
        o.lipschitz.relaxation = false;
        o.order = 2;
      },
      "what it does with the positions");
  // All permutations of seven.
  CHECK_THROWS_AS(Symmetries(7, {{1, 2, 3, 4, 5, 6, 0, 1, 0, 2, 3, 4, 5, 6}, {}}), OptionError);
}
