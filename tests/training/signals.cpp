#include "training/signals.hpp"

#include "catch.hpp"
#include "training_run.hpp"

#include <sys/wait.h>
#include <unistd.h>

using namespace spnode;
using namespace spnode::tests;
using parallel::Communicator;

namespace {

/// Raises signals in a child process with pauses between; the signal that ended it, 0 for none.
int end_of_child(const std::vector<int>& signals, int pause_ms) {
  const pid_t child = fork();
  if (child == 0) {
    const SignalFlag flag;
    for (const int signal : signals) {
      raise(signal);
      usleep(static_cast<useconds_t>(1000 * pause_ms));
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("first_signal_is_noted") {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    const SignalFlag flag;
    CHECK(flag.raised() == 0);
    raise(signal);
    CHECK(flag.raised() == signal);
  }
}

TEST_CASE("inner_flag_knows_what_the_outer_one_noted") {
  const SignalFlag outer;
  raise(SIGUSR1);
  {
    const SignalFlag inner;
    CHECK(inner.raised() == SIGUSR1);
  }
  CHECK(outer.raised() == SIGUSR1);
}

TEST_CASE("new_outermost_flag_has_noted_nothing") {
  {
    const SignalFlag before;
    raise(SIGUSR1);
  }
  CHECK(SignalFlag().raised() == 0);
}

TEST_CASE("signals_have_their_previous_action_afterwards") {
  struct sigaction before {
  }, during{}, after{};
  sigaction(SIGUSR1, nullptr, &before);
  {
    const SignalFlag flag;
    sigaction(SIGUSR1, nullptr, &during);
  }
  sigaction(SIGUSR1, nullptr, &after);
  CHECK(during.sa_handler != before.sa_handler);
  CHECK(after.sa_handler == before.sa_handler);
}

TEST_CASE("repeated_signal_is_the_same_for_a_moment_and_then_ends_the_process") {
  CHECK(end_of_child({SIGUSR1, SIGUSR1}, 0) == 0);
  CHECK(end_of_child({SIGUSR1, SIGUSR1}, 400) == SIGUSR1);
}

TEST_CASE("another_signal_ends_the_process_at_once") {
  CHECK(end_of_child({SIGUSR1, SIGTERM}, 0) == SIGTERM);
  CHECK(end_of_child({SIGTERM, SIGUSR1}, 0) == SIGUSR1);
}

// A signal on one rank, at every step and in every phase: all ranks stop, and the resumed run has the same
// bits.
TEST_CASE("signal_on_one_rank_checkpoints_stops_all_and_resumes_to_the_same_bits") {
  const Communicator comm;
  TrainingOptions options = short_training();
  options.optimizers.push_back(OptimizerKind::gauss_newton);
  options.gauss_newton = {.iterations = 5, .damping = 10.0, .gradient_tolerance = 0.0};
  ToyRun whole{Communicator(MPI_COMM_SELF), options};
  whole.run();
  // 8 steps of pretraining, 32 of Adam, 9 iterations of L-BFGS, 5 of Gauss-Newton; after the very last one a
  // run ends normally.
  for (int at = 1; at < 54; at += 3) {
    const SignalFlag flag;
    ToyRun stopped{comm, options};
    int steps = 0;
    stopped.signals = &flag;
    stopped.hooks.progress = [&](const Progress&) {
      if (++steps == at && comm.rank() == at % comm.size()) raise(SIGUSR1);
    };
    INFO("signal after step " << at);
    CHECK_THROWS_AS(stopped.run(), Interrupted);
    REQUIRE(stopped.checkpoints.size() == 1);
    ToyRun resumed{comm, options};
    resumed.state = stopped.checkpoints[0];
    CHECK(bytes(resumed.run()) == bytes(whole.state));
  }
}
