#include "core/linear/fast/schur_form.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/linear/fast/dual.hpp"
#include "core/linear/hurwitz.hpp"
#include "core/support/random.hpp"

#include <cmath>

namespace spnode::core {
namespace {

/// First parameter of block row p.
KOKKOS_INLINE_FUNCTION std::size_t first_parameter(std::size_t n, std::size_t p) {
  return 2 * n * p - 2 * p * (p - (p > 0 ? 1 : 0));
}
/// Parameters of the diagonal block p: 4, or 1 of the last one where n is odd.
KOKKOS_INLINE_FUNCTION std::size_t diagonal_parameters(std::size_t n, std::size_t p) {
  return 2 * p + 1 < n ? 4 : 1;
}
std::size_t parameter_count(std::size_t n) {
  return n % 2 == 0 ? first_parameter(n, n / 2) : first_parameter(n, n / 2) + 1;
}

/// A diagonal block (2, 2), row major.
template <class Scalar>
struct Block {
  Scalar entry[4];
};

/// -e^s (U(t) + tanh(k) V(b)) with the rotation U and the reflection V.
template <class Scalar>
KOKKOS_FUNCTION Block<Scalar> block(const Scalar* p) {
  const Scalar R = -1.0 * exponential(p[0]), r = R * hyperbolic_tangent(p[1]),
               angle = (0.5 * M_PI) * hyperbolic_tangent(p[2]);
  const Scalar c = R * cosine(angle), s = R * sine(angle), C = r * cosine(p[3]), S = r * sine(p[3]);
  return {{c + C, s + S, S - s, c - C}};
}

/// p_bar = the adjoint of block() at p.
template <class Scalar>
KOKKOS_FUNCTION void block_vjp(const Scalar* p, const Scalar* bar, Scalar* p_bar) {
  const Scalar R = -1.0 * exponential(p[0]), k = hyperbolic_tangent(p[1]), u = hyperbolic_tangent(p[2]),
               r = R * k, angle = (0.5 * M_PI) * u, c = cosine(angle), s = sine(angle), C = cosine(p[3]),
               S = sine(p[3]);
  const Scalar symmetric = bar[0] + bar[3], skew = bar[1] - bar[2], difference = bar[0] - bar[3],
               mixed = bar[1] + bar[2];
  const Scalar rotation = symmetric * c + skew * s, reflection = difference * C + mixed * S;
  p_bar[0] = R * rotation + r * reflection;
  p_bar[1] = (R - r * k) * reflection;
  p_bar[2] = (0.5 * M_PI) * ((R - R * (u * u)) * (skew * c - symmetric * s));
  p_bar[3] = r * (mixed * C - difference * S);
}

/// What the kernels below do with the parameters of one diagonal block of one lane; numbers are double.
template <class Real>
struct Parameters {
  ConstMatrixView<Real> rows;
  std::size_t n;

