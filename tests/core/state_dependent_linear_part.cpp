#include "catch.hpp"
#include "core/integrators/integrator.hpp"
#include "core/kernels/lanes.hpp"
#include "core/linear/exponential_terms.hpp"
#include "core/vector_field/assembled_model.hpp"
#include "helpers.hpp"

#include <cmath>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

/// An entry of a diagonal operator, as a function of the entry a of A: factor h^p phi(a) + identity.
template <class Real>
struct Entry {
  enum class Function { phi, generator, resolvent };
  Function function;
  std::size_t row;  ///< of the operand, where its n rows begin
  std::size_t phi = 0;
  double factor = 1.0, identity = 0.0;
  bool times_step = false;
};

template <class Real>
struct Entries {
  Kokkos::Array<Entry<Real>, 32> of;
  std::size_t count = 0;
};

struct ValueAndSlope {
  double value, slope;  ///< slope: by a
};

/// phi_{k+1}(z) = (phi_k(z) - 1 / k!) / z and phi_k' = (phi_{k-1} - k phi_k) / z, away from zero.
template <class Real>
KOKKOS_FUNCTION ValueAndSlope evaluate(const Entry<Real>& entry, double c, double h, double a) {
  const double z = c * h * a;
  double value = a, slope = 1.0;
  if (entry.function == Entry<Real>::Function::resolvent) {
    value = 1.0 / (1.0 - z);
    slope = c * h * value * value;
  } else if (entry.function == Entry<Real>::Function::phi) {
    double lower = ::exp(z), factorial = 1.0;
    value = slope = lower;
    for (std::size_t k = 1; k <= entry.phi; ++k) {
      lower = value;
      value = (lower - 1.0 / factorial) / z;
      factorial *= double(k);
      slope = (lower - double(k) * value) / z;
    }
    slope *= c * h;
  }
  const double factor = entry.factor * (entry.times_step ? h : 1.0);
  return {factor * value + entry.identity, factor * slope};
}

/// An operator at the points of a tile.
template <class Real>
struct Diagonal {
  std::size_t n;
  double c;
  Entries<Real> entries;
  ConstVectorView<Real> coefficients, h;
  ConstMatrixView<Real> u, q;

  KOKKOS_FUNCTION Real s(std::size_t l) const { return u(0, l) + q(0, l); }
  KOKKOS_FUNCTION ValueAndSlope operator()(std::size_t e, std::size_t i, std::size_t l) const {
    const double a = -coefficients(i) - coefficients(n + i) * s(l) * s(l);
    return evaluate(entries.of[e], c, double(h(l)), a);
  }
};

/// A(x) = diag(a), a_i = -c_i - d_i s^2 with s = u_0 + q_0; the coefficients are c, then d.
template <class Real>
class StateDiagonal final : public LinearPart<Real> {
 public:
  using typename LinearPart<Real>::Action;
  using typename LinearPart<Real>::Value;
  using typename LinearPart<Real>::Reverse;
  using typename LinearPart<Real>::Tangent;

  StateDiagonal(const SplitShape& shape, std::vector<OperatorSpec> operators)
      : shape_(shape), operators_(std::move(operators)), coefficients_("coefficients", 2 * shape.n) {}

  std::size_t coefficient_count() const override { return 2 * shape_.n; }
  void assemble(std::span<const double> A) override { upload(A, coefficients_); }
  void assemble_vjp(std::span<const double> bar, std::span<double> A_bar) override {
    for (std::size_t i = 0; i < bar.size(); ++i) A_bar[i] += bar[i];
  }
  void assemble_jvp(std::span<const double> A_dot, std::span<double> dot) override {
    std::ranges::copy(A_dot, dot.begin());
  }

