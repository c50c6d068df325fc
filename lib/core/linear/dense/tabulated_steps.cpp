// What TabulatedLinearPart does on a tile.
#include "core/linear/dense/tabulated_linear_part.hpp"

#include "core/kernels/elementwise.hpp"

#include <algorithm>

namespace spnode::core {

/// What the three sweeps share.
template <class Real>
struct TabulatedLinearPart<Real>::Work {
  MatrixView<Real> V;             // the vectors v_0 .. v_p, (width, lanes)
  MatrixView<Real> ratio;         // (p + 1, lanes): of what the rest takes of them
  VectorView<Real> rest;          // (lanes)
  MatrixView<Real> S;             // of the series of the rest
  VectorView<Real> v, y, inputs;  // of one lane, each vector padded

  /// to += `from` with every vector scaled by its ratio.
  void scale(ConstMatrixView<Real> from, std::size_t n, MatrixView<Real> to) const {
    for (std::size_t r = 0; r < to.extent(0); ++r)
      for (std::size_t l = 0; l < to.extent(1); ++l) to(r, l) += ratio(r / n, l) * from(r, l);
  }
  /// Column l of vectors one below the other, to padded ones and back.
  static void gather(const NodeTable<Real>& nodes, ConstMatrixView<Real> from, std::size_t l, Real* to) {
    const Real* entry = &from(0, l);
    const std::size_t stride = from.stride_0();
    for (std::size_t row = 0; row < from.extent(0); row += nodes.n, to += nodes.padded_n)
      for (std::size_t i = 0; i < nodes.n; ++i, entry += stride) to[i] = *entry;
  }
  static void scatter(const NodeTable<Real>& nodes, const Real* from, std::size_t l, MatrixView<Real> to) {
    Real* entry = &to(0, l);
    const std::size_t stride = to.stride_0();
    for (std::size_t row = 0; row < to.extent(0); row += nodes.n, from += nodes.padded_n)
      for (std::size_t i = 0; i < nodes.n; ++i, entry += stride) *entry = from[i];
  }
};

/// V += the vectors that the phi functions act on.
template <class Real>
void TabulatedLinearPart<Real>::add_arguments(std::size_t op, const StepLengths<Real>& steps,
                                              const ConstMatrixStack<Real>& X, MatrixView<Real> V) const {
  for (const Term& term : terms_[op])
    for (std::size_t i = 0; i < n(); ++i) {
      const Real* const x = X.row(term.group * n() + i);
      Real* const v = &V(term.index * n() + i, 0);
      for (std::size_t l = 0; l < V.extent(1); ++l)
        v[l] += (term.constant + term.per_step * steps.h(l)) * x[l];
    }
}

template <class Real>
auto TabulatedLinearPart<Real>::start(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
                                      const ConstMatrixStack<Real>& X, Scratch<Real>& scratch) const -> Work {
  const NodeTable<Real> nodes = table();
  const std::size_t lanes = X.lanes();
  Work work{scratch.matrix(width(), lanes),
            scratch.matrix(top_ + 1, lanes),
            scratch.vector(lanes),
            scratch.matrix((RestSeries<Real>::degree + 1) * n(), lanes),
            scratch.vector(nodes.vectors()),
            scratch.vector(nodes.padded_n),
            scratch.vector(std::max<std::size_t>(1, longest_) * nodes.input_size())};
  std::fill_n(work.v.data(), nodes.vectors(), Real(0));  // what is padded stays zero
  std::fill_n(work.y.data(), nodes.padded_n, Real(0));
  fill(space, 0.0, work.V);
  add_arguments(op, steps, X, work.V);
  for (std::size_t l = 0; l < lanes; ++l) {
    const LaneChain<Real>& chain = this->chain(op, steps.index(l));
    work.rest(l) = chain.rest;
    for (std::size_t k = 0; k <= top_; ++k) work.ratio(k, l) = chain.ratio[k];
  }
  const ScratchFrame frame(scratch);
  const MatrixView<Real> scaled = scratch.matrix(width(), lanes);
  fill(space, 0.0, scaled);
  work.scale(work.V, n(), scaled);
  RestSeries<Real>(space, Z(), work.rest, top_).run(scaled, work.S, scratch);
  return work;
}

/// out += what the identity makes of X.
template <class Real>
void TabulatedLinearPart<Real>::add_identity(std::size_t op, const ConstMatrixStack<Real>& X,
                                             MatrixView<Real> out) const {
  for (const Term& term : terms_[op]) {
    if (term.identity == Real(0)) continue;
    for (std::size_t i = 0; i < n(); ++i) {
      const Real* const x = X.row(term.group * n() + i);
      for (std::size_t l = 0; l < out.extent(1); ++l) out(i, l) += term.identity * x[l];
    }
  }
}

/// The chain of lane l from what the rest has made of it; the result is in work.y.
template <class Real>
void TabulatedLinearPart<Real>::run_lane(const LaneChain<Real>& chain, const Work& work,
                                         std::size_t l) const {
  const NodeTable<Real> nodes = table();
  work.gather(nodes, work.V, l, work.v.data());
  work.gather(nodes, rows_of(work.S, 0, n()), l, work.y.data());
  run_chain(nodes, links_.data() + chain.first, links_.data() + chain.last, work.v.data(), work.y.data(),
            work.inputs.data());
}

template <class Real>
void TabulatedLinearPart<Real>::apply(const ExecSpace& space, const Value& value,
                                      Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = value.action;
  const ScratchFrame frame(scratch);
  const Work work = start(space, op, steps, value.X, scratch);
  for (std::size_t l = 0; l < value.out.extent(1); ++l) {
    run_lane(chain(op, steps.index(l)), work, l);
    work.scatter(table(), work.y.data(), l, value.out);
  }
  add_identity(op, value.X, value.out);
}

template <class Real>
void TabulatedLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                          Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = reverse.action;
  const ScratchFrame frame(scratch);
  const Work work = start(space, op, steps, reverse.X, scratch);
  const NodeTable<Real> nodes = table();
  const std::size_t lanes = reverse.X.lanes();
  const MatrixView<Real> y_bar = scratch.matrix(n(), lanes), V_bar = scratch.matrix(width(), lanes),
                         scaled_bar = scratch.matrix(width(), lanes);
  const ChainBars<Real> bars{scratch.vector(nodes.padded_n).data(), scratch.vector(nodes.vectors()).data(),
                             reverse.bar.data(), scratch.vector(nodes.input_size()).data()};
  for (std::size_t l = 0; l < lanes; ++l) {
    const LaneChain<Real>& chain = this->chain(op, steps.index(l));
    run_lane(chain, work, l);
    std::fill_n(bars.y, nodes.padded_n, Real(0));
    std::fill_n(bars.v, nodes.vectors(), Real(0));
    work.gather(nodes, reverse.out_bar, l, bars.y);
    chain_vjp(nodes, links_.data() + chain.first, links_.data() + chain.last, work.inputs.data(), bars);
    work.scatter(nodes, bars.y, l, y_bar);
    work.scatter(nodes, bars.v, l, V_bar);
  }
  fill(space, 0.0, scaled_bar);
  const MatrixView<Real> Z_bar(reverse.bar.data() + nodes_.count() * node_size(), n(), n());
  RestSeries<Real>(space, Z(), work.rest, top_).vjp(work.S, {y_bar, scaled_bar, Z_bar}, scratch);
  work.scale(scaled_bar, n(), V_bar);
  for (const Term& term : terms_[op])
    for (std::size_t i = 0; i < n(); ++i) {
      Real* const x_bar = reverse.X_bar.row(term.group * n() + i);
      for (std::size_t l = 0; l < lanes; ++l)
        x_bar[l] += (term.constant + term.per_step * steps.h(l)) * V_bar(term.index * n() + i, l) +
                    term.identity * reverse.out_bar(i, l);
    }
}

