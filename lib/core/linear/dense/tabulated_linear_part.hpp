#pragma once
/// The linear part where nearly every lane has a step length of its own.

#include "core/kernels/lanes.hpp"
#include "core/linear/dense/lane_chain.hpp"
#include "core/linear/linear_part.hpp"
#include "core/linear/step_table.hpp"
#include "core/matrix_functions/phi_nodes.hpp"

#include <vector>

namespace spnode::core {

/// Exponential operators that are never formed for a lane's own step length: what they make of a vector is
/// found by going along the nodes that the step length is put together from (PhiNodes, lane_chain.hpp). All
/// lanes share the nodes' matrices, so that a step length costs a few products with vectors instead of a few
/// dozen products of matrices (benchmark_matrix_functions).
///
/// The coefficients are the matrices of the nodes that the held step lengths need, (n, (p + 1) n) each, then
/// the powers of Delta A (RestSeries). A lane's result depends on its own step length and on A alone. On the
/// host only.
template <class Real>
class TabulatedLinearPart final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;

  /// Whether it can: exponentials alone, no step backwards, and matrices of which a few dozen are not much.
  static bool takes(const std::vector<OperatorSpec>& operators, const StepTable& table, std::size_t n);

  /// Holds no step length yet.
  TabulatedLinearPart(SplitShape shape, std::vector<OperatorSpec> operators);

  std::size_t coefficient_count() const override { return nodes_.count() * node_size() + powers_.size(); }
  void assemble(std::span<const double> A) override;
  void set_steps(const std::vector<double>& steps) override;
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override;
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;

 private:
  /// (constant + per_step h) phi_index + identity I, of the rows of the argument that begin at group n.
  struct Term {
    std::size_t group, index;
    Real constant, per_step, identity;
  };
  struct Work;  // of one operator on one tile

  std::size_t n() const { return shape_.n; }
  std::size_t width() const { return (top_ + 1) * n(); }
  std::size_t node_size() const { return n() * padded<Real>(width()); }
  /// For the operator op.
  NodeTable<Real> table(std::size_t op) const;
  /// (n, degree n), the powers of Delta A or what belongs to them, at `data`.
  template <class Entry>
  MatrixView<Entry> beside(Entry* data) const {
    return MatrixView<Entry>(data, n(), RestSeries<Real>::degree * n());
  }
  RestSeries<Real> series(const ExecSpace& space, const Work& work) const;
  const LaneChain<Real>& chain(std::size_t op, std::size_t step) const {
    return chains_[argument_[op] * steps_.size() + step];
  }
  void set_powers();
  void write_node(std::size_t node);
  void link(const PhiNodes::Split& split);
  void add_arguments(std::size_t op, const StepLengths<Real>& steps, const ConstMatrixStack<Real>& X,
                     MatrixView<Real> V) const;
  void add_identity(std::size_t op, const ConstMatrixStack<Real>& X, MatrixView<Real> out) const;
  void run_lane(std::size_t op, const LaneChain<Real>& chain, const Work& work, std::size_t l) const;
  Work start(const ExecSpace& space, std::size_t op, const StepLengths<Real>& steps,
             const ConstMatrixStack<Real>& X, Scratch<Real>& scratch) const;

  SplitShape shape_;
  std::vector<OperatorSpec> operators_;
  std::vector<std::vector<Term>> terms_;  // of each operator
  std::vector<double> arguments_;         // the c that occur
  std::vector<std::size_t> argument_;     // of each operator, its number among them
  std::vector<std::size_t> tops_;         // of each operator, the largest index of its terms
  std::size_t top_, longest_ = 0;         // p; links of the longest chain
  PhiNodes nodes_;
  std::vector<double> A_, steps_;
  std::vector<PhiNodes::Split> splits_;  // (arguments, steps)
  std::vector<LaneChain<Real>> chains_;  // of these
  std::vector<ChainLink<Real>> links_;
  std::vector<char> written_;                // nodes that stand in the tables
  std::vector<double> powers_, power_bars_;  // of Delta A, side by side
  std::vector<Real> rows_, rounded_powers_;
};

}  // namespace spnode::core