  void apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const override {
    const Diagonal<Real> A = diagonal(value.action);
    const ConstMatrixStack<Real> X = value.X;
    const MatrixView<Real> out = value.out;
    for_each_row(
        "apply", space, shape_.n, out.extent(1),
        KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
          for (std::size_t l = first; l < last; ++l) {
            double sum = 0.0;
            for (std::size_t e = 0; e < A.entries.count; ++e)
              sum += A(e, i, l).value * double(X.row(A.entries.of[e].row + i)[l]);
            out(i, l) = Real(sum);
          }
        });
  }

  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override {
    const ScratchFrame frame(scratch);
    const Diagonal<Real> A = diagonal(reverse.action);
    const std::size_t n = shape_.n, lanes = reverse.out_bar.extent(1);
    const ConstMatrixStack<Real> X = reverse.X;
    const MatrixStack<Real> X_bar = reverse.X_bar;
    const ConstMatrixView<Real> out_bar = reverse.out_bar;
    const MatrixView<Real> a_bar = scratch.matrix(n, lanes), at_bar = reverse.at_bar;
    const VectorView<Real> bar = reverse.bar;
    for_each_row(
        "apply_vjp", space, n, lanes,
        KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
          for (std::size_t l = first; l < last; ++l) {
            double sum = 0.0;
            for (std::size_t e = 0; e < A.entries.count; ++e) {
              const std::size_t row = A.entries.of[e].row + i;
              const ValueAndSlope f = A(e, i, l);
              sum += f.slope * double(X.row(row)[l]) * double(out_bar(i, l));
              X_bar.row(row)[l] += Real(f.value * double(out_bar(i, l)));
            }
            a_bar(i, l) = Real(sum);
          }
        });
    Kokkos::parallel_for(
        "bar", Kokkos::RangePolicy<ExecSpace>(space, 0, n), KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t l = 0; l < lanes; ++l) {
            const Real s = A.s(l);
            bar(i) -= a_bar(i, l);
            bar(n + i) -= s * s * a_bar(i, l);
          }
        });
    Kokkos::parallel_for(
        "at_bar", Kokkos::RangePolicy<ExecSpace>(space, 0, lanes), KOKKOS_LAMBDA(const std::size_t l) {
          for (std::size_t i = 0; i < n; ++i)
            at_bar(0, l) -= Real(2) * A.coefficients(n + i) * A.s(l) * a_bar(i, l);
        });
  }

  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>&) const override {
    const Diagonal<Real> A = diagonal(tangent.action);
    const std::size_t n = shape_.n;
    const ConstMatrixStack<Real> X = tangent.X, X_dot = tangent.X_dot;
    const ConstMatrixView<Real> at_dot = tangent.at_dot;
    const ConstVectorView<Real> dot = tangent.dot;
    const MatrixView<Real> out_dot = tangent.out_dot;
    for_each_row(
        "apply_jvp", space, n, out_dot.extent(1),
        KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
          for (std::size_t l = first; l < last; ++l) {
            const Real s = A.s(l), a_dot = -dot(i) - s * s * dot(n + i) -
                                           Real(2) * A.coefficients(n + i) * s * at_dot(0, l);
            double sum = 0.0;
            for (std::size_t e = 0; e < A.entries.count; ++e) {
              const std::size_t row = A.entries.of[e].row + i;
              const ValueAndSlope f = A(e, i, l);
              sum += f.value * double(X_dot.row(row)[l]) + f.slope * double(a_dot) * double(X.row(row)[l]);
            }
            out_dot(i, l) = Real(sum);
          }
        });
  }

 private:
  Diagonal<Real> diagonal(const Action& action) const {
    using Function = typename Entry<Real>::Function;
    const OperatorSpec& spec = operators_[action.op];
    Diagonal<Real> A{shape_.n, spec.c, {}, coefficients_, action.steps.h, action.at.u, action.at.q};
    const auto add = [&](const Entry<Real>& entry) { A.entries.of[A.entries.count++] = entry; };
    if (spec.kind == OperatorSpec::Kind::generator) add({Function::generator, 0});
    if (spec.kind == OperatorSpec::Kind::resolvent) add({Function::resolvent, 0});
    if (spec.kind != OperatorSpec::Kind::exponential) return A;
    // Terms of the plain rows, which alone hold the step, are those that vanish with it.
    std::vector<double> at_zero;
    for_each_exponential_term(shape_, spec, 0.0, [&](std::size_t, std::size_t, double factor, double) {
      at_zero.push_back(factor);
    });
    for_each_exponential_term(shape_, spec, 1.0,
                              [&](std::size_t group, std::size_t index, double factor, double identity) {
                                const bool times_step = at_zero[A.entries.count] == 0.0;
                                add({Function::phi, group * shape_.n, index, factor, identity, times_step});
                              });
    return A;
  }

  SplitShape shape_;
  std::vector<OperatorSpec> operators_;
  Vector<Real> coefficients_;
};

