#include "core/loss/decoded_error.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

template <class Real>
struct Trajectory final : DecodedError<Real> {
  explicit Trajectory(double weight) : DecodedError<Real>(weight, DecodedError<Real>::Of::rollout) {}
};

}  // namespace

LossTermKind trajectory_term() {
  LossTermKind kind =
      residual_kind<Trajectory>("trajectory", "weight: decoded rollout against data, in the scaled state");
  kind.default_weight = 1.0;
  kind.of_any_data = true;
  return kind;
}

}  // namespace spnode::core
