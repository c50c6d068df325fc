#pragma once
/// Where a model meets an integrator: the assembled coefficients of both, ready for tiles.

#include "core/integrators/integrator.hpp"
#include "core/linear/step_table.hpp"
#include "core/vector_field/model.hpp"

#include <cstddef>
#include <memory>
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
/// Both methods run at about the same rate, so that the faster one is taken except within a factor of three
/// of the break-even, where at most half of the time is lost (n = 16 .. 1024, benchmark_matrix_functions).
///
/// Blocks have closed forms and count as dense; of low-rank operators only products are formed. Raises
/// UsageError where the options ask for the other one.
MatrixFunctionMethod choose_method(const IntegratorOptions& options, const RateShape& shape,
                                   const StepTable& table, const StructuredMatrix& A, std::size_t lane_steps);

/// Which halves of a rate a model's nonlinear terms fill.
template <class Real>
RateShape rate_shape(const NonlinearTerms<Real>& terms) {
  return {terms.dimension(), terms.has_plain(), terms.has_relaxed()};
}

/// The nonlinear terms of a model with assembled coefficients.
template <class Real>
class ModelRate final : public NonlinearPart<Real> {
 public:
  using typename NonlinearPart<Real>::Reverse;
  using typename NonlinearPart<Real>::Tangent;

  explicit ModelRate(const NonlinearTerms<Real>& terms)
      : terms_(terms), kappa_("spnode::core::ModelRate", terms.coefficient_count()) {}

  Vector<Real>& coefficients() { return kappa_; }
  RateShape shape() const override { return rate_shape(terms_); }
  std::size_t tape_rows() const override { return terms_.tape_rows(); }
  void apply(const ExecSpace& space, ConstMatrixView<Real> u, MatrixView<Real> rate, MatrixView<Real> tape,
             Scratch<Real>& scratch) const override {
    terms_.apply(space, kappa_, u, rate, tape, scratch);
  }
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override {
    terms_.apply_vjp(space, {kappa_, reverse.u, reverse.tape, reverse.rate_bar, reverse.u_bar, reverse.bar},
                     scratch);
  }
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override {
    terms_.apply_jvp(space, {kappa_, tangent.dot, tangent.u, tangent.u_dot, tangent.tape, tangent.rate_dot},
                     scratch);
  }

 private:
  const NonlinearTerms<Real>& terms_;
  Vector<Real> kappa_;
};

/// A model's latent dynamics under a scheme, for the step lengths of a table.
///
/// Adjoints and tangents of the coefficients come in two forms. Tiles work with `coefficient_count()`
/// numbers: the functions of h A for the step lengths that are held, then the nonlinear part. Where these
/// differ from tile to tile (StepScope::tile) tiles add up in another form, of `shared_count()` numbers: A
/// itself, then the nonlinear part. For StepScope::table both are the same.
template <class Real>
class Dynamics {
 public:
  /// `method` must not be automatic (see choose_method). Keeps a reference to the model.
  Dynamics(const BasicModel<Real>& model, const IntegratorOptions& options, StepTable table,
           MatrixFunctionMethod method, StepScope scope = StepScope::table);

  const BasicModel<Real>& model() const { return model_; }
  const StepTable& table() const { return table_; }
  StepScope scope() const { return scope_; }
  const Integrator<Real>& integrator() const { return *integrator_; }
  const LinearPart<Real>& linear() const { return *linear_; }
  const ModelRate<Real>& rate() const { return rate_; }

  /// Assembles all coefficients of the dynamics from theta. Raises NumericalError where they are not finite.
  void set_parameters(std::span<const double> theta);

  /// Renumbers the steps of a tile and holds the functions of these step lengths alone; nothing for
  /// StepScope::table. Raises NumericalError as set_parameters does.
  void hold(TileSteps<Real>& steps);

  /// Length of the adjoint of the coefficients: those of the linear part, then those of the nonlinear part.
  std::size_t coefficient_count() const {
    return linear_->coefficient_count() + model_.nonlinear().coefficient_count();
  }
  std::size_t shared_count() const { return shared_linear() + model_.nonlinear().coefficient_count(); }

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
    return scope_ == StepScope::tile ? A_.size() : linear_->coefficient_count();
  }
  void move_linear(std::span<const double> A_dot, std::span<double> dot);

  const BasicModel<Real>& model_;
  StepTable table_;
  StepScope scope_;
  ModelRate<Real> rate_;
  std::unique_ptr<Integrator<Real>> integrator_;
  std::unique_ptr<LinearPart<Real>> linear_;
  std::vector<double> A_, A_other_, kappa_;  // A_other_: an adjoint or tangent of A_
  std::vector<std::uint32_t> taken_;         // numbers in the table of the steps that are held
  std::vector<double> held_;                 // and their lengths, StepScope::tile
};

}  // namespace spnode::core
