#include "core/components/coupling_flow.hpp"

#include "catch.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/matrix_functions/householder.hpp"
#include "core/vector_field/coordinates.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <cmath>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr std::size_t n = 5, lanes = 16;

ModelOptions flow_options(double affine_bound, double scale_bound, std::vector<ConditionerKind> conditioners,
                          std::size_t layers = 2) {
  ModelOptions options;
  options.arguments.parameters = {"epsilon"};
  options.nonlinear = {};
  options.constant = false;
  options.coupling_flow.enabled = true;
  options.coupling_flow.layers = layers;
  options.coupling_flow.split = 2;
  options.coupling_flow.affine_bound = affine_bound;
  options.coupling_flow.scale_bound = scale_bound;
  options.coupling_flow.conditioners = std::move(conditioners);
  options.coupling_flow.hidden = {7};
  return options;
}

// A flow at random parameters.
struct Setup {
  Setup(const ModelOptions& options, double noise, std::uint64_t seed = 3)
      : model(options, n), coordinates(model), theta(model.initialise(seed, nullptr)) {
    const auto random = random_vector(theta.size(), "theta" + std::to_string(seed), noise);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += random[i];
    coordinates.set_parameters(theta);
  }
  Matrix<double> value(const CoordinateMap<double>& map, const Matrix<double>& x, const Matrix<double>& q) {
    Matrix<double> y("y", n, x.extent(1)), tape("tape", map.tape_rows(), x.extent(1));
    map.value(space, {ConstMatrixView<double>(x), ConstMatrixView<double>(q)}, y, tape, scratch);
    return y;
  }
  Matrix<double> encode(const Matrix<double>& x, const Matrix<double>& q) {
    return value(coordinates.to_latent(), x, q);
  }
  Matrix<double> decode(const Matrix<double>& x, const Matrix<double>& q) {
    return value(coordinates.from_latent(), x, q);
  }
  // The Jacobian of to_latent() at a state, row major.
  std::vector<double> jacobian(const Matrix<double>& x, const Matrix<double>& q) {
    const auto& map = coordinates.to_latent();
    Matrix<double> y("y", n, n), tape("tape", map.tape_rows(), n), y_dot("y_dot", n, n);
    std::vector<double> unit(n * n, 0.0), result(n * n);
    for (std::size_t i = 0; i < n; ++i) unit[i * n + i] = 1.0;
    Matrix<double> x_dot("x_dot", n, n);
    upload(unit, x_dot);
    const Point<double> at(lanes_of(MatrixView<double>(x), 0, n), lanes_of(MatrixView<double>(q), 0, n));
    map.value(space, at, y, tape, scratch);
    map.jvp(space, {at, x_dot, tape, {}, y_dot}, scratch);
    download(y_dot, result);
    return result;
  }

  ExecSpace space;
  Scratch<double> scratch;
  Model model;
  Coordinates<double> coordinates;
  std::vector<double> theta;
};

double largest_difference(const Matrix<double>& a, const Matrix<double>& b) {
  const auto x = on_host(a), y = on_host(b);
  double largest = 0.0;
  for (std::size_t i = 0; i < x.extent(0); ++i)
    for (std::size_t l = 0; l < x.extent(1); ++l) largest = std::max(largest, std::abs(x(i, l) - y(i, l)));
  return largest;
}

double distance(const Matrix<double>& a, std::size_t k, const Matrix<double>& b, std::size_t l) {
  const auto x = on_host(a), y = on_host(b);
  double squares = 0.0;
  for (std::size_t i = 0; i < n; ++i) squares += (x(i, k) - y(i, l)) * (x(i, k) - y(i, l));
  return std::sqrt(squares);
}

// Every lane at the same state and parameters.
Matrix<double> repeated(std::size_t rows, const std::string& name) {
  const auto column = random_vector(rows, name);
  std::vector<double> all(rows * n);
  for (std::size_t i = 0; i < rows; ++i) std::fill_n(all.begin() + std::ptrdiff_t(i * n), n, column[i]);
  Matrix<double> x("x", rows, n);
  upload(all, x);
  return x;
}

