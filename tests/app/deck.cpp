#include "app/deck/deck.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "app/deck/keys.hpp"
#include "app/deck/reference.hpp"
#include "catch.hpp"
#include "core/support/error.hpp"

using namespace spnode;
using app::Deck;
using app::read_deck;

namespace {

/// The message that reading gives.
std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    read_deck(text, "deck.yaml", overrides);
  } catch (const Error& error) {
    CHECK(error.status() == ExitStatus::usage_error);
    return error.what();
  }
  FAIL("the deck was accepted: " << text);
  return "";
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every_integer_has_a_largest_value") {
  for (const app::Key& key : app::deck_keys()) {
    if (key.type.find("integer") == std::string::npos || key.path == "seed") continue;
    const bool list = key.type.starts_with("list");
    for (const std::string value :
         {"2147483648", "9223372036854775808", "18446744073709551615", "1e9", "-1"}) {
      const std::string message = refusal("", {key.path + (list ? "=[" + value + "]" : "=" + value)});
      CHECK(message.find(key.path + " must be an integer (at least ") != std::string::npos);
      CHECK(message.find(", at most ") != std::string::npos);
    }
    CHECK(key.allowed.find("at most") != std::string::npos);
  }
}

TEST_CASE("an_empty_deck_is_the_default_deck") {
  CHECK(app::print_deck(read_deck("", "deck.yaml", {})) == app::print_deck(Deck()));
  CHECK(app::print_deck(read_deck("model:\ntraining:\n", "deck.yaml", {})) == app::print_deck(Deck()));
}

TEST_CASE("values_reach_their_fields") {
  const Deck deck = read_deck(
      "output: out\n"
      "model:\n  nonlinear: [bilinear, network]\n  bilinear: {rank: 7}\n"
      "integrator: {scheme: etdrk4}\n"
      "training: {adam: {rate: 2e-3, schedule: exponential}}\n"
      "forecast: {step: -0.5, steps: 3}\n",
      "deck.yaml", {});
  CHECK(deck.output == "out");
  CHECK(deck.model.nonlinear ==
        std::vector<core::NonlinearKind>{core::NonlinearKind::bilinear, core::NonlinearKind::network});
  CHECK(deck.model.bilinear.rank == 7);
  CHECK(deck.integrator.scheme == core::Scheme::etdrk4);
  CHECK(deck.training.adam.learning_rate.rate == 2e-3);
  CHECK(deck.training.adam.learning_rate.schedule == training::ScheduleKind::exponential);
  CHECK(deck.forecast.step == -0.5);
}

TEST_CASE("overrides_replace_the_deck_in_order") {
  const Deck deck =
      read_deck("training: {batch: 3}", "deck.yaml",
                {"training.batch=4", "training.batch=5", "data.train=a=b.h5", "model.nonlinear=[]"});
  CHECK(deck.training.batch == 5);
  CHECK(deck.data.train == "a=b.h5");
  CHECK(deck.model.nonlinear.empty());
}

TEST_CASE("the_printed_deck_reads_back_as_itself") {
  Deck deck = read_deck(
      "seed: 18446744073709551615\n"
      "output: 'a: b # c'\n"
      "model: {scaling: {kind: manual, scale: [1e-4, 0.1, 3]}, linear: {mu: 0.3333333333333333}}\n",
      "deck.yaml", {});
  const std::string printed = app::print_deck(deck);
  const Deck again = read_deck(printed, "printed", {});
  CHECK(app::print_deck(again) == printed);
  CHECK(again.seed == deck.seed);
  CHECK(again.output == deck.output);
  CHECK(again.model.scaling.scale == deck.model.scaling.scale);
  CHECK(again.model.linear.mu == deck.model.linear.mu);
}

TEST_CASE("a_misspelt_key_is_refused_with_its_place_and_the_nearest_key") {
  CHECK(refusal("model:\n  bilinear:\n    rnak: 3\n") ==
        "deck.yaml:3:5: unknown key 'model.bilinear.rnak'; did you mean 'model.bilinear.rank'?");
  CHECK(refusal("modle: {bilinear: {rank: 3}}") ==
        "deck.yaml:1:1: unknown key 'modle'; did you mean 'model'?");
  CHECK(refusal("", {"training.bacth=3"}) ==
        "command line: training.bacth=3: unknown key 'training.bacth'; "
        "did you mean 'training.batch'?");
}

