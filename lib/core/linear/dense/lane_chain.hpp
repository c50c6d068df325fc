#pragma once
/// Sums of phi functions that act on vectors, lane by lane, by going from node to node (PhiNodes). On the
/// host. Not collective.

#include "core/memory/scratch.hpp"
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
  Real rest;                              ///< in units of Delta
  Real ratio[ChainLink<Real>::most + 1];  ///< (rest / t)^k
  std::uint32_t first, last;
};

/// The nodes' matrices [phi_0 .. phi_p], (n, width) each, rows padded to whole packs with zeros.
template <class Real>
struct NodeTable {
  std::size_t n, width, padded_n, padded_width;
  const Real* rows;  ///< (nodes, n, padded_width)

  std::size_t size() const { return n * padded_width; }
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
/// of the rows of the nodes' matrices, nodes (nodes, n, padded_width), +=. work: (input_size()).
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

/// The rest: y = sum_k phi_k(r Z) v_k for |r| < 1, ||Z|| <= 1/4 and all lanes of a tile at once, by Horner's
/// rule for the Taylor series, S_j = u_j + r Z S_{j+1} with u_j = sum_k v_k / (j + k)!, y = S_0.
template <class Real>
class RestSeries {
 public:
  /// The remainder, unit_norm^(degree + 1) / (degree + 1)!, is 2e-18 and 1e-8.
  static constexpr std::size_t degree = std::numeric_limits<Real>::digits > 24 ? 12 : 6;

  /// Z: (n, n); rest: r, (lanes); top: p.
  RestSeries(const ExecSpace& space, ConstMatrixView<Real> Z, ConstVectorView<Real> rest, std::size_t top)
      : space_(space), Z_(Z), rest_(rest), n_(Z.extent(0)), top_(top) {}

  /// S_0 .. S_degree one below the other, ((degree + 1) n, lanes), from V ((top + 1) n, lanes).
  void run(ConstMatrixView<Real> V, MatrixView<Real> S, Scratch<Real>& scratch) const;

  /// V_bar and Z_bar += the adjoint for that of S_0, which is used up.
  struct Bars {
    MatrixView<Real> y, V, Z;
  };
  void vjp(ConstMatrixView<Real> S, const Bars& bars, Scratch<Real>& scratch) const;

  /// The tangents of S_0 .. S_degree.
  struct Dots {
    ConstMatrixView<Real> V, Z;
    MatrixView<Real> S;
  };
  void jvp(ConstMatrixView<Real> S, const Dots& dots, Scratch<Real>& scratch) const;

 private:
  MatrixView<Real> part(const MatrixView<Real>& S, std::size_t j) const { return rows_of(S, j * n_, n_); }
  ConstMatrixView<Real> part(const ConstMatrixView<Real>& S, std::size_t j) const {
    return rows_of(S, j * n_, n_);
  }
  void set_part(std::size_t j, ConstMatrixView<Real> V, const MatrixView<Real>& product,
                MatrixView<Real> S) const;

  const ExecSpace& space_;
  ConstMatrixView<Real> Z_;
  ConstVectorView<Real> rest_;
  std::size_t n_, top_;
};

}  // namespace spnode::core
