#include "core/loss/decoded_error.hpp"

namespace spnode::core {

template <class Real>
double DecodedError<Real>::add(const LossTools<Real>& tools, const LossSample<Real>& sample,
                               const LossBars<Real>* bars) {
  const ScratchFrame frame(tools.scratch);
  const ConstMatrixView<Real>& u = latent(sample);
  const std::size_t m = sample.z.extent(0), columns = u.extent(1);
  const MatrixView<Real> z = tools.scratch.matrix(m, columns);
  const MatrixView<Real> tape = tools.scratch.matrix(tools.coordinates.from_latent().tape_rows(), columns);
  tools.coordinates.from_latent().value(tools.space, {u, sample.parameters}, z, tape, tools.scratch);
  const WeightedSquares<Real> squares{tools.state_rows, sample.weights, z, sample.z};
  if (bars == nullptr) return tools.sums.value(tools.space, squares);
  const MatrixView<Real> z_bar = tools.scratch.matrix(m, columns);
  const double value = tools.sums.value_and_gradient(tools.space, squares, this->weight(), z_bar);
  tools.coordinates.from_latent().vjp(
      tools.space, {{u, sample.parameters}, tape, z_bar, latent(*bars), tools.coordinates_bar},
      tools.scratch);
  return value;
}

template <class Real>
void DecodedError<Real>::linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) {
  const ConstMatrixView<Real>& u = latent(sample);
  tape_ = tools.scratch.matrix(tools.coordinates.from_latent().tape_rows(), u.extent(1));
  const ScratchFrame frame(tools.scratch);
  const MatrixView<Real> z = tools.scratch.matrix(sample.z.extent(0), u.extent(1));
  tools.coordinates.from_latent().value(tools.space, {u, sample.parameters}, z, tape_, tools.scratch);
}

template <class Real>
void DecodedError<Real>::tangent(const LossTools<Real>& tools, const LossSample<Real>& sample,
                                 const LossDots<Real>& dots, MatrixView<Real> R_dot) const {
  tools.coordinates.from_latent().jvp(
      tools.space, {{latent(sample), sample.parameters}, latent(dots), tape_, dots.coordinates, R_dot},
      tools.scratch);
}

template <class Real>
void DecodedError<Real>::adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample,
                                 ConstMatrixView<Real> R_bar, const LossBars<Real>& bars) const {
  tools.coordinates.from_latent().vjp(
      tools.space, {{latent(sample), sample.parameters}, tape_, R_bar, latent(bars), tools.coordinates_bar},
      tools.scratch);
}

template class DecodedError<double>;
template class DecodedError<float>;

}  // namespace spnode::core
