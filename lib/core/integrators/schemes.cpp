#include "core/integrators/schemes.hpp"

#include "core/support/option.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spnode::core {
namespace {

using Program = StageProgram;
using Register = Program::Register;
using Rows = Program::Rows;
using Term = Program::Term;

ExplicitTableau euler_tableau() { return {1, {{}}, {1.0}}; }

/// The classical scheme of Kutta.
ExplicitTableau rk4_tableau() {
  return {4, {{}, {0.5}, {0.0, 0.5}, {0.0, 0.0, 1.0}}, {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0}};
}

/// Forward-backward Euler: (I - h A) u' = u + h F(u).
ImexTableau imex_euler_tableau() { return {1, {0.0, 1.0}, {{}, {1.0}}, {{}, {0.0}}, {1.0, 0.0}, {0.0, 1.0}}; }

/// ARS(2,2,2) (Ascher, Ruuth and Spiteri, Appl. Numer. Math. 25, 1997, section 2.6).
ImexTableau imex_ars2_tableau() {
  const double gamma = 1.0 - 1.0 / std::sqrt(2.0), delta = 1.0 - 1.0 / (2.0 * gamma);
  return {2,
          {0.0, gamma, gamma},
          {{}, {gamma}, {delta, 1.0 - delta}},
          {{}, {0.0}, {0.0, 1.0 - gamma}},
          {delta, 1.0 - delta, 0.0},
          {0.0, 1.0 - gamma, gamma}};
}

/// Exponential Euler: u' = phi_0 u + h phi_1 N(u). SPNODE-25, eq. (14) with p = 1.
ExponentialTableau etd1_tableau() { return {1, {{1.0, {{1.0}}}}}; }

/// ETD2RK of Cox and Matthews (J. Comput. Phys. 176, 2002), eqs. (20)-(22).
ExponentialTableau etdrk2_tableau() { return {2, {{1.0, {{1.0}}}, {1.0, {{1.0, 0.0}, {-1.0, 1.0}}}}}; }

/// ETDRK4-B of Krogstad (J. Comput. Phys. 203, 2005), eq. (51): like the scheme of Cox and Matthews, of order
/// four, but each stage needs phi functions of one argument only, so that it can be applied matrix-free.
ExponentialTableau etdrk4_tableau() {
  return {4,
          {{0.5, {{0.5}}},
           {0.5, {{0.5, 0.0}, {-1.0, 1.0}}},
           {1.0, {{1.0, 0.0, 0.0}, {-2.0, 0.0, 2.0}}},
           {1.0, {{1.0, 0.0, 0.0, 0.0}, {-3.0, 2.0, 2.0, -1.0}, {4.0, -4.0, -4.0, 4.0}}}}};
}

double sum(const std::vector<double>& row) { return std::accumulate(row.begin(), row.end(), 0.0); }

/// The terms -A r + g of a right-hand side at the state `at`; none without a nonlinear part.
std::vector<Term> nonlinear_terms(Program& program, const SplitShape& shape, Register at, double abscissa,
                                  std::size_t generator) {
  std::vector<Term> terms;
  if (shape.rows() == 0) return terms;
  const Register values = program.evaluate(at, abscissa);
  if (!shape.has_relaxed) return {{values}};
  terms.push_back({program.apply(generator, {{values, 1.0, false, Rows::relaxed}}, at, abscissa), -1.0});
  if (shape.has_plain) terms.push_back({values, 1.0, false, Rows::plain});
  return terms;
}

/// The map u' = N(u).
StageProgram map_program(const SplitShape& shape) {
  if (shape.has_linear)
    throw OptionError({"scheme"}, "is map, which has no linear part; take a model without one");
  Program program;
  program.add_next({{program.evaluate(Program::start, 0.0)}});
  return program;
}

}  // namespace

ExplicitTableau dopri5_tableau() {
  return {5,
          {{},
           {1.0 / 5.0},
           {3.0 / 40.0, 9.0 / 40.0},
           {44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0},
           {19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0},
           {9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0},
           {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0}},
          {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0},
          {5179.0 / 57600.0, 0.0, 7571.0 / 16695.0, 393.0 / 640.0, -92097.0 / 339200.0, 187.0 / 2100.0,
           1.0 / 40.0}};
}

ImexTableau imex_ssp2_tableau() {
  const double gamma = 1.0 - 1.0 / std::sqrt(2.0);
  return {2, {gamma, gamma}, {{}, {1.0}}, {{}, {1.0 - 2.0 * gamma}}, {0.5, 0.5}, {0.5, 0.5}};
}

StageProgram program_of(const ExplicitTableau& tableau, const SplitShape& shape) {
  Program program;
  program.order = tableau.order;
  if (shape.has_linear) program.operators = {{OperatorSpec::Kind::generator}};
  std::vector<Term> slopes;  // f(U_j); factor 0 where the right-hand side is zero
  const auto advanced = [&](const std::vector<double>& weights) {
    std::vector<Term> terms = {{Program::start}};
    for (std::size_t j = 0; j < weights.size(); ++j)
      if (weights[j] * slopes[j].factor != 0.0) terms.push_back({slopes[j].from, weights[j], true});
    return terms;
  };
  for (std::size_t i = 0; i < tableau.b.size(); ++i) {
    const Register U = program.combine(advanced(tableau.a[i]));
    const double c = sum(tableau.a[i]);
    std::vector<Term> terms = nonlinear_terms(program, shape, U, c, 0);
    if (shape.has_linear) terms.push_back({program.apply(0, {{U}}, U, c)});
    if (terms.empty())
      slopes.push_back({Program::start, 0.0});
    else
      slopes.push_back({program.combine(std::move(terms))});
  }
  std::vector<double> difference;
  for (std::size_t i = 0; i < tableau.embedded.size(); ++i)
    difference.push_back(tableau.b[i] - tableau.embedded[i]);
  if (!difference.empty()) {
    program.error = advanced(difference);
    program.error.erase(program.error.begin());
  }
  program.add_next(advanced(tableau.b));
  return program;
}

