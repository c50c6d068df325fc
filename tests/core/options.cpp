#include "core/support/option.hpp"

#include "catch.hpp"
#include "core/integrators/options.hpp"
#include "core/loss/options.hpp"
#include "core/systems/options.hpp"
#include "core/vector_field/options.hpp"

#include <cmath>
#include <set>

using namespace spnode;
using namespace spnode::core;

namespace {

/// The options at fault; the first of them begins the message.
template <class Options>
std::vector<std::string> at_fault(const Options& options) {
  try {
    validate_all(options);
  } catch (const OptionError& error) {
    INFO(error.what());
    CHECK(std::string(error.what()).starts_with(error.options.front() + " "));
    return error.options;
  }
  return {};
}

template <class Enum>
void check_words() {
  std::set<std::string_view> names;
  std::set<Enum> values;
  for (const Word<Enum>& word : words<Enum>()) {
    CHECK(names.insert(word.name).second);
    CHECK(values.insert(word.value).second);
    CHECK(name_of(word.value) == word.name);
  }
}

}  // namespace

TEST_CASE("words_and_values_are_one_to_one") {
  check_words<Activation>();
  check_words<ComponentWeights>();
  check_words<Initialisation>();
  check_words<HurwitzKind>();
  check_words<LipschitzDivisor>();
  check_words<MatrixFunctionMethod>();
  check_words<NonlinearKind>();
  check_words<Precision>();
  check_words<ScalingKind>();
  check_words<Scheme>();
  check_words<SystemKind>();
  check_words<TimeGrid>();
  check_words<TimeWeights>();
  CHECK(listed_words<TimeGrid>() == "uniform, logarithmic");
  CHECK_THROWS_AS(name_of(static_cast<TimeGrid>(7)), Error);
}

TEST_CASE("limits_take_their_ends_as_they_say") {
  CHECK(at_least(1).allow(1));
  CHECK(!above(1).allow(1));
  CHECK(between(0, 1).allow(1));
  CHECK(!between(0, 1).allow(1.5));
  CHECK(!above(0).up_to(1).allow(0));
  CHECK(!above(0).up_to(1).allow(2));
  CHECK(!Limits().of_integers().allow(-1));
  CHECK(!Limits().of_integers().allow(0x1p31));
  CHECK(between(0, any_integer).of_integers().allow(0x1p63));
}

TEST_CASE("contradictions_name_the_options_of_the_outermost_struct") {
  ModelOptions model;
  CHECK(at_fault(model).empty());
  model.linear.rate_min = 2.0;
  model.linear.rate_max = 1.0;
  CHECK(at_fault(model) == std::vector<std::string>{"linear.rate_min", "linear.rate_max"});
  CHECK(at_fault(model.linear) == std::vector<std::string>{"rate_min", "rate_max"});
  model = ModelOptions();  // gcc 12 warns of {} without reason
  model.nonlinear = {NonlinearKind::network, NonlinearKind::network};
  CHECK(at_fault(model) == std::vector<std::string>{"nonlinear"});
  model = ModelOptions();
  model.initialisation = Initialisation::dmd;
  model.linear.structure = HurwitzKind::low_rank;
  CHECK(at_fault(model) == std::vector<std::string>{"initialisation", "linear.structure"});
  model = ModelOptions();
  model.scaling.shift = {1.0};
  CHECK(at_fault(model) == std::vector<std::string>{"scaling.shift"});
  model = ModelOptions();
  model.autoencoder.enabled = true;
  model.autoencoder.pod = false;
  CHECK(at_fault(model) == std::vector<std::string>{"autoencoder.pod", "autoencoder.hidden"});
  LossOptions loss;
  loss.weights.at("trajectory") = 0.0;
  CHECK(at_fault(loss).front() == "trajectory");
  GenerateOptions generate;
  generate.t_start = 200.0;
  CHECK(at_fault(generate) == std::vector<std::string>{"t_end", "t_start"});
}

TEST_CASE("values_outside_their_limits_are_refused_with_these") {
  const auto message = [](auto change) {
    ModelOptions options;
    change(options);
    try {
      validate_all(options);
    } catch (const OptionError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message([](ModelOptions& o) { o.bilinear.rank = 0; }) ==
        "bilinear.rank must be an integer (at least 1, at most 1000000); found 0");
  CHECK(message([](ModelOptions& o) { o.linear.rate_max = -1.0; }) ==
        "linear.rate_max must be a number (at least 0); found -1");
  CHECK(message([](ModelOptions& o) { o.linear.mu = std::nan(""); }) ==
        "linear.mu must be a finite number; found nan");
  CHECK(message([](ModelOptions& o) {
          o.lipschitz.hidden = {3, 0};
        }) == "lipschitz.hidden must be an integer (at least 1, at most 1000000); found 0");
}

TEST_CASE("an_error_of_options_is_that_of_the_section_where_they_stand") {
  try {
    in_section("a", [] { in_section("b", [] { require_option(false, {"c", "d.e"}, "is wrong"); }); });
    FAIL("nothing was raised");
  } catch (const OptionError& error) {
    CHECK(error.options == std::vector<std::string>{"a.b.c", "a.b.d.e"});
    CHECK(std::string(error.what()) == "a.b.c is wrong");
    CHECK(error.status() == ExitStatus::usage_error);
  }
}
