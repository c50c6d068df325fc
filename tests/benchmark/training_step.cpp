// Rate of one tile of a training step (forward and reverse), as a share of the best rate of small matrix
// products measured in the same run.
//
//   benchmark_training_step [TILE]
//
// Floating-point operations are counted for the matrix products alone (2 m n k each); activations, quadratic
// terms and the exact sum are overhead that the rate has to carry.

#include "core/kernels/gemm.hpp"
#include "core/objective.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>

using namespace spnode::core;

namespace {

double seconds_of(const auto& work, double at_least = 0.3) {
  using clock = std::chrono::steady_clock;
  work();
  double best = 1e300;
  const auto begin = clock::now();
  while (std::chrono::duration<double>(clock::now() - begin).count() < at_least) {
    const auto start = clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
  }
  return best;
}

// Best rate of C (M, N) = A (M, K) B (K, N) over shapes that occur, in GFLOP/s.
double best_product_rate() {
  const ExecSpace space;
  double best = 0.0;
  const std::size_t shapes[][3] = {
      {200, 20, 256}, {20, 200, 256}, {64, 200, 256}, {800, 20, 32}, {20, 800, 32}};
  for (const auto& [m, k, lanes] : shapes) {
    const Matrix<double> A("A", m, k), B("B", k, lanes), C("C", m, lanes);
    Kokkos::deep_copy(A, 1.0);
    Kokkos::deep_copy(B, 1.0);
    const double seconds = seconds_of([&] {
      for (int i = 0; i < 20; ++i) gemm<double>(space, 1.0, A, Transpose::no, B, 0.0, C);
    });
    best = std::max(best, 20 * 2.0 * double(m * k * lanes) / seconds * 1e-9);
  }
  return best;
}

struct Problem {
  std::string name;
  ModelOptions model;
  IntegratorOptions integrator;
  double step_flops;  // matrix products of one substep of one lane, forward
};

WindowData oscillations(std::size_t windows, std::size_t components, std::size_t intervals) {
  Trajectories data;
  data.count = windows;
  data.times = intervals + 1;
  data.components = components;
  for (std::size_t t = 0; t < data.times; ++t) data.time.push_back(double(t));
  for (std::size_t n = 0; n < windows; ++n)
    for (std::size_t t = 0; t < data.times; ++t)
      for (std::size_t i = 0; i < components; ++i)
        data.state.push_back(std::sin(double(i) + 0.1 * double(t) + double(n)));
  return WindowData(WindowIndex(windows, data.times, {}), data, 0);
}

void measure(const Problem& problem, std::size_t tile, double peak) {
  const std::size_t m = 64, n = 20, intervals = 8;
  const WindowData data = oscillations(tile, m, intervals);
  const Model model(problem.model, m);
  PodStart pod{std::vector<double>(n * m, 0.0), 1.0};
  for (std::size_t i = 0; i < n; ++i) pod.modes[i * m + i] = 1.0;
  const std::vector<double> theta = model.initialise(1, &pod);
  Objective<double> objective(model, {problem.integrator, {}, {}},
                              StepTable(distinct_steps(data, problem.integrator.substeps)),
                              MatrixFunctionMethod::dense);
  std::vector<std::uint64_t> windows(tile);
  std::iota(windows.begin(), windows.end(), 0);
  std::vector<double> contribution(objective.contribution_size()), gradient(theta.size());

  const double update = seconds_of([&] { objective.set_parameters(theta); });
  const double seconds = seconds_of([&] { objective.contribution(data, windows, contribution); });
  const double pull_back = seconds_of([&] { objective.gradient(contribution, tile, gradient); });
  // Reverse: twice the products of forward. The decoder sees every time, its weights are frozen: forward and
  // one product back.
  const double lane = 3.0 * problem.step_flops * double(intervals * problem.integrator.substeps) +
                      2.0 * 2.0 * double(m * n) * double(intervals + 1);
  const double rate = lane * double(tile) / seconds * 1e-9;
  std::printf("%-34s %5zu %10.3f %9.1f %9.1f %7.0f %% %9.3f %9.3f\n", problem.name.c_str(), tile,
              seconds * 1e3, lane * double(tile) * 1e-6, rate, 100.0 * rate / peak, update * 1e3,
              pull_back * 1e3);
}

Problem problem(const std::string& name, NonlinearKind kind, std::size_t substeps) {
  ModelOptions model;
  model.latent_dimension = 20;
  model.nonlinear = {kind};
  model.bilinear.rank = 20;
  model.lipschitz.hidden = {200};
  model.lipschitz.lipschitz = 200.0;
  model.autoencoder.enabled = true;
  const double n = 20, inner = kind == NonlinearKind::bilinear ? 2 * 20 * n : 2 * 200;
  return {name,
          model,
          {Scheme::etd1, substeps, MatrixFunctionMethod::dense, 0},
          2.0 * n * inner + 2.0 * n * 2.0 * n};
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::initialize(argc, argv);
  {
    const double peak = best_product_rate();
    std::printf("best rate of small products: %.1f GFLOP/s\n\n", peak);
    std::printf("%-34s %5s %10s %9s %9s %9s %9s %9s\n", "one tile, 64 -> 20 -> 64, 8 intervals", "tile", "ms",
                "MFLOP", "GFLOP/s", "of best", "update ms", "pull ms");
    std::vector<std::size_t> tiles = {16, 32, 64, 128};
    if (argc > 1) tiles = {std::size_t(std::atoi(argv[1]))};
    for (const std::size_t tile : tiles) {
      measure(problem("bilinear R = 20, ETD1 x 8", NonlinearKind::bilinear, 8), tile, peak);
      measure(problem("Lipschitz net 200, ETD1 x 1", NonlinearKind::lipschitz, 1), tile, peak);
    }
  }
  Kokkos::finalize();
}
