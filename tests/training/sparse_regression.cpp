#include "training/start/sparse_regression.hpp"

#include "catch.hpp"
#include "core/support/error.hpp"
#include "core/support/random.hpp"

#include <cmath>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

constexpr std::size_t trajectories = 12, groups = 5, times = 41;
constexpr double h = 0.05;

/// u0' = u0 - u0^2 (logistic growth), u1' = -2 u1 + 3, exactly, times `size`; spread over ranks in whole
/// groups.
LatentTrajectories logistic(const Communicator& comm, double size = 1.0) {
  LatentTrajectories data;
  data.dimension = 2;
  data.times = times;
  data.group_count = groups;
  const parallel::Range own = parallel::share(groups, comm.size(), comm.rank());
  for (std::size_t g = own.begin; g < own.end; ++g)
    data.groups.push_back({g * trajectories / groups, (g + 1) * trajectories / groups});
  data.time = [](std::size_t, std::size_t t) { return h * double(t); };
  data.states = [size](std::size_t n, std::span<double> u) {
    const core::Random random(n, "start");
    const double a = 0.1 + random.uniform(0), b = random.uniform(1);
    for (std::size_t k = 0; 2 * k < u.size(); ++k) {
      const double t = h * double(k);
      u[2 * k] = size * a * std::exp(t) / (1.0 + a * (std::exp(t) - 1.0));
      u[2 * k + 1] = size * (1.5 + (b - 1.5) * std::exp(-2.0 * t));
    }
  };
  return data;
}

core::Library<double> library_of(std::size_t dimension, std::size_t arguments, std::size_t degree,
                                 std::vector<double> frequencies = {}) {
  return {{dimension, dimension, arguments}, {degree, std::move(frequencies)}, "library"};
}

// The functions of degree 3 are 1, u0, u1, u0^2, u0 u1, u1^2, ...
std::vector<double> exact_coefficients(std::size_t functions) {
  std::vector<double> Xi(2 * functions, 0.0);
  Xi[1] = 1.0;
  Xi[3] = -1.0;
  Xi[functions] = 3.0;
  Xi[functions + 2] = -2.0;
  return Xi;
}

std::string refusal(const LatentTrajectories& data, const core::Library<double>& library,
                    const core::SparseRegressionOptions& options) {
  try {
    sparse_regression(Communicator(), data, library, options, 10);
    return "";
  } catch (const Error& error) {
    CHECK(error.status() == ExitStatus::usage_error);
    return error.what();
  }
}

}  // namespace

TEST_CASE("sparse_regression_finds_the_functions_of_an_equation_and_no_others") {
  const core::Library<double> library = library_of(2, 0, 3);
  const std::vector<double> exact = exact_coefficients(library.functions());
  for (const auto& [derivatives, tolerance] :
       {std::pair(core::Derivatives::differences, 1e-6), std::pair(core::Derivatives::weak, 1e-5)}) {
    const SparseCoefficients found =
        sparse_regression(Communicator(), logistic(Communicator()), library,
                          {.derivatives = derivatives, .window = 24, .power = 12}, 10);
    CHECK(found.kept == 4);
    CHECK(found.residual < tolerance);
    for (std::size_t k = 0; k < exact.size(); ++k) {
      CHECK((found.Xi[k] != 0.0) == (exact[k] != 0.0));
      CHECK(found.Xi[k] == Approx(exact[k]).margin(tolerance));
    }
  }
}

TEST_CASE("sparse_regression_has_the_same_bits_on_any_number_of_ranks_and_in_any_units") {
  const core::Library<double> library = library_of(2, 0, 2, {1.5});
  for (const auto derivatives : {core::Derivatives::differences, core::Derivatives::weak}) {
    const core::SparseRegressionOptions options{.derivatives = derivatives, .window = 8, .threshold = 1e-3};
    const auto infer = [&](const Communicator& comm) {
      return sparse_regression(comm, logistic(comm), library, options, 6).Xi;
    };
    CHECK(infer(Communicator()) == infer(Communicator(MPI_COMM_SELF)));
  }
  const auto weighed = [&](const Communicator& comm) {
    return sparse_regression(comm, logistic(comm), library,
                             {.threshold = 0.0, .ridge = 1e-12, .sweeps = 5, .share = 1e-3}, 6)
        .Xi;
  };
  CHECK(weighed(Communicator()) == weighed(Communicator(MPI_COMM_SELF)));
  // A power of two as the unit: coefficients of degree d change by unit^(1 - d) and by nothing else.
  const core::Library<double> products = library_of(2, 0, 3);
  const auto in_units = [&](double unit) {
    return sparse_regression(Communicator(), logistic(Communicator(), unit), products, {.threshold = 0.0}, 6)
        .Xi;
  };
  const double unit = 0x1p40;
  const std::vector<double> small = in_units(1.0), large = in_units(unit);
  constexpr int degrees[] = {0, 1, 1, 2, 2, 2, 3, 3, 3, 3};
  for (std::size_t k = 0; k < small.size(); ++k)
    CHECK(large[k] == small[k] * std::pow(unit, 1 - degrees[k % products.functions()]));
}

