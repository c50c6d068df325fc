#include "core/loss/decoded_error.hpp"
#include "core/loss/loss_terms.hpp"

namespace spnode::core {
namespace {

template <class Real>
struct Reconstruction final : DecodedError<Real> {
  explicit Reconstruction(double weight) : DecodedError<Real>(weight, DecodedError<Real>::Of::encoded) {}
};

}  // namespace

LossTermKind reconstruction_term() {
  LossTermKind kind =
      residual_kind<Reconstruction>("reconstruction", "weight: decoded encoded data against data");
  kind.needs_autoencoder = true;
  return kind;
}

}  // namespace spnode::core