TEST_CASE("a_key_in_the_wrong_section_is_refused_with_the_right_one") {
  CHECK(refusal("integrator: {gradient_tolerance: 0}") ==
        "deck.yaml:1:14: unknown key 'integrator.gradient_tolerance'; "
        "did you mean 'training.lbfgs.gradient_tolerance'?");
}

TEST_CASE("a_wrong_type_is_refused_with_what_was_found") {
  CHECK(refusal("training:\n  batch: many\n") ==
        "deck.yaml:2:10: training.batch must be an integer (at least 1, at most 2147483647); found 'many'");
  CHECK(refusal("training: {batch: 2.5}").find("found '2.5'") != std::string::npos);
  CHECK(refusal("training: {batch: '20'}").find("found the quoted text \"20\"") != std::string::npos);
  CHECK(refusal("training: {batch: [1, 2]}").find("found a list") != std::string::npos);
  CHECK(refusal("training: {batch: }").find("found nothing") != std::string::npos);
  CHECK(refusal("evaluate: {step_consistency: yes}").find("true or false; found 'yes'") != std::string::npos);
  CHECK(refusal("model: {lipschitz: {hidden: 50}}").find("must be a list of integers") != std::string::npos);
  CHECK(refusal("model: 3") == "deck.yaml:1:1: 'model' is a section: its keys follow on indented lines");
  CHECK(refusal("", {"training.batch=abc"}) ==
        "command line: training.batch=abc: training.batch must be an integer "
        "(at least 1, at most 2147483647); found 'abc'");
  CHECK(refusal("", {"training=3"}) ==
        "command line: training=3: 'training' is a section; name one of its keys");
}

TEST_CASE("data_are_a_file_a_pattern_or_a_list_of_files") {
  const auto train = [](const std::string& text) {
    const Deck deck = read_deck("data: {train: " + text + "}", "deck.yaml", {});
    CHECK(read_deck(app::print_deck(deck), "deck.yaml", {}).data.train == deck.data.train);
    return std::string(deck.data.train);
  };
  CHECK(train("runs/*.h5") == "runs/*.h5");
  CHECK(train("[a.h5]") == "a.h5");
  CHECK(train("[a.h5, 'b/*.h5']") == "{a.h5,b/*.h5}");
  CHECK(refusal("data: {train: []}").find("must be text or a list of texts") != std::string::npos);
  CHECK(refusal("data: {train: {a: b}}").find("must be text or a list of texts") != std::string::npos);
  CHECK(refusal("data: {train: ['a,b.h5', c.h5]}").find("without commas and braces; found 'a,b.h5'") !=
        std::string::npos);
  CHECK(refusal("data: {axes: [x, time, time]}") ==
        "deck.yaml:1:8: data.axes must name time once, and trajectory at most once; found (x, time, time)");
}

TEST_CASE("a_value_out_of_range_is_refused_with_the_range") {
  CHECK(refusal("training: {batch: 0}").find("at least 1, at most 2147483647); found '0'") !=
        std::string::npos);
  CHECK(refusal("training: {batch: -5}").find("at least 1, at most 2147483647); found '-5'") !=
        std::string::npos);
  CHECK(refusal("training: {adam: {rate: 0}}").find("above 0); found '0'") != std::string::npos);
  CHECK(refusal("training: {adam: {beta1: 1.5}}").find("at least 0, at most 1); found '1.5'") !=
        std::string::npos);
  CHECK(refusal("model: {linear: {mu: .nan}}").find("found '.nan'") != std::string::npos);
  CHECK(refusal("model: {linear: {mu: inf}}").find("found 'inf'") != std::string::npos);
}

TEST_CASE("an_unknown_word_is_refused_with_the_nearest_one") {
  const std::string message = refusal("integrator: {scheme: etd3}");
  CHECK(message.find("must be one of etd1, etdrk2, etdrk4") != std::string::npos);
  CHECK(message.find("found 'etd3'; did you mean 'etd1'?") != std::string::npos);
}

