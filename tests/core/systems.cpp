// The reference systems as mathematics: derivatives, invariants, exact solutions, spectra.
#include "core/systems/systems.hpp"
#include "catch.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/systems/abraham_lorentz.hpp"
#include "core/systems/grad13.hpp"
#include "core/systems/kuramoto_sivashinsky.hpp"
#include "core/systems/robertson.hpp"
#include "core/systems/transient_growth.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <set>

using namespace spnode::core;
using std::numbers::pi;

namespace {

constexpr SystemKind kinds[] = {
    SystemKind::transient_growth,     SystemKind::grad13,       SystemKind::robertson,
    SystemKind::kuramoto_sivashinsky, SystemKind::lorenz63,     SystemKind::two_body,
    SystemKind::rigid_body,           SystemKind::sigmoid_map,  SystemKind::switching,
    SystemKind::attracting_manifold,  SystemKind::grad_moments, SystemKind::lorenz96,
    SystemKind::abraham_lorentz,      SystemKind::disc_and_ring};
constexpr SystemKind fast_slow[] = {SystemKind::attracting_manifold, SystemKind::grad_moments,
                                    SystemKind::lorenz96, SystemKind::abraham_lorentz};

const GenerateOptions
    defaults;  // built once: gcc 12 misreads the vectors' initialisation where it is inlined

std::unique_ptr<ReferenceSystem> make(SystemKind kind, double epsilon = 0.0) {
  GenerateOptions options = defaults;
  options.system = kind;
  options.epsilon = epsilon > 0.0 ? epsilon : kind == SystemKind::grad_moments ? 0.1 : 0.7;
  options.lorenz96 = {5, 6};
  options.grid_points = 24;
  return make_system(options);
}

std::vector<double> random_state(const ReferenceSystem& system) {
  std::vector<double> u(system.dimension());
  system.initial_state(Random(5, "state"), u);
  return u;
}

std::vector<double> rate(const ReferenceSystem& system, const std::vector<double>& u) {
  std::vector<double> result(system.dimension());
  system.rhs(u, result);
  return result;
}

double largest(const std::vector<double>& values) {
  double result = 0.0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

}  // namespace

TEST_CASE("jacobian_is_the_derivative_of_the_rhs") {
  for (const SystemKind kind : kinds) {
    const auto system = make(kind);
    const std::size_t n = system->dimension();
    const std::vector<double> u = random_state(*system);
    std::vector<double> jacobian(n * n, std::nan(""));
    system->jacobian(u, jacobian);
    const double scale = std::max(largest(jacobian), 1.0);
    for (std::size_t j = 0; j < n; ++j) {
      // Most right-hand sides are quadratic: central differences have no truncation error there.
      const bool quadratic = kind != SystemKind::transient_growth && kind != SystemKind::two_body &&
                             kind != SystemKind::sigmoid_map && kind != SystemKind::attracting_manifold &&
                             kind != SystemKind::abraham_lorentz && kind != SystemKind::disc_and_ring;
      const double h = quadratic ? 1e-3 : 3e-6;
      std::vector<double> up = u, down = u;
      up[j] += h;
      down[j] -= h;
      const std::vector<double> above = rate(*system, up), below = rate(*system, down);
      for (std::size_t i = 0; i < n; ++i) {
        INFO(spnode::name_of(kind) << ": row " << i << ", column " << j);
        REQUIRE(std::abs((above[i] - below[i]) / (2.0 * h) - jacobian[i * n + j]) <= 1e-9 * scale);
      }
    }
  }
}

TEST_CASE("linear_invariants_are_conserved_by_the_rhs") {
  const std::size_t counts[] = {0, 6, 1, 1, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0};
  for (const SystemKind kind : kinds) {
    const auto system = make(kind);
    const std::vector<double> u = random_state(*system), f = rate(*system, u);
    const auto invariants = system->linear_invariants();
    CHECK(invariants.size() == counts[static_cast<int>(kind)]);
    for (const auto& w : invariants) {
      double change = 0.0;
      for (std::size_t i = 0; i < f.size(); ++i) change += w[i] * f[i];
      CHECK(std::abs(change) <= 1e-13 * static_cast<double>(f.size()) * largest(f));
    }
  }
}

TEST_CASE("jacobian_products_are_those_of_the_matrix") {
  for (const SystemKind kind : kinds) {
    const auto system = make(kind);
    const std::size_t n = system->dimension();
    const std::vector<double> u = random_state(*system);
    std::vector<double> jacobian(n * n), basis(n * n, 0.0), products(n * n);
    for (std::size_t i = 0; i < n; ++i) basis[i * n + i] = 1.0;
    system->jacobian(u, jacobian);
    system->jacobian_products(u, basis, products);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) CHECK(products[j * n + i] == jacobian[i * n + j]);
  }
}

