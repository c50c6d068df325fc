#include "io/child_process.hpp"
#include "fixtures.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <limits>
#include <memory>
#include <numeric>

using namespace spnode;
using namespace spnode::test;
using io::ChildLimits;
using io::in_child;
using io::Worker;

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

TEST_CASE("a_worker_does_what_it_is_asked_as_often_as_it_is_asked") {
  const std::unique_ptr<int, void (*)(int*)> shared(
      static_cast<int*>(
          mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
      [](int* address) { munmap(address, sizeof(int)); });
  Worker worker("data.h5", {}, [&](std::string_view request) {
    if (request == "fail") throw NumericalError("not this way");
    if (request == "crash") std::raise(SIGSEGV);
    *shared += std::stoi(std::string(request));
  });
  for (int k = 0; k < 3; ++k) {
    worker.start("7");
    worker.wait();
  }
  CHECK(*shared == 21);
  worker.start("fail");
  const Outcome failed = outcome_of([&] { worker.wait(); });
  CHECK(failed.status == ExitStatus::numerical_error);
  CHECK(failed.message == "not this way");
  worker.start(std::string(1 << 20, '0') + "1");
  worker.wait();
  CHECK(*shared == 22);
  worker.start("crash");
  CHECK(outcome_of([&] { worker.wait(); }).message == "data.h5: is damaged: HDF5 crashes on it");
  const Outcome ended = outcome_of([&] {
    worker.start("7");
    worker.wait();
  });
  CHECK(ended.status == ExitStatus::file_error);
}

TEST_CASE("a_worker_holds_none_of_the_files_that_its_owner_has_open") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  Worker worker("data.h5", ChildLimits{}, [](std::string_view) {});
  worker.start("");
  worker.wait();
  close(ends[1]);
  char byte = 0;
  CHECK(read(ends[0], &byte, 1) == 0);  // nobody has the other end any more
  close(ends[0]);
}
