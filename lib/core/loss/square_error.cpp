#include "core/loss/square_error.hpp"

namespace spnode::core {

template <class Real>
void WeightedSquares<Real>::value(const ExecSpace& space, VectorView<double> sums) const {
  const auto self = *this;
  Kokkos::parallel_for(
      "spnode::core::WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0.0;
        for (std::size_t l = 0; l < self.X.extent(1); ++l) {
          const Real difference = self.X(i, l) - self.Y(i, l);
          sum += double(self.columns(l) * difference) * double(difference);
        }
        sums(i) = double(self.rows(i)) * sum;
      });
}

template <class Real>
void WeightedSquares<Real>::value_and_gradient(const ExecSpace& space, double factor, VectorView<double> sums,
                                               MatrixView<Real> X_bar) const {
  const auto self = *this;
  const Real f = Real(factor);
  Kokkos::parallel_for(
      "spnode::core::WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0.0;
        const Real row = self.rows(i);
        for (std::size_t l = 0; l < self.X.extent(1); ++l) {
          const Real difference = self.X(i, l) - self.Y(i, l);
          const Real weighted = self.columns(l) * difference;
          X_bar(i, l) = 2 * f * row * weighted;
          sum += double(weighted) * double(difference);
        }
        sums(i) = double(row) * sum;
      });
}

template struct WeightedSquares<double>;
template struct WeightedSquares<float>;

}  // namespace spnode::core
