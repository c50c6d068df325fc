#include "core/components/bilipschitz.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

using Entries = std::vector<double>;

/// Q = exp(S) for the skew matrix S whose entries below the diagonal are given row by row.
class Rotation {
 public:
  Rotation(std::size_t n, std::span<const double> below) : n_(n), exponential_(n, 0, HalfArgument::omit) {
    exponential_.compute(skew(below), 1.0);
  }

  HostOperand value() const { return square(exponential_.value(0, Argument::full), n_); }

  /// Valid until the next call.
  HostOperand tangent(std::span<const double> below_dot) {
    exponential_.jvp(skew(below_dot));
    return square(exponential_.tangent(0, Argument::full), n_);
  }

  void pull_back(std::span<const double> Q_bar, std::span<double> below_bar) {
    exponential_.clear_bars();
    std::ranges::copy(Q_bar, exponential_.bar(0, Argument::full).begin());
    Entries S_bar(n_ * n_, 0.0);
    exponential_.vjp(S_bar);
    std::size_t at = 0;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < i; ++j) below_bar[at++] += S_bar[i * n_ + j] - S_bar[j * n_ + i];
  }

 private:
  Entries skew(std::span<const double> below) const {
    Entries S(n_ * n_, 0.0);
    std::size_t at = 0;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < i; ++j, ++at) {
        S[i * n_ + j] = below[at];
        S[j * n_ + i] = -below[at];
      }
    return S;
  }

  std::size_t n_;
  PhiFunctions exponential_;
};

/// Q diag(d).
Entries scaled_columns(HostOperand Q, std::span<const double> d) {
  Entries result(Q.data, Q.data + Q.rows * Q.cols);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] *= d[i % Q.cols];
  return result;
}

/// C += A B^T.
void add_product(std::span<const double> A, HostOperand B, std::span<double> C) {
  multiply(1.0, square(A, B.rows), transposed(B), 1.0, square(C, B.rows));
}

}  // namespace

BilipschitzLayer::BilipschitzLayer(std::size_t n, double bound, std::string name)
    : n_(n), log_bound_(std::log(bound)), name_(std::move(name)) {}

void BilipschitzLayer::declare(ParameterLayout& layout) {
  const auto add = [&](ParameterBlock& block, const char* name, std::size_t size, const char* meaning) {
    block = {name_ + "/" + name, {size}, meaning, ParameterGroup::autoencoder};
    if (size > 0) block.offset = layout.add(block);
  };
  add(U_, "U", skew_count(), "U = exp(S): entries of the skew matrix S below its diagonal, row by row");
  add(V_, "V", skew_count(), "V = exp(S): entries of the skew matrix S below its diagonal, row by row");
  add(s_, "s", n_, "singular values L^tanh(s)");
  add(b_, "b", n_, "added to U diag(L^tanh(s)) V^T x");
}

void BilipschitzLayer::initialise(std::uint64_t seed, double scale, std::span<double> theta) const {
  const Random random(seed, U_.name);
  for (std::size_t i = 0; i < skew_count(); ++i)
    theta[U_.offset + i] = theta[V_.offset + i] = scale * random.normal(i) / std::sqrt(double(n_));
  for (const ParameterBlock* block : {&s_, &b_}) std::ranges::fill(block_of(theta, *block), 0.0);
}

std::vector<double> BilipschitzLayer::singular_values(Direction direction,
                                                      std::span<const double> theta) const {
  const double exponent = direction == Direction::forward ? log_bound_ : -log_bound_;
  std::vector<double> values;
  for (const double s : block_of(theta, s_)) values.push_back(std::exp(exponent * std::tanh(s)));
  return values;
}

double BilipschitzLayer::lipschitz(Direction direction, std::span<const double> theta) const {
  return std::ranges::max(singular_values(direction, theta));
}

// M = P diag(d) R^T with (P, R) = (U, V) and d = sigma, or (V, U) and 1 / sigma; c = b, or -M b.

void BilipschitzLayer::assemble(Direction direction, std::span<const double> theta,
                                std::span<double> coefficients) const {
  const bool forward = direction == Direction::forward;
  const Rotation P(n_, block_of(theta, forward ? U_ : V_)), R(n_, block_of(theta, forward ? V_ : U_));
  const std::vector<double> d = singular_values(direction, theta);
  const std::span<const double> b = block_of(theta, b_);
  const auto M = coefficients.first(n_ * n_), c = coefficients.subspan(n_ * n_, n_);
  std::ranges::fill(M, 0.0);
  add_product(scaled_columns(P.value(), d), R.value(), M);
  if (forward) {
    std::ranges::copy(b, c.begin());
  } else {
    multiply(square(std::span<const double>(M), n_), b, c);
    for (double& entry : c) entry = -entry;
  }
}

