#pragma once
/// The schemes as tableaux, and the programs that step them. To add a scheme of a known kind: its tableau and
/// its line in program_of().

#include "core/integrators/options.hpp"
#include "core/integrators/stage_program.hpp"

#include <vector>

namespace spnode::core {

/// An explicit Runge-Kutta scheme for the whole right-hand side f(u) = A u + g(u) - A r(u):
/// U_i = u + h sum_{j<i} a_ij f(U_j), u' = u + h sum_i b_i f(U_i).
struct ExplicitTableau {
  int order;
  std::vector<std::vector<double>> a;  ///< strictly lower rows
  std::vector<double> b;
  std::vector<double> embedded = {};  ///< b of a second scheme whose difference estimates the error
};

/// An implicit-explicit Runge-Kutta scheme: A u implicit (diagonally), the nonlinear part explicit.
///
///   U_i = rhs_i + gamma_i h A U_i,   rhs_i = u + h sum_{j<i} (explicit_ij F_j + implicit_ij A U_j),
///   u'  = u + h sum_i (explicit_weight_i F_i + implicit_weight_i A U_i),   F_i = g(U_i) - A r(U_i).
///
/// With gamma_i > 0 the product h A U_i = (U_i - rhs_i) / gamma_i comes from the solve: at large h A it is
/// free of the cancellation of a multiplication. Stages with gamma_i = 0 are explicit.
///
/// An operator A(u) is taken at rhs_i. Where it depends on variables alone that it does not act on, as T(x)
/// of a fast-slow system, that is A(U_i) (FSNN, eqs. (3.20), (3.21)), and the scheme has its order.
struct ImexTableau {
  int order;
  std::vector<double> gamma;                              ///< diagonal of the implicit tableau
  std::vector<std::vector<double>> explicit_, implicit_;  ///< strictly lower rows
  std::vector<double> explicit_weight, implicit_weight;
};

/// An explicit exponential Runge-Kutta scheme whose coefficients are combinations of phi functions of one
/// argument per stage:
///
///   U_i = phi_0(c_i h A) u + h sum_k phi_k(c_i h A) w_ik,   w_ik = sum_{j<i} weight_ikj N(U_j),
///
/// with U_1 = u and the next state as the last "stage", at c = 1. An operator A(u) is that at the start of
/// the step, A_0 = A(U_1), and N(U) = g(U) + A(U) U - A_0 U, so that the scheme keeps its order.
struct ExponentialTableau {
  struct Stage {
    double c;
    std::vector<std::vector<double>> weight;  ///< weight[k - 1][j]: of N(U_j) beside phi_k
  };
  int order;
  std::vector<Stage> stages;  ///< U_2, ..., U_s, then the next state
};

/// A Rosenbrock scheme for the whole right-hand side f(u, t), with its Jacobian J at the start of the step
/// (Hairer and Wanner, Solving Ordinary Differential Equations II, eq. (IV.7.25')), multiplied by gamma h:
///
///   (I - gamma h J) V_i = gamma h f(U_i, t + alpha_i h) + gamma sum_{j<i} c_ij V_j
///                         + gamma gamma_i h^2 (df/dt)(u, t),   U_i = u + sum_{j<i} a_ij V_j,
///   u' = u + sum_j m_j V_j.
///
/// The gamma_i follow from the c_ij: gamma_i = gamma (1 + sum_{j<i} c_ij gamma_j). The schemes here are
/// stiffly accurate: the last row of a and a last 1 make m, V_s estimates the error, and the stability
/// function vanishes at infinity.
struct RosenbrockTableau {
  int order;
  double gamma;
  std::vector<double> alpha;
  std::vector<std::vector<double>> a, c;  ///< strictly lower rows

  std::vector<double> gammas() const;   ///< gamma_i
  std::vector<double> weights() const;  ///< m
};

/// RODAS3 of order 3(2) (Sandu, Verwer, Blom, Spee, Carmichael and Potra, Atmos. Environ. 31, 1997).
RosenbrockTableau rodas3_tableau();

/// RODASP of order 4(3), which keeps its order on linear parabolic problems (Steinebach, preprint 1741, TH
/// Darmstadt, 1995; Hairer and Wanner, section IV.7).
RosenbrockTableau rodas4p_tableau();

/// Dormand and Prince, J. Comput. Appl. Math. 6, 1980: RK5(4)7M.
ExplicitTableau dopri5_tableau();

/// IMEX-SSP2(2,2,2), L-stable (Pareschi and Russo, J. Sci. Comput. 25, 2005, Table II).
ImexTableau imex_ssp2_tableau();

StageProgram program_of(const ExplicitTableau& tableau, const SplitShape& shape);
StageProgram program_of(const ImexTableau& tableau, const SplitShape& shape);
StageProgram program_of(const ExponentialTableau& tableau, const SplitShape& shape);
StageProgram program_of(const RosenbrockTableau& tableau, const SplitShape& shape);

/// Whether a scheme is one, which takes no functions of step lengths.
constexpr bool is_rosenbrock(Scheme scheme) { return scheme == Scheme::rodas3 || scheme == Scheme::rodas4p; }

/// Components of which Rosenbrock schemes form matrices.
inline constexpr std::size_t most_rosenbrock_components = 64;

/// The program of a scheme for right-hand sides of the given shape. Raises OptionError (scheme) where the
/// scheme needs a linear part that is not there, is a map and there is one, or forms matrices of too many
/// components.
StageProgram program_of(Scheme scheme, const SplitShape& shape);

}  // namespace spnode::core
