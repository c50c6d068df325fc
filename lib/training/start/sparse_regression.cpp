#include "training/start/sparse_regression.hpp"

#include "core/matrix_functions/decompositions.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"
#include "parallel/count.hpp"
#include "training/start/differences.hpp"
#include "training/start/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

namespace spnode::training {

namespace {

using core::Derivatives, core::square;

/// A pivot of normal equations with a unit diagonal that is only rounding.
constexpr double least_pivot = 1e-13;

/// The functions of a library at all times of a trajectory.
class FunctionValues {
 public:
  FunctionValues(const LatentTrajectories& data, const core::Library<double>& library)
      : data_(data),
        library_(library),
        theta_("library_values", library.functions(), data.times),
        values_(library.functions() * data.times),
        variables_(library.inputs()) {}

  /// [u; q] at a time.
  std::span<const double> variables(std::size_t trajectory, std::size_t t, std::span<const double> states) {
    std::copy_n(&states[t * data_.dimension], data_.dimension, variables_.begin());
    if (data_.arguments > 0)
      data_.arguments_at(trajectory, t, std::span(variables_).subspan(data_.dimension));
    return variables_;
  }

  void evaluate(std::size_t trajectory, std::span<const double> states) {
    for (std::size_t t = 0; t < data_.times; ++t) {
      const std::span<const double> x = variables(trajectory, t, states);
      for (std::size_t v = 0; v < x.size(); ++v) values_[(1 + v) * data_.times + t] = x[v];
    }
    core::upload(values_, theta_);
    library_.evaluate({}, theta_);
    core::download(theta_, values_);
  }

  double operator()(std::size_t k, std::size_t t) const { return values_[k * data_.times + t]; }

 private:
  const LatentTrajectories& data_;
  const core::Library<double>& library_;
  core::Matrix<double> theta_;
  std::vector<double> values_, variables_;
};

/// Powers of two near the largest magnitude of every variable, (N). Sums of products of the variables over
/// these have no large range, which the fixed point of exact sums needs; dividing by them rounds nothing.
/// Collective.
std::vector<double> magnitudes(const parallel::Communicator& comm, const LatentTrajectories& data,
                               FunctionValues& values, std::size_t variables) {
  std::vector<double> largest(variables, 0.0);
  parallel::collectively(comm, [&] {
    std::vector<double> states(data.times * data.dimension);
    for (const parallel::Range& group : data.groups)
      for (std::size_t n = group.begin; n < group.end; ++n) {
        data.states(n, states);
        for (std::size_t t = 0; t < data.times; ++t) {
          const std::span<const double> x = values.variables(n, t, states);
          for (std::size_t v = 0; v < variables; ++v) largest[v] = std::max(largest[v], std::abs(x[v]));
        }
      }
  });
  MPI_Allreduce(MPI_IN_PLACE, largest.data(), parallel::mpi_count(variables), MPI_DOUBLE, MPI_MAX,
                comm.handle());
  for (double& size : largest) size = size > 0.0 ? std::exp2(std::ilogb(size)) : 1.0;
  return largest;
}

/// What the functions are divided by where the variables are divided by `sizes`: waves are not.
std::vector<double> sizes_of_functions(const core::Library<double>& library, std::span<const double> sizes) {
  const std::size_t F = library.functions();
  std::vector<double> values(F, 0.0);
  std::ranges::copy(sizes, values.begin() + 1);
  const core::Matrix<double> theta("library_values", F, 1);
  core::upload(values, theta);
  library.evaluate({}, theta);
  core::download(theta, values);
  std::fill(values.begin() + static_cast<std::ptrdiff_t>(library.product_count()), values.end(), 1.0);
  return values;
}

/// Test functions phi = (1 - s^2)^p over `window` intervals and their derivatives in time, over the sum of
/// phi.
struct TestFunction {
  std::vector<double> value, derivative;  ///< (window + 1); derivative times the interval
};

TestFunction make_test_function(std::size_t window, std::size_t power) {
  TestFunction phi{std::vector<double>(window + 1), std::vector<double>(window + 1)};
  const double p = static_cast<double>(power), L = static_cast<double>(window);
  for (std::size_t j = 0; j <= window; ++j) {
    const double s = (2.0 * static_cast<double>(j) - L) / L, rest = 1.0 - s * s;
    phi.value[j] = std::pow(rest, p);
    phi.derivative[j] = -2.0 * p * s * std::pow(rest, p - 1.0) * 2.0 / L;
  }
  const double sum = std::reduce(phi.value.begin(), phi.value.end());
  for (std::vector<double>* values : {&phi.value, &phi.derivative})
    for (double& value : *values) value /= sum;
  return phi;
}

/// The equations of one trajectory: rows of functions, then of time derivatives, over their sizes.
class Equations {
 public:
  Equations(const LatentTrajectories& data, const core::Library<double>& library,
            const core::SparseRegressionOptions& options, std::size_t order, FunctionValues& values)
      : data_(data),
        options_(options),
        F_(library.functions()),
        first_(library.first_output()),
        targets_(library.outputs()),
        values_(values) {
    if (options.derivatives == Derivatives::weak) {
      if (data.times < options.window + 1)
        throw UsageError(
            "the weak form of a sparse regression needs trajectories of more times than its window of " +
            std::to_string(options.window) + " intervals; found " + std::to_string(data.times));
      phi_ = make_test_function(options.window, options.power);
      return;
    }
    reach_ = difference_order(data.times, order) / 2;
    if (reach_ == 0)
      throw UsageError("a sparse regression needs trajectories of at least three times; found " +
                       std::to_string(data.times));
  }

