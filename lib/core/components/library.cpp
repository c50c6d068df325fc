#include "core/components/library.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace spnode::core {
namespace {

using Indices = Vector<std::uint32_t>;

// Theta from its rows 1 ... N.
template <class Real>
void complete(const ExecSpace& space, const LibraryRows<Real>& rows, MatrixView<Real> Theta) {
  for_each_row(
      "library_product", space, 1, Theta.extent(1),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) Theta(0, l) = 1;
        for (std::size_t k = rows.products(); k < rows.waves; ++k) {
          const Real* const a = &Theta(rows.left(k), 0);
          const Real* const b = &Theta(rows.right(k), 0);
          Real* const to = &Theta(k, 0);
          for (std::size_t l = first; l < last; ++l) to[l] = a[l] * b[l];
        }
      });
  for_each_row(
      "library_wave", space, rows.frequencies.extent(0) * rows.variables, Theta.extent(1),
      KOKKOS_LAMBDA(const std::size_t pair, const std::size_t first, const std::size_t last) {
        const std::size_t f = pair / rows.variables, v = pair % rows.variables, s = rows.sine(f, v);
        for (std::size_t l = first; l < last; ++l) {
          const Real phase = rows.frequencies(f) * Theta(1 + v, l);
          Theta(s, l) = std::sin(phase);
          Theta(s + 1, l) = std::cos(phase);
        }
      });
}

// The adjoint: the bars of all functions go to the rows 1 ... N of `bar`; those of products change.
template <class Real>
void complete_vjp(const ExecSpace& space, const LibraryRows<Real>& rows, ConstMatrixView<Real> Theta,
                  MatrixView<Real> bar) {
  for_each_row(
      "library_vjp", space, 1, Theta.extent(1),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t f = 0; f < rows.frequencies.extent(0); ++f)
          for (std::size_t v = 0; v < rows.variables; ++v) {
            const std::size_t s = rows.sine(f, v);
            for (std::size_t l = first; l < last; ++l)
              bar(1 + v, l) +=
                  rows.frequencies(f) * (bar(s, l) * Theta(s + 1, l) - bar(s + 1, l) * Theta(s, l));
          }
        for (std::size_t k = rows.waves; k-- > rows.products();) {
          const std::size_t i = rows.left(k), j = rows.right(k);
          const Real* const of = &bar(k, 0);
          for (std::size_t l = first; l < last; ++l) {
            bar(i, l) += of[l] * Theta(j, l);
            bar(j, l) += of[l] * Theta(i, l);
          }
        }
      });
}

// The tangent of Theta from those of its rows 1 ... N.
template <class Real>
void complete_jvp(const ExecSpace& space, const LibraryRows<Real>& rows, ConstMatrixView<Real> Theta,
                  MatrixView<Real> dot) {
  for_each_row(
      "library_jvp", space, 1, Theta.extent(1),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) dot(0, l) = 0;
        for (std::size_t k = rows.products(); k < rows.waves; ++k) {
          const std::size_t i = rows.left(k), j = rows.right(k);
          for (std::size_t l = first; l < last; ++l)
            dot(k, l) = dot(i, l) * Theta(j, l) + Theta(i, l) * dot(j, l);
        }
        for (std::size_t f = 0; f < rows.frequencies.extent(0); ++f)
          for (std::size_t v = 0; v < rows.variables; ++v) {
            const std::size_t s = rows.sine(f, v);
            for (std::size_t l = first; l < last; ++l) {
              const Real turn = rows.frequencies(f) * dot(1 + v, l);
              dot(s, l) = turn * Theta(s + 1, l);
              dot(s + 1, l) = -turn * Theta(s, l);
            }
          }
      });
}

