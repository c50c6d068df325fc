// Linear functions of the state that a model keeps.
#include "core/components/invariants.hpp"

#include "catch.hpp"
#include "core/components/bilinear.hpp"
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

constexpr std::size_t n = 5, lanes = 4;
const std::vector<double> mass_and_charge = {1.0, 1.0, 0.5, 0.0, 3.0, 0.0, -1.0, 2.0, 1.0, 0.0};

ModelOptions options_of(HurwitzKind structure) {
  ModelOptions options = three_terms(structure);
  options.invariants = mass_and_charge;
  return options;
}

// With a scaling of its own for each component.
Model model_of(const ModelOptions& options, std::size_t components = n) {
  Model model(options, components);
  for (std::size_t c = 0; c < components; ++c) {
    model.scaling.shift[c] = 0.3 * double(c);
    model.scaling.scale[c] = std::pow(10.0, double(c) - 2.0);
  }
  return model;
}

// What the invariants change by in every lane where the latent state changes by f; `decoder` (m, n).
double largest_change(const Model& model, const Matrix<double>& f, const std::vector<double>& decoder = {}) {
  const auto change = on_host(f);
  const std::size_t m = model.state_dimension();
  double largest = 0.0;
  for (std::size_t k = 0; k < mass_and_charge.size() / m; ++k)
    for (std::size_t l = 0; l < f.extent(1); ++l) {
      double sum = 0.0, size = 0.0;
      for (std::size_t c = 0; c < m; ++c) {
        double z = 0.0;
        for (std::size_t j = 0; j < f.extent(0); ++j)
          z += (decoder.empty() ? double(c == j) : decoder[c * f.extent(0) + j]) * change(j, l);
        const double part = mass_and_charge[k * m + c] * model.scaling.scale[c] * z;
        sum += part;
        size = std::max(size, std::abs(part));
      }
      largest = std::max(largest, std::abs(sum) / size);
    }
  return largest;
}

double largest_difference(std::span<const double> x, std::span<const double> y) {
  double largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

std::vector<double> real_parts(std::span<const double> A, std::size_t order) {
  const RealSchur schur = real_schur(square(A, order));
  std::vector<double> parts;
  for (std::size_t i = 0; i < order; ++i) parts.push_back(schur.T[i * order + i]);
  std::ranges::sort(parts);
  return parts;
}

}  // namespace

TEST_CASE("rates_and_steps_of_a_model_keep_its_invariants") {
  for (const auto structure : {HurwitzKind::dense, HurwitzKind::none}) {
    const Model model = model_of(options_of(structure));
    const std::vector<double> theta = model.initialise(3, nullptr);
    const auto u = random_matrix<double>(n, lanes, "u");
    Matrix<double> f("f", n, lanes), next("next", n, lanes);
    const ExecSpace space;
    Scratch<double> scratch;
    VectorField<double> field(model);
    field.set_parameters(theta);
    Matrix<double> tape("tape", field.tape_rows(), lanes);
    field.value(space, {u, {}}, f, tape, scratch);
    CHECK(largest_change(model, f) < 1e-12);

    for (const Scheme scheme : {Scheme::rk4, Scheme::etdrk4}) {
      if (structure == HurwitzKind::none && scheme == Scheme::etdrk4) continue;
      Dynamics<double> dynamics(model, {scheme, 1, MatrixFunctionMethod::dense, 0}, StepTable({0.01}),
                                MatrixFunctionMethod::dense);
      dynamics.set_parameters(theta);
      RolloutSteps<double> steps;
      steps.assign(dynamics.table(), std::vector<double>(lanes, 0.01), 1, lanes);
      Matrix<double> stages("stages", dynamics.integrator().tape_rows(), lanes);
      dynamics.integrator().step(dynamics.context(space, scratch), steps.step(0, 1), u, next, stages);
      CHECK(largest_change(model, moved(next, -1.0, u)) < 1e-11);
    }
  }
}

