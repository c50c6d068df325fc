#include "core/integrators/integrator.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lane_products.hpp"
#include "core/kernels/lanes.hpp"
#include "core/matrix_functions/lane_solve.hpp"
#include "core/vector_field/lane_jacobian.hpp"

#include <algorithm>
#include <utility>

namespace spnode::core {
namespace {

using Kind = StageProgram::Instruction::Kind;
using Rows = StageProgram::Rows;

/// One term, factor X or factor h X, of a row of lanes.
template <class Real>
struct Summand {
  ConstMatrixView<Real> X;
  Real factor = 0;
  bool times_step = false;
};

template <class Real>
struct Summands {
  static constexpr std::size_t most = 20;
  Kokkos::Array<Summand<Real>, most> of;
  std::size_t count = 0;
};

/// Y = the sum, term after term.
template <class Real>
void sum_up(const ExecSpace& space, const Summands<Real>& terms, const ConstVectorView<Real>& h,
            const MatrixView<Real>& Y) {
  for_each_row(
      "combine", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        Real* const __restrict y = &Y(i, 0);
        for (std::size_t k = 0; k < terms.count; ++k) {
          const Summand<Real>& term = terms.of[k];
          const Real* const x = &term.X(i, 0);
          const Real f = term.factor;
          if (term.times_step) {
            if (k == 0)
              for (std::size_t l = first; l < last; ++l) y[l] = f * h(l) * x[l];
            else
              for (std::size_t l = first; l < last; ++l) y[l] += f * h(l) * x[l];
          } else {
            if (k == 0)
              for (std::size_t l = first; l < last; ++l) y[l] = f * x[l];
            else
              for (std::size_t l = first; l < last; ++l) y[l] += f * x[l];
          }
        }
      });
}

/// X_bar += factor Y_bar or factor h Y_bar.
template <class Real>
void add_summand_vjp(const ExecSpace& space, const StageProgram::Term& term, const ConstVectorView<Real>& h,
                     const ConstMatrixView<Real>& Y_bar, const MatrixView<Real>& X_bar) {
  if (!term.times_step) return axpy(space, term.factor, Y_bar, X_bar);
  const Real f = Real(term.factor);
  for_each_row(
      "combine_vjp", space, X_bar.extent(0), X_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) X_bar(i, l) += f * h(l) * Y_bar(i, l);
      });
}

/// J = factor h J, plus one on the diagonals where `identity`; J (n^2, lanes) are matrices of lanes.
template <class Real>
void scale_matrices(const ExecSpace& space, double factor, const ConstVectorView<Real>& h, bool identity,
                    std::size_t n, const MatrixView<Real>& J) {
  const Real f = Real(factor);
  for_each_row(
      "scale_matrices", space, n * n, J.extent(1),
      KOKKOS_LAMBDA(const std::size_t entry, const std::size_t first, const std::size_t last) {
        const Real one = identity && entry % (n + 1) == 0 ? Real(1) : Real(0);
        for (std::size_t l = first; l < last; ++l) J(entry, l) = one + f * h(l) * J(entry, l);
      });
}

/// The matrices of a register that holds them with their pivots.
template <class View>
View matrices(const View& all, std::size_t n) {
  return rows_of(all, 0, n * n);
}

/// What the adjoint of k = M^{-1} r works with.
template <class Real>
struct SolveReverse {
  ConstMatrixView<Real> factors, k, k_bar;
  MatrixView<Real> r_bar, M_bar;  ///< +=
};

/// With s = M^{-T} k_bar: r_bar += s and M_bar -= s k^T.
template <class Real>
void solve_vjp(const StepContext<Real>& context, const SolveReverse<Real>& reverse) {
  const ScratchFrame frame(context.scratch);
  const std::size_t n = reverse.k.extent(0), lanes = reverse.k.extent(1);
  const MatrixView<Real> s = context.scratch.matrix(n, lanes), minus = context.scratch.matrix(n, lanes);
  scaled_copy(context.space, 1.0, reverse.k_bar, s);
  solve_factored<Real>(context.space, reverse.factors, Transpose::yes, s);
  axpy(context.space, 1.0, s, reverse.r_bar);
  scaled_copy(context.space, -1.0, s, minus);
  add_lane_outer<Real>(context.space, minus, reverse.k, reverse.M_bar);
}