  /// Not before this.
  void set_sizes(std::vector<double> variables, std::vector<double> functions) {
    sizes_ = std::move(variables);
    function_sizes_ = std::move(functions);
  }

  void append(std::size_t trajectory, std::span<const double> states, std::vector<double>& rows) const {
    values_.evaluate(trajectory, states);
    if (options_.derivatives == Derivatives::weak) return append_weak(trajectory, states, rows);
    for_each_difference(data_, trajectory, reach_, states,
                        [&](std::size_t t, std::span<const double> derivative) {
                          for (std::size_t k = 0; k < F_; ++k)
                            rows.push_back(values_(k, t) / function_sizes_[k]);
                          for (std::size_t i = first_; i < first_ + targets_; ++i)
                            rows.push_back(derivative[i] / sizes_[i]);
                        });
  }

 private:
  void append_weak(std::size_t trajectory, std::span<const double> states, std::vector<double>& rows) const {
    const double h = even_step(data_, trajectory, "the weak form of a sparse regression").length;
    const std::size_t n = data_.dimension, window = options_.window;
    for (std::size_t first = 0; first + window < data_.times; ++first) {
      if (!data_.has(trajectory, first, first + window)) continue;
      for (std::size_t k = 0; k < F_; ++k) {
        double sum = 0.0;
        for (std::size_t j = 0; j <= window; ++j) sum += phi_.value[j] * values_(k, first + j);
        rows.push_back(sum / function_sizes_[k]);
      }
      for (std::size_t i = first_; i < first_ + targets_; ++i) {
        double sum = 0.0;
        for (std::size_t j = 0; j <= window; ++j) sum -= phi_.derivative[j] * states[(first + j) * n + i];
        rows.push_back(sum / (h * sizes_[i]));
      }
    }
  }

