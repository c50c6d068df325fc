// The start of a training: data in memory shared over ranks, scaling, POD and operators from them.
#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"
#include "training/batch_objective.hpp"
#include "training/objectives.hpp"
#include "training/start/initial_model.hpp"
#include "training/start/scaling.hpp"

#include <cmath>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t trajectories = 23, times = 16, components = 5;

/// Rotations that decay, of two components, in five that are combinations of these.
core::Trajectories rotations() {
  core::Trajectories data;
  data.count = trajectories;
  data.times = times;
  data.components = components;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(0.1 * double(t));
  const core::Random mix(1, "mix"), start(1, "start");
  for (std::size_t n = 0; n < trajectories; ++n)
    for (const double t : data.time) {
      const double decay = std::exp(-0.3 * t), c = std::cos(2.0 * t) * decay, s = std::sin(2.0 * t) * decay,
                   a = start.normal(2 * n), b = start.normal(2 * n + 1);
      for (std::size_t i = 0; i < components; ++i)
        data.state.push_back(mix.normal(2 * i) * (c * a - s * b) + mix.normal(2 * i + 1) * (s * a + c * b));
    }
  return data;
}

DataSet share(const Communicator& comm) {
  return share_trajectories(comm, rotations(), {.window = 5, .stride = 0, .times = {}},
                            {.batch = 30, .tile = 4});
}

core::ModelOptions latent_rotation(core::Initialisation initialisation) {
  core::ModelOptions options;
  options.latent_dimension = 2;
  options.autoencoder.enabled = true;
  options.scaling.kind = core::ScalingKind::none;
  options.nonlinear = {};
  options.linear.mu = 0.5;
  options.initialisation = initialisation;
  return options;
}

}  // namespace

TEST_CASE("a_rank_holds_the_trajectories_of_its_windows") {
  const Communicator comm;
  const DataSet set = share(comm);
  const core::Trajectories all = rotations();
  const parallel::Range held = held_windows(comm, set);
  CHECK(set.data.held().times == times);
  CHECK(set.data.held().components == components);
  for (std::uint64_t window = held.begin; window < held.end; ++window)
    for (std::size_t k = 0; k <= 5; ++k) {
      const std::size_t n = set.data.index().trajectory(window), t = set.data.index().time(window, k);
      CHECK(set.data.state(window, k)[3] == all.state_at(n, t)[3]);
      CHECK(set.data.time(window, k) == all.time_at(n, t));
    }
  unsigned long counted = own_trajectories(comm, set).size();
  MPI_Allreduce(MPI_IN_PLACE, &counted, 1, MPI_UNSIGNED_LONG, MPI_SUM, comm.handle());
  CHECK(counted == trajectories);
}

TEST_CASE("chosen_times_and_axes_of_their_own_are_shared_too") {
  core::Trajectories all = rotations();
  all.shared_time = false;
  all.time.clear();
  for (std::size_t n = 0; n < trajectories; ++n)
    for (std::size_t t = 0; t < times; ++t) all.time.push_back(double(n) + 0.1 * double(t));
  const Communicator comm;
  const DataSet set =
      share_trajectories(comm, all, {.window = 0, .stride = 0, .times = {0, 3, 9}}, {.batch = 0, .tile = 4});
  const parallel::Range held = held_windows(comm, set);
  for (std::uint64_t window = held.begin; window < held.end; ++window) {
    CHECK(set.data.time(window, 2) == all.time_at(window, 9));
    CHECK(set.data.state(window, 1)[0] == all.state_at(window, 3)[0]);
  }
  CHECK_THROWS_AS(share_trajectories(comm, all, {.window = 16, .stride = 0, .times = {}}, {}), UsageError);
}

