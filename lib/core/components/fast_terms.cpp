#include "core/components/fast_terms.hpp"

#include "core/components/network.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lane_products.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

template <class Real>
MatrixView<Real> zeros(const ExecSpace& space, std::size_t rows, std::size_t lanes, Scratch<Real>& scratch) {
  const MatrixView<Real> zero = scratch.matrix(rows, lanes);
  fill(space, 0.0, zero);
  return zero;
}

/// A direction in which the point does not move.
template <class Real>
PointDot<Real> resting(const ExecSpace& space, const Point<Real>& x, Scratch<Real>& scratch) {
  return ConstMatrixView<Real>(zeros(space, x.u.extent(0), x.lanes(), scratch));
}

}  // namespace

template <class Real>
std::unique_ptr<LaneMap<Real>> make_entries(const FastSlowShape& shape, std::size_t count,
                                            const FastTermOptions& options, const std::string& name) {
  const std::size_t inputs = shape.states() + shape.arguments;
  if (options.coefficients == FastCoefficients::constant)
    return std::make_unique<ConstantMap<Real>>(
        inputs, count,
        typename ConstantMap<Real>::Role{name + "/entries", "coefficients, row major",
                                         options.initial_scale / std::sqrt(double(shape.fast))});
  NetworkOptions network;
  network.hidden = options.hidden;
  network.activation = options.activation;
  typename Network<Real>::Role role{name};
  role.last_layer_scale = options.initial_scale;
  return std::make_unique<Network<Real>>(inputs, count, network, role);
}

// ---- M y

template <class Real>
void FastLinear<Real>::add_product(const ExecSpace& space, const ConstVectorView<Real>& M,
                                   const ConstMatrixView<Real>& x, const MatrixView<Real>& y) const {
  if (M.extent(0) == 0) return;
  gemm<Real>(space, 1.0, ConstMatrixView<Real>(M.data(), outputs(), shape_.fast), Transpose::no, x, 1.0, y);
}

template <class Real>
void FastLinear<Real>::add_product_vjp(const ExecSpace& space, const ConstVectorView<Real>& M,
                                       const ConstMatrixView<Real>& x, const ConstMatrixView<Real>& y_bar,
                                       const MatrixView<Real>& x_bar, const VectorView<Real>& M_bar) const {
  gemm<Real>(space, 1.0, ConstMatrixView<Real>(M.data(), outputs(), shape_.fast), Transpose::yes, y_bar, 1.0,
             x_bar);
  if (M_bar.extent(0) > 0)
    gemm_nt<Real>(space, 1.0, y_bar, x, MatrixView<Real>(M_bar.data(), outputs(), shape_.fast));
}

template <class Real>
void FastLinear<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  if (is_shared_) return add_product(space, value.coefficients, fast(value.x.u), value.y);
  const MatrixView<Real> M = matrix(value.tape);
  fill(space, 0.0, M);
  entries_->apply(space, {value.coefficients, value.x, M, inner(value.tape)}, scratch);
  add_lane_product(space, M, fast(value.x.u), value.y);
}

template <class Real>
void FastLinear<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                 Scratch<Real>& scratch) const {
  if (is_shared_)
    return add_product_vjp(space, reverse.coefficients, fast(reverse.x.u), reverse.y_bar,
                           fast(reverse.x_bar.u), reverse.coefficients_bar);
  const ScratchFrame frame(scratch);
  const MatrixView<Real> M_bar = zeros(space, entries_->outputs(), reverse.x.lanes(), scratch);
  add_lane_outer(space, reverse.y_bar, fast(reverse.x.u), M_bar);
  entries_->apply_vjp(
      space,
      {reverse.coefficients, reverse.x, inner(reverse.tape), M_bar, reverse.x_bar, reverse.coefficients_bar},
      scratch);
  add_lane_product_transposed(space, matrix(reverse.tape), reverse.y_bar, fast(reverse.x_bar.u));
}

