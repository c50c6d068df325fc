// One training step as the trainer does it, split by phase, for the sizes of the shipped decks.
//
//   [mpirun -n RANKS --bind-to core] benchmark_training_step [--precision double|mixed] [--seconds S]
//   [--brief]
//       [--cpu-time] [--json|--markdown] [problems and sizes: see selection.hpp]
//   benchmark_training_step --problem NAME [sizes] --export DIR
//
// step       the whole: draw the batch, all below, Adam; as BatchObjective and Adam do it
// update     coefficients and phi matrices from the parameters
// forward    rollouts of all tiles, with what the reverse sweep needs
// reverse    adjoints of all rollouts
// rest       of the tiles: staging of the data, autoencoder, loss
// sum        exact sum of the work shares, of all ranks
// pull back  adjoint of the coefficients to that of the parameters
// adam       clipping and update
// other %    update, sum, pull back and adam in per cent of the step: all that is not the work on tiles
//
// Phases are measured one by one and need not add up to the step. On several ranks a phase starts on all of
// them together and takes as long as the slowest.
//
// MFLOP counts the matrix products that a step executes, 2 m n k each (problems.hpp says which): forward
// once, reverse twice (adjoints of states and of weights), the autoencoder where it is applied, frozen
// weights without an adjoint. Activations, elementwise products, losses, products that the reverse sweep
// repeats, padding of tiles and everything done once per update are not counted: the rate has to carry them.
// A dash where functions of A_L act by Taylor series. "of best %" is the share of the best small-product rate
// of this run (core, BLAS, libxsmm), times the ranks, which measure it at the same time. "tape" is what the
// forward sweep keeps for the reverse sweep, in bytes per trajectory and step; "scratch" all temporary memory
// of a tile, in the same unit.
//
// --brief measures the step alone, for at least S seconds (default 1). --cpu-time takes the processor time of
// a rank's thread instead of the time on the wall, for one rank on a busy machine. --export writes the
// problem with spnode's results for the scripts in peers/.

#include "collective_timing.hpp"
#include "export_problem.hpp"
#include "selection.hpp"

#include "core/integrators/rollout.hpp"
#include "core/kernels/lanes.hpp"
#include "core/loss/objective.hpp"
#include "training/batch_objective.hpp"
#include "training/optimizers/adam.hpp"

#include <mpi.h>

#include <cmath>
#include <numeric>

namespace spnode::benchmark {
namespace {

struct Phases {
  double step = not_measured, update = not_measured, forward = not_measured, reverse = not_measured,
         tiles = not_measured, sum = not_measured, pull_back = not_measured, adam = not_measured;  // seconds
  double tape_bytes = not_measured, scratch_bytes = not_measured;  // per trajectory and step
};

// One problem ready to be measured; everything that a trainer holds on one rank.
template <class Real, Clock clock>
class Step {
 public:
  explicit Step(const Problem& problem)
      : problem_(problem),
        model_(problem.model, problem.components),
        theta_(initial_parameters(problem, model_)),
        data_(index(), synthetic_data(problem, windows()), 0),
        table_(core::distinct_steps(data_, problem.integrator.substeps)),
        method_(method_of(problem, model_, theta_, table_, problem.training.batch)),
        objective_(model_, {problem.integrator, problem.loss, {}}, table_, method_),
        sampler_(windows(), {problem.training.batch, problem.training.tile, problem.training.summands, 0}),
        parts_(comm_, theta_.size(), problem.training.adam.shared_from) {}

  core::MatrixFunctionMethod method() const { return method_; }

  // At least `seconds` for the step as a whole. Collective.
  double whole(double seconds) {
    training::BatchObjective batch(comm_, objective_, data_, sampler_);
    const training::Adam adam(problem_.training.adam, model_.layout(), parts_);
    training::AdamState state = adam.start(theta_);
    std::vector<double> theta = theta_;
    gradient_.resize(theta.size());
    training::BatchNumber number;
    return collective_seconds_of<clock>(
        comm_,
        [&] {
          const training::Evaluation at = batch.gradient(number, theta, gradient_);
          if (!at.finite) throw NumericalError(problem_.name + ": the step is not finite");
          adam.update(theta, gradient_, at.gradient_norm, 1e-6, state);
          parts_.exchange(theta);
          if (++number.step == sampler_.steps_per_epoch()) number = {number.epoch + 1, 0};
        },
        seconds);
  }

  Phases phases(double seconds) {
    Phases phases;
    phases.step = whole(seconds);
    objective_.set_parameters(theta_);
    std::vector<double> other = theta_;  // nothing is done twice at one theta
    other.back() = std::nextafter(other.back(), 1.0);
    bool at_other = false;
    phases.update = timed([&] {
      at_other = !at_other;
      objective_.set_parameters(at_other ? other : theta_);
    });
    objective_.set_parameters(theta_);
    tiles_and_sum(phases);
    if (problem_.model.arguments.size() == 0) rollouts(phases);
    training::Adam adam(problem_.training.adam, model_.layout(), parts_);
    training::AdamState state = adam.start(theta_);
    std::vector<double> theta = theta_;
    phases.adam = timed([&] { adam.update(theta, gradient_, norm(gradient_), 1e-6, state); });
    return phases;
  }

