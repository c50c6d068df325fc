// Data whose trajectories were sampled at their own times: functions of A for the step lengths of a tile
// alone.
#include "allocations.hpp"
#include "catch.hpp"
#include "core/linear/dense/tabulated_linear_part.hpp"
#include "core/loss/objective.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <numeric>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

struct Case {
  Scheme scheme;
  HurwitzKind structure = HurwitzKind::dense;
  MatrixFunctionMethod method = MatrixFunctionMethod::dense;
};

const Case cases[] = {{Scheme::etd1},
                      {Scheme::etdrk2},
                      {Scheme::etdrk4},
                      {Scheme::imex_ars2},
                      {Scheme::rk4},
                      {Scheme::rodas4p},
                      {Scheme::etdrk2, HurwitzKind::block_diagonal},
                      {Scheme::imex_ssp2, HurwitzKind::block_diagonal},
                      {Scheme::imex_ssp2, HurwitzKind::low_rank, MatrixFunctionMethod::taylor},
                      {Scheme::etdrk2, HurwitzKind::dense, MatrixFunctionMethod::taylor}};

/// Explicit steps and series diverge where rates are large.
bool takes(const Case& c, double rate_max) {
  return rate_max < 10.0 || (c.scheme != Scheme::rk4 && c.method != MatrixFunctionMethod::taylor);
}

/// 40 trajectories with 9 times each, all intervals different; windows of two intervals.
WindowData own_times() {
  Trajectories data;
  data.count = 40;
  data.times = 9;
  data.components = 5;
  data.shared_time = false;
  data.state = random_vector(data.count * data.times * data.components, "data", 0.5);
  const Random random(3, "times");
  for (std::size_t n = 0, i = 0; n < data.count; ++n) {
    double time = 0.0;
    for (std::size_t t = 0; t < data.times; ++t, ++i) {
      data.time.push_back(time);
      time += 0.05 + 0.3 * random.uniform(i);
    }
  }
  return WindowData(WindowIndex(data.count, data.times, {2, 0, {}}), data, 0);
}

ModelOptions model_options(const Case& c, double rate_max) {
  ModelOptions options;
  options.linear = {0.1, 0.5, rate_max, 0.3, true, c.structure, 1};
  options.nonlinear = {NonlinearKind::bilinear, NonlinearKind::lipschitz};
  options.bilinear = {2, 0.3};
  options.lipschitz.hidden = {6};
  options.lipschitz.bound = 1.0;
  options.lipschitz.relaxation = true;  // so that both halves of a rate occur
  return options;
}

struct Setup {
  explicit Setup(const Case& which, double rate_max = 2.0)
      : c(which), data(own_times()), model(model_options(c, rate_max), 5), windows(48) {
    for (std::size_t i = 0; i < windows.size(); ++i) windows[i] = (37 * i) % data.index().count();
    theta = model.initialise(4, nullptr);
    const auto noise = random_vector(theta.size(), "theta", 0.1);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
  }

  std::vector<double> steps() const { return distinct_steps(data, 2); }
  template <class Real = double>
  Objective<Real> objective(StepScope scope, std::vector<double> table = {}) const {
    if (table.empty()) table = steps();
    return Objective<Real>(model, {{c.scheme, 2, c.method, 0}, {}, {}, scope}, StepTable(table), c.method);
  }

  Case c;
  WindowData data;
  Model model;
  std::vector<std::uint64_t> windows;
  std::vector<double> theta;
};

std::vector<double> contribution(TileObjective& objective, const Setup& s,
                                 std::span<const std::uint64_t> windows) {
  std::vector<double> out(objective.contribution_size());
  objective.contribution(s.data, windows, out);
  return out;
}

struct Result {
  double loss;
  std::vector<double> gradient;
};
Result evaluate(TileObjective& objective, const Setup& s, std::span<const double> theta) {
  objective.set_parameters(theta);
  Result result{0.0, std::vector<double>(theta.size())};
  const auto out = contribution(objective, s, s.windows);
  result.loss = objective.gradient(out, s.windows.size(), result.gradient).total;
  return result;
}

