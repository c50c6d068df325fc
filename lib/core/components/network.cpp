#include "core/components/network.hpp"

#include "core/components/lipschitz.hpp"
#include "core/kernels/activation_functions.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

/// The largest slope of an activation.
double steepest(Activation sigma) { return sigma == Activation::silu ? 1.0999 : 1.0; }

double at_zero(Activation sigma) {
  double value = 0.0;
  with_activation<double>(sigma, [&](auto function) { value = function.value(0.0); });
  return value;
}

}  // namespace

template <class Real>
Network<Real>::Network(std::size_t inputs, std::size_t outputs, NetworkOptions options, Role role)
    : options_(std::move(options)), role_(std::move(role)) {
  widths_.push_back(inputs);
  for (const std::size_t width : options_.hidden) widths_.push_back(width);
  widths_.push_back(outputs);
}

template <class Real>
Network<Real>::Network(std::size_t inputs, std::size_t outputs, const LipschitzOptions& options, Role role)
    : Network(inputs, outputs, static_cast<const NetworkOptions&>(options), std::move(role)) {
  bound_ = options.bound;
  divisor_ = options.divisor;
}

template <class Real>
void Network<Real>::declare(ParameterLayout& layout) {
  const std::size_t p = widths_.size() - 1;
  for (std::size_t i = 0; i < p; ++i) {
    const std::size_t in = widths_[i], out = widths_[i + 1];
    const bool last = i + 1 == p;
    const std::string prefix = role_.name + "/layer" + std::to_string(i + 1);
    Layer layer{in,
                out,
                last && !options_.last_activation ? Activation::identity : options_.activation,
                {},
                {},
                nullptr,
                coefficient_count_,
                tape_rows_,
                tape_rows_,
                !last || options_.last_activation || options_.output_scale,
                i > 0 && out < in};
    layer.b = {prefix + "/b", {out}, "bias", role_.group, role_.frozen};
    if (role_.singular_bound > 0.0) {
      layer.bilipschitz = std::make_shared<BilipschitzMatrix>(out, in, role_.singular_bound, prefix);
      layer.bilipschitz->declare(layout);
    } else {
      layer.W = {prefix + "/W", {out, in}, "weights (outputs, inputs)", role_.group, role_.frozen};
      layer.W.offset = layout.add(layer.W);
    }
    layer.b.offset = layout.add(layer.b);
    coefficient_count_ += out * in + out;
    if (layer.on_tape) tape_rows_ += out;
    if (keeps_argument(layer.activation)) {
      layer.argument_row = tape_rows_;
      tape_rows_ += out;
    }
    layers_.push_back(std::move(layer));
  }
  if (!options_.output_scale) return;
  scale_ = {role_.name + "/scale", {outputs()}, "factor of each output", role_.group, role_.frozen};
  scale_.offset = layout.add(scale_);
  scale_offset_ = coefficient_count_;
  coefficient_count_ += outputs();
}

template <class Real>
void Network<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  for (const Layer& layer : layers_) {
    const bool last = &layer == &layers_.back();
    const double size = options_.initial_scale * (last ? role_.last_layer_scale : 1.0);
    std::ranges::fill(block_of(theta, layer.b), 0.0);
    if (layer.bilipschitz) {
      layer.bilipschitz->initialise_at_random(seed, size, theta);
      continue;
    }
    const Random random(seed, layer.W.name);
    const double scale = size / std::sqrt(double(layer.inputs));
    const auto W = block_of(theta, layer.W);
    for (std::size_t i = 0; i < W.size(); ++i) W[i] = scale * random.normal(i);
  }
  if (options_.output_scale) std::ranges::fill(block_of(theta, scale_), 1.0);
}

template <class Real>
void Network<Real>::scale_value(double factor, std::span<double> theta) const {
  if (options_.output_scale) return scale_block(factor, theta, scale_);
  if (role_.singular_bound > 0.0) return Component::scale_value(factor, theta);
  for (const ParameterBlock* block : {&layers_.back().W, &layers_.back().b})
    scale_block(factor, theta, *block);
}

