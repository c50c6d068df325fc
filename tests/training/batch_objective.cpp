#include "training/summed_objective.hpp"

#include "catch.hpp"
#include "toy_objective.hpp"

#include <cstring>
#include <stdexcept>

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;
using tests::ToyObjective;

namespace {

/// 40 trajectories of 6 times, batches of 24 in 6 tiles (or fewer, larger ones).
struct Setting {
  explicit Setting(const Communicator& comm, std::size_t tile = 4)
      : sampler(40 * 5, {.batch = 24, .tile = tile, .seed = 5}),
        data(tests::toy_data(40, 6, sampler.held(comm.rank(), comm.size()))),
        batch(comm, objective, data, sampler),
        gradient(batch.parameters()) {
    for (std::size_t i = 0; i < batch.parameters(); ++i) theta.push_back(0.1 * static_cast<double>(i) - 0.3);
  }

  Evaluation evaluate(std::optional<BatchNumber> number = BatchNumber{2, 3}) {
    return batch.gradient(number, theta, gradient);
  }

  ToyObjective objective;
  Sampler sampler;
  core::WindowData data;
  BatchObjective batch;
  std::vector<double> theta, gradient;
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("loss_and_gradient_are_bitwise_those_of_one_rank") {
  Setting shared{Communicator()}, alone{Communicator(MPI_COMM_SELF)};
  for (const std::optional<BatchNumber> number : {std::optional<BatchNumber>{{0, 0}}, {{2, 3}}, {}}) {
    const Evaluation a = shared.evaluate(number), b = alone.evaluate(number);
    CHECK(a.finite);
    CHECK(a.loss.total == b.loss.total);
    CHECK(a.gradient_norm == b.gradient_norm);
    CHECK(same_bits(shared.gradient, alone.gradient));
  }
  CHECK(shared.batch.value(shared.theta).loss.total == alone.batch.value(alone.theta).loss.total);
}

TEST_CASE("ranks_without_work_take_part") {
  const Communicator comm;
  Setting shared{comm, 24}, alone{Communicator(MPI_COMM_SELF), 24};  // one share: only rank 0 works
  shared.evaluate();
  alone.evaluate();
  CHECK(same_bits(shared.gradient, alone.gradient));
  shared.objective.before_set = [&] {
    if (comm.rank() == comm.size() - 1) throw UsageError("idle, but broken");
  };
  CHECK_THROWS_AS(shared.evaluate(), Error);
}

TEST_CASE("full_batch_value_agrees_with_full_batch_gradient_and_differences") {
  Setting s{Communicator()};
  const Evaluation full = s.evaluate({});
  CHECK(s.batch.value(s.theta).loss.total == Approx(full.loss.total).epsilon(1e-14));
  const std::vector<double> gradient = s.gradient;
  for (std::size_t i = 0; i < s.theta.size(); ++i) {
    const double h = 1e-5, at = s.theta[i];
    s.theta[i] = at + h;
    const double up = s.batch.value(s.theta).loss.total;
    s.theta[i] = at - h;
    const double down = s.batch.value(s.theta).loss.total;
    s.theta[i] = at;
    CHECK(gradient[i] == Approx((up - down) / (2 * h)).margin(1e-9));
  }
}

TEST_CASE("numerical_error_on_one_rank_is_non_finite_on_all") {
  const Communicator comm;
  for (int culprit = 0; culprit < comm.size(); ++culprit) {
    Setting s{comm};
    s.objective.before_contribution = [&] {
      if (comm.rank() == culprit) throw NumericalError("diverged");
    };
    CHECK_FALSE(s.evaluate().finite);
    s.objective.before_contribution = {};
    CHECK(s.evaluate().finite);
  }
}

TEST_CASE("non_finite_theta_is_a_non_finite_evaluation") {
  Setting s{Communicator()};
  s.theta[3] = NAN;
  CHECK_FALSE(s.evaluate().finite);
  CHECK_FALSE(s.batch.value(s.theta).finite);
}

TEST_CASE("failure_on_one_rank_is_raised_on_all_with_its_status") {
  const Communicator comm;
  for (int culprit = 0; culprit < comm.size(); ++culprit) {
    const auto fail = [&] {
      if (comm.rank() == culprit) throw FileError("gone");
    };
    for (auto fault : {&ToyObjective::before_set, &ToyObjective::before_contribution}) {
      Setting s{comm};
      if (fault == &ToyObjective::before_contribution &&
          s.sampler.shares_of(culprit, comm.size()).size() == 0)
        continue;
      s.objective.*fault = fail;
      try {
        s.evaluate();
        FAIL("did not throw");
      } catch (const Error& error) {
        CHECK(error.status() == ExitStatus::file_error);
        CHECK(std::string(error.what()) == "gone");
      }
    }
  }
}

TEST_CASE("failure_after_the_sum_is_raised_on_all_by_the_next_evaluation") {
  const Communicator comm;
  const int culprit = comm.size() - 1;
  Setting s{comm};
  s.objective.before_gradient = [&] {
    if (comm.rank() == culprit) throw std::logic_error("broken");
  };
  CHECK(s.evaluate().finite);
  CHECK_THROWS_AS(s.evaluate(), Error);
  s.evaluate();
  CHECK_THROWS_AS(s.batch.check_replicas(s.theta), Error);
}

TEST_CASE("requests_of_any_rank_reach_all") {
  const Communicator comm;
  for (int asker = 0; asker < comm.size(); ++asker) {
    Setting s{comm};
    CHECK(s.evaluate().requests == 0);
    if (comm.rank() == asker) s.batch.ask(request_stop);
    CHECK(s.evaluate().requests == request_stop);
    if (comm.rank() == 0) s.batch.ask(request_stop | request_checkpoint);
    CHECK(s.evaluate().requests == (request_stop | request_checkpoint));
  }
}

TEST_CASE("ranks_with_different_parameters_are_found") {
  const Communicator comm;
  Setting s{comm};
  CHECK_NOTHROW(s.batch.check_replicas(s.theta));
  if (comm.size() == 1) return;
  if (comm.rank() == comm.size() - 1) s.theta[4] = std::nextafter(s.theta[4], 1.0);
  CHECK_THROWS_AS(s.batch.check_replicas(s.theta), Error);
}

TEST_CASE("sum_of_losses_is_that_of_their_gradients_on_any_number_of_ranks") {
  const auto evaluate = [](const Communicator& comm, std::optional<BatchNumber> number) {
    Setting first{comm}, other{comm, 7};
    ToyObjective objective;
    const Sampler sampler(20 * 5, {.batch = 9, .tile = 3, .seed = 8});
    const core::WindowData data = tests::toy_data(20, 6, sampler.held(comm.rank(), comm.size()));
    SummedObjective sum(comm, {&first.objective, &first.data, &first.sampler},
                        {{&objective, &data, &sampler}, {&other.objective, &other.data, &other.sampler}});
    std::vector<double> gradient(sum.parameters()), part(gradient.size()), expected(gradient.size());
    sum.ask(request_stop);
    const Evaluation of_sum = sum.gradient(number, first.theta, gradient);
    CHECK(of_sum.finite);
    CHECK(of_sum.requests == request_stop);
    // Step 3 of epoch 2 of 8 steps is the 20th: the 10th of the second epoch of 11, or the same one.
    std::optional<BatchNumber> own;
    if (number) own = BatchNumber{1, 8};
    BatchObjective further(comm, objective, data, sampler);
    double total = 0.0;
    for (const Evaluation& part_sum :
         {first.evaluate(number), further.gradient(own, first.theta, part), other.evaluate(number)})
      total += part_sum.loss.total;
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] = first.gradient[i] + part[i] + other.gradient[i];
    CHECK(of_sum.loss.total == total);
    CHECK(same_bits(gradient, expected));
    CHECK(sum.value(first.theta).loss.total == first.batch.value(first.theta).loss.total +
                                                   further.value(first.theta).loss.total +
                                                   other.batch.value(first.theta).loss.total);
    sum.check_replicas(first.theta);
    return gradient;
  };
  for (const std::optional<BatchNumber> number : {std::optional<BatchNumber>{{2, 3}}, {}})
    CHECK(same_bits(evaluate(Communicator(), number), evaluate(Communicator(MPI_COMM_SELF), number)));
}