template <class Real>
void FastLinear<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                 Scratch<Real>& scratch) const {
  if (is_shared_) {
    add_product(space, tangent.coefficients_dot, fast(tangent.x.u), tangent.y_dot);
    return add_product(space, tangent.coefficients, fast(tangent.x_dot.u), tangent.y_dot);
  }
  const ScratchFrame frame(scratch);
  const MatrixView<Real> M_dot = zeros(space, entries_->outputs(), tangent.x.lanes(), scratch);
  entries_->apply_jvp(
      space,
      {tangent.coefficients, tangent.coefficients_dot, tangent.x, tangent.x_dot, inner(tangent.tape), M_dot},
      scratch);
  add_lane_product(space, M_dot, fast(tangent.x.u), tangent.y_dot);
  add_lane_product(space, matrix(tangent.tape), fast(tangent.x_dot.u), tangent.y_dot);
}

// y_dot = M_dot y + M y_dot, of which M_dot is the tangent of the entries.
template <class Real>
void FastLinear<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                     Scratch<Real>& scratch) const {
  if (is_shared_)
    return add_product_vjp(space, reverse.coefficients, fast(reverse.x_dot.u), reverse.y_dot_bar,
                           fast(reverse.x_dot_bar.u), reverse.coefficients_bar);
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes(), rows = entries_->outputs();
  const MatrixView<Real> M_dot = zeros(space, rows, lanes, scratch),
                         M_bar = zeros(space, rows, lanes, scratch),
                         M_dot_bar = zeros(space, rows, lanes, scratch);
  const ConstMatrixView<Real> kept = inner(reverse.tape);
  entries_->apply_jvp(space, {reverse.coefficients, {}, reverse.x, reverse.x_dot, kept, M_dot}, scratch);
  add_lane_outer(space, reverse.y_dot_bar, fast(reverse.x.u), M_dot_bar);
  add_lane_outer(space, reverse.y_dot_bar, fast(reverse.x_dot.u), M_bar);
  add_lane_product_transposed(space, M_dot, reverse.y_dot_bar, fast(reverse.x_bar.u));
  add_lane_product_transposed(space, matrix(reverse.tape), reverse.y_dot_bar, fast(reverse.x_dot_bar.u));
  entries_->apply_jvp_vjp(space,
                          {reverse.coefficients, reverse.x, reverse.x_dot, kept, M_dot_bar, reverse.x_bar,
                           reverse.x_dot_bar, reverse.coefficients_bar},
                          scratch);
  entries_->apply_vjp(space,
                      {reverse.coefficients, reverse.x, kept, M_bar, reverse.x_bar, reverse.coefficients_bar},
                      scratch);
}

template <class Real>
void FastLinear<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                     Scratch<Real>& scratch) const {
  if (is_shared_)
    return add_product(space, tangent.coefficients_dot, fast(tangent.x_dot.u), tangent.y_dot_dot);
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.lanes(), rows = entries_->outputs();
  const MatrixView<Real> along = zeros(space, rows, lanes, scratch),
                         both = zeros(space, rows, lanes, scratch);
  const ConstMatrixView<Real> kept = inner(tangent.tape);
  entries_->apply_jvp(space,
                      {tangent.coefficients, tangent.coefficients_dot, tangent.x,
                       resting<Real>(space, tangent.x, scratch), kept, along},
                      scratch);
  entries_->apply_jvp_jvp(
      space, {tangent.coefficients, tangent.coefficients_dot, tangent.x, tangent.x_dot, kept, both}, scratch);
  add_lane_product(space, both, fast(tangent.x.u), tangent.y_dot_dot);
  add_lane_product(space, along, fast(tangent.x_dot.u), tangent.y_dot_dot);
}

// ---- B(y, y)

template <class Real>
MatrixView<Real> FastBilinear<Real>::zero(const ExecSpace& space, std::size_t lanes,
                                          Scratch<Real>& scratch) const {
  return zeros(space, 2 * half_, lanes, scratch);
}

