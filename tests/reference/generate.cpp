// Data sets of the reference systems: grids, ranges, determinism, what is refused.
#include "reference/generate.hpp"
#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/systems/systems.hpp"

#include <cmath>
#include <numbers>

using namespace spnode;
using core::GenerateOptions;
using core::SystemKind;
using core::TimeGrid;

namespace {

constexpr SystemKind kinds[] = {
    SystemKind::transient_growth,     SystemKind::grad13,       SystemKind::robertson,
    SystemKind::kuramoto_sivashinsky, SystemKind::lorenz63,     SystemKind::two_body,
    SystemKind::rigid_body,           SystemKind::sigmoid_map,  SystemKind::switching,
    SystemKind::attracting_manifold,  SystemKind::grad_moments, SystemKind::lorenz96,
    SystemKind::abraham_lorentz,      SystemKind::disc_and_ring};
constexpr SystemKind fast_slow[] = {SystemKind::attracting_manifold, SystemKind::grad_moments,
                                    SystemKind::lorenz96, SystemKind::abraham_lorentz};

GenerateOptions small_options(SystemKind kind) {
  GenerateOptions options;
  options.system = kind;
  options.times = 7;
  options.t_end = kind == SystemKind::sigmoid_map ? 6.0 : 3.0;
  options.epsilon = kind == SystemKind::transient_growth ? 1.0 : 0.1;
  options.burn_in = 5.0;
  if (kind == SystemKind::robertson) {
    options.grid = TimeGrid::logarithmic;
    options.t_start = 4e-6;
    options.t_end = 4e6;
  }
  return options;
}

std::string refusal(const GenerateOptions& options) {
  try {
    reference::validate(options);
    return "";
  } catch (const UsageError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("trajectories_depend_on_their_number_alone") {
  for (const SystemKind kind : kinds) {
    const GenerateOptions options = small_options(kind);
    const core::Trajectories whole = reference::simulate(options, 11, "train", 0, 5);
    REQUIRE(whole.state.size() == 5 * 7 * reference::number_of_components(options));
    for (std::size_t first = 0; first < 5; ++first) {
      const std::size_t count = std::min<std::size_t>(2, 5 - first);
      const core::Trajectories part = reference::simulate(options, 11, "train", first, count);
      CHECK(part.time == whole.time);
      CHECK(std::equal(part.state.begin(), part.state.end(), whole.state_at(first, 0)));  // to the last bit
    }
  }
}

TEST_CASE("derivatives_are_the_right_hand_side_at_the_states") {
  for (const SystemKind kind : kinds) {
    if (kind == SystemKind::sigmoid_map) continue;  // a map has none
    GenerateOptions options = small_options(kind);
    CHECK(reference::simulate(options, 11, "train", 0, 2).derivative.empty());
    options.derivatives = true;
    const core::Trajectories data = reference::simulate(options, 11, "train", 0, 2);
    REQUIRE(data.derivative.size() == data.state.size());
    const auto system = core::make_system(options);
    std::vector<double> rate(data.components);
    for (std::size_t at = 0; at < data.state.size(); at += data.components) {
      system->rhs({&data.state[at], data.components}, rate);
      CHECK(std::equal(rate.begin(), rate.end(), data.derivative.begin() + std::ptrdiff_t(at)));
    }
  }
}

TEST_CASE("tangents_depend_on_trajectory_time_and_direction_alone_and_have_length_one") {
  for (const SystemKind kind : kinds) {
    GenerateOptions options = small_options(kind);
    const std::size_t n = reference::number_of_components(options);
    if (n < 3) continue;  // as many directions as components are not random
    options.tangents = 2;
    const core::Trajectories whole = reference::simulate(options, 11, "train", 0, 3);
    REQUIRE(whole.tangents == 2);
    REQUIRE(whole.directions.size() == 2 * whole.state.size());
    REQUIRE(whole.products.size() == 2 * whole.state.size());
    for (std::size_t at = 0; at < whole.directions.size(); at += n) {
      double square = 0.0;
      for (std::size_t i = 0; i < n; ++i) square += whole.directions[at + i] * whole.directions[at + i];
      CHECK(square == Approx(1.0).epsilon(1e-14));
    }
    const core::Trajectories last = reference::simulate(options, 11, "train", 2, 1);
    const auto from = std::ptrdiff_t(whole.tangents_at(2, 0));
    CHECK(std::equal(last.directions.begin(), last.directions.end(), whole.directions.begin() + from));
    CHECK(std::equal(last.products.begin(), last.products.end(), whole.products.begin() + from));
    CHECK(reference::simulate(options, 11, "test", 2, 1).directions != last.directions);
  }
}

TEST_CASE("as_many_tangents_as_components_are_the_unit_vectors") {
  GenerateOptions options = small_options(SystemKind::rigid_body);
  options.tangents = 3;
  const core::Trajectories data = reference::simulate(options, 11, "train", 0, 2);
  for (std::size_t at = 0; at < data.directions.size(); ++at)
    CHECK(data.directions[at] == (at % 3 == at / 3 % 3 ? 1.0 : 0.0));
  // Products with the unit vectors are columns of the Jacobian, whose first one has d y2'/d y1 = (1/I1 -
  // 1/I3) y3.
  const double* const state = data.state_at(1, 4);
  CHECK(data.products[data.tangents_at(1, 4) + 1] == Approx((1.0 / 1.6 - 1.5) * state[2]));
}

TEST_CASE("test_data_may_have_more_times_of_the_same_spacing") {
  GenerateOptions options = small_options(SystemKind::rigid_body);
  options.test_times = 13;
  const core::Trajectories train = reference::simulate(options, 11, "train", 0, 1);
  const core::Trajectories test = reference::simulate(options, 11, "test", 0, 1);
  REQUIRE(train.times == 7);
  REQUIRE(test.times == 13);
  for (std::size_t t = 0; t < 7; ++t) CHECK(test.time[t] == Approx(train.time[t]).margin(1e-14));
  CHECK(test.time[12] == Approx(6.0));
  options.grid = TimeGrid::logarithmic;
  options.t_start = 1.0;
  CHECK(refusal(options).find("test_times") != std::string::npos);
}

TEST_CASE("two_body_returns_to_the_pericentre_after_a_period") {
  GenerateOptions options = small_options(SystemKind::two_body);
  options.times = 3;
  options.t_end = 2.0 * std::numbers::pi;
  const core::Trajectories data = reference::simulate(options, 11, "train", 0, 3);
  for (std::size_t n = 0; n < 3; ++n)
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(data.state_at(n, 2)[i] == Approx(data.state_at(n, 0)[i]).margin(1e-8));
}

TEST_CASE("trajectories_splits_and_seeds_differ") {
  for (const SystemKind kind : kinds) {
    const GenerateOptions options = small_options(kind);
    const core::Trajectories train = reference::simulate(options, 11, "train", 0, 2);
    const core::Trajectories test = reference::simulate(options, 11, "test", 0, 1);
    const core::Trajectories other = reference::simulate(options, 12, "train", 0, 1);
    CHECK(train.state[0] != train.state_at(1, 0)[0]);
    CHECK(train.state[0] != test.state[0]);
    CHECK(train.state[0] != other.state[0]);
  }
}

TEST_CASE("noise_has_the_size_that_is_asked_for_and_spares_the_test_data") {
  GenerateOptions options = small_options(SystemKind::lorenz63);
  options.times = 4001;
  options.t_end = 40.0;
  const core::Trajectories clean = reference::simulate(options, 11, "train", 0, 2),
                           clean_test = reference::simulate(options, 11, "test", 0, 1);
  options.noise = 0.1;
  const core::Trajectories noisy = reference::simulate(options, 11, "train", 0, 2);
  CHECK(reference::simulate(options, 11, "test", 0, 1).state == clean_test.state);
  const core::Trajectories second = reference::simulate(options, 11, "train", 1, 1);
  CHECK(std::equal(second.state.begin(), second.state.end(), noisy.state_at(1, 0)));
  for (std::size_t i = 0; i < 3; ++i) {
    double mean = 0.0, squares = 0.0, noise = 0.0;
    for (std::size_t t = 0; t < options.times; ++t) mean += clean.state_at(0, t)[i] / double(options.times);
    for (std::size_t t = 0; t < options.times; ++t) {
      squares += std::pow(clean.state_at(0, t)[i] - mean, 2);
      noise += std::pow(noisy.state_at(0, t)[i] - clean.state_at(0, t)[i], 2);
    }
    CHECK(std::sqrt(noise / squares) == Approx(0.1).epsilon(0.05));
  }
}

TEST_CASE("logarithmic_grid_is_the_one_of_the_paper_after_zero") {
  GenerateOptions options = small_options(SystemKind::robertson);
  options.times = 51;
  const std::vector<double> times = reference::reference_times(options);
  REQUIRE(times.size() == 51);
  CHECK(times[0] == 0.0);
  CHECK(times[1] == 4e-6);
  CHECK(times[50] == 4e6);
  CHECK(times[2] - times[1] == Approx(3.03e-6).epsilon(3e-3));  // SPNODE-25, section 5.2
  CHECK(times[50] - times[49] == Approx(1.72e6).epsilon(3e-3));
  CHECK(times[30] / times[29] == Approx(times[10] / times[9]));
}

TEST_CASE("uniform_grid_has_both_ends") {
  GenerateOptions options = small_options(SystemKind::grad13);
  options.t_start = 0.5;
  CHECK(reference::reference_times(options).front() == 0.5);
  CHECK(reference::reference_times(options).back() == 3.0);
  CHECK(reference::reference_times(options)[2] == Approx(0.5 + 2 * 2.5 / 6));
}

TEST_CASE("linear_systems_are_solved_exactly") {
  GenerateOptions options = small_options(SystemKind::transient_growth);
  options.epsilon = 0.0;
  options.t_end = 6.0;
  const core::Trajectories data = reference::simulate(options, 2, "train", 0, 20);
  for (std::size_t i = 0; i < data.count; ++i)
    for (std::size_t k = 0; k < data.times; ++k) {
      const double t = data.time[k], decay = std::exp(-2.0 * t);
      const double *start = data.state_at(i, 0), *state = data.state_at(i, k);
      CHECK(std::abs(state[0] - decay * (start[0] + 10.0 * t * start[1])) < 1e-14 * (1.0 + 10.0 * t));
      CHECK(std::abs(state[1] - decay * start[1]) < 1e-15);
    }
}

TEST_CASE("grad13_keeps_its_mean_and_its_growth_of_time_is_a_semigroup") {
  const GenerateOptions options = small_options(SystemKind::grad13);
  const core::Trajectories data = reference::simulate(options, 2, "train", 0, 3);
  for (std::size_t i = 0; i < data.count; ++i)
    for (std::size_t k = 0; k < data.times; ++k)
      for (std::size_t c = 0; c < 6; ++c) CHECK(data.state_at(i, k)[c] == data.state_at(i, 0)[c]);
  GenerateOptions finer = options;
  finer.times = 13;
  const core::Trajectories fine = reference::simulate(finer, 2, "train", 0, 3);
  for (std::size_t i = 0; i < data.count; ++i)
    for (std::size_t k = 0; k < data.times; ++k)
      for (std::size_t c = 0; c < data.components; ++c)
        CHECK(data.state_at(i, k)[c] == Approx(fine.state_at(i, 2 * k)[c]).margin(1e-14));
}

TEST_CASE("kuramoto_sivashinsky_is_sampled_along_one_solution") {
  // The same times with twice the samples, and with half the step.
  GenerateOptions options = small_options(SystemKind::kuramoto_sivashinsky);
  const core::Trajectories data = reference::simulate(options, 3, "train", 0, 2);
  options.times = 13;
  const core::Trajectories finer = reference::simulate(options, 3, "train", 0, 2);
  options.step /= 2;
  const core::Trajectories accurate = reference::simulate(options, 3, "train", 0, 2);
  double change = 0.0;
  for (std::size_t i = 0; i < data.count; ++i)
    for (std::size_t k = 0; k < data.times; ++k)
      for (std::size_t c = 0; c < data.components; ++c) {
        REQUIRE(data.state_at(i, k)[c] == Approx(finer.state_at(i, 2 * k)[c]).margin(1e-10));
        change = std::max(change, std::abs(data.state_at(i, k)[c] - accurate.state_at(i, 2 * k)[c]));
      }
  CHECK(change < 1e-4);
  CHECK(change > 0.0);
}

TEST_CASE("breakdown_names_system_split_trajectory_and_time") {
  GenerateOptions options = small_options(SystemKind::kuramoto_sivashinsky);
  options.domain_length = 100.0;  // 8 points cannot hold the unstable waves
  options.grid_points = 8;
  options.step = 3.0;
  options.t_end = 3000.0;
  try {
    reference::simulate(options, 3, "validation", 4, 1);
    FAIL("did not throw");
  } catch (const NumericalError& error) {
    const std::string message = error.what();
    INFO(message);
    for (const char* word : {"kuramoto_sivashinsky", "validation", "trajectory 4", "t = "})
      CHECK(message.find(word) != std::string::npos);
  }
}

TEST_CASE("options_out_of_range_are_refused_by_name") {
  const auto refused = [](const char* word, void (*spoil)(GenerateOptions&)) {
    for (const SystemKind kind : {SystemKind::robertson, SystemKind::kuramoto_sivashinsky,
                                  SystemKind::sigmoid_map, SystemKind::switching, SystemKind::lorenz96}) {
      GenerateOptions options = small_options(kind);
      CHECK(refusal(options).empty());
      spoil(options);
      const std::string message = refusal(options);
      if (message.starts_with(word)) return true;
    }
    return false;
  };
  CHECK(refused("times", [](GenerateOptions& o) { o.times = 1; }));
  CHECK(refused("times", [](GenerateOptions& o) { o.times = 2; }));
  CHECK(refused("t_start", [](GenerateOptions& o) { o.t_start = 0.0; }));
  CHECK(refused("t_end", [](GenerateOptions& o) { o.t_end = o.t_start; }));
  CHECK(refused("tolerance", [](GenerateOptions& o) { o.tolerance = 1e-14; }));
  CHECK(refused("perturbation", [](GenerateOptions& o) { o.perturbation = -0.1; }));
  CHECK(refused("grid", [](GenerateOptions& o) { o.grid = TimeGrid::logarithmic, o.t_start = 1.0; }));
  CHECK(refused("grid_points", [](GenerateOptions& o) { o.grid_points = 63; }));
  CHECK(refused("step", [](GenerateOptions& o) { o.step = 0.0; }));
  CHECK(refused("t_end", [](GenerateOptions& o) { o.t_end += 0.5; }));
  CHECK(refused("switching.a1", [](GenerateOptions& o) { o.switching.a1 = {1.0}; }));
  CHECK(refused("switching.c", [](GenerateOptions& o) { o.switching.c = {0.0, 0.0}; }));
  CHECK(refused("derivatives", [](GenerateOptions& o) { o.derivatives = true; }));
  CHECK(refused("vary", [](GenerateOptions& o) { o.vary = "t_end"; }));
  CHECK(refused("vary", [](GenerateOptions& o) { o.vary = "sigmoid_map"; }));
  CHECK(refused("vary_to", [](GenerateOptions& o) { o.vary = "epsilon", o.vary_from = 2.0; }));
  CHECK(refused("epsilon", [](GenerateOptions& o) { o.vary = "epsilon", o.vary_from = -1.0; }));
  CHECK(refused("vary_spread", [](GenerateOptions& o) {
    o.vary = "epsilon", o.vary_from = 0.0, o.vary_spread = core::Spread::logarithmic;
  }));
  CHECK(refused("vary", [](GenerateOptions& o) { o.vary = "relaxation"; }));
  CHECK(refused("charge", [](GenerateOptions& o) { o.charge = 0.5; }));
  CHECK(refused("relaxation", [](GenerateOptions& o) { o.relaxation = -1.0; }));
  CHECK(refused("relaxation needs a fast-slow system", [](GenerateOptions& o) { o.relaxation = 1.0; }));
  CHECK(refused("on_manifold needs a fast-slow system", [](GenerateOptions& o) { o.on_manifold = true; }));
  CHECK(refused("time_scale is slow, which needs epsilon above 0", [](GenerateOptions& o) {
    if (o.system == SystemKind::lorenz96) o.time_scale = core::TimeScale::slow, o.epsilon = 0.0;
  }));
  CHECK(refused("lorenz96.slow", [](GenerateOptions& o) { o.lorenz96.slow = 3; }));
  CHECK(refused("burn_in", [](GenerateOptions& o) { o.burn_in = std::nan(""); }));
}

TEST_CASE("trajectories_have_a_value_of_their_own_of_what_varies") {
  GenerateOptions options = small_options(SystemKind::sigmoid_map);
  options.vary = "sigmoid_map.b";
  options.vary_from = 0.2;
  options.vary_to = 0.4;
  CHECK(reference::parameter_names(options) == std::vector<std::string>{"b"});
  const core::Trajectories data = reference::simulate(options, 3, "train", 0, 20);
  const std::vector<double>& b = data.parameters.at("b");
  REQUIRE(b.size() == 20);
  CHECK(reference::simulate(options, 3, "train", 7, 1).parameters.at("b").front() == b[7]);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK((b[i] >= 0.2 && b[i] <= 0.4));
    options.sigmoid_map.b = b[i];
    const double* const u = data.state_at(i, 0);
    CHECK(u[1] == Approx(0.8 * u[0] - 0.5 * (1.0 + std::tanh(5.0 * u[0])) + b[i]));
  }
}

TEST_CASE("derivatives_are_those_of_each_trajectorys_own_system") {
  GenerateOptions options = small_options(SystemKind::switching);
  options.vary = "switching.mu";
  options.derivatives = true;
  const core::Trajectories data = reference::simulate(options, 3, "train", 0, 3);
  for (std::size_t i = 0; i < 3; ++i) {  // d u_2 / dt at the start, on either side of the plane
    const double *const u = data.state_at(i, 0), *const rate = &data.derivative[i * 7 * 2];
    CHECK(rate[1] == Approx((u[0] < 0.0 ? -u[0] : -5.0 * u[0]) + data.parameters.at("mu")[i]));
  }
}

TEST_CASE("systems_have_units_and_names_of_components") {
  for (const SystemKind kind : kinds) {
    const GenerateOptions options = small_options(kind);
    CHECK(!reference::system_units(options).empty());
    CHECK(reference::component_names(options).size() == reference::number_of_components(options));
  }
}

namespace {

// Of epsilon in [1e-3, 1e-2], logarithmic.
GenerateOptions fast_slow_options(SystemKind kind) {
  GenerateOptions options;
  options.system = kind;
  options.times = 4;
  options.t_end = 0.75;
  options.vary = "epsilon";
  options.vary_from = 1e-3;
  options.vary_to = 1e-2;
  options.vary_spread = core::Spread::logarithmic;
  return options;
}

// How far the state of a trajectory at a time is from the slow manifold.
double distance(const GenerateOptions& options, const core::Trajectories& data, std::size_t i,
                std::size_t t) {
  GenerateOptions own = options;
  own.epsilon = data.parameters.at("epsilon")[i];
  const auto system = core::make_system(own);
  std::vector<double> u(data.state_at(i, t), data.state_at(i, t) + data.components), on = u;
  system->to_slow_manifold(on);
  double squares = 0.0;
  for (std::size_t c = 0; c < u.size(); ++c) squares += (u[c] - on[c]) * (u[c] - on[c]);
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("logarithmic_values_are_spread_over_decades") {
  GenerateOptions options = fast_slow_options(SystemKind::attracting_manifold);
  options.vary_from = 1e-5;
  const std::vector<double> epsilon =
      reference::simulate(options, 3, "train", 0, 300).parameters.at("epsilon");
  std::size_t decades[3] = {0, 0, 0};
  for (const double value : epsilon) {
    REQUIRE((value >= 1e-5 && value <= 1e-2));
    ++decades[std::min(2, int(std::log10(value / 1e-5)))];
  }
  for (const std::size_t count : decades) CHECK((count > 70 && count < 130));
}

TEST_CASE("slow_times_are_those_of_each_trajectorys_own_epsilon") {
  for (const SystemKind kind : fast_slow) {
    GenerateOptions options = fast_slow_options(kind);
    options.time_scale = core::TimeScale::slow;
    options.t_start = 0.25;
    options.relaxation = 0.25;
    const core::Trajectories data = reference::simulate(options, 3, "train", 0, 4);
    CHECK(!data.shared_time);
    REQUIRE(data.time.size() == 4 * options.times);
    for (std::size_t i = 0; i < 4; ++i) {
      const double epsilon = data.parameters.at("epsilon")[i];
      CHECK(data.time_at(i, 0) == Approx(0.25 / epsilon));
      CHECK(data.time_at(i, 3) == Approx(0.75 / epsilon));
      const core::Trajectories alone = reference::simulate(options, 3, "train", i, 1);
      CHECK(alone.time == std::vector<double>(data.times_at(i), data.times_at(i) + options.times));
      CHECK(std::equal(alone.state.begin(), alone.state.end(), data.state_at(i, 0)));
      // Relaxed: what is left is what the expansion lacks.
      for (std::size_t t = 0; t < options.times; ++t)
        CHECK(distance(options, data, i, t) <
              (kind == SystemKind::grad_moments ? 1e-8 : 200.0 * epsilon * epsilon));
    }
  }
}

TEST_CASE("relaxed_states_are_later_states_of_the_same_trajectories") {
  GenerateOptions options = fast_slow_options(SystemKind::lorenz96);
  const core::Trajectories data = reference::simulate(options, 3, "train", 0, 2);
  options.relaxation = 0.25;
  const core::Trajectories later = reference::simulate(options, 3, "train", 0, 2);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t t = 0; t + 1 < options.times; ++t)
      for (std::size_t c = 0; c < data.components; ++c)
        CHECK(later.state_at(i, t)[c] == Approx(data.state_at(i, t + 1)[c]).margin(1e-8));
}

TEST_CASE("trajectories_that_start_on_the_slow_manifold_stay_there") {
  for (const SystemKind kind : fast_slow) {
    GenerateOptions options = fast_slow_options(kind);
    options.on_manifold = true;
    const core::Trajectories data = reference::simulate(options, 3, "train", 0, 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const double epsilon = data.parameters.at("epsilon")[i];
      CHECK(distance(options, data, i, 0) < 1e-14);
      CHECK(distance(options, data, i, options.times - 1) < 200.0 * epsilon * epsilon);
    }
    // At epsilon 0 nothing moves.
    options.vary_spread = core::Spread::uniform;
    options.vary_from = options.vary_to = 0.0;
    const core::Trajectories still = reference::simulate(options, 3, "train", 0, 2);
    CHECK(still.parameters.at("epsilon") == std::vector<double>{0.0, 0.0});
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t c = 0; c < still.components; ++c)
        CHECK(still.state_at(i, options.times - 1)[c] == Approx(still.state_at(i, 0)[c]).margin(1e-12));
  }
}
