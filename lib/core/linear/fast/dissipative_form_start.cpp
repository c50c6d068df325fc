// The parameters of a given T(x) that is affine in x.
#include "core/linear/fast/dissipative_form.hpp"
#include "core/matrix_functions/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

/// The least eigenvalue of M_0 M_0^T, relative to the largest.
constexpr double least_part = 1e-9;

/// max(x, 0) is approximated by squareplus(squareplus(c x)) / c with this c: within 0.013, and within 0.001
/// from x = 0.125 on.
constexpr double steepness = 20.0;

std::vector<double> symmetric_part(std::span<const double> A, std::size_t n) {
  std::vector<double> S(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) S[i * n + j] = 0.5 * (A[i * n + j] + A[j * n + i]);
  return S;
}

/// S += factor v v^T.
void add_outer(double factor, std::span<const double> v, std::span<double> S) {
  for (std::size_t i = 0; i < v.size(); ++i)
    for (std::size_t j = 0; j < v.size(); ++j) S[i * v.size() + j] += factor * v[i] * v[j];
}

/// The positive definite matrix nearest to S, S itself where it is one; gives by how much eigenvalues rose.
double raise(std::span<double> S, std::size_t n) {
  std::vector<double> V(S.begin(), S.end());
  const std::vector<double> lambda = symmetric_eigen(square(std::span(V), n));
  const double least = least_part * std::max(std::abs(lambda.front()), std::abs(lambda.back()));
  if (lambda.front() >= least) return 0.0;
  std::ranges::fill(S, 0.0);
  for (std::size_t k = 0; k < n; ++k)
    add_outer(std::max(lambda[k], std::max(least, 1e-300)), std::span(V).subspan(k * n, n), S);
  return std::max(0.0, -lambda.front());
}

}  // namespace

// Whether the network can hold the hats of a box.
template <class Real>
bool DissipativeForm<Real>::holds_hats() const {
  const auto& fast = options_.fast;
  const std::size_t hats = 2 * this->slow();
  return network_ && !fast.low.empty() && fast.hidden.size() == 1 && fast.hidden.front() >= hats &&
         fast.count >= hats;
}

// The first weights of the network become c times the hats, smoothed.
template <class Real>
void DissipativeForm<Real>::set_hats(std::span<double> theta) const {
  const auto& fast = options_.fast;
  const std::size_t slow = this->slow(), neurons = fast.hidden.front();
  std::vector<double> inner(neurons * slow, 0.0), bias(neurons, 0.0), outer(fast.count * neurons, 0.0);
  for (std::size_t k = 0; k < slow; ++k) {
    inner[k * slow + k] = steepness;
    inner[(slow + k) * slow + k] = -steepness;
    bias[k] = -steepness * fast.low[fast.low.size() == slow ? k : 0];
    bias[slow + k] = steepness * fast.high[fast.high.size() == slow ? k : 0];
  }
  for (std::size_t k = 0; k < 2 * slow; ++k) outer[k * neurons + k] = 1.0;
  network_->set_layer(0, inner, bias, theta);
  network_->set_layer(1, outer, std::vector<double>(fast.count, 0.0), theta);
}

template <class Real>
auto DissipativeForm<Real>::set_affine(std::span<const double> A, std::span<double> theta) const ->
    typename FastOperator<Real>::AffineFit {
  const std::size_t n = this->fast(), slow = this->slow(), rank = options_.rank;
  for (std::size_t k = 0; k <= linear_features(); ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        theta[K_.offset + (k * n + i) * n + j] = 0.25 * (A[(k * n + i) * n + j] - A[(k * n + j) * n + i]);

  std::vector<double> S = symmetric_part(A.first(n * n), n);
  for (double& entry : S) entry = -entry;
  for (std::size_t i = 0; i < n; ++i) S[i * n + i] += options_.mu;
  double dropped = 0.0, whole = 0.0;
  const bool smooth = holds_hats(), hats = weights_ == Dependence::hats || smooth;
  if (hats) std::ranges::fill(block_of(theta, M_), 0.0);
  if (smooth) set_hats(theta);
  for (std::size_t k = 0; k < slow; ++k) {
    std::vector<double> V = symmetric_part(A.subspan((1 + k) * n * n, n * n), n);
    const std::vector<double> lambda = symmetric_eigen(square(std::span(V), n));
    const auto corner_of = [&](const std::vector<double>& given) {
      return given[given.size() == slow ? k : 0];
    };
    for (std::size_t r = 0; r < n; ++r) {
      whole += lambda[r] * lambda[r];
      // Negative ones from the front decay with the upper hat, positive ones from the back with the lower.
      const bool kept = hats && (lambda[r] < 0.0 ? r < rank : n - 1 - r < rank);
      if (!kept) {
        dropped += lambda[r] * lambda[r];
        continue;
      }
      const bool above = lambda[r] < 0.0;
      const std::size_t weight = above ? k : slow + k, column = above ? r : n - 1 - r;
      const std::span<const double> v = std::span(V).subspan(r * n, n);
      const double size = std::sqrt(std::abs(lambda[r]) / (smooth ? steepness : 1.0));
      for (std::size_t i = 0; i < n; ++i) theta[M_.offset + (weight * n + i) * rank + column] = size * v[i];
      add_outer(
          above ? -lambda[r] * corner_of(options_.fast.low) : -lambda[r] * corner_of(options_.fast.high), v,
          S);
    }
  }
  const double moved = raise(S, n);
  cholesky(square(std::span(S), n));
  for (std::size_t i = 0; i < n; ++i) {
    double* const row = &theta[L_.offset + i * n];
    for (std::size_t j = 0; j < n; ++j)
      row[j] = j == i ? std::log(S[i * n + i]) : j < i ? S[i * n + j] / S[i * n + i] : 0.0;
  }
  return {moved, whole > 0.0 ? std::sqrt(dropped / whole) : 0.0};
}

template DissipativeForm<double>::AffineFit DissipativeForm<double>::set_affine(std::span<const double>,
                                                                                std::span<double>) const;
template DissipativeForm<float>::AffineFit DissipativeForm<float>::set_affine(std::span<const double>,
                                                                              std::span<double>) const;

}  // namespace spnode::core
