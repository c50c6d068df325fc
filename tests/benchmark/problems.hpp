#pragma once
/// The problems of the benchmarks of whole steps: the sizes of the shipped decks, with synthetic data.

#include "core/data/windows.hpp"
#include "core/forecast/forecast.hpp"
#include "core/integrators/schemes.hpp"
#include "core/kernels/quadratic.hpp"
#include "core/loss/options.hpp"
#include "core/support/error.hpp"
#include "core/vector_field/model.hpp"
#include "training/options.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace spnode::benchmark {

/// A model, its scheme and loss, and the shape of a batch.
struct Problem {
  std::string name;
  std::size_t components;     ///< of a state
  std::vector<double> times;  ///< of a window
  core::ModelOptions model;
  core::IntegratorOptions integrator;
  core::LossOptions loss;
  training::TrainingOptions training;

  std::size_t intervals() const { return times.size() - 1; }
  std::size_t latent() const { return model.latent_dimension == 0 ? components : model.latent_dimension; }
};

namespace detail {

inline std::vector<double> even_times(std::size_t intervals, double step) {
  std::vector<double> times;
  for (std::size_t t = 0; t <= intervals; ++t) times.push_back(step * double(t));
  return times;
}

/// t = 0 and `count` times spread evenly in the logarithm.
inline std::vector<double> logarithmic_times(std::size_t count, double first, double last) {
  std::vector<double> times = {0.0};
  for (std::size_t t = 0; t < count; ++t)
    times.push_back(first * std::pow(last / first, double(t) / double(count - 1)));
  return times;
}

inline training::TrainingOptions training(std::size_t batch, std::size_t tile = 32) {
  training::TrainingOptions options;
  options.batch = batch;
  options.tile = tile;
  options.adam.clip = 0.5;
  return options;
}

/// input/kuramoto_sivashinsky_20.yaml.
inline Problem ks20_bilinear() {
  core::ModelOptions model;
  model.latent_dimension = 20;
  model.linear.mu = 0.25;
  model.nonlinear = {core::NonlinearKind::bilinear};
  model.bilinear.rank = 20;
  model.autoencoder.enabled = true;
  return {"ks20_bilinear", 64, even_times(2, 1.0), model, {core::Scheme::etdrk4, 4}, {}, training(256, 64)};
}

/// The same without reduction.
inline Problem ks64_bilinear() {
  Problem problem = ks20_bilinear();
  problem.name = "ks64_bilinear";
  problem.model.latent_dimension = 0;
  problem.model.autoencoder.enabled = false;
  return problem;
}

/// The same, integrated over windows of nine times by eight steps of ETD1 each.
inline Problem ks20_etd1() {
  Problem problem = ks20_bilinear();
  problem.name = "ks20_etd1";
  problem.times = even_times(8, 1.0);
  problem.integrator = {core::Scheme::etd1, 8};
  return problem;
}

/// A Lipschitz network in place of the bilinear form, one step per interval.
inline Problem ks20_lipschitz() {
  Problem problem = ks20_etd1();
  problem.name = "ks20_lipschitz";
  problem.model.nonlinear = {core::NonlinearKind::lipschitz};
  problem.model.lipschitz.hidden = {200};
  problem.model.lipschitz.bound = 200.0;
  problem.integrator = {core::Scheme::etd1, 1};
  return problem;
}

/// Seven latent coordinates: networks in the autoencoder, which learn.
inline Problem ks7_lipschitz() {
  Problem problem = ks20_lipschitz();
  problem.name = "ks7_lipschitz";
  problem.model.latent_dimension = 7;
  problem.model.lipschitz.hidden = {200, 200};
  problem.model.lipschitz.bound = 1000.0;
  problem.model.autoencoder.hidden = {100};
  problem.loss.weights.at("reconstruction") = 0.2;
  return problem;
}

/// The same with the bilinear form.
inline Problem ks7_bilinear() {
  Problem problem = ks7_lipschitz();
  problem.name = "ks7_bilinear";
  problem.model.nonlinear = {core::NonlinearKind::bilinear};
  return problem;
}

/// input/robertson.yaml.
inline Problem robertson() {
  core::ModelOptions model;
  model.linear.rate_min = 1e-4;
  model.linear.rate_max = 1e3;
  model.nonlinear = {core::NonlinearKind::network};
  model.network.hidden = {50, 50};
  model.network.relaxation = true;
  return {"robertson", 3, logarithmic_times(50, 4e-6, 4e6), model, {core::Scheme::etd1, 1}, {}, training(32)};
}

/// input/grad13.yaml.
inline Problem grad13() {
  core::ModelOptions model;
  model.linear = {0.3, 0.4, 0.4};
  model.nonlinear = {};
  return {"grad13", 30, even_times(1, 0.4), model, {core::Scheme::etd1, 1}, {}, training(200)};
}

/// A fast-slow model (FSNN) of networks: two-scale Lorenz-96 with two fast variables for each slow one.
inline Problem fast_slow() {
  core::ModelOptions model;
  model.arguments.parameters = {std::string(core::epsilon_name)};
  model.linear.structure = core::HurwitzKind::fast_dissipative;
  model.linear.slow_dimension = 4;
  model.linear.rank = 4;
  model.linear.fast.dependence = core::Dependence::network;
  model.linear.fast.hidden = {100};
  model.linear.fast.count = 8;
  model.nonlinear = {core::NonlinearKind::slow};
  model.network.hidden = {200, 200};
  model.coupling_flow.enabled = true;
  model.coupling_flow.split = 4;
  model.coupling_flow.parts = core::CoupledParts::second;
  model.coupling_flow.hidden = {200, 200};
  return {"fast_slow", 12, even_times(10, 0.1), model, {core::Scheme::imex_ark4, 1}, {}, training(128, 64)};
}

/// A linear model of a structure whose cost is linear in n.
inline Problem structured(const std::string& name, core::HurwitzKind structure) {
  core::ModelOptions model;
  model.linear.structure = structure;
  model.nonlinear = {};
  return {name, 1000, even_times(10, 0.1), model, {core::Scheme::etd1, 1}, {}, training(8, 8)};
}

}  // namespace detail

