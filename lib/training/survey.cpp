#include "training/survey.hpp"

#include "core/integrators/rollout_steps.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/matrix_functions/differences.hpp"
#include "core/support/error.hpp"
#include "core/support/stored_precision.hpp"
#include "training/start/differences.hpp"
#include "training/start/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>

namespace spnode::training {

namespace {

constexpr std::size_t most_components = 16;  ///< that fits use as they are
constexpr std::size_t most_modes = 30;
constexpr std::size_t most_snapshots = 600;  ///< of the POD
constexpr std::size_t most_rows = 6000;      ///< of a fit
constexpr std::size_t most_features = 500;
constexpr std::size_t largest_degree = 3;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Mean and deviation of every component; a deviation of zero where it does not vary.
struct Spread {
  std::vector<double> mean, deviation;
  double epsilon = 0.0;  ///< of the format of the numbers
};

Spread spread_of(const core::Trajectories& data) {
  const std::size_t m = data.components, states = data.count * data.times;
  Spread spread{std::vector<double>(m, 0.0), std::vector<double>(m, 0.0)};
  std::vector<core::StoredPrecision> formats(m);
  for (std::size_t k = 0; k < states * m; ++k) {
    spread.mean[k % m] += data.state[k] / static_cast<double>(states);
    formats[k % m].add(data.state[k]);
  }
  for (std::size_t k = 0; k < states * m; ++k) {
    const double difference = data.state[k] - spread.mean[k % m];
    spread.deviation[k % m] += difference * difference / static_cast<double>(states);
  }
  for (std::size_t c = 0; c < m; ++c) {
    const double deviation = std::sqrt(spread.deviation[c]), epsilon = formats[c].epsilon();
    spread.deviation[c] = core::varies(deviation, spread.mean[c], epsilon) ? deviation : 0.0;
    spread.epsilon = std::max(spread.epsilon, epsilon);
  }
  return spread;
}

/// Median step of the times [begin, end) of a trajectory, in magnitude.
double median_step(const core::Trajectories& data, std::size_t n, std::size_t begin, std::size_t end) {
  std::vector<double> steps;
  for (std::size_t t = begin; t + 1 < end; ++t)
    steps.push_back(std::abs(data.time_at(n, t + 1) - data.time_at(n, t)));
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::ranges::nth_element(steps, middle);
  return *middle;
}

TimeGrid grid_of(const core::Trajectories& data) {
  TimeGrid grid;
  grid.shortest = std::numeric_limits<double>::infinity();
  core::StoredPrecision precision;
  for (const double t : data.time) precision.add(t);
  double rounding = 0.0;
  const std::size_t axes = data.shared_time ? std::min<std::size_t>(data.count, 1) : data.count;
  for (std::size_t n = 0; n < axes; ++n) {
    const double first = data.time_at(n, 0), last = data.time_at(n, data.times - 1);
    grid.length = std::max(grid.length, std::abs(last - first));
    rounding = std::max(rounding, precision.epsilon() * std::max(std::abs(first), std::abs(last)));
    for (std::size_t t = 0; t + 1 < data.times; ++t) {
      const double step = std::abs(data.time_at(n, t + 1) - data.time_at(n, t));
      grid.shortest = std::min(grid.shortest, step);
      grid.longest = std::max(grid.longest, step);
    }
  }
  const std::size_t quarter = std::max<std::size_t>(2, data.times / 4);
  grid.growth = median_step(data, 0, data.times - quarter, data.times) / median_step(data, 0, 0, quarter);
  grid.even = grid.longest - grid.shortest <= 2e-8 * grid.longest + 4.0 * rounding;
  return grid;
}

/// Of the magnitudes of a component, the widest.
double decades_of(const core::Trajectories& data) {
  double widest = 0.0;
  for (std::size_t c = 0; c < data.components; ++c) {
    double least = std::numeric_limits<double>::infinity(), most = 0.0;
    for (std::size_t k = c; k < data.state.size(); k += data.components) {
      const double x = std::abs(data.state[k]);
      if (x > 0.0) least = std::min(least, x);
      most = std::max(most, x);
    }
    if (most > 0.0) widest = std::max(widest, std::log10(most / least));
  }
  return widest;
}

/// Coordinates w = rows (z) of the scaled components z = (u - shift) / scale: the components themselves, or
/// POD modes.
struct Coordinates {
  std::vector<double> shift, scale;  ///< (components)
  std::vector<double> rows;          ///< (size, components); empty: the components that vary
  std::vector<std::size_t> chosen;   ///< these
  std::size_t size = 0;

