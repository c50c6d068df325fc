#pragma once
/// What the spectra of all structures share.

#include "spectral/spectrum.hpp"

#include <vector>

namespace spnode::spectral::detail {

/// Number of eigenvalues to be listed, of n.
std::size_t wanted(const SpectrumOptions& options, std::size_t n);

double largest_real_part(const std::vector<Eigenvalue>& values);

/// By descending real part, pairs whole; those of the same real part by their imaginary parts.
std::vector<Eigenvalue> sorted(const std::vector<Eigenvalue>& values);

/// Size of the changes of a matrix (n, n) of the given Frobenius norm that break no bound.
double harmless_change(const SpectrumOptions& options, std::size_t n, double frobenius_norm);

/// Gives rank 0's numbers to all. Collective.
void broadcast(const parallel::Communicator& comm, SpectrumReport& report);

}  // namespace spnode::spectral::detail
