#pragma once
/// The logarithm of a small dense matrix on the host, row major. For the start of a model, not for its
/// updates: it allocates. Not collective.

#include <span>
#include <vector>

namespace spnode::core {

/// The principal logarithm of M (n, n) over h: the A with exp(h A) = M whose eigenvalues times h have
/// imaginary parts below pi in size. Inverse scaling and squaring on the complex Schur form (Higham,
/// Functions of Matrices, 2008, algorithm 11.9). Raises NumericalError where M has no real one: an entry is
/// not finite, or an eigenvalue is zero or negative.
std::vector<double> logarithm(std::span<const double> M, double h);

}  // namespace spnode::core
