#include "catch.hpp"
#include "core/components/constant_map.hpp"
#include "core/forecast/forecast.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/kernels/lanes.hpp"
#include "core/linear/fast/fast_hurwitz.hpp"
#include "core/linear/fast/lane_exponential.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/matrix_functions/lane_solve.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <cmath>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

const Scheme all_schemes[] = {Scheme::etd1,      Scheme::etdrk2,    Scheme::etdrk4,    Scheme::imex_euler,
                              Scheme::imex_ssp2, Scheme::imex_ars2, Scheme::imex_ark3, Scheme::imex_ark4,
                              Scheme::euler,     Scheme::rk4,       Scheme::dopri5,    Scheme::rodas3,
                              Scheme::rodas4p};

struct Kind {
  HurwitzKind structure;
  Dependence dependence;
};
const Kind all_kinds[] = {{HurwitzKind::fast_schur, Dependence::network},
                          {HurwitzKind::fast_schur, Dependence::constant},
                          {HurwitzKind::fast_dissipative, Dependence::network},
                          {HurwitzKind::fast_dissipative, Dependence::hats},
                          {HurwitzKind::fast_dissipative, Dependence::constant}};

HurwitzOptions linear_options(const Kind& kind) {
  HurwitzOptions options;
  options.structure = kind.structure;
  options.mu = -0.1;
  options.rate_min = 0.5;
  options.rate_max = 2.0;
  options.noise = 0.5;
  options.rank = 2;
  options.slow_dimension = 2;
  options.fast.dependence = kind.dependence;
  options.fast.hidden = {4};
  options.fast.count = 3;
  options.fast.low = {-5.0, -6.0};  // kinks of the hats would cost schemes their order
  options.fast.high = {5.0, 6.0};
  return options;
}

ModelOptions model_options(const Kind& kind) {
  ModelOptions options;
  options.linear = linear_options(kind);
  options.arguments.parameters = {"a", "epsilon"};
  options.nonlinear = {NonlinearKind::slow, NonlinearKind::fast_bilinear, NonlinearKind::fast_linear};
  options.network.hidden = {5};
  options.fast_bilinear.coefficients = FastCoefficients::network;
  options.fast_bilinear.hidden = {3};
  options.fast_bilinear.initial_scale = 0.5;
  options.fast_linear.initial_scale = 0.5;
  return options;
}

/// A fast-slow model of two slow and three fast variables over some steps of all lanes.
template <class Real>
struct Setup {
  static constexpr std::size_t n = 5, lanes = 16;

  Setup(const ModelOptions& options, Scheme scheme, std::size_t steps_ = 2)
      : model(scaled(BasicModel<Real>(options, n))),
        theta(model.initialise(2, nullptr)),
        dynamics(model, {scheme, 1, MatrixFunctionMethod::automatic, 0}, StepTable({1.0}),
                 MatrixFunctionMethod::dense),
        steps(steps_),
        u0(random_matrix<Real>(n, lanes, "u0", 0.7)),
        q(random_matrix<Real>(2, lanes, "q", 0.3)),
        h("h", lanes),
        index("index", lanes) {
    const auto noise = direction("noise");
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += 0.1 * noise[i];
    std::vector<double> lengths(lanes);
    for (std::size_t l = 0; l < lanes; ++l) lengths[l] = (0.3 + 0.025 * double(l)) / double(steps);
    upload(lengths, h);
    for (std::size_t i = 0; i <= steps; ++i) u.emplace_back("u", n, lanes);
    for (std::size_t i = 0; i < steps; ++i)
      tape.emplace_back("tape", dynamics.integrator().tape_rows(), lanes);
  }

  static BasicModel<Real> scaled(BasicModel<Real> model) {
    model.argument_scaling = {{0.1, 0.4}, {2.0, 0.5}};
    return model;
  }

  std::vector<double> direction(const std::string& name) const {
    auto v = random_vector(theta.size(), name);
    for (const ParameterBlock& block : model.layout().blocks())
      if (block.frozen) std::ranges::fill(block_of(std::span(v), block), 0.0);
    return v;
  }
  Step<Real> step() const { return {{h, index, 0, false}, {q, lanes}}; }

