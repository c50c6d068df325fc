#include "core/components/lifting.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/option.hpp"

#include <algorithm>
#include <string>

namespace spnode::core {

Lifting::Lifting(std::size_t m, const LiftingOptions& options) : m_(m), pairs_(options.products) {
  for (const std::size_t component : pairs_)
    require_option(component < m, {"lifting.products"},
                   "names component " + std::to_string(component) + "; the states have the components 0 to " +
                       std::to_string(m - 1));
}

template <class Real>
LiftingMap<Real>::LiftingMap(const Lifting& lifting, Direction direction)
    : m_(lifting.states()), n_(lifting.dimension()) {
  if (direction == Direction::from_latent) return;
  pairs_ = Vector<std::uint32_t>("lifting_pairs", lifting.pairs().size());
  const auto host = Kokkos::create_mirror_view(pairs_);
  std::ranges::copy(lifting.pairs(), host.data());
  update_from(pairs_, host);
}

template <class Real>
void LiftingMap<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  const ConstMatrixView<Real> z = value.x.u;
  const MatrixView<Real> y = value.y;
  axpy(space, 1.0, rows_of(z, 0, m_), rows_of(y, 0, m_));
  const ConstVectorView<std::uint32_t> pairs = pairs_;
  const std::size_t m = m_;
  for_each_row(
      "lift", space, products(), y.extent(1),
      KOKKOS_LAMBDA(const std::size_t j, const std::size_t first, const std::size_t last) {
        const std::size_t a = pairs(2 * j), b = pairs(2 * j + 1);
        for (std::size_t l = first; l < last; ++l) y(m + j, l) += z(a, l) * z(b, l);
      });
}

template <class Real>
void LiftingMap<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const {
  const ConstMatrixView<Real> z = tangent.x.u, z_dot = tangent.x_dot.u;
  const MatrixView<Real> y_dot = tangent.y_dot;
  axpy(space, 1.0, rows_of(z_dot, 0, m_), rows_of(y_dot, 0, m_));
  const ConstVectorView<std::uint32_t> pairs = pairs_;
  const std::size_t m = m_;
  for_each_row(
      "lift_jvp", space, products(), y_dot.extent(1),
      KOKKOS_LAMBDA(const std::size_t j, const std::size_t first, const std::size_t last) {
        const std::size_t a = pairs(2 * j), b = pairs(2 * j + 1);
        for (std::size_t l = first; l < last; ++l)
          y_dot(m + j, l) += z_dot(a, l) * z(b, l) + z(a, l) * z_dot(b, l);
      });
}

namespace {

/// x_bar += (d y / d x)^T y_bar of the products y of components of `factors`: those of z for the adjoint,
/// those of z_dot for that of a tangent with respect to z. A component may be a factor of several products.
template <class Real>
void add_product_bars(const ExecSpace& space, const ConstVectorView<std::uint32_t>& pairs,
                      const ConstMatrixView<Real>& factors, const ConstMatrixView<Real>& y_bar,
                      const MatrixView<Real>& x_bar) {
  const std::size_t count = pairs.extent(0) / 2;
  for_each_row(
      "lift_vjp", space, 1, y_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t, const std::size_t first, const std::size_t last) {
        for (std::size_t j = 0; j < count; ++j) {
          const std::size_t a = pairs(2 * j), b = pairs(2 * j + 1);
          for (std::size_t l = first; l < last; ++l) {
            x_bar(a, l) += y_bar(j, l) * factors(b, l);
            x_bar(b, l) += y_bar(j, l) * factors(a, l);
          }
        }
      });
}

}  // namespace

template <class Real>
void LiftingMap<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>&) const {
  axpy(space, 1.0, rows_of(reverse.y_bar, 0, m_), rows_of(reverse.x_bar.u, 0, m_));
  add_product_bars<Real>(space, pairs_, reverse.x.u,
                         rows_of(reverse.y_bar, outputs() - products(), products()), reverse.x_bar.u);
}

template <class Real>
void LiftingMap<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                     Scratch<Real>&) const {
  axpy(space, 1.0, rows_of(reverse.y_dot_bar, 0, m_), rows_of(reverse.x_dot_bar.u, 0, m_));
  const ConstMatrixView<Real> bar = rows_of(reverse.y_dot_bar, outputs() - products(), products());
  add_product_bars<Real>(space, pairs_, reverse.x.u, bar, reverse.x_dot_bar.u);
  add_product_bars<Real>(space, pairs_, reverse.x_dot.u, bar, reverse.x_bar.u);
}

template class LiftingMap<double>;
template class LiftingMap<float>;

}  // namespace spnode::core
