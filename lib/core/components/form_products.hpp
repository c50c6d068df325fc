#pragma once
/// Quadratic forms as sums of products of two linear forms.

#include <cstddef>
#include <span>
#include <vector>

namespace spnode::core {

/// sum_r (left_r u) (right_r u), the product of the largest eigenvalues first.
struct FormProducts {
  std::vector<double> left, right;  ///< (n, n): row r is a linear form; zero where there is no product r
  std::vector<double> squares;      ///< (n) of the eigenvalues that product r holds
};

/// The products of the form q (monomial_count(n)). A symmetric form is sum_k lambda_k (v_k u)^2: with a =
/// sqrt(lambda_+) v_+ and b = sqrt(-lambda_-) v_-, one positive and one negative term are one product, (a
/// u)^2
/// - (b u)^2 = ((a + b) u) ((a - b) u). As many products as it has eigenvalues of its more frequent sign.
FormProducts products_of_form(std::span<const double> q, std::size_t n);

/// What products beyond a rank hold of all forms, in the Frobenius norm.
class DroppedProducts {
 public:
  void add(const FormProducts& products, std::size_t rank);
  double relative() const;

 private:
  double dropped_ = 0.0, whole_ = 0.0;
};

}  // namespace spnode::core
