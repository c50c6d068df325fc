// What TabulatedLinearPart does on a tile.
#include "core/linear/dense/tabulated_linear_part.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/pack.hpp"

#include <algorithm>

namespace spnode::core {

namespace {

/// Vectors one below the other, in the columns of `from` (vectors n, lanes), to rows of `to`, (lanes, vectors
/// padded_n), with zeros behind each: what is done lane by lane then reads and writes whole packs.
template <class Real>
void to_rows(ConstMatrixView<Real> from, std::size_t n, MatrixView<Real> to) {
  constexpr std::size_t width = pack_width<Real>;
  const std::size_t lanes = from.extent(1);
  for (std::size_t row = 0, place = 0; row < from.extent(0); row += n)
    for (std::size_t i = 0; i < n; i += width, place += width)
      for (std::size_t l = 0; l < lanes; l += width) {
        Pack<Real> block[width];
        for (std::size_t k = 0; k < width; ++k)
          block[k] = i + k < n ? load(&from(row + i + k, l)) : Pack<Real>{};
        transpose<Real>(block);
        for (std::size_t k = 0; k < width; ++k) store(&to(l + k, place), block[k]);
      }
}

/// The way back.
template <class Real>
void to_columns(ConstMatrixView<Real> from, std::size_t n, MatrixView<Real> to) {
  constexpr std::size_t width = pack_width<Real>;
  const std::size_t lanes = to.extent(1);
  for (std::size_t row = 0, place = 0; row < to.extent(0); row += n)
    for (std::size_t i = 0; i < n; i += width, place += width)
      for (std::size_t l = 0; l < lanes; l += width) {
        Pack<Real> block[width];
        for (std::size_t k = 0; k < width; ++k) block[k] = load(&from(l + k, place));
        transpose<Real>(block);
        for (std::size_t k = 0; k < width && i + k < n; ++k) store(&to(row + i + k, l), block[k]);
      }
}

}  // namespace

/// What the three sweeps share.
template <class Real>
struct TabulatedLinearPart<Real>::Work {
  MatrixView<Real> V;            // the vectors v_0 .. v_p, (used width, lanes)
  VectorView<Real> rest, ratio;  // (lanes)
  MatrixView<Real> terms;        // of the series of the rest
  MatrixView<Real> v, y;         // V and what the rest makes of it, lane by lane, (lanes, padded vectors)
  VectorView<Real> inputs;       // of the links of one lane
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
  const NodeTable<Real> nodes = table(op);
  const std::size_t lanes = X.lanes();
  Work work{scratch.matrix(nodes.width, lanes),
            scratch.vector(lanes),
            scratch.vector(lanes),
            scratch.matrix(RestSeries<Real>::degree * n(), lanes),
            scratch.matrix(lanes, nodes.vectors()),
            scratch.matrix(lanes, nodes.padded_n),
            scratch.vector(std::max<std::size_t>(1, longest_) * nodes.input_size())};
  fill(space, 0.0, work.V);
  add_arguments(op, steps, X, work.V);
  for (std::size_t l = 0; l < lanes; ++l) {
    const LaneChain<Real>& chain = this->chain(op, steps.index(l));
    work.rest(l) = chain.rest;
    work.ratio(l) = chain.ratio;
  }
  const ScratchFrame frame(scratch);
  const MatrixView<Real> y = scratch.matrix(n(), lanes);
  series(space, work).run(work.V, work.terms, y);
  to_rows<Real>(work.V, n(), work.v);
  to_rows<Real>(y, n(), work.y);
  return work;
}

template <class Real>
RestSeries<Real> TabulatedLinearPart<Real>::series(const ExecSpace& space, const Work& work) const {
  return {space, beside(rounded_powers_.data()), work.rest, work.ratio};
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

/// The chain of lane l from what the rest has made of it, in its row of work.y.
template <class Real>
void TabulatedLinearPart<Real>::run_lane(std::size_t op, const LaneChain<Real>& chain, const Work& work,
                                         std::size_t l) const {
  run_chain(table(op), links_.data() + chain.first, links_.data() + chain.last, &work.v(l, 0), &work.y(l, 0),
            work.inputs.data());
}

template <class Real>
void TabulatedLinearPart<Real>::apply(const ExecSpace& space, const Value& value,
                                      Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = value.action;
  const ScratchFrame frame(scratch);
  const Work work = start(space, op, steps, value.X, scratch);
  for (std::size_t l = 0; l < value.out.extent(1); ++l) run_lane(op, chain(op, steps.index(l)), work, l);
  to_columns<Real>(work.y, n(), value.out);
  add_identity(op, value.X, value.out);
}

template <class Real>
void TabulatedLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                          Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = reverse.action;
  const ScratchFrame frame(scratch);
  const Work work = start(space, op, steps, reverse.X, scratch);
  const NodeTable<Real> nodes = table(op);
  const std::size_t lanes = reverse.X.lanes();
  const MatrixView<Real> y_bar = scratch.matrix(n(), lanes), V_bar = scratch.matrix(nodes.width, lanes),
                         y_rows = scratch.matrix(lanes, nodes.padded_n),
                         v_rows = scratch.matrix(lanes, nodes.vectors());
  const VectorView<Real> room = scratch.vector(nodes.input_size());
  to_rows<Real>(reverse.out_bar, n(), y_rows);
  fill(space, 0.0, v_rows);
  for (std::size_t l = 0; l < lanes; ++l) {
    const LaneChain<Real>& chain = this->chain(op, steps.index(l));
    run_lane(op, chain, work, l);
    chain_vjp(nodes, links_.data() + chain.first, links_.data() + chain.last, work.inputs.data(),
              {&y_rows(l, 0), &v_rows(l, 0), reverse.bar.data(), room.data()});
  }
  to_columns<Real>(y_rows, n(), y_bar);
  to_columns<Real>(v_rows, n(), V_bar);
  series(space, work)
      .vjp(work.terms, {y_bar, V_bar, beside(reverse.bar.data() + nodes_.count() * node_size())});
  for (const Term& term : terms_[op])
    for (std::size_t i = 0; i < n(); ++i) {
      Real* const x_bar = reverse.X_bar.row(term.group * n() + i);
      const Real* const bar = &V_bar(term.index * n() + i, 0);
      for (std::size_t l = 0; l < lanes; ++l)
        x_bar[l] +=
            (term.constant + term.per_step * steps.h(l)) * bar[l] + term.identity * reverse.out_bar(i, l);
    }
}

template <class Real>
void TabulatedLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                          Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = tangent.action;
  const ScratchFrame frame(scratch);
  const Work work = start(space, op, steps, tangent.X, scratch);
  const NodeTable<Real> nodes = table(op);
  const std::size_t lanes = tangent.X.lanes();
  const MatrixView<Real> V_dot = scratch.matrix(nodes.width, lanes), y_dot = scratch.matrix(n(), lanes),
                         terms_dot = scratch.matrix(work.terms.extent(0), lanes),
                         y_rows = scratch.matrix(lanes, nodes.padded_n),
                         v_rows = scratch.matrix(lanes, nodes.vectors());
  const VectorView<Real> inner = scratch.vector(nodes.input_size());
  fill(space, 0.0, V_dot);
  add_arguments(op, steps, tangent.X_dot, V_dot);
  series(space, work)
      .jvp(work.terms, {V_dot, beside(tangent.dot.data() + nodes_.count() * node_size()), terms_dot, y_dot});
  to_rows<Real>(y_dot, n(), y_rows);
  to_rows<Real>(V_dot, n(), v_rows);
  for (std::size_t l = 0; l < lanes; ++l) {
    const LaneChain<Real>& chain = this->chain(op, steps.index(l));
    run_lane(op, chain, work, l);
    chain_jvp(nodes, links_.data() + chain.first, links_.data() + chain.last, work.inputs.data(),
              ChainDots<Real>{&v_rows(l, 0), tangent.dot.data(), &y_rows(l, 0), inner.data()});
  }
  to_columns<Real>(y_rows, n(), tangent.out_dot);
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