StageProgram program_of(const ImexTableau& tableau, const SplitShape& shape) {
  Program program;
  program.order = tableau.order;
  const std::size_t stages = tableau.gamma.size();
  std::vector<std::size_t> resolvent;  // operator of each implicit stage
  for (const double gamma : tableau.gamma) {
    const OperatorSpec spec{OperatorSpec::Kind::resolvent, gamma};
    const auto known = std::ranges::find(program.operators, spec);
    resolvent.push_back(std::size_t(known - program.operators.begin()));
    if (gamma != 0.0 && known == program.operators.end()) program.operators.push_back(spec);
  }
  const std::size_t generator = program.operators.size();
  if (shape.has_relaxed) program.operators.push_back({OperatorSpec::Kind::generator});

  std::vector<Register> rhs, U;
  std::vector<std::vector<Term>> F;
  const auto advanced = [&](const std::vector<double>& explicit_part,
                            const std::vector<double>& implicit_part) {
    std::vector<Term> terms = {{Program::start}};
    for (std::size_t j = 0; j < explicit_part.size(); ++j) {
      if (explicit_part[j] != 0.0 && !F[j].empty()) terms.push_back({F[j][0].from, explicit_part[j], true});
      if (implicit_part[j] == 0.0) continue;
      terms.push_back({U[j], implicit_part[j] / tableau.gamma[j]});
      terms.push_back({rhs[j], -implicit_part[j] / tableau.gamma[j]});
    }
    return terms;
  };
  for (std::size_t i = 0; i < stages; ++i) {
    rhs.push_back(program.combine(advanced(tableau.explicit_[i], tableau.implicit_[i])));
    U.push_back(tableau.gamma[i] == 0.0 ? rhs[i]
                                        : program.apply(resolvent[i], {{rhs[i]}}, Program::start, 0.0));
    F.emplace_back();
    if (i + 1 == stages && tableau.explicit_weight[i] == 0.0) continue;
    std::vector<Term> terms = nonlinear_terms(program, shape, U[i], sum(tableau.explicit_[i]), generator);
    if (!terms.empty()) F[i] = {{program.combine(std::move(terms))}};
  }
  program.add_next(advanced(tableau.explicit_weight, tableau.implicit_weight));
  return program;
}

StageProgram program_of(const ExponentialTableau& tableau, const SplitShape& shape) {
  Program program;
  program.order = tableau.order;
  std::vector<Register> values;
  Register U = Program::start;
  double c = 0.0;
  for (const ExponentialTableau::Stage& stage : tableau.stages) {
    const bool last = &stage == &tableau.stages.back();
    // Without a nonlinear part only the last stage is left.
    if (shape.rows() == 0 && !last) continue;
    if (shape.rows() > 0) values.push_back(program.evaluate(U, c));
    // Values that no phi function takes are not passed on.
    std::vector<Term> arguments = {{Program::start}};
    std::vector<std::size_t> used;
    for (std::size_t j = 0; j < values.size(); ++j)
      if (std::ranges::any_of(stage.weight, [j](const auto& row) { return row[j] != 0.0; })) {
        used.push_back(j);
        arguments.push_back({values[j]});
      }
    OperatorSpec spec{OperatorSpec::Kind::exponential, stage.c};
    for (std::size_t k = 0; k < stage.weight.size() && !used.empty(); ++k) {
      auto& weight = spec.weight.emplace_back();
      for (const std::size_t j : used) weight.push_back(stage.weight[k][j]);
    }
    program.operators.push_back(std::move(spec));
    U = program.apply(program.operators.size() - 1, std::move(arguments), Program::start, 0.0);
    c = stage.c;
  }
  program.last_is_next();
  return program;
}

StageProgram program_of(Scheme scheme, const SplitShape& shape) {
  const auto with_linear = [&](const auto& tableau) {
    if (!shape.has_linear)
      throw OptionError({"scheme"}, "is " + std::string(name_of(scheme)) +
                                        ", which needs a linear part; without one take rk4 or dopri5");
    return program_of(tableau, shape);
  };
  switch (scheme) {
    case Scheme::etd1:
      return with_linear(etd1_tableau());
    case Scheme::etdrk2:
      return with_linear(etdrk2_tableau());
    case Scheme::etdrk4:
      return with_linear(etdrk4_tableau());
    case Scheme::imex_euler:
      return with_linear(imex_euler_tableau());
    case Scheme::imex_ssp2:
      return with_linear(imex_ssp2_tableau());
    case Scheme::imex_ars2:
      return with_linear(imex_ars2_tableau());
    case Scheme::euler:
      return program_of(euler_tableau(), shape);
    case Scheme::rk4:
      return program_of(rk4_tableau(), shape);
    case Scheme::dopri5:
      return program_of(dopri5_tableau(), shape);
    case Scheme::map:
      return map_program(shape);
  }
  throw Error(ExitStatus::internal_error, "program_of: unknown scheme");
}

}  // namespace spnode::core