TEST_CASE("contradictions_are_refused_at_the_place_of_their_cause") {
  const std::pair<std::string, std::string> decks[] = {
      {"loss: {trajectory: 0}", "deck.yaml:1:8: loss.trajectory is 0, and so are latent"},
      {"loss: {jacobian: 1}\nmodel: {latent_dimension: 2, autoencoder: {enabled: true, pod_trainable: true}}",
       "deck.yaml:1:8: loss.jacobian needs a linear map to the latent space that does not train"},
      {"loss: {jacobian: 1}\nmodel: {latent_dimension: 2, autoencoder: {enabled: true, hidden: [4]}}",
       "deck.yaml:1:8: loss.jacobian needs a linear map to the latent space that does not train"},
      {"loss: {second_difference: 1}\nmodel: {autoencoder: {enabled: true, pod_trainable: true}}",
       "deck.yaml:1:8: loss.second_difference needs a map to the latent space that does not train"},
      {"loss: {second_difference: 1}\ndata: {window: 1}",
       "deck.yaml:1:8: loss.second_difference needs windows of at least 2 intervals; data.window is 1"},
      {"loss: {second_difference: 1}\ntraining: {adam: {rollout_lengths: [1, 4]}}",
       "deck.yaml:1:8: loss.second_difference needs windows of at least 2 intervals"},
      {"loss: {derivatives: given}",
       "deck.yaml:1:8: loss.derivatives is given, but the term derivative has no weight"},
      {"loss: {second_difference_form: backward}",
       "deck.yaml:1:32: loss.second_difference_form must be one of centred, forward"},
      {"generate: {test_times: 1}", "deck.yaml:1:12: generate.test_times must be 0 or at least 2; found 1"},
      {"generate: {grid: logarithmic, t_start: 1, test_times: 7}",
       "deck.yaml:1:43: generate.test_times needs a uniform grid; found logarithmic"},
      {"loss: {monitor: [latents]}", "deck.yaml:1:8: loss.monitor must name terms of the loss (trajectory"},
      {"loss: {monitor: [reconstruction]}",
       "deck.yaml:1:8: loss.monitor names reconstruction, but model.autoencoder.enabled is"},
      {"model: {nonlinear: [bilinear, bilinear]}", "deck.yaml:1:9: model.nonlinear names a term twice"},
      {"model: {linear: {rate_min: 2, rate_max: 1}}",
       "deck.yaml:1:18: model.linear.rate_min must not be above rate_max; found 2 and 1"},
      {"model: {autoencoder: {hidden: [50]}}", "deck.yaml:1:23: model.autoencoder.hidden is given, but not"},
      {"model: {autoencoder: {enabled: true, pod: false}}",
       "deck.yaml:1:38: model.autoencoder.pod is false and there are no hidden layers; an autoencoder"},
      {"model: {autoencoder: {enabled: true, hidden: [9], frozen: true}}",
       "deck.yaml:1:51: model.autoencoder.frozen"},
      {"model: {coupling_flow: {layers: 2}}", "deck.yaml:1:25: model.coupling_flow.layers is given, but not"},
      {"model: {coupling_flow: {enabled: true, affine_bound: 0.5}}",
       "deck.yaml:1:40: model.coupling_flow.affine_bound must be 0 or at least 1; found 0.5"},
      {"model: {coupling_flow: {enabled: true, network_bound: 0.5}}",
       "deck.yaml:1:40: model.coupling_flow.network_bound must be 0 or at least 1; found 0.5"},
      {"model: {coupling_flow: {enabled: true, conditioners: [linear], network_bound: 2}}",
       "deck.yaml:1:64: model.coupling_flow.network_bound is given without network among the conditioners"},
      {"model: {coupling_flow: {enabled: true, conditioners: []}}",
       "deck.yaml:1:40: model.coupling_flow.conditioners is empty"},
      {"model: {coupling_flow: {enabled: true, conditioners: [linear, linear]}}",
       "deck.yaml:1:40: model.coupling_flow.conditioners names linear twice"},
      {"model: {coupling_flow: {enabled: true}, autoencoder: {enabled: true}}",
       "deck.yaml:1:25: model.coupling_flow.enabled is true, and so is autoencoder.enabled"},
      {"model: {initialisation: dmd, coupling_flow: {enabled: true}}",
       "deck.yaml:1:9: model.initialisation is dmd, which needs latent states that are known"},
      {"loss: {jacobian: 1}\nmodel: {coupling_flow: {enabled: true}}",
       "deck.yaml:1:8: loss.jacobian needs a map to the latent space that does not train, but the coupling"},
      {"loss: {reconstruction: 1}\nmodel: {coupling_flow: {enabled: true}}",
       "deck.yaml:1:8: loss.reconstruction is 1, but model.autoencoder.enabled is"},
      {"generate: {charge: 0}", "deck.yaml:1:12: generate.charge must be -1 or 1; found 0"},
      {"generate: {vary: epsilon, vary_spread: logarithmic}",
       "deck.yaml:1:27: generate.vary_spread is logarithmic, which needs vary_from above 0; found 0"},
      {"training: {pretrain_epochs: 3}", "deck.yaml:1:12: training.pretrain_epochs is 3, but no autoencoder"},
      {"loss: {reconstruction: 1}",
       "deck.yaml:1:8: loss.reconstruction is 1, but model.autoencoder.enabled is"},
      {"model: {scaling: {scale: [2]}}",
       "deck.yaml:1:19: model.scaling.scale needs kind: manual; found component"},
      {"model: {scaling: {kind: manual}}", "deck.yaml:1:19: model.scaling.kind is manual, which needs"},
      {"training: {optimizers: []}", "deck.yaml:1:12: training.optimizers is empty"},
      {"training: {optimizers: [], starts: 2}\nmodel: {initialisation: dmd}",
       "deck.yaml:1:28: training.starts is 2, but training.optimizers is empty"},
      {"training: {adam: {rate: 1e-6}}",
       "deck.yaml:1:19: training.adam.final_rate must not be above rate; found"},
      {"data: {window: 4}\ntraining: {adam: {rollout_lengths: [1, 5]}}",
       "deck.yaml:2:19: training.adam.rollout_lengths has 5, but data.window is 4"},
      {"data: {times: [0, 3, 3]}", "deck.yaml:1:8: data.times must be increasing indices; found 3 after 3"},
      {"generate: {t_end: 2, t_start: 3}",
       "deck.yaml:1:12: generate.t_end must be after t_start; found 2 and 3"},
      {"generate: {grid: logarithmic}",
       "deck.yaml:1:12: generate.t_start must be above 0 on a logarithmic grid"},
      {"forecast: {step: 0.5}", "deck.yaml:1:12: forecast.step and steps go together; found 0.5 and 0"},
      {"forecast: {times: [0, 1], step: 1, steps: 2}",
       "deck.yaml:1:12: forecast.times and step with steps exclude"},
      {"forecast: {times: [0, 1, 1]}",
       "deck.yaml:1:12: forecast.times must be at least two strictly monotone"},
      {"model: {linear: {structure: block_diagonal}}\nintegrator: {linear: taylor}",
       "deck.yaml:1:18: model.linear.structure is block_diagonal, which has closed forms"},
      {"model: {linear: {structure: low_rank}}\nintegrator: {linear: dense}",
       "deck.yaml:1:18: model.linear.structure is low_rank, which has products only"},
      {"model: {linear: {structure: circulant}}",
       "deck.yaml:1:18: model.linear.structure is circulant, which needs autoencoder: {enabled: true, basis: "
       "fourier}"},
      {"model: {nonlinear: [convolution]}",
       "deck.yaml:1:9: model.nonlinear names convolution, which needs autoencoder: {enabled: true, basis: "
       "fourier}"},
      {"model: {nonlinear: [convolution], latent_dimension: 5, autoencoder: {enabled: true, basis: fourier}}",
       "deck.yaml:1:9: model.nonlinear names convolution, which needs the same scaling for all points of the "
       "field, scaling.kind: global or none; found component"},
      {"model: {nonlinear: [convolution], latent_dimension: 5, autoencoder: {enabled: true, basis: fourier, "
       "hidden: [3]}}",
       "deck.yaml:1:9: model.nonlinear names convolution, which needs autoencoder.hidden: [] and "
       "autoencoder.pod_trainable: false"},
      {"model: {autoencoder: {enabled: true, pod: false, hidden: [3], basis: fourier}}",
       "deck.yaml:1:63: model.autoencoder.basis is fourier, but pod is false: there is no linear map"},
      {"model: {nonlinear: [lipschitz], lipschitz: {activation: square}}",
       "deck.yaml:1:45: model.lipschitz.activation is square, whose slope has no bound"},
      {"model: {inference_order: 5}", "deck.yaml:1:9: model.inference_order must be even"},
      {"model: {initialisation: dmd, linear: {structure: block_diagonal}}",
       "deck.yaml:1:9: model.initialisation is dmd, which needs linear.structure: dense; found "
       "block_diagonal"},
      {"model: {initialisation: sparse_regression}",
       "deck.yaml:1:9: model.initialisation is sparse_regression, which needs linear.structure: none; found "
       "dense"},
      {"model: {initialisation: sparse_regression, linear: {structure: none}}",
       "deck.yaml:1:9: model.initialisation is sparse_regression, which needs library among the terms of "
       "nonlinear"},
      {"model: {library: {frequencies: [1, 2, 1]}}",
       "deck.yaml:1:19: model.library.frequencies names 1 twice"},
      {"model: {positive: {components: [1]}}",
       "deck.yaml:1:20: model.positive.components is given, but coordinates is none"},
      {"model: {positive: {coordinates: log}, initialisation: dmd}",
       "deck.yaml:1:20: model.positive.coordinates is log, which needs initialisation: random; found dmd"},
      {"model: {positive: {coordinates: softplus}, order: 2, linear: {structure: none}}",
       "deck.yaml:1:20: model.positive.coordinates is softplus, which needs order: 1; found 2"},
      {"model: {symmetries: {signs: [1, 0.5]}}",
       "deck.yaml:1:22: model.symmetries.signs must be 1 or -1; found 0.5"},
      {"model: {symmetries: {signs: [1, -1]}, linear: {structure: low_rank}}",
       "deck.yaml:1:22: model.symmetries.signs needs linear.structure dense or none; found low_rank"},
      {"model: {lifting: {products: [0, 1, 2]}}",
       "deck.yaml:1:19: model.lifting.products needs two components for each product; found 3 numbers"},
      {"model: {lifting: {products: [0, 1]}, linear: {structure: none}, nonlinear: [library], "
       "initialisation: "
       "sparse_regression}",
       "deck.yaml:1:19: model.lifting.products needs initialisation random, dmd or operator_inference; found "
       "sparse_regression"},
      {"model: {library: {points: [4]}}",
       "deck.yaml:1:19: model.library.points is given, but fields is 0: there is no grid"},
      {"model: {nonlinear: [library], library: {fields: 2}, autoencoder: {enabled: true}}",
       "deck.yaml:1:41: model.library.fields = 2, which needs the states as they are; autoencoder.enabled is "
       "true"},
      {"model: {initialisation: dmd, autoencoder: {enabled: true, pod: false, hidden: [5]}}",
       "deck.yaml:1:9: model.initialisation is dmd, which needs autoencoder.pod: true"},
      {"model: {initialisation: fast_slow}",
       "deck.yaml:1:9: model.initialisation is fast_slow, which needs linear.structure: fast_dissipative; "
       "found dense"},
      {"data: {slow: near.h5}",
       "deck.yaml:1:8: data.slow is given, but neither does loss.slow_data give a term a weight, nor is "
       "model.initialisation fast_slow; found random"},
      {"data: {manifold: on.h5}",
       "deck.yaml:1:8: data.manifold is given, but neither does loss.manifold_data give a term a weight"},
  };
  for (const auto& [text, message] : decks) {
    INFO(text);
    CHECK(refusal(text).rfind(message, 0) == 0);
  }
}

