#include "core/kernels/elementwise.hpp"

#include "core/kernels/activation_functions.hpp"
#include "core/kernels/register_tile.hpp"
#include "core/kernels/row_sum.hpp"
#include "core/kernels/tanh.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

// One task per row on the host, where the inner loop vectorises; one per entry on a device.
template <class Real, class Body>
void for_each_entry(const char* label, const ExecSpace& space, const MatrixView<Real>& Y, Body body) {
  const std::size_t rows = Y.extent(0), lanes = Y.extent(1);
  if constexpr (runs_on_host) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows), [=](const std::size_t i) {
      Real* const __restrict row = Y.data() + i * Y.stride_0();
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

// sums(i) += sum_l term(i, l).
template <class Real, class Term>
void add_sums(const char* label, const ExecSpace& space, std::size_t rows, std::size_t lanes,
              VectorView<Real> sums, Term term) {
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows), KOKKOS_LAMBDA(const std::size_t i) {
        sums(i) += row_sum<Real>(lanes, [&](std::size_t l) { return term(i, l); });
      });
}

template <class Real>
void tanh_rows(const ExecSpace& space, const ConstVectorView<Real>& b, const MatrixView<Real>& Y) {
  constexpr std::size_t width = pack_width<Real>;
  const std::size_t lanes = Y.extent(1), packs = lanes / width, whole = packs * width;
  Kokkos::parallel_for("activate", Kokkos::RangePolicy<ExecSpace>(space, 0, Y.extent(0)),
                       [=](const std::size_t i) {
                         Real* const row = Y.data() + i * Y.stride_0();
                         tanh_in_place(b(i), packs, row);
                         if (whole == lanes) return;
                         Real rest[width] = {};
                         std::copy(row + whole, row + lanes, rest);
                         tanh_in_place(b(i), 1, rest);
                         std::copy_n(rest, lanes - whole, row + whole);
                       });
}

// Kernels with the activation as a type; nvcc takes no kernel inside a generic lambda.
template <class Function, class Real>
void activate(Function, const ExecSpace& space, const ConstVectorView<Real>& b, const MatrixView<Real>& Y) {
  for_each_entry(
      "activate", space, Y,
      KOKKOS_LAMBDA(std::size_t i, std::size_t, Real & y) { y = Function::value(y + b(i)); });
}
template <class Function, class Real>
void activate(Function, const ExecSpace& space, const MatrixView<Real>& Y) {
  for_each_entry(
      "activate", space, Y, KOKKOS_LAMBDA(std::size_t, std::size_t, Real & y) { y = Function::value(y); });
}
template <class Function, class Real>
void multiply_by_first(Function, const ExecSpace& space, const ConstMatrixView<Real>& kept,
                       const MatrixView<Real>& Y_bar) {
  for_each_entry(
      "activate_vjp", space, Y_bar,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l, Real & y_bar) { y_bar *= Function::first(kept(i, l)); });
}
template <class Function, class Real>
void add_second(Function, const ExecSpace& space, const ConstMatrixView<Real>& kept,
                const ConstMatrixView<Real>& X_dot, const ConstMatrixView<Real>& Y_dot_bar,
                const MatrixView<Real>& X_bar) {
  for_each_entry(
      "activate_second", space, X_bar, KOKKOS_LAMBDA(std::size_t i, std::size_t l, Real & x_bar) {
        x_bar += Function::second(kept(i, l)) * X_dot(i, l) * Y_dot_bar(i, l);
      });
}
template <class Function, class Real>
void add_third(Function, const ExecSpace& space, const ConstMatrixView<Real>& kept,
               const Kokkos::Array<ConstMatrixView<Real>, 3>& factors, const MatrixView<Real>& X_bar) {
  for_each_entry(
      "activate_third", space, X_bar, KOKKOS_LAMBDA(std::size_t i, std::size_t l, Real & x_bar) {
        x_bar += Function::third(kept(i, l)) * factors[0](i, l) * factors[1](i, l) * factors[2](i, l);
      });
}

}  // namespace

template <class Real>
void fill(const ExecSpace& space, double value, MatrixView<Real> Y) {
  const Real v = Real(value);
  for_each_entry(
      "fill", space, Y, KOKKOS_LAMBDA(std::size_t, std::size_t, Real & y) { y = v; });
}

template <class Real>
void scaled_copy(const ExecSpace& space, double alpha, InputMatrix<Real> X, MatrixView<Real> Y) {
  const Real a = Real(alpha);
  for_each_entry(
      "scaled_copy", space, Y, KOKKOS_LAMBDA(std::size_t i, std::size_t l, Real & y) { y = a * X(i, l); });
}

template <class Real>
void axpy(const ExecSpace& space, double alpha, InputMatrix<Real> X, MatrixView<Real> Y) {
  const Real a = Real(alpha);
  for_each_entry(
      "axpy", space, Y, KOKKOS_LAMBDA(std::size_t i, std::size_t l, Real & y) { y += a * X(i, l); });
}