  void read(const double* u, std::span<double> w) const {
    if (rows.empty()) {
      for (std::size_t i = 0; i < size; ++i) w[i] = (u[chosen[i]] - shift[chosen[i]]) / scale[chosen[i]];
      return;
    }
    const std::size_t m = shift.size();
    for (std::size_t i = 0; i < size; ++i) {
      w[i] = 0.0;
      for (std::size_t c = 0; c < m; ++c) w[i] += rows[i * m + c] * (u[c] - shift[c]) / scale[c];
    }
  }
};

/// As model.scaling does: one shift and scale for components that are alike in a field, else one each.
Coordinates scaled_components(const Spread& spread, bool alike) {
  Coordinates scaled{spread.mean, spread.deviation, {}, {}, 0};
  const std::size_t m = spread.mean.size();
  if (alike && m > most_components) {
    const double shift = mean_of(spread.mean);
    double variance = 0.0;
    for (std::size_t c = 0; c < m; ++c)
      variance +=
          (spread.deviation[c] * spread.deviation[c] + (spread.mean[c] - shift) * (spread.mean[c] - shift)) /
          static_cast<double>(m);
    scaled.shift.assign(m, shift);
    scaled.scale.assign(m, std::sqrt(variance));
  }
  for (std::size_t c = 0; c < m; ++c) {
    if (spread.deviation[c] > 0.0) scaled.chosen.push_back(c);
    if (!(scaled.scale[c] > 0.0)) scaled.scale[c] = 1.0;
  }
  scaled.size = scaled.chosen.size();
  return scaled;
}

/// Evenly spread states, scaled: (snapshots, components).
std::vector<double> snapshots_of(const core::Trajectories& data, const Coordinates& scaled) {
  const std::size_t states = data.count * data.times, m = data.components;
  const std::size_t count = std::min(states, most_snapshots);
  std::vector<double> snapshots(count * m);
  for (std::size_t k = 0; k < count; ++k) {
    const double* const u = data.state.data() + k * states / count * m;
    for (std::size_t c = 0; c < m; ++c) snapshots[k * m + c] = (u[c] - scaled.shift[c]) / scaled.scale[c];
  }
  return snapshots;
}

/// Eigenvectors of X^T X of the snapshots X, or of X X^T where these are fewer, by ascending eigenvalue.
struct Decomposition {
  std::vector<double> values, vectors;  ///< (k), (k, k) row by row
  bool of_snapshots = false;            ///< X X^T
};

Decomposition decompose(const std::vector<double>& snapshots, std::size_t m) {
  const std::size_t count = snapshots.size() / m;
  Decomposition found;
  found.of_snapshots = count < m;
  const std::size_t k = std::min(count, m);
  found.vectors.resize(k * k);
  const core::HostOperand X(snapshots.data(), count, m);
  if (found.of_snapshots)
    core::multiply(1.0, X, core::transposed(X), 0.0, core::square(std::span(found.vectors), k));
  else
    core::multiply(1.0, core::transposed(X), X, 0.0, core::square(std::span(found.vectors), k));
  found.values = core::symmetric_eigen(core::square(std::span(found.vectors), k));
  return found;
}

/// The first modes (d, m) of a decomposition.
std::vector<double> modes_of(const Decomposition& found, const std::vector<double>& snapshots, std::size_t m,
                             std::size_t d) {
  const std::size_t k = found.values.size();
  std::vector<double> modes(d * m, 0.0);
  for (std::size_t i = 0; i < d; ++i) {
    const double* const vector = &found.vectors[(k - 1 - i) * k];
    if (!found.of_snapshots) {
      std::copy_n(vector, m, &modes[i * m]);
      continue;
    }
    const double norm = std::sqrt(found.values[k - 1 - i]);
    for (std::size_t s = 0; s < k; ++s)
      for (std::size_t c = 0; c < m; ++c) modes[i * m + c] += vector[s] * snapshots[s * m + c] / norm;
  }
  return modes;
}

std::vector<double> residuals_of(const Decomposition& found) {
  const std::size_t k = found.values.size();
  std::vector<double> residual(k + 1, 0.0);
  double lost = 0.0;
  for (std::size_t d = k; d-- > 0;) {
    lost += std::max(found.values[k - 1 - d], 0.0);
    residual[d] = lost;
  }
  const double all = residual.front();
  for (double& value : residual) value = all > 0.0 ? std::sqrt(value / all) : 0.0;
  return residual;
}

/// Calls add(product) for all products of `variables` of up to `degree` factors, constants first.
void for_each_product(std::span<const double> variables, std::size_t degree,
                      const std::function<void(double)>& add) {
  const std::function<void(std::size_t, std::size_t, double)> extend = [&](std::size_t from, std::size_t left,
                                                                           double product) {
    if (left == 0) return add(product);
    for (std::size_t i = from; i < variables.size(); ++i) extend(i, left - 1, product * variables[i]);
  };
  for (std::size_t factors = 0; factors <= degree; ++factors) extend(0, factors, 1.0);
}

/// Number of such products.
double product_count(std::size_t variables, std::size_t degree) {
  double count = 1.0;
  for (std::size_t k = 1; k <= degree; ++k)
    count *= static_cast<double>(variables + k) / static_cast<double>(k);
  return std::round(count);
}

/// Rows of variables and derivatives, some held out.
struct Rows {
  std::size_t variables = 0;             ///< coordinates and arguments
  bool pooled = false;                   ///< the targets are modes, whose size is their weight
  std::size_t targets = 0;               ///< coordinates
  std::vector<double> fitted, held_out;  ///< (any number, variables + targets)
};

Rows rows_of(const core::Trajectories& data, const Coordinates& coordinates, std::size_t order) {
  core::ArgumentOptions options;
  for (const auto& [name, values] : data.parameters) options.parameters.push_back(name);
  for (const auto& [name, values] : data.inputs) options.inputs.push_back(name);
  const std::size_t q = options.size(), d = coordinates.size;
  core::ArgumentReader arguments(options, {std::vector<double>(q, 0.0), std::vector<double>(q, 1.0)});
  arguments.attach(data);
  Rows rows{d + q, !coordinates.rows.empty(), d, {}, {}};
  const std::size_t reach = difference_order(data.times, order) / 2, points = 2 * reach + 1;
  const std::size_t inner = data.times - 2 * reach, every = data.count * inner / most_rows + 1;
  std::vector<double> times(points), weights(points), work(points), w(d), row(2 * d + q);
  for (std::size_t k = 0; k < data.count * inner; k += every) {
    const std::size_t n = k / inner, t = k % inner + reach;
    for (std::size_t j = 0; j < points; ++j) times[j] = data.time_at(n, t - reach + j);
    core::derivative_weights(times[reach], times, weights, work);
    std::ranges::fill(row, 0.0);
    for (std::size_t j = 0; j < points; ++j) {
      coordinates.read(data.state_at(n, t - reach + j), w);
      for (std::size_t i = 0; i < d; ++i) row[d + q + i] += weights[j] * w[i];
    }
    coordinates.read(data.state_at(n, t), std::span(row).first(d));
    if (q > 0) arguments.read(n, times[reach], std::span(row).subspan(d, q));
    std::vector<double>& part = 5 * t < 4 * data.times ? rows.fitted : rows.held_out;
    part.insert(part.end(), row.begin(), row.end());
  }
  return rows;
}

/// Scales every argument to a largest magnitude of one.
void scale_arguments(Rows& rows) {
  const std::size_t width = rows.variables + rows.targets;
  for (std::size_t i = rows.targets; i < rows.variables; ++i) {
    double largest = 0.0;
    for (const auto* part : {&rows.fitted, &rows.held_out})
      for (std::size_t k = i; k < part->size(); k += width) largest = std::max(largest, std::abs((*part)[k]));
    if (largest == 0.0) continue;
    for (auto* part : {&rows.fitted, &rows.held_out})
      for (std::size_t k = i; k < part->size(); k += width) (*part)[k] /= largest;
  }
}

/// [products, derivatives] of rows.
std::vector<double> features_of(const std::vector<double>& rows, std::size_t variables, std::size_t targets,
                                std::size_t degree) {
  std::vector<double> features;
  for (std::size_t k = 0; k < rows.size(); k += variables + targets) {
    const std::span<const double> row(&rows[k], variables + targets);
    for_each_product(row.first(variables), degree, [&](double product) { features.push_back(product); });
    features.insert(features.end(), row.end() - static_cast<std::ptrdiff_t>(targets), row.end());
  }
  return features;
}

/// What is left of the targets, relative: of all together, or of the worst.
double residual_of(const Fit& fit, const std::vector<double>& features, std::size_t products,
                   std::size_t targets, bool pooled) {
  const std::vector<double> left = relative_residuals(fit, features, products, targets);
  return pooled ? left.back() : *std::max_element(left.begin(), left.end() - 1);
}

double largest_real_part(const Fit& fit, std::size_t n) {
  std::vector<double> A(n * n);  // behind the constant
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) A[i * n + j] = fit.W[(1 + j) * n + i];
  const core::RealSchur schur = core::real_schur(core::square(std::span<const double>(A), n));
  double largest = schur.T[0];
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, schur.T[i * n + i]);
  return largest;
}

