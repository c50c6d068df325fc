#pragma once
/// A library of functions that is the same at all points of a periodic grid.

#include "core/components/library.hpp"
#include "core/components/periodic_stencil.hpp"

#include <string>

namespace spnode::core {

/// The right-hand side of fields on a periodic grid,
///
///   g_{f,p}(u; q) = (Xi Theta(X_p, q))_f / state_scale_{f,p},
///
/// at field f and point p: X_p are the unscaled values X = state_shift + state_scale * u at the point and its
/// neighbours (periodic_stencil.hpp), Theta the functions of a Library of these. Its coefficients do not
/// depend on the point, so that g commutes with all shifts of the grid. At most library.neighbour_factors
/// factors of a product are values at neighbours: on smooth fields these are nearly the value at the point.
///
/// Of second order, [x; v], half of the fields are those of x, and g gives those of dv/dt.
///
/// Tiles see the library with a lane for each point and trajectory.
///
/// Blocks: those of the library, whose variables at a point are unscaled; state_shift and state_scale
/// (components), frozen.
template <class Real>
class FieldLibrary final : public LaneMap<Real> {
 public:
  /// Raises OptionError where the states are not such fields.
  FieldLibrary(TermShape shape, const LibraryOptions& options, std::string name);

  const Library<Real>& at_point() const { return library_; }
  const PeriodicStencil& stencil() const { return stencil_; }

  void set_scaling(const Scaling& scaling, std::span<double> theta) const override;
  void set_argument_scaling(const Scaling& scaling, std::span<double> theta) const override {
    library_.set_argument_scaling(scaling, theta);
  }
  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override {
    library_.scale_value(factor, theta);
  }
  std::size_t coefficient_count() const override { return library_.coefficient_count() + 2 * components(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return components() + arguments_; }
  std::size_t outputs() const override { return outputs_; }
  std::size_t tape_rows() const override { return library_.tape_rows() * stencil_.points(); }
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override;

 private:
  using Indices = Vector<std::uint32_t>;

  std::size_t components() const { return stencil_.components(); }
  // In the coefficients: the library's, then state_shift, then state_scale.
  template <class View>
  View of_library(const View& all) const {
    return all.extent(0) == 0 ? all : View(all.data(), library_.coefficient_count());
  }
  ConstVectorView<Real> state_shift(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + library_.coefficient_count(), components());
  }
  ConstVectorView<Real> state_scale(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + library_.coefficient_count() + components(),
                                 components());
  }
  // Rows (k, points) of all lanes as rows (k) of the lanes of all points.
  template <class Entry>
  MatrixView<Entry> at_points(const MatrixView<Entry>& rows) const;
  // The variables at all points, of a state or, without a shift, of a direction; in scratch.
  Point<Real> gather(const ExecSpace& space, const Point<Real>& x, const ConstVectorView<Real>& shift,
                     const ConstVectorView<Real>& scale, Scratch<Real>& scratch) const;
  // Zero adjoints of these; without rows of arguments where x_bar has none.
  PointBar<Real> gathered_bar(const ExecSpace& space, const PointBar<Real>& x_bar, std::size_t lanes,
                              Scratch<Real>& scratch) const;
  void gather_vjp(const ExecSpace& space, const PointBar<Real>& gathered, const ConstVectorView<Real>& scale,
                  const PointBar<Real>& x_bar) const;
  // The library's values at all points, zero, in scratch; and what becomes of them.
  MatrixView<Real> values(const ExecSpace& space, std::size_t lanes, Scratch<Real>& scratch) const;
  void scatter(const ExecSpace& space, const MatrixView<Real>& values, const ConstVectorView<Real>& scale,
               const MatrixView<Real>& y) const;
  MatrixView<Real> scatter_vjp(const ExecSpace& space, const ConstMatrixView<Real>& y_bar,
                               const ConstVectorView<Real>& scale, Scratch<Real>& scratch) const;

  PeriodicStencil stencil_;
  std::size_t arguments_, outputs_;
  std::string name_;
  Library<Real> library_;
  Indices component_;  // of each variable at each point, (variables * points)
  Indices
      taken_by_;  // of each component, the variables and points that take it: (components, 1 + neighbours)
  ParameterBlock shift_, scale_;
};

}  // namespace spnode::core