// The adjoint of the tangent: bars of Theta and of its tangent, those of the functions, go to their rows
// 1 ... N; those of products change.
template <class Real>
struct TangentBars {
  ConstMatrixView<Real> Theta, dot;
  MatrixView<Real> bar, dot_bar;
};
template <class Real>
void complete_jvp_vjp(const ExecSpace& space, const LibraryRows<Real>& rows, const TangentBars<Real>& t) {
  for_each_row(
      "library_jvp_vjp", space, 1, t.Theta.extent(1),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t f = 0; f < rows.frequencies.extent(0); ++f)
          for (std::size_t v = 0; v < rows.variables; ++v) {
            const std::size_t s = rows.sine(f, v);
            const Real k = rows.frequencies(f);
            for (std::size_t l = first; l < last; ++l) {
              const Real sine = t.dot_bar(s, l), cosine = t.dot_bar(s + 1, l);
              t.dot_bar(1 + v, l) += k * (sine * t.Theta(s + 1, l) - cosine * t.Theta(s, l));
              t.bar(1 + v, l) -=
                  k * k * t.dot(1 + v, l) * (sine * t.Theta(s, l) + cosine * t.Theta(s + 1, l));
            }
          }
        for (std::size_t k = rows.waves; k-- > rows.products();) {
          const std::size_t i = rows.left(k), j = rows.right(k);
          for (std::size_t l = first; l < last; ++l) {
            const Real of = t.bar(k, l), of_dot = t.dot_bar(k, l);
            t.bar(i, l) += of * t.Theta(j, l) + of_dot * t.dot(j, l);
            t.bar(j, l) += of * t.Theta(i, l) + of_dot * t.dot(i, l);
            t.dot_bar(i, l) += of_dot * t.Theta(j, l);
            t.dot_bar(j, l) += of_dot * t.Theta(i, l);
          }
        }
      });
}

// Rows 1 ... N of Theta: shift + scale * x; without a shift scale * x, zero where x has no rows.
template <class Real>
void set_variable_rows(const ExecSpace& space, const ConstMatrixStack<Real>& x, ConstVectorView<Real> shift,
                       ConstVectorView<Real> scale, MatrixView<Real> Theta) {
  const std::size_t given = x.rows();
  for_each_row(
      "library_scale", space, scale.extent(0), Theta.extent(1),
      KOKKOS_LAMBDA(const std::size_t v, const std::size_t first, const std::size_t last) {
        const Real start = shift.extent(0) > 0 ? shift(v) : Real(0);
        for (std::size_t l = first; l < last; ++l)
          Theta(1 + v, l) = v < given ? start + scale(v) * x.row(v)[l] : start;
      });
}

// x_bar += scale * the rows 1 ... N of bar.
template <class Real>
void add_variable_bars(const ExecSpace& space, ConstVectorView<Real> scale, ConstMatrixView<Real> bar,
                       const PointBar<Real>& x_bar) {
  const std::size_t n = x_bar.u.extent(0), m = x_bar.q.extent(0);
  const auto part = [&](const ConstVectorView<Real>& all, std::size_t first, std::size_t count) {
    return ConstVectorView<Real>(all.data() + first, count);
  };
  add_scaled_rows<Real>(space, part(scale, 0, n), rows_of(bar, 1, n), x_bar.u);
  if (m > 0) add_scaled_rows<Real>(space, part(scale, n, m), rows_of(bar, 1 + n, m), x_bar.q);
}

Indices on_device(const std::vector<std::uint32_t>& from) {
  const Indices to("library_index", from.size());
  const auto host = Kokkos::create_mirror_view(to);
  std::ranges::copy(from, host.data());
  update_from(to, host);
  return to;
}

/// Products of up to `degree` factors; as many as products of exactly `degree` factors of one variable more.
double count_products(double variables, std::size_t degree) {
  double count = 1.0;  // (N + 1) ... (N + d) / d!
  for (std::size_t d = 1; d <= degree; ++d) count = count * (variables + double(d)) / double(d);
  return std::round(count);
}

}  // namespace

template <class Real>
double Library<Real>::function_count(std::size_t variables, const LibraryOptions& options,
                                     const FactorLimit& limit) {
  const double N = double(variables), limited = double(limit.end - limit.begin);
  double products = count_products(N - limited, options.degree);
  for (std::size_t j = 1; limited > 0.0 && j <= std::min(limit.most, options.degree); ++j)
    products += count_products(limited - 1.0, j) * count_products(N - limited, options.degree - j);
  return products + 2.0 * N * double(options.frequencies.size());
}