  Matrix<Real> run(std::span<const double> at, const Matrix<Real>& start) {
    dynamics.set_parameters(at);
    Kokkos::deep_copy(u[0], start);
    for (std::size_t i = 0; i < steps; ++i)
      dynamics.integrator().step(dynamics.context(space, scratch), step(), u[i], u[i + 1], tape[i]);
    return u[steps];
  }
  // After run().
  Matrix<Real> tangent(const Matrix<Real>& u_dot, std::span<const double> theta_dot) {
    std::vector<double> dot(dynamics.coefficient_count());
    dynamics.assemble_jvp(theta, theta_dot, dot);
    const Vector<Real> on_device = to_device<Real>(dot);
    const auto parts = cut(ConstVectorView<Real>(on_device), dynamics.linear_count());
    Matrix<Real> at = u_dot;
    for (std::size_t i = 0; i < steps; ++i) {
      Matrix<Real> next("next", n, lanes);
      dynamics.integrator().step_jvp(dynamics.context(space, scratch), step(), u[i], tape[i],
                                     {at, parts.linear, parts.nonlinear, next});
      at = next;
    }
    return at;
  }
  struct Bars {
    Matrix<Real> u;
    std::vector<double> theta;
  };
  Bars adjoint(const Matrix<Real>& next_bar) {
    Matrix<Real> bar = next_bar;
    Vector<Real> all("all", dynamics.coefficient_count());
    const auto parts = cut(VectorView<Real>(all), dynamics.linear_count());
    for (std::size_t i = steps; i-- > 0;) {
      Matrix<Real> u_bar("u_bar", n, lanes);
      dynamics.integrator().step_vjp(dynamics.context(space, scratch), step(), u[i], tape[i],
                                     {bar, u_bar, parts.linear, parts.nonlinear});
      bar = u_bar;
    }
    Bars bars{bar, std::vector<double>(theta.size(), 0.0)};
    dynamics.assemble_vjp(theta, to_host(all), bars.theta);
    return bars;
  }

  ExecSpace space;
  Scratch<Real> scratch;
  BasicModel<Real> model;
  std::vector<double> theta;
  Dynamics<Real> dynamics;
  std::size_t steps;
  Matrix<Real> u0, q;
  Vector<Real> h;
  Kokkos::View<std::uint32_t*, Device> index;
  std::vector<Matrix<Real>> u, tape;
};

double norm(const Matrix<double>& X) { return std::sqrt(dot(X, X)); }

/// T(x) for random parameters, as large as `size`.
struct RandomOperator {
  RandomOperator(const HurwitzOptions& options, std::size_t n) : T(n, options) {
    T.declare(layout);
    theta.resize(layout.size());
    T.initialise(3, theta);
  }
  std::vector<double> at(std::span<const double> parameters, std::span<const double> x) const {
    std::vector<double> c(T.coefficient_count());
    T.assemble(parameters, c);
    return T.matrix_at(c, x);
  }

  ParameterLayout layout;
  FastHurwitz T;
  std::vector<double> theta;
};

double spectral_abscissa(const std::vector<double>& T, std::size_t n) {
  const RealSchur schur = real_schur(square(std::span<const double>(T), n));
  double largest = schur.T[0];
  for (std::size_t i = 1; i < n; ++i) largest = std::max(largest, schur.T[i * n + i]);
  return largest;
}

/// By how much T (n, n) breaks the bound, relative to its entries. Of a Schur form by the criterion of Routh
/// and Hurwitz for each diagonal block, since an eigenvalue of a block that is nearly defective is known to
/// the root of the rounding only, its trace and determinant to the rounding itself.
double excess_of(const std::vector<double>& T, std::size_t n, double bound, HurwitzKind structure) {
  const auto largest_entry = [](std::initializer_list<double> entries) {
    double largest = 0.0;
    for (const double entry : entries) largest = std::max(largest, std::abs(entry));
    return largest;
  };
  if (structure != HurwitzKind::fast_schur) {
    double size = 0.0;
    for (const double entry : T) size = std::max(size, std::abs(entry));
    return (spectral_abscissa(T, n) - bound) / size;
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i / 2 * 2; ++j) REQUIRE(T[i * n + j] == 0.0);
  double excess = n % 2 == 1 ? (T.back() - bound) / largest_entry({T.back(), bound}) : -1e300;
  for (std::size_t i = 0; i + 1 < n; i += 2) {
    const double a = T[i * n + i] - bound, b = T[i * n + i + 1];
    const double c = T[(i + 1) * n + i], d = T[(i + 1) * n + i + 1] - bound;
    const double size = largest_entry({a, b, c, d, bound});
    excess = std::max({excess, (a + d) / size, (b * c - a * d) / (size * size)});
  }
  return excess;
}

