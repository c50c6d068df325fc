#include "core/kernels/elementwise.hpp"

#include "core/kernels/pack.hpp"
#include "core/kernels/tanh.hpp"

#include <cmath>

namespace spnode::core {
namespace {

constexpr bool runs_on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, ExecSpace::memory_space>::accessible;

// One task per row on the host, where the inner loop vectorises; one per entry on a device.
template <class Body>
void for_each_entry(const char* label, const ExecSpace& space, const MatrixView& Y, Body body) {
  const std::size_t rows = Y.extent(0), lanes = Y.extent(1);
  if constexpr (runs_on_host) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows), [=](const std::size_t i) {
      double* const __restrict row = Y.data() + i * Y.stride_0();
      for (std::size_t l = 0; l < lanes; ++l) body(i, l, row[l]);
    });
  } else {
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows * lanes),
        KOKKOS_LAMBDA(const std::size_t entry) {
          body(entry / lanes, entry % lanes, Y(entry / lanes, entry % lanes));
        });
  }
}

// sums(i) += sum_l term(i, l), in ascending order within each of pack_width strands of lanes.
template <class Term>
void add_sums(const char* label, const ExecSpace& space, std::size_t rows, std::size_t lanes, VectorView sums,
              Term term) {
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows), KOKKOS_LAMBDA(const std::size_t i) {
        double strand[pack_width] = {};
        for (std::size_t l = 0; l + pack_width <= lanes; l += pack_width)
          for (std::size_t j = 0; j < pack_width; ++j) strand[j] += term(i, l + j);
        for (std::size_t l = lanes / pack_width * pack_width; l < lanes; ++l)
          strand[l % pack_width] += term(i, l);
        double sum = 0.0;
        for (std::size_t j = 0; j < pack_width; ++j) sum += strand[j];
        sums(i) += sum;
      });
}

void tanh_rows(const ExecSpace& space, const ConstVectorView& b, const MatrixView& Y) {
  const std::size_t lanes = Y.extent(1);
  Kokkos::parallel_for("spnode::core::add_bias_and_activate",
                       Kokkos::RangePolicy<ExecSpace>(space, 0, Y.extent(0)), [=](const std::size_t i) {
                         double* const row = Y.data() + i * Y.stride_0();
                         std::size_t l = 0;
                         for (; l + pack_width <= lanes; l += pack_width)
                           store(row + l, tanh(load(row + l) + b(i)));
                         if (l == lanes) return;
                         double rest[pack_width] = {};
                         for (std::size_t j = l; j < lanes; ++j) rest[j - l] = row[j];
                         store(rest, tanh(load(rest) + b(i)));
                         for (std::size_t j = l; j < lanes; ++j) row[j] = rest[j - l];
                       });
}

}  // namespace

void fill(const ExecSpace& space, double value, MatrixView Y) {
  for_each_entry(
      "spnode::core::fill", space, Y, KOKKOS_LAMBDA(std::size_t, std::size_t, double& y) { y = value; });
}

void scaled_copy(const ExecSpace& space, double alpha, ConstMatrixView X, MatrixView Y) {
  for_each_entry(
      "spnode::core::scaled_copy", space, Y,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l, double& y) { y = alpha * X(i, l); });
}

void axpy(const ExecSpace& space, double alpha, ConstMatrixView X, MatrixView Y) {
  for_each_entry(
      "spnode::core::axpy", space, Y,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l, double& y) { y += alpha * X(i, l); });
}

void add_bias_and_activate(const ExecSpace& space, Activation sigma, ConstVectorView b, MatrixView Y) {
  if (sigma == Activation::identity) {
    for_each_entry(
        "spnode::core::add_bias_and_activate", space, Y,
        KOKKOS_LAMBDA(std::size_t i, std::size_t, double& y) { y += b(i); });
  } else if constexpr (runs_on_host) {
    tanh_rows(space, b, Y);
  } else {
    for_each_entry(
        "spnode::core::add_bias_and_activate", space, Y,
        KOKKOS_LAMBDA(std::size_t i, std::size_t, double& y) { y = ::tanh(y + b(i)); });
  }
}

void activate_vjp(const ExecSpace& space, Activation sigma, ConstMatrixView Y, MatrixView Y_bar) {
  if (sigma == Activation::identity) return;
  for_each_entry(
      "spnode::core::activate_vjp", space, Y_bar,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l, double& y_bar) { y_bar *= 1.0 - Y(i, l) * Y(i, l); });
}

void add_row_sums(const ExecSpace& space, ConstMatrixView X, VectorView sums) {
  add_sums(
      "spnode::core::add_row_sums", space, X.extent(0), X.extent(1), sums,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l) { return X(i, l); });
}

void scale_rows(const ExecSpace& space, ConstVectorView factor, MatrixView Y) {
  for_each_entry(
      "spnode::core::scale_rows", space, Y,
      KOKKOS_LAMBDA(std::size_t i, std::size_t, double& y) { y *= factor(i); });
}

void add_scaled_rows(const ExecSpace& space, ConstVectorView factor, ConstMatrixView X, MatrixView Y) {
  for_each_entry(
      "spnode::core::add_scaled_rows", space, Y,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l, double& y) { y += factor(i) * X(i, l); });
}

void add_row_products(const ExecSpace& space, ConstMatrixView X, ConstMatrixView Y, VectorView sums) {
  add_sums(
      "spnode::core::add_row_products", space, X.extent(0), X.extent(1), sums,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l) { return X(i, l) * Y(i, l); });
}

}  // namespace spnode::core