PolynomialFit fit_of(const Rows& rows, std::size_t degree) {
  PolynomialFit found{degree, std::numeric_limits<double>::infinity(), 0.0};
  const auto products = static_cast<std::size_t>(product_count(rows.variables, degree));
  const std::size_t width = products + rows.targets;
  const std::vector<double> features = features_of(rows.fitted, rows.variables, rows.targets, degree);
  if (features.size() / width < 2 * products) return found;  // would fit anything
  std::vector<double> G(width * width);
  const core::HostOperand R(features.data(), features.size() / width, width);
  core::multiply(1.0, core::transposed(R), R, 0.0, core::square(std::span(G), width));
  try {
    const Fit fit = least_squares(G, products, rows.targets);
    found.residual = residual_of(fit, features_of(rows.held_out, rows.variables, rows.targets, degree),
                                 products, rows.targets, rows.pooled);
    found.growth_rate = largest_real_part(fit, rows.targets);
  } catch (const NumericalError&) {  // products that depend on each other: no class to choose
  }
  if (!std::isfinite(found.residual)) found.residual = std::numeric_limits<double>::infinity();
  return found;
}

std::vector<PolynomialFit> fits_of(const Rows& rows) {
  std::vector<PolynomialFit> fits;
  for (std::size_t degree = 1; degree <= largest_degree; ++degree)
    if (degree == 1 || product_count(rows.variables, degree) <= double(most_features))
      fits.push_back(fit_of(rows, degree));
  return fits;
}

