#pragma once
/// A function of the state as a term of the latent right-hand side.

#include "core/components/coupling_flow.hpp"
#include "core/components/network.hpp"

#include <memory>
#include <string>

namespace spnode::core {

/// f(z, q) at the scaled state z = h^{-1}(u; p) of a coupling flow, with a network f and the parameters p of
/// the trajectory, the first rows of q. What is simple in the variables of the data is learned there: as a
/// function of u it would have to contain h^{-1} once more.
///
/// The flow declares its own parameters, before this term. The coefficients are those of h^{-1}, then those
/// of f.
template <class Real>
class StateTerm final : public LaneMap<Real> {
 public:
  /// Keeps a reference to the flow. `states` and `parameters`: rows of z and p.
  StateTerm(const CouplingFlow<Real>& flow, std::size_t states, std::size_t parameters,
            std::unique_ptr<Network<Real>> function)
      : flow_(flow), states_(states), parameters_(parameters), function_(std::move(function)) {}

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override {
    function_->initialise(seed, theta);
  }
  std::size_t coefficient_count() const override {
    return state_->coefficient_count() + function_->coefficient_count();
  }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  /// f.
  const Network<Real>& function() const { return *function_; }

  std::size_t inputs() const override { return function_->inputs(); }
  std::size_t outputs() const override { return function_->outputs(); }
  std::size_t tape_rows() const override { return states_ + state_->tape_rows() + function_->tape_rows(); }
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
  // Of the coefficients, their adjoint or tangent: those of h^{-1}, and those of f.
  template <class View>
  View of_state(const View& all) const {
    return all.extent(0) == 0 ? all : View(all.data(), state_->coefficient_count());
  }
  template <class View>
  View of_function(const View& all) const {
    if (all.extent(0) == 0) return all;
    return View(all.data() + state_->coefficient_count(), function_->coefficient_count());
  }
  // The tape: z, then what both keep.
  template <class View>
  View state(const View& tape) const {
    return rows_of(tape, 0, states_);
  }
  template <class View>
  View state_tape(const View& tape) const {
    return rows_of(tape, states_, state_->tape_rows());
  }
  template <class View>
  View function_tape(const View& tape) const {
    return rows_of(tape, states_ + state_->tape_rows(), function_->tape_rows());
  }
  // What h^{-1} takes of a point, an adjoint or a direction; there may be no q.
  template <class Point_>
  Point_ latent(const Point_& x) const {
    return x.q.extent(0) == 0 ? x : Point_(x.u, rows_of(x.q, 0, parameters_));
  }
  Point<Real> state_point(const ConstMatrixView<Real>& tape, const Point<Real>& x) const {
    return {state(tape), x.q};
  }
  // The tangent of z along the point and, where they move, the coefficients.
  MatrixView<Real> state_dot(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const;

  const CouplingFlow<Real>& flow_;
  std::size_t states_, parameters_;
  std::unique_ptr<CouplingMap<Real>> state_;  // h^{-1}
  std::unique_ptr<Network<Real>> function_;
};

}  // namespace spnode::core
