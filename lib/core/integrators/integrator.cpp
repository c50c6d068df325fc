#include "core/integrators/integrator.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"

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

}  // namespace

template <class Real>
Integrator<Real>::Integrator(StageProgram program, const SplitShape& shape, std::size_t value_tape_rows)
    : program_(std::move(program)), shape_(shape), value_tape_rows_(value_tape_rows) {
  place_values();
  place_bars();
}

// The reverse sweep needs the states of evaluations and the arguments of operators: these go on the tape.
template <class Real>
void Integrator<Real>::place_values() {
  slots_.resize(program_.holds_values.size());
  for (const Instruction& instruction : program_.instructions) {
    if (instruction.kind == Kind::combine) continue;
    slots_[instruction.at].on_tape = true;
    if (instruction.kind == Kind::apply)
      for (const Term& term : instruction.terms) slots_[term.from].on_tape = true;
  }
  for (const Instruction& instruction : program_.instructions) {
    inner_row_.push_back(0);
    if (instruction.to != StageProgram::next) {
      Slot& slot = slots_[instruction.to];
      std::size_t& rows = slot.on_tape ? tape_rows_ : work_rows_;
      slot.row = rows;
      rows += rows_of_register(instruction.to);
    }
    if (instruction.kind != Kind::evaluate) continue;
    inner_row_.back() = tape_rows_;
    tape_rows_ += value_tape_rows_;
  }
}

// An adjoint lives from the last use of a register to the instruction that writes it; rows are used again.
template <class Real>
void Integrator<Real>::place_bars() {
  const std::size_t count = program_.holds_values.size();
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
        context.nonlinear.apply(
            context.space,
            {context.nonlinear_coefficients, point, to, rows_of(tape, inner_row_[i], value_tape_rows_)},
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
      context.nonlinear.apply_vjp(
          context.space,
          {context.nonlinear_coefficients, point, rows_of(tape, inner_row_[i], value_tape_rows_), to_bar,
           bar_of(instruction.at), adjoint.nonlinear_bar},
          context.scratch);
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
                                   dots[instruction.at], rows_of(tape, inner_row_[i], value_tape_rows_), to},
                                  context.scratch);
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