void BilipschitzLayer::assemble_vjp(Direction direction, std::span<const double> theta,
                                    std::span<const double> bar, std::span<double> theta_bar) const {
  const bool forward = direction == Direction::forward;
  const ParameterBlock &left = forward ? U_ : V_, &right = forward ? V_ : U_;
  Rotation P(n_, block_of(theta, left)), R(n_, block_of(theta, right));
  const std::vector<double> d = singular_values(direction, theta);
  const std::span<const double> b = block_of(theta, b_), s = block_of(theta, s_);
  const auto b_bar = block_of(theta_bar, b_), s_bar = block_of(theta_bar, s_);
  Entries M_bar(bar.begin(), bar.begin() + std::ptrdiff_t(n_ * n_));
  const auto c_bar = bar.subspan(n_ * n_, n_);
  if (forward) {
    add_scaled(1.0, c_bar, b_bar);
  } else {
    Entries M(n_ * n_, 0.0), pulled(n_);
    add_product(scaled_columns(P.value(), d), R.value(), M);
    multiply(transposed(square(std::span<const double>(M), n_)), c_bar, pulled);
    add_scaled(-1.0, pulled, b_bar);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) M_bar[i * n_ + j] -= c_bar[i] * b[j];
  }
  const HostOperand M_bar_ = square(std::span<const double>(M_bar), n_);
  const Entries Pd = scaled_columns(P.value(), d), Rd = scaled_columns(R.value(), d);
  Entries P_bar(n_ * n_), R_bar(n_ * n_);
  multiply(1.0, M_bar_, square(std::span<const double>(Rd), n_), 0.0, square(std::span<double>(P_bar), n_));
  multiply(1.0, transposed(M_bar_), square(std::span<const double>(Pd), n_), 0.0,
           square(std::span<double>(R_bar), n_));
  const double exponent = forward ? log_bound_ : -log_bound_;
  for (std::size_t i = 0; i < n_; ++i) {
    double along = 0.0;  // d_i times the adjoint of d_i
    for (std::size_t j = 0; j < n_; ++j) along += P.value().data[j * n_ + i] * P_bar[j * n_ + i];
    const double t = std::tanh(s[i]);
    s_bar[i] += exponent * (1.0 - t * t) * along;
  }
  P.pull_back(P_bar, block_of(theta_bar, left));
  R.pull_back(R_bar, block_of(theta_bar, right));
}

void BilipschitzLayer::assemble_jvp(Direction direction, std::span<const double> theta,
                                    std::span<const double> theta_dot, std::span<double> dot) const {
  const bool forward = direction == Direction::forward;
  const ParameterBlock &left = forward ? U_ : V_, &right = forward ? V_ : U_;
  Rotation P(n_, block_of(theta, left)), R(n_, block_of(theta, right));
  const std::vector<double> d = singular_values(direction, theta);
  const std::span<const double> s = block_of(theta, s_), s_dot = block_of(theta_dot, s_);
  const double exponent = forward ? log_bound_ : -log_bound_;
  std::vector<double> d_dot(n_);
  for (std::size_t i = 0; i < n_; ++i) {
    const double t = std::tanh(s[i]);
    d_dot[i] = exponent * (1.0 - t * t) * d[i] * s_dot[i];
  }
  const auto M_dot = dot.first(n_ * n_), c_dot = dot.subspan(n_ * n_, n_);
  std::ranges::fill(M_dot, 0.0);
  const Entries Pd = scaled_columns(P.value(), d);
  add_product(scaled_columns(P.value(), d_dot), R.value(), M_dot);
  add_product(Pd, R.tangent(block_of(theta_dot, right)), M_dot);
  add_product(scaled_columns(P.tangent(block_of(theta_dot, left)), d), R.value(), M_dot);
  const std::span<const double> b = block_of(theta, b_), b_dot = block_of(theta_dot, b_);
  if (forward) {
    std::ranges::copy(b_dot, c_dot.begin());
    return;
  }
  Entries M(n_ * n_, 0.0), moved(n_);
  add_product(Pd, R.value(), M);
  multiply(square(std::span<const double>(M_dot), n_), b, c_dot);
  multiply(square(std::span<const double>(M), n_), b_dot, moved);
  for (std::size_t i = 0; i < n_; ++i) c_dot[i] = -(c_dot[i] + moved[i]);
}

}  // namespace spnode::core
