#include "training/start/least_squares.hpp"

#include "core/matrix_functions/decompositions.hpp"
#include "core/support/error.hpp"
#include "parallel/exact_sum.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::training {

using core::HostOperand, core::square;

std::vector<double> gram(const parallel::Communicator& comm, const LatentTrajectories& data,
                         std::size_t width, const RowsOf& rows_of) {
  const std::size_t packed = width * (width + 1) / 2;
  std::vector<double> sums(std::max<std::size_t>(1, data.groups.size()) * packed, 0.0), G(width * width);
  parallel::collectively(comm, [&] {
    std::vector<double> states(data.times * data.dimension), rows;
    constexpr std::size_t block = 256;  // rows of a product at least, so that G is not the traffic
    for (std::size_t group = 0; group < data.groups.size(); ++group) {
      std::ranges::fill(G, 0.0);
      rows.clear();
      const parallel::Range& range = data.groups[group];
      for (std::size_t n = range.begin; n < range.end; ++n) {
        data.states(n, states);
        rows_of(n, states, rows);
        if (rows.size() < block * width && n + 1 < range.end) continue;
        const HostOperand R(rows.data(), rows.size() / width, width);
        core::multiply(1.0, core::transposed(R), R, 1.0, square(std::span(G), width));
        rows.clear();
      }
      double* to = &sums[group * packed];
      for (std::size_t i = 0; i < width; ++i) to = std::copy_n(&G[i * width + i], width - i, to);
    }
  });
  parallel::ExactSum exact(comm, packed, parallel::Magnitude::of_entry);
  std::vector<double> total(packed);
  if (exact.sum(std::span(sums).first(data.groups.size() * packed), data.groups.size(), data.group_count,
                total) != parallel::SumStatus::finite)
    throw NumericalError("the least-squares problem of the initial model is not finite");
  const double* from = total.data();
  for (std::size_t i = 0; i < width; ++i)
    for (std::size_t j = i; j < width; ++j) G[i * width + j] = G[j * width + i] = *from++;
  return G;
}

Fit least_squares(const std::vector<double>& G, std::size_t features, std::size_t targets, double ridge) {
  const std::size_t width = features + targets;
  std::vector<double> scale(features), normal(features * features), right(features * targets);
  for (std::size_t i = 0; i < features; ++i)
    scale[i] = G[i * width + i] > 0.0 ? 1.0 / std::sqrt(G[i * width + i]) : 1.0;
  for (std::size_t i = 0; i < features; ++i) {
    for (std::size_t j = 0; j < features; ++j)
      normal[i * features + j] = scale[i] * G[i * width + j] * scale[j];
    normal[i * features + i] += ridge;
    for (std::size_t t = 0; t < targets; ++t) right[i * targets + t] = scale[i] * G[i * width + features + t];
  }
  if (!core::cholesky(square(std::span(normal), features)))
    throw NumericalError(
        "the least-squares problem of the initial model has no unique solution; use more data, "
        "fewer latent components, or a random initialisation");
  Fit fit{right};
  core::cholesky_solve(square(std::span<const double>(normal), features), {fit.W.data(), features, targets});
  for (std::size_t t = 0; t < targets; ++t) {
    const double all = G[(features + t) * width + features + t];
    double explained = 0.0;
    for (std::size_t i = 0; i < features; ++i) explained += fit.W[i * targets + t] * right[i * targets + t];
    if (all > 0.0) fit.residual = std::max(fit.residual, std::sqrt(std::max(0.0, 1.0 - explained / all)));
  }
  for (std::size_t i = 0; i < features; ++i)
    for (std::size_t t = 0; t < targets; ++t) fit.W[i * targets + t] *= scale[i];
  return fit;
}

double squares_left(const Fit& fit, const std::vector<double>& G, std::size_t features, std::size_t targets) {
  const std::size_t width = features + targets;
  std::vector<double> among(features * features), GW(features * targets);
  for (std::size_t i = 0; i < features; ++i) std::copy_n(&G[i * width], features, &among[i * features]);
  core::multiply(1.0, {among.data(), features, features}, {fit.W.data(), features, targets}, 0.0,
                 {GW.data(), features, targets});
  double left = 0.0;
  for (std::size_t t = 0; t < targets; ++t) {
    const double all = G[(features + t) * width + features + t];
    double missed = all;
    for (std::size_t i = 0; i < features; ++i)
      missed += fit.W[i * targets + t] * (GW[i * targets + t] - 2.0 * G[i * width + features + t]);
    if (all > 0.0) left += std::max(0.0, missed) / all;
  }
  return left;
}

std::vector<double> relative_residuals(const Fit& fit, std::span<const double> rows, std::size_t features,
                                       std::size_t targets) {
  std::vector<double> left(targets + 1, 0.0), all(targets + 1, 0.0);
  for (std::size_t k = 0; k < rows.size(); k += features + targets)
    for (std::size_t i = 0; i < targets; ++i) {
      double predicted = 0.0;
      for (std::size_t f = 0; f < features; ++f) predicted += fit.W[f * targets + i] * rows[k + f];
      const double truth = rows[k + features + i], missed = truth - predicted;
      for (const std::size_t to : {i, targets}) {
        left[to] += missed * missed;
        all[to] += truth * truth;
      }
    }
  for (std::size_t i = 0; i <= targets; ++i) left[i] = all[i] > 0.0 ? std::sqrt(left[i] / all[i]) : 0.0;
  return left;
}

double gram_bytes(double features, double targets, std::size_t groups) {
  const double width = features + targets;
  // The groups' sums with the exact sum's integers and result, each half a matrix; G; the normal equations.
  const double halves = static_cast<double>(groups) + 3.0;
  return (halves * width * width / 2.0 + width * width + features * features) * sizeof(double);
}

}  // namespace spnode::training
