#pragma once
/// Functions of 2 x 2 matrices in closed form, with their adjoints. All on the host. Not collective.

#include <array>
#include <cstddef>

namespace spnode::core {

/// The entries of a 2 x 2 matrix, row major.
using Block = std::array<double, 4>;

/// phi_0 .. phi_p, p <= 3, of Z = step B for a real 2 x 2 matrix B.
///
/// With x half the trace of Z and N = Z - x I, N^2 = y I: a function of Z is u I + v N, where u and v depend
/// on x and y alone; its eigenvalues are x +- sqrt(y). Three ways cover all Z, so that no difference of
/// nearly equal numbers is taken, whatever the norm:
///   eigenvalues up to 1.5              Taylor series of phi_p, then phi_{k-1} = Z phi_k + I / (k - 1)!
///   complex, or real and neighbours    phi_0 from exp, cosh or cos; phi_k = (phi_{k-1} - I / (k-1)!) / Z
///   real and apart                     u, v from phi_k of both, the smaller as det(Z) over the larger
/// Derivatives with respect to x and y are carried along (forward differentiation of two variables).
///
/// A number z takes part as diag(z, z): phi_k(z) is the first entry, and the adjoint is that of the sum of
/// both diagonal entries of B.
class BlockPhi {
 public:
  static constexpr std::size_t most = 3;

  /// max_index: p.
  void compute(const Block& B, double step, std::size_t max_index);

  /// phi_k(Z); k <= p.
  Block value(std::size_t k) const;

  /// B_bar += the adjoint of value(k).
  void vjp(std::size_t k, const Block& bar, Block& B_bar) const;

  /// The tangent of value(k) in the direction B_dot.
  Block jvp(std::size_t k, const Block& B_dot) const;

  /// A number and its derivatives with respect to x and y.
  struct Jet {
    double value = 0.0, dx = 0.0, dy = 0.0;
  };

 private:
  double step_ = 0.0;
  Block B_ = {};
  std::array<Jet, most + 1> u_, v_;
};

/// (I - step B)^-1, from a determinant that is a sum of positive terms where step > 0 and B is Hurwitz.
/// Raises NumericalError where there is none.
Block block_resolvent(const Block& B, double step);

/// B_bar += step R^T bar R^T, the adjoint of R = block_resolvent(B, step).
void block_resolvent_vjp(const Block& R, double step, const Block& bar, Block& B_bar);

/// step R B_dot R, the tangent of R.
Block block_resolvent_jvp(const Block& R, double step, const Block& B_dot);

}  // namespace spnode::core
