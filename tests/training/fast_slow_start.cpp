// The start of a fast-slow model by least squares, from data of a system that is in the model's classes.
#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"
#include "training/batch_objective.hpp"
#include "training/objectives.hpp"
#include "training/start/initial_model.hpp"
#include "training/start/interval_integrals.hpp"

#include <cmath>
#include <string>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

/// Whether g is linear in x and w or in x and y.
enum class Slow { of_latent, of_state };

/// dx/dt = eps g, dw/dt = T(x) w + B(w, w) + eps C w with w = y - c_0(x) - eps c_1(x).
double shift(double x, double epsilon) { return 0.5 * x * x - x + 0.2 + epsilon * (0.7 * x * x + 0.1); }
double T(double x) { return -1.2 - 0.5 * x; }

struct XW {
  double x, w;
};
XW rate(XW u, double epsilon, Slow slow) {
  const double y = slow == Slow::of_state ? u.w + shift(u.x, epsilon) : u.w;
  return {epsilon * (0.3 - u.x + 0.5 * y),
          T(u.x) * u.w + 0.1 * u.w * u.w + epsilon * (0.3 + 0.2 * u.x) * u.w};
}

XW advanced(XW u, double epsilon, double time, Slow slow) {
  const auto steps = std::size_t(std::ceil(time / 0.02));
  const double h = time / double(steps);
  const auto plus = [](XW a, double c, XW b) { return XW{a.x + c * b.x, a.w + c * b.w}; };
  for (std::size_t i = 0; i < steps; ++i) {
    const XW a = rate(u, epsilon, slow), b = rate(plus(u, 0.5 * h, a), epsilon, slow),
             c = rate(plus(u, 0.5 * h, b), epsilon, slow), d = rate(plus(u, h, c), epsilon, slow);
    u = plus(u, h / 6.0, {a.x + 2 * b.x + 2 * c.x + d.x, a.w + 2 * b.w + 2 * c.w + d.w});
  }
  return u;
}

enum class Scale { fast, slow, manifold };

/// Of the slow windows the first five are not near the slow manifold.
core::Trajectories simulated(Scale scale, std::size_t count, Slow slow) {
  core::Trajectories data;
  data.count = count;
  data.times = scale == Scale::manifold ? 2 : 9;
  data.components = 2;
  data.shared_time = false;
  const core::Random random(1, scale == Scale::fast ? "fast" : scale == Scale::slow ? "slow" : "manifold");
  for (std::size_t n = 0; n < count; ++n) {
    const double epsilon = scale == Scale::manifold ? 0.0 : std::pow(10.0, random.uniform(3 * n, -3.0, -1.5));
    const double step = scale == Scale::slow ? 0.1 / epsilon : 0.1;
    XW u{random.uniform(3 * n + 1, -1.0, 1.0),
         scale == Scale::fast ? random.uniform(3 * n + 2, -1.0, 1.0) : 0.0};
    data.parameters["epsilon"].push_back(epsilon);
    for (std::size_t t = 0; t < data.times; ++t) {
      if (t > 0) u = advanced(u, epsilon, step, slow);
      data.time.push_back(double(t) * step);
      data.state.push_back(u.x);
      data.state.push_back(u.w + shift(u.x, epsilon) + (scale == Scale::slow && n < 5 ? 0.5 : 0.0));
    }
  }
  return data;
}

DataSet share(const Communicator& comm, Scale scale, std::size_t count, Slow slow) {
  return share_trajectories(comm, simulated(scale, count, slow), {.window = 0, .stride = 0, .times = {}},
                            {.batch = 0, .tile = 4});
}

