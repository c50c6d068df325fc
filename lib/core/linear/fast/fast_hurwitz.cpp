#include "core/linear/fast/fast_hurwitz.hpp"

#include "core/kernels/elementwise.hpp"

namespace spnode::core {

std::vector<double> FastHurwitz::matrix_at(std::span<const double> coefficients,
                                           std::span<const double> u) const {
  const ExecSpace space;
  Scratch<double> scratch;
  const ScratchFrame frame(scratch);
  const Vector<double> c("matrix_at", coefficients.size());
  const Matrix<double> x("matrix_at", T_->slow(), 1), entries("matrix_at", T_->outputs(), 1);
  upload(coefficients, c);
  upload(u.first(T_->slow()), x);
  T_->apply(space, {c, MatrixView<double>(x), entries, scratch.matrix(T_->tape_rows(), 1)}, scratch);
  std::vector<double> T(T_->outputs());
  download(entries, T);
  return T;
}

}  // namespace spnode::core