/// k_dot = M^{-1} (r_dot - M_dot k).
template <class Real>
void solve_jvp(const StepContext<Real>& context, const ConstMatrixView<Real>& factors,
               const ConstMatrixView<Real>& k, const ConstMatrixView<Real>& M_dot,
               const ConstMatrixView<Real>& r_dot, const MatrixView<Real>& k_dot) {
  const ScratchFrame frame(context.scratch);
  const MatrixView<Real> product = context.scratch.matrix(k.extent(0), k.extent(1));
  fill(context.space, 0.0, product);
  add_lane_product<Real>(context.space, M_dot, k, product);
  scaled_copy(context.space, 1.0, r_dot, k_dot);
  axpy(context.space, -1.0, product, k_dot);
  solve_factored<Real>(context.space, factors, Transpose::no, k_dot);
}

}  // namespace

template <class Real>
Integrator<Real>::Integrator(StageProgram program, const SplitShape& shape, std::size_t value_tape_rows)
    : program_(std::move(program)), shape_(shape), value_tape_rows_(value_tape_rows) {
  place_values();
  place_bars();
}

template <class Real>
std::size_t Integrator<Real>::rows_of_register(Register r) const {
  switch (program_.holds[r]) {
    case StageProgram::Content::state:
      return shape_.n;
    case StageProgram::Content::values:
      return shape_.rows();
    case StageProgram::Content::matrix:
      return shape_.n * shape_.n + shape_.n;  // factors and pivots
  }
  return 0;
}

// The reverse sweep needs the states of evaluations, the arguments of operators, factored matrices and the
// solutions of their systems: these go on the tape.
template <class Real>
void Integrator<Real>::place_values() {
  slots_.resize(program_.holds.size());
  inner_row_.resize(slots_.size());
  inner_rows_.resize(slots_.size());
  for (const Instruction& instruction : program_.instructions) {
    if (instruction.kind == Kind::combine) continue;
    slots_[instruction.at].on_tape = true;
    if (instruction.kind == Kind::apply)
      for (const Term& term : instruction.terms) slots_[term.from].on_tape = true;
    if (instruction.kind == Kind::solve) slots_[instruction.to].on_tape = true;
  }
  for (const Instruction& instruction : program_.instructions) {
    if (instruction.to != StageProgram::next) {
      Slot& slot = slots_[instruction.to];
      std::size_t& rows = slot.on_tape ? tape_rows_ : work_rows_;
      slot.row = rows;
      rows += rows_of_register(instruction.to);
    }
    if (instruction.kind != Kind::evaluate && instruction.kind != Kind::slope) continue;
    inner_row_[instruction.to] = tape_rows_;
    inner_rows_[instruction.to] =
        value_tape_rows_ + (instruction.kind == Kind::slope ? shape_.rows() : std::size_t{0});
    tape_rows_ += inner_rows_[instruction.to];
  }
}

// An adjoint lives from the last use of a register to the instruction that writes it; rows are used again.
template <class Real>
void Integrator<Real>::place_bars() {
  const std::size_t count = program_.holds.size();
  bar_row_.assign(count, 0);
  begins_.resize(program_.instructions.size());
  std::vector<bool> alive(count, false);
  std::vector<std::pair<std::size_t, std::size_t>> free;  // first row, rows
  const auto begin = [&](Register r, std::size_t instruction) {
    if (r == StageProgram::start || alive[r]) return;
    alive[r] = true;
    begins_[instruction].push_back(r);
    const auto fits =
        std::ranges::find_if(free, [&](const auto& gap) { return gap.second == rows_of_register(r); });
    if (fits != free.end()) {
      bar_row_[r] = fits->first;
      free.erase(fits);
    } else {
      bar_row_[r] = bar_rows_;
      bar_rows_ += rows_of_register(r);
    }
  };
  for (std::size_t i = program_.instructions.size(); i-- > 0;) {
    const Instruction& instruction = program_.instructions[i];
    if (instruction.kind != Kind::combine) begin(instruction.at, i);
    for (const Term& term : instruction.terms) begin(term.from, i);
    if (instruction.to != StageProgram::next)
      free.emplace_back(bar_row_[instruction.to], rows_of_register(instruction.to));
  }
}

template <class Real>
template <class View>
View Integrator<Real>::part(const View& whole, Rows rows) const {
  if (rows == Rows::all) return whole;
  return rows_of(whole, rows == Rows::relaxed && shape_.has_plain ? shape_.n : 0, shape_.n);
}

