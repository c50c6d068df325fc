// Training in the coordinates of a frozen linear decoder: the loss and its derivatives are those of the
// model.
#include "training/projection.hpp"

#include "catch.hpp"
#include "core/loss/objective.hpp"
#include "core/support/random.hpp"
#include "training/batch_objective.hpp"
#include "training/objectives.hpp"
#include "training/start/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t count = 5, times = 9, components = 14, latent = 3;

/// Waves with derivatives and tangents; amplitudes differ from component to component.
core::Trajectories waves() {
  core::Trajectories data;
  data.count = count;
  data.times = times;
  data.components = components;
  data.tangents = 2;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(0.1 * double(t));
  const core::Random mix(1, "mix"), noise(2, "noise"), tangents(3, "tangents");
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t c = 0; c < components; ++c) {
        const double phase = mix.normal(c) + double(n), x = 2.0 * data.time[t] + phase;
        data.state.push_back(double(c + 1) * std::sin(x) + 0.3 * noise.normal(data.state.size()));
        data.derivative.push_back(2.0 * double(c + 1) * std::cos(x));
      }
  for (std::size_t k = 0; k < data.tangents * data.state.size(); ++k) {
    data.directions.push_back(tangents.normal(2 * k));
    data.products.push_back(tangents.normal(2 * k + 1));
  }
  return data;
}

core::ModelOptions pod_model(core::LinearBasis basis = core::LinearBasis::pod) {
  core::ModelOptions options;
  options.latent_dimension = latent;
  options.autoencoder.enabled = true;
  options.autoencoder.basis = basis;
  options.nonlinear = {core::NonlinearKind::bilinear};
  options.bilinear.rank = 4;
  options.scaling.kind = core::ScalingKind::global;
  options.linear.mu = 0.5;
  return options;
}

/// All that a training asks of a loss.
struct Values {
  Evaluation value, gradient_value;
  std::vector<double> gradient, product;
};

Values evaluate(const Communicator& comm, const InitialModel& start, const DataSet& data,
                const ObjectiveSetup& setup, std::span<const double> direction) {
  const Objectives objectives = make_objectives(comm, setup, start, data, nullptr);
  BatchObjective batch(comm, *objectives.rollout, data.data, data.sampler);
  Values values;
  values.value = batch.value(start.theta);
  values.gradient.resize(start.theta.size());
  values.gradient_value = batch.gradient(std::nullopt, start.theta, values.gradient);
  values.product.resize(start.theta.size());
  CHECK(batch.product(start.theta, direction, values.product));
  return values;
}

void check_close(std::span<const double> found, std::span<const double> expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  double largest = 0.0, error = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    error = std::max(error, std::abs(found[i] - expected[i]));
  }
  REQUIRE(largest > 0.0);
  CHECK(error < tolerance * largest);
}

core::LossOptions all_terms() {
  core::LossOptions loss;
  loss.weights = {{"trajectory", 1.0},   {"latent", 0.3},   {"reconstruction", 0.7},
                  {"derivative", 0.2},   {"jacobian", 0.1}, {"second_difference", 0.05},
                  {"weight_decay", 0.01}};
  loss.derivatives = core::DerivativeSource::given;
  return loss;
}

DataSet share(const Communicator& comm) {
  return share_trajectories(comm, waves(), {.window = 4, .stride = 2, .times = {}}, {.batch = 0, .tile = 3});
}

}  // namespace

TEST_CASE("projected_losses_have_the_values_gradients_and_products_of_the_model") {
  const Communicator comm;
  const DataSet data = share(comm);
  const auto basis = GENERATE(core::LinearBasis::pod, core::LinearBasis::fourier);
  const auto weights = GENERATE(core::ComponentWeights::none, core::ComponentWeights::variance);
  const auto precision = GENERATE(core::Precision::float64, core::Precision::mixed);
  core::ModelOptions options = pod_model(basis);
  if (basis == core::LinearBasis::pod) options.invariants.assign(components, 1.0);
  options.precision = precision;
  const double rounding = precision == core::Precision::mixed ? 2e-5 : 1e-11;
  InitialModel start = make_initial_model(comm, options, 3, data);
  const ObjectiveSetup setup{{.scheme = core::Scheme::etdrk4, .substeps = 2}, all_terms()};
  ObjectiveSetup weighted = setup;
  weighted.loss.component_weights = weights;
  const LatentProjection projection(*start.model, start.theta,
                                    component_weights(comm, weights, start.model->scaling, data));
  CHECK(projection.dimension() == (weights == core::ComponentWeights::none ? latent : 2 * latent) + 1);

  const core::Random random(4, "direction");
  std::vector<double> direction(start.theta.size());
  for (const core::ParameterBlock& block : start.model->layout().blocks())
    for (std::size_t i = 0; i < block.size() && !block.frozen; ++i)
      direction[block.offset + i] = random.normal(block.offset + i);

  InitialModel small;
  static_cast<Start&>(small) = start;
  small = projected(projection, std::move(small));
  const DataSet small_data{data.sampler, projection.project(data.data)};
  ObjectiveSetup small_setup = weighted;
  small_setup.projection = &projection;
  const Values expected = evaluate(comm, start, data, weighted, direction);
  std::vector<double> small_direction = projection.reduce(direction);
  for (const core::ParameterBlock& block : small.model->layout().blocks())
    for (std::size_t i = 0; i < block.size() && block.frozen; ++i) small_direction[block.offset + i] = 0.0;
  const Values found = evaluate(comm, small, small_data, small_setup, small_direction);

  REQUIRE(expected.value.finite);
  CHECK(found.value.loss.total == Approx(expected.value.loss.total).epsilon(rounding));
  CHECK(found.gradient_value.loss.total == Approx(expected.value.loss.total).epsilon(rounding));
  for (std::size_t i = 0; i < core::loss_terms().size(); ++i) {
    INFO(core::loss_terms()[i].name);
    if (core::loss_terms()[i].needs_fast_slow) continue;
    CHECK(found.value.loss.values[i] == Approx(expected.value.loss.values[i]).epsilon(rounding));
    CHECK(expected.value.loss.values[i] > 0.0);
  }
  for (std::size_t b = 0; b < small.model->layout().blocks().size(); ++b) {
    const core::ParameterBlock &block = small.model->layout().blocks()[b],
                               &full = start.model->layout().blocks()[b];
    REQUIRE(block.name == full.name);
    if (block.frozen) continue;
    INFO(block.name);
    check_close(std::span(found.gradient).subspan(block.offset, block.size()),
                std::span(expected.gradient).subspan(full.offset, full.size()), 100.0 * rounding);
    check_close(std::span(found.product).subspan(block.offset, block.size()),
                std::span(expected.product).subspan(full.offset, full.size()), 100.0 * rounding);
  }
}

