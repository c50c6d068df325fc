#pragma once
/// Sums of phi functions that act on vectors, lane by lane, by going from node to node (PhiNodes). On the
/// host. Not collective.

#include "core/memory/types.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace spnode::core {

/// y(t) = sum_k phi_k(t A) v_k, k = 0 .. p <= 3, is the solution at time t of u' = A u + forcing that is a
/// polynomial of degree p - 1 and begins at v_0. From length a to a + b
///     y(a + b) = phi_0(b A) y(a) + sum_{j=1}^p phi_j(b A) w_j,
///     w_j = sum_{k=j}^p weight(k, j) v_k,   weight(k, j) = (b / t)^j (a / t)^{k-j} / (k - j)!,
/// t the length of the whole: a product of one matrix [phi_0(b A) .. phi_p(b A)] with one vector.
template <class Real>
struct ChainLink {
  static constexpr std::size_t most = 3;  ///< p
  std::uint32_t node;                     ///< b, by its number
  Real weight[most + 1][most + 1];        ///< [k][j], 1 <= j <= k
};

/// A step length: the rest, then links [first, last), the shortest first.
template <class Real>
struct LaneChain {
  Real rest;   ///< in units of Delta
  Real ratio;  ///< rest / t
  std::uint32_t first, last;
};

/// The nodes' matrices: of each row the first `width` entries, [phi_0 .. phi_p], are used; those up to
/// padded_width, whole packs, are read too.
template <class Real>
struct NodeTable {
  std::size_t n, width, padded_n, padded_width, stride;
  const Real* rows;  ///< (nodes, n, stride)

  std::size_t size() const { return n * stride; }
  std::size_t top() const { return width / n - 1; }
  std::size_t vectors() const { return width / n * padded_n; }        ///< of v_0 .. v_p, each padded
  std::size_t input_size() const { return padded_width + padded_n; }  ///< room for what is written in packs
};

/// y (padded_n) goes from length to length along the links. v: (p + 1, padded_n). inputs: (links,
/// input_size()), what each link's matrix was applied to, for chain_vjp().
template <class Real>
void run_chain(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* v, Real* y, Real* inputs);

/// The adjoint of run_chain(): y (padded_n) becomes that of its first y; v (p + 1, padded_n) and the adjoints
/// of the rows of the nodes' matrices, nodes (nodes, n, stride), +=. work: (input_size()).
template <class Real>
struct ChainBars {
  Real *y, *v, *nodes, *work;
};
template <class Real>
void chain_vjp(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* inputs, const ChainBars<Real>& bars);

/// The tangent of run_chain(), after it: y from v and the tangents of the rows. work: (input_size()).
template <class Real>
struct ChainDots {
  const Real *v, *nodes;
  Real *y, *work;
};
template <class Real>
void chain_jvp(const NodeTable<Real>& table, const ChainLink<Real>* first, const ChainLink<Real>* last,
               const Real* inputs, const ChainDots<Real>& dots);

/// The rest: y = sum_k phi_k(r Z) v_k for |r| <= 1/2, ||Z|| <= 1 and all lanes of a tile at once, by the
/// Taylor series
///     y = w_0 + [Z  Z^2 .. Z^degree] [w_1; ..; w_degree],   w_j = r^j sum_k v_k / (j + k)!,
/// one product with the powers of Z, which are formed once for all tiles.
template <class Real>
class RestSeries {
 public:
  /// The remainder, (unit_norm / 2)^(degree + 1) / (degree + 1)!, is 2e-17 and 5e-9.
  static constexpr std::size_t degree = std::numeric_limits<Real>::digits > 24 ? 14 : 8;

  /// powers: (n, degree n); rest, ratio: (lanes), whole packs of them. The k-th vector is ratio^k v_k.
  RestSeries(const ExecSpace& space, ConstMatrixView<Real> powers, ConstVectorView<Real> rest,
             ConstVectorView<Real> ratio)
      : space_(space), powers_(powers), rest_(rest), ratio_(ratio), n_(powers.extent(0)) {}

  /// y (n, lanes) and the terms w_1 .. w_degree, (degree n, lanes), from v_0 .. v_p, V ((p + 1) n, lanes);
  /// overwritten.
  void run(ConstMatrixView<Real> V, MatrixView<Real> terms, MatrixView<Real> y) const;

  /// V and powers += the adjoint for that of y; the terms become their adjoints.
  struct Bars {
    ConstMatrixView<Real> y;
    MatrixView<Real> V, powers;
  };
  void vjp(MatrixView<Real> terms, const Bars& bars) const;

  /// y (n, lanes) = the tangent. terms: as run() has left them; dots.terms: room of the same size.
  struct Dots {
    ConstMatrixView<Real> V, powers;
    MatrixView<Real> terms, y;
  };
  void jvp(ConstMatrixView<Real> terms, const Dots& dots) const;

 private:
  const ExecSpace& space_;
  ConstMatrixView<Real> powers_;
  ConstVectorView<Real> rest_, ratio_;
  std::size_t n_;
};

}  // namespace spnode::core
