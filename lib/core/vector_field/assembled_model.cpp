#include "core/vector_field/assembled_model.hpp"

#include "core/support/error.hpp"

#include <cmath>

namespace spnode::core {

template <class Real>
AssembledModel<Real>::AssembledModel(const BasicModel<Real>& model)
    : model_(model),
      A_(model.linear().coefficient_count()),
      host_(model.nonlinear().coefficient_count()),
      nonlinear_("spnode::core::AssembledModel", host_.size()) {}

template <class Real>
void AssembledModel<Real>::set_parameters(std::span<const double> theta) {
  model_.linear().assemble(theta, A_);
  for (const double entry : A_)
    if (!std::isfinite(entry)) throw NumericalError("the linear operator A_L is not finite");
  model_.nonlinear().assemble(theta, host_);
  upload(host_, nonlinear_);
}

template <class Real>
void AssembledModel<Real>::assemble_vjp(std::span<const double> theta,
                                        CoefficientParts<std::span<const double>> bar,
                                        std::span<double> theta_bar) const {
  model_.linear().assemble_vjp(theta, bar.linear, theta_bar);
  model_.nonlinear().assemble_vjp(theta, bar.nonlinear, theta_bar);
}

template <class Real>
void AssembledModel<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                        CoefficientParts<std::span<double>> dot) const {
  model_.linear().assemble_jvp(theta, theta_dot, dot.linear);
  model_.nonlinear().assemble_jvp(theta, theta_dot, dot.nonlinear);
}

template class AssembledModel<double>;
template class AssembledModel<float>;

}  // namespace spnode::core
