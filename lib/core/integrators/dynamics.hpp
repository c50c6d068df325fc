#pragma once
/// Where a model meets an integrator: the assembled coefficients of both, ready for tiles.

#include "core/integrators/integrator.hpp"
#include "core/integrators/rollout_steps.hpp"
#include "core/linear/make_linear_part.hpp"
#include "core/linear/step_table.hpp"
#include "core/vector_field/assembled_model.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace spnode::core {

/// The step lengths whose functions a batch needs: those of the tiles where these have fewer in all than the
/// table, as data have whose trajectories were sampled at their own times; otherwise all of the table. Either
/// way functions are formed for no more step lengths than the batch has intervals. `tile_intervals` and
/// `batch_intervals`: windows times their intervals. Independent of the number of ranks.
StepScope choose_scope(const StepTable& table, std::size_t tile_intervals, std::size_t batch_intervals);

/// The method that costs less floating-point work for one parameter update whose tiles take `lane_steps`
/// steps of single lanes. `A`: the linear operator that the decision is made for. Where choose_scope() takes
/// the steps of tiles the dense method is that of TabulatedLinearPart.
///
/// Both methods run at about the same speed, so that the faster one is taken except within a factor of three
/// of the break-even, where at most half of the time is lost (n = 16 .. 1024, benchmark_matrix_functions).
///
/// Blocks have closed forms and count as dense; of low-rank operators only products are formed. Raises
/// UsageError where the options ask for the other one.
MatrixFunctionMethod choose_method(const IntegratorOptions& options, const SplitShape& shape,
                                   const StepTable& table, const StructuredMatrix& A, std::size_t lane_steps);

/// A model's latent dynamics under a scheme, for the step lengths of a table.
///
/// Adjoints and tangents of the coefficients come in two forms. Tiles work with `coefficient_count()`
/// numbers: the functions of h A for the step lengths that are held, then the nonlinear part. Where these
/// differ from tile to tile (StepScope::tile) tiles add up in another form, of `shared_count()` numbers: A
/// itself, then the nonlinear part. For StepScope::table both are the same.
template <class Real>
class Dynamics {
 public:
  /// `method` must not be automatic (see choose_method). Keeps a reference to the model. Raises OptionError
  /// (scheme) as program_of() does, and for a map where a step length is not 1 or
  /// the model is of second order.
  ///
  /// DynamicsMode::slow: the slow variables alone by dopri5, whose steps are of order 1 / eps; the fast ones
  /// must be zero and stay so. There are no coefficients of the linear part then. Raises UsageError
  /// where the model is not fast-slow.
  Dynamics(const BasicModel<Real>& model, const IntegratorOptions& options, StepTable table,
           MatrixFunctionMethod method, StepScope scope = StepScope::table,
           DynamicsMode mode = DynamicsMode::full);

  const BasicModel<Real>& model() const { return assembled_.model(); }
  const StepTable& table() const { return table_; }
  StepScope scope() const { return scope_; }
  Scheme scheme() const { return scheme_; }
  const Integrator<Real>& integrator() const { return integrator_; }

  /// The scheme with its own estimate of the error of a step; null where it has none.
  const Integrator<Real>* estimating_integrator() const { return estimating_ ? &*estimating_ : nullptr; }

  /// What a step works with.
  StepContext<Real> context(const ExecSpace& space, Scratch<Real>& scratch) const {
    return {space, linear_.get(), slow_ ? *slow_ : model().nonlinear(), assembled_.nonlinear(), scratch};
  }

  /// Assembles all coefficients of the dynamics from theta. Raises NumericalError where they are not finite.
  void set_parameters(std::span<const double> theta);

  /// Renumbers the steps of a tile and holds the functions of these step lengths alone; nothing for
  /// StepScope::table. Raises NumericalError as set_parameters does.
  void hold(RolloutSteps<Real>& steps);

  /// Length of the adjoint of the coefficients: those of the linear part, then those of the nonlinear part.
  std::size_t coefficient_count() const { return linear_count() + model().nonlinear().coefficient_count(); }
  std::size_t linear_count() const { return linear_ ? linear_->coefficient_count() : 0; }
  std::size_t shared_count() const { return shared_linear() + model().nonlinear().coefficient_count(); }

  /// shared (shared_count(), overwritten) = the adjoint of the shared form, from that of the coefficients.
  void share_bar(std::span<const double> bar, std::span<double> shared);

  /// dot (coefficient_count(), overwritten) = the tangent of the coefficients, from that of the shared form.
  void spread_dot(std::span<const double> shared, std::span<double> dot);

  /// theta_bar += the pull-back of the adjoint of the shared form, for the last theta.
  void assemble_vjp(std::span<const double> theta, std::span<const double> bar, std::span<double> theta_bar);

  /// dot (shared_count()) = the tangent of the shared form in the direction theta_dot, for the last theta;
  /// overwritten.
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot, std::span<double> dot);

 private:
  std::size_t shared_linear() const {
    return scope_ == StepScope::tile ? assembled_.linear().size() : linear_count();
  }
  void move_linear(std::span<const double> A_dot, std::span<double> dot);

  AssembledModel<Real> assembled_;
  StepTable table_;
  StepScope scope_;
  Scheme scheme_;
  std::optional<NonlinearTerms<Real>> slow_;  // the terms of DynamicsMode::slow
  Integrator<Real> integrator_;
  std::optional<Integrator<Real>> estimating_;
  std::unique_ptr<LinearPart<Real>> linear_;  // null without a linear part
  std::vector<double> A_other_;               // an adjoint or tangent of A
  std::vector<std::uint32_t> taken_;          // numbers in the table of the steps that are held
  std::vector<double> held_;                  // and their lengths, StepScope::tile
};

}  // namespace spnode::core