double determinant(std::vector<double> a) {
  double product = 1.0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    if (pivot != k) {
      product = -product;
      std::swap_ranges(a.begin() + std::ptrdiff_t(k * n), a.begin() + std::ptrdiff_t((k + 1) * n),
                       a.begin() + std::ptrdiff_t(pivot * n));
    }
    product *= a[k * n + k];
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return product;
}

const std::vector<ConditionerKind> all_kinds = {ConditionerKind::linear, ConditionerKind::network,
                                                ConditionerKind::product};

}  // namespace

TEST_CASE("from_latent_is_the_exact_inverse_of_a_coupling_flow") {
  for (const double affine : {0.0, 1.0, 2.0})
    for (const double scale : {1.0, 2.0})
      for (const CoupledParts parts : {CoupledParts::both, CoupledParts::second}) {
        CAPTURE(affine, scale, int(parts));
        ModelOptions options = flow_options(affine, scale, all_kinds);
        options.coupling_flow.parts = parts;
        Setup s(options, 0.1);  // compositions of larger quadratic forms grow steeply, and rounding with them
        const auto x = random_matrix(n, lanes, "x"), q = random_matrix(1, lanes, "q");
        const auto u = s.encode(x, q);
        CHECK(largest_difference(u, x) > 0.1);
        CHECK(largest_difference(s.decode(u, q), x) < 2e-14);
        CHECK(largest_difference(s.encode(s.decode(x, q), q), x) < 2e-14);
      }
}

TEST_CASE("coupling_flow_depends_on_the_parameters") {
  Setup s(flow_options(0.0, 1.0, all_kinds), 0.3);
  const auto x = random_matrix(n, lanes, "x");
  CHECK(largest_difference(s.encode(x, random_matrix(1, lanes, "q")),
                           s.encode(x, random_matrix(1, lanes, "other"))) > 1e-2);
}

TEST_CASE("coupling_flow_starts_close_to_the_identity") {
  Setup s(flow_options(3.0, 2.0, {ConditionerKind::network}, 1), 0.0);
  const auto x = random_matrix(n, lanes, "x"), q = random_matrix(1, lanes, "q");
  CHECK(largest_difference(s.encode(x, q), x) < 0.6);
}

TEST_CASE("bilipschitz_layers_have_singular_values_within_their_bound") {
  constexpr double bound = 1.7;
  ParameterLayout layout;
  BilipschitzLayer layer(n, bound, "layer");
  layer.declare(layout);
  using Direction = BilipschitzLayer::Direction;
  for (const double size : {0.1, 1.0, 10.0}) {
    CAPTURE(size);
    const auto theta = random_vector(layout.size(), "theta", size);
    std::vector<double> forward(layer.coefficient_count()), inverse(layer.coefficient_count());
    layer.assemble(Direction::forward, theta, forward);
    layer.assemble(Direction::inverse, theta, inverse);
    for (const auto* c : {&forward, &inverse}) {
      const double norm = spectral_norm({c->data(), n, n});
      CHECK(norm <= bound * (1.0 + 1e-13));
      CHECK(norm == Approx(layer.lipschitz(c == &forward ? Direction::forward : Direction::inverse, theta))
                        .epsilon(1e-12));
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0.0;
        for (std::size_t k = 0; k < n; ++k) sum += forward[i * n + k] * inverse[k * n + j];
        CHECK(sum == Approx(i == j ? 1.0 : 0.0).margin(1e-13));
      }
  }
}

TEST_CASE("bilipschitz_layers_of_bound_one_are_orthogonal") {
  ParameterLayout layout;
  BilipschitzLayer layer(n, 1.0, "layer");
  layer.declare(layout);
  std::vector<double> c(layer.coefficient_count());
  layer.assemble(BilipschitzLayer::Direction::forward, random_vector(layout.size(), "theta", 3.0), c);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < n; ++k) sum += c[k * n + i] * c[k * n + j];
      CHECK(sum == Approx(i == j ? 1.0 : 0.0).margin(1e-14));
    }
}