double norm(std::span<const double> x) { return std::sqrt(dot(x, x)); }

double distance(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum) / norm(y);
}

}  // namespace

TEST_CASE("tables_of_parts_of_the_steps_have_the_steps_of_the_table_of_all") {
  // Of a clock that began long ago the differences are off by up to some 1e-9.
  std::vector<double> all;
  for (std::size_t i = 0; i < 300; ++i)
    all.push_back((1e5 + 0.003 * double(i + 1)) - (1e5 + 0.003 * double(i)));
  all.insert(all.end(), {-0.003, 0.25, 0.25 * (1.0 - 1e-16), 0.25 * (1.0 + 1e-15)});
  const StepTable table(all);
  CHECK(table.steps().size() > 3);
  for (const double h : all) CHECK(std::abs(table.steps()[table.index(h)] - h) < 3e-10 * std::abs(h));
  CHECK(table.index(all.back()) == table.index(0.25));
  const StepTable single({0.3});
  for (const double off : {-3e-11, -1e-12, 1e-12, 1e-11, 3e-11}) CHECK(single.index(0.3 * (1.0 + off)) == 0);
  CHECK_THROWS_AS(single.index(0.3001), Error);
  for (const std::size_t cut : {1, 50, 177}) {
    std::vector<double> one(all.begin(), all.begin() + std::ptrdiff_t(cut)),
        two(all.begin() + std::ptrdiff_t(cut), all.end());
    merge_steps(one);
    merge_steps(two);
    one.insert(one.end(), two.begin(), two.end());
    CHECK(StepTable(one).steps() == table.steps());
  }
}

TEST_CASE("scope_is_the_tile_where_windows_have_steps_of_their_own") {
  const StepTable many(Setup({Scheme::etdrk2}).steps()), one({0.1});
  REQUIRE(many.steps().size() > 300);
  CHECK(choose_scope(many, 64, 128) == StepScope::tile);
  CHECK(choose_scope(many, 64, 100000) == StepScope::table);
  CHECK(choose_scope(many, 100000, 100000) == StepScope::table);
  CHECK(choose_scope(one, 64, 128) == StepScope::table);
}

TEMPLATE_TEST_CASE("gradient_is_the_same_for_the_steps_of_a_tile_as_for_those_of_the_data", "", double,
                   float) {
  for (const double rate_max : {2.0, 1e4})
    for (const Case& c : cases) {
      if (!takes(c, rate_max)) continue;
      Setup s(c, rate_max);
      auto table = s.template objective<TestType>(StepScope::table);
      auto tile = s.template objective<TestType>(StepScope::tile);
      const Result expected = evaluate(table, s, s.theta), found = evaluate(tile, s, s.theta);
      CAPTURE(int(c.scheme), int(c.structure), int(c.method), rate_max);
      CHECK(relative(found.loss, expected.loss) < 100 * roundoff<TestType>);
      CHECK(distance(found.gradient, expected.gradient) < 1000 * roundoff<TestType>);
    }
}

TEST_CASE("gradient_of_own_times_matches_directional_derivative") {
  for (const double rate_max : {2.0, 1e4})
    for (const Case& c : cases) {
      if (!takes(c, rate_max)) continue;
      Setup s(c, rate_max);
      auto objective = s.objective(StepScope::tile);
      const Result at = evaluate(objective, s, s.theta);
      const auto direction = random_vector(s.theta.size(), "direction");
      const auto moved = [&](double e) {
        auto theta = s.theta;
        for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += e * direction[i];
        return evaluate(objective, s, theta).loss;
      };
      const double e = 1e-4;  // fourth-order difference
      const double difference = (8.0 * (moved(e) - moved(-e)) - (moved(2 * e) - moved(-2 * e))) / (12.0 * e);
      CAPTURE(int(c.scheme), int(c.structure), int(c.method), rate_max);
      CHECK(relative(dot(at.gradient, direction), difference) < 1e-8);
    }
}

