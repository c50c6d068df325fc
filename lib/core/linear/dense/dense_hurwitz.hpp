#pragma once

#include "core/components/invariants.hpp"
#include "core/components/symmetries.hpp"
#include "core/linear/hurwitz.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// The learned linear operator A_L = (G_s + G_u) S + mu I: every eigenvalue has a real part below mu
/// (SPNODE-25, Theorem 1 and eqs. (3)-(5)).
///
///   S = L_S L_S^T,  G_s = -L_G L_G^T,  G_u = K - K^T,
///   L = diag(exp(d)) (I + N) for both factors, N strictly lower: their diagonals stay positive, so S and
///   -G_s are definite (not only semi-definite) and the bound is strict; and a row's scale is one parameter,
///   so that decay rates spread over decades move at one learning rate.
///
/// With invariants and their projection P, A_L = P (G_s + G_u) P S + mu P: 0 for each invariant, and the
/// other eigenvalues are those of the same form in the space that P keeps, so below mu, too. With symmetries
/// S and G_s + G_u are replaced by their averages: S stays definite, and so does the symmetric part of the
/// other, so that the bound holds; and both commute with each symmetry, so that A_L does.
///
/// Blocks: L_S and L_G, packed lower triangles (n (n + 1) / 2, row by row; diagonal entries hold d, the
/// others N); K, packed strictly lower triangle (n (n - 1) / 2). The coefficients are the entries of A_L (n,
/// n).
class DenseHurwitz final : public HurwitzOperator {
 public:
  DenseHurwitz(std::size_t dimension, HurwitzOptions options,
               std::shared_ptr<const Invariants> invariants = {},
               std::shared_ptr<const Symmetries> symmetries = {});

  LinearShape shape() const override { return {LinearStructure::dense, n_}; }
  double bound() const override { return options_.mu; }

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  /// S from the Lyapunov equation (A - mu I)^T S + S (A - mu I) = -2 |H|, H the symmetric part of A - mu I;
  /// then G = (A - mu I) S^-1, whose symmetric part is negative definite. With invariants P A is taken, and
  /// this is done in the space that P keeps.
  void set_matrix(std::span<const double> A, std::span<double> theta) const override;
  void assemble(std::span<const double> theta, std::span<double> A) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> A_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> A_dot) const override;

 private:
  using Square = std::vector<double>;  // (n, n), row major
  struct Parts {
    Square S, G_transposed;
  };
  Parts parts_of(Square shifted, std::size_t n) const;
  Parts parts_with_invariants(std::span<const double> A, std::span<const double> theta) const;
  Square factor(std::span<const double> packed) const;
  Square factor_jvp(std::span<const double> packed, std::span<const double> packed_dot) const;
  void factor_vjp(std::span<const double> packed, const Square& L_bar, std::span<double> packed_bar) const;
  Square gram(double sign, const Square& L) const;  // sign L L^T
  Square product_S(const Square& L) const;          // L L^T, averaged where there are symmetries
  // G += the skew matrix of packed entries; then averaged where there are symmetries, and P G P where there
  // are invariants.
  void complete(std::span<const double> theta, std::span<const double> packed, Square& G) const;
  void add_bound(std::span<const double> theta, std::span<double> A) const;  // A += mu P

  std::size_t n_;
  HurwitzOptions options_;
  std::shared_ptr<const Invariants> invariants_;  // null where there are none
  std::shared_ptr<const Symmetries> symmetries_;  // likewise
  ParameterBlock L_S_, L_G_, K_;
};

}  // namespace spnode::core
