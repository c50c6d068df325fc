#include "core/components/bilipschitz.hpp"

#include "core/matrix_functions/householder.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/random.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

namespace spnode::core {
namespace {

using Entries = std::vector<double>;

/// Q = exp(S) for the skew matrix S whose entries below the diagonal are given row by row.
class Rotation {
 public:
  static std::size_t entry_count(std::size_t n) { return n * (n - 1) / 2; }

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

/// C += A B^T with A of as many columns as B.
void add_product(std::span<const double> A, HostOperand B, std::span<double> C) {
  const std::size_t rows = A.size() / B.cols;
  multiply(1.0, {A.data(), rows, B.cols}, transposed(B), 1.0, {C.data(), rows, B.rows});
}

}  // namespace

/// One of the matrices with orthonormal columns, and where its entries are.
class BilipschitzMatrix::Factor {
 public:
  Factor(std::size_t rows, std::size_t columns, bool rotation, const ParameterBlock& block,
         std::span<const double> theta)
      : block_(block), form_(make(rows, columns, rotation, block_of(theta, block))) {}

  HostOperand value() const {
    return std::visit([](const auto& Q) { return Q.value(); }, form_);
  }
  HostOperand tangent(std::span<const double> theta_dot) {
    return std::visit([&](auto& Q) { return Q.tangent(block_of(theta_dot, block_)); }, form_);
  }
  void pull_back(std::span<const double> Q_bar, std::span<double> theta_bar) {
    std::visit([&](auto& Q) { Q.pull_back(Q_bar, block_of(theta_bar, block_)); }, form_);
  }

 private:
  using Form = std::variant<Rotation, HouseholderColumns>;
  static Form make(std::size_t rows, std::size_t columns, bool rotation, std::span<const double> entries) {
    if (rotation) return Rotation(rows, entries);
    return HouseholderColumns(rows, columns, entries);
  }

