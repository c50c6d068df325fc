#include "core/integrators/stage_program.hpp"

#include <algorithm>
#include <utility>

namespace spnode::core {

StageProgram::Register StageProgram::add(Instruction instruction, Content content) {
  instruction.to = holds.size();
  holds.push_back(content);
  instructions.push_back(std::move(instruction));
  return instructions.back().to;
}

std::size_t StageProgram::abscissa_of(double c) {
  const auto known = std::ranges::find(abscissae, c);
  const std::size_t number = std::size_t(known - abscissae.begin());
  if (known == abscissae.end()) abscissae.push_back(c);
  return number;
}

StageProgram::Register StageProgram::evaluate(Register at, double abscissa) {
  return add({Instruction::Kind::evaluate, 0, at, abscissa_of(abscissa)}, Content::values);
}

StageProgram::Register StageProgram::apply(std::size_t op, std::vector<Term> arguments, Register at,
                                           double abscissa) {
  return add({Instruction::Kind::apply, 0, at, abscissa_of(abscissa), op, std::move(arguments)});
}

StageProgram::Register StageProgram::combine(std::vector<Term> terms) {
  const bool copy =
      terms.size() == 1 && terms[0].factor == 1.0 && !terms[0].times_step && terms[0].rows == Rows::all;
  if (copy) return terms[0].from;
  return add({Instruction::Kind::combine, 0, start, 0, 0, std::move(terms)});
}

StageProgram::Register StageProgram::slope(Register at, double abscissa) {
  return add({Instruction::Kind::slope, 0, at, abscissa_of(abscissa)});
}

StageProgram::Register StageProgram::drift(Register slope) {
  for (std::size_t k = 0; k < slope_abscissae.size(); ++k)
    slope_abscissae[k] = abscissa_of(ArgumentSlope().at[k]);
  return add({Instruction::Kind::drift, 0, start, 0, 0, {{slope}}});
}

StageProgram::Register StageProgram::linearise(Register slope, double factor) {
  return add({Instruction::Kind::linearise, 0, start, 0, 0, {{slope, factor, true}}}, Content::matrix);
}

StageProgram::Register StageProgram::solve(Register matrix, Register right) {
  return add({Instruction::Kind::solve, 0, matrix, 0, 0, {{right}}});
}

bool StageProgram::takes_field() const {
  return std::ranges::any_of(instructions, [](const Instruction& instruction) {
    return instruction.kind == Instruction::Kind::slope;
  });
}

void StageProgram::add_next(std::vector<Term> terms) {
  instructions.push_back({Instruction::Kind::combine, next, start, 0, 0, std::move(terms)});
}

void StageProgram::last_is_next() {
  instructions.back().to = next;
  holds.pop_back();
}

StageProgram StageProgram::without_error() const {
  StageProgram program = *this;
  program.error.clear();
  program.instructions.clear();
  std::vector<bool> needed(holds.size(), false);
  needed[next] = true;
  for (std::size_t i = instructions.size(); i-- > 0;) {
    const Instruction& instruction = instructions[i];
    if (!needed[instruction.to]) continue;
    program.instructions.insert(program.instructions.begin(), instruction);
    if (instruction.kind != Instruction::Kind::combine) needed[instruction.at] = true;
    for (const Term& term : instruction.terms) needed[term.from] = true;
  }
  return program;
}

}  // namespace spnode::core
