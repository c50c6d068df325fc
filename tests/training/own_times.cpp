// The gradient of data whose trajectories were sampled at their own times, over ranks.
#include "catch.hpp"
#include "core/loss/objective.hpp"
#include "core/support/random.hpp"
#include "training/batch_objective.hpp"

#include <cmath>
#include <cstring>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t trajectories = 30, times = 9, components = 4;

/// The trajectories of some windows, of random states at random times.
core::WindowData own_times(const parallel::Range& held) {
  const core::WindowIndex index(trajectories, times, {.window = 2, .stride = 0, .times = {}});
  const auto range = index.trajectories(held.begin, held.end);
  const core::Random state(1, "state"), interval(1, "interval");
  core::Trajectories part;
  part.count = range.last - range.first;
  part.times = times;
  part.components = components;
  part.shared_time = false;
  for (std::size_t i = range.first * times; i < range.last * times; ++i) {
    const double before = i % times == 0 ? 0.0 : part.time.back();
    part.time.push_back(before + 0.05 + 0.3 * interval.uniform(i));
    for (std::size_t c = 0; c < components; ++c) part.state.push_back(0.5 * state.normal(i * components + c));
  }
  return core::WindowData(index, part, range.first);
}

core::ModelOptions model_options() {
  core::ModelOptions options;
  options.linear.rate_max = 1e3;
  options.nonlinear = {core::NonlinearKind::bilinear};
  options.bilinear.rank = 2;
  return options;
}

/// Batches of 24 windows in 6 tiles, all step lengths different.
struct Setting {
  explicit Setting(const Communicator& comm)
      : sampler(trajectories * 4, {.batch = 24, .tile = 4, .seed = 5}),
        data(own_times(sampler.held(comm.rank(), comm.size()))),
        model(model_options(), components),
        // As the program does: the table of all ranks.
        table(core::distinct_steps(own_times({0, trajectories * 4}), 1)),
        objective(model, {{core::Scheme::etdrk2}, {}, {}, core::choose_scope(table, 4 * 2, 24 * 2)}, table,
                  core::MatrixFunctionMethod::dense),
        batch(comm, objective, data, sampler),
        theta(model.initialise(3, nullptr)),
        gradient(theta.size()) {}

  Evaluation evaluate(std::optional<BatchNumber> number) { return batch.gradient(number, theta, gradient); }

  Sampler sampler;
  core::WindowData data;
  core::Model model;
  core::StepTable table;
  core::Objective<double> objective;
  BatchObjective batch;
  std::vector<double> theta, gradient;
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("gradient_of_own_times_is_bitwise_that_of_one_rank") {
  Setting shared{Communicator()}, alone{Communicator(MPI_COMM_SELF)};
  REQUIRE(core::choose_scope(shared.table, 8, 48) == core::StepScope::tile);
  for (const std::optional<BatchNumber> number : {std::optional<BatchNumber>{{0, 0}}, {{2, 3}}, {}}) {
    const Evaluation a = shared.evaluate(number), b = alone.evaluate(number);
    CHECK(a.finite);
    CHECK(a.loss.total == b.loss.total);
    CHECK(same_bits(shared.gradient, alone.gradient));
    std::vector<double> Hv(shared.theta.size()), expected(Hv.size());
    CHECK(shared.batch.product(shared.theta, shared.gradient, Hv));
    CHECK(alone.batch.product(alone.theta, alone.gradient, expected));
    CHECK(same_bits(Hv, expected));
  }
  CHECK(shared.batch.value(shared.theta).loss.total == alone.batch.value(alone.theta).loss.total);
}

TEST_CASE("gradient_of_own_times_matches_differences") {
  Setting s{Communicator()};
  s.evaluate(BatchNumber{1, 2});
  const std::vector<double> gradient = s.gradient, theta = s.theta;
  double slope = 0.0;
  for (const double g : gradient) slope += g * g;
  const double length = std::sqrt(slope), e = 1e-5;
  const auto moved = [&](double t) {
    for (std::size_t i = 0; i < theta.size(); ++i) s.theta[i] = theta[i] + t * gradient[i] / length;
    return s.evaluate(BatchNumber{1, 2}).loss.total;
  };
  CHECK(length == Approx((moved(e) - moved(-e)) / (2 * e)).epsilon(1e-7));
}
