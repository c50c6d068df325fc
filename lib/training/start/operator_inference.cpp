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

/// u, then its monomials and 1 for a quadratic form.
void append_features(const double* u, std::size_t n, OperatorForm form, std::vector<double>& rows) {
  rows.insert(rows.end(), u, u + n);
  if (form == OperatorForm::linear) return;
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t k = j; k < n; ++k) rows.push_back(u[j] * u[k]);
  rows.push_back(1.0);
}

}  // namespace

double inference_bytes(std::size_t dimension, OperatorForm form, std::size_t groups) {
  const auto n = static_cast<double>(dimension);
  const double features = form == OperatorForm::quadratic ? n + n * (n + 1.0) / 2.0 + 1.0 : n;
  return gram_bytes(features, n, groups);
}

InferredOperators infer_operators(const parallel::Communicator& comm, const LatentTrajectories& data,
                                  OperatorForm form, std::size_t order) {
  const std::size_t n = data.dimension, reach = difference_order(data.times, order) / 2;
  if (reach == 0)
    throw UsageError("operator inference needs trajectories of at least three times; found " +
                     std::to_string(data.times));
  const std::size_t monomials = form == OperatorForm::quadratic ? core::monomial_count(n) : 0;
  const std::size_t features = n + monomials + (monomials > 0 ? 1 : 0);
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> states,
                           std::vector<double>& rows) {
    for_each_difference(data, trajectory, reach, states,
                        [&](std::size_t t, std::span<const double> derivative) {
                          append_features(&states[t * n], n, form, rows);
                          rows.insert(rows.end(), derivative.begin(), derivative.end());
                        });
  };
  const Fit fit = least_squares(gram(comm, data, features + n, rows_of), features, n);
  InferredOperators inferred{{transposed_rows(fit, n, 0, n), {}, {}}, fit.residual};
  if (form == OperatorForm::linear) return inferred;
  inferred.operators.Q = transposed_rows(fit, n, n, monomials);
  inferred.operators.b = transposed_rows(fit, n, n + monomials, 1);
  return inferred;
}

std::vector<double> second_moments(const parallel::Communicator& comm, const LatentTrajectories& data) {
  const std::size_t n = data.dimension;
  // A row ends with a one: its square counts the rows.
  const std::vector<double> G =
      gram(comm, data, n + 1, [&](std::size_t, std::span<const double> states, std::vector<double>& rows) {
        for (std::size_t t = 0; t < data.times; ++t) {
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
  const auto rows_of = [&](std::size_t, std::span<const double> states, std::vector<double>& rows) {
    std::vector<double> terms;
    for (std::size_t t = 0; t < data.times; ++t) {
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

InferredOperators dynamic_mode_decomposition(const parallel::Communicator& comm,
                                             const LatentTrajectories& data) {
  const std::size_t n = data.dimension;
  double h = 0.0;
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> states,
                           std::vector<double>& rows) {
    for (std::size_t t = 0; t + 1 < data.times; ++t) {
      const double step = data.time(trajectory, t + 1) - data.time(trajectory, t);
      if (h == 0.0) h = step;
      if (std::abs(step - h) > 1e-8 * std::abs(h))
        throw UsageError("a dynamic mode decomposition needs evenly spaced times; found steps of " +
                         shortest(h) + " and " + shortest(step));
      rows.insert(rows.end(), &states[t * n], &states[(t + 2) * n]);
    }
  };
  const Fit fit = least_squares(gram(comm, data, 2 * n, rows_of), n, n);
  // Ranks without trajectories learn the step, and all take the same bits of it.
  double largest = std::abs(h);
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, comm.handle());
  int backwards = h < 0.0 ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &backwards, 1, MPI_INT, MPI_MAX, comm.handle());
  const std::vector<double> M = transposed_rows(fit, n, 0, n);
  return {{core::logarithm(M, backwards != 0 ? -largest : largest), {}, {}}, fit.residual};
}

}  // namespace spnode::training
