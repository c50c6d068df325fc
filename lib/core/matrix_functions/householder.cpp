#include "core/matrix_functions/householder.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

double squared_norm(std::span<const double> v) {
  double sum = 0.0;
  for (const double entry : v) sum += entry * entry;
  return sum;
}

/// w = v^T Q, where v begins at a row of Q.
std::vector<double> product_from_left(std::span<const double> v, std::size_t row, HostOperand Q) {
  std::vector<double> w(Q.cols, 0.0);
  for (std::size_t i = 0; i < v.size(); ++i) add_scaled(v[i], {Q.data + (row + i) * Q.cols, Q.cols}, w);
  return w;
}

/// Q += alpha v w^T.
void add_outer_product(double alpha, std::span<const double> v, std::size_t row, std::span<const double> w,
                       HostMatrix Q) {
  for (std::size_t i = 0; i < v.size(); ++i)
    add_scaled(alpha * v[i], w, {Q.data + (row + i) * Q.cols, Q.cols});
}

/// Q = (I - tau v v^T) Q.
void reflect(std::span<const double> v, double tau, std::size_t row, HostMatrix Q) {
  add_outer_product(-tau, v, row, product_from_left(v, row, Q), Q);
}

}  // namespace

HouseholderColumns::HouseholderColumns(std::size_t n, std::size_t r, std::span<const double> entries)
    : n_(n), r_(r), entries_(entries.begin(), entries.end()), Q_(n * r, 0.0), Q_dot_(n * r) {
  const HostMatrix Q{Q_.data(), n_, r_};
  for (std::size_t k = 0; k < r_; ++k) Q_[k * r_ + k] = 1.0;
  for (std::size_t k = r_; k-- > 0;) {
    const std::vector<double> v = reflector(entries_, k, 1.0);
    reflect(v, 2.0 / squared_norm(v), k, Q);
  }
}

std::vector<double> HouseholderColumns::reflector(std::span<const double> entries, std::size_t k,
                                                  double first) const {
  std::vector<double> v = {first};
  const auto rest = below(entries, k);
  v.insert(v.end(), rest.begin(), rest.end());
  return v;
}

// With Q' = H Q, H = I - tau v v^T, tau = 2 / |v|^2 and w = v^T Q:
// Q_dot' = H Q_dot - tau_dot v w - tau (v_dot w + v (v_dot^T Q)), tau_dot = -tau^2 v^T v_dot.
HostOperand HouseholderColumns::tangent(std::span<const double> entries_dot) {
  std::vector<double> at(Q_);  // H_k ... H_r I, from Q downwards, since each reflection is its own inverse
  const HostMatrix Q{at.data(), n_, r_}, Q_dot{Q_dot_.data(), n_, r_};
  for (std::size_t k = 0; k < r_; ++k) {
    const std::vector<double> v = reflector(entries_, k, 1.0);
    reflect(v, 2.0 / squared_norm(v), k, Q);
  }
  std::ranges::fill(Q_dot_, 0.0);
  for (std::size_t k = r_; k-- > 0;) {
    const std::vector<double> v = reflector(entries_, k, 1.0), v_dot = reflector(entries_dot, k, 0.0);
    const double tau = 2.0 / squared_norm(v);
    double along = 0.0;
    for (std::size_t i = 0; i < v.size(); ++i) along += v[i] * v_dot[i];
    const std::vector<double> w = product_from_left(v, k, Q), moved = product_from_left(v_dot, k, Q);
    reflect(v, tau, k, Q_dot);
    add_outer_product(tau * tau * along, v, k, w, Q_dot);
    add_outer_product(-tau, v_dot, k, w, Q_dot);
    add_outer_product(-tau, v, k, moved, Q_dot);
    add_outer_product(-tau, v, k, w, Q);
  }
  return {Q_dot_.data(), n_, r_};
}

// The adjoint of the above, with a = v^T Q_bar': Q_bar = H Q_bar' and
// v_bar = -tau (Q_bar' w^T + Q a^T) + tau^2 (a . w) v.
void HouseholderColumns::pull_back(std::span<const double> Q_bar, std::span<double> entries_bar) const {
  std::vector<double> at(Q_), bar(Q_bar.begin(), Q_bar.end());
  const HostMatrix Q{at.data(), n_, r_}, bar_{bar.data(), n_, r_};
  for (std::size_t k = 0; k < r_; ++k) {
    const std::vector<double> v = reflector(entries_, k, 1.0);
    const double tau = 2.0 / squared_norm(v);
    reflect(v, tau, k, Q);
    const std::vector<double> w = product_from_left(v, k, Q), a = product_from_left(v, k, bar_);
    double along = 0.0;
    for (std::size_t j = 0; j < r_; ++j) along += a[j] * w[j];
    double* const v_bar = entries_bar.data() + entry_count(n_, k);
    for (std::size_t i = 1; i < v.size(); ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < r_; ++j) sum += bar[(k + i) * r_ + j] * w[j] + at[(k + i) * r_ + j] * a[j];
      v_bar[i - 1] += tau * (tau * along * v[i] - sum);
    }
    add_outer_product(-tau, v, k, a, bar_);
  }
}

}  // namespace spnode::core
