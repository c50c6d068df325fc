#pragma once
/// A short training run of the toy problem, for tests of the trainer.

#include "toy_objective.hpp"
#include "training/trainer.hpp"

#include <cstring>
#include <map>
#include <string>

namespace spnode::tests {

using namespace spnode::training;

inline TrainingOptions short_training() {
  TrainingOptions options;
  options.optimizers = {OptimizerKind::adam, OptimizerKind::lbfgs};
  options.batch = 24;
  options.tile = 4;
  options.adam.epochs = 4;
  options.adam.learning_rate = {ScheduleKind::cosine, 0.05, 1e-4, 1.0, 5};
  options.lbfgs = {.iterations = 9, .cycle = 4, .history = 5, .gradient_tolerance = 0.0};
  options.pretrain_epochs = 1;
  options.checkpoint_epochs = 0;
  options.checkpoint_minutes = 0.0;
  options.spectrum_every = 0;
  return options;
}

/// The windows `held` of 40 trajectories of 6 times that follow u(t + 1) = W u(t) + c exactly.
inline core::WindowData toy_linear_data(const parallel::Range& held) {
  constexpr double W[3][3] = {{0.5, -0.3, 0.1}, {0.2, 0.6, -0.4}, {-0.1, 0.3, 0.7}}, c[3] = {0.2, -0.1, 0.3};
  const core::WindowData random = toy_data(40, 6, held);
  core::Trajectories data = random.held();
  for (std::size_t n = 0; n < data.count; ++n)
    for (std::size_t t = 1; t < data.times; ++t)
      for (std::size_t i = 0; i < toy_components; ++i) {
        const double* const before = data.state_at(n, t - 1);
        data.state_at(n, t)[i] = W[i][0] * before[0] + W[i][1] * before[1] + W[i][2] * before[2] + c[i];
      }
  return core::WindowData(random.index(), data, random.index().trajectories(held.begin, held.end).first);
}

/// All that a run on one communicator needs: 40 trajectories of 6 times, 200 windows, 8 steps an epoch.
struct ToyRun {
  explicit ToyRun(const parallel::Communicator& communicator, TrainingOptions chosen = short_training())
      : comm(communicator),
        options(chosen),
        train_sampler(200, training_sampler(options, 7)),
        validation_windows(50, validation_sampler(options)),
        train(toy_data(40, 6, train_sampler.held(comm.rank(), comm.size()))),
        validation(toy_data(10, 6, validation_windows.held(comm.rank(), comm.size()), 2)),
        state(TrainerState::start(
            {0.25, -4.0, 0.3, 0.2, -0.1, 0.5, 0.4, 0.1, -0.2, -0.6, 0.7, 0.9, -0.9, 0.8})) {
    hooks.history = [this](const EpochRecord& record) { records.push_back(record); };
    hooks.checkpoint = [this](const TrainerState& saved) { checkpoints.push_back(saved); };
  }

  TrainerSetup setup() {
    return {
        .options = options,
        .phases = make_phases(options, &reconstruction, &objective),
        .train = {&train, &train_sampler},
        .validation = with_validation ? SampledWindows{&validation, &validation_windows} : SampledWindows{},
        .hooks = hooks,
        .signals = signals};
  }

  const TrainerState& run() {
    Trainer(comm, setup()).run(state);
    return state;
  }

  parallel::Communicator comm;
  TrainingOptions options;
  Sampler train_sampler, validation_windows;
  core::WindowData train, validation;
  ToyObjective objective, reconstruction;
  bool with_validation = true;
  const SignalFlag* signals = nullptr;
  Hooks hooks;
  TrainerState state;
  std::vector<EpochRecord> records;
  std::vector<TrainerState> checkpoints;
};

/// Every member of a state as bytes, by name.
inline std::map<std::string, std::string> bytes(const TrainerState& state) {
  struct Collect {
    std::map<std::string, std::string>& all;
    void operator()(const char* name, const std::vector<double>& v) {
      all[name] = std::string(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(double));
    }
    void operator()(const char* name, const parallel::VectorPart& part) { (*this)(name, part.entries); }
    void operator()(const char* name, double x) {
      all[name] = std::string(reinterpret_cast<const char*>(&x), 8);
    }
    void operator()(const char* name, std::uint64_t x) { all[name] = std::to_string(x); }
  };
  std::map<std::string, std::string> all;
  visit_members(state, Collect{all});
  return all;
}

}  // namespace spnode::tests