TEST_CASE("a_contradiction_made_on_the_command_line_is_named_there") {
  CHECK(refusal("loss: {latent: 0}", {"loss.trajectory=0"})
            .rfind("command line: loss.trajectory=0: loss.", 0) == 0);
}

TEST_CASE("a_key_given_twice_is_refused") {
  CHECK(refusal("seed: 1\nseed: 2\n") == "deck.yaml:2:1: 'seed' is given twice; also at deck.yaml:1:1");
}

TEST_CASE("text_that_is_no_deck_is_refused_with_its_place") {
  CHECK(refusal("model: {linear: [1").rfind("deck.yaml:1:", 0) == 0);
  CHECK(refusal("- a\n- b\n").find("a deck is a list of 'key: value' lines") != std::string::npos);
}

TEST_CASE("every_key_is_documented_and_named_once") {
  std::set<std::string> paths;
  for (const auto& key : app::deck_keys()) {
    INFO(key.path);
    CHECK(paths.insert(key.path).second);
    CHECK(!key.meaning.empty());
    const std::size_t dot = key.path.rfind('.');
    const std::string section = dot == std::string::npos ? "" : key.path.substr(0, dot);
    bool known = false;
    for (const auto& candidate : app::deck_sections()) known = known || candidate.path == section;
    CHECK(known);
  }
}

