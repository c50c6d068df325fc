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

/// ARK3(2)4L[2]SA (Kennedy and Carpenter, Appl. Numer. Math. 44, 2003, appendix C).
ImexTableau imex_ark3_tableau() {
  const double gamma = 1767732205903.0 / 4055673282236.0;
  const std::vector<double> b = {1471266399579.0 / 7840856788654.0, -4482444167858.0 / 7529755066697.0,
                                 11266239266428.0 / 11593286722821.0, gamma};
  return {3,
          {0.0, gamma, gamma, gamma},
          {{},
           {1767732205903.0 / 2027836641118.0},
           {5535828885825.0 / 10492691773637.0, 788022342437.0 / 10882634858940.0},
           {6485989280629.0 / 16251701735622.0, -4246266847089.0 / 9704473918619.0,
            10755448449292.0 / 10357097424841.0}},
          {{},
           {gamma},
           {2746238789719.0 / 10658868560708.0, -640167445237.0 / 6845629431997.0},
           {b[0], b[1], b[2]}},
          b,
          b};
}

/// ARK4(3)6L[2]SA (the same, appendix D).
ImexTableau imex_ark4_tableau() {
  const double gamma = 0.25;
  const std::vector<double> b = {82889.0 / 524892.0, 0.0,  15625.0 / 83664.0, 69875.0 / 102672.0,
                                 -2260.0 / 8211.0,   gamma};
  return {4,
          {0.0, gamma, gamma, gamma, gamma, gamma},
          {{},
           {0.5},
           {13861.0 / 62500.0, 6889.0 / 62500.0},
           {-116923316275.0 / 2393684061468.0, -2731218467317.0 / 15368042101831.0,
            9408046702089.0 / 11113171139209.0},
           {-451086348788.0 / 2902428689909.0, -2682348792572.0 / 7519795681897.0,
            12662868775082.0 / 11960479115383.0, 3355817975965.0 / 11060851509271.0},
           {647845179188.0 / 3216320057751.0, 73281519250.0 / 8382639484533.0,
            552539513391.0 / 3454668386233.0, 3354512671639.0 / 8306763924573.0, 4040.0 / 17871.0}},
          {{},
           {gamma},
           {8611.0 / 62500.0, -1743.0 / 31250.0},
           {5012029.0 / 34652500.0, -654441.0 / 2922500.0, 174375.0 / 388108.0},
           {15267082809.0 / 155376265600.0, -71443401.0 / 120774400.0, 730878875.0 / 902184768.0,
            2285395.0 / 8070912.0},
           {b[0], b[1], b[2], b[3], b[4]}},
          b,
          b};
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

RosenbrockTableau rodas3_tableau() {
  return {3,
          0.5,
          {0.0, 0.0, 1.0, 1.0},
          {{}, {0.0}, {2.0, 0.0}, {2.0, 0.0, 1.0}},
          {{}, {4.0}, {1.0, -1.0}, {1.0, -1.0, -8.0 / 3.0}}};
}

RosenbrockTableau rodas4p_tableau() {
  return {4,
          0.25,
          {0.0, 0.75, 0.21, 0.63, 1.0, 1.0},
          {{},
           {3.0},
           {1.831036793486759, 0.4955183967433795},
           {2.304376582692669, -0.05249275245743001, -1.176798761832782},
           {-7.170454962423024, -4.741636671481785, -16.31002631330971, -1.062004044111401},
           {-7.170454962423024, -4.741636671481785, -16.31002631330971, -1.062004044111401, 1.0}},
          {{},
           {-12.0},
           {-8.791795173947035, -2.207865586973518},
           {10.81793056857153, 6.780270611428266, 19.53485944642410},
           {34.19095006749676, 15.49671153725963, 54.74760875964130, 14.16005392148534},
           {34.62605830930532, 15.30084976114473, 56.99955578662667, 18.40807009793095, -5.714285714285717}}};
}

std::vector<double> RosenbrockTableau::gammas() const {
  std::vector<double> sums;
  for (const std::vector<double>& row : c)
    sums.push_back(gamma * (1.0 + std::inner_product(row.begin(), row.end(), sums.begin(), 0.0)));
  return sums;
}

std::vector<double> RosenbrockTableau::weights() const {
  std::vector<double> m = a.back();
  m.push_back(1.0);
  return m;
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
  // Whether A U_j of an explicit stage is needed.
  const auto needs_product = [&](std::size_t j) {
    return tableau.gamma[j] == 0.0 &&
           (tableau.implicit_weight[j] != 0.0 || std::ranges::any_of(tableau.implicit_, [j](const auto& row) {
              return j < row.size() && row[j] != 0.0;
            }));
  };
  const std::size_t generator = program.operators.size();
  if (shape.has_relaxed || needs_product(0)) program.operators.push_back({OperatorSpec::Kind::generator});

  std::vector<Register> rhs, U, AU;
  std::vector<std::vector<Term>> F;
  const auto advanced = [&](const std::vector<double>& explicit_part,
                            const std::vector<double>& implicit_part) {
    std::vector<Term> terms = {{Program::start}};
    for (std::size_t j = 0; j < explicit_part.size(); ++j) {
      if (explicit_part[j] != 0.0 && !F[j].empty()) terms.push_back({F[j][0].from, explicit_part[j], true});
      if (implicit_part[j] == 0.0) continue;
      if (tableau.gamma[j] == 0.0) {
        terms.push_back({AU[j], implicit_part[j], true});
        continue;
      }
      terms.push_back({U[j], implicit_part[j] / tableau.gamma[j]});
      terms.push_back({rhs[j], -implicit_part[j] / tableau.gamma[j]});
    }
    return terms;
  };
  for (std::size_t i = 0; i < stages; ++i) {
    rhs.push_back(program.combine(advanced(tableau.explicit_[i], tableau.implicit_[i])));
    // An A(x) whose x has no implicit part is that of the stage: rhs_i holds the x of U_i.
    const double c = sum(tableau.explicit_[i]);
    U.push_back(tableau.gamma[i] == 0.0 ? rhs[i] : program.apply(resolvent[i], {{rhs[i]}}, rhs[i], c));
    AU.push_back(needs_product(i) ? program.apply(generator, {{U[i]}}, U[i], c) : Program::start);
    F.emplace_back();
    if (i + 1 == stages && tableau.explicit_weight[i] == 0.0) continue;
    std::vector<Term> terms = nonlinear_terms(program, shape, U[i], c, generator);
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
  // An A(u) is frozen at the start of the step, u_0: N(U) = g(U) + A(U) U - A(u_0) U.
  if (shape.varies && shape.rows() > 0) program.operators.push_back({OperatorSpec::Kind::generator});
  const auto remainder = [&](Register g, Register at, double time) {
    if (!shape.varies || at == Program::start) return g;
    const Register there = program.apply(0, {{at}}, at, time),
                   frozen = program.apply(0, {{at}}, Program::start, 0.0);
    return program.combine({{g}, {there}, {frozen, -1.0}});
  };
  for (const ExponentialTableau::Stage& stage : tableau.stages) {
    const bool last = &stage == &tableau.stages.back();
    // Without a nonlinear part only the last stage is left.
    if (shape.rows() == 0 && !last) continue;
    if (shape.rows() > 0) values.push_back(remainder(program.evaluate(U, c), U, c));
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

StageProgram program_of(const RosenbrockTableau& tableau, const SplitShape& shape) {
  Program program;
  program.order = tableau.order;
  if (shape.has_linear) program.operators = {{OperatorSpec::Kind::generator}};
  const std::vector<double> gammas = tableau.gammas();
  std::vector<Register> V;
  const auto moved = [&](const std::vector<double>& weights) {
    std::vector<Term> terms = {{Program::start}};
    for (std::size_t j = 0; j < weights.size(); ++j)
      if (weights[j] != 0.0) terms.push_back({V[j], weights[j]});
    return terms;
  };
  const Register first = program.slope(Program::start, 0.0);
  const Register matrix = program.linearise(first, tableau.gamma);
  const Register drift = shape.moves ? program.drift(first) : first;
  for (std::size_t i = 0; i < tableau.c.size(); ++i) {
    // A stage may begin where the step does.
    const Register U = program.combine(moved(tableau.a[i]));
    const bool known = U == Program::start && tableau.alpha[i] == 0.0;
    std::vector<Term> right = {{known ? first : program.slope(U, tableau.alpha[i]), tableau.gamma, true}};
    for (std::size_t j = 0; j < i; ++j)
      if (tableau.c[i][j] != 0.0) right.push_back({V[j], tableau.gamma * tableau.c[i][j]});
    const bool drifts = shape.moves && std::abs(gammas[i]) > 1e-12;  // zero to rounding in the last stages
    if (drifts) right.push_back({drift, tableau.gamma * gammas[i], true});
    V.push_back(program.solve(matrix, program.combine(std::move(right))));
  }
  program.error = {{V.back()}};
  program.add_next(moved(tableau.weights()));
  return program;
}

StageProgram program_of(Scheme scheme, const SplitShape& shape) {
  const auto with_linear = [&](const auto& tableau) {
    if (!shape.has_linear)
      throw OptionError({"scheme"}, "is " + std::string(name_of(scheme)) +
                                        ", which needs a linear part; without one take rk4 or dopri5");
    return program_of(tableau, shape);
  };
  const auto with_matrices = [&](const RosenbrockTableau& tableau) {
    if (shape.n > most_rosenbrock_components)
      throw OptionError({"scheme"},
                        "is " + std::string(name_of(scheme)) +
                            ", which solves linear systems of all components of every state: at most " +
                            std::to_string(most_rosenbrock_components) + "; the model has " +
                            std::to_string(shape.n));
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
    case Scheme::imex_ark3:
      return with_linear(imex_ark3_tableau());
    case Scheme::imex_ark4:
      return with_linear(imex_ark4_tableau());
    case Scheme::euler:
      return program_of(euler_tableau(), shape);
    case Scheme::rk4:
      return program_of(rk4_tableau(), shape);
    case Scheme::dopri5:
      return program_of(dopri5_tableau(), shape);
    case Scheme::rodas3:
      return with_matrices(rodas3_tableau());
    case Scheme::rodas4p:
      return with_matrices(rodas4p_tableau());
    case Scheme::map:
      return map_program(shape);
  }
  throw Error(ExitStatus::internal_error, "program_of: unknown scheme");
}

}  // namespace spnode::core
