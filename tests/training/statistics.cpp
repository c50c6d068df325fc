#include "training/start/statistics.hpp"

#include "catch.hpp"
#include "toy_objective.hpp"

using namespace spnode;
using namespace spnode::training;
using parallel::Communicator;

namespace {

Moments moments_on(const Communicator& comm) {
  const Sampler sampler(7 * 9, {.batch = 30, .tile = 5});
  return component_moments(comm, {sampler, tests::toy_data(7, 10, sampler.held(comm.rank(), comm.size()))});
}

}  // namespace

TEST_CASE("moments_are_bitwise_those_of_one_rank") {
  const Moments shared = moments_on(Communicator()), alone = moments_on(Communicator(MPI_COMM_SELF));
  CHECK(shared.mean == alone.mean);
  CHECK(shared.deviation == alone.deviation);
}

TEST_CASE("moments_are_mean_and_deviation_over_all_trajectories_and_times") {
  const core::WindowData all = tests::toy_data(7, 10, {0, 63});
  const Moments moments = moments_on(Communicator());
  for (std::size_t c = 0; c < tests::toy_components; ++c) {
    double sum = 0.0, squares = 0.0;
    for (std::size_t n = 0; n < 7; ++n)
      for (std::size_t t = 0; t < 10; ++t) {
        const double x = all.held().state_at(n, t)[c];
        sum += x;
        squares += x * x;
      }
    const double mean = sum / 70;
    CHECK(moments.mean[c] == Approx(mean).epsilon(1e-13));
    CHECK(moments.deviation[c] == Approx(std::sqrt(squares / 70 - mean * mean)).epsilon(1e-12));
  }
}

TEST_CASE("pooled_moments_are_those_of_all_components_together") {
  const Moments both = pooled({{1.0, 3.0}, {2.0, 0.0}, {1e-16, 1e-7}});  // {-1, 3} and {3, 3}
  CHECK(both.mean[0] == Approx(2.0));
  CHECK(both.epsilon[0] == 1e-16);
  CHECK(both.deviation[0] == Approx(std::sqrt((9.0 + 1.0 + 1.0 + 1.0) / 4.0)));
}