TEST_CASE("energy_and_angular_momentum_are_conserved_by_the_rhs") {
  // A quantity is conserved where its gradient is orthogonal to the right-hand side.
  const auto change = [](const std::vector<double>& gradient, const std::vector<double>& f) {
    double sum = 0.0;
    for (std::size_t i = 0; i < f.size(); ++i) sum += gradient[i] * f[i];
    return sum;
  };
  for (std::uint64_t number = 0; number < 20; ++number) {
    const Random random(3, number);
    std::vector<double> u(4), y(3);
    for (std::size_t i = 0; i < 4; ++i) u[i] = random.uniform(i, -1.0, 1.0);
    for (std::size_t i = 0; i < 3; ++i) y[i] = random.uniform(4 + i, -1.0, 1.0);
    const std::vector<double> f = rate(*make(SystemKind::two_body), u);
    const double cube = std::pow(u[0] * u[0] + u[1] * u[1], 1.5), size = 1.0 + 1.0 / (cube * cube);
    CHECK(std::abs(change({u[0] / cube, u[1] / cube, u[2], u[3]}, f)) <= 1e-14 * size);
    CHECK(std::abs(change({u[3], -u[2], -u[1], u[0]}, f)) <= 1e-14 * size);
    const std::vector<double> g = rate(*make(SystemKind::rigid_body), y);
    CHECK(std::abs(change(y, g)) <= 1e-15);
    CHECK(std::abs(change({y[0] / 1.6, y[1], 1.5 * y[2]}, g)) <= 1e-15);
  }
}

TEST_CASE("two_body_orbits_start_at_the_pericentre_with_semi_axis_one") {
  const auto system = make(SystemKind::two_body);
  for (std::uint64_t trajectory = 0; trajectory < 100; ++trajectory) {
    std::vector<double> u(4);
    system->initial_state(Random(1, trajectory), u);
    CHECK((u[0] > 0.3 && u[0] < 0.5 && u[1] == 0.0 && u[2] == 0.0));
    CHECK(0.5 * u[3] * u[3] - 1.0 / u[0] == Approx(-0.5).epsilon(1e-14));
  }
}

TEST_CASE("disc_goes_to_the_origin_and_ring_to_a_point_on_either_side_of_the_tear") {
  // Euler steps: the flow contracts towards both limits, and no trajectory crosses r = 1 or theta = pi.
  const auto system = make(SystemKind::disc_and_ring);
  std::size_t discs = 0;
  for (std::uint64_t trajectory = 0; trajectory < 200; ++trajectory) {
    std::vector<double> u(2), f(2);
    system->initial_state(Random(1, trajectory), u);
    const double radius = std::hypot(u[0], u[1]);
    const bool disc = radius < 1.0;
    discs += disc;
    CHECK((radius < 0.8 || (radius > 1.2 && radius < 2.0)));
    for (int step = 0; step < 4000; ++step) {
      system->rhs(u, f);
      for (std::size_t i = 0; i < 2; ++i) u[i] += 0.005 * f[i];
    }
    CHECK(std::hypot(u[0] - (disc ? 0.0 : 2.0), u[1]) < 1e-6);
  }
  CHECK((discs > 80 && discs < 120));
}

TEST_CASE("names_and_sizes_match_the_dimension") {
  for (const SystemKind kind : kinds) {
    const auto system = make(kind);
    const auto names = system->component_names();
    CHECK(names.size() == system->dimension());
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
    CHECK(system->negligible_sizes().size() == system->dimension());
  }
}