TEMPLATE_TEST_CASE("contributions_have_the_same_bits_whatever_other_steps_there_are", "", double, float) {
  for (const double rate_max : {2.0, 1e4})
    for (const Case& c : cases) {
      if (!takes(c, rate_max)) continue;
      Setup s(c, rate_max);
      std::vector<double> more = s.steps();
      for (std::size_t i = 0, size = more.size(); i < size; ++i) more.push_back(1.37 * more[i]);
      auto few = s.template objective<TestType>(StepScope::tile);
      auto many = s.template objective<TestType>(StepScope::tile, more);
      few.set_parameters(s.theta);
      many.set_parameters(s.theta);
      const auto part = std::span<const std::uint64_t>(s.windows).first(8);
      const auto expected = contribution(few, s, part);
      contribution(many, s, s.windows);  // other tiles before it
      CAPTURE(int(c.scheme), int(c.structure), int(c.method), rate_max);
      // The degree of the Taylor method is that of the longest step.
      if (c.method != MatrixFunctionMethod::taylor) CHECK(contribution(many, s, part) == expected);
      contribution(few, s, s.windows);
      CHECK(contribution(few, s, part) == expected);
    }
}

TEST_CASE("gauss_newton_products_are_the_same_for_the_steps_of_a_tile") {
  for (const Case& c : cases) {
    Setup s(c);
    std::vector<std::vector<double>> products, matrices;
    for (const StepScope scope : {StepScope::table, StepScope::tile}) {
      auto objective = s.objective(scope);
      objective.set_parameters(s.theta);
      const auto V = random_vector(3 * s.theta.size(), "V");
      objective.set_directions(std::span(V).first(s.theta.size()));
      std::vector<double> out(objective.product_size()), Hv(s.theta.size());
      objective.product_contribution(s.data, s.windows, out);
      objective.product(out, s.windows.size(), Hv);
      products.push_back(Hv);
      objective.set_directions(V);
      std::vector<double> entries(objective.gram_size()), matrix(9);
      objective.gram_contribution(s.data, s.windows, entries);
      objective.gram(entries, s.windows.size(), matrix);
      matrices.push_back(matrix);
    }
    CAPTURE(int(c.scheme), int(c.structure), int(c.method));
    CHECK(distance(products[1], products[0]) < 1e-12);
    CHECK(distance(matrices[1], matrices[0]) < 1e-12);
  }
}

TEST_CASE("steps_of_a_tile_take_no_memory_after_the_first_tile") {
  if (!runs_on_host) return;
  for (const Case& c : cases) {
    if (c.structure == HurwitzKind::low_rank) continue;  // its LU decompositions do
    Setup s(c);
    const auto windows = std::span<const std::uint64_t>(s.windows).first(16);  // one tile
    std::size_t counts[2];
    for (const StepScope scope : {StepScope::table, StepScope::tile}) {
      auto objective = s.objective(scope);
      objective.set_parameters(s.theta);
      contribution(objective, s, windows);
      std::vector<double> out(objective.contribution_size());
      const std::size_t before = allocations;
      objective.contribution(s.data, windows, out);
      counts[scope == StepScope::tile] = allocations - before;  // copies of Kokkos allocate labels
    }
    CAPTURE(int(c.scheme), int(c.structure), int(c.method));
    CHECK(counts[1] == counts[0]);
  }
}

TEST_CASE("objective_keeps_what_it_has_formed_while_theta_stays") {
  Setup s({Scheme::etdrk2});
  auto objective = s.objective(StepScope::table);
  const Result first = evaluate(objective, s, s.theta);
  auto other = s.theta;
  other.front() += 0.5;
  const Result second = evaluate(objective, s, other);
  CHECK(second.loss != first.loss);
  CHECK(evaluate(objective, s, s.theta).gradient == first.gradient);
  other.front() = NAN;
  CHECK_THROWS_AS(objective.set_parameters(other), NumericalError);
  CHECK(evaluate(objective, s, s.theta).gradient == first.gradient);
}