const Scheme all_schemes[] = {Scheme::etd1,      Scheme::etdrk2,    Scheme::etdrk4,    Scheme::imex_euler,
                              Scheme::imex_ssp2, Scheme::imex_ars2, Scheme::imex_ark3, Scheme::imex_ark4,
                              Scheme::euler,     Scheme::rk4,       Scheme::dopri5};

enum class Terms { none, plain, relaxed, both };

ModelOptions model_options(Terms terms) {
  ModelOptions options;
  options.arguments.time = true;
  options.bilinear = {2, 0.3};
  options.network.hidden = {6};
  options.network.relaxation = true;
  options.nonlinear.clear();
  if (terms == Terms::plain || terms == Terms::both) options.nonlinear.push_back(NonlinearKind::bilinear);
  if (terms == Terms::relaxed || terms == Terms::both) options.nonlinear.push_back(NonlinearKind::network);
  return options;
}

/// du/dt = A(u, t) u + g(u, t) - A(u, t) r(u, t) over some steps of all lanes.
template <class Real>
struct Setup {
  static constexpr std::size_t n = 3, lanes = 16;

  Setup(Terms terms, Scheme scheme, std::size_t steps_ = 2)
      : model(model_options(terms), n),
        nonlinear(model),
        integrator(program_of(scheme, model.split_shape()).without_error(), model.split_shape(),
                   model.nonlinear().tape_rows()),
        part(model.split_shape(), integrator.operators()),
        steps(steps_),
        u0(random_matrix<Real>(n, lanes, "u0", 0.5)),
        h("h", lanes),
        index("index", lanes) {
    nonlinear.set_parameters(model.initialise(2, nullptr));
    part.assemble(coefficients);
    std::vector<double> lengths(lanes);
    for (std::size_t l = 0; l < lanes; ++l) lengths[l] = (0.5 + 0.02 * double(l)) / double(steps);
    upload(lengths, h);
    const std::vector<double>& c = integrator.abscissae();
    for (std::size_t i = 0; i < steps; ++i) {
      std::vector<double> times;
      for (const double abscissa : c)
        for (const double length : lengths) times.push_back((double(i) + abscissa) * length);
      times_.emplace_back("q", 1, times.size());
      upload(times, times_.back());
    }
    for (std::size_t i = 0; i <= steps; ++i) u.emplace_back("u", n, lanes);
    for (std::size_t i = 0; i < steps; ++i) tape.emplace_back("tape", integrator.tape_rows(), lanes);
  }

  StepContext<Real> context() { return {space, &part, model.nonlinear(), nonlinear.nonlinear(), scratch}; }
  Step<Real> step(std::size_t i) const { return {{h, index, 0, false}, {times_[i], lanes}}; }

  Matrix<Real> run(const Matrix<Real>& start) {
    Kokkos::deep_copy(u[0], start);
    for (std::size_t i = 0; i < steps; ++i) integrator.step(context(), step(i), u[i], u[i + 1], tape[i]);
    return u[steps];
  }
  // After run().
  Matrix<Real> tangent(const Matrix<Real>& u_dot, const Vector<Real>& linear_dot,
                       const Vector<Real>& nonlinear_dot) {
    Matrix<Real> at = u_dot;
    for (std::size_t i = 0; i < steps; ++i) {
      Matrix<Real> next("next", n, lanes);
      integrator.step_jvp(context(), step(i), u[i], tape[i], {at, linear_dot, nonlinear_dot, next});
      at = next;
    }
    return at;
  }
  struct Bars {
    Matrix<Real> u;
    Vector<Real> linear, nonlinear;
  };
  Bars adjoint(const Matrix<Real>& next_bar) {
    Bars bars{next_bar, Vector<Real>("bar", part.coefficient_count()),
              Vector<Real>("bar", model.nonlinear().coefficient_count())};
    for (std::size_t i = steps; i-- > 0;) {
      Matrix<Real> u_bar("u_bar", n, lanes);
      integrator.step_vjp(context(), step(i), u[i], tape[i], {bars.u, u_bar, bars.linear, bars.nonlinear});
      bars.u = u_bar;
    }
    return bars;
  }

