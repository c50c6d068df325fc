// Losses on data of which states are missing.
#include "catch.hpp"
#include "core/integrators/window_steps.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/loss/objective.hpp"
#include "helpers.hpp"

#include <numeric>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr std::size_t count = 3, times = 7, components = 2;

Trajectories trajectories() {
  Trajectories data;
  data.count = count;
  data.times = times;
  data.components = components;
  data.state = random_vector(count * times * components, "data", 0.5);
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(0.2 * double(t));
  return data;
}

// In the midst of a window, at the first state of one, at the end.
Trajectories with_holes(double filler) {
  Trajectories data = trajectories();
  data.missing.assign(count * times, 0);
  for (const auto& [n, t] : {std::pair<std::size_t, std::size_t>{0, 2}, {1, 3}, {2, 6}}) {
    data.missing[n * times + t] = 1;
    std::fill_n(data.state_at(n, t), components, filler);
  }
  return data;
}

struct Result {
  double loss;
  std::vector<double> gradient, gram;
};

Result evaluate(const WindowData& data) {
  ModelOptions options;
  options.linear = {0.1, 0.5, 2.0, 0.3, true};
  options.bilinear = {2, 0.3};
  const Model model(options, components);
  const IntegratorOptions integrator{Scheme::etdrk2, 1, MatrixFunctionMethod::dense, 0};
  const LossOptions loss{
      TimeWeights::uniform, ComponentWeights::none, {{"trajectory", 1.0}, {"latent", 0.5}}, {}};
  Objective<double> objective(model, {integrator, loss, {}}, StepTable(distinct_steps(data, 1)),
                              MatrixFunctionMethod::dense);
  const std::vector<double> theta = model.initialise(4, nullptr);
  objective.set_parameters(theta);
  std::vector<std::uint64_t> windows(data.index().count());
  std::iota(windows.begin(), windows.end(), 0);
  std::vector<double> contribution(objective.contribution_size());
  objective.contribution(data, windows, contribution);
  Result result;
  result.gradient.resize(theta.size());
  result.loss = objective.gradient(contribution, windows.size(), result.gradient).total;
  objective.set_directions(random_vector(theta.size(), "direction"));
  result.gram.resize(objective.gram_size());
  objective.gram_contribution(data, windows, result.gram);
  return result;
}

}  // namespace

TEST_CASE("what_stands_in_the_place_of_a_missing_state_does_not_matter") {
  const WindowIndex index(count, times, {3, 0, {}});
  const Result one = evaluate(WindowData(index, with_holes(0.0), 0)),
               other = evaluate(WindowData(index, with_holes(-0.7), 0)),
               whole = evaluate(WindowData(index, trajectories(), 0));
  CHECK(one.loss == other.loss);
  CHECK(one.gradient == other.gradient);
  CHECK(one.gram == other.gram);
  CHECK(one.loss < whole.loss);
}

TEST_CASE("loss_is_the_mean_over_the_states_that_count") {
  Trajectories data = trajectories();
  const double whole =
      evaluate(WindowData(WindowIndex(count, 2, {1, 0, {}}), select_times(data, {0, 1}), 0)).loss;
  data.missing.assign(count * times, 0);
  for (std::size_t n = 0; n < count; ++n) data.missing[n * times + 2] = 1;
  WindowData cut(WindowIndex(count, 3, {2, 0, {}}), select_times(data, {0, 1, 2}), 0);
  cut.set_weight(1.5);  // of three states two count
  CHECK(evaluate(cut).loss == Approx(whole).epsilon(1e-14));
}

TEST_CASE("trajectories_keep_their_marks_when_they_are_selected") {
  const Trajectories data = with_holes(0.0), some = select_trajectories(data, 1, 2),
                     few = select_times(data, {0, 2, 6});
  CHECK(some.is_missing(0, 3));
  CHECK_FALSE(some.is_missing(1, 3));
  CHECK(few.is_missing(0, 1));
  CHECK(few.is_missing(2, 2));
  CHECK_FALSE(few.is_missing(1, 1));
}
