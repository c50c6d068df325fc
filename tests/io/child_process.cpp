#include "io/child_process.hpp"
#include "fixtures.hpp"

#include <atomic>
#include <csignal>
#include <limits>
#include <numeric>

using namespace spnode;
using namespace spnode::test;
using io::in_child;

TEST_CASE("child_gives_back_what_its_work_returns") {
  std::string long_text(1 << 20, 'x');
  long_text[1000] = '\0';
  CHECK(in_child("x", {}, [&] { return long_text; }) == long_text);
  CHECK(in_child("x", {}, [] { return std::string(); }).empty());
}

TEST_CASE("numbers_that_the_work_fills_in_arrive") {
  std::vector<double> numbers(100000, 0.0);
  in_child("x", {}, numbers, [&] { std::iota(numbers.begin(), numbers.end(), 0.5); });
  CHECK(numbers.front() == 0.5);
  CHECK(numbers.back() == 99999.5);
  CHECK(outcome_of([&] { in_child("x", {}, numbers, [] { throw FileError("not there"); }); }).message ==
        "not there");
}

TEST_CASE("errors_of_the_work_come_back_as_they_are") {
  const Outcome outcome =
      outcome_of([] { in_child("x", {}, []() -> std::string { throw NumericalError("not this way"); }); });
  CHECK(outcome.status == ExitStatus::numerical_error);
  CHECK(outcome.message == "not this way");
}

TEST_CASE("crash_endless_loop_and_endless_memory_are_file_errors") {
  const auto message = [](const std::function<void()>& work) {
    const Outcome outcome = outcome_of([&] {
      in_child("data.h5", {}, [&] {
        work();
        return std::string();
      });
    });
    CHECK(outcome.status == ExitStatus::file_error);
    return outcome.message;
  };
  CHECK(message([] { std::raise(SIGSEGV); }) == "data.h5: is damaged: HDF5 crashes on it");
  CHECK(message([] {
          for (std::atomic<int> i = 0;; ++i) {
          }
        }) == "data.h5: is damaged: reading it does not come to an end");
  CHECK(message([] { std::vector<char>(std::numeric_limits<std::ptrdiff_t>::max() / 4); }) ==
        "data.h5: is damaged: it asks for more memory than there is");
}