  std::vector<double> coefficients = {0.8, 1.3, 2.0, 0.4, 0.7, 0.5};
  ExecSpace space;
  Scratch<Real> scratch;
  BasicModel<Real> model;
  AssembledModel<Real> nonlinear;
  Integrator<Real> integrator;
  StateDiagonal<Real> part;
  std::size_t steps;
  Matrix<Real> u0;
  Vector<Real> h;
  Kokkos::View<std::uint32_t*, Device> index;
  std::vector<Matrix<Real>> times_, u, tape;
};

template <class Check>
void for_each_case(Check check) {
  for (const Terms terms : {Terms::none, Terms::plain, Terms::relaxed, Terms::both})
    for (const Scheme scheme : all_schemes) {
      CAPTURE(int(terms), int(scheme));
      check(terms, scheme);
    }
}

}  // namespace

TEST_CASE("explicit_schemes_take_an_operator_of_state_and_time_at_their_stages") {
  for (const Terms terms : {Terms::none, Terms::plain, Terms::both})
    for (const Scheme scheme : {Scheme::euler, Scheme::rk4, Scheme::dopri5}) {
      const int order = program_of(scheme, Setup<double>(terms, scheme).model.split_shape()).order;
      const std::size_t coarse = order == 1 ? 64 : order == 4 ? 16 : 8;
      const auto after = [&](Scheme kind, std::size_t steps) {
        Setup<double> s(terms, kind, steps);
        return s.run(s.u0);
      };
      const Matrix<double> reference = after(Scheme::dopri5, 128);
      const auto error = [&](std::size_t steps) {
        const Matrix<double> difference = moved(after(scheme, steps), -1.0, reference);
        return std::sqrt(dot(difference, difference));
      };
      CAPTURE(int(terms), int(scheme));
      CHECK(std::log2(error(coarse) / error(2 * coarse)) == Approx(order).margin(0.35));
    }
}

TEMPLATE_TEST_CASE("adjoint_of_a_step_reaches_the_state_that_its_operator_is_built_from", "", double, float) {
  using Real = TestType;
  for_each_case([](Terms terms, Scheme scheme) {
    Setup<Real> s(terms, scheme);
    const auto u_dot = random_matrix<Real>(s.n, s.lanes, "u_dot"), w = random_matrix<Real>(s.n, s.lanes, "w");
    const auto linear_dot = random_vector(s.part.coefficient_count(), "linear_dot"),
               nonlinear_dot = random_vector(s.model.nonlinear().coefficient_count(), "nonlinear_dot");
    s.run(s.u0);
    const double forward =
        dot(s.tangent(u_dot, to_device<Real>(linear_dot), to_device<Real>(nonlinear_dot)), w);
    const auto bars = s.adjoint(w);
    const double of_coefficients =
        dot(to_host(bars.linear), linear_dot) + dot(to_host(bars.nonlinear), nonlinear_dot);
    const double size = std::abs(of_coefficients) + std::abs(dot(bars.u, u_dot)) + 1.0;
    CHECK(std::abs(forward - of_coefficients - dot(bars.u, u_dot)) < 4500 * roundoff<Real> * size);
  });
}

TEST_CASE("tangent_of_a_step_with_an_operator_of_the_state_is_the_first_term_of_its_taylor_series") {
  for_each_case([](Terms terms, Scheme scheme) {
    Setup<double> s(terms, scheme);
    const auto u_dot = random_matrix(s.n, s.lanes, "u_dot"), w = random_matrix(s.n, s.lanes, "w");
    const auto linear_dot = random_vector(s.part.coefficient_count(), "linear_dot");
    const Vector<double> none("none", s.model.nonlinear().coefficient_count());
    const double start = dot(s.run(s.u0), w),
                 slope = dot(s.tangent(u_dot, to_device<double>(linear_dot), none), w);
    const auto remainder = [&](double e) {
      auto coefficients = s.coefficients;
      for (std::size_t i = 0; i < coefficients.size(); ++i) coefficients[i] += e * linear_dot[i];
      s.part.assemble(coefficients);
      return std::abs(dot(s.run(moved(s.u0, e, u_dot)), w) - start - e * slope);
    };
    CHECK(std::log2(remainder(1e-4) / remainder(5e-5)) == Approx(2.0).margin(0.1));
  });
}
