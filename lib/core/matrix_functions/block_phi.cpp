#include "core/matrix_functions/block_phi.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <cmath>
#include <string>

namespace spnode::core {
namespace {

using Jet = BlockPhi::Jet;

constexpr double inverse_factorial[] = {1.0, 1.0, 0.5, 1.0 / 6.0};

Jet operator+(const Jet& a, const Jet& b) { return {a.value + b.value, a.dx + b.dx, a.dy + b.dy}; }
Jet operator-(const Jet& a, const Jet& b) { return {a.value - b.value, a.dx - b.dx, a.dy - b.dy}; }
Jet operator+(const Jet& a, double c) { return {a.value + c, a.dx, a.dy}; }
Jet operator*(const Jet& a, double c) { return {a.value * c, a.dx * c, a.dy * c}; }
Jet operator*(const Jet& a, const Jet& b) {
  return {a.value * b.value, a.dx * b.value + a.value * b.dx, a.dy * b.value + a.value * b.dy};
}
Jet operator/(const Jet& a, const Jet& b) {
  const double value = a.value / b.value;
  return {value, (a.dx - value * b.dx) / b.value, (a.dy - value * b.dy) / b.value};
}
/// f(a) from the value and the derivative of f there.
Jet chain(double value, double derivative, const Jet& a) {
  return {value, derivative * a.dx, derivative * a.dy};
}

/// a b - c d with an error of 1.5 ulp (Kahan; Jeannerod, Louvet, Muller, Math. Comp. 82, 2013).
double difference_of_products(double a, double b, double c, double d) {
  const double product = c * d, error = std::fma(-c, d, product);
  return std::fma(a, b, -product) + error;
}

/// The functions where all eigenvalues are up to `radius`: terms of the series up to z^length.
constexpr double radius = 1.5;
constexpr int length = 24;  // radius^length / length! < 3e-20

struct Evaluation {
  std::size_t p;
  double x, y, det;
  std::array<Jet, BlockPhi::most + 1>&u, &v;

  Jet jet_x() const { return {x, 1.0, 0.0}; }
  Jet jet_y() const { return {y, 0.0, 1.0}; }

  void by_series() {
    const Jet X = jet_x(), Y = jet_y();
    double coefficient = 1.0;  // 1 / (length + p)!
    for (int j = 2; j <= length + int(p); ++j) coefficient /= j;
    Jet a{coefficient}, b{};  // a + b N, by Horner's rule
    for (int j = length; j-- > 0;) {
      coefficient *= double(j + 1 + int(p));
      const Jet next = a * X + b * Y + coefficient;
      b = a + b * X;
      a = next;
    }
    u[p] = a;
    v[p] = b;
    for (std::size_t k = p; k-- > 0;) {
      u[k] = u[k + 1] * X + v[k + 1] * Y + inverse_factorial[k];
      v[k] = u[k + 1] + v[k + 1] * X;
    }
  }

  /// cosh sqrt(y) and sinh sqrt(y) / sqrt(y) times exp(x).
  void exponential() {
    if (std::abs(y) < 1.0) {
      Jet c{1.0}, s{1.0};
      const Jet Y = jet_y();
      for (int j = 10; j > 0; --j) {
        c = c * Y * (1.0 / ((2 * j - 1) * (2 * j))) + 1.0;
        s = s * Y * (1.0 / ((2 * j) * (2 * j + 1))) + 1.0;
      }
      const Jet e = chain(std::exp(x), std::exp(x), jet_x());
      u[0] = e * c;
      v[0] = e * s;
    } else if (y > 0.0) {
      const double w = std::sqrt(y);
      const Jet W{w, 0.0, 0.5 / w};
      const Jet above = jet_x() + W, below = jet_x() - W;
      const Jet f = chain(std::exp(above.value), std::exp(above.value), above),
                g = chain(std::exp(below.value), std::exp(below.value), below);
      u[0] = (f + g) * 0.5;
      v[0] = (f - g) / (W * 2.0);
    } else {
      const double w = std::sqrt(-y), e = std::exp(x), c = std::cos(w), s = std::sin(w);
      u[0] = {e * c, e * c, 0.5 * e * s / w};
      v[0] = {e * s / w, e * s / w, 0.5 * e * (s / w - c) / (w * w)};
    }
  }

  /// From phi_0 by division by Z: (a + b N) / (x + N) = (a x - b y + (b x - a) N) / det.
  void by_division() {
    exponential();
    const Jet X = jet_x(), Y = jet_y(), D{det, 2.0 * x, -1.0};
    for (std::size_t k = 1; k <= p; ++k) {
      const Jet a = u[k - 1] + -inverse_factorial[k - 1], b = v[k - 1];
      u[k] = (a * X - b * Y) / D;
      v[k] = (b * X - a) / D;
    }
  }

  std::array<Jet, BlockPhi::most + 1> of_number(const Jet& z) const {
    std::array<Jet, BlockPhi::most + 1> phi;
    if (std::abs(z.value) > radius) {
      phi[0] = chain(std::exp(z.value), std::exp(z.value), z);
      for (std::size_t k = 1; k <= p; ++k) phi[k] = (phi[k - 1] + -inverse_factorial[k - 1]) / z;
      return phi;
    }
    double coefficient = 1.0;
    for (int j = 2; j <= length + int(p); ++j) coefficient /= j;
    phi[p] = {coefficient};
    for (int j = length; j-- > 0;) {
      coefficient *= double(j + 1 + int(p));
      phi[p] = phi[p] * z + coefficient;
    }
    for (std::size_t k = p; k-- > 0;) phi[k] = phi[k + 1] * z + inverse_factorial[k];
    return phi;
  }