  const LatentTrajectories& data_;
  const core::SparseRegressionOptions& options_;
  std::size_t F_, first_, targets_;  ///< functions; the components whose derivatives they give
  FunctionValues& values_;
  TestFunction phi_;
  std::size_t reach_ = 0;
  std::vector<double> sizes_, function_sizes_;
};

/// The normal equations of some of the functions; G is the gram() of rows [functions, targets].
class NormalEquationsOfSome {
 public:
  NormalEquationsOfSome(const std::vector<double>& G, std::size_t functions, std::size_t targets,
                        double ridge)
      : G_(G), F_(functions), width_(functions + targets), ridge_(ridge) {
    for (std::size_t k = 0; k < F_; ++k) scale_.push_back(at(k, k) > 0.0 ? 1.0 / std::sqrt(at(k, k)) : 1.0);
  }

  struct Weights {
    std::vector<double> w;                 ///< as many as functions
    std::optional<std::size_t> dependent;  ///< one that depends linearly on others: there are no weights then
  };

  /// The weights of these functions that fit a target best.
  Weights solve(const std::vector<std::size_t>& some, std::size_t target) const {
    const std::size_t count = some.size();
    std::vector<double> normal(count * count), w(count);
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = 0; b < count; ++b)
        normal[a * count + b] = scale_[some[a]] * at(some[a], some[b]) * scale_[some[b]];
      normal[a * count + a] += ridge_;
      w[a] = scale_[some[a]] * at(some[a], F_ + target);
    }
    std::vector<double> L = normal;
    const bool definite = core::cholesky(square(std::span(L), count));
    if (!definite) {  // a raised diagonal shows where the pivot is lost
      L = normal;
      for (std::size_t a = 0; a < count; ++a) L[a * count + a] += 1e3 * least_pivot;
      if (!core::cholesky(square(std::span(L), count)))
        throw NumericalError("the least-squares problem of a sparse regression is not finite");
    }
    std::size_t least = 0;
    for (std::size_t a = 1; a < count; ++a)
      if (L[a * count + a] < L[least * count + least]) least = a;
    const double pivot = L[least * count + least];
    if (!definite || pivot * pivot < least_pivot) return {{}, some[least]};
    core::cholesky_solve(square(std::span<const double>(L), count), {w.data(), count, 1});
    for (std::size_t a = 0; a < count; ++a) w[a] *= scale_[some[a]];
    return {w, {}};
  }

  /// What the weights leave of a target, relative.
  double residual(const std::vector<std::size_t>& some, const std::vector<double>& w,
                  std::size_t target) const {
    const double all = at(F_ + target, F_ + target);
    double left = all;
    for (std::size_t a = 0; a < some.size(); ++a) {
      left -= 2.0 * w[a] * at(some[a], F_ + target);
      for (std::size_t b = 0; b < some.size(); ++b) left += w[a] * at(some[a], some[b]) * w[b];
    }
    return all > 0.0 ? std::sqrt(std::max(0.0, left / all)) : 0.0;
  }

 private:
  double at(std::size_t row, std::size_t column) const { return G_[row * width_ + column]; }

  const std::vector<double>& G_;
  std::size_t F_, width_;
  double ridge_;
  std::vector<double> scale_;
};

/// How much an equation sum_k w_k Theta_k = du/dt of one component counts.
class EquationWeight {
 public:
  /// `row`: the functions, then du/dt; `w`: the coefficients so far, empty in the beginning; `least`: what
  /// counts as no derivative.
  EquationWeight(std::span<const double> row, std::span<const double> w, double least)
      : largest_(std::max(std::abs(row.back()), least)) {
    if (w.empty()) return;
    double left = row.back();
    for (std::size_t k = 0; k < w.size(); ++k) {
      largest_ = std::max(largest_, std::abs(w[k] * row[k]));
      left -= w[k] * row[k];
    }
    missed_ = std::abs(left) / largest_;
  }

  double largest_term() const { return largest_; }
  /// Of the squared residual: equations that miss much count by the absolute value of what they miss.
  double in_fit() const { return 1.0 / (largest_ * std::sqrt(missed_ + known)); }
  /// In the mean of a term over its largest one: of equations that hold.
  double in_mean() const { return 1.0 / std::sqrt(missed_ + known); }