inline std::vector<Problem> all_problems() {
  return {detail::ks20_bilinear(),
          detail::ks20_lipschitz(),
          detail::ks20_etd1(),
          detail::ks64_bilinear(),
          detail::ks7_lipschitz(),
          detail::ks7_bilinear(),
          detail::robertson(),
          detail::grad13(),
          detail::fast_slow(),
          detail::structured("block_diagonal", core::HurwitzKind::block_diagonal),
          detail::structured("low_rank", core::HurwitzKind::low_rank)};
}

/// Smooth states of order one, a trajectory for every window.
inline core::Trajectories synthetic_data(const Problem& problem, std::size_t windows) {
  core::Trajectories data;
  data.count = windows;
  data.times = problem.times.size();
  data.components = problem.components;
  data.time = problem.times;
  for (std::size_t n = 0; n < windows; ++n)
    for (std::size_t t = 0; t < data.times; ++t)
      for (std::size_t i = 0; i < data.components; ++i)
        data.state.push_back(std::sin(double(i) + 0.1 * double(t) + double(n)));
  for (const std::string& name : problem.model.arguments.parameters)
    for (std::size_t n = 0; n < windows; ++n) data.parameters[name].push_back(0.01);
  return data;
}

/// Initial parameters; the POD takes the first components.
inline std::vector<double> initial_parameters(const Problem& problem, const core::Model& model) {
  if (!problem.model.autoencoder.enabled) return model.initialise(1, nullptr);
  const std::size_t m = problem.components, n = problem.latent();
  core::PodStart pod{std::vector<double>(n * m, 0.0), 1.0};
  for (std::size_t i = 0; i < n; ++i) pod.modes[i * m + i] = 1.0;
  return model.initialise(1, &pod);
}

/// How functions of A_L act for this problem: the rule of training.
inline core::MatrixFunctionMethod method_of(const Problem& problem, const core::Model& model,
                                            std::span<const double> theta, const core::StepTable& table,
                                            std::size_t windows) {
  return core::choose_method(problem.integrator, model.split_shape(), table, model.linear_operator(theta),
                             windows * problem.intervals() * problem.integrator.substeps);
}

