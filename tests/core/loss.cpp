#include "catch.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/loss/weights.hpp"
#include "core/support/error.hpp"

#include <cmath>
#include <numeric>
#include <set>
#include <vector>

using namespace spnode::core;

TEST_CASE("terms_of_the_loss_have_names_of_their_own") {
  // Other columns of the history.
  std::set<std::string_view> names = {
      "epoch", "phase", "steps", "loss", "gradient_norm", "rate", "skipped", "seconds", "spectral_abscissa"};
  for (std::size_t i = 0; i < loss_terms().size(); ++i) {
    const LossTermKind& kind = loss_terms()[i];
    CAPTURE(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK(kind.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    CHECK(!kind.meaning.empty());
    CHECK(find_loss_term(kind.name) == i);
    CHECK((kind.make_double != nullptr) == !kind.is_penalty());
    CHECK((kind.make_float != nullptr) == !kind.is_penalty());
    CHECK((!kind.needs_tangents || kind.coordinates == CoordinateDemand::fixed_linear));
  }
  CHECK(!find_loss_term("trajectories"));
  CHECK_THROWS_AS(LossWeights({{"trajectories", 1.0}}), spnode::UsageError);
}

TEST_CASE("weights_of_the_loss_that_are_not_named_are_zero") {
  LossOptions options;
  CHECK(options.weights.at("trajectory") == 1.0);
  options.weights = {{"latent", 0.5}};
  for (std::size_t i = 0; i < loss_terms().size(); ++i)
    CHECK(is_trained(options, i) == (loss_terms()[i].name == "latent"));
  options.monitor = {"weight_decay"};
  CHECK(is_validated(options, *find_loss_term("weight_decay")));
  CHECK(!is_trained(options, *find_loss_term("weight_decay")));
}

TEST_CASE("windows_that_are_too_short_for_a_term_are_refused") {
  LossOptions options;
  CHECK_NOTHROW(require_intervals(options, 1));
  options.weights.at("second_difference") = 1.0;
  CHECK_NOTHROW(require_intervals(options, 2));
  CHECK_THROWS_AS(require_intervals(options, 1), spnode::OptionError);
}

TEST_CASE("time_weights_sum_to_one") {
  const std::vector<double> times = {0.0, 1e-3, 1e-2, 0.5, 7.0};
  for (const TimeWeights kind : {TimeWeights::uniform, TimeWeights::trapezoid, TimeWeights::logarithmic}) {
    std::vector<double> weights(times.size());
    time_weights(kind, times, weights);
    CHECK(std::accumulate(weights.begin(), weights.end(), 0.0) == Approx(1.0).epsilon(1e-14));
    for (const double weight : weights) CHECK(weight > 0.0);
  }
}

TEST_CASE("trapezoidal_weights_integrate_linear_functions_exactly") {
  const std::vector<double> times = {1.0, 1.5, 4.0};
  std::vector<double> weights(3);
  time_weights(TimeWeights::trapezoid, times, weights);
  double integral = 0.0;
  for (std::size_t i = 0; i < 3; ++i) integral += weights[i] * (2.0 + 3.0 * times[i]);
  CHECK(integral * 3.0 == Approx(2.0 * 3.0 + 1.5 * (16.0 - 1.0)).epsilon(1e-14));
}

TEST_CASE("logarithmic_weights_are_alike_on_a_logarithmic_grid") {
  const std::vector<double> times = {1e-4, 1e-2, 1e0, 1e2};
  std::vector<double> weights(4);
  time_weights(TimeWeights::logarithmic, times, weights);
  CHECK(weights[1] == Approx(weights[2]).epsilon(1e-14));
  CHECK(weights[0] == Approx(0.5 * weights[1]).epsilon(1e-14));
}