TEST_CASE("householder_columns_are_the_product_of_the_reflections") {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 1}, {6, 4}, {5, 5}}) {
    CAPTURE(rows, columns);
    const auto entries = random_vector(HouseholderColumns::entry_count(rows, columns), "reflectors", 2.0);
    // H_1 ... H_r, multiplied out.
    std::vector<double> product(rows * rows, 0.0);
    for (std::size_t i = 0; i < rows; ++i) product[i * rows + i] = 1.0;
    std::size_t next = 0;
    for (std::size_t k = 0; k < columns; ++k) {
      std::vector<double> v(rows, 0.0);
      v[k] = 1.0;
      for (std::size_t i = k + 1; i < rows; ++i) v[i] = entries[next++];
      double squares = 0.0;
      for (const double entry : v) squares += entry * entry;
      for (std::size_t i = 0; i < rows; ++i) {
        double along = 0.0;
        for (std::size_t j = 0; j < rows; ++j) along += product[i * rows + j] * v[j];
        for (std::size_t j = 0; j < rows; ++j) product[i * rows + j] -= 2.0 * along * v[j] / squares;
      }
    }
    CHECK(next == entries.size());
    const HouseholderColumns Q(rows, columns, entries);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        CHECK(Q.value().data[i * columns + j] == Approx(product[i * rows + j]).margin(1e-14));
  }
}

TEST_CASE("rectangular_bilipschitz_matrices_have_singular_values_within_their_bound") {
  constexpr double bound = 1.7;
  using Direction = BilipschitzMatrix::Direction;
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{6, 3}, {2, 7}, {4, 1}, {1, 4}})
    for (const double size : {0.1, 1.0, 10.0}) {
      CAPTURE(rows, columns, size);
      ParameterLayout layout;
      BilipschitzMatrix matrix(rows, columns, bound, "matrix");
      matrix.declare(layout);
      const auto theta = random_vector(layout.size(), "theta", size);
      std::vector<double> forward(rows * columns), inverse(rows * columns);
      matrix.assemble(Direction::forward, theta, forward);
      matrix.assemble(Direction::inverse, theta, inverse);
      CHECK(spectral_norm({forward.data(), rows, columns}) <= bound * (1.0 + 1e-13));
      CHECK(spectral_norm({forward.data(), rows, columns}) ==
            Approx(matrix.lipschitz(Direction::forward, theta)).epsilon(1e-12));
      // The norm of the pseudo-inverse is the inverse of the least singular value.
      CHECK(spectral_norm({inverse.data(), columns, rows}) <= bound * (1.0 + 1e-13));
      const std::size_t r = std::min(rows, columns);
      const HostOperand M(forward.data(), rows, columns), pseudo(inverse.data(), columns, rows);
      std::vector<double> one(r * r);
      multiply(1.0, rows > columns ? pseudo : M, rows > columns ? M : pseudo, 0.0, {one.data(), r, r});
      for (std::size_t i = 0; i < r; ++i)
        for (std::size_t j = 0; j < r; ++j) CHECK(one[i * r + j] == Approx(i == j ? 1.0 : 0.0).margin(1e-13));
    }
}

TEST_CASE("bound_of_the_networks_bounds_a_coupling_flow") {
  // One shift by a network of two layers of bound L: its slope is at most L^2, and that of h at most
  // 1 + L^2, whatever the parameters are.
  constexpr double bound = 1.3;
  ModelOptions options = flow_options(0.0, 1.0, {ConditionerKind::network}, 1);
  options.coupling_flow.parts = CoupledParts::second;
  options.coupling_flow.network_bound = bound;
  for (const double noise : {0.0, 1.0, 30.0}) {
    CAPTURE(noise);
    const Setup s(options, noise);
    const auto bounds = s.model.coupling_flow()->distortion(s.theta, 3.0);
    for (const double lipschitz : {bounds.to_latent, bounds.from_latent}) {
      CHECK(lipschitz < 1.0 + bound * bound);
      CHECK(lipschitz > 1.0);
    }
  }
}