TEST_CASE("what_the_projection_loses_is_the_reconstruction") {
  const Communicator comm;
  const DataSet data = share_trajectories(comm, waves(), {}, {.batch = 0, .tile = 3});
  InitialModel start = make_initial_model(comm, pod_model(), 3, data);
  const LatentProjection projection(*start.model, start.theta, {});
  const DataSet small{data.sampler, projection.project(data.data)};
  const core::Model& model = *start.model;
  double squares = 0.0;
  const core::Trajectories all = waves();
  for (std::size_t k = 0; k < count * times; ++k) {
    std::vector<double> z(components), u(latent, 0.0);
    for (std::size_t c = 0; c < components; ++c)
      z[c] = (all.state[k * components + c] - model.scaling.shift[c]) / model.scaling.scale[c];
    for (const core::ParameterBlock& block : model.layout().blocks()) {
      if (block.name == "autoencoder/encoder/linear")
        for (std::size_t i = 0; i < latent; ++i)
          for (std::size_t c = 0; c < components; ++c)
            u[i] += start.theta[block.offset + i * components + c] * z[c];
      if (block.name == "autoencoder/decoder/linear")
        for (std::size_t c = 0; c < components; ++c)
          for (std::size_t i = 0; i < latent; ++i) z[c] -= start.theta[block.offset + c * latent + i] * u[i];
    }
    for (const double r : z) squares += r * r;
  }
  CHECK(projection.lost(comm, small) == Approx(squares / double(count * times * components)).epsilon(1e-12));
}

TEST_CASE("parameters_come_back_from_the_projection") {
  const Communicator comm;
  const DataSet data = share(comm);
  InitialModel start = make_initial_model(comm, pod_model(), 3, data);
  const LatentProjection projection(*start.model, start.theta, {});
  std::vector<double> reduced = projection.reduce(start.theta);
  CHECK(reduced.size() == start.theta.size() - 2 * latent * (components - latent - 1));
  CHECK(projection.expand(reduced) == start.theta);
  reduced.front() += 1.0;
  std::vector<double> moved = start.theta;
  moved.front() += 1.0;
  CHECK(projection.expand(reduced) == moved);
}

TEST_CASE("projected_data_have_the_same_bits_on_any_number_of_ranks") {
  const Communicator all, alone(MPI_COMM_SELF);
  const auto states = [](const Communicator& comm) {
    const DataSet data = share(comm);
    InitialModel start = make_initial_model(comm, pod_model(), 3, data);
    const LatentProjection projection(*start.model, start.theta, {});
    return std::pair(projection.project(data.data),
                     projection.lost(comm, {data.sampler, projection.project(data.data)}));
  };
  const auto [mine, lost] = states(all);
  const auto [whole, whole_lost] = states(alone);
  CHECK(lost == whole_lost);
  for (std::size_t n = 0; n < mine.held().count; ++n)
    for (std::size_t k = 0; k < times * mine.held().components; ++k)
      CHECK(mine.held().state_at(n, 0)[k] == whole.held().state_at(mine.first() + n, 0)[k]);
}

TEST_CASE("only_linear_maps_that_do_not_learn_are_projected") {
  core::ModelOptions options = pod_model();
  CHECK(LatentProjection::suits(options, components, false));
  CHECK_FALSE(LatentProjection::suits(options, 2 * latent + 1, true));
  options.autoencoder.pod_trainable = true;
  CHECK_FALSE(LatentProjection::suits(options, components, false));
  options = pod_model();
  options.autoencoder.hidden = {4};
  CHECK_FALSE(LatentProjection::suits(options, components, false));
  options = pod_model();
  options.autoencoder.enabled = false;
  CHECK_FALSE(LatentProjection::suits(options, components, false));
}