 private:
  std::size_t windows() const { return 4 * problem_.training.batch; }
  core::WindowIndex index() const { return core::WindowIndex(windows(), problem_.times.size(), {}); }
  std::size_t steps() const { return problem_.intervals() * problem_.integrator.substeps; }

  parallel::Range own_shares() const { return sampler_.shares_of(comm_.rank(), comm_.size()); }

  static double norm(std::span<const double> x) {
    return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
  }

  template <class Work>
  double timed(Work&& work) {
    return collective_seconds_of<clock>(comm_, work);
  }

  void tiles_and_sum(Phases& phases) {
    const std::size_t width = objective_.contribution_size();
    const parallel::Range shares = own_shares();
    std::vector<double> rows(shares.size() * width), summed(width);
    phases.tiles = timed([&] {
      std::vector<std::uint64_t> windows;
      for (std::size_t share = shares.begin; share < shares.end; ++share) {
        sampler_.draw({}, share, windows);
        objective_.contribution(data_, windows,
                                std::span(rows).subspan((share - shares.begin) * width, width));
      }
    });
    parallel::ExactSum exact(comm_, width, parallel::Magnitude::of_vector);
    phases.sum = timed([&] {
      if (exact.sum(rows, shares.size(), sampler_.shares(), summed) != parallel::SumStatus::finite)
        throw NumericalError(problem_.name + ": the sum is not finite");
    });
    phases.pull_back = timed([&] { objective_.gradient(summed, problem_.training.batch, gradient_); });
    phases.scratch_bytes = double(objective_.scratch_bytes()) / double(sampler_.lanes(0) * steps());
  }

  // The rollouts alone, in the blocks that the objective computes: as if all tiles had the size of the first.
  void rollouts(Phases& phases) {
    const auto model = core::BasicModel<Real>::like(model_);
    core::Dynamics<Real> dynamics(model, problem_.integrator, table_, method_);
    dynamics.set_parameters(theta_);
    const std::size_t tile = sampler_.lanes(0),
                      block = std::min(tile, objective_.windows_in_cache(problem_.intervals())),
                      blocks = own_shares().size() * ((tile + block - 1) / block);
    const std::size_t lanes = core::padded<Real>(block), n = problem_.latent(),
                      columns = lanes * problem_.times.size();
    std::vector<double> h(problem_.intervals() * lanes);
    for (std::size_t i = 0; i < h.size(); ++i)
      h[i] =
          (problem_.times[i / lanes + 1] - problem_.times[i / lanes]) / double(problem_.integrator.substeps);
    core::RolloutSteps<Real> steps_of_tile;
    steps_of_tile.assign(table_, h, problem_.intervals(), lanes);

    const core::ExecSpace space;
    core::Scratch<Real> scratch;
    core::Matrix<Real> states("states", n, columns), bars("bars", n, columns), ones("ones", n, columns);
    core::Vector<Real> bar("bar", dynamics.coefficient_count());
    Kokkos::deep_copy(states, Real(0.1));
    Kokkos::deep_copy(ones, Real(1));
    core::Rollout<Real> rollout(dynamics,
                                {problem_.integrator.substeps, problem_.integrator.checkpoint_interval});
    const auto forward = [&] {
      rollout.forward(space, steps_of_tile, states, core::Rollout<Real>::Record::yes, scratch);
    };
    phases.forward = timed([&] {
      for (std::size_t i = 0; i < blocks; ++i) {
        const core::ScratchFrame<Real> frame(scratch);
        forward();
      }
    });
    const core::ScratchFrame<Real> frame(scratch);
    forward();
    phases.reverse = timed([&] {
      for (std::size_t i = 0; i < blocks; ++i) {
        Kokkos::deep_copy(bars, ones);
        rollout.reverse(space, steps_of_tile, bars, bar, scratch);
      }
    });
    phases.tape_bytes = double((dynamics.integrator().tape_rows() + n) * sizeof(Real));
  }