 private:
  static constexpr double known = 1e-6;  ///< the relative error of good derivatives
  double largest_, missed_ = 0.0;
};

/// The coefficients of one component's equations.
struct ComponentFit {
  std::vector<double> w;                 ///< (functions), zero for those that are left out
  double residual = 0.0;                 ///< relative, of the weighed equations
  std::optional<std::size_t> dependent;  ///< a function that depends linearly on others: w is not there then
};

/// Fits the equations of single components, with the same weights or in sweeps that weigh them anew.
class ComponentRegression {
 public:
  /// G: the gram() of rows [functions, targets]. Keeps references to all but the numbers.
  ComponentRegression(const parallel::Communicator& comm, const LatentTrajectories& data,
                      const Equations& equations, const core::SparseRegressionOptions& options,
                      const std::vector<double>& G, std::size_t functions, std::size_t targets)
      : comm_(comm),
        data_(data),
        equations_(equations),
        options_(options),
        G_(G),
        F_(functions),
        width_(functions + targets) {}

  /// With `some` of the functions. Collective where there are sweeps.
  ComponentFit fit(const std::vector<std::size_t>& some, std::size_t target) const {
    if (options_.sweeps == 0)
      return solve(NormalEquationsOfSome(G_, F_, width_ - F_, options_.ridge), some, target);
    ComponentFit found;
    for (std::size_t sweep = 0; sweep <= options_.sweeps && !found.dependent; ++sweep) {
      const std::vector<double> G = of_rows(target, [&](std::span<const double> row, auto& out) {
        const double weight = EquationWeight(row, found.w, least(target)).in_fit();
        for (const double entry : row) out.push_back(weight * entry);
      });
      found = solve(NormalEquationsOfSome(G, F_, 1, options_.ridge), some, 0);
    }
    return found;
  }

  /// For each function the root mean square of its term over the largest term of the equation. Collective.
  std::vector<double> shares(std::span<const double> w, std::size_t target) const {
    const std::vector<double> G = of_rows(target, [&](std::span<const double> row, auto& out) {
      const EquationWeight weight(row, w, least(target));
      for (std::size_t k = 0; k < F_; ++k)
        out.push_back(weight.in_mean() * w[k] * row[k] / weight.largest_term());
      out.push_back(weight.in_mean());
    });
    std::vector<double> shares(F_);
    const double all = G[F_ * (F_ + 1) + F_];
    for (std::size_t k = 0; k < F_; ++k) shares[k] = std::sqrt(G[k * (F_ + 1) + k] / all);
    return shares;
  }

 private:
  ComponentFit solve(const NormalEquationsOfSome& normal, const std::vector<std::size_t>& some,
                     std::size_t target) const {
    const auto solved = normal.solve(some, target);
    if (solved.dependent) return {{}, 0.0, solved.dependent};
    ComponentFit found{std::vector<double>(F_, 0.0), normal.residual(some, solved.w, target), {}};
    for (std::size_t a = 0; a < some.size(); ++a) found.w[some[a]] = solved.w[a];
    return found;
  }

  /// What counts as no derivative of a component.
  double least(std::size_t target) const {
    return 1e-12 * std::sqrt(G_[(F_ + target) * width_ + F_ + target]) + 1e-100;
  }

  // The sum of squares of rows (functions + 1) that `append` makes of the equations of a component.
  template <class Append>
  std::vector<double> of_rows(std::size_t target, const Append& append) const {
    std::vector<double> all, row(F_ + 1);
    return gram(comm_, data_, F_ + 1,
                [&](std::size_t trajectory, std::span<const double> states, std::vector<double>& rows) {
                  all.clear();
                  equations_.append(trajectory, states, all);
                  for (std::size_t at = 0; at < all.size(); at += width_) {
                    std::copy_n(&all[at], F_, row.begin());
                    row[F_] = all[at + F_ + target];
                    append(std::span<const double>(row), rows);
                  }
                });
  }

