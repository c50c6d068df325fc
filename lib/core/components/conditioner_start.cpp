// The parameters of a conditioner that is a polynomial in a parameter of the trajectory and in components.
#include "core/components/conditioner.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
const Network<Real>* Conditioner<Real>::product_network() const {
  const bool only = summands_.size() == 1 && summands_.front().is_product();
  return only ? summands_.front().factors.back().network.get() : nullptr;
}

// Of the factors before the last, the first ones are p, those after them components of w, the others 1.
template <class Real>
void Conditioner<Real>::set_monomials(std::span<const Monomial> monomials, std::size_t parameter,
                                      double shift, double scale, std::span<double> theta) const {
  const std::vector<Factor>& factors = summands_.front().factors;
  const std::size_t inputs = shape_.given + shape_.parameters;
  for (std::size_t k = 0; k + 1 < factors.size(); ++k) {
    std::vector<double> W(rows() * inputs, 0.0), b(rows(), 1.0);
    for (std::size_t row = 0; row < rows(); ++row) {
      const Monomial& of = monomials[row / shape_.outputs];
      if (k < of.power) {
        W[row * inputs + shape_.given + parameter] = scale;
        b[row] = shift;
      } else if (k - of.power < of.components.size()) {
        W[row * inputs + of.components[k - of.power]] = 1.0;
        b[row] = 0.0;
      }
    }
    factors[k].network->set_last_layer(W, b, theta);
  }
}

template const Network<double>* Conditioner<double>::product_network() const;
template const Network<float>* Conditioner<float>::product_network() const;
template void Conditioner<double>::set_monomials(std::span<const Monomial>, std::size_t, double, double,
                                                 std::span<double>) const;
template void Conditioner<float>::set_monomials(std::span<const Monomial>, std::size_t, double, double,
                                                std::span<double>) const;

}  // namespace spnode::core