core::ModelOptions options() {
  core::ModelOptions options;
  options.initialisation = core::Initialisation::fast_slow;
  options.scaling.kind = core::ScalingKind::none;
  options.arguments.parameters = {"epsilon"};
  options.linear.structure = core::HurwitzKind::fast_dissipative;
  options.linear.slow_dimension = 1;
  options.linear.fast = {.dependence = core::Dependence::hats, .low = {-1.0}, .high = {1.0}};
  options.nonlinear = {core::NonlinearKind::slow, core::NonlinearKind::fast_bilinear,
                       core::NonlinearKind::fast_linear};
  options.slow.form = core::SlowForm::library;
  options.library.degree = 1;
  options.fast_linear.coefficients = core::FastCoefficients::network;
  options.fast_linear.hidden = {2};
  options.fast_linear.activation = core::Activation::square;
  options.coupling_flow.enabled = true;
  options.coupling_flow.split = 1;
  options.coupling_flow.parts = core::CoupledParts::second;
  options.coupling_flow.conditioners = {core::ConditionerKind::product};
  options.coupling_flow.rank = 2;
  options.coupling_flow.factor_hidden = {2};
  options.coupling_flow.activation = core::Activation::square;
  return options;
}

struct Data {
  explicit Data(const Communicator& comm, Slow g = Slow::of_latent)
      : fast(share(comm, Scale::fast, 80, g)),
        slow(share(comm, Scale::slow, 60, g)),
        manifold(share(comm, Scale::manifold, 50, g)) {}
  DataSet fast, slow, manifold;
};

// Of a rollout by steps that hardly err.
double loss_on(const Communicator& comm, const InitialModel& start, const DataSet& set) {
  const Objectives losses = make_objectives(
      comm, {{.scheme = core::Scheme::imex_ark4, .substeps = 4}, {}, false}, start, set, nullptr);
  return BatchObjective(comm, *losses.rollout, set.data, set.sampler).value(start.theta).loss.total;
}

}  // namespace

TEST_CASE("integrals_over_intervals_are_exact_for_polynomials") {
  LatentTrajectories data;
  data.times = 6;
  data.time = [](std::size_t, std::size_t t) { return 0.5 * double(t) + 0.1 * double(t * t); };
  for (const std::size_t nodes : {2, 5, 9}) {
    const IntervalIntegrals integrals(data, 0, nodes);
    CHECK(integrals.nodes() == std::min<std::size_t>(nodes, 6));
    const double degree = double(integrals.nodes() - 1);
    for (std::size_t t = 0; t + 1 < data.times; ++t) {
      double sum = 0.0;
      for (std::size_t j = 0; j < integrals.nodes(); ++j)
        sum += integrals.weight(t, j) * std::pow(data.time(0, integrals.first(t) + j), degree);
      const double exact =
          (std::pow(data.time(0, t + 1), degree + 1) - std::pow(data.time(0, t), degree + 1)) / (degree + 1);
      CHECK(sum == Approx(exact).epsilon(1e-11).margin(1e-13));
    }
  }
}

TEST_CASE("a_fast_slow_start_finds_a_system_of_its_classes_with_the_same_bits_on_any_ranks") {
  for (const bool on_manifold : {true, false}) {
    const auto start = [&](const Communicator& comm) {
      const Data data(comm);
      return make_initial_model(comm, options(), 3, data.fast,
                                {&data.slow, on_manifold ? &data.manifold : nullptr});
    };
    const Communicator comm;
    const InitialModel shared = start(comm), alone = start(Communicator(MPI_COMM_SELF));
    CHECK(shared.theta == alone.theta);
    REQUIRE(shared.fit);
    REQUIRE(shared.fit->fast_slow);
    const FastSlowFit& fit = *shared.fit->fast_slow;
    CHECK(fit.kept <= 55);  // of the others some go: what is left of them is rounding
    CHECK(fit.kept >= 30);
    CHECK(fit.manifold.has_value() == on_manifold);
    CHECK(fit.dropped_T == 0.0);
    CHECK(shared.fit->dropped < 1e-12);

    std::vector<double> coefficients(shared.model->linear().coefficient_count());
    shared.model->linear().assemble(shared.theta, coefficients);
    for (const double x : {-1.0, -0.3, 0.4, 1.0})
      CHECK(shared.model->linear().matrix_at(coefficients, std::vector<double>{x, 0.0})[0] ==
            Approx(T(x)).epsilon(1e-6));
    // Outside the box it still decays.
    for (const double x : {-50.0, 50.0})
      CHECK(shared.model->linear().matrix_at(coefficients, std::vector<double>{x, 0.0})[0] < 0.0);

    CHECK(loss_on(comm, shared, Data(comm).fast) < 1e-12);
  }
}