std::vector<double> sum_of(const std::vector<double>& a, double e, const std::vector<double>& b) {
  std::vector<double> sum = a;
  for (std::size_t i = 0; i < a.size(); ++i) sum[i] += e * b[i];
  return sum;
}

}  // namespace

TEST_CASE("fast_operator_is_hurwitz_for_every_state_and_all_parameters_that_a_search_tries") {
  for (const Kind& kind : all_kinds)
    for (const std::size_t fast : {1, 2, 3, 6}) {
      const RandomOperator random(linear_options(kind), 2 + fast);
      CAPTURE(int(kind.structure), int(kind.dependence), fast);
      std::vector<double> worst, state;
      double largest = -1e300, excess = -1e300;
      const auto examine = [&](const std::vector<double>& parameters, const std::vector<double>& x) {
        const std::vector<double> T = random.at(parameters, x);
        const double abscissa = spectral_abscissa(T, fast);
        excess = std::max(excess, excess_of(T, fast, -0.1, kind.structure));
        if (abscissa <= largest) return;
        largest = abscissa;
        worst = parameters;
        state = x;
      };
      for (int i = 0; i < 300; ++i) {
        const std::string name = std::to_string(i);
        const double size = i % 3 == 0 ? 0.3 : i % 3 == 1 ? 1.0 : 3.0;
        examine(sum_of(random.theta, size, random_vector(random.theta.size(), "theta" + name)),
                random_vector(2, "x" + name, 3.0));
      }
      for (int i = 0; i < 300; ++i) {  // from the worst one on
        const std::string name = "climb" + std::to_string(i);
        examine(sum_of(worst, 0.1, random_vector(worst.size(), "theta" + name)),
                sum_of(state, 0.1, random_vector(2, "x" + name)));
      }
      CHECK(excess < (kind.structure == HurwitzKind::fast_schur ? 1e-14 : 1e-10));
    }
}

TEST_CASE("numerical_abscissa_of_the_dissipative_form_is_below_mu") {
  for (const Dependence dependence : {Dependence::constant, Dependence::hats, Dependence::network}) {
    const std::size_t fast = 4;
    const RandomOperator random(linear_options({HurwitzKind::fast_dissipative, dependence}), 2 + fast);
    for (int i = 0; i < 100; ++i) {
      const std::string name = std::to_string(i);
      const auto T = random.at(sum_of(random.theta, 1.0, random_vector(random.theta.size(), "theta" + name)),
                               random_vector(2, "x" + name, 4.0));
      std::vector<double> symmetric(fast * fast);
      for (std::size_t r = 0; r < fast; ++r)
        for (std::size_t c = 0; c < fast; ++c)
          symmetric[r * fast + c] = 0.5 * (T[r * fast + c] + T[c * fast + r]);
      CHECK(symmetric_eigen(square(std::span(symmetric), fast)).back() < -0.1);
    }
  }
}

TEST_CASE("schur_form_reaches_minus_the_identity_and_both_signs_of_its_reflection") {
  HurwitzOptions options = linear_options({HurwitzKind::fast_schur, Dependence::constant});
  options.mu = options.noise = 0.0;
  options.rate_min = options.rate_max = 1.0;
  const RandomOperator random(options, 6);
  const std::vector<double> x = {0.3, -0.4}, T = random.at(random.theta, x);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) CHECK(T[i * 4 + j] == (i == j ? -1.0 : 0.0));
  for (const double k : {-0.3, 0.3}) {
    std::vector<double> theta = random.theta;
    theta[1] = k;  // r of the first block: eigenvalues -1 +- |r|
    CHECK(spectral_abscissa(random.at(theta, x), 4) == Approx(-1.0 + std::tanh(0.3)));
  }
}

TEST_CASE("box_form_is_affine_in_the_slow_variables_inside_its_box") {
  const RandomOperator random(linear_options({HurwitzKind::fast_dissipative, Dependence::hats}), 5);
  const std::vector<double> a = {-4.0, 2.0}, b = {3.0, -5.5}, middle = {-0.5, -1.75};
  const auto T_a = random.at(random.theta, a), T_b = random.at(random.theta, b),
             T_m = random.at(random.theta, middle);
  for (std::size_t i = 0; i < T_m.size(); ++i) CHECK(T_m[i] == Approx(0.5 * (T_a[i] + T_b[i])).margin(1e-13));
}

