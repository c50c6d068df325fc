// Throughput of forecasts for the sizes of the shipped decks.
//
//   benchmark_forecast [--precision double|mixed] [--seconds S] [--json|--markdown] [problems and sizes: see
//   selection.hpp]
//
// --seconds: measuring time, default 1.
//
// A batch of trajectories is advanced over the times of a window and decoded at every one of them, as the
// command `forecast` does it: staging of the states included, reading and writing of files not. Matrix
// functions are computed once, before the run ("set up"). Steps are trajectories times steps of the scheme.
// MFLOP and "of best" are those of benchmark_training_step, forward only.

#include "benchmark.hpp"
#include "selection.hpp"

#include "core/forecast/forecast.hpp"
#include "core/support/error.hpp"

namespace spnode::benchmark {
namespace {

constexpr std::size_t default_tile = 64;  // of the command `forecast`

template <class Real>
void measure_all(const Session& session, const std::vector<Problem>& problems, const std::string& precision) {
  const double best = best_product_rate<Real>();
  if (session.format() != Table::Format::json)
    std::printf("\nbest rate of small products, %s: %.1f GFLOP/s\n", precision.c_str(), best);
  const Table table(session.format(), "forecast",
                    {{"problem", 1, 14},
                     {"precision"},
                     {"batch", 0},
                     {"tile", 0},
                     {"set up ms", 3},
                     {"run ms", 3},
                     {"steps/us", 2},
                     {"MFLOP", 1},
                     {"GFLOP/s", 1},
                     {"of best %", 0}});
  const double measuring = std::stod(option(session.arguments(), "--seconds").value_or("1"));
  for (const Problem& problem : problems) {
    const std::size_t batch = problem.training.batch;
    const std::size_t tile = option(session.arguments(), "--tile") ? problem.training.tile : default_tile;
    const core::Model model(problem.model, problem.components);
    const std::vector<double> theta = initial_parameters(problem, model);
    core::Trajectories data = synthetic_data(problem, batch);
    const core::ForecastOptions options{problem.integrator, tile};
    const auto steps = core::forecast_steps(data, problem.integrator.substeps);
    const double set_up =
        seconds_of([&] { core::BasicForecaster<Real>(model, theta, options, steps); }, 0.05);
    core::BasicForecaster<Real> forecaster(model, theta, options, steps);
    const double seconds = seconds_of([&] { forecaster.run(data); }, measuring);

    const LaneFlops lane = lane_flops(problem);
    const double count = double(problem.intervals() * problem.integrator.substeps);
    const double flops =
        double(batch) * (count * lane.step() + lane.encode + double(problem.times.size()) * lane.encode);
    const double rate = flops / seconds * 1e-9;
    table.row({problem.name, precision, double(batch), double(tile), 1e3 * set_up, 1e3 * seconds,
               1e-6 * double(batch) * count / seconds, 1e-6 * flops, rate, 100.0 * rate / best});
  }
}

void run(const Session& session) {
  const std::vector<Problem> problems = chosen_problems(session.arguments());
  const std::string precision = option(session.arguments(), "--precision").value_or("double");
  if (precision == "double")
    measure_all<double>(session, problems, precision);
  else if (precision == "mixed")
    measure_all<float>(session, problems, precision);
  else
    throw UsageError("--precision " + precision + ": allowed are double and mixed");
}

}  // namespace
}  // namespace spnode::benchmark

int main(int argc, char** argv) {
  spnode::benchmark::hold_libraries_to_build(argv);
  try {
    spnode::benchmark::run(spnode::benchmark::Session(argc, argv));
  } catch (const spnode::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return int(error.status());
  }
}