TEST_CASE("eigenvalues_are_zero_for_each_invariant_and_below_the_bound") {
  const Model model = model_of(options_of(HurwitzKind::dense));
  const OwnedMatrix A = model.linear_operator(model.initialise(3, nullptr));
  const std::vector<double> parts = real_parts(A.entries, n);
  CHECK(std::ranges::count_if(parts, [](double x) { return std::abs(x) < 1e-13; }) == 2);
  CHECK(parts.back() < 0.2);
}

TEST_CASE("an_operator_that_keeps_the_invariants_is_reached_and_another_one_is_projected") {
  const Model model = model_of(options_of(HurwitzKind::dense));
  std::vector<double> theta = model.initialise(3, nullptr);
  const Invariants& invariants = *model.invariants();
  for (const char* const name : {"a", "b", "c", "d", "e"}) {
    std::vector<double> A = random_vector(n * n, name, 3.0);
    std::vector<double> kept = A;
    invariants.project_left(theta, kept);
    invariants.limit_real_parts(theta, A, 0.1);
    CHECK(real_parts(A, n).back() <= 0.1 + 1e-12);
    model.set_operators({.A = A, .Q = {}, .b = {}}, theta);
    const OwnedMatrix back = model.linear_operator(theta);
    CHECK(largest_difference(back.entries, A) < 1e-7);
    if (real_parts(kept, n).back() <= 0.1) CHECK(largest_difference(kept, A) < 1e-12);  // nothing moved
  }
}

TEST_CASE("in_modes_of_a_pod_the_decoded_rates_keep_the_invariants") {
  constexpr std::size_t m = 5;
  ModelOptions options = options_of(HurwitzKind::dense);
  options.latent_dimension = 3;
  options.autoencoder.enabled = true;
  const Model model = model_of(options, m);
  // Orthonormal rows.
  std::vector<double> symmetric(m * m);
  const auto entries = random_vector(m * m, "modes");
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) symmetric[i * m + j] = entries[i * m + j] + entries[j * m + i];
  symmetric_eigen(square(std::span(symmetric), m));
  const PodStart pod{{symmetric.begin(), symmetric.begin() + 3 * m}, 2.0, 3};
  const std::vector<double> theta = model.initialise(3, &pod);
  std::vector<double> decoder(m * 3);
  for (std::size_t j = 0; j < 3; ++j)
    for (std::size_t c = 0; c < m; ++c) decoder[c * 3 + j] = 2.0 * pod.modes[j * m + c];

  const auto u = random_matrix<double>(3, lanes, "u");
  Matrix<double> f("f", 3, lanes);
  Scratch<double> scratch;
  VectorField<double> field(model);
  field.set_parameters(theta);
  Matrix<double> tape("tape", field.tape_rows(), lanes);
  field.value(ExecSpace(), {u, {}}, f, tape, scratch);
  CHECK(largest_change(model, f, decoder) < 1e-11);
}

TEST_CASE("of_second_order_functions_of_the_velocities_are_kept") {
  ModelOptions options = options_of(HurwitzKind::none);
  options.order = 2;
  options.invariants = {0.0, 0.0, 0.0, 1.0, 2.0, 0.5};
  const Model model = model_of(options, 6);
  const auto u = random_matrix<double>(6, lanes, "u");
  Matrix<double> f("f", 6, lanes);
  Scratch<double> scratch;
  VectorField<double> field(model);
  field.set_parameters(model.initialise(3, nullptr));
  Matrix<double> tape("tape", field.tape_rows(), lanes);
  field.value(ExecSpace(), {u, {}}, f, tape, scratch);
  const auto change = on_host(f), at = on_host(u);
  const auto &scale = model.scaling.scale, &shift = model.scaling.shift;
  for (std::size_t l = 0; l < lanes; ++l) {
    double sum = 0.0, size = 0.0;
    for (std::size_t c = 3; c < 6; ++c) {
      const double part = options.invariants[c] * scale[c] * change(c, l);
      sum += part;
      size = std::max(size, std::abs(part));
      CHECK(relative(scale[c - 3] * change(c - 3, l), shift[c] + scale[c] * at(c, l)) < 1e-14);
    }
    CHECK(std::abs(sum) < 1e-12 * size);
  }
}