template <class Real>
double Network<Real>::layer_bound() const {
  return bound_ > 0.0 ? std::pow(bound_, 1.0 / double(layers_.size())) : 0.0;
}

template <class Real>
void Network<Real>::set_last_bias(std::span<const double> b, std::span<double> theta) const {
  std::ranges::copy(b, block_of(theta, layers_.back().b).begin());
}

template <class Real>
void Network<Real>::put_weights(const Layer& layer, std::span<const double> B, std::span<double> c) const {
  const std::size_t rows = layer.outputs, columns = layer.inputs;
  const auto to = c.subspan(layer.offset, B.size());
  if (!layer.turned) return void(std::ranges::copy(B, to.begin()));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) to[j * rows + i] = B[i * columns + j];
}

template <class Real>
std::vector<double> Network<Real>::weights(const Layer& layer, std::span<const double> c) const {
  const std::size_t rows = layer.outputs, columns = layer.inputs;
  const auto from = c.subspan(layer.offset, rows * columns);
  std::vector<double> B(from.begin(), from.end());
  if (layer.turned)
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) B[i * columns + j] = from[j * rows + i];
  return B;
}

template <class Real>
void Network<Real>::assemble_weights(const Layer& layer, std::span<const double> theta,
                                     std::span<double> B) const {
  if (layer.bilipschitz) return layer.bilipschitz->assemble(BilipschitzMatrix::Direction::forward, theta, B);
  const auto W = block_of(theta, layer.W);
  if (bound_ > 0.0)
    return LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.assemble(W, B);
  std::ranges::copy(W, B.begin());
}

template <class Real>
void Network<Real>::assemble_weights_vjp(const Layer& layer, std::span<const double> theta,
                                         std::span<const double> B_bar, std::span<double> theta_bar) const {
  if (layer.bilipschitz)
    return layer.bilipschitz->assemble_vjp(BilipschitzMatrix::Direction::forward, theta, B_bar, theta_bar);
  const auto W_bar = block_of(theta_bar, layer.W);
  if (bound_ > 0.0)
    return LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.assemble_vjp(
        block_of(theta, layer.W), B_bar, W_bar);
  add_scaled(1.0, B_bar, W_bar);
}

template <class Real>
void Network<Real>::assemble_weights_jvp(const Layer& layer, std::span<const double> theta,
                                         std::span<const double> theta_dot, std::span<double> B_dot) const {
  if (layer.bilipschitz)
    return layer.bilipschitz->assemble_jvp(BilipschitzMatrix::Direction::forward, theta, theta_dot, B_dot);
  const auto W_dot = block_of(theta_dot, layer.W);
  if (bound_ > 0.0)
    return LipschitzLayer{layer.outputs, layer.inputs, layer_bound(), divisor_}.assemble_jvp(
        block_of(theta, layer.W), W_dot, B_dot);
  std::ranges::copy(W_dot, B_dot.begin());
}

template <class Real>
void Network<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  std::vector<double> B;
  for (const Layer& layer : layers_) {
    B.resize(layer.outputs * layer.inputs);
    assemble_weights(layer, theta, B);
    put_weights(layer, B, c);
    std::ranges::copy(block_of(theta, layer.b), c.begin() + std::ptrdiff_t(layer.offset + B.size()));
  }
  if (options_.output_scale)
    std::ranges::copy(block_of(theta, scale_), c.begin() + std::ptrdiff_t(scale_offset_));
}

template <class Real>
void Network<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                 std::span<double> theta_bar) const {
  for (const Layer& layer : layers_) {
    const std::vector<double> B_bar = weights(layer, c_bar);
    assemble_weights_vjp(layer, theta, B_bar, theta_bar);
    add_scaled(1.0, c_bar.subspan(layer.offset + B_bar.size(), layer.outputs), block_of(theta_bar, layer.b));
  }
  if (options_.output_scale)
    add_scaled(1.0, c_bar.subspan(scale_offset_, outputs()), block_of(theta_bar, scale_));
}