  KOKKOS_FUNCTION double operator()(std::size_t p, std::size_t i, std::size_t l) const {
    return double(rows(first_parameter(n, p) + i, l));
  }
};

/// Row of E of entry i of the diagonal block p.
KOKKOS_INLINE_FUNCTION std::size_t diagonal_row(std::size_t n, std::size_t p, std::size_t i) {
  return (2 * p + i / 2) * n + 2 * p + i % 2;
}

/// visit(parameter, entry) for the entries above the diagonal blocks of block row p.
template <class Visit>
KOKKOS_FUNCTION void for_each_free_entry(std::size_t n, std::size_t p, const Visit& visit) {
  std::size_t parameter = first_parameter(n, p) + diagonal_parameters(n, p);
  for (std::size_t i = 2 * p; i < 2 * p + 2 && i < n; ++i)
    for (std::size_t j = 2 * p + 2; j < n; ++j) visit(parameter++, i * n + j);
}

/// E += mu I + the matrix of the parameters.
template <class Real>
void add_matrix(const ExecSpace& space, std::size_t n, double mu, ConstMatrixView<Real> parameters,
                MatrixView<Real> E) {
  const Parameters<Real> of{parameters, n};
  for_each_row(
      "schur_form", space, (n + 1) / 2, E.extent(1),
      KOKKOS_LAMBDA(const std::size_t p, const std::size_t first, const std::size_t last) {
        const std::size_t count = diagonal_parameters(n, p);
        for (std::size_t l = first; l < last; ++l) {
          if (count == 1) {
            E(n * n - 1, l) += Real(mu - exponential(of(p, 0, l)));
            continue;
          }
          double q[4];
          for (std::size_t i = 0; i < 4; ++i) q[i] = of(p, i, l);
          const Block<double> M = block(q);
          for (std::size_t i = 0; i < 4; ++i)
            E(diagonal_row(n, p, i), l) += Real(M.entry[i] + (i % 3 == 0 ? mu : 0.0));
        }
        for_each_free_entry(n, p, [&](std::size_t parameter, std::size_t entry) {
          for (std::size_t l = first; l < last; ++l) E(entry, l) += of.rows(parameter, l);
        });
      });
}

/// bar += the adjoint of the parameters.
template <class Real>
void add_matrix_vjp(const ExecSpace& space, std::size_t n, ConstMatrixView<Real> parameters,
                    ConstMatrixView<Real> E_bar, MatrixView<Real> bar) {
  const Parameters<Real> of{parameters, n};
  for_each_row(
      "schur_form_vjp", space, (n + 1) / 2, E_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t p, const std::size_t first, const std::size_t last) {
        const std::size_t begin = first_parameter(n, p), count = diagonal_parameters(n, p);
        for (std::size_t l = first; l < last; ++l) {
          if (count == 1) {
            bar(begin, l) -= Real(exponential(of(p, 0, l)) * double(E_bar(n * n - 1, l)));
            continue;
          }
          double q[4], M_bar[4], q_bar[4];
          for (std::size_t i = 0; i < 4; ++i) {
            q[i] = of(p, i, l);
            M_bar[i] = double(E_bar(diagonal_row(n, p, i), l));
          }
          block_vjp(q, M_bar, q_bar);
          for (std::size_t i = 0; i < 4; ++i) bar(begin + i, l) += Real(q_bar[i]);
        }
        for_each_free_entry(n, p, [&](std::size_t parameter, std::size_t entry) {
          for (std::size_t l = first; l < last; ++l) bar(parameter, l) += E_bar(entry, l);
        });
      });
}

/// E_dot += the tangent of the matrix.
template <class Real>
void add_matrix_jvp(const ExecSpace& space, std::size_t n, ConstMatrixView<Real> parameters,
                    ConstMatrixView<Real> dot, MatrixView<Real> E_dot) {
  const Parameters<Real> of{parameters, n}, of_dot{dot, n};
  for_each_row(
      "schur_form_jvp", space, (n + 1) / 2, E_dot.extent(1),
      KOKKOS_LAMBDA(const std::size_t p, const std::size_t first, const std::size_t last) {
        const std::size_t count = diagonal_parameters(n, p);
        for (std::size_t l = first; l < last; ++l) {
          if (count == 1) {
            E_dot(n * n - 1, l) -= Real(exponential(of(p, 0, l)) * of_dot(p, 0, l));
            continue;
          }
          Dual<double> q[4];
          for (std::size_t i = 0; i < 4; ++i) q[i] = {of(p, i, l), of_dot(p, i, l)};
          const Block<Dual<double>> M = block(q);
          for (std::size_t i = 0; i < 4; ++i) E_dot(diagonal_row(n, p, i), l) += Real(M.entry[i].slope);
        }
        for_each_free_entry(n, p, [&](std::size_t parameter, std::size_t entry) {
          for (std::size_t l = first; l < last; ++l) E_dot(entry, l) += of_dot.rows(parameter, l);
        });
      });
}

/// The adjoint of that tangent: dot_bar += that of the tangent of the parameters, bar += that of these.
template <class Real>
struct TangentBars {
  ConstMatrixView<Real> parameters, dot, E_dot_bar;
  MatrixView<Real> bar, dot_bar;
};
template <class Real>
void add_matrix_jvp_vjp(const ExecSpace& space, std::size_t n, const TangentBars<Real>& t) {
  const Parameters<Real> of{t.parameters, n}, of_dot{t.dot, n};
  const ConstMatrixView<Real> E_dot_bar = t.E_dot_bar;
  const MatrixView<Real> bar = t.bar, dot_bar = t.dot_bar;
  for_each_row(
      "schur_jvp_vjp", space, (n + 1) / 2, E_dot_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t p, const std::size_t first, const std::size_t last) {
        const std::size_t begin = first_parameter(n, p), count = diagonal_parameters(n, p);
        for (std::size_t l = first; l < last; ++l) {
          if (count == 1) {
            const double slope = -exponential(of(p, 0, l)) * double(E_dot_bar(n * n - 1, l));
            dot_bar(begin, l) += Real(slope);
            bar(begin, l) += Real(slope * of_dot(p, 0, l));
            continue;
          }
          Dual<double> q[4], M_bar[4], q_bar[4];
          for (std::size_t i = 0; i < 4; ++i) {
            q[i] = {of(p, i, l), of_dot(p, i, l)};
            M_bar[i] = {double(E_dot_bar(diagonal_row(n, p, i), l)), 0.0};
          }
          block_vjp(q, M_bar, q_bar);
          for (std::size_t i = 0; i < 4; ++i) {
            dot_bar(begin + i, l) += Real(q_bar[i].value);
            bar(begin + i, l) += Real(q_bar[i].slope);
          }
        }
        for_each_free_entry(n, p, [&](std::size_t parameter, std::size_t entry) {
          for (std::size_t l = first; l < last; ++l) dot_bar(parameter, l) += E_dot_bar(entry, l);
        });
      });
}

