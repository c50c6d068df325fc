// Operators whose structure makes them linear in n: the promise of each, and agreement with the dense
// operator of the same entries.
#include "catch.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/linear/block_diagonal/block_linear_part.hpp"
#include "core/linear/dense/dense_linear_part.hpp"
#include "core/linear/hurwitz.hpp"
#include "core/linear/low_rank/low_rank_linear_part.hpp"
#include "core/loss/objective.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/taylor_degree.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <numeric>

extern "C" void dgeev_(const char*, const char*, const int*, double*, const int*, double*, double*, double*,
                       const int*, double*, const int*, double*, const int*, int*);

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

HurwitzOptions options_of(HurwitzKind structure, double mu = 0.1) {
  HurwitzOptions options;
  options.mu = mu;
  options.rate_min = 0.5;
  options.rate_max = 2.0;
  options.noise = 0.3;
  options.structure = structure;
  options.rank = 2;
  return options;
}

struct Realised {
  Realised(std::size_t n, const HurwitzOptions& options) : linear(make_hurwitz(n, options)) {
    linear->declare(layout);
    theta.resize(layout.size());
    linear->initialise(3, theta);
  }
  OwnedMatrix assemble(std::span<const double> at) const {
    OwnedMatrix A{linear->shape(), std::vector<double>(linear->coefficient_count())};
    linear->assemble(at, A.entries);
    return A;
  }
  std::unique_ptr<HurwitzOperator> linear;
  ParameterLayout layout;
  std::vector<double> theta;
};

/// Largest real part of the eigenvalues.
double spectral_abscissa(std::vector<double> A, std::size_t order) {
  const int n = int(order), size = 8 * n, one = 1;
  std::vector<double> real(order), imag(order), work(std::size_t{8} * order);
  int info = 0;
  dgeev_("N", "N", &n, A.data(), &n, real.data(), imag.data(), nullptr, &one, nullptr, &one, work.data(),
         &size, &info);
  REQUIRE(info == 0);
  return *std::ranges::max_element(real);
}

const HurwitzKind structures[] = {HurwitzKind::block_diagonal, HurwitzKind::low_rank};
const HurwitzKind all_structures[] = {HurwitzKind::dense, HurwitzKind::block_diagonal, HurwitzKind::low_rank};

}  // namespace