TEST_CASE("lane_systems_are_solved_as_by_a_dense_inverse") {
  const std::size_t lanes = 16;
  Scratch<double> scratch;
  const ExecSpace space;
  for (const Kind& kind : {all_kinds[0], all_kinds[3]})
    for (const std::size_t n : {1, 2, 3, 6}) {
      const RandomOperator random(linear_options(kind), 2 + n);
      Matrix<double> T("T", n * n, lanes), w("w", n, lanes), back("back", n, lanes);
      const Matrix<double> r = random_matrix(n, lanes, "r"), s = random_matrix(n, lanes, "s");
      std::vector<double> h, T_host(n * n * lanes);
      std::vector<std::vector<double>> inverse;
      for (std::size_t l = 0; l < lanes; ++l) {
        h.push_back(l % 2 == 0 ? 0.3 * double(l + 1) : 1e4);
        const std::string name = std::to_string(l);
        const auto entries =
            random.at(sum_of(random.theta, 0.5, random_vector(random.theta.size(), "theta" + name)),
                      random_vector(2, "x" + name));
        std::vector<double> M(n * n), work(64 * n);
        std::vector<int> pivots(n);
        for (std::size_t i = 0; i < n * n; ++i) {
          T_host[i * lanes + l] = entries[i];
          M[i] = (i % (n + 1) == 0 ? 1.0 : 0.0) - 0.7 * h[l] * entries[i];
        }
        invert(square(std::span(M), n), pivots, work, "M");
        inverse.push_back(M);
      }
      upload(T_host, T);
      const Vector<double> steps = to_device(h);
      const LaneSystem<double> system{T, steps, 0.7, kind.structure == HurwitzKind::fast_schur};
      solve_lanes<double>(space, system, Transpose::no, r, w, scratch);
      solve_lanes<double>(space, system, Transpose::yes, s, back, scratch);
      const auto r_ = on_host(r), s_ = on_host(s), w_ = on_host(w), back_ = on_host(back);
      for (std::size_t l = 0; l < lanes; ++l)
        for (std::size_t i = 0; i < n; ++i) {
          double plain = 0.0, transposed = 0.0, size = 0.0;
          for (std::size_t j = 0; j < n; ++j) {
            plain += inverse[l][i * n + j] * r_(j, l);
            transposed += inverse[l][j * n + i] * s_(j, l);
            size += std::abs(inverse[l][i * n + j]) + std::abs(inverse[l][j * n + i]);
          }
          CHECK(std::abs(w_(i, l) - plain) < 1e-11 * size);
          CHECK(std::abs(back_(i, l) - transposed) < 1e-11 * size);
        }
    }
}

TEST_CASE("lane_exponentials_are_those_of_dense_phi_functions") {
  const std::size_t lanes = 16, n = 3;
  Scratch<double> scratch;
  const ExecSpace space;
  for (const double size : {0.0, 0.5, 5.0, 40.0}) {
    const RandomOperator random(linear_options(all_kinds[0]), 2 + n);
    Matrix<double> T("T", n * n, lanes), out("out", n, lanes);
    const Matrix<double> v = random_matrix(n, lanes, "v");
    const Matrix<double> w[] = {random_matrix(n, lanes, "w1"), random_matrix(n, lanes, "w2"),
                                random_matrix(n, lanes, "w3")};
    std::vector<double> h, T_host(n * n * lanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      h.push_back(0.1 * double(l + 1));
      const std::string name = std::to_string(l);
      const auto entries = random.at(random.theta, random_vector(2, "x" + name));
      for (std::size_t i = 0; i < n * n; ++i) T_host[i * lanes + l] = size * entries[i];
    }
    upload(T_host, T);
    const Vector<double> steps = to_device(h);
    LaneExponential<double> exponential{T, steps, 0.5, v};
    exponential.terms = 3;
    for (std::size_t k = 0; k < 3; ++k) exponential.w[k] = w[k];
    exponential.apply(space, out, scratch);
    const auto out_ = on_host(out), v_ = on_host(v);
    const decltype(out_) w_[] = {on_host(w[0]), on_host(w[1]), on_host(w[2])};
    for (std::size_t l = 0; l < lanes; ++l) {
      std::vector<double> entries(n * n);
      for (std::size_t i = 0; i < n * n; ++i) entries[i] = T_host[i * lanes + l];
      PhiFunctions phi(n, 3, HalfArgument::omit);
      phi.compute(entries, 0.5 * h[l]);
      for (std::size_t i = 0; i < n; ++i) {
        double sum = 0.0;
        for (std::size_t j = 0; j < n; ++j) {
          sum += phi.value(0, Argument::full)[i * n + j] * v_(j, l);
          for (std::size_t k = 1; k <= 3; ++k)
            sum += h[l] * phi.value(k, Argument::full)[i * n + j] * w_[k - 1](j, l);
        }
        CAPTURE(size, l, i);
        CHECK(out_(i, l) == Approx(sum).margin(1e-13));
      }
    }
  }
}

