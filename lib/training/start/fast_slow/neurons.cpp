#include "training/start/fast_slow/neurons.hpp"

#include "core/components/fast_terms.hpp"
#include "core/support/random.hpp"
#include "parallel/count.hpp"
#include "training/start/fast_slow/terms.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace spnode::training {

void set_squares(const core::Model& model, std::span<double> theta) {
  const std::size_t slow = model.options().linear.slow_dimension;
  const auto set = [&](const core::LaneMap<double>& map, const char* option, std::size_t variables) {
    const auto* const network = dynamic_cast<const core::Network<double>*>(&map);
    if (network != nullptr) network->set_squares(variables, option, theta);
  };
  const auto* const flow = model.coupling_flow();
  if (flow != nullptr && model.options().coupling_flow.multipliers.empty())
    set(*flow->only_shift()->product_network(), "coupling_flow.factor_hidden", slow);
  for (const auto& term : model.nonlinear().terms()) {
    const auto* const scaled = dynamic_cast<const core::EpsilonTerm<double>*>(term.map.get());
    if (scaled == nullptr) continue;
    if (const auto* linear = dynamic_cast<const core::FastLinear<double>*>(&scaled->factor()))
      set(linear->entries(), "fast_linear.hidden", slow);
    else
      set(slow_function(scaled->factor()), "network.hidden",
          model.latent_dimension() + model.argument_count());
  }
}

namespace {

/// A network whose hidden neurons are to be centred at states of the data.
struct CentredNetwork {
  const core::Network<double>* network;
  std::vector<std::size_t> used;  // inputs that its neurons are functions of: some of [x; w; q], or of [x; q]
  std::size_t fast;               // rows of w
  const char* stream;
  bool is_g;
};

/// The networks of the shift, C and g, but for those of squares and for functions of the state. The neurons
/// of the shift are functions of the slow variables but its multipliers and of the parameters but epsilon.
std::vector<CentredNetwork> centred_networks(const core::Model& model) {
  const core::ModelOptions& options = model.options();
  const std::size_t slow = options.linear.slow_dimension, fast = model.latent_dimension() - slow;
  std::vector<CentredNetwork> networks;
  const auto& multipliers = options.coupling_flow.multipliers;
  const auto add = [&](const core::LaneMap<double>& map, CentredNetwork one) {
    one.network = dynamic_cast<const core::Network<double>*>(&map);
    if (one.network == nullptr || one.network->has_squares() || one.network->first_neurons() == 0) return;
    const bool of_shift = one.fast == 0;
    for (std::size_t k = 0; k < one.network->inputs(); ++k) {
      const auto left_out = [&] {
        return k < slow ? std::ranges::find(multipliers, k) != multipliers.end()
                        : options.arguments.parameters[k - slow] == core::epsilon_name;
      };
      if (!of_shift || !left_out()) one.used.push_back(k);
    }
    networks.push_back(std::move(one));
  };
  if (const auto* const flow = model.coupling_flow())
    add(*flow->only_shift()->product_network(), {nullptr, {}, 0, "centres", false});
  for (const auto& term : model.nonlinear().terms()) {
    const auto* const scaled = dynamic_cast<const core::EpsilonTerm<double>*>(term.map.get());
    if (scaled == nullptr) continue;
    if (const auto* linear = dynamic_cast<const core::FastLinear<double>*>(&scaled->factor()))
      add(linear->entries(), {nullptr, {}, fast, "centres of C", false});
    else if (options.slow.form == core::SlowForm::network)
      add(slow_function(scaled->factor()), {nullptr, {}, fast, "centres of g", true});
  }
  return networks;
}

}  // namespace

void set_neurons(const parallel::Communicator& comm, const core::Model& model, States& states,
                 std::uint64_t seed, std::span<double> theta) {
  constexpr double almost_linear = 0.05;
  const std::size_t slow = model.options().linear.slow_dimension;
  for (const CentredNetwork& one : centred_networks(model)) {
    const std::size_t neurons = one.network->first_neurons(), inputs = one.used.size();
    std::vector<double> centres(neurons * inputs, 0.0);
    parallel::collectively(comm, [&] {
      const core::Random random(seed, one.stream);
      std::vector<double> z(states.data.times * states.data.dimension);
      for (std::size_t k = 0; k < neurons; ++k) {
        const auto n = std::min(std::size_t(random.uniform(2 * k) * double(states.count)), states.count - 1);
        const auto t = std::min(std::size_t(random.uniform(2 * k + 1) * double(states.data.times)),
                                states.data.times - 1);
        if (n < states.first || n - states.first >= states.held()) continue;
        states.data.states(n - states.first, z);
        const StatePoint at = states.at(n - states.first, t, z);
        for (std::size_t j = 0; j < inputs; ++j) {
          const std::size_t input = one.used[j];
          if (input < slow)
            centres[k * inputs + j] = at.x[input];
          else if (input >= slow + one.fast)
            centres[k * inputs + j] = at.scaled[input - slow - one.fast];
        }
      }
    });
    // One rank alone has each.
    MPI_Allreduce(MPI_IN_PLACE, centres.data(), parallel::mpi_count(centres.size()), MPI_DOUBLE, MPI_SUM,
                  comm.handle());
    one.network->set_centres(one.used, centres, theta);
    if (one.fast == 0) continue;
    const std::size_t linear = one.is_g && neurons > one.fast ? one.fast : 0;
    one.network->drop_inputs(linear + (neurons - linear) / 2, slow, one.fast, theta);
    one.network->set_single_inputs(slow, linear, almost_linear, theta);
  }
}

}  // namespace spnode::training