template <class Real>
void TabulatedLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                          Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = tangent.action;
  const ScratchFrame frame(scratch);
  const Work work = start(space, op, steps, tangent.X, scratch);
  const NodeTable<Real> nodes = table();
  const std::size_t lanes = tangent.X.lanes();
  const MatrixView<Real> V_dot = scratch.matrix(width(), lanes), scaled_dot = scratch.matrix(width(), lanes),
                         S_dot = scratch.matrix(work.S.extent(0), lanes);
  const VectorView<Real> y = scratch.vector(nodes.padded_n), v = scratch.vector(nodes.vectors()),
                         inner = scratch.vector(nodes.input_size());
  std::fill_n(y.data(), nodes.padded_n, Real(0));
  std::fill_n(v.data(), nodes.vectors(), Real(0));
  fill(space, 0.0, V_dot);
  fill(space, 0.0, scaled_dot);
  add_arguments(op, steps, tangent.X_dot, V_dot);
  work.scale(V_dot, n(), scaled_dot);
  const ConstMatrixView<Real> Z_dot(tangent.dot.data() + nodes_.count() * node_size(), n(), n());
  RestSeries<Real>(space, Z(), work.rest, top_).jvp(work.S, {scaled_dot, Z_dot, S_dot}, scratch);
  for (std::size_t l = 0; l < lanes; ++l) {
    const LaneChain<Real>& chain = this->chain(op, steps.index(l));
    run_lane(chain, work, l);
    work.gather(nodes, rows_of(S_dot, 0, n()), l, y.data());
    work.gather(nodes, V_dot, l, v.data());
    chain_jvp(nodes, links_.data() + chain.first, links_.data() + chain.last, work.inputs.data(),
              ChainDots<Real>{v.data(), tangent.dot.data(), y.data(), inner.data()});
    work.scatter(nodes, y.data(), l, tangent.out_dot);
  }
  add_identity(op, tangent.X_dot, tangent.out_dot);
}

#define SPNODE_INSTANTIATE(Real)                                                                        \
  template void TabulatedLinearPart<Real>::apply(const ExecSpace&, const Value&, Scratch<Real>&) const; \
  template void TabulatedLinearPart<Real>::apply_vjp(const ExecSpace&, const Reverse&, Scratch<Real>&)  \
      const;                                                                                            \
  template void TabulatedLinearPart<Real>::apply_jvp(const ExecSpace&, const Tangent&, Scratch<Real>&) const;
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