TEST_CASE("exponential_of_a_step_beyond_its_means_is_broken_numerics") {
  Matrix<double> T("T", 1, 8), v("v", 1, 8), out("out", 1, 8);
  Vector<double> h("h", 8);
  Kokkos::deep_copy(T, -1e6);
  Kokkos::deep_copy(h, 1.0);
  Scratch<double> scratch;
  const LaneExponential<double> exponential{T, h, 1.0, v};
  CHECK_THROWS_AS(exponential.apply(ExecSpace(), out, scratch), NumericalError);
}

TEST_CASE("every_scheme_keeps_its_order_with_an_operator_of_the_slow_variables") {
  for (const Kind& kind : {all_kinds[0], all_kinds[3]}) {
    const auto after = [&](Scheme scheme, std::size_t steps) {
      Setup<double> s(model_options(kind), scheme, steps);
      return s.run(s.theta, s.u0);
    };
    const Matrix<double> reference = after(Scheme::dopri5, 256);
    for (const Scheme scheme : all_schemes) {
      const int order = program_of(scheme, SplitShape{5, true, false, true, true}).order;
      if (scheme == Scheme::dopri5) continue;  // the reference
      const std::size_t coarse = order <= 3 ? 64 : 16;
      const double slope = std::log2(norm(moved(after(scheme, coarse), -1.0, reference)) /
                                     norm(moved(after(scheme, 2 * coarse), -1.0, reference)));
      CAPTURE(int(kind.structure), int(scheme));
      CHECK(slope == Approx(order).margin(0.3));
    }
  }
}

TEST_CASE("exponential_schemes_are_exact_for_a_constant_operator_alone") {
  ModelOptions options = model_options(all_kinds[1]);
  options.nonlinear.clear();
  const auto after = [&](Scheme scheme, std::size_t steps) {
    Setup<double> s(options, scheme, steps);
    return s.run(s.theta, s.u0);
  };
  const Matrix<double> reference = after(Scheme::dopri5, 512);
  for (const Scheme scheme : {Scheme::etd1, Scheme::etdrk2, Scheme::etdrk4})
    CHECK(norm(moved(after(scheme, 1), -1.0, reference)) < 1e-12);
}

TEMPLATE_TEST_CASE("adjoint_of_steps_of_a_fast_slow_model_is_the_transpose_of_their_tangent", "", double,
                   float) {
  using Real = TestType;
  for (const Kind& kind : all_kinds)
    for (const Scheme scheme : all_schemes) {
      Setup<Real> s(model_options(kind), scheme);
      const auto u_dot = random_matrix<Real>(s.n, s.lanes, "u_dot"),
                 w = random_matrix<Real>(s.n, s.lanes, "w");
      const auto theta_dot = s.direction("theta_dot");
      s.run(s.theta, s.u0);
      const double forward = dot(s.tangent(u_dot, theta_dot), w);
      const auto bars = s.adjoint(w);
      const double of_theta = dot(bars.theta, theta_dot), of_state = dot(bars.u, u_dot);
      CAPTURE(int(kind.structure), int(kind.dependence), int(scheme));
      CHECK(std::abs(forward - of_theta - of_state) <
            4500 * roundoff<Real> * (std::abs(of_theta) + std::abs(of_state) + 1.0));
    }
}

