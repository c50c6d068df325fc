#pragma once
/// The nonlinear part of a right-hand side.

#include "core/components/component.hpp"
#include "core/components/coupling_flow.hpp"
#include "core/components/invariants.hpp"
#include "core/components/symmetries.hpp"
#include "core/vector_field/options.hpp"

#include <memory>
#include <span>
#include <vector>

namespace spnode::core {

/// The nonlinear terms of a model: du/dt = A_L u + g(x) - A_L r(x) at the point x = [u; q].
///
/// g sums the plain terms, r those in relaxation form. A value is the stack [g; r] of those that are present.
/// For an equation of second order in time, u = [x; v], the terms give dv/dt, and dx/dt = v is one more.
/// With invariants g is P times the sum of its terms; A_L r is in the space that P keeps (DenseHurwitz).
/// With symmetries g and r are the means of the terms' sums over the group, which takes |G| values of each.
template <class Real>
class NonlinearTerms {
 public:
  using Value = typename LaneMap<Real>::Value;
  using Reverse = typename LaneMap<Real>::Reverse;
  using Tangent = typename LaneMap<Real>::Tangent;
  using TangentReverse = typename LaneMap<Real>::TangentReverse;
  using TangentTangent = typename LaneMap<Real>::TangentTangent;

  /// `invariants`, `symmetries`: null where there are none. Raises OptionError where a term does not go with
  /// the other options. Keeps a reference to the flow of a term of the state; it may be null where there is
  /// no such term.
  NonlinearTerms(const ModelOptions& options, std::size_t dimension,
                 std::shared_ptr<const Invariants> invariants = {}, const CouplingFlow<Real>* flow = nullptr,
                 std::shared_ptr<const Symmetries> symmetries = {});

  std::size_t dimension() const { return n_; }
  bool has_plain() const { return has_plain_; }
  bool has_relaxed() const { return has_relaxed_; }
  std::size_t value_rows() const { return n_ * (std::size_t(has_plain_) + std::size_t(has_relaxed_)); }
  std::size_t tape_rows() const { return elements() * tape_rows_; }
  std::size_t coefficient_count() const { return coefficient_count_; }

  /// value.y (value_rows(), lanes) is overwritten with [g; r].
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const;

  /// reverse.y_bar: adjoint of the value.
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const;

  /// tangent.y_dot: tangent of the value, overwritten.
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;

  /// reverse.y_dot_bar: adjoint of the tangent of the value.
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse, Scratch<Real>& scratch) const;

  /// tangent.y_dot_dot: tangent along the coefficients of the tangent of the value, overwritten.
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent, Scratch<Real>& scratch) const;

  struct Term {
    std::shared_ptr<LaneMap<Real>> map;
    bool relaxed = false;
    std::size_t row = 0;                        // of the value, where its outputs begin
    std::size_t coefficient = 0, tape_row = 0;  // where its own begin
  };
  const std::vector<Term>& terms() const { return terms_; }
  void declare(ParameterLayout& layout);

  /// The terms alone whose outputs are among the first `rows` rows of the value; the others are zero. Shares
  /// maps, coefficients and tape with all terms. After declare().
  NonlinearTerms first_rows(std::size_t rows) const;

  /// As of Component, over the terms' coefficients one after the other, then those of the invariants.
  void assemble(std::span<const double> theta, std::span<double> c) const;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const;

 private:
  // Elements of the group: the identity alone where there are no symmetries.
  std::size_t elements() const { return symmetries_ ? symmetries_->count() : 1; }
  // One of them, in a frame of the scratch of its own; and work(turn) for each.
  struct Turn;
  template <class Work>
  void for_each_turn(const ExecSpace& space, Scratch<Real>& scratch, const Work& work) const;
  template <class View>
  View tape_of(const Term& term, std::size_t e, const View& tape) const {
    return rows_of(tape, e * tape_rows_ + term.tape_row, term.map->tape_rows());
  }

  // P times the plain rows of a value or a tangent, in place.
  void project(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
               const MatrixView<Real>& values, Scratch<Real>& scratch) const;
  // The adjoint of the terms' means from that of the value: a copy in scratch where P acts.
  ConstMatrixView<Real> projected_bar(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                                      const ConstMatrixView<Real>& bar, Scratch<Real>& scratch) const;

  template <class View>
  View outputs_of(const Term& term, const View& value) const {
    return rows_of(value, term.row + (term.relaxed && has_plain_ ? n_ : 0), term.map->outputs());
  }
  template <class View>
  View coefficients_of(const Term& term, const View& all) const {
    if (all.extent(0) == 0) return all;
    return View(all.data() + term.coefficient, term.map->coefficient_count());
  }

  std::size_t n_;
  std::shared_ptr<const Invariants> invariants_;
  std::shared_ptr<const Symmetries> symmetries_;
  std::vector<Term> terms_;
  bool has_plain_ = false, has_relaxed_ = false;
  std::size_t tape_rows_ = 0, coefficient_count_ = 0;
  std::size_t first_of_Q_ = 0;  // of the coefficients
};

}  // namespace spnode::core
