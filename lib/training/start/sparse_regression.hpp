#pragma once
/// The coefficients of a library of functions from data, few of them different from zero.

#include "core/components/library.hpp"
#include "core/vector_field/options.hpp"
#include "parallel/communicator.hpp"
#include "training/start/latent_trajectories.hpp"

#include <cstddef>
#include <vector>

namespace spnode::training {

/// What a sparse regression came to.
struct SparseCoefficients {
  std::vector<double> Xi;  ///< (n, library.functions()) with n = library.outputs(): du/dt = Xi Theta(u, q),
                           ///< of n components from library.first_output() on
  std::size_t kept = 0;    ///< entries that differ from zero
  double residual = 0.0;   ///< root mean square of what is left over that of the targets, worst component
};

/// Sequential thresholded least squares (SINDy: Brunton, Proctor and Kutz 2016; LECTURE): for each component
/// of du/dt, the coefficients of least squares; those below the threshold in magnitude become zero, the
/// others are fitted again, until none is below. The equations hold at the times of the data, with
/// derivatives by central differences of difference_order(), or over windows of the data against test
/// functions (1 - s^2)^p, in which the derivative is integrated by parts (weak form: Messenger and Bortz
/// 2021). `data` are unscaled: the variables of the library.
///
/// With sweeps the equations of a component are fitted again with other weights each time: 1 / (m^2 (r +
/// 1e-6)) of the squared residual, m the largest of its terms and r what it missed over m. That tends to the
/// least sum of absolute relative residuals, in which equations whose derivatives the times do not resolve
/// count as little as others of their number. Functions whose share in such sums is too small are left out,
/// one after the other from the smallest share on.
///
/// The normal equations are summed exactly over ranks: the same bits for any number of ranks. Collective.
/// Raises UsageError for trajectories that are too short, for fewer equations than functions, functions that
/// are linearly dependent on the data, times that are not even (weak form), and where the threshold leaves no
/// coefficient; NumericalError where the equations are not finite.
SparseCoefficients sparse_regression(const parallel::Communicator& comm, const LatentTrajectories& data,
                                     const core::Library<double>& library,
                                     const core::SparseRegressionOptions& options, std::size_t order);

/// Bytes that sparse_regression() takes, about, for trajectories of so many times in so many groups of this
/// rank. Not collective.
double sparse_regression_bytes(const core::Library<double>& library, std::size_t times, std::size_t groups);

}  // namespace spnode::training
