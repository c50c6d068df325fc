#include "app/command_line.hpp"

#include "catch.hpp"

using spnode::app::Arguments;
using spnode::app::CommandLine;

namespace {

CommandLine parse(std::vector<std::string> words) {
  const Arguments arguments("spnode", std::move(words));
  return spnode::app::parse_command_line(arguments.count, arguments.values);
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("words_go_to_whom_they_are_for") {
  const CommandLine line =
      parse({"train", "deck.yaml", "training.batch=3", "-tao_type", "lmvm", "--kokkos-threads=2", "-log_view",
             "seed=7", "--resume", "-x", "-1e3", "--overwrite"});
  CHECK(line.command == "train");
  CHECK(line.file == "deck.yaml");
  CHECK(line.overrides == Words{"training.batch=3", "seed=7"});
  CHECK(line.petsc == Words{"-tao_type", "lmvm", "-log_view", "-x", "-1e3"});
  CHECK(line.kokkos == Words{"--kokkos-threads=2"});
  CHECK(line.resume);
  CHECK(line.overwrite);
  CHECK(line.unexpected.empty());
}

TEST_CASE("a_negative_number_is_the_value_of_an_override_not_an_option") {
  CHECK(parse({"train", "d", "model.linear.mu=-0.5"}).overrides == Words{"model.linear.mu=-0.5"});
}

TEST_CASE("what_nothing_takes_is_kept_to_be_refused") {
  CHECK(parse({"train", "deck.yaml", "another.yaml", "--resmue"}).unexpected ==
        Words{"another.yaml", "--resmue"});
}

TEST_CASE("options_may_stand_before_and_after_the_deck") {
  const CommandLine line = parse({"train", "--resume", "deck.yaml", "-info"});
  CHECK(line.resume);
  CHECK(line.file == "deck.yaml");
  CHECK(line.petsc == Words{"-info"});
}