/// Root mean square of du/dt over that of u, of coordinates [begin, end) together.
double rate_of(const Rows& rows, std::size_t begin, std::size_t end) {
  const std::size_t width = rows.variables + rows.targets;
  double squares = 0.0, derivatives = 0.0;
  for (std::size_t k = 0; k < rows.fitted.size(); k += width)
    for (std::size_t i = begin; i < end; ++i) {
      squares += rows.fitted[k + i] * rows.fitted[k + i];
      derivatives += rows.fitted[k + rows.variables + i] * rows.fitted[k + rows.variables + i];
    }
  return squares > 0.0 ? std::sqrt(derivatives / squares) : 0.0;
}

/// From differences of growing order, in which smooth data fade and noise is left; the smallest estimate.
double noise_of(const core::Trajectories& data, const Spread& spread) {
  const std::size_t m = data.components;
  double worst = 0.0;
  for (std::size_t c = 0; c < m; ++c) {
    if (spread.deviation[c] == 0.0) continue;
    double least = std::numeric_limits<double>::infinity();
    double binomial = 1.0;  // (2p over p), the gain of the p-th difference
    std::vector<double> coefficients = {1.0};
    for (std::size_t p = 1; p <= 6 && p < data.times; ++p) {
      binomial *= static_cast<double>(2 * (2 * p - 1)) / static_cast<double>(p);
      coefficients.push_back(0.0);
      for (std::size_t j = p; j > 0; --j) coefficients[j] -= coefficients[j - 1];
      double squares = 0.0;
      std::size_t count = 0;
      for (std::size_t n = 0; n < data.count; ++n)
        for (std::size_t t = 0; t + p < data.times; ++t, ++count) {
          double difference = 0.0;
          for (std::size_t j = 0; j <= p; ++j) difference += coefficients[j] * data.state_at(n, t + j)[c];
          squares += difference * difference;
        }
      least = std::min(least, std::sqrt(squares / static_cast<double>(count) / binomial));
    }
    worst = std::max(worst, least / spread.deviation[c]);
  }
  return worst;
}