template <class Real>
void Network<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                 std::span<double> c_dot) const {
  std::vector<double> B_dot;
  for (const Layer& layer : layers_) {
    B_dot.resize(layer.outputs * layer.inputs);
    assemble_weights_jvp(layer, theta, theta_dot, B_dot);
    put_weights(layer, B_dot, c_dot);
    std::ranges::copy(block_of(theta_dot, layer.b),
                      c_dot.begin() + std::ptrdiff_t(layer.offset + B_dot.size()));
  }
  if (options_.output_scale)
    std::ranges::copy(block_of(theta_dot, scale_), c_dot.begin() + std::ptrdiff_t(scale_offset_));
}

template <class Real>
void Network<Real>::multiply(const ExecSpace& space, const Layer& layer,
                             const ConstVectorView<Real>& coefficients, const ConstMatrixStack<Real>& x,
                             double beta, const MatrixView<Real>& y) const {
  const Real* const B = coefficients.data() + layer.offset;
  const std::size_t rows = x.rows();
  if (layer.turned)
    gemm(space, 1.0, ConstMatrixView<Real>(B, rows, layer.outputs), Transpose::yes, x, beta, y);
  else
    gemm(space, 1.0, lanes_of(ConstMatrixView<Real>(B, layer.outputs, layer.inputs), 0, rows), Transpose::no,
         x, beta, y);
}

template <class Real>
ConstVectorView<Real> Network<Real>::bias(const Layer& layer,
                                          const ConstVectorView<Real>& coefficients) const {
  return ConstVectorView<Real>(coefficients.data() + layer.offset + layer.outputs * layer.inputs,
                               layer.outputs);
}

template <class Real>
ConstMatrixStack<Real> Network<Real>::input_of(std::size_t i, const Point<Real>& x,
                                               const ConstMatrixView<Real>& tape) const {
  if (i == 0) return x.stack();
  return ConstMatrixView<Real>(rows_of(tape, layers_[i - 1].value_row, layers_[i - 1].outputs));
}

template <class Real>
ConstMatrixView<Real> Network<Real>::kept_of(const Layer& layer, const ConstMatrixView<Real>& tape) const {
  return rows_of(tape, keeps_argument(layer.activation) ? layer.argument_row : layer.value_row,
                 layer.outputs);
}

template <class Real>
void Network<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const MatrixView<Real> out =
        layer.on_tape ? rows_of(value.tape, layer.value_row, layer.outputs) : value.y;
    MatrixView<Real> argument;
    if (keeps_argument(layer.activation)) argument = rows_of(value.tape, layer.argument_row, layer.outputs);
    multiply(space, layer, value.coefficients, input_of(i, value.x, ConstMatrixView<Real>(value.tape)),
             layer.on_tape ? 0.0 : 1.0, out);
    add_bias_and_activate(space, layer.activation, bias(layer, value.coefficients), out, argument);
  }
  if (!layers_.back().on_tape) return;
  const ConstMatrixView<Real> last = rows_of(value.tape, layers_.back().value_row, outputs());
  if (options_.output_scale)
    add_scaled_rows(space, output_scale(value.coefficients), last, value.y);
  else
    axpy(space, 1.0, last, value.y);
}

template <class Real>
void Network<Real>::input_vjp(const ExecSpace& space, std::size_t i,
                              const ConstVectorView<Real>& coefficients, const ConstMatrixView<Real>& out_bar,
                              const PointBar<Real>& x_bar, double beta) const {
  const Layer& layer = layers_[i];
  const Real* const data = coefficients.data() + layer.offset;
  if (layer.turned)
    return gemm(space, 1.0, ConstMatrixView<Real>(data, layer.inputs, layer.outputs), Transpose::no, out_bar,
                beta, x_bar.u);
  const ConstMatrixView<Real> B(data, layer.outputs, layer.inputs);
  const std::size_t n = x_bar.u.extent(0), arguments = x_bar.q.extent(0);
  gemm(space, 1.0, lanes_of(B, 0, n), Transpose::yes, out_bar, beta, x_bar.u);
  if (arguments > 0) gemm(space, 1.0, lanes_of(B, n, arguments), Transpose::yes, out_bar, beta, x_bar.q);
}