TEST_CASE("structured_hurwitz_adjoint_is_the_transpose_of_its_tangent_and_matches_differences") {
  for (const HurwitzKind structure : structures)
    for (const std::size_t n : {1, 4, 7}) {
      Realised c(n, options_of(structure));
      const auto theta_dot = random_vector(c.theta.size(), "theta_dot"),
                 A_bar = random_vector(c.linear->coefficient_count(), "A_bar");
      std::vector<double> A_dot(A_bar.size()), theta_bar(c.theta.size(), 0.0);
      c.linear->assemble_jvp(c.theta, theta_dot, A_dot);
      c.linear->assemble_vjp(c.theta, A_bar, theta_bar);
      CAPTURE(int(structure), n);
      CHECK(relative(dot(A_dot, A_bar), dot(theta_bar, theta_dot)) < 1e-13);
      const auto at = [&](double e) {
        auto moved = c.theta;
        for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += e * theta_dot[i];
        return dot(c.assemble(moved).entries, A_bar);
      };
      CHECK(relative(dot(A_dot, A_bar), (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-8);
    }
}

TEST_CASE("spectral_abscissa_is_below_mu_for_random_parameters_of_every_structure") {
  for (const HurwitzKind structure : all_structures)
    for (const double mu : {-0.2, 0.0, 0.5})
      for (int trial = 0; trial < 30; ++trial) {
        Realised c(9, options_of(structure, mu));
        const auto noise = random_vector(c.theta.size(), "trial" + std::to_string(trial), 1.5);
        for (std::size_t i = 0; i < noise.size(); ++i) c.theta[i] += noise[i];
        const OwnedMatrix A = c.assemble(c.theta);
        CAPTURE(int(structure), mu, trial);
        REQUIRE(spectral_abscissa(to_dense(A), 9) < mu + 1e-13 * frobenius_norm(A));
      }
}

TEST_CASE("low_rank_operators_are_contractive") {
  for (int trial = 0; trial < 20; ++trial) {
    Realised c(8, options_of(HurwitzKind::low_rank, 0.3));
    const auto noise = random_vector(c.theta.size(), "trial" + std::to_string(trial), 1.0);
    for (std::size_t i = 0; i < noise.size(); ++i) c.theta[i] += noise[i];
    const std::vector<double> A = to_dense(c.assemble(c.theta));
    std::vector<double> symmetric(64);
    for (std::size_t i = 0; i < 8; ++i)
      for (std::size_t j = 0; j < 8; ++j) symmetric[8 * i + j] = 0.5 * (A[8 * i + j] + A[8 * j + i]);
    REQUIRE(spectral_abscissa(symmetric, 8) < 0.3);
  }
}

TEST_CASE("structured_operators_start_with_the_wanted_decay_rates") {
  for (const HurwitzKind structure : all_structures) {
    HurwitzOptions options{0.25, 1e-3, 1e3, 0.0, true, structure, 2};
    Realised c(5, options);
    const std::vector<double> A = to_dense(c.assemble(c.theta));
    for (std::size_t i = 0; i < 5; ++i)
      for (std::size_t j = 0; j < 5; ++j) {
        CAPTURE(int(structure), i, j);
        CHECK(A[5 * i + j] ==
              Approx(i == j ? 0.25 - 1e-3 * std::pow(1e6, double(i) / 4) : 0.0).epsilon(1e-9).margin(1e-12));
      }
  }
}

TEST_CASE("blocks_reach_complex_real_and_sheared_pairs") {
  // (alpha, b, p, q) from the entries, as the docstring of BlockHurwitz says.
  for (const auto& B : {std::array{-0.1, -3.0, 3.0, -0.1}, std::array{-1.0, 0.0, 0.0, -50.0},
                        std::array{-1.0, 100.0, 0.0, -1.0}, std::array{-2.0, 7.0, -0.5, 1.0}}) {
    const double a = -0.5 * (B[0] + B[3]), b = 0.5 * (B[2] - B[1]), s = 0.5 * (B[3] - B[0]),
                 c = 0.5 * (B[1] + B[2]);
    const double scale = 1.0 / std::sqrt(a * a + b * b - s * s - c * c);
    HurwitzOptions options{0.0, 1.0, 1.0, 0.0, true, HurwitzKind::block_diagonal, 0};
    const Realised component(2, options);
    const std::vector<double> theta = {std::log(a), b, s * scale, c * scale};
    const OwnedMatrix A = component.assemble(theta);
    for (std::size_t i = 0; i < 4; ++i) CHECK(A.entries[i] == Approx(B[i]).margin(1e-11));
  }
}

TEST_CASE("circulant_operators_are_hurwitz_commute_with_shifts_and_have_the_adjoint_of_their_tangent") {
  for (const std::size_t n : {1, 7}) {
    Realised c(n, options_of(HurwitzKind::circulant, 0.3));
    const auto noise = random_vector(c.theta.size(), "noise", 1.5);
    for (std::size_t i = 0; i < noise.size(); ++i) c.theta[i] += noise[i];
    const OwnedMatrix A = c.assemble(c.theta);
    CHECK(spectral_abscissa(to_dense(A), n) < 0.3);
    for (std::size_t k = 0; k < n / 2; ++k) {
      const double* const B = &A.entries[4 * k];
      CHECK(B[0] == 0.3 - std::exp(c.theta[k]));
      CHECK(B[2] == c.theta[n - n / 2 + k]);
      CHECK(B[3] == B[0]);
      CHECK(B[1] == -B[2]);
    }
    CHECK(A.entries.back() == 0.3 - std::exp(c.theta[n / 2]));
    const auto theta_dot = random_vector(c.theta.size(), "theta_dot"),
               A_bar = random_vector(c.linear->coefficient_count(), "A_bar");
    std::vector<double> A_dot(A_bar.size()), theta_bar(c.theta.size(), 0.0);
    c.linear->assemble_jvp(c.theta, theta_dot, A_dot);
    c.linear->assemble_vjp(c.theta, A_bar, theta_bar);
    CHECK(relative(dot(A_dot, A_bar), dot(theta_bar, theta_dot)) < 1e-13);
    const auto at = [&](double e) {
      auto moved = c.theta;
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += e * theta_dot[i];
      return dot(c.assemble(moved).entries, A_bar);
    };
    CHECK(relative(dot(A_dot, A_bar), (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-8);
  }
  CHECK_THROWS_WITH(make_hurwitz(6, options_of(HurwitzKind::circulant)),
                    "linear.structure is circulant, which needs an odd number of Fourier modes; found 6");
}

TEST_CASE("products_and_norms_of_structured_matrices_are_those_of_their_entries") {
  for (const HurwitzKind structure : all_structures)
    for (const std::size_t n : {1, 6, 7}) {
      const Realised c(n, options_of(structure));
      const OwnedMatrix A = c.assemble(c.theta);
      const std::vector<double> dense = to_dense(A), x = random_vector(n, "x");
      const StructuredMatrix D{{LinearStructure::dense, n}, dense};
      std::vector<double> y(n), z(n);
      for (const Side side : {Side::plain, Side::transposed}) {
        multiply(A, side, x, y);
        multiply(D, side, x, z);
        for (std::size_t i = 0; i < n; ++i) CHECK(y[i] == Approx(z[i]).epsilon(1e-13).margin(1e-14));
      }
      CHECK(trace(A) == Approx(trace(D)).epsilon(1e-13));
      CHECK(frobenius_norm(A) == Approx(frobenius_norm(D)).epsilon(1e-13));
      CHECK(one_norm(A, 0.3) >= one_norm(D, 0.3) * (1 - 1e-13));
      if (structure != HurwitzKind::low_rank) CHECK(one_norm(A, 0.3) == Approx(one_norm(D, 0.3)));
      CHECK(power_norms(A, 0.3).alpha[3] == Approx(power_norms(D, 0.3).alpha[3]).epsilon(1e-10));
    }
}

namespace {

enum class Terms { none, plain, both };

ModelOptions model_options(HurwitzKind structure, Terms terms) {
  ModelOptions options;
  options.linear = options_of(structure);
  options.nonlinear.clear();
  if (terms != Terms::none) options.nonlinear.push_back(NonlinearKind::bilinear);
  if (terms == Terms::both) options.nonlinear.push_back(NonlinearKind::network);
  options.bilinear = {2, 0.3};
  options.network.hidden = {6};
  options.network.relaxation = true;
  return options;
}

/// States after `steps` steps of two lengths, per lane where asked for, and the adjoints of A's coefficients
/// and of the start: from any linear part.
template <class Real>
struct Run {
  static constexpr std::size_t lanes = 16;

  Run(LinearPart<Real>& linear, const BasicModel<Real>& model, std::span<const double> theta,
      const Integrator<Real>& integrator, const StepTable& table, bool per_lane)
      : n(model.latent_dimension()) {
    AssembledModel<Real> assembled(model);
    assembled.set_parameters(theta);
    std::vector<double> h(2 * lanes, table.steps()[0]);
    for (std::size_t l = 0; l < lanes; ++l) {
      h[lanes + l] = table.steps()[1];
      if (per_lane && l % 3 == 0) std::swap(h[l], h[lanes + l]);
    }
    steps.assign(table, h, 2, lanes);
    const StepContext<Real> context{space, &linear, model.nonlinear(), assembled.nonlinear(), scratch};
    const std::size_t rows = integrator.tape_rows();
    const Matrix<Real> u0 = random_matrix<Real>(n, lanes, "u0", 0.7), w = random_matrix<Real>(n, lanes, "w");
    Matrix<Real> u1("u1", n, lanes), tape0("tape", rows, lanes), tape1("tape", rows, lanes);
    u2 = Matrix<Real>("u2", n, lanes);
    integrator.step(context, steps.step(0, 1), u0, u1, tape0);
    integrator.step(context, steps.step(1, 1), u1, u2, tape1);
    Vector<Real> bar("bar", linear.coefficient_count());
    Vector<Real> nonlinear_bar("bar", model.nonlinear().coefficient_count());
    Matrix<Real> u1_bar("u1_bar", n, lanes);
    u0_bar = Matrix<Real>("u0_bar", n, lanes);
    integrator.step_vjp(context, steps.step(1, 1), u1, tape1, {w, u1_bar, bar, nonlinear_bar});
    integrator.step_vjp(context, steps.step(0, 1), u0, tape0, {u1_bar, u0_bar, bar, nonlinear_bar});
    A_bar.assign(model.linear().coefficient_count(), 0.0);
    coefficients_bar = to_host(bar);
  }

  std::size_t n;
  ExecSpace space;
  Scratch<Real> scratch;
  RolloutSteps<Real> steps;
  Matrix<Real> u2, u0_bar;
  std::vector<double> A_bar, coefficients_bar;
};

template <class Real>
double distance(const Matrix<Real>& X, const Matrix<Real>& Y) {
  const auto x = on_host(X), y = on_host(Y);
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < X.size(); ++i) {
    error = std::max(error, std::abs(double(x.data()[i]) - double(y.data()[i])));
    size = std::max(size, std::abs(double(x.data()[i])));
  }
  return error / size;
}

const Scheme all_schemes[] = {Scheme::etd1,       Scheme::etdrk2,    Scheme::etdrk4,
                              Scheme::imex_euler, Scheme::imex_ssp2, Scheme::imex_ars2,
                              Scheme::euler,      Scheme::rk4,       Scheme::dopri5};

}  // namespace

TEMPLATE_TEST_CASE("structured_operators_step_and_differentiate_as_the_dense_operator_of_their_entries", "",
                   double, float) {
  using Real = TestType;
  const double tolerance = 500 * roundoff<Real>;
  for (const HurwitzKind structure : structures)
    for (const std::size_t n : {6, 7})
      for (const Terms terms : {Terms::none, Terms::plain, Terms::both})
        for (const Scheme scheme : all_schemes)
          for (const bool per_lane : {false, true}) {
            const BasicModel<Real> model(model_options(structure, terms), n);
            const std::vector<double> theta = model.initialise(2, nullptr);
            const OwnedMatrix A = model.linear_operator(theta);
            const StepTable table({0.3, 0.5});
            const SplitShape shape = model.split_shape();
            const Integrator<Real> integrator(program_of(scheme, shape), shape,
                                              model.nonlinear().tape_rows());
            std::unique_ptr<LinearPart<Real>> part;
            if (structure == HurwitzKind::block_diagonal)
              part = std::make_unique<BlockLinearPart<Real>>(shape, integrator.operators(), table.steps(),
                                                             A.shape);
            else
              part = std::make_unique<LowRankLinearPart<Real>>(shape, integrator.operators(), table.steps(),
                                                               A.shape);
            DenseLinearPart<Real> dense(shape, integrator.operators(), table.steps());
            part->assemble(A.entries);
            dense.assemble(to_dense(A));
            Run<Real> found(*part, model, theta, integrator, table, per_lane);
            const Run<Real> expected(dense, model, theta, integrator, table, per_lane);
            CAPTURE(int(structure), n, int(terms), int(scheme), per_lane);
            CHECK(distance(found.u2, expected.u2) < tolerance);
            CHECK(distance(found.u0_bar, expected.u0_bar) < tolerance);

            // <A_bar, dA> over the coefficients is that over all entries.
            part->assemble_vjp(found.coefficients_bar, found.A_bar);
            std::vector<double> dense_bar(n * n, 0.0);
            dense.assemble_vjp(expected.coefficients_bar, dense_bar);
            for (int trial = 0; trial < 2; ++trial) {
              auto theta_dot = random_vector(theta.size(), "dot" + std::to_string(trial));
              OwnedMatrix A_dot = A;
              model.linear().assemble_jvp(theta, theta_dot, A_dot.entries);
              const double e = 1e-6;
              OwnedMatrix above = A, below = A;
              for (std::size_t i = 0; i < A.entries.size(); ++i) {
                above.entries[i] += e * A_dot.entries[i];
                below.entries[i] -= e * A_dot.entries[i];
              }
              const std::vector<double> p = to_dense(above), q = to_dense(below);
              std::vector<double> entries_dot(n * n);
              for (std::size_t i = 0; i < n * n; ++i) entries_dot[i] = (p[i] - q[i]) / (2 * e);
              const double scale = std::sqrt(dot(dense_bar, dense_bar) * dot(entries_dot, entries_dot));
              CHECK(std::abs(dot(found.A_bar, A_dot.entries) - dot(dense_bar, entries_dot)) <
                    std::max(1e-8, tolerance) * scale);
            }
          }
}

namespace {

WindowData random_windows(std::size_t components, bool shared_time) {
  Trajectories data;
  data.count = 3;
  data.times = 5;
  data.components = components;
  data.shared_time = shared_time;
  data.state = random_vector(data.count * data.times * data.components, "data");
  for (std::size_t n = 0; n < (shared_time ? 1 : data.count); ++n)
    for (std::size_t t = 0; t < data.times; ++t)
      data.time.push_back(0.2 * double(t) * (1.0 + 0.1 * double(n)));
  return WindowData(WindowIndex(data.count, data.times, {2, 1, {}}), data, 0);
}

}  // namespace

TEST_CASE("gradient_of_structured_models_passes_the_taylor_test") {
  for (const HurwitzKind structure : structures)
    for (const bool shared_time : {true, false})
      for (const Scheme scheme : all_schemes) {
        const WindowData data = random_windows(7, shared_time);
        const Model model(model_options(structure, Terms::both), 7);
        const std::vector<double> theta = model.initialise(4, nullptr);
        const IntegratorOptions integrator{scheme, 2, MatrixFunctionMethod::automatic, 0};
        const StepTable table(distinct_steps(data, 2));
        Objective<double> objective(
            model, {integrator, {}, {}}, table,
            choose_method(integrator, model.split_shape(), table, model.linear_operator(theta), 100));
        std::vector<std::uint64_t> windows(data.index().count());
        std::iota(windows.begin(), windows.end(), 0);
        std::vector<double> gradient(theta.size());
        const auto loss = [&](double e, std::span<const double> direction) {
          auto moved = theta;
          for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += e * direction[i];
          objective.set_parameters(moved);
          std::vector<double> sum(objective.contribution_size());
          objective.contribution(data, windows, sum);
          return objective.gradient(sum, windows.size(), gradient).total;
        };
        const auto direction = random_vector(theta.size(), "direction", 0.3);
        const double at = loss(0.0, direction), slope = dot(gradient, direction);
        const double r1 = std::abs(loss(2e-4, direction) - at - 2e-4 * slope),
                     r2 = std::abs(loss(1e-4, direction) - at - 1e-4 * slope);
        CAPTURE(int(structure), shared_time, int(scheme));
        CHECK(std::log2(r1 / r2) == Approx(2.0).margin(0.1));
      }
}

TEST_CASE("training_memory_of_structured_models_is_linear_in_n") {
  // Without timings: coefficients, contributions and temporaries of twice the dimension are twice as many.
  for (const HurwitzKind structure : structures) {
    const auto sizes = [&](std::size_t n) {
      const WindowData data = random_windows(n, true);
      ModelOptions options = model_options(structure, Terms::none);
      options.nonlinear = {NonlinearKind::network};
      const Model model(options, n);
      const std::vector<double> theta = model.initialise(4, nullptr);
      const IntegratorOptions integrator{Scheme::etdrk2, 1, MatrixFunctionMethod::automatic, 0};
      const StepTable table(distinct_steps(data, 1));
      Objective<double> objective(
          model, {integrator, {}, {}}, table,
          choose_method(integrator, model.split_shape(), table, model.linear_operator(theta), 100));
      objective.set_parameters(theta);
      std::vector<double> sum(objective.contribution_size());
      const std::uint64_t windows[] = {0, 1};
      objective.contribution(data, windows, sum);
      return std::array{double(theta.size()), double(sum.size()), double(objective.scratch_bytes())};
    };
    const auto small = sizes(2000), large = sizes(4000);
    CAPTURE(int(structure));
    for (std::size_t i = 0; i < small.size(); ++i) CHECK(large[i] < 2.2 * small[i]);
    CHECK(large[1] < 4000 * 60);
  }
}

TEST_CASE("methods_that_a_structure_does_not_have_are_refused") {
  const StepTable table({0.1});
  const SplitShape shape{4, true, false};
  const std::vector<double> entries(4 * 7, 0.0);
  const StructuredMatrix blocks{{LinearStructure::block_diagonal, 4}, std::span(entries).first(8)},
      low_rank{{LinearStructure::low_rank, 4, 2}, entries};
  CHECK_THROWS_AS(choose_method({Scheme::etd1, 1, MatrixFunctionMethod::taylor, 0}, shape, table, blocks, 1),
                  UsageError);
  CHECK_THROWS_AS(choose_method({Scheme::etd1, 1, MatrixFunctionMethod::dense, 0}, shape, table, low_rank, 1),
                  UsageError);
}
