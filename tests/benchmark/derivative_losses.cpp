// Loss and gradient of a batch with losses on derivatives of the right-hand side, beside the rollout over two
// intervals alone.
//
//   benchmark_derivative_losses [--json|--markdown]
//
// ms           all tiles of the batch, forward and reverse
// ratio        to the rollout alone, both measured in turns
// products     the same ratio of the operations of matrix products. In evaluations of the network, one
//              with its adjoint takes 3, the tangent of a direction 1, and its adjoint 5 (the tangents once
//              more, and the adjoints of states and weights for two matrices) less 2 for the last layer,
//              behind which one of the two is zero
// of products  ratio over products

#include "benchmark.hpp"
#include "problems.hpp"

#include "core/loss/objective.hpp"

#include <numeric>

namespace spnode::benchmark {
namespace {

/// What is added to the rollout.
struct Terms {
  std::string name;
  double jacobian, second_difference;
  std::size_t directions;
};

Problem network_problem(const std::string& name, std::size_t components, std::vector<std::size_t> hidden) {
  core::ModelOptions model;
  model.linear.structure = core::HurwitzKind::none;
  model.nonlinear = {core::NonlinearKind::network};
  model.network.hidden = std::move(hidden);
  return {name, components,           detail::even_times(2, 0.01), model, {core::Scheme::rk4, 1},
          {},   detail::training(256)};
}

/// Operations per window in evaluations of the network.
double evaluations(const Problem& problem, const Terms& terms) {
  const double stages = 4.0, times = double(problem.times.size());
  const auto& hidden = problem.model.network.hidden;
  const double last = 2.0 * double(hidden.back() * problem.components) /
                      network_flops(problem.components, hidden, problem.components);
  double sum = 3.0 * stages * double(problem.intervals());
  if (terms.second_difference > 0.0) sum += 3.0 * times;
  if (terms.jacobian > 0.0) sum += times * (1.0 + (6.0 - 2.0 * last) * double(terms.directions));
  return sum;
}

class Batch {
 public:
  Batch(const Problem& problem, const Terms& terms)
      : model_(problem.model, problem.components),
        theta_(initial_parameters(problem, model_)),
        data_(core::WindowIndex(problem.training.batch, problem.times.size(), {}), data(problem, terms), 0),
        objective_(model_, {problem.integrator, loss(terms), {}, core::StepScope::table, terms.directions},
                   core::StepTable(core::distinct_steps(data_, problem.integrator.substeps)),
                   core::MatrixFunctionMethod::dense),
        windows_(problem.training.batch),
        sum_(objective_.contribution_size()) {
    std::iota(windows_.begin(), windows_.end(), std::uint64_t{0});
    objective_.set_parameters(theta_);
  }

  void operator()() { objective_.contribution(data_, windows_, sum_); }

 private:
  static core::Trajectories data(const Problem& problem, const Terms& terms) {
    core::Trajectories data = synthetic_data(problem, problem.training.batch);
    data.tangents = terms.directions;
    for (std::size_t k = 0; k < terms.directions * data.state.size(); ++k) {
      data.directions.push_back(std::sin(double(k)));
      data.products.push_back(std::cos(double(k)));
    }
    return data;
  }
  static core::LossOptions loss(const Terms& terms) {
    core::LossOptions options;
    options.weights = {
        {"trajectory", 1.0}, {"jacobian", terms.jacobian}, {"second_difference", terms.second_difference}};
    return options;
  }

  core::Model model_;
  std::vector<double> theta_;
  core::WindowData data_;
  core::Objective<double> objective_;
  std::vector<std::uint64_t> windows_;
  std::vector<double> sum_;
};

void run(const Session& session) {
  const Table table(session.format(), "Losses on derivatives, 256 windows of two intervals, RK4, double",
                    {{"network", 0, 22},
                     {"terms", 0, 32},
                     {"ms", 3, 8},
                     {"ratio", 2},
                     {"products", 2},
                     {"of products", 2}});
  const Terms rollout{"rollout", 0.0, 0.0, 0};
  const std::vector<Terms> all = {{"rollout, second_difference", 0.0, 1.0, 0},
                                  {"rollout, jacobian, 1 direction", 1.0, 0.0, 1},
                                  {"rollout, jacobian, 4 directions", 1.0, 0.0, 4},
                                  {"rollout, jacobian, 10 directions", 1.0, 0.0, 10}};
  for (const Problem& problem :
       {network_problem("4, 32, 32, 4", 4, {32, 32}), network_problem("4, 200, 200, 4", 4, {200, 200}),
        network_problem("256, 200, 200, 256", 256, {200, 200})}) {
    Batch base(problem, rollout);
    for (const Terms& terms : all) {
      Batch with(problem, terms);
      const std::vector<double> seconds = seconds_in_turns(5, 2.0, base, with);
      const double ratio = seconds[1] / seconds[0],
                   products = evaluations(problem, terms) / evaluations(problem, rollout);
      if (&terms == all.data()) table.row({problem.name, rollout.name, 1e3 * seconds[0], 1.0, 1.0, 1.0});
      table.row({problem.name, terms.name, 1e3 * seconds[1], ratio, products, ratio / products});
    }
  }
}

}  // namespace
}  // namespace spnode::benchmark

int main(int argc, char** argv) {
  const spnode::benchmark::Session session(argc, argv);
  spnode::benchmark::run(session);
}