TEST_CASE("a_fast_slow_start_comes_close_to_a_system_by_networks_that_do_not_hold_it") {
  core::ModelOptions networks = options();
  networks.linear.fast = {
      .dependence = core::Dependence::network, .hidden = {2}, .count = 2, .low = {-1.0}, .high = {1.0}};
  networks.slow.form = core::SlowForm::network;
  networks.network.hidden = {40};
  networks.network.initial_scale = 0.5;
  networks.fast_linear.hidden = {20};
  networks.fast_linear.activation = core::Activation::tanh;
  networks.coupling_flow.factor_hidden = {20};
  networks.coupling_flow.activation = core::Activation::tanh;
  const Communicator comm;
  const auto start = [&](const Communicator& ranks) {
    const Data data(ranks);
    return make_initial_model(ranks, networks, 3, data.fast, {&data.slow, &data.manifold});
  };
  const InitialModel shared = start(comm), alone = start(Communicator(MPI_COMM_SELF));
  CHECK(shared.theta == alone.theta);
  REQUIRE(shared.fit->fast_slow);
  CAPTURE(shared.fit->ridge, shared.fit->residual, shared.fit->fast_slow->slow_ridge);
  CHECK(*shared.fit->fast_slow->manifold < 1e-4);
  CHECK(shared.fit->fast_slow->slow_residual < 1e-3);
  CHECK(shared.fit->fast_slow->dropped_T == 0.0);
  std::vector<double> coefficients(shared.model->linear().coefficient_count());
  shared.model->linear().assemble(shared.theta, coefficients);
  for (const double x : {-1.0, -0.3, 0.4, 1.0})
    CHECK(shared.model->linear().matrix_at(coefficients, std::vector<double>{x, 0.0})[0] ==
          Approx(T(x)).margin(2e-2));
  for (const double x : {-50.0, 50.0})
    CHECK(shared.model->linear().matrix_at(coefficients, std::vector<double>{x, 0.0})[0] < 0.0);
  CHECK(loss_on(comm, shared, Data(comm).fast) < 1e-4);
}

TEST_CASE("a_fast_slow_start_finds_slow_terms_that_are_linear_in_the_state") {
  core::ModelOptions of_state = options();
  of_state.slow.form = core::SlowForm::state;
  of_state.network.hidden = {};
  const Communicator comm;
  const Data data(comm, Slow::of_state);
  const InitialModel start = make_initial_model(comm, of_state, 3, data.fast, {&data.slow, &data.manifold});
  CHECK(loss_on(comm, start, data.fast) < 1e-12);
}

TEST_CASE("monomials_of_a_shift_are_those_of_its_degrees") {
  core::CouplingFlowOptions flow;
  flow.multipliers = {3, 5};
  flow.degrees = {0, 1, 2, 2};
  using Components = std::vector<std::size_t>;
  const std::vector<std::pair<std::size_t, Components>> expected = {{0, {}},     {0, {3}},    {0, {5}},
                                                                    {1, {3, 3}}, {1, {3, 5}}, {1, {5, 5}}};
  const std::vector<core::Monomial> found = core::shift_monomials(flow);
  REQUIRE(found.size() == expected.size());
  for (std::size_t p = 0; p < found.size(); ++p) {
    CHECK(found[p].power == expected[p].first);
    CHECK(found[p].components == expected[p].second);
  }
}

