#include "training/start/operator_inference.hpp"

#include "core/components/even_pairs.hpp"
#include "core/kernels/quadratic.hpp"
#include "core/matrix_functions/logarithm.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"
#include "training/start/differences.hpp"
#include "training/start/least_squares.hpp"

#include <cmath>
#include <string>
#include <utility>

namespace spnode::training {

namespace {

/// Rows [first, first + count) of W, transposed.
std::vector<double> transposed_rows(const Fit& fit, std::size_t targets, std::size_t first,
                                    std::size_t count) {
  std::vector<double> part(targets * count);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t t = 0; t < targets; ++t) part[t * count + i] = fit.W[(first + i) * targets + t];
  return part;
}

/// u, its monomials for a quadratic form, and 1 unless the form is linear.
void append_features(const double* u, std::size_t n, OperatorForm form, std::vector<double>& rows) {
  rows.insert(rows.end(), u, u + n);
  if (form == OperatorForm::quadratic)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = j; k < n; ++k) rows.push_back(u[j] * u[k]);
  if (form != OperatorForm::linear) rows.push_back(1.0);
}

std::size_t feature_count(std::size_t n, OperatorForm form) {
  return n + (form == OperatorForm::quadratic ? core::monomial_count(n) : 0) +
         (form == OperatorForm::linear ? 0 : 1);
}

}  // namespace

OperatorForm operator_form(const core::ModelOptions& options) {
  if (!options.nonlinear.empty()) return OperatorForm::quadratic;
  return options.constant ? OperatorForm::affine : OperatorForm::linear;
}

double inference_bytes(std::size_t dimension, OperatorForm form, std::size_t groups) {
  return gram_bytes(static_cast<double>(feature_count(dimension, form)), static_cast<double>(dimension),
                    groups);
}

OperatorEquations::OperatorEquations(const parallel::Communicator& comm, const LatentTrajectories& data,
                                     OperatorForm form, std::size_t order)
    : n_(data.dimension), form_(form) {
  const std::size_t reach = difference_order(data.times, order) / 2;
  if (reach == 0)
    throw UsageError("operator inference needs trajectories of at least three times; found " +
                     std::to_string(data.times));
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> states,
                           std::vector<double>& rows) {
    for_each_difference(data, trajectory, reach, states,
                        [&](std::size_t t, std::span<const double> derivative) {
                          append_features(&states[t * n_], n_, form, rows);
                          rows.insert(rows.end(), derivative.begin(), derivative.end());
                        });
  };
  G_ = gram(comm, data, feature_count(n_, form) + n_, rows_of);
}

InferredOperators OperatorEquations::solve(double ridge) const {
  const std::size_t features = feature_count(n_, form_);
  const Fit fit = least_squares(G_, features, n_, ridge);
  InferredOperators inferred{{transposed_rows(fit, n_, 0, n_), {}, {}}, fit.residual};
  if (form_ == OperatorForm::linear) return inferred;
  if (form_ == OperatorForm::quadratic)
    inferred.operators.Q = transposed_rows(fit, n_, n_, core::monomial_count(n_));
  inferred.operators.b = transposed_rows(fit, n_, features - 1, 1);
  return inferred;
}

std::vector<double> second_moments(const parallel::Communicator& comm, const LatentTrajectories& data) {
  const std::size_t n = data.dimension;
  // A row ends with a one: its square counts the rows.
  const std::vector<double> G =
      gram(comm, data, n + 1,
           [&](std::size_t trajectory, std::span<const double> states, std::vector<double>& rows) {
             for (std::size_t t = 0; t < data.times; ++t) {
               if (!data.has(trajectory, t, t)) continue;
               rows.insert(rows.end(), &states[t * n], &states[(t + 1) * n]);
               rows.push_back(1.0);
             }
           });
  std::vector<double> moments(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) moments[i * n + j] = G[i * (n + 1) + j] / G.back();
  return moments;
}

