#include "core/loss/square_error.hpp"

#include "core/kernels/row_sum.hpp"

namespace spnode::core {

template <class Real>
KOKKOS_INLINE_FUNCTION double WeightedSquares<Real>::row_value(std::size_t i) const {
  const Real* const x = &X(i, 0);
  const Real* const y = &Y(i, 0);
  const Real* const column = columns.data();
  return double(rows(i)) * row_sum<double>(X.extent(1), [=](std::size_t l) {
           const Real difference = x[l] - y[l];
           return double(column[l] * difference) * double(difference);
         });
}

template <class Real>
void WeightedSquares<Real>::value(const ExecSpace& space, VectorView<double> sums) const {
  const auto self = *this;
  Kokkos::parallel_for(
      "WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { sums(i) = self.row_value(i); });
}

template <class Real>
void WeightedSquares<Real>::value_and_gradient(const ExecSpace& space, double factor, VectorView<double> sums,
                                               MatrixView<Real> X_bar) const {
  const auto self = *this;
  const Real f = Real(factor);
  Kokkos::parallel_for(
      "WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const Real* const x = &self.X(i, 0);
        const Real* const y = &self.Y(i, 0);
        const Real* const column = self.columns.data();
        Real* const __restrict x_bar = &X_bar(i, 0);
        const std::size_t count = self.X.extent(1);
        const Real gradient = 2 * f * self.rows(i);
        // A loop of its own, since one that stores and sums does not vectorise.
        for (std::size_t l = 0; l < count; ++l) x_bar[l] = gradient * (column[l] * (x[l] - y[l]));
        sums(i) = self.row_value(i);
      });
}

double RowSums::total(const VectorView<double>& sums) {
  host_.resize(sums.extent(0));
  download(sums, host_);
  double total = 0.0;
  for (const double sum : host_) total += sum;
  return total;
}

template struct WeightedSquares<double>;
template struct WeightedSquares<float>;

}  // namespace spnode::core
