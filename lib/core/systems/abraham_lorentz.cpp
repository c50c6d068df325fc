#include "core/systems/abraham_lorentz.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spnode::core {
namespace {

using Vector3 = std::array<double, 3>;

constexpr double q_0 = 1.2, q_2 = 2.8, minor_radius = 1.5, R_0 = 3.0, B_0 = 1.0;

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector3 vector_at(std::span<const double> u, std::size_t first) {
  return {u[first], u[first + 1], u[first + 2]};
}

/// Uniform in the unit ball; takes the numbers from `first` on.
Vector3 in_ball(const Random& random, std::uint64_t first) {
  Vector3 x;
  double squares = 0.0;
  for (std::size_t i = 0; i < 3; ++i) {
    x[i] = random.normal(first + i);
    squares += x[i] * x[i];
  }
  // normal(i) takes the numbers 2 i and 2 i + 1 of the stream.
  const double factor = std::cbrt(random.uniform(2 * first + 6)) / std::sqrt(squares);
  for (double& entry : x) entry *= factor;
  return x;
}

}  // namespace

// B = (alpha x - beta y, alpha y + beta x, gamma) with alpha = B_r / r, beta = B_phi / r and gamma = B_z,
// functions of r and z.
auto AbrahamLorentz::field(std::span<const double> x) -> Field {
  const double r = std::hypot(x[0], x[1]), z = x[2], off = r - R_0, square = minor_radius * minor_radius,
               q = q_0 + q_2 * (off * off + z * z) / square, q_r = 2.0 * q_2 * off / square,
               q_z = 2.0 * q_2 * z / square;
  const double alpha = -z * B_0 / (q * r * r), beta = R_0 * B_0 / (r * r), gamma = off * B_0 / (q * r);
  const double alpha_r = -alpha * (q_r / q + 2.0 / r), alpha_z = -B_0 / (q * r * r) - alpha * q_z / q,
               beta_r = -2.0 * beta / r, gamma_r = B_0 / (q * r) - gamma * (q_r / q + 1.0 / r),
               gamma_z = -gamma * q_z / q;
  const double cosine = x[0] / r, sine = x[1] / r;
  Field field;
  field.B = {alpha * x[0] - beta * x[1], alpha * x[1] + beta * x[0], gamma};
  const double first = alpha_r * x[0] - beta_r * x[1], second = alpha_r * x[1] + beta_r * x[0];
  field.gradient = {{{first * cosine + alpha, first * sine - beta, alpha_z * x[0]},
                     {second * cosine + beta, second * sine + alpha, alpha_z * x[1]},
                     {gamma_r * cosine, gamma_r * sine, gamma_z}}};
  return field;
}

void AbrahamLorentz::rhs(std::span<const double> u, std::span<double> rate) const {
  const Vector3 force = cross(vector_at(u, 3), field(u).B);
  const double slow = -2.0 / 3.0 * epsilon_;
  for (std::size_t i = 0; i < 3; ++i) {
    rate[i] = slow * u[3 + i];
    rate[3 + i] = slow * u[6 + i];
    rate[6 + i] = -u[6 + i] + zeta_ * force[i];
  }
}

void AbrahamLorentz::jacobian(std::span<const double> u, std::span<double> matrix) const {
  std::fill(matrix.begin(), matrix.end(), 0.0);
  const Field at = field(u);
  const Vector3 v = vector_at(u, 3);
  const double slow = -2.0 / 3.0 * epsilon_;
  for (std::size_t i = 0; i < 3; ++i) {
    matrix[i * 9 + 3 + i] = slow;
    matrix[(3 + i) * 9 + 6 + i] = slow;
    matrix[(6 + i) * 9 + 6 + i] = -1.0;
  }
  for (std::size_t j = 0; j < 3; ++j) {
    Vector3 unit{};
    unit[j] = 1.0;
    const Vector3 by_x = cross(v, {at.gradient[0][j], at.gradient[1][j], at.gradient[2][j]}),
                  by_v = cross(unit, at.B);
    for (std::size_t i = 0; i < 3; ++i) {
      matrix[(6 + i) * 9 + j] = zeta_ * by_x[i];
      matrix[(6 + i) * 9 + 3 + j] = zeta_ * by_v[i];
    }
  }
}

void AbrahamLorentz::initial_state(const Random& random, std::span<double> u) const {
  const double r = random.uniform(0, 2.0, 4.0), phi = random.uniform(1, 0.0, 2.0 * std::numbers::pi);
  u[0] = r * std::cos(phi);
  u[1] = r * std::sin(phi);
  u[2] = random.uniform(2, -1.0, 1.0);
  const Vector3 v = in_ball(random, 10), off = in_ball(random, 20);
  for (std::size_t i = 0; i < 3; ++i) u[3 + i] = v[i];
  to_slow_manifold(u);
  for (std::size_t i = 0; i < 3; ++i) u[6 + i] += off[i];
}

void AbrahamLorentz::to_slow_manifold(std::span<double> u) const {
  const Field at = field(u);
  const Vector3 v = vector_at(u, 3), force = cross(v, at.B), turned = cross(force, at.B);
  Vector3 change{};  // (v . grad) B
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) change[i] += at.gradient[i][j] * v[j];
  const Vector3 bent = cross(v, change);
  for (std::size_t i = 0; i < 3; ++i)
    u[6 + i] = zeta_ * force[i] + 2.0 / 3.0 * epsilon_ * (turned[i] + zeta_ * bent[i]);
}

}  // namespace spnode::core