TEST_CASE("a_fast_slow_start_finds_a_shift_that_is_a_polynomial_in_multipliers") {
  core::ModelOptions polynomial = options();
  polynomial.coupling_flow.multipliers = {0};
  polynomial.coupling_flow.degrees = {0, 2, 0, 2};
  polynomial.coupling_flow.rank = 6;
  polynomial.coupling_flow.factors = 4;
  polynomial.coupling_flow.factor_hidden = {3};
  polynomial.coupling_flow.neurons = {3, 1};
  polynomial.coupling_flow.activation = core::Activation::tanh;
  for (const bool on_manifold : {true, false}) {
    const auto start = [&](const Communicator& comm) {
      const Data data(comm);
      return make_initial_model(comm, polynomial, 3, data.fast,
                                {&data.slow, on_manifold ? &data.manifold : nullptr});
    };
    const Communicator comm;
    const InitialModel shared = start(comm), alone = start(Communicator(MPI_COMM_SELF));
    CHECK(shared.theta == alone.theta);
    CHECK(loss_on(comm, shared, Data(comm).fast) < 1e-12);
  }
}

TEST_CASE("a_fast_slow_start_refuses_data_that_lack_what_it_needs") {
  const Communicator comm;
  const Data data(comm);
  const auto refused = [&](const core::ModelOptions& options, const SlowData& slow, const char* words) {
    try {
      make_initial_model(comm, options, 3, data.fast, slow);
      FAIL("accepted");
    } catch (const OptionError& error) {
      CHECK(std::string(error.what()).find(words) != std::string::npos);
    }
  };
  refused(options(), {}, "windows near the slow manifold are missing");
  refused(options(), {&data.manifold, nullptr}, "epsilon above 0");
  refused(options(), {&data.slow, &data.slow}, "epsilon = 0");
  core::ModelOptions narrow = options();
  narrow.coupling_flow.factor_hidden = {1};
  refused(narrow, {&data.slow, nullptr}, "factor_hidden has 1 neurons");
}

TEST_CASE("options_that_a_fast_slow_start_cannot_hold_are_refused") {
  const auto refused = [](auto change, const char* option) {
    core::ModelOptions changed = options();
    change(changed);
    try {
      changed.validate();
      FAIL("accepted");
    } catch (const OptionError& error) {
      CHECK(std::string(error.what()).find(option) != std::string::npos);
    }
  };
  CHECK_NOTHROW(options().validate());
  using Options = core::ModelOptions;
  refused([](Options& o) { o.linear.structure = core::HurwitzKind::fast_schur; }, "linear.structure");
  refused([](Options& o) { o.slow.form = core::SlowForm::bilinear; }, "slow.form");
  refused([](Options& o) { o.fast_bilinear.coefficients = core::FastCoefficients::network; },
          "fast_bilinear");
  refused([](Options& o) { o.scaling.kind = core::ScalingKind::component; }, "scaling.kind");
  refused([](Options& o) { o.coupling_flow.layers = 2; }, "coupling_flow.layers");
  refused([](Options& o) { o.coupling_flow.parts = core::CoupledParts::both; }, "coupling_flow.parts");
  refused([](Options& o) { o.coupling_flow.scale_bound = 2.0; }, "coupling_flow.scale_bound");
  refused([](Options& o) { o.coupling_flow.conditioners = {core::ConditionerKind::network}; },
          "conditioners");
  refused([](Options& o) { o.coupling_flow.rank = 3; }, "coupling_flow.rank");
  const auto multiplied = [&](std::size_t component, std::size_t rank, std::size_t factors,
                              const char* option) {
    refused(
        [&](Options& o) {
          o.coupling_flow.multipliers = {component};
          o.coupling_flow.degrees = {1, 1, 1, 2};
          o.coupling_flow.rank = rank;
          o.coupling_flow.factors = factors;
        },
        option);
  };
  multiplied(1, 3, 4, "must be slow variables");
  multiplied(0, 2, 4, "coupling_flow.rank: 3");
  multiplied(0, 3, 3, "coupling_flow.factors of at least 4");
  core::CouplingFlowOptions flow = options().coupling_flow;
  flow.multipliers = {0};
  CHECK_THROWS_AS(flow.validate(), OptionError);  // no degrees
  flow.degrees = {2, 1};
  CHECK_THROWS_AS(flow.validate(), OptionError);
  flow.degrees = {1, 2};
  CHECK_NOTHROW(flow.validate());
  flow.neurons = {3};  // of 2
  CHECK_THROWS_AS(flow.validate(), OptionError);
}