TEST_CASE("every_key_reads_its_own_default") {
  const Deck defaults;
  for (const auto& key : app::deck_keys()) {
    INFO(key.path);
    Deck deck;
    CHECK_NOTHROW(key.read(deck, YAML::Load(key.print(defaults))));
    CHECK(key.print(deck) == key.print(defaults));
  }
}

TEST_CASE("the_reference_deck_is_the_default_deck") {
  CHECK(app::print_deck(read_deck(app::print_reference(), "reference.yaml", {})) == app::print_deck(Deck()));
}

TEST_CASE("only_keys_that_the_model_does_not_depend_on_are_free_on_resume") {
  const std::set<std::string> free_sections = {"generate", "forecast", "evaluate",
                                               "spectrum", "closure",  "limit_sets"},
                              free_keys = {"output",
                                           "data.train",
                                           "data.validation",
                                           "data.test",
                                           "data.slow",
                                           "data.manifold",
                                           "data.memory",
                                           "training.spectrum_every",
                                           "training.checkpoint_epochs",
                                           "training.checkpoint_minutes",
                                           "training.adam.shared_from"};
  for (const auto& key : app::deck_keys()) {
    INFO(key.path);
    const bool expected =
        free_keys.contains(key.path) || free_sections.contains(key.path.substr(0, key.path.find('.')));
    CHECK((key.on_resume == OnResume::free) == expected);
  }
}

