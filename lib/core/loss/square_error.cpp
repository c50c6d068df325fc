#include "core/loss/square_error.hpp"

namespace spnode::core {

void WeightedSquares::value(const ExecSpace& space, VectorView sums) const {
  const auto self = *this;
  Kokkos::parallel_for(
      "spnode::core::WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0.0;
        for (std::size_t l = 0; l < self.X.extent(1); ++l) {
          const double difference = self.X(i, l) - self.Y(i, l);
          sum += self.columns(l) * difference * difference;
        }
        sums(i) = self.rows(i) * sum;
      });
}

void WeightedSquares::value_and_gradient(const ExecSpace& space, double factor, VectorView sums,
                                         MatrixView X_bar) const {
  const auto self = *this;
  Kokkos::parallel_for(
      "spnode::core::WeightedSquares", Kokkos::RangePolicy<ExecSpace>(space, 0, X.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0.0;
        const double row = self.rows(i);
        for (std::size_t l = 0; l < self.X.extent(1); ++l) {
          const double difference = self.X(i, l) - self.Y(i, l);
          const double weighted = self.columns(l) * difference;
          X_bar(i, l) = 2.0 * factor * row * weighted;
          sum += weighted * difference;
        }
        sums(i) = row * sum;
      });
}

}  // namespace spnode::core
