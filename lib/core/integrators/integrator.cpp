#include "core/integrators/integrator.hpp"

#include "core/error.hpp"
#include "core/integrators/explicit_rk.hpp"
#include "core/integrators/exponential_rk.hpp"
#include "core/integrators/imex_rk.hpp"

namespace spnode::core {

std::unique_ptr<Integrator> make_integrator(Scheme scheme, const RateShape& shape) {
  switch (scheme) {
    case Scheme::etd1:
      return std::make_unique<ExponentialRk>(etd1_tableau(), shape);
    case Scheme::etdrk2:
      return std::make_unique<ExponentialRk>(etdrk2_tableau(), shape);
    case Scheme::etdrk4:
      return std::make_unique<ExponentialRk>(etdrk4_tableau(), shape);
    case Scheme::imex_euler:
      return std::make_unique<ImexRk>(imex_euler_tableau(), shape);
    case Scheme::imex_ssp2:
      return std::make_unique<ImexRk>(imex_ssp2_tableau(), shape);
    case Scheme::imex_ars2:
      return std::make_unique<ImexRk>(imex_ars2_tableau(), shape);
    case Scheme::euler:
      return std::make_unique<ExplicitRk>(euler_tableau(), shape);
    case Scheme::rk4:
      return std::make_unique<ExplicitRk>(rk4_tableau(), shape);
  }
  throw Error(ExitStatus::internal_error, "make_integrator: unknown scheme");
}

}  // namespace spnode::core