TEST_CASE("transient_growth_has_its_closed_form_exponential_and_grows_first") {
  const TransientGrowth system(0.0);
  std::vector<double> matrix(4);
  system.jacobian(std::vector<double>(2, 0.3), matrix);
  PhiFunctions functions(2, 0, HalfArgument::omit);
  for (const double t : {0.1, 0.5, 2.0, 8.0}) {
    functions.compute(matrix, t);
    const auto e = functions.value(0, Argument::full);
    CHECK(e[0] == Approx(std::exp(-2 * t)).epsilon(1e-13));
    CHECK(e[1] == Approx(10 * t * std::exp(-2 * t)).epsilon(1e-13));
    CHECK(e[2] == 0.0);
    CHECK(e[3] == Approx(std::exp(-2 * t)).epsilon(1e-13));
  }
  // Along the leading eigenvector (1, 1) of the symmetric part, d|u|^2/dt = 2 * 3 |u|^2.
  const std::vector<double> f = rate(system, {1.0, 1.0});
  CHECK(f[0] + f[1] == 6.0);
}

TEST_CASE("lorenz63_rests_at_its_three_fixed_points_and_contracts_volumes") {
  const double sigma = 10.0, rho = 28.0, beta = 8.0 / 3.0, r = std::sqrt(beta * (rho - 1.0));
  const auto system = make(SystemKind::lorenz63);
  for (const double sign : {-1.0, 0.0, 1.0})
    CHECK(largest(rate(*system, {sign * r, sign * r, sign * sign * (rho - 1.0)})) < 1e-13);
  std::vector<double> jacobian(9);
  system->jacobian(random_state(*system), jacobian);
  CHECK(jacobian[0] + jacobian[4] + jacobian[8] == Approx(-(sigma + 1.0 + beta)));
}

TEST_CASE("grad13_is_the_complex_system_of_the_paper") {
  const double eps = 0.7;
  const Grad13 system(eps);
  const std::vector<double> u = random_state(system), f = rate(system, u);
  using Complex = std::complex<double>;
  for (std::size_t k = 0; k < Grad13::modes; ++k) {
    const auto at = [&](const std::vector<double>& from, std::size_t variable) {
      return Complex(from[Grad13::index(k, variable)], from[Grad13::index(k, variable) + 1]);
    };
    const Complex d = Complex(0, 1) * static_cast<double>(k) * eps;
    const Complex rho = at(u, 0), v = at(u, 1), temperature = at(u, 2), sigma = at(u, 3), q = at(u, 4);
    CHECK(std::abs(at(f, 0) + d * v) < 1e-14);
    CHECK(std::abs(at(f, 1) + d * (rho + temperature + sigma)) < 1e-14);
    CHECK(std::abs(at(f, 2) + d * 2.0 / 3.0 * (v + q)) < 1e-14);
    CHECK(std::abs(at(f, 3) + sigma + d * (4.0 / 3.0 * v + 8.0 / 15.0 * q)) < 1e-14);
    CHECK(std::abs(at(f, 4) + 2.0 / 3.0 * q + d * (2.5 * temperature + sigma)) < 1e-14);
  }
}

TEST_CASE("grad13_has_exactly_six_conserved_directions_and_nothing_grows") {
  const Grad13 system(0.1);
  const std::size_t n = system.dimension();
  std::vector<double> matrix(n * n);
  system.jacobian(std::vector<double>(n), matrix);
  PhiFunctions functions(n, 0, HalfArgument::omit);
  functions.compute(matrix, 1e5);  // only the eigenvalue 0 survives: a projection of rank 6
  const auto e = functions.value(0, Argument::full);
  double trace = 0.0;
  for (std::size_t i = 0; i < n; ++i) trace += e[i * n + i];
  CHECK(trace == Approx(6.0).margin(1e-8));
  CHECK(largest({e.begin(), e.end()}) == Approx(1.0).margin(1e-8));
}

TEST_CASE("robertson_starts_near_one_and_never_negative") {
  const Robertson system(0.05);
  for (std::uint64_t trajectory = 0; trajectory < 100; ++trajectory) {
    std::vector<double> y(3);
    system.initial_state(Random(1, trajectory), y);
    CHECK(std::abs(y[0] - 1.0) <= 0.05);
    CHECK((y[1] > 0.0 && y[1] <= 5e-6));
    CHECK((y[2] > 0.0 && y[2] <= 0.05));
  }
}