InferredPairs infer_pairs(const parallel::Communicator& comm, const LatentTrajectories& data,
                          const core::QuadraticOperators& operators, std::span<const double> V) {
  const std::size_t n = data.dimension, pairs = V.size() / n, monomials = core::monomial_count(n);
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> states,
                           std::vector<double>& rows) {
    std::vector<double> terms;
    for (std::size_t t = 0; t < data.times; ++t) {
      if (!data.has(trajectory, t, t)) continue;
      const double* const u = &states[t * n];
      for (std::size_t r = 0; r < pairs; ++r) {
        double s = 0.0;
        for (std::size_t j = 0; j < n; ++j) s += V[r * n + j] * u[j];
        rows.push_back(core::even_pair(s));
      }
      rows.push_back(1.0);
      terms.clear();
      append_features(u, n, OperatorForm::quadratic, terms);
      for (std::size_t i = 0; i < n; ++i) {
        double target = operators.b[i];
        for (std::size_t k = 0; k < monomials; ++k) target += operators.Q[i * monomials + k] * terms[n + k];
        rows.push_back(target);
      }
    }
  };
  const Fit fit = least_squares(gram(comm, data, pairs + 1 + n, rows_of), pairs + 1, n, 1e-6);
  return {transposed_rows(fit, n, 0, pairs), transposed_rows(fit, n, pairs, 1), fit.residual};
}

namespace {

/// A = log(M) / h. Raises NumericalError that names the usual cause where M has no real logarithm.
std::vector<double> continuous(std::span<const double> M, double h) {
  try {
    return core::logarithm(M, h);
  } catch (const NumericalError& error) {
    throw NumericalError(
        std::string("the map of a step that dynamic mode decomposition finds does not follow "
                    "from a linear system: ") +
        error.what() +
        ". A state with more components than the data vary in has such a map (reduce it to "
        "fewer latent ones), and so have steps that are too long; operator inference does "
        "not need the logarithm");
  }
}

}  // namespace

InferredOperators dynamic_mode_decomposition(const parallel::Communicator& comm,
                                             const LatentTrajectories& data, OperatorForm form) {
  const std::size_t n = data.dimension, features = n + (form == OperatorForm::affine ? 1 : 0);
  double h = 0.0;
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> states,
                           std::vector<double>& rows) {
    const EvenStep step = even_step(data, trajectory, "a dynamic mode decomposition");
    if (h == 0.0) h = step.length;
    if (std::abs(step.length - h) > step.tolerance)
      throw UsageError("a dynamic mode decomposition needs the same step in all trajectories; found " +
                       shortest(h) + " and " + shortest(step.length));
    for (std::size_t t = 0; t + 1 < data.times; ++t) {
      if (!data.has(trajectory, t, t + 1)) continue;
      rows.insert(rows.end(), &states[t * n], &states[(t + 1) * n]);
      if (features > n) rows.push_back(1.0);
      rows.insert(rows.end(), &states[(t + 1) * n], &states[(t + 2) * n]);
    }
  };
  const Fit fit = least_squares(gram(comm, data, features + n, rows_of), features, n);
  // Ranks without trajectories learn the step, and all take the same bits of it.
  double largest = std::abs(h);
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, comm.handle());
  int backwards = h < 0.0 ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &backwards, 1, MPI_INT, MPI_MAX, comm.handle());
  // The map of [u; 1]: its last row keeps the one.
  std::vector<double> M = transposed_rows(fit, n, 0, features);
  if (features > n) {
    M.resize(features * features, 0.0);
    M.back() = 1.0;
  }
  const std::vector<double> L = continuous(M, backwards != 0 ? -largest : largest);
  InferredOperators inferred{{{}, {}, {}}, fit.residual};
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = L.begin() + static_cast<std::ptrdiff_t>(i * features);
    inferred.operators.A.insert(inferred.operators.A.end(), row, row + static_cast<std::ptrdiff_t>(n));
    if (features > n) inferred.operators.b.push_back(row[static_cast<std::ptrdiff_t>(n)]);
  }
  return inferred;
}

}  // namespace spnode::training