  const parallel::Communicator comm_;
  Problem problem_;
  core::Model model_;
  std::vector<double> theta_, gradient_;
  core::WindowData data_;
  core::StepTable table_;
  core::MatrixFunctionMethod method_;
  core::Objective<Real> objective_;
  training::Sampler sampler_;
  parallel::VectorParts parts_;
};

// Operations of a step; see the head of this file.
double step_flops(const Problem& problem) {
  const LaneFlops lane = lane_flops(problem);
  const double steps = double(problem.intervals() * problem.integrator.substeps),
               times = double(problem.times.size());
  const double linear = lane.encode - lane.encode_learns;
  // The adjoint of the encoder's first layer goes no further; both directions have the same counts.
  const double encode_back = lane.encode_learns > 0.0 ? 2.0 * lane.encode_learns - lane.encode_first : 0.0;
  const double decode_back = linear + 2.0 * lane.encode_learns;
  double sum = 3.0 * steps * lane.step() + lane.encode + encode_back + times * (lane.encode + decode_back);
  if (problem.loss.weights.at("reconstruction") != 0.0)
    sum += times * (2.0 * lane.encode + encode_back + decode_back);
  return sum * double(problem.training.batch);
}

const std::vector<Column> columns = {
    {"problem", 1, 14}, {"precision"},   {"linear part"},  {"ranks", 0},     {"batch", 0},    {"tile", 0},
    {"intervals", 0},   {"substeps", 0}, {"latent", 0},    {"step ms", 3},   {"update", 3},   {"forward", 3},
    {"reverse", 3},     {"rest", 3},     {"sum", 3},       {"pull back", 3}, {"adam", 3},     {"other %", 1},
    {"MFLOP", 1},       {"GFLOP/s", 1},  {"of best %", 0}, {"tape B", 0},    {"scratch B", 0}};

std::string linear_part(const Problem& problem, core::MatrixFunctionMethod method) {
  const core::HurwitzKind structure = problem.model.linear.structure;
  if (structure == core::HurwitzKind::block_diagonal) return "blocks";
  if (structure == core::HurwitzKind::low_rank) return "low rank";
  if (core::is_fast_slow(structure)) return "T(x)";
  return method == core::MatrixFunctionMethod::dense ? "dense" : "taylor";
}

// Whether the work is a fixed number of products, not the terms of a series.
bool counted(const Problem& problem, core::MatrixFunctionMethod method) {
  const std::string name = linear_part(problem, method);
  return name == "dense" || name == "blocks" || name == "T(x)";
}

template <class Real, Clock clock>
void measure_all(const Session& session, const std::vector<Problem>& problems, const std::string& precision) {
  const parallel::Communicator comm;
  const double best = best_product_rate<Real>(), ranks = double(comm.size());
  if (session.format() != Table::Format::json)
    std::printf("\nbest rate of small products, %s: %.1f GFLOP/s\n", precision.c_str(), best);
  const Table table(session.format(), "training_step", columns);
  const double seconds = std::stod(option(session.arguments(), "--seconds").value_or("1"));
  for (const Problem& problem : problems) {
    Step<Real, clock> step(problem);
    Phases t;
    if (session.has("--brief"))
      t.step = step.whole(seconds);
    else
      t = step.phases(seconds);
    const double flops = counted(problem, step.method()) ? step_flops(problem) : not_measured,
                 rate = flops / t.step * 1e-9;
    table.row({problem.name,
               precision,
               linear_part(problem, step.method()),
               ranks,
               double(problem.training.batch),
               double(problem.training.tile),
               double(problem.intervals()),
               double(problem.integrator.substeps),
               double(problem.latent()),
               1e3 * t.step,
               1e3 * t.update,
               1e3 * t.forward,
               1e3 * t.reverse,
               1e3 * (t.tiles - t.forward - t.reverse),
               1e3 * t.sum,
               1e3 * t.pull_back,
               1e3 * t.adam,
               100.0 * (t.update + t.sum + t.pull_back + t.adam) / t.step,
               1e-6 * flops,
               rate,
               100.0 * rate / (ranks * best),
               t.tape_bytes,
               t.scratch_bytes});
  }
}

void run(const Session& session) {
  const std::vector<Problem> problems = chosen_problems(session.arguments());
  if (const auto directory = option(session.arguments(), "--export")) {
    for (const Problem& problem : problems)
      export_problem(problem, std::filesystem::path(*directory) / problem.name);
    return;
  }
  const std::string precision = option(session.arguments(), "--precision").value_or("double");
  if (precision != "double" && precision != "mixed")
    throw UsageError("--precision " + precision + ": allowed are double and mixed");
  const bool cpu_time = session.has("--cpu-time");
  if (precision == "double")
    cpu_time ? measure_all<double, Clock::processor>(session, problems, precision)
             : measure_all<double, Clock::wall>(session, problems, precision);
  else
    cpu_time ? measure_all<float, Clock::processor>(session, problems, precision)
             : measure_all<float, Clock::wall>(session, problems, precision);
}

}  // namespace
}  // namespace spnode::benchmark

int main(int argc, char** argv) {
  spnode::benchmark::hold_libraries_to_build(argv);
  MPI_Init(&argc, &argv);
  int status = 0;
  // What is printed is the same on all ranks.
  if (!spnode::parallel::Communicator().is_root() && !std::freopen("/dev/null", "w", stdout)) return 1;
  try {
    spnode::benchmark::run(spnode::benchmark::Session(argc, argv));
  } catch (const spnode::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    status = int(error.status());
  }
  MPI_Finalize();
  return status;
}
