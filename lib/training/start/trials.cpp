#include "training/start/trials.hpp"

#include "core/support/error.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace spnode::training {

std::vector<double> best_start(const parallel::Communicator& comm, TrainerSetup setup,
                               const std::function<std::vector<double>(std::size_t)>& start,
                               const std::function<void(std::size_t, double)>& report) {
  const std::size_t most = setup.options.start_epochs, count = setup.options.starts;
  setup.hooks = {};
  setup.signals = nullptr;
  for (Phase& phase : setup.phases)
    for (std::size_t* const epochs :
         {&phase.adam.epochs, &phase.lbfgs.iterations, &phase.gauss_newton.iterations})
      *epochs = std::min(*epochs, most);

  std::vector<double> best;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < count; ++k) {
    TrainerState state = TrainerState::start(start(k));
    double loss = std::numeric_limits<double>::infinity();
    try {  // ranks take the same decisions: all of them leave a start out, or none
      Trainer(comm, setup).run(state);
      loss = state.best_loss;
    } catch (const NumericalError&) {
    }
    report(k, loss);
    if (loss >= lowest) continue;
    lowest = loss;
    best = std::move(state.best_theta);
  }
  if (best.empty()) throw NumericalError("no start has a loss that stays finite");
  return best;
}

}  // namespace spnode::training
