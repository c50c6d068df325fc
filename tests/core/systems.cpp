// The reference systems as mathematics: derivatives, invariants, exact solutions, spectra.
#include "core/systems/systems.hpp"
#include "catch.hpp"
#include "core/matrix_functions/phi.hpp"
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
    SystemKind::transient_growth,     SystemKind::grad13,      SystemKind::robertson,
    SystemKind::kuramoto_sivashinsky, SystemKind::lorenz63,    SystemKind::two_body,
    SystemKind::rigid_body,           SystemKind::sigmoid_map, SystemKind::switching};

const GenerateOptions
    defaults;  // built once: gcc 12 misreads the vectors' initialisation where it is inlined

std::unique_ptr<ReferenceSystem> make(SystemKind kind) {
  GenerateOptions options = defaults;
  options.system = kind;
  options.epsilon = 0.7;
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
      // All right-hand sides but sin(u), |u|^-3 and tanh(c u) are quadratic: central differences have no
      // truncation error there.
      const bool quadratic = kind != SystemKind::transient_growth && kind != SystemKind::two_body &&
                             kind != SystemKind::sigmoid_map;
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
  const std::size_t counts[] = {0, 6, 1, 1, 0, 0, 0, 0, 0};
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
