#include "core/loss/square_error.hpp"

#include "core/kernels/row_sum.hpp"

namespace spnode::core {

template <class Real>
void WeightedSquares<Real>::value(const ExecSpace& space, VectorView<double> sums) const {
  const auto self = *this;
  Kokkos::parallel_for(
      "WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const Real* const x = &self.X(i, 0);
        const Real* const y = &self.Y(i, 0);
        const Real* const column = self.columns.data();
        sums(i) = double(self.rows(i)) * row_sum<double>(self.X.extent(1), [=](std::size_t l) {
                    const Real difference = x[l] - y[l];
                    return double(column[l] * difference) * double(difference);
                  });
      });
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
        const Real row = self.rows(i), gradient = 2 * f * row;
        sums(i) = double(row) * row_sum<double>(self.X.extent(1), [=](std::size_t l) {
                    const Real difference = x[l] - y[l], weighted = column[l] * difference;
                    x_bar[l] = gradient * weighted;
                    return double(weighted) * double(difference);
                  });
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