template <class Real>
void Network<Real>::weights_vjp(const ExecSpace& space, std::size_t i, const ConstMatrixView<Real>& out_bar,
                                const ConstMatrixStack<Real>& in,
                                const VectorView<Real>& coefficients_bar) const {
  const Layer& layer = layers_[i];
  Real* const B_bar = coefficients_bar.data() + layer.offset;
  if (layer.turned)  // behind a hidden layer, so that `in` is one matrix
    return gemm_nt(space, 1.0, in.block[0], out_bar, MatrixView<Real>(B_bar, layer.inputs, layer.outputs));
  // A direction may have no rows for q.
  gemm_nt(space, 1.0, out_bar, in,
          lanes_of(MatrixView<Real>(B_bar, layer.outputs, layer.inputs), 0, in.rows()));
}

template <class Real>
void Network<Real>::bias_vjp(const ExecSpace& space, std::size_t i, const ConstMatrixView<Real>& out_bar,
                             const VectorView<Real>& coefficients_bar) const {
  const Layer& layer = layers_[i];
  add_row_sums(
      space, out_bar,
      VectorView<Real>(coefficients_bar.data() + layer.offset + layer.outputs * layer.inputs, layer.outputs));
}

template <class Real>
void Network<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes(), p = layers_.size();
  const bool learns = reverse.coefficients_bar.extent(0) > 0;
  ConstMatrixView<Real> out_bar = reverse.y_bar;
  if (layers_.back().on_tape) {
    const MatrixView<Real> bar = scratch.matrix(outputs(), lanes);
    scaled_copy(space, 1.0, reverse.y_bar, bar);
    if (options_.output_scale) {
      if (learns)
        add_row_products(space, reverse.y_bar, rows_of(reverse.tape, layers_.back().value_row, outputs()),
                         VectorView<Real>(reverse.coefficients_bar.data() + scale_offset_, outputs()));
      scale_rows(space, output_scale(reverse.coefficients), bar);
    }
    activate_vjp(space, layers_.back().activation, kept_of(layers_.back(), reverse.tape), bar);
    out_bar = bar;
  }
  for (std::size_t i = p; i-- > 0;) {
    const bool first = i == 0;
    const MatrixView<Real> in_bar = first ? reverse.x_bar.u : scratch.matrix(layers_[i].inputs, lanes);
    input_vjp(space, i, reverse.coefficients, out_bar, first ? reverse.x_bar : PointBar<Real>(in_bar),
              first ? 1.0 : 0.0);
    if (learns) {
      weights_vjp(space, i, out_bar, input_of(i, reverse.x, reverse.tape), reverse.coefficients_bar);
      bias_vjp(space, i, out_bar, reverse.coefficients_bar);
    }
    if (first) break;
    activate_vjp(space, layers_[i - 1].activation, kept_of(layers_[i - 1], reverse.tape), in_bar);
    out_bar = in_bar;
  }
}

template <class Real>
void Network<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.lanes();
  const bool moves = tangent.coefficients_dot.extent(0) > 0;
  ConstMatrixStack<Real> in_dot = tangent.x_dot.stack();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const MatrixView<Real> out_dot = scratch.matrix(layer.outputs, lanes);
    multiply(space, layer, tangent.coefficients, in_dot, 0.0, out_dot);
    if (moves) {
      multiply(space, layer, tangent.coefficients_dot, input_of(i, tangent.x, tangent.tape), 1.0, out_dot);
      add_to_lanes(space, bias(layer, tangent.coefficients_dot), out_dot);
    }
    if (layer.on_tape) activate_vjp(space, layer.activation, kept_of(layer, tangent.tape), out_dot);
    in_dot = ConstMatrixView<Real>(out_dot);
  }
  const ConstMatrixView<Real> last_dot = in_dot.block[0];
  if (!options_.output_scale) return axpy(space, 1.0, last_dot, tangent.y_dot);
  add_scaled_rows(space, output_scale(tangent.coefficients), last_dot, tangent.y_dot);
  if (moves)
    add_scaled_rows(space, output_scale(tangent.coefficients_dot),
                    rows_of(tangent.tape, layers_.back().value_row, outputs()), tangent.y_dot);
}