template <class Real>
Library<Real>::Library(TermShape shape, const LibraryOptions& options, std::string name,
                       const FactorLimit& limit)
    : shape_(shape),
      N_(shape.states + shape.arguments),
      name_(std::move(name)),
      frequencies_(options.frequencies) {
  const double count = function_count(N_, options, limit);
  require_option(count <= double(most_functions), {"library.degree", "library.frequencies"},
                 "= " + std::to_string(options.degree) + " makes " + shortest(count) + " functions of " +
                     std::to_string(N_) + " variables; at most " + std::to_string(most_functions) +
                     " are possible");
  make_products(options.degree, limit);
  kernel_left_ = on_device(left_);
  kernel_right_ = on_device(right_);
  kernel_frequencies_ = Vector<Real>("library_waves", frequencies_.size());
  upload(frequencies_, kernel_frequencies_);
}

template <class Real>
void Library<Real>::make_products(std::size_t degree, const FactorLimit& limit) {
  const auto is_limited = [&limit](std::size_t row) { return row > limit.begin && row <= limit.end; };
  std::vector<std::size_t> limited;  // factors of each product
  left_.assign(N_ + 1, 0);
  right_.assign(N_ + 1, 0);
  for (std::size_t row = 0; row <= N_; ++row) {
    right_[row] = std::uint32_t(row);
    limited.push_back(is_limited(row) ? 1 : 0);
  }
  std::size_t begin = 1, end = N_ + 1;  // the functions of the degree before
  for (std::size_t factors = 2; factors <= degree; ++factors) {
    for (std::size_t k = begin; k < end; ++k)
      for (std::size_t v = right_[k]; v <= N_; ++v) {  // each product once: factors in ascending order
        const std::size_t count = limited[k] + limited[v];
        if (is_limited(v) && count > limit.most) continue;
        left_.push_back(std::uint32_t(k));
        right_.push_back(std::uint32_t(v));
        limited.push_back(count);
      }
    begin = end;
    end = left_.size();
  }
}

template <class Real>
std::vector<std::uint32_t> Library<Real>::factors(std::size_t k) const {
  std::vector<std::uint32_t> factors;
  for (; k > 0; k = left_[k]) factors.push_back(right_[k]);
  std::ranges::reverse(factors);
  return factors;
}

template <class Real>
std::vector<Symmetries::Entry> Library<Real>::moved_functions(const Symmetries& symmetries,
                                                              std::size_t e) const {
  const auto moved = [&](std::size_t v) {  // of a variable
    return v < shape_.states ? symmetries.element(e)[v] : Symmetries::Entry{std::uint32_t(v), 1.0F};
  };
  std::map<std::vector<std::uint32_t>, std::uint32_t> places;
  for (std::size_t k = 0; k < left_.size(); ++k) places.emplace(factors(k), std::uint32_t(k));
  std::vector<Symmetries::Entry> functions;
  for (std::size_t k = 0; k < left_.size(); ++k) {
    std::vector<std::uint32_t> product = factors(k);
    float sign = 1.0F;
    for (std::uint32_t& v : product) {
      sign *= moved(v - 1).sign;
      v = moved(v - 1).source + 1;
    }
    std::ranges::sort(product);
    functions.push_back({places.at(product), sign});
  }
  for (std::size_t f = 0; f < frequencies_.size(); ++f)
    for (std::size_t v = 0; v < N_; ++v) {
      const auto sine = std::uint32_t(rows().sine(f, moved(v).source));
      functions.push_back({sine, moved(v).sign});
      functions.push_back({sine + 1, 1.0F});
    }
  return functions;
}