TEST_CASE("coupling_flow_without_scales_preserves_volume") {
  for (const double affine : {0.0, 1.0}) {
    Setup s(flow_options(affine, 1.0, all_kinds), 0.4);
    CHECK(determinant(s.jacobian(repeated(n, "x"), repeated(1, "q"))) == Approx(1.0).epsilon(1e-12));
  }
}

TEST_CASE("scales_of_a_coupling_flow_bound_its_determinant") {
  // Each of two layers scales each component once, by a factor in [1/L, L].
  Setup s(flow_options(0.0, 1.5, all_kinds), 1.0);
  const double det = determinant(s.jacobian(repeated(n, "x"), repeated(1, "q")));
  CHECK(det > std::pow(1.5, -2.0 * n));
  CHECK(det < std::pow(1.5, 2.0 * n));
  CHECK(std::abs(det - 1.0) > 1e-3);
}

TEST_CASE("no_pair_of_states_breaks_the_bi_lipschitz_constants_of_a_coupling_flow") {
  constexpr double radius = 3.0;
  constexpr std::size_t many = 400;
  std::size_t seed = 0;
  for (const double affine : {0.0, 1.5})
    for (const double scale : {1.0, 1.5})
      for (const auto& kinds : {std::vector{ConditionerKind::linear}, all_kinds})
        for (const double noise : {0.1, 1.0}) {
          CAPTURE(affine, scale, kinds.size(), noise);
          Setup s(flow_options(affine, scale, kinds, 1), noise, ++seed);
          const auto bounds = s.model.coupling_flow()->distortion(s.theta, radius);
          // Pairs of states of the ball, far and close, with the parameter at and between its ends.
          auto at = random_vector(n * many, "at"), q = random_vector(many, "q");
          for (std::size_t l = 0; l < many; ++l) {
            q[l] = std::clamp(q[l], -1.0, 1.0);
            double squares = 0.0;
            for (std::size_t i = 0; i < n; ++i) squares += at[i * many + l] * at[i * many + l];
            const double length = radius * std::pow(Random(seed, "length").uniform(l), 1.0 / double(n));
            for (std::size_t i = 0; i < n; ++i) at[i * many + l] *= length / std::sqrt(squares);
            if (l % 4 != 1) continue;  // close to the one before it
            for (std::size_t i = 0; i < n; ++i)
              at[i * many + l] = at[i * many + l - 1] * (1.0 - 1e-4) + 1e-4 * at[i * many + l];
          }
          for (std::size_t l = 1; l < many; l += 2) q[l] = q[l - 1];
          Matrix<double> x("x", n, many), parameter("q", 1, many);
          upload(at, x);
          upload(q, parameter);
          const auto u = s.encode(x, parameter);
          double stretch = 0.0, shrink = 0.0;
          for (std::size_t l = 1; l < many; l += 2) {
            const double before = distance(x, l, x, l - 1), after = distance(u, l, u, l - 1);
            stretch = std::max(stretch, after / before);
            shrink = std::max(shrink, before / after);
          }
          CHECK(stretch <= bounds.to_latent * (1.0 + 1e-10));
          CHECK(shrink <= bounds.from_latent * (1.0 + 1e-10));
          // Of linear shifts the constants are no guess.
          if (scale == 1.0 && kinds.size() == 1) CHECK(bounds.to_latent < 3.0 * stretch);
        }
}

TEST_CASE("coupling_flow_that_does_not_fit_the_states_is_refused") {
  ModelOptions options = flow_options(0.0, 1.0, all_kinds);
  CHECK_THROWS_AS(Model(options, 1), OptionError);
  options.coupling_flow.split = n;
  CHECK_THROWS_AS(Model(options, n), OptionError);
  options.coupling_flow.split = 1;
  options.autoencoder.enabled = true;
  CHECK_THROWS_AS(Model(options, n), OptionError);
  options.autoencoder.enabled = false;
  options.latent_dimension = n - 1;
  CHECK_THROWS_AS(Model(options, n), OptionError);
}
