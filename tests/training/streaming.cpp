// Data whose states are read while they are used give the bits of those that are held.
#include "catch.hpp"
#include "core/support/random.hpp"
#include "memory_source.hpp"
#include "training/batch_objective.hpp"
#include "training/objectives.hpp"
#include "training/projection.hpp"
#include "training/start/statistics.hpp"

#include <cmath>
#include <span>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t count = 11, times = 13, components = 9;

core::Trajectories waves(core::Precision precision) {
  core::Trajectories data;
  data.count = count;
  data.times = times;
  data.components = components;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(0.1 * double(t));
  const core::Random noise(2, "noise");
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t c = 0; c < components; ++c)
        data.state.push_back(double(c + 1) * std::sin(2.0 * data.time[t] + double(n + c)) +
                             0.3 * noise.normal(data.state.size()));
  if (precision == core::Precision::mixed) {
    data.single.assign(data.state.begin(), data.state.end());
    data.state.clear();
  }
  return data;
}

DataSet share(const Communicator& comm, core::Precision precision) {
  return share_trajectories(comm, waves(precision), {.window = 3, .stride = 2, .times = {}, .every = {1, 2}},
                            {.batch = 12, .tile = 2, .seed = 5});
}

/// The same with streamed states: a piece holds little more than a tile.
DataSet streamed(const DataSet& set) {
  return {set.sampler, tests::streamed(set.data, 3 * 7 * components), set.time_epsilon};
}

core::ModelOptions options_of(core::Initialisation initialisation, bool pod) {
  core::ModelOptions options;
  options.latent_dimension = pod ? 3 : 0;
  options.autoencoder.enabled = pod;
  options.nonlinear = {core::NonlinearKind::bilinear};
  options.bilinear.rank = 3;
  options.linear.mu = 0.5;
  options.scaling.kind = core::ScalingKind::component;
  options.initialisation = initialisation;
  return options;
}

bool same(std::span<const double> a, std::span<const double> b) { return std::ranges::equal(a, b); }

}  // namespace

TEST_CASE("streamed_states_have_the_moments_and_the_unit_of_time_of_held_ones") {
  const Communicator comm;
  const DataSet held = share(comm, GENERATE(core::Precision::float64, core::Precision::mixed));
  const DataSet other = streamed(held);
  const Moments expected = component_moments(comm, held), found = component_moments(comm, other);
  CHECK(found.mean == expected.mean);
  CHECK(found.deviation == expected.deviation);
  CHECK(found.epsilon == expected.epsilon);
  CHECK(found.first == expected.first);
  CHECK(found.rest == expected.rest);
  CHECK(natural_time_unit(comm, other, found) == natural_time_unit(comm, held, expected));
}

TEST_CASE("models_start_from_streamed_states_as_from_held_ones") {
  const Communicator comm;
  const auto precision = GENERATE(core::Precision::float64, core::Precision::mixed);
  const auto initialisation =
      GENERATE(core::Initialisation::random, core::Initialisation::operator_inference);
  const bool pod = GENERATE(true, false);
  const DataSet held = share(comm, precision), other = streamed(held);
  const core::ModelOptions options = options_of(initialisation, pod);
  InitialModel expected = make_initial_model(comm, options, 3, held),
               found = make_initial_model(comm, options, 3, other);
  CHECK(same(found.theta, expected.theta));
  CHECK(same(found.model->scaling.shift, expected.model->scaling.shift));
  if (!pod) return;
  const LatentProjection projection(*expected.model, expected.theta, {});
  const core::WindowData projected = projection.project(other.data);
  CHECK_FALSE(projected.streamed());
  CHECK(projected.held().state == projection.project(held.data).held().state);
}

TEST_CASE("batches_of_streamed_windows_have_the_losses_and_gradients_of_held_ones") {
  const Communicator comm;
  const DataSet held = share(comm, GENERATE(core::Precision::float64, core::Precision::mixed));
  const DataSet other = streamed(held);
  const InitialModel start =
      make_initial_model(comm, options_of(core::Initialisation::random, false), 3, held);
  const Objectives objectives = make_objectives(comm, {}, start, held, nullptr);
  BatchObjective expected(comm, *objectives.rollout, held.data, held.sampler),
      found(comm, *objectives.rollout, other.data, other.sampler);
  std::vector<double> gradient(start.theta.size()), other_gradient(start.theta.size());
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch)
    for (std::uint64_t step = 0; step < held.sampler.steps_per_epoch(); ++step) {
      const BatchNumber batch{epoch, step, 2};
      const Evaluation one = expected.gradient(batch, start.theta, gradient),
                       two = found.gradient(batch, start.theta, other_gradient);
      REQUIRE(one.finite);
      CHECK(two.loss.total == one.loss.total);
      CHECK(same(other_gradient, gradient));
      if (step == 1) CHECK(found.value(start.theta).loss.total == expected.value(start.theta).loss.total);
    }
}

TEST_CASE("a_state_that_cannot_be_read_fails_on_all_ranks") {
  class Failing final : public core::StateSource {
   public:
    explicit Failing(std::size_t capacity) : numbers_(capacity, 1.0) {}
    std::size_t capacity() const override { return numbers_.size(); }
    void start(std::size_t, std::span<const core::StateBlock>) override {}
    void finish() override { throw FileError("file: cannot be read"); }
    core::HeldNumbers numbers(std::size_t, std::size_t) const override {
      return core::HeldNumbers(numbers_.data());
    }

   private:
    std::vector<double> numbers_;
  };
  const Communicator comm;
  const DataSet held = share(comm, core::Precision::float64);
  DataSet broken = held;
  if (comm.is_root())
    broken.data =
        core::WindowData(held.data.index(), core::without_states(held.data.held()), held.data.first(),
                         std::make_shared<core::StreamedStates>(std::make_unique<Failing>(1000),
                                                                held.data.held().count * times, components));
  CHECK_THROWS_WITH(component_moments(comm, broken), "file: cannot be read");
  const InitialModel start =
      make_initial_model(comm, options_of(core::Initialisation::random, false), 3, held);
  const Objectives objectives = make_objectives(comm, {}, start, held, nullptr);
  BatchObjective batch(comm, *objectives.rollout, broken.data, broken.sampler);
  CHECK_THROWS_WITH(batch.value(start.theta), "file: cannot be read");
}