template <class Real>
std::vector<std::string> Library<Real>::function_names(const std::vector<std::string>& variables) const {
  std::vector<std::string> names = {"1"};
  for (std::size_t k = 1; k < left_.size(); ++k) {
    std::vector<std::size_t> exponents(N_, 0);
    for (std::size_t factor = k; factor > 0; factor = left_[factor]) ++exponents[right_[factor] - 1];
    std::string name;
    for (std::size_t v = 0; v < N_; ++v)
      if (exponents[v] > 0) {
        if (!name.empty()) name.append(" ");
        name.append(variables[v]);
        if (exponents[v] > 1) name.append("^").append(std::to_string(exponents[v]));
      }
    names.push_back(name);
  }
  for (const double frequency : frequencies_)
    for (const std::string& variable : variables)
      for (const char* wave : {"sin(", "cos("}) {
        std::string name = wave;
        if (frequency != 1.0) name.append(shortest(frequency)).append(" ");
        names.push_back(name.append(variable).append(")"));
      }
  return names;
}

template <class Real>
void Library<Real>::declare(ParameterLayout& layout) {
  const std::size_t F = functions();
  Xi_ = {name_ + "/Xi",
         {shape_.outputs, F},
         "coefficients of the library's functions (outputs, functions), unscaled"};
  support_ = {name_ + "/support",
              {shape_.outputs, F},
              "1 where a coefficient may differ from zero, else 0",
              ParameterGroup::dynamics,
              true};
  shift_ = {name_ + "/shift",
            {N_},
            "the functions' variables: shift + scale times the model's",
            ParameterGroup::dynamics,
            true};
  scale_ = {name_ + "/scale", {N_}, "see shift; outputs are divided by it", ParameterGroup::dynamics, true};
  for (ParameterBlock* block : {&Xi_, &support_, &shift_, &scale_}) block->offset = layout.add(*block);
}

template <class Real>
void Library<Real>::initialise(std::uint64_t, std::span<double> theta) const {
  std::ranges::fill(block_of(theta, Xi_), 0.0);
  std::ranges::fill(block_of(theta, support_), 1.0);
  std::ranges::fill(block_of(theta, shift_), 0.0);
  std::ranges::fill(block_of(theta, scale_), 1.0);
}

template <class Real>
void Library<Real>::scale_value(double factor, std::span<double> theta) const {
  scale_block(factor, theta, Xi_);
}

template <class Real>
void Library<Real>::set_coefficients(std::span<const double> Xi, std::span<double> theta) const {
  std::ranges::copy(Xi, block_of(theta, Xi_).begin());
  std::ranges::transform(Xi, block_of(theta, support_).begin(), [](double xi) { return double(xi != 0.0); });
}

template <class Real>
void Library<Real>::set_scaling(const Scaling& scaling, std::span<double> theta) const {
  std::ranges::copy(scaling.shift, block_of(theta, shift_).begin());
  std::ranges::copy(scaling.scale, block_of(theta, scale_).begin());
}

template <class Real>
void Library<Real>::set_argument_scaling(const Scaling& scaling, std::span<double> theta) const {
  std::ranges::copy(scaling.shift, block_of(theta, shift_).subspan(shape_.states).begin());
  std::ranges::copy(scaling.scale, block_of(theta, scale_).subspan(shape_.states).begin());
}

template <class Real>
std::vector<double> Library<Real>::coefficients_of(std::span<const double> theta) const {
  const auto Xi = block_of(theta, Xi_), support = block_of(theta, support_);
  std::vector<double> kept(Xi.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = support[i] == 0.0 ? 0.0 : Xi[i];
  return kept;
}

template <class Real>
void Library<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  assemble_jvp(theta, theta, c);
  std::ranges::copy(theta.subspan(shift_.offset, 2 * N_),
                    c.begin() + std::ptrdiff_t(shape_.outputs * functions()));
}

template <class Real>
void Library<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                 std::span<double> theta_bar) const {
  const std::size_t F = functions();
  const auto support = block_of(theta, support_);
  const auto bar = block_of(theta_bar, Xi_);
  for (std::size_t i = 0; i < shape_.outputs; ++i) {
    const double scale = output_scale(theta, i);
    for (std::size_t k = i * F; k < (i + 1) * F; ++k) bar[k] += support[k] * c_bar[k] / scale;
  }
}