TEST_CASE("tangent_of_steps_of_a_fast_slow_model_is_the_first_term_of_their_taylor_series") {
  for (const Kind& kind : all_kinds)
    for (const Scheme scheme : all_schemes) {
      Setup<double> s(model_options(kind), scheme);
      const auto u_dot = random_matrix(s.n, s.lanes, "u_dot"), w = random_matrix(s.n, s.lanes, "w");
      const auto theta_dot = s.direction("theta_dot");
      const double start = dot(s.run(s.theta, s.u0), w), slope = dot(s.tangent(u_dot, theta_dot), w);
      const auto remainder = [&](double e) {
        return std::abs(dot(s.run(sum_of(s.theta, e, theta_dot), moved(s.u0, e, u_dot)), w) - start -
                        e * slope);
      };
      CAPTURE(int(kind.structure), int(kind.dependence), int(scheme));
      CHECK(std::log2(remainder(2e-4) / remainder(1e-4)) == Approx(2.0).margin(0.1));
    }
}

TEST_CASE("slow_terms_of_the_state_are_those_of_the_latent_state_behind_the_flow") {
  ModelOptions options = model_options(all_kinds[0]);
  options.slow.form = SlowForm::state;
  options.coupling_flow.enabled = true;
  options.coupling_flow.split = 2;
  options.coupling_flow.hidden = {3};
  for (const Scheme scheme : {Scheme::etdrk4, Scheme::imex_ark4, Scheme::dopri5}) {
    Setup<double> s(options, scheme);
    const auto u_dot = random_matrix(s.n, s.lanes, "u_dot"), w = random_matrix(s.n, s.lanes, "w");
    const auto theta_dot = s.direction("theta_dot");
    const double start = dot(s.run(s.theta, s.u0), w), slope = dot(s.tangent(u_dot, theta_dot), w);
    const auto bars = s.adjoint(w);
    const double of_theta = dot(bars.theta, theta_dot), of_state = dot(bars.u, u_dot);
    CAPTURE(int(scheme));
    CHECK(std::abs(slope - of_theta - of_state) < 1e-12 * (std::abs(of_theta) + std::abs(of_state)));
    const auto remainder = [&](double e) {
      return std::abs(dot(s.run(sum_of(s.theta, e, theta_dot), moved(s.u0, e, u_dot)), w) - start -
                      e * slope);
    };
    CHECK(std::log2(remainder(2e-4) / remainder(1e-4)) == Approx(2.0).margin(0.1));
  }
  options.coupling_flow.enabled = false;
  CHECK_THROWS_AS(Model(options, 5), OptionError);
}

TEST_CASE("bits_of_a_lane_do_not_depend_on_its_neighbours") {
  for (const Kind& kind : all_kinds)
    for (const Scheme scheme : {Scheme::etdrk4, Scheme::imex_ark4, Scheme::rodas4p}) {
      Setup<double> s(model_options(kind), scheme);
      const Matrix<double> u = s.u0;
      const auto alone = on_host(s.run(s.theta, u));
      std::vector<double> before;
      for (std::size_t i = 0; i < s.n; ++i) before.push_back(alone(i, 3));
      Matrix<double> other = moved(u, 2.0, random_matrix(s.n, s.lanes, "other"));
      for (std::size_t i = 0; i < s.n; ++i) other(i, 3) = u(i, 3);
      const auto beside = on_host(s.run(s.theta, other));
      for (std::size_t i = 0; i < s.n; ++i) CHECK(beside(i, 3) == before[i]);
    }
}

