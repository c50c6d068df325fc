#pragma once
/// The terms of a fast-slow system with slow variables x and fast variables y, u = [x; y] (FSNN, eq. (2.6)):
///
///   dx/dt = eps g(x, y, eps),   dy/dt = T(x) y + B(x, y, eps)(y, y) + eps C(x, y, eps) y,
///
/// in the fast time t. T is the linear part (core/linear/fast); B and C vanish with y, so that y = 0, the
/// slow manifold, is invariant whatever their coefficients are.

#include "core/components/component.hpp"
#include "core/components/constant_map.hpp"
#include "core/components/options.hpp"

#include <memory>

namespace spnode::core {

/// Where a fast-slow term finds what it needs in the point [u; q].
struct FastSlowShape {
  std::size_t slow, fast, arguments;  ///< rows of x, y, q
  std::size_t epsilon = 0;            ///< row of q that holds eps, scaled

  std::size_t states() const { return slow + fast; }
};

/// The coefficients of a term: entries (count) that are constant or a network of the whole point.
template <class Real>
std::unique_ptr<LaneMap<Real>> make_entries(const FastSlowShape& shape, std::size_t count,
                                            const FastTermOptions& options, const std::string& name);

/// M(x, y, q) y with the entries of M (m, fast), row major, of another map. Entries that are constant are one
/// matrix for all lanes; others are a matrix for each.
template <class Real>
class FastLinear final : public LaneMap<Real> {
 public:
  FastLinear(const FastSlowShape& shape, std::unique_ptr<LaneMap<Real>> entries)
      : shape_(shape),
        entries_(std::move(entries)),
        is_shared_(dynamic_cast<const ConstantMap<Real>*>(entries_.get()) != nullptr) {}

