#pragma once
/// The linear half of du/dt = A u + g(u) - A r(u) as integrators see it: a few functions of h A that act on a
/// tile.

#include "core/components/point.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/stack.hpp"
#include "core/memory/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spnode::core {

/// What the right-hand side A u + g(u) - A r(u) consists of. The nonlinear rows stack [g; r], each n rows
/// where present.
struct SplitShape {
  std::size_t n = 0;
  bool has_plain = false, has_relaxed = false;
  bool has_linear = true;
  bool varies = false;  ///< A depends on the state: A = A(u)
  bool moves = false;   ///< f depends on arguments that are not constant along a trajectory
  std::size_t rows() const { return n * (std::size_t(has_plain) + std::size_t(has_relaxed)); }
};

/// A function of A and the step length h that a scheme needs.
struct OperatorSpec {
  enum class Kind {
    /// [u; N_1; ...; N_s] with nonlinear parts N_j = [g_j; r_j] goes to
    /// phi_0(c h A) u + h sum_k phi_k(c h A) sum_j weight_kj (g_j - A r_j), c = 1 or 1/2.
    exponential,
    resolvent,  ///< x goes to (I - c h A)^{-1} x
    generator   ///< x goes to A x
  };
  Kind kind;
  double c = 1.0;
  std::vector<std::vector<double>> weight = {};  ///< weight[k - 1][j - 1]: of N_j beside phi_k

  std::size_t terms() const { return weight.size(); }
  std::size_t evaluations() const { return weight.empty() ? 0 : weight.front().size(); }

  bool operator==(const OperatorSpec&) const = default;
};

/// For which step lengths functions of A exist at a time.
enum class StepScope {
  table,  ///< all that the data hold: right where tiles share them
  tile    ///< those of the tile that is computed: right where every window has its own
};

/// The step that each lane of a tile takes.
template <class Real>
struct StepLengths {
  ConstVectorView<Real> h;  ///< (lanes), time; either sign
  Kokkos::View<const std::uint32_t*, Device, Unmanaged>
      index;                ///< (lanes), which of the distinct step lengths
  std::uint32_t first = 0;  ///< index(0), known on the host
  bool uniform = true;      ///< every lane takes step `first`

  KOKKOS_FUNCTION std::uint32_t of(std::size_t lane) const { return uniform ? first : index(lane); }
};

/// Acts with the operators of a scheme. Between two calls of assemble or set_steps its state is constant and
/// may be shared by tiles; adjoints of its coefficients go to a vector of the caller.
template <class Real>
class LinearPart {
 public:
  virtual ~LinearPart() = default;

  /// Length of the coefficients whose adjoint apply_vjp accumulates.
  virtual std::size_t coefficient_count() const = 0;

  /// Takes the coefficients of A on the host: those of the structure that the part is for
  /// (core/matrix_functions/structured_matrix.hpp). Raises NumericalError where an operator does not exist.
  virtual void assemble(std::span<const double> A) = 0;

  /// Takes the step lengths that StepLengths::index counts from now on, in place of those before, for the A
  /// of the last assemble. What a step length does depends on no other one. Parts whose coefficients are
  /// those of A need not know. Raises NumericalError as assemble does.
  virtual void set_steps(const std::vector<double>& /*steps*/) {}

  /// A_bar += (d coefficients / d A)^T bar, for the A of the last assemble.
  virtual void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) = 0;

  /// dot = (d coefficients / d A) A_dot, for the A of the last assemble; overwritten.
  virtual void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) = 0;

  /// Which operator acts, for which steps, and the point x at which an operator A(x) is taken. Parts whose A
  /// is the same everywhere do not look at the point, nor at its adjoint and tangent.
  struct Action {
    std::size_t op;
    StepLengths<Real> steps;
    Point<Real> at;
  };

  struct Value {
    Action action;
    ConstMatrixStack<Real> X;
    MatrixView<Real> out;  ///< (n, lanes) = the operator applied to X; overwritten
  };
  virtual void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const = 0;

  /// The arguments of a reverse sweep of one apply.
  struct Reverse {
    Action action;
    ConstMatrixStack<Real> X;
    ConstMatrixView<Real> out_bar;
    MatrixStack<Real> X_bar;  ///< block by block as X, +=
    VectorView<Real> bar;     ///< coefficient_count(), +=
    MatrixView<Real> at_bar;  ///< of the state of the point, +=; may be a block of X_bar
  };
  virtual void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const = 0;

  /// The arguments of a tangent of one apply.
  struct Tangent {
    Action action;
    ConstMatrixStack<Real> X, X_dot;  ///< the same blocks
    ConstVectorView<Real> dot;        ///< of the coefficients, coefficient_count()
    ConstMatrixView<Real> at_dot;     ///< of the state of the point
    MatrixView<Real> out_dot;         ///< (n, lanes), overwritten
  };
  virtual void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const = 0;

  /// The arguments of a reverse sweep of out_dot = A X_dot + A' X, where the action is A itself and A' its
  /// tangent along at_dot with fixed coefficients: second derivatives of a right-hand side.
  struct TangentReverse {
    Action action;
    ConstMatrixView<Real> at_dot, X, X_dot, out_dot_bar;
    MatrixView<Real> at_bar, at_dot_bar, X_bar, X_dot_bar;  ///< +=; may be the same
    VectorView<Real> bar;                                   ///< coefficient_count(), +=
  };
  /// As it is for an A that is the same everywhere.
  virtual void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                             Scratch<Real>& scratch) const {
    apply_vjp(
        space,
        {reverse.action, reverse.X_dot, reverse.out_dot_bar, reverse.X_dot_bar, reverse.bar, reverse.at_bar},
        scratch);
  }

  /// The arguments of the tangent of the same out_dot along the coefficients, with fixed at_dot, X and X_dot.
  struct TangentTangent {
    Action action;
    ConstMatrixView<Real> at_dot, X, X_dot;
    ConstVectorView<Real> dot;     ///< of the coefficients, coefficient_count()
    MatrixView<Real> out_dot_dot;  ///< (n, lanes), overwritten
  };
  /// As it is for an A that is the same everywhere.
  virtual void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                             Scratch<Real>& scratch) const {
    const ScratchFrame frame(scratch);
    const MatrixView<Real> zero = scratch.matrix(tangent.X_dot.extent(0), tangent.X_dot.extent(1));
    fill(space, 0.0, zero);
    const ConstMatrixView<Real> fixed = zero;
    apply_jvp(space, {tangent.action, tangent.X_dot, fixed, tangent.dot, fixed, tangent.out_dot_dot},
              scratch);
  }
};

}  // namespace spnode::core
