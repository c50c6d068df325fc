#include "core/components/field_library.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"
#include "core/support/option.hpp"

#include <algorithm>
#include <utility>

namespace spnode::core {
namespace {

Vector<std::uint32_t> on_device(const std::vector<std::uint32_t>& from) {
  const Vector<std::uint32_t> to("field_index", from.size());
  const auto host = Kokkos::create_mirror_view(to);
  std::ranges::copy(from, host.data());
  update_from(to, host);
  return to;
}

/// For each component the entries of the table that name it.
std::vector<std::uint32_t> entries_by_component(const PeriodicStencil& stencil) {
  const std::vector<std::uint32_t>& table = stencil.table();
  const std::size_t each = 1 + stencil.neighbours();
  std::vector<std::uint32_t> entries(table.size());
  std::vector<std::size_t> found(stencil.components(), 0);
  for (std::size_t k = 0; k < table.size(); ++k)
    entries[table[k] * each + found[table[k]]++] = std::uint32_t(k);
  return entries;
}

// The outputs are those of all fields, or of the last half, before the values at neighbours.
TermShape shape_at_point(const PeriodicStencil& stencil, const LibraryOptions& options, TermShape shape) {
  const bool halves = shape.outputs < shape.states;
  require_option(
      !halves || (stencil.fields() % 2 == 0 && options.field_axis == FieldAxis::first),
      {"library.fields", "library.field_axis", "order"},
      "= " + std::to_string(stencil.fields()) +
          ", but with order: 2 the state [x; v] is an even number of fields with field_axis: first; found " +
          std::string(name_of(options.field_axis)));
  return {stencil.variables(), shape.outputs / stencil.points(), shape.arguments,
          stencil.variables() - stencil.fields()};
}

FactorLimit limit_of(const PeriodicStencil& stencil, const LibraryOptions& options) {
  return {stencil.fields(), stencil.variables(), options.neighbour_factors};
}

// X(k, :) = shift(c) + scale(c) * u(c, :) with c = component(k); no shift: none.
template <class Real>
void gather_rows(const ExecSpace& space, const ConstVectorView<std::uint32_t>& component,
                 const ConstVectorView<Real>& shift, const ConstVectorView<Real>& scale,
                 const ConstMatrixView<Real>& u, const MatrixView<Real>& X) {
  for_each_row(
      "field_gather", space, X.extent(0), X.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        const std::size_t c = component(k);
        const Real start = shift.extent(0) > 0 ? shift(c) : Real(0), factor = scale(c);
        for (std::size_t l = first; l < last; ++l) X(k, l) = start + factor * u(c, l);
      });
}

// u_bar(c, :) += scale(c) * the sum of the rows of X_bar that took component c.
template <class Real>
void gather_rows_vjp(const ExecSpace& space, const ConstVectorView<std::uint32_t>& taken_by,
                     const ConstVectorView<Real>& scale, const ConstMatrixView<Real>& X_bar,
                     const MatrixView<Real>& u_bar) {
  const std::size_t each = taken_by.extent(0) / u_bar.extent(0);
  for_each_row(
      "field_vjp", space, u_bar.extent(0), u_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t c, const std::size_t first, const std::size_t last) {
        const Real factor = scale(c);
        for (std::size_t j = 0; j < each; ++j) {
          const std::size_t k = taken_by(c * each + j);
          for (std::size_t l = first; l < last; ++l) u_bar(c, l) += factor * X_bar(k, l);
        }
      });
}

// Q(k, :) = q(k / points, :).
template <class Real>
void repeat_rows(const ExecSpace& space, std::size_t points, const ConstMatrixView<Real>& q,
                 const MatrixView<Real>& Q) {
  for_each_row(
      "field_repeat", space, Q.extent(0), Q.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) Q(k, l) = q(k / points, l);
      });
}

template <class Real>
void repeat_rows_vjp(const ExecSpace& space, std::size_t points, const ConstMatrixView<Real>& Q_bar,
                     const MatrixView<Real>& q_bar) {
  for_each_row(
      "field_sum", space, q_bar.extent(0), q_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t p = 0; p < points; ++p)
          for (std::size_t l = first; l < last; ++l) q_bar(i, l) += Q_bar(i * points + p, l);
      });
}

// y(c, :) += Y(k, :) / scale(c) with c = component(k). Of second order y and Y are those of the last half of
// the components, which are the last half of the fields, too.
template <class Real>
void scatter_rows(const ExecSpace& space, const ConstVectorView<std::uint32_t>& component,
                  const ConstVectorView<Real>& scale, const ConstMatrixView<Real>& Y,
                  const MatrixView<Real>& y) {
  const std::size_t before = scale.extent(0) - y.extent(0);
  for_each_row(
      "field_scatter", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        const std::size_t c = component(before + k);
        const Real divisor = scale(c);
        for (std::size_t l = first; l < last; ++l) y(c - before, l) += Y(k, l) / divisor;
      });
}