/// E_dot_dot += the tangent of the tangent, with the parameters' tangents dot, along, and both.
template <class Real>
struct TangentTangents {
  ConstMatrixView<Real> parameters, dot, along, both;
  MatrixView<Real> E_dot_dot;
};
template <class Real>
void add_matrix_jvp_jvp(const ExecSpace& space, std::size_t n, const TangentTangents<Real>& t) {
  const Parameters<Real> of{t.parameters, n}, of_dot{t.dot, n}, of_along{t.along, n}, of_both{t.both, n};
  const MatrixView<Real> E = t.E_dot_dot;
  for_each_row(
      "schur_jvp_jvp", space, (n + 1) / 2, E.extent(1),
      KOKKOS_LAMBDA(const std::size_t p, const std::size_t first, const std::size_t last) {
        using Nested = Dual<Dual<double>>;
        const std::size_t count = diagonal_parameters(n, p);
        for (std::size_t l = first; l < last; ++l) {
          Nested q[4];
          for (std::size_t i = 0; i < count; ++i)
            q[i] = {{of(p, i, l), of_along(p, i, l)}, {of_dot(p, i, l), of_both(p, i, l)}};
          if (count == 1) {
            E(n * n - 1, l) -= Real(exponential(q[0]).slope.slope);
            continue;
          }
          const Block<Nested> M = block(q);
          for (std::size_t i = 0; i < 4; ++i) E(diagonal_row(n, p, i), l) += Real(M.entry[i].slope.slope);
        }
        for_each_free_entry(n, p, [&](std::size_t parameter, std::size_t entry) {
          for (std::size_t l = first; l < last; ++l) E(entry, l) += of_both.rows(parameter, l);
        });
      });
}

}  // namespace

template <class Real>
SchurForm<Real>::SchurForm(std::size_t slow, std::size_t fast, const HurwitzOptions& options)
    : FastOperator<Real>(slow, fast), options_(options) {
  const std::size_t count = parameter_count(fast);
  if (options.fast.dependence == Dependence::constant) {
    auto constant = std::make_unique<ConstantMap<Real>>(
        slow, count,
        typename ConstantMap<Real>::Role{"linear/schur", "parameters of the Schur form", 0.0,
                                         !options.trainable});
    constant_ = constant.get();
    parameters_ = std::move(constant);
    return;
  }
  NetworkOptions layers;
  layers.hidden = options.fast.hidden;
  layers.activation = options.fast.activation;
  typename Network<Real>::Role role{"linear/schur"};
  role.frozen = !options.trainable;
  role.last_layer_scale = 0.1;
  auto network = std::make_unique<Network<Real>>(slow, count, layers, role);
  network_ = network.get();
  parameters_ = std::move(network);
}