template <class Real>
void FastBilinear<Real>::add_bars(const ExecSpace& space, ConstMatrixView<Real> products,
                                  ConstMatrixView<Real> y_bar, MatrixView<Real> products_bar) const {
  add_block_products_vjp(space, right(products), y_bar, left(products_bar));
  add_block_products_vjp(space, left(products), y_bar, right(products_bar));
}

template <class Real>
void FastBilinear<Real>::add_mixed(const ExecSpace& space, ConstMatrixView<Real> one,
                                   ConstMatrixView<Real> other, MatrixView<Real> y) const {
  add_block_products(space, left(one), right(other), y);
  add_block_products(space, left(other), right(one), y);
}

template <class Real>
void FastBilinear<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const MatrixView<Real> products = rows_of(value.tape, 0, 2 * half_);
  fill(space, 0.0, products);
  factors_.apply(space, {value.coefficients, value.x, products, inner(value.tape)}, scratch);
  add_block_products(space, left(products), right(products), value.y);
}

template <class Real>
void FastBilinear<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> bar = zero(space, reverse.x.lanes(), scratch);
  add_bars(space, rows_of(reverse.tape, 0, 2 * half_), reverse.y_bar, bar);
  factors_.apply_vjp(
      space,
      {reverse.coefficients, reverse.x, inner(reverse.tape), bar, reverse.x_bar, reverse.coefficients_bar},
      scratch);
}

template <class Real>
void FastBilinear<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> dot = zero(space, tangent.x.lanes(), scratch);
  factors_.apply_jvp(
      space,
      {tangent.coefficients, tangent.coefficients_dot, tangent.x, tangent.x_dot, inner(tangent.tape), dot},
      scratch);
  add_mixed(space, rows_of(tangent.tape, 0, 2 * half_), dot, tangent.y_dot);
}

template <class Real>
void FastBilinear<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                       Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes();
  const MatrixView<Real> dot = zero(space, lanes, scratch), bar = zero(space, lanes, scratch),
                         dot_bar = zero(space, lanes, scratch);
  const ConstMatrixView<Real> kept = inner(reverse.tape);
  factors_.apply_jvp(space, {reverse.coefficients, {}, reverse.x, reverse.x_dot, kept, dot}, scratch);
  add_bars(space, rows_of(reverse.tape, 0, 2 * half_), reverse.y_dot_bar, dot_bar);
  add_bars(space, dot, reverse.y_dot_bar, bar);
  factors_.apply_jvp_vjp(space,
                         {reverse.coefficients, reverse.x, reverse.x_dot, kept, dot_bar, reverse.x_bar,
                          reverse.x_dot_bar, reverse.coefficients_bar},
                         scratch);
  factors_.apply_vjp(
      space, {reverse.coefficients, reverse.x, kept, bar, reverse.x_bar, reverse.coefficients_bar}, scratch);
}

template <class Real>
void FastBilinear<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                       Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.lanes();
  const MatrixView<Real> dot = zero(space, lanes, scratch), along = zero(space, lanes, scratch),
                         both = zero(space, lanes, scratch);
  const ConstMatrixView<Real> kept = inner(tangent.tape);
  factors_.apply_jvp(space, {tangent.coefficients, {}, tangent.x, tangent.x_dot, kept, dot}, scratch);
  factors_.apply_jvp(space,
                     {tangent.coefficients, tangent.coefficients_dot, tangent.x,
                      resting<Real>(space, tangent.x, scratch), kept, along},
                     scratch);
  factors_.apply_jvp_jvp(
      space, {tangent.coefficients, tangent.coefficients_dot, tangent.x, tangent.x_dot, kept, both}, scratch);
  add_mixed(space, rows_of(tangent.tape, 0, 2 * half_), both, tangent.y_dot_dot);
  add_mixed(space, along, dot, tangent.y_dot_dot);
}

// ---- eps f

template <class Real>
void EpsilonTerm<Real>::declare(ParameterLayout& layout) {
  epsilon_ = {name_ + "/epsilon",
              {2},
              "shift and scale: epsilon = shift + scale times the scaled argument",
              ParameterGroup::dynamics,
              true};
  epsilon_.offset = layout.add(epsilon_);
  factor_->declare(layout);
}