// Y_bar(k, :) = y_bar(c, :) / scale(c) with c = component(k).
template <class Real>
void scatter_rows_vjp(const ExecSpace& space, const ConstVectorView<std::uint32_t>& component,
                      const ConstVectorView<Real>& scale, const ConstMatrixView<Real>& y_bar,
                      const MatrixView<Real>& Y_bar) {
  const std::size_t before = scale.extent(0) - y_bar.extent(0);
  for_each_row(
      "field_scatter", space, Y_bar.extent(0), Y_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t k, const std::size_t first, const std::size_t last) {
        const std::size_t c = component(before + k);
        const Real divisor = scale(c);
        for (std::size_t l = first; l < last; ++l) Y_bar(k, l) = y_bar(c - before, l) / divisor;
      });
}

}  // namespace

template <class Real>
FieldLibrary<Real>::FieldLibrary(TermShape shape, const LibraryOptions& options, std::string name)
    : stencil_(shape.states, options),
      arguments_(shape.arguments),
      outputs_(shape.outputs),
      name_(std::move(name)),
      library_(shape_at_point(stencil_, options, shape), options, name_, limit_of(stencil_, options)),
      component_(on_device(stencil_.table())),
      taken_by_(on_device(entries_by_component(stencil_))) {}

template <class Real>
void FieldLibrary<Real>::declare(ParameterLayout& layout) {
  library_.declare(layout);
  shift_ = {name_ + "/state_shift",
            {components()},
            "values of the fields: state_shift + state_scale times the model's",
            ParameterGroup::dynamics,
            true};
  scale_ = {name_ + "/state_scale",
            {components()},
            "see state_shift; outputs are divided by it",
            ParameterGroup::dynamics,
            true};
  for (ParameterBlock* block : {&shift_, &scale_}) block->offset = layout.add(*block);
}

template <class Real>
void FieldLibrary<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  library_.initialise(seed, theta);
  std::ranges::fill(block_of(theta, shift_), 0.0);
  std::ranges::fill(block_of(theta, scale_), 1.0);
}

template <class Real>
void FieldLibrary<Real>::set_scaling(const Scaling& scaling, std::span<double> theta) const {
  std::ranges::copy(scaling.shift, block_of(theta, shift_).begin());
  std::ranges::copy(scaling.scale, block_of(theta, scale_).begin());
}

template <class Real>
void FieldLibrary<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  const std::size_t count = library_.coefficient_count();
  library_.assemble(theta, c.first(count));
  std::ranges::copy(theta.subspan(shift_.offset, 2 * components()), c.begin() + std::ptrdiff_t(count));
}

template <class Real>
void FieldLibrary<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                      std::span<double> theta_bar) const {
  library_.assemble_vjp(theta, c_bar.first(library_.coefficient_count()), theta_bar);
}

// The scaling of the state is frozen.
template <class Real>
void FieldLibrary<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                      std::span<double> c_dot) const {
  const std::size_t count = library_.coefficient_count();
  library_.assemble_jvp(theta, theta_dot, c_dot.first(count));
  std::ranges::fill(c_dot.subspan(count), 0.0);
}

template <class Real>
template <class Entry>
MatrixView<Entry> FieldLibrary<Real>::at_points(const MatrixView<Entry>& rows) const {
  const std::size_t points = stencil_.points(), lanes = rows.extent(1);
  if (rows.extent(0) > 0 && rows.stride_0() != lanes)
    throw Error(ExitStatus::internal_error, "FieldLibrary: rows must follow each other without gaps");
  return MatrixView<Entry>(rows.data(), rows.extent(0) / points, points * lanes);
}

template <class Real>
Point<Real> FieldLibrary<Real>::gather(const ExecSpace& space, const Point<Real>& x,
                                       const ConstVectorView<Real>& shift, const ConstVectorView<Real>& scale,
                                       Scratch<Real>& scratch) const {
  const std::size_t points = stencil_.points();
  const MatrixView<Real> u = scratch.matrix(stencil_.variables() * points, x.lanes());
  gather_rows<Real>(space, component_, shift, scale, x.u, u);
  if (x.q.extent(0) == 0) return {at_points(u), ConstMatrixView<Real>()};
  const MatrixView<Real> q = scratch.matrix(arguments_ * points, x.lanes());
  repeat_rows<Real>(space, points, x.q, q);
  return {at_points(u), at_points(q)};
}

template <class Real>
PointBar<Real> FieldLibrary<Real>::gathered_bar(const ExecSpace& space, const PointBar<Real>& x_bar,
                                                std::size_t lanes, Scratch<Real>& scratch) const {
  const auto zeros = [&](std::size_t rows) {
    const MatrixView<Real> bar = scratch.matrix(rows * stencil_.points(), lanes);
    fill(space, 0.0, bar);
    return at_points(bar);
  };
  const MatrixView<Real> u = zeros(stencil_.variables());
  return {u, x_bar.q.extent(0) > 0 ? zeros(arguments_) : MatrixView<Real>()};
}