template <class Real>
void add_to_lanes(const ExecSpace& space, InputVector<Real> b, MatrixView<Real> Y) {
  for_each_entry(
      "add_to_lanes", space, Y, KOKKOS_LAMBDA(std::size_t i, std::size_t, Real & y) { y += b(i); });
}

template <class Real>
void add_bias_and_activate(const ExecSpace& space, Activation sigma, InputVector<Real> b, MatrixView<Real> Y,
                           std::type_identity_t<MatrixView<Real>> argument) {
  if (sigma == Activation::identity) return add_to_lanes<Real>(space, b, Y);
  if constexpr (runs_on_host)
    if (sigma == Activation::tanh) return tanh_rows<Real>(space, b, Y);
  if (keeps_argument(sigma)) {
    add_to_lanes<Real>(space, b, Y);
    scaled_copy<Real>(space, 1.0, Y, argument);
    with_activation<Real>(sigma, [&](auto f) { activate(f, space, Y); });
  } else {
    with_activation<Real>(sigma, [&](auto f) { activate(f, space, b, Y); });
  }
}

template <class Real>
void activate_vjp(const ExecSpace& space, Activation sigma, InputMatrix<Real> kept, MatrixView<Real> Y_bar) {
  if (sigma == Activation::identity) return;
  with_activation<Real>(sigma, [&](auto f) { multiply_by_first(f, space, kept, Y_bar); });
}

template <class Real>
void activate_jvp_vjp(const ExecSpace& space, Activation sigma, InputMatrix<Real> kept,
                      InputMatrix<Real> X_dot, InputMatrix<Real> Y_dot_bar, MatrixView<Real> X_bar) {
  if (sigma == Activation::identity || sigma == Activation::relu) return;
  with_activation<Real>(sigma, [&](auto f) { add_second(f, space, kept, X_dot, Y_dot_bar, X_bar); });
}

template <class Real>
void activate_third(const ExecSpace& space, Activation sigma, InputMatrix<Real> kept,
                    const Kokkos::Array<InputMatrix<Real>, 3>& factors, MatrixView<Real> X_bar) {
  if (sigma == Activation::identity || sigma == Activation::relu || sigma == Activation::square) return;
  with_activation<Real>(sigma, [&](auto f) { add_third(f, space, kept, factors, X_bar); });
}

template <class Real>
void add_row_sums(const ExecSpace& space, InputMatrix<Real> X, VectorView<Real> sums) {
  add_sums(
      "add_row_sums", space, X.extent(0), X.extent(1), sums,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l) { return X(i, l); });
}

template <class Real>
void scale_rows(const ExecSpace& space, InputVector<Real> factor, MatrixView<Real> Y) {
  for_each_entry(
      "scale_rows", space, Y, KOKKOS_LAMBDA(std::size_t i, std::size_t, Real & y) { y *= factor(i); });
}

template <class Real>
void add_scaled_rows(const ExecSpace& space, InputVector<Real> factor, InputMatrix<Real> X,
                     MatrixView<Real> Y) {
  for_each_entry(
      "add_scaled_rows", space, Y,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l, Real & y) { y += factor(i) * X(i, l); });
}

template <class Real>
void add_row_products(const ExecSpace& space, InputMatrix<Real> X, InputMatrix<Real> Y,
                      VectorView<Real> sums) {
  add_sums(
      "row_products", space, X.extent(0), X.extent(1), sums,
      KOKKOS_LAMBDA(std::size_t i, std::size_t l) { return X(i, l) * Y(i, l); });
}

#define SPNODE_INSTANTIATE(Real)                                                                           \
  template void fill(const ExecSpace&, double, MatrixView<Real>);                                          \
  template void scaled_copy(const ExecSpace&, double, InputMatrix<Real>, MatrixView<Real>);                \
  template void axpy(const ExecSpace&, double, InputMatrix<Real>, MatrixView<Real>);                       \
  template void add_to_lanes(const ExecSpace&, InputVector<Real>, MatrixView<Real>);                       \
  template void add_bias_and_activate(const ExecSpace&, Activation, InputVector<Real>, MatrixView<Real>,   \
                                      std::type_identity_t<MatrixView<Real>>);                             \
  template void activate_vjp(const ExecSpace&, Activation, InputMatrix<Real>, MatrixView<Real>);           \
  template void activate_jvp_vjp(const ExecSpace&, Activation, InputMatrix<Real>, InputMatrix<Real>,       \
                                 InputMatrix<Real>, MatrixView<Real>);                                     \
  template void activate_third(const ExecSpace&, Activation, InputMatrix<Real>,                            \
                               const Kokkos::Array<InputMatrix<Real>, 3>&, MatrixView<Real>);              \
  template void add_row_sums(const ExecSpace&, InputMatrix<Real>, VectorView<Real>);                       \
  template void scale_rows(const ExecSpace&, InputVector<Real>, MatrixView<Real>);                         \
  template void add_scaled_rows(const ExecSpace&, InputVector<Real>, InputMatrix<Real>, MatrixView<Real>); \
  template void add_row_products(const ExecSpace&, InputMatrix<Real>, InputMatrix<Real>, VectorView<Real>);
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