template <class Real>
void EpsilonTerm<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  theta[epsilon_.offset] = 0.0;
  theta[epsilon_.offset + 1] = 1.0;
  factor_->initialise(seed, theta);
}

template <class Real>
void EpsilonTerm<Real>::set_argument_scaling(const Scaling& scaling, std::span<double> theta) const {
  theta[epsilon_.offset] = scaling.shift[shape_.epsilon];
  theta[epsilon_.offset + 1] = scaling.scale[shape_.epsilon];
  factor_->set_argument_scaling(scaling, theta);
}

template <class Real>
void EpsilonTerm<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(block_of(theta, epsilon_), c.begin());
  factor_->assemble(theta, c.subspan(2));
}

template <class Real>
void EpsilonTerm<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                     std::span<double> theta_bar) const {
  factor_->assemble_vjp(theta, c_bar.subspan(2), theta_bar);
}

template <class Real>
void EpsilonTerm<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                     std::span<double> c_dot) const {
  c_dot[0] = c_dot[1] = 0.0;
  factor_->assemble_jvp(theta, theta_dot, c_dot.subspan(2));
}

template <class Real>
MatrixView<Real> EpsilonTerm<Real>::epsilon(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                                            const ConstMatrixView<Real>& q, Scratch<Real>& scratch) const {
  const MatrixView<Real> epsilon = epsilon_dot(space, coefficients, q, scratch);
  add_to_lanes(space, ConstVectorView<Real>(coefficients.data(), 1), epsilon);
  return epsilon;
}

template <class Real>
MatrixView<Real> EpsilonTerm<Real>::epsilon_dot(const ExecSpace& space,
                                                const ConstVectorView<Real>& coefficients,
                                                const ConstMatrixView<Real>& q_dot,
                                                Scratch<Real>& scratch) const {
  const MatrixView<Real> dot = zeros(space, 1, q_dot.extent(1), scratch);
  add_scaled_rows(space, scale(coefficients), rows_of(q_dot, shape_.epsilon, 1), dot);
  return dot;
}

template <class Real>
void EpsilonTerm<Real>::add_epsilon_bar(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                                        const ConstMatrixView<Real>& X, const ConstMatrixView<Real>& Y,
                                        const MatrixView<Real>& q_bar, Scratch<Real>& scratch) const {
  if (q_bar.extent(0) == 0) return;
  const MatrixView<Real> dots = zeros(space, 1, X.extent(1), scratch);
  add_lane_dots(space, X, Y, dots);
  add_scaled_rows(space, scale(coefficients), dots, rows_of(q_bar, shape_.epsilon, 1));
}

template <class Real>
void EpsilonTerm<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> f = value_of(value.tape);
  fill(space, 0.0, f);
  factor_->apply(space, {inner(value.coefficients), value.x, f, inner_tape(value.tape)}, scratch);
  add_lanes_scaled(space, epsilon(space, value.coefficients, value.x.q, scratch), f, value.y);
}

template <class Real>
void EpsilonTerm<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> f_bar = zeros(space, outputs(), reverse.x.lanes(), scratch);
  add_lanes_scaled(space, epsilon(space, reverse.coefficients, reverse.x.q, scratch), reverse.y_bar, f_bar);
  factor_->apply_vjp(space,
                     {inner(reverse.coefficients), reverse.x, inner_tape(reverse.tape), f_bar, reverse.x_bar,
                      inner(reverse.coefficients_bar)},
                     scratch);
  add_epsilon_bar(space, reverse.coefficients, value_of(reverse.tape), reverse.y_bar, reverse.x_bar.q,
                  scratch);
}