/// Reduces rows so that each has a one where the others have a zero: the simplest basis of their span.
void reduce_rows(std::vector<double>& rows, std::size_t count, std::size_t m) {
  std::vector<bool> used(m, false);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t pivot = 0;
    double largest = 0.0;
    for (std::size_t c = 0; c < m; ++c)
      if (!used[c] && std::abs(rows[i * m + c]) > largest) {
        pivot = c;
        largest = std::abs(rows[i * m + c]);
      }
    if (largest == 0.0) continue;
    used[pivot] = true;
    const double inverse = 1.0 / rows[i * m + pivot];
    for (std::size_t c = 0; c < m; ++c) rows[i * m + c] *= inverse;
    for (std::size_t k = 0; k < count; ++k) {
      if (k == i) continue;
      const double factor = rows[k * m + pivot];
      for (std::size_t c = 0; c < m; ++c) rows[k * m + c] -= factor * rows[i * m + c];
    }
  }
}

/// Directions in which no trajectory moves.
std::vector<Invariant> invariants_of(const core::Trajectories& data, const Spread& spread,
                                     const Coordinates& scaled) {
  const std::size_t d = scaled.size;
  std::vector<double> G(d * d, 0.0), moved(d);
  for (std::size_t n = 0; n < data.count; ++n)
    for (std::size_t t = 1; t < data.times; ++t) {
      for (std::size_t i = 0; i < d; ++i) {
        const std::size_t c = scaled.chosen[i];
        moved[i] = (data.state_at(n, t)[c] - data.state_at(n, 0)[c]) / spread.deviation[c];
      }
      for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < d; ++j) G[i * d + j] += moved[i] * moved[j];
    }
  const std::vector<double> values = core::symmetric_eigen(core::square(std::span(G), d));
  const double limit = std::max(1e-7, 100.0 * spread.epsilon);
  std::size_t count = 0;
  while (count < d && values[count] <= limit * limit * values.back()) ++count;
  std::vector<double> rows(count * d);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < d; ++j) rows[i * d + j] = G[i * d + j] / spread.deviation[scaled.chosen[j]];
  reduce_rows(rows, count, d);
  std::vector<Invariant> invariants;
  for (std::size_t i = 0; i < count; ++i) {
    Invariant invariant{std::vector<double>(data.components, 0.0)};
    double largest = 0.0;
    for (std::size_t j = 0; j < d; ++j)
      if (std::abs(rows[i * d + j]) > std::abs(largest)) largest = rows[i * d + j];
    for (std::size_t j = 0; j < d; ++j) {
      const double weight = rows[i * d + j] / largest;
      invariant.weights[scaled.chosen[j]] = std::abs(weight) < 1e-4 ? 0.0 : weight;
    }
    invariants.push_back(std::move(invariant));
  }
  return invariants;
}