template <class Real>
void FieldLibrary<Real>::gather_vjp(const ExecSpace& space, const PointBar<Real>& gathered,
                                    const ConstVectorView<Real>& scale, const PointBar<Real>& x_bar) const {
  const std::size_t points = stencil_.points(), lanes = x_bar.u.extent(1);
  const auto of_rows = [&](const MatrixView<Real>& bar) {
    return ConstMatrixView<Real>(bar.data(), bar.extent(0) * points, lanes);
  };
  gather_rows_vjp<Real>(space, taken_by_, scale, of_rows(gathered.u), x_bar.u);
  if (x_bar.q.extent(0) > 0) repeat_rows_vjp<Real>(space, points, of_rows(gathered.q), x_bar.q);
}

template <class Real>
MatrixView<Real> FieldLibrary<Real>::values(const ExecSpace& space, std::size_t lanes,
                                            Scratch<Real>& scratch) const {
  const MatrixView<Real> values = scratch.matrix(outputs_, lanes);
  fill(space, 0.0, values);
  return values;
}

// The first variables at a point are the fields there.
template <class Real>
void FieldLibrary<Real>::scatter(const ExecSpace& space, const MatrixView<Real>& values,
                                 const ConstVectorView<Real>& scale, const MatrixView<Real>& y) const {
  scatter_rows<Real>(space, component_, scale, values, y);
}

template <class Real>
MatrixView<Real> FieldLibrary<Real>::scatter_vjp(const ExecSpace& space, const ConstMatrixView<Real>& y_bar,
                                                 const ConstVectorView<Real>& scale,
                                                 Scratch<Real>& scratch) const {
  const MatrixView<Real> bar = scratch.matrix(outputs_, y_bar.extent(1));
  scatter_rows_vjp<Real>(space, component_, scale, y_bar, bar);
  return at_points(bar);
}

template <class Real>
void FieldLibrary<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstVectorView<Real> scale = state_scale(value.coefficients);
  const Point<Real> x = gather(space, value.x, state_shift(value.coefficients), scale, scratch);
  const MatrixView<Real> y = values(space, value.x.lanes(), scratch);
  library_.apply(space, {of_library(value.coefficients), x, at_points(y), at_points(value.tape)}, scratch);
  scatter(space, y, scale, value.y);
}

template <class Real>
void FieldLibrary<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstVectorView<Real> scale = state_scale(reverse.coefficients);
  const Point<Real> x = gather(space, reverse.x, state_shift(reverse.coefficients), scale, scratch);
  const PointBar<Real> bar = gathered_bar(space, reverse.x_bar, reverse.x.lanes(), scratch);
  library_.apply_vjp(
      space,
      {of_library(reverse.coefficients), x, at_points(reverse.tape),
       scatter_vjp(space, reverse.y_bar, scale, scratch), bar, of_library(reverse.coefficients_bar)},
      scratch);
  gather_vjp(space, bar, scale, reverse.x_bar);
}

template <class Real>
void FieldLibrary<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstVectorView<Real> scale = state_scale(tangent.coefficients);
  const Point<Real> x = gather(space, tangent.x, state_shift(tangent.coefficients), scale, scratch),
                    x_dot = gather(space, tangent.x_dot, {}, scale, scratch);
  const MatrixView<Real> y_dot = values(space, tangent.x.lanes(), scratch);
  library_.apply_jvp(space,
                     {of_library(tangent.coefficients), of_library(tangent.coefficients_dot), x, x_dot,
                      at_points(tangent.tape), at_points(y_dot)},
                     scratch);
  scatter(space, y_dot, scale, tangent.y_dot);
}

template <class Real>
void FieldLibrary<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                       Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstVectorView<Real> scale = state_scale(reverse.coefficients);
  const Point<Real> x = gather(space, reverse.x, state_shift(reverse.coefficients), scale, scratch),
                    x_dot = gather(space, reverse.x_dot, {}, scale, scratch);
  const PointBar<Real> bar = gathered_bar(space, reverse.x_bar, reverse.x.lanes(), scratch),
                       dot_bar = gathered_bar(space, reverse.x_dot_bar, reverse.x.lanes(), scratch);
  library_.apply_jvp_vjp(space,
                         {of_library(reverse.coefficients), x, x_dot, at_points(reverse.tape),
                          scatter_vjp(space, reverse.y_dot_bar, scale, scratch), bar, dot_bar,
                          of_library(reverse.coefficients_bar)},
                         scratch);
  gather_vjp(space, bar, scale, reverse.x_bar);
  gather_vjp(space, dot_bar, scale, reverse.x_dot_bar);
}

template <class Real>
void FieldLibrary<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                       Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstVectorView<Real> scale = state_scale(tangent.coefficients);
  const Point<Real> x = gather(space, tangent.x, state_shift(tangent.coefficients), scale, scratch),
                    x_dot = gather(space, tangent.x_dot, {}, scale, scratch);
  const MatrixView<Real> y_dot_dot = values(space, tangent.x.lanes(), scratch);
  library_.apply_jvp_jvp(space,
                         {of_library(tangent.coefficients), of_library(tangent.coefficients_dot), x, x_dot,
                          at_points(tangent.tape), at_points(y_dot_dot)},
                         scratch);
  scatter(space, y_dot_dot, scale, tangent.y_dot_dot);
}

template class FieldLibrary<double>;
template class FieldLibrary<float>;

}  // namespace spnode::core