  const ParameterBlock& block_;
  Form form_;
};

BilipschitzMatrix::BilipschitzMatrix(std::size_t rows, std::size_t columns, double bound, std::string name)
    : rows_(rows), columns_(columns), log_bound_(std::log(bound)), name_(std::move(name)) {}

void BilipschitzMatrix::declare(ParameterLayout& layout) {
  const auto add = [&](ParameterBlock& block, const char* name, std::size_t size, std::string meaning) {
    block = {name_ + "/" + name, {size}, std::move(meaning), ParameterGroup::autoencoder};
    if (size > 0) block.offset = layout.add(block);
  };
  const auto factor = [&](ParameterBlock& block, const char* name, std::size_t rows) {
    if (is_square())
      add(block, name, Rotation::entry_count(rows),
          std::string(name) + " = exp(S): entries of the skew matrix S below its diagonal, row by row");
    else
      add(block, name, HouseholderColumns::entry_count(rows, rank()),
          std::string(name) + " = H_1 ... H_r: entries of the Householder vectors below their ones");
  };
  factor(U_, "U", rows_);
  factor(V_, "V", columns_);
  add(s_, "s", rank(), "singular values L^tanh(s)");
}

void BilipschitzMatrix::initialise_as_identity(std::uint64_t seed, double scale,
                                               std::span<double> theta) const {
  const Random random(seed, U_.name);
  const auto U = block_of(theta, U_), V = block_of(theta, V_);
  for (std::size_t i = 0; i < U.size(); ++i)
    U[i] = V[i] = scale * random.normal(i) / std::sqrt(double(rows_));
  std::ranges::fill(block_of(theta, s_), 0.0);
}

void BilipschitzMatrix::initialise_at_random(std::uint64_t seed, double singular_value,
                                             std::span<double> theta) const {
  for (const ParameterBlock* block : {&U_, &V_}) {
    const Random random(seed, block->name);
    const auto entries = block_of(theta, *block);
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = random.normal(i);
  }
  constexpr double largest = 0.9;  // of |tanh(s)|, so that s can learn
  const double t =
      log_bound_ > 0.0 ? std::clamp(std::log(singular_value) / log_bound_, -largest, largest) : 0.0;
  std::ranges::fill(block_of(theta, s_), std::atanh(t));
}

std::vector<double> BilipschitzMatrix::singular_values(Direction direction,
                                                       std::span<const double> theta) const {
  std::vector<double> values;
  for (const double s : block_of(theta, s_)) values.push_back(std::exp(exponent(direction) * std::tanh(s)));
  return values;
}

double BilipschitzMatrix::lipschitz(Direction direction, std::span<const double> theta) const {
  return std::ranges::max(singular_values(direction, theta));
}

// M = P diag(d) R^T with (P, R) = (U, V) and d = sigma, or (V, U) and 1 / sigma.

auto BilipschitzMatrix::left(Direction direction, std::span<const double> theta) const -> Factor {
  const bool forward = direction == Direction::forward;
  return Factor(forward ? rows_ : columns_, rank(), is_square(), forward ? U_ : V_, theta);
}

auto BilipschitzMatrix::right(Direction direction, std::span<const double> theta) const -> Factor {
  return left(direction == Direction::forward ? Direction::inverse : Direction::forward, theta);
}

void BilipschitzMatrix::assemble(Direction direction, std::span<const double> theta,
                                 std::span<double> M) const {
  const Factor P = left(direction, theta), R = right(direction, theta);
  std::ranges::fill(M, 0.0);
  add_product(scaled_columns(P.value(), singular_values(direction, theta)), R.value(), M);
}

void BilipschitzMatrix::assemble_vjp(Direction direction, std::span<const double> theta,
                                     std::span<const double> M_bar, std::span<double> theta_bar) const {
  Factor P = left(direction, theta), R = right(direction, theta);
  const HostOperand P_ = P.value(), R_ = R.value();
  const std::vector<double> d = singular_values(direction, theta);
  const std::span<const double> s = block_of(theta, s_);
  const auto s_bar = block_of(theta_bar, s_);
  const HostOperand M_bar_(M_bar.data(), P_.rows, R_.rows);
  const Entries Pd = scaled_columns(P_, d), Rd = scaled_columns(R_, d);
  Entries P_bar(Pd.size()), R_bar(Rd.size());
  multiply(1.0, M_bar_, {Rd.data(), R_.rows, R_.cols}, 0.0, {P_bar.data(), P_.rows, P_.cols});
  multiply(1.0, transposed(M_bar_), {Pd.data(), P_.rows, P_.cols}, 0.0, {R_bar.data(), R_.rows, R_.cols});
  for (std::size_t i = 0; i < rank(); ++i) {
    double along = 0.0;  // d_i times the adjoint of d_i
    for (std::size_t j = 0; j < P_.rows; ++j) along += P_.data[j * P_.cols + i] * P_bar[j * P_.cols + i];
    const double t = std::tanh(s[i]);
    s_bar[i] += exponent(direction) * (1.0 - t * t) * along;
  }
  P.pull_back(P_bar, theta_bar);
  R.pull_back(R_bar, theta_bar);
}

void BilipschitzMatrix::assemble_jvp(Direction direction, std::span<const double> theta,
                                     std::span<const double> theta_dot, std::span<double> M_dot) const {
  Factor P = left(direction, theta), R = right(direction, theta);
  const std::vector<double> d = singular_values(direction, theta);
  const std::span<const double> s = block_of(theta, s_), s_dot = block_of(theta_dot, s_);
  std::vector<double> d_dot(rank());
  for (std::size_t i = 0; i < rank(); ++i) {
    const double t = std::tanh(s[i]);
    d_dot[i] = exponent(direction) * (1.0 - t * t) * d[i] * s_dot[i];
  }
  std::ranges::fill(M_dot, 0.0);
  add_product(scaled_columns(P.value(), d_dot), R.value(), M_dot);
  add_product(scaled_columns(P.value(), d), R.tangent(theta_dot), M_dot);
  add_product(scaled_columns(P.tangent(theta_dot), d), R.value(), M_dot);
}

BilipschitzLayer::BilipschitzLayer(std::size_t n, double bound, std::string name)
    : n_(n), matrix_(n, n, bound, name) {
  b_ = {name + "/b", {n}, "added to U diag(L^tanh(s)) V^T x", ParameterGroup::autoencoder};
}

void BilipschitzLayer::declare(ParameterLayout& layout) {
  matrix_.declare(layout);
  b_.offset = layout.add(b_);
}

void BilipschitzLayer::initialise(std::uint64_t seed, double scale, std::span<double> theta) const {
  matrix_.initialise_as_identity(seed, scale, theta);
  std::ranges::fill(block_of(theta, b_), 0.0);
}

// c = b, or -M b.

void BilipschitzLayer::assemble(Direction direction, std::span<const double> theta,
                                std::span<double> coefficients) const {
  const std::span<const double> b = block_of(theta, b_);
  const auto M = coefficients.first(n_ * n_), c = coefficients.subspan(n_ * n_, n_);
  matrix_.assemble(direction, theta, M);
  if (direction == Direction::forward) return void(std::ranges::copy(b, c.begin()));
  multiply(square(std::span<const double>(M), n_), b, c);
  for (double& entry : c) entry = -entry;
}

void BilipschitzLayer::assemble_vjp(Direction direction, std::span<const double> theta,
                                    std::span<const double> bar, std::span<double> theta_bar) const {
  const std::span<const double> b = block_of(theta, b_);
  const auto b_bar = block_of(theta_bar, b_);
  const auto c_bar = bar.subspan(n_ * n_, n_);
  Entries M_bar(bar.begin(), bar.begin() + std::ptrdiff_t(n_ * n_));
  if (direction == Direction::forward) {
    add_scaled(1.0, c_bar, b_bar);
  } else {
    Entries M(n_ * n_), pulled(n_);
    matrix_.assemble(direction, theta, M);
    multiply(transposed(square(std::span<const double>(M), n_)), c_bar, pulled);
    add_scaled(-1.0, pulled, b_bar);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) M_bar[i * n_ + j] -= c_bar[i] * b[j];
  }
  matrix_.assemble_vjp(direction, theta, M_bar, theta_bar);
}

void BilipschitzLayer::assemble_jvp(Direction direction, std::span<const double> theta,
                                    std::span<const double> theta_dot, std::span<double> dot) const {
  const auto M_dot = dot.first(n_ * n_), c_dot = dot.subspan(n_ * n_, n_);
  matrix_.assemble_jvp(direction, theta, theta_dot, M_dot);
  const std::span<const double> b = block_of(theta, b_), b_dot = block_of(theta_dot, b_);
  if (direction == Direction::forward) return void(std::ranges::copy(b_dot, c_dot.begin()));
  Entries M(n_ * n_), moved(n_);
  matrix_.assemble(direction, theta, M);
  multiply(square(std::span<const double>(M_dot), n_), b, c_dot);
  multiply(square(std::span<const double>(M), n_), b_dot, moved);
  for (std::size_t i = 0; i < n_; ++i) c_dot[i] = -(c_dot[i] + moved[i]);
}

}  // namespace spnode::core
