// The parameters of a conditioner that is a polynomial in a parameter of the trajectory.
#include "core/components/conditioner.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
const Network<Real>* Conditioner<Real>::product_network() const {
  const bool only = summands_.size() == 1 && summands_.front().is_product();
  return only ? summands_.front().factors.back().network.get() : nullptr;
}

// Of the factors before the last, the first r are p in product r, the others 1.
template <class Real>
void Conditioner<Real>::set_powers(std::size_t parameter, double shift, double scale,
                                   std::span<double> theta) const {
  const std::vector<Factor>& factors = summands_.front().factors;
  const std::size_t inputs = shape_.given + shape_.parameters;
  for (std::size_t k = 0; k + 1 < factors.size(); ++k) {
    std::vector<double> W(rows() * inputs, 0.0), b(rows(), 1.0);
    for (std::size_t row = (k + 1) * shape_.outputs; row < rows(); ++row) {
      W[row * inputs + shape_.given + parameter] = scale;
      b[row] = shift;
    }
    factors[k].network->set_last_layer(W, b, theta);
  }
}

template const Network<double>* Conditioner<double>::product_network() const;
template const Network<float>* Conditioner<float>::product_network() const;
template void Conditioner<double>::set_powers(std::size_t, double, double, std::span<double>) const;
template void Conditioner<float>::set_powers(std::size_t, double, double, std::span<double>) const;

}  // namespace spnode::core
