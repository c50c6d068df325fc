#include "core/components/potential.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

template <class Real>
Potential<Real>::Potential(TermShape shape, const PotentialOptions& options, std::string name)
    : shape_(shape), options_(options), name_(std::move(name)) {}

template <class Real>
void Potential<Real>::declare(ParameterLayout& layout) {
  std::vector<std::size_t> widths = {columns()};
  widths.insert(widths.end(), options_.hidden.begin(), options_.hidden.end());
  widths.push_back(options_.neurons);
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const bool last = i + 2 == widths.size();
    const std::size_t in = widths[i], out = widths[i + 1];
    const std::string prefix = last ? name_ : name_ + "/layer" + std::to_string(i + 1);
    Layer layer{in, out, neurons_, {}, {}};
    layer.W = {prefix + "/W", {out, in}, "weights (neurons, inputs) of the potential"};
    layer.b = {prefix + "/b", {out}, "bias"};
    for (ParameterBlock* block : {&layer.W, &layer.b}) block->offset = layout.add(*block);
    neurons_ += out;
    layers_.push_back(std::move(layer));
  }
  w_ = {name_ + "/w", {options_.neurons}, "weights of the neurons in the potential"};
  metric_ = {name_ + "/metric",
             {shape_.outputs},
             "factor of each component of the gradient in scaled coordinates",
             ParameterGroup::dynamics,
             true};
  for (ParameterBlock* block : {&w_, &metric_}) block->offset = layout.add(*block);
}

template <class Real>
void Potential<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  const auto draw = [&](const ParameterBlock& block, std::size_t fan_in) {
    const Random random(seed, block.name);
    const auto values = block_of(theta, block);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = options_.initial_scale / std::sqrt(double(fan_in)) * random.normal(i);
  };
  for (const Layer& layer : layers_) {
    draw(layer.W, layer.inputs);
    std::ranges::fill(block_of(theta, layer.b), 0.0);
  }
  draw(w_, options_.neurons);
  std::ranges::fill(block_of(theta, metric_), 1.0);
}

// With x = shift + scale z, and y scaled as v in u = [x; v] or as x itself: d z'_i / dt is
// -(1 / (scale_i of x, scale_i of y)) dV / dz_i.
template <class Real>
void Potential<Real>::set_scaling(const Scaling& scaling, std::span<double> theta) const {
  const auto metric = block_of(theta, metric_);
  const std::size_t last = shape_.states - shape_.outputs;
  double mean = 0.0;
  for (std::size_t i = 0; i < metric.size(); ++i) {
    metric[i] = 1.0 / (scaling.scale[i] * scaling.scale[last + i]);
    mean += std::log(metric[i]) / double(metric.size());
  }
  // A common factor is the potential's matter.
  for (double& factor : metric) factor /= std::exp(mean);
}

template <class Real>
void Potential<Real>::scale_value(double factor, std::span<double> theta) const {
  scale_block(factor, theta, w_);
}

template <class Real>
void Potential<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::ranges::copy(theta.subspan(first_place(), coefficient_count()), c.begin());
  for (double& factor : c.subspan(metric_place(), outputs())) factor = -factor;
}

template <class Real>
void Potential<Real>::assemble_vjp(std::span<const double>, std::span<const double> c_bar,
                                   std::span<double> theta_bar) const {
  for (std::size_t i = 0; i < metric_place(); ++i) theta_bar[first_place() + i] += c_bar[i];
}

template <class Real>
void Potential<Real>::assemble_jvp(std::span<const double>, std::span<const double> theta_dot,
                                   std::span<double> c_dot) const {
  std::ranges::fill(c_dot, 0.0);
  std::ranges::copy(theta_dot.subspan(first_place(), metric_place()), c_dot.begin());
}

template <class Real>
void Potential<Real>::multiply(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                               const Layer& layer, const ConstMatrixStack<Real>& in, double beta,
                               const MatrixView<Real>& out) const {
  const ConstMatrixView<Real> W(coefficients.data() + place_of(layer.W), layer.outputs, layer.inputs);
  gemm(space, 1.0, lanes_of(W, 0, in.rows()), Transpose::no, in, beta, out);
}