// Layer by layer z = B x + b, x' = sigma(z) and z_dot = B x_dot, x_dot' = sigma'(z) z_dot. On the way back
// z_dot_bar = sigma' x_dot_bar' and z_bar = sigma' x_bar' + sigma'' z_dot x_dot_bar'.
template <class Real>
void Network<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes(), p = layers_.size();
  const bool learns = reverse.coefficients_bar.extent(0) > 0;
  std::size_t rows = 0;
  for (const Layer& layer : layers_) rows += layer.outputs;
  // z_dot of all layers, then x_dot behind their activations.
  const MatrixView<Real> dots = scratch.matrix(2 * rows, lanes);
  const auto dot_of = [&](std::size_t i, std::size_t first) {
    for (std::size_t j = 0; j < i; ++j) first += layers_[j].outputs;
    return rows_of(dots, first, layers_[i].outputs);
  };
  const auto input_dot = [&](std::size_t i) -> ConstMatrixStack<Real> {
    if (i == 0) return reverse.x_dot.stack();
    return ConstMatrixView<Real>(dot_of(i - 1, rows));
  };
  for (std::size_t i = 0; i < p; ++i) {
    const MatrixView<Real> z_dot = dot_of(i, 0), x_dot = dot_of(i, rows);
    multiply(space, layers_[i], reverse.coefficients, input_dot(i), 0.0, z_dot);
    scaled_copy(space, 1.0, z_dot, x_dot);
    if (layers_[i].on_tape)
      activate_vjp(space, layers_[i].activation, kept_of(layers_[i], reverse.tape), x_dot);
  }

  MatrixView<Real> dot_bar = scratch.matrix(outputs(), lanes), bar = scratch.matrix(outputs(), lanes);
  scaled_copy(space, 1.0, reverse.y_dot_bar, dot_bar);
  fill(space, 0.0, bar);
  if (options_.output_scale) {
    if (learns)
      add_row_products(space, reverse.y_dot_bar, dot_of(p - 1, rows),
                       VectorView<Real>(reverse.coefficients_bar.data() + scale_offset_, outputs()));
    scale_rows(space, output_scale(reverse.coefficients), dot_bar);
  }
  bool bends = false;  // bar is zero behind the last activation
  for (std::size_t i = p; i-- > 0;) {
    const Layer& layer = layers_[i];
    if (layer.activation != Activation::identity) {
      const ConstMatrixView<Real> kept = kept_of(layer, reverse.tape);
      if (bends) activate_vjp(space, layer.activation, kept, bar);
      bends = true;
      activate_jvp_vjp(space, layer.activation, kept, dot_of(i, 0), dot_bar, bar);
      activate_vjp(space, layer.activation, kept, dot_bar);
    }
    if (learns) weights_vjp(space, i, dot_bar, input_dot(i), reverse.coefficients_bar);
    if (learns && bends) {
      weights_vjp(space, i, bar, input_of(i, reverse.x, reverse.tape), reverse.coefficients_bar);
      bias_vjp(space, i, bar, reverse.coefficients_bar);
    }
    if (i == 0) {
      input_vjp(space, i, reverse.coefficients, dot_bar, reverse.x_dot_bar, 1.0);
      if (bends) input_vjp(space, i, reverse.coefficients, bar, reverse.x_bar, 1.0);
      return;
    }
    const MatrixView<Real> in_dot_bar = scratch.matrix(layer.inputs, lanes),
                           in_bar = scratch.matrix(layer.inputs, lanes);
    input_vjp(space, i, reverse.coefficients, dot_bar, in_dot_bar, 0.0);
    if (bends)
      input_vjp(space, i, reverse.coefficients, bar, in_bar, 0.0);
    else
      fill(space, 0.0, in_bar);
    dot_bar = in_dot_bar;
    bar = in_bar;
  }
}

