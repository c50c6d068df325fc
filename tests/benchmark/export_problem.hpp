#pragma once
/// Writes a problem with spnode's loss, gradient and forecast, for the peers (peers/problem.py reads it).

#include "core/loss/objective.hpp"
#include "core/support/error.hpp"
#include "npy.hpp"
#include "problems.hpp"

#include <filesystem>
#include <fstream>
#include <numeric>

namespace spnode::benchmark {

namespace detail {

inline std::string term_name(const core::ModelOptions& model) {
  if (model.nonlinear.empty()) return "none";
  switch (model.nonlinear.front()) {
    case core::NonlinearKind::bilinear:
      return "bilinear";
    case core::NonlinearKind::lipschitz:
      return "lipschitz";
    default:
      return "network";
  }
}

inline std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

inline std::string description(const Problem& problem, const core::ParameterLayout& layout, double loss) {
  const auto& model = problem.model;
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  std::string text = "{\"name\": \"" + problem.name + "\"";
  const auto add = [&text](const char* key, const std::string& value) {
    text += ",\n \"" + std::string(key) + "\": " + value;
  };
  const std::string term = term_name(model);
  add("m", std::to_string(problem.components));
  add("n", std::to_string(problem.latent()));
  add("mu", number(model.linear.mu));
  add("term", "\"" + term + "\"");
  add("rank", std::to_string(model.bilinear.rank));
  add("lipschitz", number(term == "lipschitz" ? model.lipschitz.bound : 0.0));
  add("relaxation", truth(term == "network" && model.network.relaxation));
  add("autoencoder", truth(model.autoencoder.enabled));
  add("scheme", problem.integrator.scheme == core::Scheme::etdrk4 ? "\"etdrk4\"" : "\"etd1\"");
  add("substeps", std::to_string(problem.integrator.substeps));
  add("trajectory", number(problem.loss.weights.at("trajectory")));
  add("reconstruction", number(problem.loss.weights.at("reconstruction")));
  add("rate", number(problem.training.adam.learning_rate.rate));
  add("clip", number(problem.training.adam.clip));
  add("loss", number(loss));
  std::string blocks;
  for (const core::ParameterBlock& block : layout.blocks()) {
    std::string shape;
    for (const std::size_t extent : block.shape)
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    blocks += std::string(blocks.empty() ? "" : ",") + "\n  {\"name\": \"" + block.name +
              "\", \"offset\": " + std::to_string(block.offset) + ", \"shape\": [" + shape +
              "], \"frozen\": " + truth(block.frozen) + "}";
  }
  add("blocks", "[" + blocks + "]");
  return text + "}\n";
}

}  // namespace detail

/// Overwrites DIRECTORY/{problem.json, theta.npy, state.npy, time.npy, gradient.npy, forecast.npy}, all in
/// double precision: the batch (batch, times, components) in order, the loss and gradient over it at the
/// initial parameters, and the forecast from its first states. Raises FileError.
inline void export_problem(const Problem& problem, const std::filesystem::path& directory) {
  const std::size_t batch = problem.training.batch;
  const core::Trajectories held = synthetic_data(problem, batch);
  const core::WindowData data(core::WindowIndex(batch, held.times, {}), held, 0);
  const core::Model model(problem.model, problem.components);
  const std::vector<double> theta = initial_parameters(problem, model);
  const core::StepTable table(core::distinct_steps(data, problem.integrator.substeps));
  core::Objective<double> objective(model, {problem.integrator, problem.loss, {}}, table,
                                    core::MatrixFunctionMethod::dense);
  objective.set_parameters(theta);
  std::vector<double> sum(objective.contribution_size()), part(sum.size()), gradient(theta.size());
  for (std::uint64_t first = 0; first < batch; first += problem.training.tile) {
    std::vector<std::uint64_t> windows(std::min<std::size_t>(problem.training.tile, batch - first));
    std::iota(windows.begin(), windows.end(), first);
    objective.contribution(data, windows, part);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  const core::LossTerms loss = objective.gradient(sum, batch, gradient);

  core::Trajectories forecast = held;
  core::IntegratorOptions integrator = problem.integrator;
  integrator.linear = core::MatrixFunctionMethod::dense;
  core::BasicForecaster<double>(model, theta, {integrator, 64},
                                core::forecast_steps(held, integrator.substeps))
      .run(forecast);

  std::filesystem::create_directories(directory);
  const std::vector<std::size_t> shape = {batch, held.times, held.components};
  write_npy(directory / "theta.npy", theta, {theta.size()});
  write_npy(directory / "gradient.npy", gradient, {gradient.size()});
  write_npy(directory / "state.npy", held.state, shape);
  write_npy(directory / "forecast.npy", forecast.state, shape);
  write_npy(directory / "time.npy", problem.times, {problem.times.size()});
  std::ofstream file(directory / "problem.json");
  file << detail::description(problem, model.layout(), loss.total);
  if (!file) throw FileError((directory / "problem.json").string() + ": cannot be written");
}

}  // namespace spnode::benchmark
