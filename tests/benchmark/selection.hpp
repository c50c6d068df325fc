#pragma once
/// Which problems a program of whole steps measures, and with which sizes.
///
///   --problem NAME[,NAME ...]   all without it
///   --batch N[,N ...]           windows of a batch
///   --tile N[,N ...]            windows that are computed at a time
///   --intervals N[,N ...]       of a window, each as long as the first; even times only
///   --substeps N[,N ...]        steps of the scheme in an interval
///   --latent N[,N ...]          latent dimension; of the state itself where there is no autoencoder
///   --hidden N[,N ...]          width of the hidden layers of the nonlinear term
///   --trained                   see take_trained_rates
///
/// Every combination is measured.

#include "problems.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace spnode::benchmark {

/// The value of `--name VALUE`, if it is given.
inline std::optional<std::string> option(const std::vector<std::string>& arguments, std::string_view name) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == name) return arguments[i + 1];
  return std::nullopt;
}

/// The linear operator of a Kuramoto-Sivashinsky model as training makes it, not as it starts: decay rates
/// mu - (q^2 - q^4) at q = 2 pi k / 22 for the wave numbers k that n latent components resolve. What the work
/// of matrix functions depends on is its norm.
inline void take_trained_rates(Problem& problem) {
  if (!problem.name.starts_with("ks")) return;
  const double q = 2.0 * M_PI / 22.0 * double(problem.latent()) / 2.0;
  problem.model.linear.rate_min = 0.05;
  problem.model.linear.rate_max = problem.model.linear.mu - q * q + q * q * q * q;
}

namespace detail {

inline std::vector<std::string> words(const std::string& list) {
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    found.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

inline std::size_t positive(std::string_view name, const std::string& word) {
  if (word.empty() || word.size() > 9 || word.find_first_not_of("0123456789") != std::string::npos ||
      std::stoul(word) == 0)
    throw UsageError(std::string(name) + " " + word + ": allowed are positive integers, separated by commas");
  return std::stoul(word);
}

inline void set_intervals(Problem& problem, std::size_t intervals) {
  const double step = problem.times.at(1);
  if (std::abs(problem.times.back() - step * double(problem.intervals())) > 1e-12 * problem.times.back())
    throw UsageError("--intervals: the times of " + problem.name + " are not even");
  problem.times = even_times(intervals, step);
}

inline void set_latent(Problem& problem, std::size_t latent) {
  const bool reduces = problem.model.autoencoder.enabled;
  if (reduces && latent > problem.components)
    throw UsageError("--latent " + std::to_string(latent) + ": " + problem.name + " has " +
                     std::to_string(problem.components) + " components");
  (reduces ? problem.model.latent_dimension : problem.components) = latent;
}

inline void set_hidden(Problem& problem, std::size_t width) {
  for (auto* hidden : {&problem.model.lipschitz.hidden, &problem.model.network.hidden})
    std::ranges::fill(*hidden, width);
}

}  // namespace detail

/// The problems that the arguments ask for (see the head of this file). Raises UsageError.
inline std::vector<Problem> chosen_problems(const std::vector<std::string>& arguments) {
  std::vector<Problem> chosen = all_problems();
  if (const auto names = option(arguments, "--problem")) {
    const std::vector<Problem> all = std::exchange(chosen, {});
    for (const std::string& name : detail::words(*names)) {
      const auto found = std::ranges::find(all, name, &Problem::name);
      if (found == all.end()) throw UsageError("--problem " + name + ": there is no problem of this name");
      chosen.push_back(*found);
    }
  }
  using Set = std::function<void(Problem&, std::size_t)>;
  const std::vector<std::pair<std::string_view, Set>> sizes = {
      {"--batch", [](Problem& problem, std::size_t n) { problem.training.batch = n; }},
      {"--tile", [](Problem& problem, std::size_t n) { problem.training.tile = n; }},
      {"--intervals", detail::set_intervals},
      {"--substeps", [](Problem& problem, std::size_t n) { problem.integrator.substeps = n; }},
      {"--latent", detail::set_latent},
      {"--hidden", detail::set_hidden}};
  for (const auto& [name, set] : sizes) {
    const auto list = option(arguments, name);
    if (!list) continue;
    const std::vector<Problem> before = std::exchange(chosen, {});
    for (const Problem& problem : before)
      for (const std::string& word : detail::words(*list))
        set(chosen.emplace_back(problem), detail::positive(name, word));
  }
  if (std::ranges::find(arguments, "--trained") != arguments.end())
    std::ranges::for_each(chosen, take_trained_rates);
  return chosen;
}

}  // namespace spnode::benchmark