/// Operations of the matrix products of one lane as they are executed, 2 m n k each, where functions of A_L
/// are dense matrices: products with the phi matrices of the rates that a stage takes (those of weight zero
/// are left out), and the bilinear form as core evaluates it, expanded (n quadratic forms: n^2 (n + 1)) or
/// factored (4 R n^2). Not counted: monomials, activations, products of components, losses, what is done once
/// per update. Of structured operators: 4 operations per entry of a diagonal block; low rank is not counted.
/// Of fast-slow models: the networks and the entries of T(x), not the solves.
struct LaneFlops {
  double rate = 0.0;            ///< one evaluation of the nonlinear terms
  double stages = 0.0;          ///< products with phi matrices, all stages of one step
  double encode = 0.0;          ///< one state, linear map and network
  double encode_learns = 0.0;   ///< the part of it whose weights learn: the network
  double encode_first = 0.0;    ///< the first layer of the network
  std::size_t evaluations = 0;  ///< of the rate in one step

  double step() const { return double(evaluations) * rate + stages; }
};

inline double network_flops(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out) {
  double sum = 0.0;
  for (const std::size_t width : hidden) {
    sum += 2.0 * double(in * width);
    in = width;
  }
  return sum + 2.0 * double(in * out);
}

/// The rule of core/components/bilinear.hpp.
inline bool bilinear_is_expanded(const Problem& problem) {
  const std::size_t n = problem.latent();
  return n <= core::most_variables && n + 1 <= 4 * problem.model.bilinear.rank;
}

/// Rows that an entry of a state meets in the linear operator.
inline std::size_t block_width(const Problem& problem) {
  return problem.model.linear.structure == core::HurwitzKind::dense ? problem.latent() : 2;
}

/// Of a fast-slow model with the terms and conditioners of detail::fast_slow().
inline LaneFlops fast_slow_flops(const Problem& problem) {
  const core::HurwitzOptions& linear = problem.model.linear;
  const std::size_t slow = linear.slow_dimension, fast = problem.components - slow,
                    arguments = problem.model.arguments.parameters.size(),
                    features = 1 + slow + linear.fast.count;
  const auto& hidden = problem.model.coupling_flow.hidden;
  using Instruction = core::StageProgram::Instruction;
  LaneFlops flops;
  flops.rate = network_flops(problem.components + arguments, problem.model.network.hidden, slow);
  flops.encode = flops.encode_learns = network_flops(slow + arguments, hidden, fast);
  flops.encode_first = 2.0 * double((slow + arguments) * hidden.front());
  const core::Model model(problem.model, problem.components);
  for (const Instruction& instruction :
       core::program_of(problem.integrator.scheme, model.split_shape()).instructions) {
    if (instruction.kind == Instruction::Kind::evaluate) ++flops.evaluations;
    if (instruction.kind == Instruction::Kind::apply)
      flops.stages +=
          network_flops(slow, linear.fast.hidden, linear.fast.count) + 2.0 * double(fast * fast * features);
  }
  return flops;
}

inline LaneFlops lane_flops(const Problem& problem) {
  if (core::is_fast_slow(problem.model.linear.structure)) return fast_slow_flops(problem);
  LaneFlops flops;
  const std::size_t n = problem.latent();
  for (const core::NonlinearKind kind : problem.model.nonlinear)
    if (kind == core::NonlinearKind::bilinear)
      flops.rate +=
          double(n * n) * double(bilinear_is_expanded(problem) ? n + 1 : 4 * problem.model.bilinear.rank);
    else
      flops.rate += network_flops(n,
                                  kind == core::NonlinearKind::lipschitz ? problem.model.lipschitz.hidden
                                                                         : problem.model.network.hidden,
                                  n);
  const core::Model model(problem.model, problem.components);
  const core::SplitShape shape = model.split_shape();
  const auto operators = core::program_of(problem.integrator.scheme, shape).operators;
  for (const core::OperatorSpec& spec : operators)
    flops.stages += 2.0 * double(block_width(problem) * (n + spec.evaluations() * shape.rows()));
  flops.evaluations = shape.rows() == 0 ? 0 : operators.size();
  if (!problem.model.autoencoder.enabled) return flops;
  const auto& hidden = problem.model.autoencoder.hidden;
  if (!hidden.empty()) {
    flops.encode_learns = network_flops(problem.components, hidden, n);
    flops.encode_first = 2.0 * double(problem.components * hidden.front());
  }
  flops.encode = flops.encode_learns + 2.0 * double(problem.components * n);
  return flops;
}

}  // namespace spnode::benchmark