  void by_eigenvalues() {
    const double w = std::sqrt(y);
    const Jet W{w, 0.0, 0.5 / w};
    Jet far = x < 0.0 ? jet_x() - W : jet_x() + W, near = x < 0.0 ? jet_x() + W : jet_x() - W;
    near.value = det / far.value;
    const auto f = of_number(x < 0.0 ? near : far), g = of_number(x < 0.0 ? far : near);
    for (std::size_t k = 0; k <= p; ++k) {
      u[k] = (f[k] + g[k]) * 0.5;
      v[k] = (f[k] - g[k]) / (W * 2.0);
    }
  }
};

}  // namespace

void BlockPhi::compute(const Block& B, double step, std::size_t max_index) {
  B_ = B;
  step_ = step;
  const double half = 0.5 * (B[0] - B[3]);
  const double x = 0.5 * step * (B[0] + B[3]),
               y = step * step * difference_of_products(half, half, -B[1], B[2]);
  const double det = step * step * difference_of_products(B[0], B[3], B[1], B[2]);
  const double w = std::sqrt(std::abs(y));
  Evaluation evaluation{max_index, x, y, det, u_, v_};
  const double largest = y < 0.0 ? std::sqrt(std::abs(det)) : std::abs(x) + w;
  if (largest <= radius)
    evaluation.by_series();
  else if (y < 0.0 || w < 0.5 * std::abs(x))
    evaluation.by_division();
  else
    evaluation.by_eigenvalues();
}

Block BlockPhi::value(std::size_t k) const {
  const double u = u_[k].value, v = step_ * v_[k].value, half = 0.5 * v * (B_[0] - B_[3]);
  return {u + half, v * B_[1], v * B_[2], u - half};
}

void BlockPhi::vjp(std::size_t k, const Block& bar, Block& B_bar) const {
  const double half = 0.5 * (B_[0] - B_[3]), v = step_ * v_[k].value;
  const double u_bar = bar[0] + bar[3], odd = bar[0] - bar[3];
  const double v_bar = step_ * (half * odd + B_[1] * bar[1] + B_[2] * bar[2]);
  const double x_bar = 0.5 * step_ * (u_bar * u_[k].dx + v_bar * v_[k].dx);
  const double y_bar = step_ * step_ * (u_bar * u_[k].dy + v_bar * v_[k].dy);
  const double half_bar = half * y_bar + 0.5 * v * odd;
  B_bar[0] += x_bar + half_bar;
  B_bar[1] += B_[2] * y_bar + v * bar[1];
  B_bar[2] += B_[1] * y_bar + v * bar[2];
  B_bar[3] += x_bar - half_bar;
}

Block BlockPhi::jvp(std::size_t k, const Block& B_dot) const {
  const double half = 0.5 * (B_[0] - B_[3]), v = step_ * v_[k].value;
  const double half_dot = 0.5 * (B_dot[0] - B_dot[3]), x_dot = 0.5 * step_ * (B_dot[0] + B_dot[3]);
  const double y_dot = step_ * step_ * (2.0 * half * half_dot + B_dot[1] * B_[2] + B_[1] * B_dot[2]);
  const double u_dot = u_[k].dx * x_dot + u_[k].dy * y_dot;
  const double v_dot = step_ * (v_[k].dx * x_dot + v_[k].dy * y_dot);
  const double odd = v_dot * half + v * half_dot;
  return {u_dot + odd, v_dot * B_[1] + v * B_dot[1], v_dot * B_[2] + v * B_dot[2], u_dot - odd};
}

Block block_resolvent(const Block& B, double step) {
  const double det =
      1.0 - step * (B[0] + B[3]) + step * step * difference_of_products(B[0], B[3], B[1], B[2]);
  const Block R = {(1.0 - step * B[3]) / det, step * B[1] / det, step * B[2] / det,
                   (1.0 - step * B[0]) / det};
  for (const double entry : R)
    if (!std::isfinite(entry))
      throw NumericalError("I - step A is singular: a block's determinant is " + shortest(det));
  return R;
}

void block_resolvent_vjp(const Block& R, double step, const Block& bar, Block& B_bar) {
  // R^T bar, then times R^T
  const double a = R[0] * bar[0] + R[2] * bar[2], b = R[0] * bar[1] + R[2] * bar[3];
  const double c = R[1] * bar[0] + R[3] * bar[2], d = R[1] * bar[1] + R[3] * bar[3];
  B_bar[0] += step * (a * R[0] + b * R[1]);
  B_bar[1] += step * (a * R[2] + b * R[3]);
  B_bar[2] += step * (c * R[0] + d * R[1]);
  B_bar[3] += step * (c * R[2] + d * R[3]);
}

Block block_resolvent_jvp(const Block& R, double step, const Block& B_dot) {
  // R B_dot, then times R
  const double a = R[0] * B_dot[0] + R[1] * B_dot[2], b = R[0] * B_dot[1] + R[1] * B_dot[3];
  const double c = R[2] * B_dot[0] + R[3] * B_dot[2], d = R[2] * B_dot[1] + R[3] * B_dot[3];
  return {step * (a * R[0] + b * R[2]), step * (a * R[1] + b * R[3]), step * (c * R[0] + d * R[2]),
          step * (c * R[1] + d * R[3])};
}

}  // namespace spnode::core