  const parallel::Communicator& comm_;
  const LatentTrajectories& data_;
  const Equations& equations_;
  const core::SparseRegressionOptions& options_;
  const std::vector<double>& G_;
  std::size_t F_, width_;
};

std::vector<std::string> variable_names(const LatentTrajectories& data) {
  if (!data.names.empty()) return data.names;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < data.dimension; ++i) names.push_back("u_" + std::to_string(i));
  for (std::size_t i = 0; i < data.arguments; ++i) names.push_back("q_" + std::to_string(i));
  return names;
}

}  // namespace

double sparse_regression_bytes(const core::Library<double>& library, std::size_t times, std::size_t groups) {
  const auto F = static_cast<double>(library.functions()), n = static_cast<double>(library.outputs());
  return gram_bytes(F, n, groups) + (3.0 * F + n) * static_cast<double>(times) * sizeof(double);
}

SparseCoefficients sparse_regression(const parallel::Communicator& comm, const LatentTrajectories& data,
                                     const core::Library<double>& library,
                                     const core::SparseRegressionOptions& options, std::size_t order) {
  const std::size_t n = library.outputs(), F = library.functions(), first = library.first_output();
  FunctionValues values(data, library);
  Equations equations(data, library, options, order, values);
  const std::vector<double> sizes = magnitudes(comm, data, values, library.inputs()),
                            function_sizes = sizes_of_functions(library, sizes);
  equations.set_sizes(sizes, function_sizes);
  const std::vector<double> G =
      gram(comm, data, F + n,
           [&](std::size_t trajectory, std::span<const double> states, std::vector<double>& rows) {
             equations.append(trajectory, states, rows);
           });
  if (G[0] < static_cast<double>(F))  // the square of 1, summed
    throw UsageError("a sparse regression needs at least as many equations as there are functions, " +
                     std::to_string(F) + "; found " + shortest(std::round(G[0])) +
                     ". Use more data or fewer functions");
  const ComponentRegression regression(comm, data, equations, options, G, F, n);
  SparseCoefficients result{std::vector<double>(n * F, 0.0)};
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::size_t> some(F);
    std::iota(some.begin(), some.end(), std::size_t{0});
    double residual = 0.0;
    while (!some.empty()) {
      const ComponentFit found = regression.fit(some, i);
      if (found.dependent)
        throw UsageError(
            "a sparse regression cannot tell the functions of the library apart: on these data " +
            library.function_names(variable_names(data))[*found.dependent] +
            " is zero or a linear combination of others. Use more data or fewer functions, or a ridge above "
            "0");
      // One at a time: functions that stand in for each other lose their share together.
      std::size_t smallest = F;
      if (options.sweeps > 0 && options.share > 0.0) {
        const std::vector<double> shares = regression.shares(found.w, i);
        const auto least = std::ranges::min_element(some, {}, [&shares](std::size_t k) { return shares[k]; });
        if (shares[*least] < options.share) smallest = *least;
      }
      std::vector<std::size_t> kept;
      for (const std::size_t k : some) {
        double& entry = result.Xi[i * F + k];
        entry = found.w[k] * sizes[first + i] / function_sizes[k];
        if (std::abs(entry) >= options.threshold && k != smallest)
          kept.push_back(k);
        else
          entry = 0.0;
      }
      residual = found.residual;
      if (kept.size() == some.size()) break;
      some = std::move(kept);
    }
    const double derivatives = G[(F + i) * (F + n) + F + i];
    if (some.empty()) residual = derivatives > 0.0 ? 1.0 : 0.0;
    result.kept += some.size();
    result.residual = std::max(result.residual, residual);
  }
  if (result.kept == 0)
    throw UsageError("a sparse regression with a threshold of " + shortest(options.threshold) +
                     " leaves no coefficient; take a smaller one");
  return result;
}

}  // namespace spnode::training