template <class Real>
void Network<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                  Scratch<Real>& scratch) const {
  apply_along(space,
              {tangent.coefficients,
               tangent.coefficients_dot,
               tangent.x,
               tangent.x_dot,
               tangent.tape,
               {},
               {},
               {},
               tangent.y_dot_dot},
              scratch);
}

// Layer by layer, with the tangents x_dot along the point, x' along the second direction, and x_dot' along
// both: z_dot' = B' x_dot + B x_dot' behind B, and sigma' z_dot' + sigma'' z_dot z' behind the activation.
template <class Real>
void Network<Real>::apply_along(const ExecSpace& space, const Along& second, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = second.x.lanes();
  ConstMatrixStack<Real> in_dot = second.x_dot.stack();
  ConstMatrixView<Real> in_along = second.u_along, in_both = second.u_dot_along;  // of the layer's input
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const MatrixView<Real> dot = scratch.matrix(layer.outputs, lanes),
                           along = scratch.matrix(layer.outputs, lanes),
                           both = scratch.matrix(layer.outputs, lanes);
    multiply(space, layer, second.coefficients, in_dot, 0.0, dot);
    multiply(space, layer, second.coefficients_dot, in_dot, 0.0, both);
    multiply(space, layer, second.coefficients_dot, input_of(i, second.x, second.tape), 0.0, along);
    add_to_lanes(space, bias(layer, second.coefficients_dot), along);
    if (in_along.extent(0) > 0) {
      multiply(space, layer, second.coefficients, in_along, 1.0, along);
      multiply(space, layer, second.coefficients, in_both, 1.0, both);
    }
    if (layer.on_tape) {
      const ConstMatrixView<Real> kept = kept_of(layer, second.tape);
      activate_vjp(space, layer.activation, kept, both);
      activate_jvp_vjp(space, layer.activation, kept, dot, along, both);
      activate_vjp(space, layer.activation, kept, dot);
      activate_vjp(space, layer.activation, kept, along);
    }
    in_dot = ConstMatrixView<Real>(dot);
    in_along = along;
    in_both = both;
  }
  const auto add = [&](ConstMatrixView<Real> value, ConstMatrixView<Real> value_along, MatrixView<Real> to) {
    if (!options_.output_scale) return axpy(space, 1.0, value_along, to);
    add_scaled_rows(space, output_scale(second.coefficients), value_along, to);
    add_scaled_rows(space, output_scale(second.coefficients_dot), value, to);
  };
  add(in_dot.block[0], in_both, second.y_dot_along);
  if (second.y_along.extent(0) == 0) return;
  ConstMatrixView<Real> last;
  if (options_.output_scale) last = rows_of(second.tape, layers_.back().value_row, outputs());
  add(last, in_along, second.y_along);
}

template <class Real>
auto Network<Real>::growth(std::span<const double> theta, double radius) const -> Growth {
  std::vector<double> c(coefficient_count());
  assemble(theta, c);
  const auto norm = [](std::span<const double> x) {
    double squares = 0.0;
    for (const double entry : x) squares += entry * entry;
    return std::sqrt(squares);
  };
  Growth growth{1.0, radius};
  for (const Layer& layer : layers_) {
    const std::span<const double> all = c;
    const double B = spectral_norm({weights(layer, c).data(), layer.outputs, layer.inputs});
    growth.lipschitz *= B * steepest(layer.activation);
    growth.norm =
        B * growth.norm + norm(all.subspan(layer.offset + layer.outputs * layer.inputs, layer.outputs));
    growth.norm = steepest(layer.activation) * growth.norm +
                  std::abs(at_zero(layer.activation)) * std::sqrt(double(layer.outputs));
  }
  if (!options_.output_scale) return growth;
  double largest = 0.0;
  for (std::size_t i = 0; i < outputs(); ++i) largest = std::max(largest, std::abs(c[scale_offset_ + i]));
  return {largest * growth.lipschitz, largest * growth.norm};
}

template class Network<double>;
template class Network<float>;

}  // namespace spnode::core