TEST_CASE("no_text_of_lib_names_a_key_of_the_deck") {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SPNODE_SOURCE_DIR "/lib")) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
    std::istringstream source(contents(entry.path()));
    for (std::string line; std::getline(source, line);) {
      if (line.starts_with("#include") || line.find_first_not_of(' ') == line.find("//")) continue;
      // What stands between quotes is every second piece.
      std::istringstream pieces(line);
      bool quoted = false;
      for (std::string piece; std::getline(pieces, piece, '"'); quoted = !quoted)
        for (const auto& key : app::deck_keys())
          if (quoted && key.path.find('.') != std::string::npos && piece.find(key.path) != std::string::npos)
            FAIL_CHECK(entry.path().string() << ": " << key.path << " in " << line);
    }
  }
}

TEST_CASE("every_deck_of_input_is_valid") {
  for (const auto& entry : std::filesystem::directory_iterator(SPNODE_SOURCE_DIR "/input")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path());
    CHECK_NOTHROW(read_deck(contents(entry.path()), entry.path(), {}));
  }
}

TEST_CASE("the_stored_reference_files_are_those_that_the_program_prints") {
  CHECK(contents(SPNODE_SOURCE_DIR "/input/reference.yaml") == app::print_reference());
  CHECK(contents(SPNODE_SOURCE_DIR "/docs/deck-reference.md") == app::print_reference_markdown());
}