  void declare(ParameterLayout& layout) override { entries_->declare(layout); }
  void initialise(std::uint64_t seed, std::span<double> theta) const override {
    entries_->initialise(seed, theta);
  }
  std::size_t coefficient_count() const override { return entries_->coefficient_count(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override {
    entries_->assemble(theta, c);
  }
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override {
    entries_->assemble_vjp(theta, c_bar, theta_bar);
  }
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override {
    entries_->assemble_jvp(theta, theta_dot, c_dot);
  }

  /// The map that gives M.
  const LaneMap<Real>& entries() const { return *entries_; }

  std::size_t inputs() const override { return shape_.states() + shape_.arguments; }
  std::size_t outputs() const override { return entries_->outputs() / shape_.fast; }
  std::size_t tape_rows() const override {
    return is_shared_ ? 0 : entries_->outputs() + entries_->tape_rows();
  }
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
  // y += M x with the shared M; its adjoints. Coefficients of extent 0 are zero, or skipped.
  void add_product(const ExecSpace& space, const ConstVectorView<Real>& M, const ConstMatrixView<Real>& x,
                   const MatrixView<Real>& y) const;
  void add_product_vjp(const ExecSpace& space, const ConstVectorView<Real>& M, const ConstMatrixView<Real>& x,
                       const ConstMatrixView<Real>& y_bar, const MatrixView<Real>& x_bar,
                       const VectorView<Real>& M_bar) const;
  template <class View>
  View fast(const View& u) const {
    return rows_of(u, shape_.slow, shape_.fast);
  }
  // The tape: M, then what the entries keep.
  template <class View>
  View matrix(const View& tape) const {
    return rows_of(tape, 0, entries_->outputs());
  }
  template <class View>
  View inner(const View& tape) const {
    return rows_of(tape, entries_->outputs(), entries_->tape_rows());
  }

  FastSlowShape shape_;
  std::unique_ptr<LaneMap<Real>> entries_;
  bool is_shared_;
};

/// B(y, y) = sum_r (C_r y) * (D_r y), entry by entry, of rank R (FSNN, eq. (3.15)): C_1, ..., C_R, D_1, ...,
/// D_R, each (fast, fast), one below the other, are the matrix of a FastLinear.
template <class Real>
class FastBilinear final : public LaneMap<Real> {
 public:
  FastBilinear(const FastSlowShape& shape, std::size_t rank, std::unique_ptr<LaneMap<Real>> entries)
      : fast_(shape.fast), half_(rank * shape.fast), factors_(shape, std::move(entries)) {}

  void declare(ParameterLayout& layout) override { factors_.declare(layout); }
  void initialise(std::uint64_t seed, std::span<double> theta) const override {
    factors_.initialise(seed, theta);
  }
  std::size_t coefficient_count() const override { return factors_.coefficient_count(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override {
    factors_.assemble(theta, c);
  }
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override {
    factors_.assemble_vjp(theta, c_bar, theta_bar);
  }
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override {
    factors_.assemble_jvp(theta, theta_dot, c_dot);
  }

  /// Puts factors of the forms Q (fast, monomial_count(fast)) in y into theta, where the coefficients are
  /// constant. The part of Q that the rank cannot hold, as Bilinear::set_forms(). Raises UsageError where the
  /// coefficients are a network.
  double set_forms(std::span<const double> Q, std::span<double> theta) const;

  std::size_t inputs() const override { return factors_.inputs(); }
  std::size_t outputs() const override { return fast_; }
  std::size_t tape_rows() const override { return 2 * half_ + factors_.tape_rows(); }
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
  // The products C_r y and D_r y of all r, and the tape behind them.
  template <class View>
  View left(const View& products) const {
    return rows_of(products, 0, half_);
  }
  template <class View>
  View right(const View& products) const {
    return rows_of(products, half_, half_);
  }
  template <class View>
  View inner(const View& tape) const {
    return rows_of(tape, 2 * half_, factors_.tape_rows());
  }
  MatrixView<Real> zero(const ExecSpace& space, std::size_t lanes, Scratch<Real>& scratch) const;
  // products_bar += the adjoint of left * right.
  void add_bars(const ExecSpace& space, ConstMatrixView<Real> products, ConstMatrixView<Real> y_bar,
                MatrixView<Real> products_bar) const;
  // y += left of one * right of the other, both ways.
  void add_mixed(const ExecSpace& space, ConstMatrixView<Real> one, ConstMatrixView<Real> other,
                 MatrixView<Real> y) const;

  std::size_t fast_, half_;
  FastLinear<Real> factors_;
};

/// eps f(x): a term of another map times the trajectory's eps = shift + scale q_epsilon.
///
/// Block, frozen: epsilon (2), shift and scale of the argument.
template <class Real>
class EpsilonTerm final : public LaneMap<Real> {
 public:
  EpsilonTerm(const FastSlowShape& shape, std::string name, std::unique_ptr<LaneMap<Real>> factor)
      : shape_(shape), name_(std::move(name)), factor_(std::move(factor)) {}

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void set_scaling(const Scaling& scaling, std::span<double> theta) const override {
    factor_->set_scaling(scaling, theta);
  }
  void set_argument_scaling(const Scaling& scaling, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return 2 + factor_->coefficient_count(); }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  /// f.
  const LaneMap<Real>& factor() const { return *factor_; }

  std::size_t inputs() const override { return shape_.states() + shape_.arguments; }
  std::size_t outputs() const override { return factor_->outputs(); }
  std::size_t tape_rows() const override { return outputs() + factor_->tape_rows(); }
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
  // Of the coefficients, their adjoint or tangent: what the factor takes.
  template <class View>
  View inner(const View& coefficients) const {
    if (coefficients.extent(0) == 0) return coefficients;
    return View(coefficients.data() + 2, factor_->coefficient_count());
  }
  ConstVectorView<Real> scale(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + 1, 1);
  }
  // The tape: f, then what the factor keeps.
  template <class View>
  View value_of(const View& tape) const {
    return rows_of(tape, 0, outputs());
  }
  template <class View>
  View inner_tape(const View& tape) const {
    return rows_of(tape, outputs(), factor_->tape_rows());
  }
  MatrixView<Real> epsilon(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                           const ConstMatrixView<Real>& q, Scratch<Real>& scratch) const;
  MatrixView<Real> epsilon_dot(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                               const ConstMatrixView<Real>& q_dot, Scratch<Real>& scratch) const;
  // q_bar of eps += scale <X, Y> lane by lane; nothing where it is not wanted.
  void add_epsilon_bar(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                       const ConstMatrixView<Real>& X, const ConstMatrixView<Real>& Y,
                       const MatrixView<Real>& q_bar, Scratch<Real>& scratch) const;

  FastSlowShape shape_;
  std::string name_;
  std::unique_ptr<LaneMap<Real>> factor_;
  ParameterBlock epsilon_;
};

}  // namespace spnode::core