// h dq/dt at the start of the step, (m, lanes) of scratch.
template <class Real>
MatrixView<Real> Integrator<Real>::argument_slope(const StepContext<Real>& context,
                                                  const Step<Real>& step) const {
  const StageArguments<Real>& q = step.arguments;
  const MatrixView<Real> slope = context.scratch.matrix(q.all.extent(0), q.lanes);
  fill(context.space, 0.0, slope);
  for (std::size_t k = 0; k < program_.slope_abscissae.size(); ++k)
    axpy(context.space, StageProgram::ArgumentSlope().weight[k], q.at(program_.slope_abscissae[k]), slope);
  return slope;
}

/// The registers of one step: u and next are the caller's, the others stand on the tape or in scratch.
template <class Real>
struct Integrator<Real>::Registers {
  const Integrator& scheme;
  ConstMatrixView<Real> u;
  MatrixView<Real> next;
  MatrixView<Real> tape, work;

  MatrixView<Real> writable(Register r) const {
    if (r == StageProgram::next) return next;
    const Slot& slot = scheme.slots_[r];
    return rows_of(slot.on_tape ? tape : work, slot.row, scheme.rows_of_register(r));
  }
  ConstMatrixView<Real> operator[](Register r) const {
    return r == StageProgram::start ? u : ConstMatrixView<Real>(writable(r));
  }
  ConstMatrixView<Real> of(const Term& term) const { return scheme.part((*this)[term.from], term.rows); }
  ConstMatrixStack<Real> stack(const std::vector<Term>& terms) const {
    ConstMatrixStack<Real> X(of(terms.front()));
    for (std::size_t i = 1; i < terms.size(); ++i) X.push_back(of(terms[i]));
    return X;
  }
  Summands<Real> sum(const std::vector<Term>& terms) const {
    Summands<Real> summands;
    for (const Term& term : terms)
      summands.of[summands.count++] = {of(term), Real(term.factor), term.times_step};
    return summands;
  }
};

// Where an instruction is linearised, with f alive for as long as that is used.
template <class Real>
struct Integrator<Real>::Linearised {
  Linearised(const Integrator& scheme, const StepContext<Real>& context, const Instruction& instruction,
             const Point<Real>& point, const ConstMatrixView<Real>& tape)
      : f(scheme.right_hand_side(context)),
        at{f, point, scheme.inner_tape(tape, instruction.terms[0].from)},
        factor(-instruction.terms[0].factor) {}

  RightHandSide<Real> f;
  LinearisedAt<Real> at;
  double factor;  // of h J in the matrix
};

template <class Real>
void Integrator<Real>::linearised(const StepContext<Real>& context, const Step<Real>& step,
                                  const Instruction& instruction, const Point<Real>& point,
                                  ConstMatrixView<Real> tape, MatrixView<Real> to) const {
  const ScratchFrame frame(context.scratch);
  const Linearised here(*this, context, instruction, point, tape);
  if (instruction.kind == Kind::drift)
    return argument_product<Real>(context.space, here.at, argument_slope(context, step), to, context.scratch);
  const MatrixView<Real> M = matrices(to, shape_.n);
  lane_jacobian<Real>(context.space, here.at, M, context.scratch);
  scale_matrices<Real>(context.space, here.factor, step.lengths.h, true, shape_.n, M);
  factor_lanes<Real>(context.space, shape_.n, to);
}

// Uses to_bar up.
template <class Real>
void Integrator<Real>::linearised_vjp(const StepContext<Real>& context, const Step<Real>& step,
                                      const Instruction& instruction, const Point<Real>& point,
                                      ConstMatrixView<Real> tape, MatrixView<Real> to_bar,
                                      MatrixView<Real> at_bar, const StepAdjoint<Real>& adjoint) const {
  const ScratchFrame frame(context.scratch);
  const Linearised here(*this, context, instruction, point, tape);
  const typename RightHandSide<Real>::Bars bars{adjoint.linear_bar, adjoint.nonlinear_bar};
  if (instruction.kind == Kind::drift)
    return argument_product_vjp<Real>(context.space, here.at, argument_slope(context, step), to_bar, at_bar,
                                      bars, context.scratch);
  const MatrixView<Real> M_bar = matrices(to_bar, shape_.n);
  scale_matrices<Real>(context.space, here.factor, step.lengths.h, false, shape_.n, M_bar);
  lane_jacobian_vjp<Real>(context.space, here.at, M_bar, at_bar, bars, context.scratch);
}