TEST_CASE("a_start_finds_the_operator_of_latent_rotations_with_the_same_bits_on_any_ranks") {
  for (const auto initialisation : {core::Initialisation::dmd, core::Initialisation::operator_inference}) {
    const auto start = [&](const Communicator& comm) {
      return make_initial_model(comm, latent_rotation(initialisation), 3, share(comm));
    };
    const InitialModel shared = start(Communicator()), alone = start(Communicator(MPI_COMM_SELF));
    CHECK(shared.theta == alone.theta);
    REQUIRE(shared.fit);
    CHECK(shared.fit->method == initialisation);
    CHECK(shared.fit->order == (initialisation == core::Initialisation::dmd ? 0 : 10));
    CHECK(shared.fit->residual < 1e-5);
    // Eigenvalues -0.3 +- 2i, in whatever coordinates.
    const std::vector<double> A = shared.model->linear_operator(shared.theta).entries;
    CHECK(A[0] + A[3] == Approx(-0.6).margin(1e-6));
    CHECK(A[0] * A[3] - A[1] * A[2] == Approx(4.09).epsilon(1e-6));
  }
}

TEST_CASE("a_random_start_has_no_fit") {
  const InitialModel start = make_initial_model(Communicator(), latent_rotation(core::Initialisation::random),
                                                3, share(Communicator()));
  CHECK(!start.fit);
  CHECK(start.theta.size() == start.model->layout().size());
}

TEST_CASE("given_scalings_must_fit_the_states") {
  const Communicator comm;
  const DataSet set = share(comm);
  core::ScalingOptions options{core::ScalingKind::manual, {1.0}, {1.0, 2.0, 3.0, 4.0, 5.0}};
  const core::Scaling scaling = make_scaling(comm, options, set);
  CHECK(scaling.shift == std::vector<double>(5, 1.0));
  CHECK(scaling.scale == options.scale);
  options.scale.pop_back();
  CHECK_THROWS_WITH(make_scaling(comm, options, set), "scale has 4 values; the states have 5 components");
}

TEST_CASE("a_scaling_with_symmetries_is_that_of_the_data_and_their_images") {
  const Communicator comm;
  const core::SymmetryOptions options{{1, 0, 2, 3, 4}, {1, 1, 1, -1, 1}};
  const core::Symmetries symmetries(components, options);
  const DataSet set = share(comm);
  core::Trajectories with_images = rotations();
  const std::vector<double> data = with_images.state;
  for (std::size_t at = 0; at < data.size(); at += components) {
    std::vector<double> image(components);
    symmetries.move(1, std::span(data).subspan(at, components), image);
    with_images.state.insert(with_images.state.end(), image.begin(), image.end());
  }
  with_images.count *= 2;
  const DataSet all = share_trajectories(comm, with_images, {.window = 5, .stride = 0, .times = {}}, {});
  for (const auto kind : {core::ScalingKind::component, core::ScalingKind::global}) {
    const core::Scaling scaling = make_scaling(comm, {kind, {}, {}}, set, &symmetries),
                        of_all = make_scaling(comm, {kind, {}, {}}, all);
    for (std::size_t i = 0; i < components; ++i) {
      const auto& image = symmetries.element(1)[i];
      CHECK(scaling.shift[i] == double(image.sign) * scaling.shift[image.source]);
      CHECK(scaling.scale[i] == scaling.scale[image.source]);
      if (kind == core::ScalingKind::global) continue;
      CHECK(scaling.shift[i] == Approx(of_all.shift[i]).margin(1e-13));
      CHECK(scaling.scale[i] == Approx(of_all.scale[i]).epsilon(1e-13));
    }
  }
  CHECK_THROWS_WITH(
      make_scaling(comm, {core::ScalingKind::manual, {}, {1, 2, 1, 1, 1}}, set, &symmetries),
      "scale must not change under the symmetries of the model; found 1 for component 0 and 2 for its "
      "image, from component 1");
}

TEST_CASE("losses_are_made_for_the_data_of_all_ranks") {
  const auto value = [](const Communicator& comm) {
    const DataSet set = share(comm);
    const InitialModel start =
        make_initial_model(comm, latent_rotation(core::Initialisation::operator_inference), 3, set);
    core::LossOptions loss;
    loss.component_weights = core::ComponentWeights::variance;
    const Objectives losses =
        make_objectives(comm, {{.scheme = core::Scheme::etd1}, loss, true}, start, set, nullptr);
    REQUIRE(losses.reconstruction);
    return BatchObjective(comm, *losses.rollout, set.data, set.sampler).value(start.theta).loss.total;
  };
  const double shared = value(Communicator());
  CHECK(shared < 1e-6);
  CHECK(shared == value(Communicator(MPI_COMM_SELF)));
}