TEST_CASE("kuramoto_sivashinsky_rhs_is_exact_for_resolved_waves") {
  const double length = 22.0;
  const std::size_t n = 32, mode = 3;
  const KuramotoSivashinsky system(length, n);
  const double q = 2 * pi * mode / length, amplitude = 0.8;
  std::vector<double> u(n);
  for (std::size_t j = 0; j < n; ++j) u[j] = amplitude * std::cos(q * length * static_cast<double>(j) / n);
  const std::vector<double> f = rate(system, u);
  for (std::size_t j = 0; j < n; ++j) {
    const double x = length * static_cast<double>(j) / n;
    const double convection = 0.5 * amplitude * amplitude * q * std::sin(2 * q * x);  // -u u_x
    CHECK(f[j] == Approx(convection + (q * q - std::pow(q, 4)) * u[j]).margin(1e-11));
  }
}

TEST_CASE("kuramoto_sivashinsky_growth_rates_are_the_known_ones") {
  const KuramotoSivashinsky system(22.0, 64);
  CHECK(system.growth_rate(0) == 0.0);
  CHECK(system.growth_rate(1) == Approx(0.0749).margin(5e-5));
  CHECK(system.growth_rate(2) == Approx(0.2198).margin(5e-5));
  CHECK(system.growth_rate(3) == Approx(0.1952).margin(5e-5));
  CHECK(system.growth_rate(4) < 0.0);
}

namespace {

// How far the right-hand side at the slow manifold y = h(x) is from being tangent to it: f_y - Dh f_x.
double deviation_from_invariance(const ReferenceSystem& system, std::vector<double> u) {
  system.to_slow_manifold(u);
  const std::vector<double> f = rate(system, u);
  const double step = 1e-3 / largest({f.begin(), f.begin() + std::ptrdiff_t(system.slow_components())});
  const auto moved = [&](double by) {
    std::vector<double> point = u;
    for (std::size_t i = 0; i < system.slow_components(); ++i) point[i] += by * f[i];
    system.to_slow_manifold(point);
    return point;
  };
  const std::vector<double> up = moved(step), down = moved(-step), far_up = moved(2.0 * step),
                            far_down = moved(-2.0 * step);
  double worst = 0.0;
  for (std::size_t i = system.slow_components(); i < u.size(); ++i) {
    const double along = (8.0 * (up[i] - down[i]) - (far_up[i] - far_down[i])) / (12.0 * step);
    worst = std::max(worst, std::abs(f[i] - along));
  }
  return worst;
}

}  // namespace

TEST_CASE("slow_manifolds_are_invariant_up_to_their_order") {
  for (const SystemKind kind : fast_slow) {
    INFO(spnode::name_of(kind));
    const std::vector<double> u = random_state(*make(kind, 0.002));
    const double coarse = deviation_from_invariance(*make(kind, 0.004), u),
                 fine = deviation_from_invariance(*make(kind, 0.002), u);
    if (kind == SystemKind::grad_moments)
      CHECK(coarse < 1e-12);
    else
      CHECK(std::log2(coarse / fine) == Approx(2.0).margin(0.1));
  }
}

TEST_CASE("slow_variables_come_first_and_are_slow") {
  constexpr double epsilon = 1e-4;
  for (const SystemKind kind : fast_slow) {
    const auto system = make(kind, epsilon);
    const std::vector<double> f = rate(*system, random_state(*system));
    for (std::size_t i = 0; i < f.size(); ++i)
      CHECK((std::abs(f[i]) < 30.0 * epsilon) == (i < system->slow_components()));
  }
}