// Linear in Xi; the other blocks are frozen.
template <class Real>
void Library<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                 std::span<double> c_dot) const {
  const std::size_t F = functions();
  const auto support = block_of(theta, support_), dot = block_of(theta_dot, Xi_);
  for (std::size_t i = 0; i < shape_.outputs; ++i) {
    const double scale = output_scale(theta, i);
    for (std::size_t k = i * F; k < (i + 1) * F; ++k) c_dot[k] = support[k] * dot[k] / scale;
  }
  std::ranges::fill(c_dot.subspan(shape_.outputs * F), 0.0);
}

template <class Real>
void Library<Real>::evaluate(const ExecSpace& space, MatrixView<Real> Theta) const {
  complete(space, rows(), Theta);
}

template <class Real>
void Library<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  set_variable_rows<Real>(space, value.x.stack(), shift(value.coefficients), scale(value.coefficients),
                          value.tape);
  evaluate(space, value.tape);
  gemm(space, 1.0, matrix(value.coefficients), Transpose::no, value.tape, 1.0, value.y);
}

template <class Real>
void Library<Real>::add_to_matrix(const ExecSpace& space, const ConstMatrixView<Real>& y_bar,
                                  const ConstMatrixView<Real>& Theta,
                                  const VectorView<Real>& coefficients_bar) const {
  if (coefficients_bar.extent(0) > 0)
    gemm_nt(space, 1.0, y_bar, Theta, MatrixView<Real>(coefficients_bar.data(), shape_.outputs, functions()));
}

template <class Real>
void Library<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> bar = scratch.matrix(functions(), reverse.x.lanes());
  gemm(space, 1.0, matrix(reverse.coefficients), Transpose::yes, reverse.y_bar, 0.0, bar);
  complete_vjp<Real>(space, rows(), reverse.tape, bar);
  add_variable_bars<Real>(space, scale(reverse.coefficients), bar, reverse.x_bar);
  add_to_matrix(space, reverse.y_bar, reverse.tape, reverse.coefficients_bar);
}

// The tangent of Theta.
template <class Real>
MatrixView<Real> Library<Real>::tangent_of(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                                           const PointDot<Real>& x_dot, const ConstMatrixView<Real>& Theta,
                                           Scratch<Real>& scratch) const {
  const MatrixView<Real> dot = scratch.matrix(functions(), Theta.extent(1));
  set_variable_rows<Real>(space, x_dot.stack(), {}, scale(coefficients), dot);
  complete_jvp<Real>(space, rows(), Theta, dot);
  return dot;
}

template <class Real>
void Library<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> dot = tangent_of(space, tangent.coefficients, tangent.x_dot, tangent.tape, scratch);
  gemm(space, 1.0, matrix(tangent.coefficients), Transpose::no, dot, 1.0, tangent.y_dot);
  if (tangent.coefficients_dot.extent(0) > 0)
    gemm(space, 1.0, matrix(tangent.coefficients_dot), Transpose::no, tangent.tape, 1.0, tangent.y_dot);
}

template <class Real>
void Library<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes();
  const MatrixView<Real> dot = tangent_of(space, reverse.coefficients, reverse.x_dot, reverse.tape, scratch),
                         bar = scratch.matrix(functions(), lanes),
                         dot_bar = scratch.matrix(functions(), lanes);
  fill(space, 0.0, bar);
  gemm(space, 1.0, matrix(reverse.coefficients), Transpose::yes, reverse.y_dot_bar, 0.0, dot_bar);
  complete_jvp_vjp<Real>(space, rows(), {reverse.tape, dot, bar, dot_bar});
  add_variable_bars<Real>(space, scale(reverse.coefficients), bar, reverse.x_bar);
  add_variable_bars<Real>(space, scale(reverse.coefficients), dot_bar, reverse.x_dot_bar);
  add_to_matrix(space, reverse.y_dot_bar, dot, reverse.coefficients_bar);
}

template <class Real>
void Library<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> dot = tangent_of(space, tangent.coefficients, tangent.x_dot, tangent.tape, scratch);
  gemm(space, 1.0, matrix(tangent.coefficients_dot), Transpose::no, dot, 1.0, tangent.y_dot_dot);
}

template class Library<double>;
template class Library<float>;

}  // namespace spnode::core