template <class Real>
void Potential<Real>::multiply_back(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                                    const Layer& layer, const ConstMatrixView<Real>& out_bar, double beta,
                                    const PointBar<Real>& in_bar) const {
  const ConstMatrixView<Real> W(coefficients.data() + place_of(layer.W), layer.outputs, layer.inputs);
  const std::size_t n = in_bar.u.extent(0), arguments = in_bar.q.extent(0);
  gemm(space, 1.0, lanes_of(W, 0, n), Transpose::yes, out_bar, beta, in_bar.u);
  if (arguments > 0) gemm(space, 1.0, lanes_of(W, n, arguments), Transpose::yes, out_bar, beta, in_bar.q);
}

template <class Real>
template <class Bend>
void Potential<Real>::sweep_back(const ExecSpace& space, const At& at, const MatrixView<Real>& sweep,
                                 const Slopes& more, const Bend& bend) const {
  const bool moves = more.coefficients.extent(0) > 0;
  const auto weights = [this](const ConstVectorView<Real>& coefficients) {
    return ConstVectorView<Real>(coefficients.data() + place_of(w_), w_.size());
  };
  const Layer& last = layers_.back();
  const MatrixView<Real> t_last = part_of(sweep, Part::slope, last);
  scaled_copy(space, 1.0, part_of(sweep, Part::value, last), t_last);
  scale_rows(space, weights(at.coefficients), t_last);
  if (moves)
    add_scaled_rows(space, weights(more.coefficients), part_of(more.sweep, Part::value, last), t_last);
  for (std::size_t i = layers_.size() - 1; i-- > 0;) {
    const Layer &layer = layers_[i], &behind = layers_[i + 1];
    const MatrixView<Real> r = part_of(sweep, Part::pull, layer), t = part_of(sweep, Part::slope, layer);
    multiply_back(space, at.coefficients, behind, part_of(sweep, Part::slope, behind), 0.0, r);
    if (moves)
      multiply_back(space, more.coefficients, behind, part_of(more.sweep, Part::slope, behind), 1.0, r);
    scaled_copy(space, 1.0, r, t);
    activate_vjp(space, options_.activation, kept_of(at.tape, layer), t);
    bend(layer);
  }
}

template <class Real>
void Potential<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const At at = at_point(value.coefficients, value.x, ConstMatrixView<Real>(value.tape));
  ConstMatrixStack<Real> in = at.x;
  for (const Layer& layer : layers_) {
    const MatrixView<Real> s = part_of(value.tape, Part::value, layer);
    MatrixView<Real> a;
    if (keeps_argument(options_.activation)) a = part_of(value.tape, Part::argument, layer);
    multiply(space, at.coefficients, layer, in, 0.0, s);
    const ConstVectorView<Real> b(at.coefficients.data() + place_of(layer.b), layer.outputs);
    add_bias_and_activate(space, options_.activation, b, s, a);
    in = ConstMatrixView<Real>(s);
  }
  sweep_back(space, at, value.tape, {}, [](const Layer&) {});
  add_force(space, at, part_of(at.tape, Part::slope, layers_.front()), {}, value.y, scratch);
}

// a' = W s'_before + W' s_before + b' and s' = sigma'(a) a'. On the way back t' = w s' + w' s in the last
// layer, r' = W^T t'_behind + W'^T t_behind and t' = sigma'(a) r' + sigma''(a) a' r before it.
template <class Real>
MatrixView<Real> Potential<Real>::tangents(const ExecSpace& space, const At& at,
                                           const ConstMatrixStack<Real>& x_dot,
                                           const ConstVectorView<Real>& moving,
                                           Scratch<Real>& scratch) const {
  const MatrixView<Real> all = scratch.matrix(4 * neurons_, at.x.lanes());
  const bool moves = moving.extent(0) > 0;
  ConstMatrixStack<Real> in = at.x, in_dot = x_dot;
  for (const Layer& layer : layers_) {
    const MatrixView<Real> a = part_of(all, Part::argument, layer), s = part_of(all, Part::value, layer);
    if (in_dot.count > 0)
      multiply(space, at.coefficients, layer, in_dot, 0.0, a);
    else
      fill(space, 0.0, a);
    if (moves) {
      multiply(space, moving, layer, in, 1.0, a);
      add_to_lanes(space, ConstVectorView<Real>(moving.data() + place_of(layer.b), layer.outputs), a);
    }
    scaled_copy(space, 1.0, a, s);
    activate_vjp(space, options_.activation, kept_of(at.tape, layer), s);
    in = part_of(at.tape, Part::value, layer);
    in_dot = ConstMatrixView<Real>(s);
  }
  sweep_back(space, at, all, {moving, at.tape}, [&](const Layer& layer) {
    activate_jvp_vjp(space, options_.activation, kept_of(at.tape, layer), part_of(all, Part::argument, layer),
                     part_of(at.tape, Part::pull, layer), part_of(all, Part::slope, layer));
  });
  return all;
}