template <class Real>
void Integrator<Real>::linearised_jvp(const StepContext<Real>& context, const Step<Real>& step,
                                      const Instruction& instruction, const Point<Real>& point,
                                      ConstMatrixView<Real> tape, ConstMatrixView<Real> at_dot,
                                      const StepTangent<Real>& tangent, MatrixView<Real> to_dot) const {
  const ScratchFrame frame(context.scratch);
  const Linearised here(*this, context, instruction, point, tape);
  const typename RightHandSide<Real>::Dots dots{tangent.linear_dot, tangent.nonlinear_dot};
  if (instruction.kind == Kind::drift)
    return argument_product_jvp<Real>(context.space, here.at, argument_slope(context, step), at_dot, dots,
                                      to_dot, context.scratch);
  const MatrixView<Real> M_dot = matrices(to_dot, shape_.n);
  lane_jacobian_jvp<Real>(context.space, here.at, at_dot, dots, M_dot, context.scratch);
  scale_matrices<Real>(context.space, here.factor, step.lengths.h, false, shape_.n, M_dot);
}

template <class Real>
void Integrator<Real>::step(const StepContext<Real>& context, const Step<Real>& step, ConstMatrixView<Real> u,
                            MatrixView<Real> next, MatrixView<Real> tape, MatrixView<Real> error) const {
  const ScratchFrame frame(context.scratch);
  const Registers at{*this, u, next, tape, context.scratch.matrix(work_rows_, u.extent(1))};
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    const Instruction& instruction = program_.instructions[i];
    const MatrixView<Real> to = at.writable(instruction.to);
    const Point<Real> point(at[instruction.at], step.arguments.at(instruction.abscissa));
    switch (instruction.kind) {
      case Kind::evaluate:
        context.nonlinear.apply(context.space,
                                {context.nonlinear_coefficients, point, to,
                                 rows_of(tape, inner_row_[instruction.to], value_tape_rows_)},
                                context.scratch);
        break;
      case Kind::apply:
        context.linear->apply(context.space,
                              {{instruction.op, step.lengths, point}, at.stack(instruction.terms), to},
                              context.scratch);
        break;
      case Kind::combine:
        sum_up<Real>(context.space, at.sum(instruction.terms), step.lengths.h, to);
        break;
      case Kind::slope:
        right_hand_side(context).value(context.space, point, to,
                                       rows_of(tape, inner_row_[instruction.to], inner_rows_[instruction.to]),
                                       context.scratch);
        break;
      case Kind::drift:
      case Kind::linearise:
        linearised(context, step, instruction, point, tape, to);
        break;
      case Kind::solve:
        scaled_copy(context.space, 1.0, at.of(instruction.terms[0]), to);
        solve_factored<Real>(context.space, at[instruction.at], Transpose::no, to);
        break;
    }
  }
  if (error.extent(0) > 0) sum_up<Real>(context.space, at.sum(program_.error), step.lengths.h, error);
}