// Diagonal blocks near -rate I, random entries above them.
template <class Real>
void SchurForm<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  parameters_->initialise(seed, theta);
  const std::size_t n = this->fast();
  const Random random(seed, "linear/schur/start");
  std::vector<double> start(parameters_->outputs());
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = options_.noise * random.normal(i);
  for (std::size_t p = 0; 2 * p < n; ++p)
    start[first_parameter(n, p)] = std::log(initial_rate(options_, 2 * p, n));
  if (constant_ != nullptr)
    std::ranges::copy(start, constant_->values(theta).begin());
  else
    network_->set_last_bias(start, theta);
}

template <class Real>
MatrixView<Real> SchurForm<Real>::zeros(const ExecSpace& space, std::size_t rows, std::size_t lanes,
                                        Scratch<Real>& scratch) const {
  const MatrixView<Real> zero = scratch.matrix(rows, lanes);
  fill(space, 0.0, zero);
  return zero;
}

template <class Real>
void SchurForm<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const MatrixView<Real> p = parameters_of(value.tape);
  fill(space, 0.0, p);
  parameters_->apply(space, {value.coefficients, value.x, p, inner(value.tape)}, scratch);
  add_matrix<Real>(space, this->fast(), options_.mu, p, value.y);
}

template <class Real>
void SchurForm<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> bar = zeros(space, parameters_->outputs(), reverse.x.lanes(), scratch);
  add_matrix_vjp<Real>(space, this->fast(), parameters_of(reverse.tape), reverse.y_bar, bar);
  parameters_->apply_vjp(
      space,
      {reverse.coefficients, reverse.x, inner(reverse.tape), bar, reverse.x_bar, reverse.coefficients_bar},
      scratch);
}

template <class Real>
void SchurForm<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const MatrixView<Real> dot = zeros(space, parameters_->outputs(), tangent.x.lanes(), scratch);
  parameters_->apply_jvp(
      space,
      {tangent.coefficients, tangent.coefficients_dot, tangent.x, tangent.x_dot, inner(tangent.tape), dot},
      scratch);
  add_matrix_jvp<Real>(space, this->fast(), parameters_of(tangent.tape), dot, tangent.y_dot);
}

template <class Real>
void SchurForm<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t rows = parameters_->outputs(), lanes = reverse.x.lanes();
  const MatrixView<Real> dot = zeros(space, rows, lanes, scratch), bar = zeros(space, rows, lanes, scratch),
                         dot_bar = zeros(space, rows, lanes, scratch);
  const ConstMatrixView<Real> kept = inner(reverse.tape);
  parameters_->apply_jvp(space, {reverse.coefficients, {}, reverse.x, reverse.x_dot, kept, dot}, scratch);
  add_matrix_jvp_vjp<Real>(space, this->fast(),
                           {parameters_of(reverse.tape), dot, reverse.y_dot_bar, bar, dot_bar});
  parameters_->apply_jvp_vjp(space,
                             {reverse.coefficients, reverse.x, reverse.x_dot, kept, dot_bar, reverse.x_bar,
                              reverse.x_dot_bar, reverse.coefficients_bar},
                             scratch);
  parameters_->apply_vjp(
      space, {reverse.coefficients, reverse.x, kept, bar, reverse.x_bar, reverse.coefficients_bar}, scratch);
}

template <class Real>
void SchurForm<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                    Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t rows = parameters_->outputs(), lanes = tangent.x.lanes();
  const MatrixView<Real> dot = zeros(space, rows, lanes, scratch), along = zeros(space, rows, lanes, scratch),
                         both = zeros(space, rows, lanes, scratch);
  const ConstMatrixView<Real> kept = inner(tangent.tape),
                              resting = zeros(space, tangent.x.u.extent(0), lanes, scratch);
  parameters_->apply_jvp(space, {tangent.coefficients, {}, tangent.x, tangent.x_dot, kept, dot}, scratch);
  parameters_->apply_jvp(
      space, {tangent.coefficients, tangent.coefficients_dot, tangent.x, resting, kept, along}, scratch);
  parameters_->apply_jvp_jvp(
      space, {tangent.coefficients, tangent.coefficients_dot, tangent.x, tangent.x_dot, kept, both}, scratch);
  add_matrix_jvp_jvp<Real>(space, this->fast(),
                           {parameters_of(tangent.tape), dot, along, both, tangent.y_dot_dot});
}

template class SchurForm<double>;
template class SchurForm<float>;

}  // namespace spnode::core