/// Spread of the covariance of neighbours along the ring of components, relative to its mean magnitude.
double shift_invariance_of(const std::vector<double>& snapshots, std::size_t m) {
  std::vector<double> covariance(m, 0.0);
  for (std::size_t k = 0; k < snapshots.size(); k += m)
    for (std::size_t c = 0; c < m; ++c) covariance[c] += snapshots[k + c] * snapshots[k + (c + 1) % m];
  const double mean = mean_of(covariance);
  double worst = 0.0;
  for (const double value : covariance) worst = std::max(worst, std::abs(value - mean));
  return mean != 0.0 ? worst / std::abs(mean) : std::numeric_limits<double>::infinity();
}

}  // namespace

std::size_t Survey::modes_for(double residual) const {
  const auto found = std::ranges::find_if(pod_residual, [&](double left) { return left <= residual; });
  return static_cast<std::size_t>(found - pod_residual.begin());
}

Survey survey(const core::Trajectories& data, const std::vector<std::size_t>& axes) {
  if (data.times < 3)
    throw FileError("trajectories of " + std::to_string(data.times) + " times; at least three are needed");
  Survey found;
  found.trajectories = data.count;
  found.times = data.times;
  found.components = data.components;
  found.grid = grid_of(data);
  const Spread spread = spread_of(data);
  found.least_deviation = std::numeric_limits<double>::infinity();
  for (const double deviation : spread.deviation) {
    found.constant += deviation == 0.0 ? 1 : 0;
    if (deviation > 0.0) found.least_deviation = std::min(found.least_deviation, deviation);
    found.largest_deviation = std::max(found.largest_deviation, deviation);
  }
  if (found.constant == data.components) throw FileError("all components are constant");
  found.decades = decades_of(data);
  found.positive = std::ranges::all_of(data.state, [](double x) { return x > 0.0; });

  Coordinates coordinates = scaled_components(spread, found.alike());
  const std::vector<double> snapshots = snapshots_of(data, coordinates);
  const Decomposition decomposition = decompose(snapshots, data.components);
  found.pod_residual = residuals_of(decomposition);
  if (data.components > most_components) {
    found.modes = std::clamp<std::size_t>(found.modes_for(1e-3), 1, most_modes);
    coordinates.rows = modes_of(decomposition, snapshots, data.components, found.modes);
    coordinates.size = found.modes;
    found.shift_invariance = shift_invariance_of(snapshots, data.components);
  } else {
    found.invariants = invariants_of(data, spread, coordinates);
  }
  if (found.grid.even) found.noise = noise_of(data, spread);
  if (found.grid.logarithmic()) return found;
  if (found.modes > 0) found.fields = survey_fields(data, axes);
  double best = std::numeric_limits<double>::infinity();
  for (const std::size_t order : survey_orders) {
    if (found.order > 0 && difference_order(data.times, order) < order) break;
    Rows rows = rows_of(data, coordinates, order);
    scale_arguments(rows);
    const std::vector<PolynomialFit> fits = fits_of(rows);
    const double least = std::ranges::min(fits, {}, &PolynomialFit::residual).residual;
    if (found.order > 0 && !(least < 0.9 * best)) continue;
    best = least;
    found.order = order;
    found.mean_rate = rate_of(rows, 0, rows.targets);
    found.rate = 0.0;
    for (std::size_t i = 0; i < rows.targets; ++i) found.rate = std::max(found.rate, rate_of(rows, i, i + 1));
    found.fits = fits;
  }
  return found;
}

}  // namespace spnode::training