TEST_CASE("slow_manifold_is_invariant_and_its_own_dynamics_are_those_of_the_whole") {
  for (const Kind& kind : all_kinds)
    for (const SlowForm form : {SlowForm::network, SlowForm::bilinear, SlowForm::library}) {
      ModelOptions options = model_options(kind);
      options.slow.form = form;
      Model model(options, 5);
      model.argument_scaling = {{0.1, 0.4}, {2.0, 0.5}};
      std::vector<double> theta = model.initialise(4, nullptr);
      const auto noise = random_vector(theta.size(), "noise", 0.2);
      for (const ParameterBlock& block : model.layout().blocks())
        if (!block.frozen)
          for (std::size_t i = 0; i < block.size(); ++i) theta[block.offset + i] += noise[block.offset + i];
      Trajectories data;
      data.count = 5;
      data.times = 12;
      data.components = 5;
      data.shared_time = true;
      for (std::size_t t = 0; t < data.times; ++t) data.time.push_back(0.2 * double(t));
      data.state.assign(data.count * data.times * 5, 0.0);
      for (std::size_t k = 0; k < data.count; ++k) {
        data.state_at(k, 0)[0] = 0.1 * double(k);
        data.state_at(k, 0)[1] = -0.4 + 0.2 * double(k);
        for (std::size_t i = 2; i < 5; ++i) data.state_at(k, 0)[i] = 0.3 * double(i);  // to be projected
        data.parameters["a"].push_back(0.3);
        data.parameters["epsilon"].push_back(0.1 * double(k));
      }
      const auto run = [&](ForecastMode mode, Scheme scheme, double tolerance) {
        Trajectories states = data;
        if (mode == ForecastMode::full)
          for (std::size_t k = 0; k < data.count; ++k) std::fill_n(states.state_at(k, 0) + 2, 3, 0.0);
        BasicForecaster<double>(model, theta,
                                {{scheme, 1, MatrixFunctionMethod::automatic, 0}, 64, tolerance, mode},
                                forecast_steps(data, 1))
            .run(states);
        return states;
      };
      CAPTURE(int(kind.structure), int(kind.dependence), int(form));
      const Trajectories slow = run(ForecastMode::slow, Scheme::imex_ssp2, 0.0),
                         full = run(ForecastMode::full, Scheme::dopri5, 0.0),
                         implicit = run(ForecastMode::full, Scheme::imex_ark4, 0.0),
                         adaptive = run(ForecastMode::slow, Scheme::imex_ssp2, 1e-9);
      CHECK(slow.state == full.state);
      for (std::size_t k = 0; k < data.count; ++k)
        for (std::size_t t = 0; t < data.times; ++t) {
          for (std::size_t i = 2; i < 5; ++i) {
            CHECK(slow.state_at(k, t)[i] == 0.0);
            CHECK(implicit.state_at(k, t)[i] == 0.0);
          }
          for (std::size_t i = 0; i < 2; ++i) {
            CHECK(slow.state_at(k, t)[i] == Approx(implicit.state_at(k, t)[i]).margin(1e-4));
            CHECK(slow.state_at(k, t)[i] == Approx(adaptive.state_at(k, t)[i]).margin(1e-6));
          }
        }
      // eps = 0 of the first trajectory: nothing moves.
      CHECK(std::equal(slow.state_at(0, 0), slow.state_at(0, 0) + 2, slow.state_at(0, data.times - 1)));
    }
}

TEST_CASE("options_of_a_fast_slow_model_that_contradict_each_other_are_refused") {
  const ModelOptions right = model_options(all_kinds[0]);
  CHECK_NOTHROW(Model(right, 5));
  const auto refused = [&](auto change, std::size_t n = 5) {
    ModelOptions options = right;
    change(options);
    CHECK_THROWS_AS(
        [&] {
          validate_all(options);
          Model(options, n);
        }(),
        OptionError);
  };
  refused([](ModelOptions& o) { o.linear.slow_dimension = 0; });
  refused([](ModelOptions& o) { o.linear.slow_dimension = 5; });
  refused([](ModelOptions& o) { o.linear.structure = HurwitzKind::dense; });
  refused([](ModelOptions& o) {
    o.linear.structure = HurwitzKind::dense;
    o.linear.slow_dimension = 0;  // the terms are left
  });
  refused([](ModelOptions& o) { o.linear.mu = 0.1; });
  refused([](ModelOptions& o) { o.linear.fast.dependence = Dependence::hats; });
  refused([](ModelOptions& o) { o.nonlinear.push_back(NonlinearKind::bilinear); });
  refused([](ModelOptions& o) { o.arguments.parameters = {"a"}; });
  refused([](ModelOptions& o) { o.network.relaxation = true; });
  refused([](ModelOptions& o) { o.order = 2; });
  refused([](ModelOptions& o) { o.initialisation = Initialisation::operator_inference; });
  const auto box = [](std::vector<double> low, std::vector<double> high) {
    return [=](ModelOptions& o) {
      o.linear.structure = HurwitzKind::fast_dissipative;
      o.linear.fast.dependence = Dependence::hats;
      o.linear.fast.low = low;
      o.linear.fast.high = high;
    };
  };
  refused(box({1.0}, {1.0}));
  refused(box({0.0, 0.0, 0.0}, {1.0, 1.0, 1.0}));
  refused(box({0.0, 0.0}, {1.0}));
  refused(box({}, {}));
  ModelOptions plain;
  const Model without(plain, 3);
  CHECK_THROWS_AS(without.slow_terms(), UsageError);
  CHECK_THROWS_AS(method_of(LinearStructure::state_dependent, MatrixFunctionMethod::taylor), OptionError);
}