// The lines of tangents() once more: products of two tangents come with the second derivative of sigma, those
// of three with the third.
template <class Real>
MatrixView<Real> Potential<Real>::second_tangents(const ExecSpace& space, const At& at, const Pair& pair,
                                                  Scratch<Real>& scratch) const {
  const MatrixView<Real> all = scratch.matrix(4 * neurons_, at.x.lanes());
  const ConstVectorView<Real>& moving = pair.moving;
  const bool moves = moving.extent(0) > 0;
  const Activation sigma = options_.activation;
  ConstMatrixStack<Real> in_dot = pair.x_dot, in_both;
  for (const Layer& layer : layers_) {
    const MatrixView<Real> a = part_of(all, Part::argument, layer), s = part_of(all, Part::value, layer);
    const ConstMatrixView<Real> kept = kept_of(at.tape, layer);
    if (in_both.count > 0)
      multiply(space, at.coefficients, layer, in_both, 0.0, a);
    else
      fill(space, 0.0, a);
    if (moves) multiply(space, moving, layer, in_dot, 1.0, a);
    scaled_copy(space, 1.0, a, s);
    activate_vjp(space, sigma, kept, s);
    activate_jvp_vjp(space, sigma, kept, part_of(pair.first, Part::argument, layer),
                     part_of(pair.second, Part::argument, layer), s);
    in_dot = part_of(pair.first, Part::value, layer);
    in_both = ConstMatrixView<Real>(s);
  }
  sweep_back(space, at, all, {moving, pair.first}, [&](const Layer& layer) {
    const ConstMatrixView<Real> kept = kept_of(at.tape, layer), pull = part_of(at.tape, Part::pull, layer),
                                first = part_of(pair.first, Part::argument, layer),
                                second = part_of(pair.second, Part::argument, layer);
    const MatrixView<Real> t = part_of(all, Part::slope, layer);
    activate_jvp_vjp(space, sigma, kept, first, part_of(pair.second, Part::pull, layer), t);
    activate_jvp_vjp(space, sigma, kept, second, part_of(pair.first, Part::pull, layer), t);
    activate_jvp_vjp(space, sigma, kept, part_of(all, Part::argument, layer), pull, t);
    activate_third(space, sigma, kept, {first, second, pull}, t);
  });
  return all;
}

template <class Real>
MatrixView<Real> Potential<Real>::direction_of(const ExecSpace& space, const At& at,
                                               const ConstMatrixView<Real>& g_bar,
                                               Scratch<Real>& scratch) const {
  const MatrixView<Real> direction = scratch.matrix(outputs(), g_bar.extent(1));
  scaled_copy(space, 1.0, g_bar, direction);
  scale_rows(space, metric(at), direction);
  return direction;
}

template <class Real>
void Potential<Real>::add_force(const ExecSpace& space, const At& at, const ConstMatrixView<Real>& slopes,
                                const Slopes& more, const MatrixView<Real>& g, Scratch<Real>& scratch) const {
  const MatrixView<Real> gradient = scratch.matrix(outputs(), g.extent(1));
  const Layer& first = layers_.front();
  multiply_back(space, at.coefficients, first, slopes, 0.0, gradient);
  if (more.coefficients.extent(0) > 0)
    multiply_back(space, more.coefficients, first, part_of(more.sweep, Part::slope, first), 1.0, gradient);
  add_scaled_rows(space, metric(at), gradient, g);
}

template <class Real>
void Potential<Real>::add_weights(const ExecSpace& space, const Layer& layer,
                                  const ConstMatrixView<Real>& sweep, const ConstMatrixStack<Real>& in,
                                  const VectorView<Real>& coefficients_bar) const {
  const MatrixView<Real> W_bar(coefficients_bar.data() + place_of(layer.W), layer.outputs, layer.inputs);
  gemm_nt(space, 1.0, part_of(sweep, Part::slope, layer), in, lanes_of(W_bar, 0, in.rows()));
}

template <class Real>
void Potential<Real>::add_bias(const ExecSpace& space, const Layer& layer, const ConstMatrixView<Real>& sweep,
                               const VectorView<Real>& coefficients_bar) const {
  add_row_sums(space, part_of(sweep, Part::slope, layer),
               VectorView<Real>(coefficients_bar.data() + place_of(layer.b), layer.outputs));
}