template <class Real>
void Integrator<Real>::step_vjp(const StepContext<Real>& context, const Step<Real>& step,
                                ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                const StepAdjoint<Real>& adjoint) const {
  const ScratchFrame frame(context.scratch);
  const MatrixView<Real> bars = context.scratch.matrix(bar_rows_, u.extent(1));
  const auto bar_of = [&](Register r) {
    return r == StageProgram::start ? adjoint.u_bar : rows_of(bars, bar_row_[r], rows_of_register(r));
  };
  const auto value_of = [&](Register r) {
    return r == StageProgram::start ? u : rows_of(tape, slots_[r].row, rows_of_register(r));
  };
  for (std::size_t i = program_.instructions.size(); i-- > 0;) {
    const Instruction& instruction = program_.instructions[i];
    for (const Register r : begins_[i]) fill(context.space, 0.0, bar_of(r));
    const ConstMatrixView<Real> to_bar = instruction.to == StageProgram::next
                                             ? adjoint.next_bar
                                             : ConstMatrixView<Real>(bar_of(instruction.to));
    if (instruction.kind == Kind::combine) {
      for (const Term& term : instruction.terms)
        add_summand_vjp<Real>(context.space, term, step.lengths.h, to_bar,
                              part(bar_of(term.from), term.rows));
      continue;
    }
    const Point<Real> point(value_of(instruction.at), step.arguments.at(instruction.abscissa));
    if (instruction.kind == Kind::evaluate) {
      context.nonlinear.apply_vjp(context.space,
                                  {context.nonlinear_coefficients, point, inner_tape(tape, instruction.to),
                                   to_bar, bar_of(instruction.at), adjoint.nonlinear_bar},
                                  context.scratch);
      continue;
    }
    if (instruction.kind == Kind::slope) {
      right_hand_side(context).vjp(context.space,
                                   {point,
                                    inner_tape(tape, instruction.to),
                                    to_bar,
                                    bar_of(instruction.at),
                                    {adjoint.linear_bar, adjoint.nonlinear_bar}},
                                   context.scratch);
      continue;
    }
    if (instruction.kind == Kind::drift || instruction.kind == Kind::linearise) {
      linearised_vjp(context, step, instruction, point, tape, bar_of(instruction.to), bar_of(instruction.at),
                     adjoint);
      continue;
    }
    if (instruction.kind == Kind::solve) {
      solve_vjp<Real>(context,
                      {value_of(instruction.at), value_of(instruction.to), to_bar,
                       bar_of(instruction.terms[0].from), matrices(bar_of(instruction.at), shape_.n)});
      continue;
    }
    ConstMatrixStack<Real> X;
    MatrixStack<Real> X_bar;
    for (const Term& term : instruction.terms) {
      X.push_back(part(value_of(term.from), term.rows));
      X_bar.push_back(part(bar_of(term.from), term.rows));
    }
    context.linear->apply_vjp(
        context.space,
        {{instruction.op, step.lengths, point}, X, to_bar, X_bar, adjoint.linear_bar, bar_of(instruction.at)},
        context.scratch);
  }
}

template <class Real>
void Integrator<Real>::step_jvp(const StepContext<Real>& context, const Step<Real>& step,
                                ConstMatrixView<Real> u, ConstMatrixView<Real> tape,
                                const StepTangent<Real>& tangent) const {
  const ScratchFrame frame(context.scratch);
  const std::size_t lanes = u.extent(1);
  // Tangents stand in rows of their own, as the values do.
  const Registers dots{*this, tangent.u_dot, tangent.next_dot, context.scratch.matrix(tape_rows_, lanes),
                       context.scratch.matrix(work_rows_, lanes)};
  const auto value_of = [&](Register r) {
    return r == StageProgram::start ? u : rows_of(tape, slots_[r].row, rows_of_register(r));
  };
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    const Instruction& instruction = program_.instructions[i];
    const MatrixView<Real> to = dots.writable(instruction.to);
    if (instruction.kind == Kind::combine) {
      sum_up<Real>(context.space, dots.sum(instruction.terms), step.lengths.h, to);
      continue;
    }
    const Point<Real> point(value_of(instruction.at), step.arguments.at(instruction.abscissa));
    if (instruction.kind == Kind::evaluate) {
      context.nonlinear.apply_jvp(context.space,
                                  {context.nonlinear_coefficients, tangent.nonlinear_dot, point,
                                   dots[instruction.at], inner_tape(tape, instruction.to), to},
                                  context.scratch);
      continue;
    }
    if (instruction.kind == Kind::slope) {
      right_hand_side(context).jvp(context.space,
                                   {point,
                                    dots[instruction.at],
                                    inner_tape(tape, instruction.to),
                                    {tangent.linear_dot, tangent.nonlinear_dot},
                                    to},
                                   context.scratch);
      continue;
    }
    if (instruction.kind == Kind::drift || instruction.kind == Kind::linearise) {
      linearised_jvp(context, step, instruction, point, tape, dots[instruction.at], tangent, to);
      continue;
    }
    if (instruction.kind == Kind::solve) {
      solve_jvp<Real>(context, value_of(instruction.at), value_of(instruction.to),
                      matrices(dots[instruction.at], shape_.n), dots.of(instruction.terms[0]), to);
      continue;
    }
    ConstMatrixStack<Real> X;
    for (const Term& term : instruction.terms) X.push_back(part(value_of(term.from), term.rows));
    context.linear->apply_jvp(context.space,
                              {{instruction.op, step.lengths, point},
                               X,
                               dots.stack(instruction.terms),
                               tangent.linear_dot,
                               dots[instruction.at],
                               to},
                              context.scratch);
  }
}

template class Integrator<double>;
template class Integrator<float>;

}  // namespace spnode::core
