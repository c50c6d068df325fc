#include "core/machine/processor.hpp"

#include "catch.hpp"
#include "core/kernels/vector_unit.hpp"

#include <cstddef>
#include <string>

using namespace spnode::core;

namespace {

struct Words {
  std::size_t first, second, third, fourth;
};

[[gnu::noinline]] std::size_t later_words(const volatile Words& words) { return words.third + words.fourth; }

[[gnu::noinline]] std::size_t later_words_of_value(Words words) { return later_words(words); }

}  // namespace

// g++ 12 breaks them for AVX-512 where it moves 32 bytes at once (lib/cmake/spnode_layer.cmake).
TEST_CASE("constant_structs_keep_their_words") {
  CHECK(later_words_of_value({100, 100, 0, 0}) == 0);
  CHECK(later_words_of_value({5, 5, 0, 1}) == 1);
}

TEST_CASE("build_suits_the_processor_that_it_runs_on") {
  const ProcessorFit fit = processor_fit();
  CHECK(fit.missing == nullptr);
  CHECK(std::string(build_target.name).find(vector_unit.name) != std::string::npos);
}

#ifdef __x86_64__
TEST_CASE("instruction_set_that_the_processor_lacks_is_named") {
  BuildTarget target = build_target;
  target.instructions = ~std::uint64_t(0);  // no processor has them all
  CHECK(processor_fit(target).missing != nullptr);
}

TEST_CASE("vectors_wider_than_those_of_the_build_are_named") {
  BuildTarget target = build_target;
  target.vector_bytes = 16;
  const ProcessorFit fit = processor_fit(target);
  CHECK((fit.wider != nullptr) == (fit.level_number >= 3));
  CHECK(std::string(fit.level).rfind("x86-64", 0) == 0);
  target.vector_bytes = 64;
  CHECK(processor_fit(target).wider == nullptr);
}
#endif