TEST_CASE("sparse_regression_sees_past_jumps_that_the_times_do_not_resolve") {
  // After a jump between two times the trajectories follow the same equations from other states.
  LatentTrajectories data = logistic(Communicator());
  const auto smooth = data.states;
  data.states = [smooth](std::size_t n, std::span<double> u) {
    std::vector<double> later(u.size());
    smooth(n + 100, later);
    smooth(n, u);
    for (std::size_t k = 25 + n % 3; 2 * k < u.size(); ++k) {
      u[2 * k] = later[2 * (k - 25)];
      u[2 * k + 1] = 1.5 + 40.0 * std::exp(-2.0 * h * double(k - 25));
    }
  };
  const core::Library<double> library = library_of(2, 0, 3);
  const std::vector<double> exact = exact_coefficients(library.functions());
  const auto error = [&](const core::SparseRegressionOptions& options) {
    const auto Xi = sparse_regression(Communicator(), data, library, options, 6).Xi;
    double largest = 0.0;
    for (std::size_t k = 0; k < exact.size(); ++k) largest = std::max(largest, std::abs(Xi[k] - exact[k]));
    return largest;
  };
  CHECK(error({.threshold = 1e-3, .ridge = 1e-12}) > 0.1);
  CHECK(error({.threshold = 1e-3, .ridge = 1e-12, .sweeps = 30, .share = 1e-3}) < 1e-3);
}

TEST_CASE("sparse_regression_takes_arguments_as_variables") {
  const Communicator comm;
  LatentTrajectories data = logistic(comm);
  data.dimension = data.arguments = 1;
  const auto rate = [](std::size_t n) { return 0.5 + core::Random(n, "rate").uniform(0); };
  data.arguments_at = [=](std::size_t n, std::size_t, std::span<double> q) { q[0] = rate(n); };
  data.states = [=](std::size_t n, std::span<double> u) {
    for (std::size_t t = 0; t < u.size(); ++t) u[t] = (1.0 + double(n)) * std::exp(-rate(n) * h * double(t));
  };
  const SparseCoefficients found = sparse_regression(comm, data, library_of(1, 1, 2), {}, 10);
  for (std::size_t k = 0; k < 6; ++k)  // 1, u, q, u^2, u q, q^2
    CHECK(found.Xi[k] == Approx(k == 4 ? -1.0 : 0.0).margin(1e-8));
  CHECK(found.kept == 1);
}

TEST_CASE("sparse_regression_of_an_equation_of_second_order_gives_the_last_components") {
  const Communicator comm;
  LatentTrajectories data = logistic(comm);
  data.states = [](std::size_t n, std::span<double> u) {  // x'' = -x - v / 5, from any x with v = 0
    const double w = std::sqrt(1.0 - 0.01), x = 1.0 + double(n);
    for (std::size_t t = 0; t < times; ++t) {
      const double s = h * double(t), decay = x * std::exp(-0.1 * s);
      u[2 * t] = decay * (std::cos(w * s) + 0.1 / w * std::sin(w * s));
      u[2 * t + 1] = -decay / w * std::sin(w * s);
    }
  };
  const core::Library<double> library({2, 1, 0}, {1, {}}, "library");
  const SparseCoefficients found = sparse_regression(comm, data, library, {.threshold = 0.05}, 10);
  REQUIRE(found.Xi.size() == 3);
  CHECK(found.Xi[0] == 0.0);
  CHECK(found.Xi[1] == Approx(-1.0).epsilon(1e-9));
  CHECK(found.Xi[2] == Approx(-0.2).epsilon(1e-9));
}

TEST_CASE("sparse_regression_says_why_data_do_not_suit_it") {
  using Catch::Matchers::Contains;
  const Communicator comm;
  const core::SparseRegressionOptions weak{.derivatives = core::Derivatives::weak};
  LatentTrajectories data = logistic(comm);
  CHECK_THAT(refusal(data, library_of(2, 0, 29), {}),
             Contains("as many equations as there are functions, 465"));
  CHECK_THAT(refusal(data, library_of(2, 0, 2), {.threshold = 100.0}),
             Contains("a threshold of 100 leaves no"));
  data.states = [all = data.states](std::size_t n, std::span<double> u) {
    all(n, u);
    for (std::size_t t = 0; t < times; ++t) u[2 * t + 1] = 2.0 * u[2 * t];
  };
  CHECK_THAT(refusal(data, library_of(2, 0, 1), {}), Contains("is zero or a linear combination of others"));
  CHECK(refusal(data, library_of(2, 0, 1), {.threshold = 0.01, .ridge = 1e-8}) == "");
  data = logistic(comm);
  data.time = [](std::size_t, std::size_t t) { return double(t * t); };
  CHECK_THAT(refusal(data, library_of(2, 0, 2), weak),
             Contains("evenly spaced times; the longest step is 79 times the shortest."));
  data = logistic(comm);
  data.times = 20;
  CHECK_THAT(refusal(data, library_of(2, 0, 2), weak), Contains("window of 20 intervals; found 20"));
  data.times = 2;
  CHECK_THAT(refusal(data, library_of(2, 0, 2), {}), Contains("at least three times; found 2"));
}
