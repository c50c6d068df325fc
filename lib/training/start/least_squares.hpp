#pragma once
/// Least squares over the data of all ranks.

#include "parallel/communicator.hpp"
#include "training/start/latent_trajectories.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace spnode::training {

/// Appends the rows [features, targets] of one trajectory, whose states are (times, dimension).
using RowsOf =
    std::function<void(std::size_t trajectory, std::span<const double> states, std::vector<double>& rows)>;

/// The sum over all rows of row^T row, (width, width): the same bits for any number of ranks. Collective;
/// raises NumericalError where it is not finite.
std::vector<double> gram(const parallel::Communicator& comm, const LatentTrajectories& data,
                         std::size_t width, const RowsOf& rows_of);

/// Bytes that gram() and least_squares() take, about, for so many groups of this rank. Not collective.
double gram_bytes(double features, double targets, std::size_t groups);

/// The weights W (features, targets) of least squares, and the worst relative residual of a target.
struct Fit {
  std::vector<double> W;
  double residual = 0.0;
};

/// The weights that fit the targets best; G is the gram() of rows [features, targets]. The normal equations
/// are scaled to a unit diagonal, which the ridge raises. Not collective; raises NumericalError where they
/// have no unique solution.
Fit least_squares(const std::vector<double>& G, std::size_t features, std::size_t targets,
                  double ridge = 1e-12);

/// The squares that a fit leaves of other rows, of which G is the gram(), over those of their targets, summed
/// over the targets. Not collective.
double squares_left(const Fit& fit, const std::vector<double>& G, std::size_t features, std::size_t targets);

/// Of rows [features, targets] that need not be those of the fit: root mean square of what it leaves of each
/// target over that of the target, then the same of all targets together, (targets + 1); 0 for targets that
/// are zero. Not collective.
std::vector<double> relative_residuals(const Fit& fit, std::span<const double> rows, std::size_t features,
                                       std::size_t targets);

}  // namespace spnode::training
