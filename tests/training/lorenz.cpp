// The equations of Lorenz's system from its trajectories, clean and noisy.
#include "catch.hpp"
#include "core/support/random.hpp"
#include "core/systems/lorenz63.hpp"
#include "core/vector_field/equations.hpp"
#include "training/objectives.hpp"
#include "training/start/initial_model.hpp"
#include "training/trainer.hpp"

#include <array>
#include <cmath>
#include <utility>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t times = 5001, n = 3;
constexpr double interval = 1e-3;

/// One step of the classical Runge-Kutta method.
void advance(const core::Lorenz63& system, double h, std::array<double, n>& u) {
  std::array<double, n> at = u, sum{}, rate;
  for (const auto& [weight, next] : {std::pair(1.0, 0.5), {2.0, 0.5}, {2.0, 1.0}, {1.0, 0.0}}) {
    system.rhs(at, rate);
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] += weight * rate[i];
      at[i] = u[i] + next * h * rate[i];
    }
  }
  for (std::size_t i = 0; i < n; ++i) u[i] += h / 6.0 * sum[i];
}

/// Trajectories with normal numbers added, `noise` times the deviation of each component.
core::Trajectories lorenz(double noise, std::uint64_t seed, std::size_t count = 20) {
  const core::Lorenz63 system(10.0, 28.0, 8.0 / 3.0);
  core::Trajectories data;
  data.count = count;
  data.times = times;
  data.components = n;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(interval * double(t));
  for (std::size_t k = 0; k < count; ++k) {
    std::array<double, n> u;
    system.initial_state(core::Random(seed, 1000 + k), u);
    for (std::size_t t = 0; t < times; ++t) {
      data.state.insert(data.state.end(), u.begin(), u.end());
      for (int step = 0; step < 4; ++step) advance(system, interval / 4.0, u);
    }
  }
  double mean[n] = {}, squares[n] = {};
  const double all = double(data.state.size() / n);
  for (std::size_t k = 0; k < data.state.size(); ++k) mean[k % n] += data.state[k] / all;
  for (std::size_t k = 0; k < data.state.size(); ++k)
    squares[k % n] += std::pow(data.state[k] - mean[k % n], 2) / all;
  const core::Random random(seed, "noise");
  for (std::size_t k = 0; k < data.state.size(); ++k)
    data.state[k] += noise * std::sqrt(squares[k % n]) * random.normal(k);
  return data;
}

core::ModelOptions sparse_library(core::Derivatives derivatives) {
  core::ModelOptions options;
  options.linear.structure = core::HurwitzKind::none;
  options.nonlinear = {core::NonlinearKind::library};
  options.library.degree = 3;
  options.initialisation = core::Initialisation::sparse_regression;
  options.sparse_regression = {.derivatives = derivatives, .window = 200, .power = 8, .threshold = 0.2};
  return options;
}

DataSet share(const Communicator& comm, const core::Trajectories& all) {
  return share_trajectories(comm, all, {.window = 50, .stride = 50, .times = {}}, {.batch = 64, .tile = 32});
}

/// (3, 20) of 1, x, y, z, x^2, x y, x z, y^2, y z, z^2, ...
std::vector<double> exact_coefficients() {
  std::vector<double> Xi(60, 0.0);
  Xi[1] = -10.0, Xi[2] = 10.0;
  Xi[21] = 28.0, Xi[22] = -1.0, Xi[26] = -1.0;
  Xi[43] = -8.0 / 3.0, Xi[45] = 1.0;
  return Xi;
}

/// |Xi - exact| / |exact|; infinite where the support is another.
double error_of(const InitialModel& start) {
  const std::vector<double> Xi = start.model->library()->coefficients_of(start.theta),
                            exact = exact_coefficients();
  double error = 0.0, all = 0.0;
  for (std::size_t k = 0; k < Xi.size(); ++k) {
    if ((Xi[k] != 0.0) != (exact[k] != 0.0)) return INFINITY;
    error += std::pow(Xi[k] - exact[k], 2);
    all += std::pow(exact[k], 2);
  }
  return std::sqrt(error / all);
}

}  // namespace

TEST_CASE("lorenz_equations_are_found_in_clean_and_in_noisy_data") {
  const Communicator comm;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto error = [&](double noise, core::Derivatives derivatives, std::size_t count = 20) {
      return error_of(make_initial_model(comm, sparse_library(derivatives), seed,
                                         share(comm, lorenz(noise, seed, count))));
    };
    CAPTURE(seed);
    CHECK(error(0.0, core::Derivatives::differences) < 1e-8);
    CHECK(error(0.0, core::Derivatives::weak) < 1e-8);
    CHECK(error(1e-3, core::Derivatives::weak) < 1e-4);
    CHECK(error(1e-2, core::Derivatives::weak) < 1e-3);
    CHECK(error(1e-1, core::Derivatives::weak, 40) < 1e-2);
  }
}

TEST_CASE("a_library_that_starts_from_data_has_the_same_bits_on_any_ranks_and_writes_its_equations") {
  const auto start = [&](const Communicator& comm) {
    return make_initial_model(comm, sparse_library(core::Derivatives::differences), 1,
                              share(comm, lorenz(0.0, 1, 6)));
  };
  const InitialModel shared = start(Communicator()), alone = start(Communicator(MPI_COMM_SELF));
  CHECK(shared.theta == alone.theta);
  CHECK(shared.fit->kept == 7);
  CHECK(shared.fit->coefficients == 60);
  CHECK(core::equations(*shared.model, shared.theta) ==
        std::vector<std::string>{"du_0/dt = -10 u_0 + 10 u_1", "du_1/dt = 28 u_0 - u_1 - u_0 u_2",
                                 "du_2/dt = -2.66667 u_2 + u_0 u_1"});
}

TEST_CASE("every_optimizer_leaves_coefficients_outside_the_support_at_zero") {
  const Communicator comm;
  const DataSet set = share(comm, lorenz(1e-2, 1, 4));
  core::ModelOptions options = sparse_library(core::Derivatives::weak);
  options.library.degree = 2;
  const InitialModel start = make_initial_model(comm, options, 1, set);
  const Objectives losses =
      make_objectives(comm, {{.scheme = core::Scheme::rk4}, core::LossOptions{}, false}, start, set, nullptr);
  TrainingOptions training;
  training.optimizers = {OptimizerKind::adam, OptimizerKind::lbfgs, OptimizerKind::gauss_newton};
  training.tile = 32;
  training.batch = 64;
  training.adam = {.epochs = 2, .weight_decay = 0.1};
  training.lbfgs.iterations = 5;
  training.gauss_newton.iterations = 2;
  training.checkpoint_minutes = 0.0;
  training.spectrum_every = 0;
  TrainerSetup setup;
  setup.options = training;
  setup.phases = make_phases(training, nullptr, losses.rollout.get());
  setup.train = {&set.data, &set.sampler};
  TrainerState state = TrainerState::start(start.theta);
  Trainer(comm, setup).run(state);
  const std::size_t size = start.model->layout().blocks()[0].size();
  std::size_t moved = 0;
  for (std::size_t k = 0; k < size; ++k) {
    CHECK((state.best_theta[k] != 0.0) == (start.theta[k] != 0.0));
    moved += std::size_t(state.best_theta[k] != start.theta[k]);
  }
  CHECK(moved == start.fit->kept);
}