TEST_CASE("functions_that_depend_on_others_or_see_no_mode_leave_the_projection_as_it_is") {
  const Invariants invariants(3, 4);
  ParameterLayout layout;
  Invariants declared = invariants;
  declared.declare(layout);
  std::vector<double> theta(layout.size());
  // The second is twice the first, the third vanishes to rounding.
  declared.set(std::vector<double>{1, 1, 0, 0, 2, 2, 0, 0, 0, 1e-14, 0, 0}, std::vector<double>{1, 1, 1},
               theta);
  CHECK(declared.basis(theta).kept == 1);
  std::vector<double> P(16, 0.0);
  for (std::size_t i = 0; i < 4; ++i) P[i * 4 + i] = 1.0;
  declared.project_both(theta, P);
  CHECK_THAT(P[0], Catch::Matchers::WithinAbs(0.5, 1e-15));
  CHECK_THAT(P[1], Catch::Matchers::WithinAbs(-0.5, 1e-15));
  CHECK_THAT(P[10], Catch::Matchers::WithinAbs(1.0, 1e-15));
}

TEST_CASE("equations_are_those_after_the_projection") {
  ModelOptions options;
  options.linear.structure = HurwitzKind::none;
  options.nonlinear = {NonlinearKind::library};
  options.library.degree = 1;
  options.invariants = {1.0, 1.0};
  Model model(options, 2);
  model.scaling.scale = {1.0, 1.0};
  std::vector<double> theta = model.initialise(1, nullptr);
  model.library()->set_coefficients(std::vector<double>{0.0, -3.0, 0.0, 0.0, 1.0, 0.0}, theta);
  CHECK(equations(model, theta) == std::vector<std::string>{"du_0/dt = -2 u_0", "du_1/dt = 2 u_0"});
}

TEST_CASE("invariants_that_do_not_fit_are_refused") {
  const auto message_of = [](auto make) {
    try {
      make();
    } catch (const OptionError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using Options = ModelOptions;
  const auto refused = [&](auto change, std::string_view words) {
    const std::string message = message_of([&] {
      Options options = options_of(HurwitzKind::dense);
      change(options);
      return Model(options, n);
    });
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
  };
  refused([](Options& o) { o.invariants.pop_back(); }, "has 9 weights");
  refused([](Options& o) { o.invariants.assign(n * n, 1.0); }, "leave nothing of 5");
  refused([](Options& o) { std::fill_n(o.invariants.begin() + n, n, 0.0); }, "zeros in row 2");
  refused([](Options& o) { o.linear.structure = HurwitzKind::block_diagonal; }, "dense or none");
  refused([](Options& o) { o.linear.mu = -0.1; }, "linear.mu of at least 0");
  refused([](Options& o) { o.coupling_flow.enabled = true; }, "linear coordinates");
  refused(
      [](Options& o) {
        o.linear.structure = HurwitzKind::none;
        o.lipschitz.relaxation = false;
        o.order = 2;
        o.invariants = {1.0, 0.0, 0.0, 0.0, 0.0};
      },
      "gives the position 0 the weight 1");
  refused(
      [](Options& o) {
        o.autoencoder.enabled = true;
        o.autoencoder.hidden = {3};
      },
      "does not learn");
  const Model model = model_of(options_of(HurwitzKind::none));
  CHECK(message_of([&] {
          return Dynamics<double>(model, {Scheme::map, 1, MatrixFunctionMethod::dense, 0}, StepTable({1.0}),
                                  MatrixFunctionMethod::dense);
        }).find("invariants") != std::string::npos);
}
