#include "io/data_identity.hpp"
#include "fixtures.hpp"
#include "parallel/partition.hpp"

using namespace spnode;
using namespace spnode::test;
using core::Trajectories;
using parallel::Communicator;

namespace {

constexpr std::size_t count = 7, times = 3, components = 2;

Trajectories example() {
  Trajectories data;
  data.count = count;
  data.times = times;
  data.components = components;
  for (std::size_t k = 0; k < count * times * components; ++k) data.state.push_back(0.1 * double(k));
  data.time = {0.0, 0.5, 2.0};
  for (std::size_t n = 0; n < count; ++n) data.parameters["epsilon"].push_back(double(n));
  return data;
}

/// The trajectories [first, last).
Trajectories part(const Trajectories& all, std::size_t first, std::size_t last) {
  Trajectories some = all;
  some.count = last - first;
  some.state.assign(all.state_at(first, 0), all.state_at(first, 0) + some.count * times * components);
  for (auto& [name, values] : some.parameters) {
    const std::vector<double>& whole = all.parameters.at(name);
    values.assign(whole.begin() + std::ptrdiff_t(first), whole.begin() + std::ptrdiff_t(last));
  }
  return some;
}

std::string identity_of(const Communicator& comm, const Trajectories& held, std::size_t first) {
  return io::identify(comm, {core::WindowIndex(count, times, {}), held, first});
}

/// Spread over the ranks, each holding also the trajectory after its own where there is one.
std::string spread(const Trajectories& all) {
  const Communicator comm;
  const parallel::Range mine = parallel::share(count, comm.size(), comm.rank());
  const std::size_t last = std::min<std::size_t>(mine.end + 1, count);
  return identity_of(comm, part(all, mine.begin, last), mine.begin);
}

std::string alone(const Trajectories& all) { return identity_of(Communicator(MPI_COMM_SELF), all, 0); }

}  // namespace

TEST_CASE("identity_does_not_depend_on_the_ranks_or_on_how_times_are_stored") {
  Trajectories data = example();
  const std::string identity = alone(data);
  CHECK(identity.starts_with("7 trajectories of 3 times and 2 components, checksum "));
  CHECK(spread(data) == identity);
  data.shared_time = false;
  data.time.clear();
  for (std::size_t n = 0; n < count; ++n) data.time.insert(data.time.end(), {0.0, 0.5, 2.0});
  CHECK(alone(data) == identity);
}

TEST_CASE("every_number_and_its_place_count") {
  const std::string identity = alone(example());
  const auto changed = [](const std::function<void(Trajectories&)>& change) {
    Trajectories data = example();
    change(data);
    return spread(data);
  };
  CHECK(changed([](Trajectories& data) { data.state[17] += 1e-15; }) != identity);
  CHECK(changed([](Trajectories& data) { std::swap(data.state[0], data.state[1]); }) != identity);
  CHECK(changed([](Trajectories& data) { data.time[2] = 2.5; }) != identity);
  const auto with_derivative = [](std::size_t place) {
    Trajectories data = example();
    data.derivative.assign(data.state.size(), 0.0);
    data.derivative[place] = 1.0;
    return alone(data);
  };
  CHECK(with_derivative(0) != identity);
  CHECK(with_derivative(0) != with_derivative(1));
  CHECK(changed([](Trajectories& data) { data.parameters["epsilon"][3] = 0.0; }) != identity);
  const auto with_tangents = [](std::size_t at, double direction, double product) {
    Trajectories data = example();
    data.tangents = 2;
    data.directions.assign(2 * data.state.size(), 0.5);
    data.products.assign(2 * data.state.size(), 1.5);
    data.directions[at] = direction;
    data.products[at] = product;
    return alone(data);
  };
  const std::string tangents = with_tangents(0, 0.5, 1.5);
  CHECK(tangents != identity);
  CHECK(with_tangents(40, 0.6, 1.5) != tangents);
  CHECK(with_tangents(40, 0.5, 1.6) != tangents);
  CHECK(with_tangents(40, 0.6, 1.5) != with_tangents(41, 0.6, 1.5));
  CHECK(changed([](Trajectories& data) {
          data.parameters["other"] = data.parameters["epsilon"];
          data.parameters.erase("epsilon");
        }) != identity);
}