TEST_CASE("fast_variables_decay_to_the_manifold_with_the_known_rates") {
  // The Jacobian of the fast variables at points of the manifold, at epsilon 0 to rounding.
  const auto fast_jacobian = [](const ReferenceSystem& system, std::vector<double>& u) {
    system.to_slow_manifold(u);
    const std::size_t n = system.dimension(), slow = system.slow_components();
    std::vector<double> all(n * n), fast;
    system.jacobian(u, all);
    for (std::size_t i = slow; i < n; ++i)
      for (std::size_t j = slow; j < n; ++j) fast.push_back(all[i * n + j]);
    return fast;
  };
  constexpr double tiny = 1e-15;
  const auto plane = make(SystemKind::attracting_manifold, tiny);
  std::vector<double> u = random_state(*plane);
  CHECK(fast_jacobian(*plane, u)[0] == Approx(-1.0 - 0.1 * std::cos(2.0 * u[0])).epsilon(1e-13));

  const auto electron = make(SystemKind::abraham_lorentz, tiny);
  u = random_state(*electron);
  const std::vector<double> relaxation = fast_jacobian(*electron, u);
  for (std::size_t i = 0; i < 9; ++i) CHECK(relaxation[i] == (i % 4 == 0 ? -1.0 : 0.0));

  const auto moments = make(SystemKind::grad_moments, tiny);
  u = random_state(*moments);
  const std::vector<double> decay = fast_jacobian(*moments, u);
  for (std::size_t i = 0; i < 12; ++i) CHECK(decay[i * 13] == (i / 2 % 2 == 0 ? -1.0 : -2.0 / 3.0));

  // Circulant on each ring: lambda_m = -1 - x (e^{4 pi i m / J} - e^{-2 pi i m / J}) (FSNN, eq. (5.12)).
  const auto rings = make(SystemKind::lorenz96, tiny);
  constexpr std::size_t K = 5, J = 6, n = K * J;
  u = random_state(*rings);
  const std::vector<double> circulant = fast_jacobian(*rings, u);
  for (std::size_t k = 0; k < K; ++k)
    for (std::size_t m = 0; m < J; ++m) {
      const auto wave = [&](double j) { return std::polar(1.0, 2.0 * pi * double(m) * j / double(J)); };
      const std::complex<double> lambda = -1.0 - u[k] * (wave(2.0) - wave(-1.0));
      for (std::size_t i = 0; i < J; ++i) {
        std::complex<double> product = 0.0;
        for (std::size_t j = 0; j < J; ++j)
          product += circulant[(k * J + i) * n + k * J + j] * wave(double(j));
        CHECK(std::abs(product - lambda * wave(double(i))) < 1e-13);
      }
    }
}

TEST_CASE("energy_of_the_two_scale_lorenz_system_decays_as_it_should") {
  constexpr double epsilon = 0.3;
  const auto system = make(SystemKind::lorenz96, epsilon);
  const std::vector<double> u = random_state(*system), f = rate(*system, u);
  double change = 0.0, expected = 0.0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    const bool slow = i < system->slow_components();
    change += (slow ? 1.0 : epsilon * epsilon) * u[i] * f[i];
    expected -= (slow ? epsilon : epsilon * epsilon) * u[i] * u[i];
  }
  CHECK(change == Approx(expected).epsilon(1e-12));
}

TEST_CASE("magnetic_field_of_the_tokamak_has_no_sources") {
  const double x[] = {1.9, -2.1, 0.4};
  const auto at = AbrahamLorentz::field(x);
  CHECK(std::abs(at.gradient[0][0] + at.gradient[1][1] + at.gradient[2][2]) < 1e-15);
  const double r = std::hypot(x[0], x[1]);
  CHECK((x[0] * at.B[1] - x[1] * at.B[0]) / r == Approx(3.0 / r));  // B_phi = R_0 B_0 / r
  for (std::size_t j = 0; j < 3; ++j) {
    constexpr double h = 1e-5;
    double up[] = {x[0], x[1], x[2]}, down[] = {x[0], x[1], x[2]};
    up[j] += h;
    down[j] -= h;
    for (std::size_t i = 0; i < 3; ++i) {
      const double slope = (AbrahamLorentz::field(up).B[i] - AbrahamLorentz::field(down).B[i]) / (2.0 * h);
      CHECK(slope == Approx(at.gradient[i][j]).margin(1e-9));
    }
  }
}

TEST_CASE("abraham_lorentz_starts_in_its_region") {
  const auto system = make(SystemKind::abraham_lorentz, 0.01);
  double farthest = 0.0, fastest = 0.0;
  for (std::uint64_t trajectory = 0; trajectory < 300; ++trajectory) {
    std::vector<double> u(9);
    system->initial_state(Random(1, trajectory), u);
    std::vector<double> manifold = u;
    system->to_slow_manifold(manifold);
    const double r = std::hypot(u[0], u[1]), v = std::hypot(u[3], u[4], u[5]),
                 off = std::hypot(u[6] - manifold[6], u[7] - manifold[7], u[8] - manifold[8]);
    CHECK((r >= 2.0 && r <= 4.0 && std::abs(u[2]) <= 1.0 && v <= 1.0 && off <= 1.0 + 1e-14));
    farthest = std::max(farthest, off);
    fastest = std::max(fastest, v);
  }
  CHECK((farthest > 0.95 && fastest > 0.95));
}

TEST_CASE("grad_moments_without_a_slow_manifold_are_refused") {
  CHECK_THROWS_AS(make(SystemKind::grad_moments, 5.0), spnode::OptionError);
}
