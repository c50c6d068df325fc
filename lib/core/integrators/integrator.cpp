#include "core/integrators/integrator.hpp"

#include "core/integrators/explicit_rk.hpp"
#include "core/integrators/exponential_rk.hpp"
#include "core/integrators/imex_rk.hpp"
#include "core/support/error.hpp"

namespace spnode::core {

template <class Real>
std::unique_ptr<Integrator<Real>> make_integrator(Scheme scheme, const RateShape& shape) {
  switch (scheme) {
    case Scheme::etd1:
      return std::make_unique<ExponentialRk<Real>>(etd1_tableau(), shape);
    case Scheme::etdrk2:
      return std::make_unique<ExponentialRk<Real>>(etdrk2_tableau(), shape);
    case Scheme::etdrk4:
      return std::make_unique<ExponentialRk<Real>>(etdrk4_tableau(), shape);
    case Scheme::imex_euler:
      return std::make_unique<ImexRk<Real>>(imex_euler_tableau(), shape);
    case Scheme::imex_ssp2:
      return std::make_unique<ImexRk<Real>>(imex_ssp2_tableau(), shape);
    case Scheme::imex_ars2:
      return std::make_unique<ImexRk<Real>>(imex_ars2_tableau(), shape);
    case Scheme::euler:
      return std::make_unique<ExplicitRk<Real>>(euler_tableau(), shape);
    case Scheme::rk4:
      return std::make_unique<ExplicitRk<Real>>(rk4_tableau(), shape);
  }
  throw Error(ExitStatus::internal_error, "make_integrator: unknown scheme");
}

template std::unique_ptr<Integrator<double>> make_integrator(Scheme, const RateShape&);
template std::unique_ptr<Integrator<float>> make_integrator(Scheme, const RateShape&);

}  // namespace spnode::core