template <class Real>
void EpsilonTerm<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> f_dot = zeros(space, outputs(), tangent.x.lanes(), scratch);
  factor_->apply_jvp(space,
                     {inner(tangent.coefficients), inner(tangent.coefficients_dot), tangent.x, tangent.x_dot,
                      inner_tape(tangent.tape), f_dot},
                     scratch);
  add_lanes_scaled(space, epsilon(space, tangent.coefficients, tangent.x.q, scratch), f_dot, tangent.y_dot);
  if (tangent.x_dot.q.extent(0) > 0)
    add_lanes_scaled(space, epsilon_dot(space, tangent.coefficients, tangent.x_dot.q, scratch),
                     value_of(tangent.tape), tangent.y_dot);
}

// y_dot = eps f_dot + eps_dot f.
template <class Real>
void EpsilonTerm<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes();
  const ConstMatrixView<Real> kept = inner_tape(reverse.tape);
  const ConstVectorView<Real> c = inner(reverse.coefficients);
  const VectorView<Real> c_bar = inner(reverse.coefficients_bar);
  const MatrixView<Real> f_dot_bar = zeros(space, outputs(), lanes, scratch);
  add_lanes_scaled(space, epsilon(space, reverse.coefficients, reverse.x.q, scratch), reverse.y_dot_bar,
                   f_dot_bar);
  factor_->apply_jvp_vjp(
      space, {c, reverse.x, reverse.x_dot, kept, f_dot_bar, reverse.x_bar, reverse.x_dot_bar, c_bar},
      scratch);
  add_epsilon_bar(space, reverse.coefficients, value_of(reverse.tape), reverse.y_dot_bar, reverse.x_dot_bar.q,
                  scratch);
  if (reverse.x_bar.q.extent(0) > 0) {
    const MatrixView<Real> f_dot = zeros(space, outputs(), lanes, scratch);
    factor_->apply_jvp(space, {c, {}, reverse.x, reverse.x_dot, kept, f_dot}, scratch);
    add_epsilon_bar(space, reverse.coefficients, f_dot, reverse.y_dot_bar, reverse.x_bar.q, scratch);
  }
  if (reverse.x_dot.q.extent(0) == 0) return;
  const MatrixView<Real> f_bar = zeros(space, outputs(), lanes, scratch);
  add_lanes_scaled(space, epsilon_dot(space, reverse.coefficients, reverse.x_dot.q, scratch),
                   reverse.y_dot_bar, f_bar);
  factor_->apply_vjp(space, {c, reverse.x, kept, f_bar, reverse.x_bar, c_bar}, scratch);
}

template <class Real>
void EpsilonTerm<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.lanes();
  const ConstMatrixView<Real> kept = inner_tape(tangent.tape);
  const ConstVectorView<Real> c = inner(tangent.coefficients), c_dot = inner(tangent.coefficients_dot);
  const MatrixView<Real> both = zeros(space, outputs(), lanes, scratch);
  factor_->apply_jvp_jvp(space, {c, c_dot, tangent.x, tangent.x_dot, kept, both}, scratch);
  add_lanes_scaled(space, epsilon(space, tangent.coefficients, tangent.x.q, scratch), both,
                   tangent.y_dot_dot);
  if (tangent.x_dot.q.extent(0) == 0) return;
  const MatrixView<Real> along = zeros(space, outputs(), lanes, scratch);
  factor_->apply_jvp(space, {c, c_dot, tangent.x, resting<Real>(space, tangent.x, scratch), kept, along},
                     scratch);
  add_lanes_scaled(space, epsilon_dot(space, tangent.coefficients, tangent.x_dot.q, scratch), along,
                   tangent.y_dot_dot);
}

template std::unique_ptr<LaneMap<double>> make_entries(const FastSlowShape&, std::size_t,
                                                       const FastTermOptions&, const std::string&);
template std::unique_ptr<LaneMap<float>> make_entries(const FastSlowShape&, std::size_t,
                                                      const FastTermOptions&, const std::string&);
template class FastLinear<double>;
template class FastLinear<float>;
template class FastBilinear<double>;
template class FastBilinear<float>;
template class EpsilonTerm<double>;
template class EpsilonTerm<float>;

}  // namespace spnode::core
