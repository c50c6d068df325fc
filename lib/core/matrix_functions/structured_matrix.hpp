#pragma once
/// Square matrices on the host whose structure makes products cheap: what a linear operator of a model
/// assembles and what the linear parts of integrators and the eigensolvers take. Not collective.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// How a matrix stands in its coefficients.
enum class LinearStructure {
  dense,            ///< all n^2 entries, row major
  block_diagonal,   ///< n / 2 blocks (2, 2), row major, and one (1, 1) where n is odd
  low_rank,         ///< diagonal d (n), then factors F (n, 3 r), row major: A = diag(d) + F J F^T
  state_dependent,  ///< those of a function A(u) (core/linear/fast); no matrix, so that nothing here takes it
  none              ///< no coefficients: A = 0
};

/// A structure and its sizes.
///
/// low_rank: F = [U V W], each (n, r), and J [x; y; z] = [-x; z; -y], so that
/// A = diag(d) - U U^T + V W^T - W V^T: a symmetric part that U lowers, and a skew one.
struct LinearShape {
  LinearStructure structure = LinearStructure::dense;
  std::size_t n = 0;
  std::size_t rank = 0;                   ///< r of low_rank
  std::size_t function_coefficients = 0;  ///< of state_dependent

  std::size_t pairs() const { return n / 2; }       ///< blocks (2, 2)
  bool has_single() const { return n % 2 == 1; }    ///< a block (1, 1) at the end
  std::size_t columns() const { return 3 * rank; }  ///< of F
  std::size_t coefficient_count() const;
  bool operator==(const LinearShape&) const = default;
};

/// A matrix of a structure, not owned.
struct StructuredMatrix {
  LinearShape shape;
  std::span<const double> entries;  ///< (shape.coefficient_count())

  const double* block(std::size_t pair) const { return entries.data() + 4 * pair; }
  std::span<const double> diagonal() const { return entries.first(shape.n); }   ///< d of low_rank
  std::span<const double> factors() const { return entries.subspan(shape.n); }  ///< F of low_rank
};

/// A matrix of a structure that owns its coefficients.
struct OwnedMatrix {
  LinearShape shape;
  std::vector<double> entries;
  operator StructuredMatrix() const { return {shape, entries}; }
};

enum class Side { plain, transposed };

/// y = A x, or A^T x. x, y: (n), not the same. low_rank: O(n r), and allocates (3 r).
void multiply(const StructuredMatrix& A, Side side, std::span<const double> x, std::span<double> y);

/// z = J z or J^T z of low_rank, in place; z: (3 r).
void turn(Side side, std::span<double> z);

/// All entries, (n, n), row major.
std::vector<double> to_dense(const StructuredMatrix& A);

double trace(const StructuredMatrix& A);

/// ||A - shift I||_1; of low_rank an upper bound, sum_k |F J|_ik |F|_jk entry by entry, in O(n r).
double one_norm(const StructuredMatrix& A, double shift);

/// ||A||_F; of low_rank in O(n r^2).
double frobenius_norm(const StructuredMatrix& A);

}  // namespace spnode::core