// g . g_bar is the tangent of V along the direction d of g_bar; its gradients are the tangents along d of
// those of V.
template <class Real>
void Potential<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const At at = at_point(reverse.coefficients, reverse.x, reverse.tape);
  const ConstMatrixView<Real> d = direction_of(space, at, reverse.y_bar, scratch),
                              along = tangents(space, at, d, {}, scratch);
  const Layer &first = layers_.front(), &last = layers_.back();
  multiply_back(space, at.coefficients, first, part_of(along, Part::slope, first), 1.0,
                position(reverse.x_bar));
  const VectorView<Real>& bar = reverse.coefficients_bar;
  if (bar.extent(0) == 0) return;
  ConstMatrixStack<Real> in = at.x, in_along = d;
  for (const Layer& layer : layers_) {
    add_weights(space, layer, along, in, bar);
    add_weights(space, layer, at.tape, in_along, bar);
    add_bias(space, layer, along, bar);
    in = part_of(at.tape, Part::value, layer);
    in_along = part_of(along, Part::value, layer);
  }
  add_row_products(space, part_of(at.tape, Part::value, last), part_of(along, Part::argument, last),
                   VectorView<Real>(bar.data() + place_of(w_), w_.size()));
}

template <class Real>
void Potential<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const At at = at_point(tangent.coefficients, tangent.x, tangent.tape);
  const ConstMatrixView<Real> along =
      tangents(space, at, position(tangent.x_dot).stack(), tangent.coefficients_dot, scratch);
  add_force(space, at, part_of(along, Part::slope, layers_.front()), {tangent.coefficients_dot, at.tape},
            tangent.y_dot, scratch);
}

// y_dot . y_dot_bar is the second derivative of V along x_dot and the direction d of y_dot_bar; its gradients
// are the second tangents along both of those of V.
template <class Real>
void Potential<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const At at = at_point(reverse.coefficients, reverse.x, reverse.tape);
  const ConstMatrixStack<Real> x_dot = position(reverse.x_dot).stack();
  const ConstMatrixView<Real> d = direction_of(space, at, reverse.y_dot_bar, scratch),
                              dot = tangents(space, at, x_dot, {}, scratch),
                              along = tangents(space, at, d, {}, scratch),
                              both = second_tangents(space, at, {x_dot, dot, along, {}}, scratch);
  const Layer &first = layers_.front(), &last = layers_.back();
  multiply_back(space, at.coefficients, first, part_of(along, Part::slope, first), 1.0,
                position(reverse.x_dot_bar));
  multiply_back(space, at.coefficients, first, part_of(both, Part::slope, first), 1.0,
                position(reverse.x_bar));
  const VectorView<Real>& bar = reverse.coefficients_bar;
  if (bar.extent(0) == 0) return;
  ConstMatrixStack<Real> in = at.x, in_dot = x_dot, in_along = d, in_both;
  for (const Layer& layer : layers_) {
    add_weights(space, layer, both, in, bar);
    add_weights(space, layer, along, in_dot, bar);
    add_weights(space, layer, dot, in_along, bar);
    if (in_both.count > 0) add_weights(space, layer, at.tape, in_both, bar);
    add_bias(space, layer, both, bar);
    in = part_of(at.tape, Part::value, layer);
    in_dot = part_of(dot, Part::value, layer);
    in_along = part_of(along, Part::value, layer);
    in_both = part_of(both, Part::value, layer);
  }
  const VectorView<Real> w_bar(bar.data() + place_of(w_), w_.size());
  add_row_products(space, part_of(at.tape, Part::value, last), part_of(both, Part::argument, last), w_bar);
  add_row_products(space, part_of(dot, Part::value, last), part_of(along, Part::argument, last), w_bar);
}

template <class Real>
void Potential<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const At at = at_point(tangent.coefficients, tangent.x, tangent.tape);
  const ConstVectorView<Real>& moving = tangent.coefficients_dot;
  const ConstMatrixStack<Real> x_dot = position(tangent.x_dot).stack();
  const ConstMatrixView<Real> dot = tangents(space, at, x_dot, {}, scratch),
                              along = tangents(space, at, {}, moving, scratch),
                              both = second_tangents(space, at, {x_dot, dot, along, moving}, scratch);
  add_force(space, at, part_of(both, Part::slope, layers_.front()), {moving, dot}, tangent.y_dot_dot,
            scratch);
}

template class Potential<double>;
template class Potential<float>;

}  // namespace spnode::core
