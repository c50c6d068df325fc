#include "core/systems/grad_moments.hpp"

#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

/// H with H (A_xx + A_xy H) = A_yx + A_yy H, of a matrix in blocks whose A_yy is diagonal. Empty where the
/// fixed-point iteration does not converge.
std::vector<double> invariant_graph(const std::vector<double>& A, std::size_t n, std::size_t slow) {
  const std::size_t fast = n - slow;
  std::vector<double> H(fast * slow, 0.0), reduced(slow * slow);
  for (std::size_t sweep = 0; sweep < 1000; ++sweep) {
    for (std::size_t i = 0; i < slow; ++i)
      for (std::size_t j = 0; j < slow; ++j) {
        double sum = A[i * n + j];
        for (std::size_t k = 0; k < fast; ++k) sum += A[i * n + slow + k] * H[k * slow + j];
        reduced[i * slow + j] = sum;
      }
    double change = 0.0;
    std::vector<double> next(H.size());
    for (std::size_t i = 0; i < fast; ++i)
      for (std::size_t j = 0; j < slow; ++j) {
        double sum = -A[(slow + i) * n + j];
        for (std::size_t k = 0; k < slow; ++k) sum += H[i * slow + k] * reduced[k * slow + j];
        for (std::size_t k = 0; k < fast; ++k)
          if (k != i) sum -= A[(slow + i) * n + slow + k] * H[k * slow + j];
        next[i * slow + j] = sum / A[(slow + i) * n + slow + i];
        change = std::max(change, std::abs(next[i * slow + j] - H[i * slow + j]));
      }
    H = std::move(next);
    if (!std::isfinite(change)) return {};
    if (change < 1e-15) return H;
  }
  return {};
}

}  // namespace

GradMoments::GradMoments(double epsilon) : system_(epsilon) {
  for (const bool is_slow : {true, false})
    for (std::size_t k = 0; k < Grad13::modes; ++k)
      for (std::size_t variable = is_slow ? 0 : slow; variable < (is_slow ? slow : Grad13::variables);
           ++variable)
        for (std::size_t part = 0; part < 2; ++part) place_.push_back(Grad13::index(k, variable) + part);
  std::vector<double> A(dimension() * dimension());
  jacobian({}, A);
  manifold_ = invariant_graph(A, dimension(), slow_components());
  require_option(
      !manifold_.empty(), {"epsilon"},
      "is " + shortest(epsilon) + "; grad_moments has no slow manifold for it, take a smaller one");
}

void GradMoments::rhs(std::span<const double> u, std::span<double> rate) const {
  std::vector<double> from(dimension()), to(dimension());
  for (std::size_t i = 0; i < dimension(); ++i) from[place_[i]] = u[i];
  system_.rhs(from, to);
  for (std::size_t i = 0; i < dimension(); ++i) rate[i] = to[place_[i]];
}

void GradMoments::jacobian(std::span<const double>, std::span<double> matrix) const {
  const std::size_t n = dimension();
  std::vector<double> own(n * n);
  system_.jacobian({}, own);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) matrix[i * n + j] = own[place_[i] * n + place_[j]];
}

void GradMoments::initial_state(const Random& random, std::span<double> u) const {
  system_.initial_state(random, u);  // all components alike
}

void GradMoments::to_slow_manifold(std::span<double> u) const {
  const std::size_t n = slow_components();
  for (std::size_t i = n; i < dimension(); ++i) {
    u[i] = 0.0;
    for (std::size_t j = 0; j < n; ++j) u[i] += manifold_[(i - n) * n + j] * u[j];
  }
}

std::vector<std::vector<double>> GradMoments::linear_invariants() const {
  std::vector<std::vector<double>> invariants;
  for (const std::vector<double>& w : system_.linear_invariants()) {
    invariants.emplace_back(dimension());
    for (std::size_t i = 0; i < dimension(); ++i) invariants.back()[i] = w[place_[i]];
  }
  return invariants;
}

std::vector<std::string> GradMoments::component_names() const {
  const std::vector<std::string> own = system_.component_names();
  std::vector<std::string> names;
  for (const std::size_t place : place_) names.push_back(own[place]);
  return names;
}

}  // namespace spnode::core
