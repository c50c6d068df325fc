// Equations that are the same at all points of a grid, from data.
#include "catch.hpp"
#include "core/support/random.hpp"
#include "core/vector_field/equations.hpp"
#include "training/field_survey.hpp"
#include "training/start/initial_model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t points = 12, times = 31, count = 6;
constexpr double h = 0.05, rates[] = {1.0, 3.0};

/// Fields that diffuse on a ring, du/dt = rate (u[+1] - 2 u + u[-1]) with its own rate each, exactly.
core::Trajectories diffusion(core::FieldAxis axis) {
  core::Trajectories data;
  data.count = count;
  data.times = times;
  data.components = 2 * points;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(h * double(t));
  const auto value = [](std::size_t n, std::size_t field, double t, std::size_t point) {
    const core::Random random(n, field == 0 ? "first" : "second");
    double u = 2.0 + double(field);
    for (std::size_t k = 1; k <= 3; ++k) {
      const double angle = 2.0 * std::numbers::pi * double(k) / double(points);
      u += random.normal(2 * k) * std::cos(angle * double(point) + 6.0 * random.uniform(2 * k + 1)) *
           std::exp(-rates[field] * (2.0 - 2.0 * std::cos(angle)) * t);
    }
    return u;
  };
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t t = 0; t < times; ++t)
      for (std::size_t c = 0; c < 2 * points; ++c) {
        const bool first = axis == core::FieldAxis::first;
        data.state.push_back(value(n, first ? c / points : c % 2, data.time[t], first ? c % points : c / 2));
      }
  return data;
}

core::ModelOptions diffusion_model(core::FieldAxis axis) {
  core::ModelOptions options;
  options.linear.structure = core::HurwitzKind::none;
  options.nonlinear = {core::NonlinearKind::library};
  options.library.degree = 1;
  options.library.fields = 2;
  options.library.field_axis = axis;
  options.initialisation = core::Initialisation::sparse_regression;
  options.sparse_regression = {.threshold = 1e-3};
  return options;
}

}  // namespace

TEST_CASE("one_equation_of_each_field_is_found_on_any_number_of_ranks") {
  for (const core::FieldAxis axis : {core::FieldAxis::first, core::FieldAxis::last}) {
    const auto start = [&](const Communicator& comm) {
      return make_initial_model(
          comm, diffusion_model(axis), 1,
          share_trajectories(comm, diffusion(axis), {.window = 5, .stride = 5, .times = {}},
                             {.batch = 16, .tile = 8}));
    };
    const InitialModel shared = start(Communicator()), alone = start(Communicator(MPI_COMM_SELF));
    CHECK(shared.theta == alone.theta);
    const std::vector<double> Xi = shared.model->library()->coefficients_of(shared.theta);
    REQUIRE(Xi.size() == 2 * 7);  // 1, u, v, u[+1], v[+1], u[-1], v[-1]
    for (std::size_t k = 0; k < Xi.size(); ++k) {
      const std::size_t field = k / 7, variable = k % 7;
      const bool own = variable > 0 && (variable - 1) % 2 == field;
      CHECK(Xi[k] == Approx(!own ? 0.0 : rates[field] * (variable < 3 ? -2.0 : 1.0)).margin(1e-6));
    }
  }
}

TEST_CASE("an_equation_of_second_order_is_found") {
  // Waves on a ring, u = [x; v], dv/dt = 2 (x[+1] - 2 x + x[-1]), exactly.
  constexpr double speed_squared = 2.0;
  core::Trajectories data;
  data.count = count;
  data.times = times;
  data.components = 2 * points;
  for (std::size_t t = 0; t < times; ++t) data.time.push_back(h * double(t));
  for (std::size_t n = 0; n < count; ++n)
    for (const double t : data.time)
      for (std::size_t c = 0; c < 2 * points; ++c) {
        const core::Random random(n, "wave");
        double value = 0.0;
        for (std::size_t k = 1; k <= 3; ++k) {
          const double angle = 2.0 * std::numbers::pi * double(k) / double(points),
                       speed = std::sqrt(speed_squared * (2.0 - 2.0 * std::cos(angle))),
                       rate = n % 2 == 0 ? speed : -speed,
                       phase = angle * double(c % points) - rate * t + 6.0 * random.uniform(k);
          value += random.normal(k) * (c < points ? std::cos(phase) : rate * std::sin(phase));
        }
        data.state.push_back(value);
      }
  core::ModelOptions options = diffusion_model(core::FieldAxis::first);
  options.order = 2;
  options.invariants.assign(2 * points, 0.0);
  std::fill_n(options.invariants.begin() + points, points, 1.0);
  const InitialModel start =
      make_initial_model(Communicator(), options, 1,
                         share_trajectories(Communicator(), data, {.window = 5, .stride = 5, .times = {}},
                                            {.batch = 16, .tile = 8}));
  const std::vector<double> Xi = start.model->library()->coefficients_of(start.theta);
  REQUIRE(Xi.size() == 7);  // 1, x, v, x[+1], v[+1], x[-1], v[-1]
  for (std::size_t k = 0; k < Xi.size(); ++k)
    CHECK(Xi[k] == Approx(k % 2 == 0 ? 0.0 : speed_squared * (k == 1 ? -2.0 : 1.0)).margin(1e-6));
  CHECK(equations(*start.model, start.theta)[0] == "du_0/dt = u_1");
}

TEST_CASE("fields_are_told_from_each_other_in_flat_states") {
  for (const core::FieldAxis axis : {core::FieldAxis::first, core::FieldAxis::last}) {
    const auto found = survey_fields(diffusion(axis), {});
    REQUIRE(found);
    CHECK(found->form.fields == 2);
    CHECK(found->form.field_axis == axis);
    CHECK(found->form.degree == 1);
    CHECK(found->form.neighbours == 1);
    CHECK(found->residual < 1e-6);
    const bool first = axis == core::FieldAxis::first;
    const auto told = survey_fields(
        diffusion(axis), first ? std::vector<std::size_t>{2, points} : std::vector<std::size_t>{points, 2});
    REQUIRE(told);
    CHECK(told->form.fields == 2);
    CHECK(told->form.field_axis == axis);
  }
}
