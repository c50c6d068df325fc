#pragma once
/// The choice of degree and scaling of the Taylor method, and what both methods cost.

#include "core/matrix_functions/structured_matrix.hpp"

#include <cstddef>

namespace spnode::core {

/// The largest degree that is ever chosen.
inline constexpr std::size_t largest_taylor_degree = 55;

/// Degree m of the truncated Taylor series and number s of scaling steps.
struct TaylorDegree {
  std::size_t m = 0;  ///< 0: none
  std::size_t s = 1;
};

/// Bounds on norms of powers, from which m and s follow for any step.
struct PowerNorms {
  static constexpr std::size_t largest = 8;  ///< p_max
  /// alpha[p] = max(d_p, d_{p+1}) with d_p = ||B^p||_1^{1/p}, p = 2 .. 8 (Al-Mohy, Higham 2011, section 3);
  /// alpha[1] = ||B||_1.
  double alpha[largest + 1] = {};
  double floor = 0.0;  ///< norm of the part of the augmented matrix beside B, |mu|
};

/// Norms of B = A - shift I, from products with vectors. `floor` is left zero. Allocates.
PowerNorms power_norms(const StructuredMatrix& A, double shift);

/// The (m, s) with the fewest products m s whose backward error is below 2^-53 for |step| B
/// (theta_m: Higham, Functions of Matrices, Table A.3, and Al-Mohy, Higham 2011, Table 3.1). With phi terms
/// (terms > 0) the norm counts as at least one, so that their truncation error is relative to 1 / k! too. m =
/// 0 where s would exceed 10^6: the method is of no use there.
TaylorDegree choose_degree(const PowerNorms& norms, double step, std::size_t terms);

/// Floating-point operations of PhiFunctions(n, terms): compute() and vjp() together, at ||h A||_1 = norm.
/// Beyond PhiFunctions::amplification_limit, where they take twice the precision, as many as would take as
/// long in double.
double dense_update_cost(std::size_t n, std::size_t terms, double norm);

/// Of applying phi_0 .. phi_terms to one lane, forward and reverse.
double dense_lane_cost(std::size_t n, std::size_t terms);

/// The same for a step length of the lane's own, by nodes (TabulatedLinearPart), at ||h A||_1 = norm: as many
/// operations as would take as long in products with many lanes.
double tabulated_lane_cost(std::size_t n, std::size_t terms, double norm);

/// Of one lane of Expmv::apply() and vjp() together (an upper bound: early termination is not counted);
/// infinite for m = 0.
double taylor_lane_cost(std::size_t n, std::size_t terms, const TaylorDegree& degree);

}  // namespace spnode::core
