#include "io/model_options.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <charconv>
#include <cmath>
#include <map>
#include <span>
#include <sstream>
#include <system_error>
#include <vector>

namespace spnode::io {

namespace {

template <class Enum>
struct Word {
  const char* name;
  Enum value;
};
template <class Enum>
using Words = std::span<const Word<Enum>>;

template <class Enum, std::size_t count>
Words<Enum> all(const Word<Enum> (&table)[count]) {
  return table;
}

constexpr Word<core::NonlinearKind> terms[] = {{"bilinear", core::NonlinearKind::bilinear},
                                               {"lipschitz", core::NonlinearKind::lipschitz},
                                               {"network", core::NonlinearKind::network}};
constexpr Word<core::LinearStructure> structures[] = {
    {"dense", core::LinearStructure::dense},
    {"block_diagonal", core::LinearStructure::block_diagonal},
    {"low_rank", core::LinearStructure::low_rank}};
constexpr Word<core::Activation> activations[] = {{"tanh", core::Activation::tanh},
                                                  {"squareplus", core::Activation::squareplus},
                                                  {"identity", core::Activation::identity}};
constexpr Word<core::LipschitzDivisor> divisors[] = {{"exact", core::LipschitzDivisor::exact},
                                                     {"smooth", core::LipschitzDivisor::smooth}};
constexpr Word<core::ScalingKind> scalings[] = {{"none", core::ScalingKind::none},
                                                {"global", core::ScalingKind::global},
                                                {"component", core::ScalingKind::component},
                                                {"manual", core::ScalingKind::manual}};
constexpr Word<core::Initialisation> initialisations[] = {
    {"random", core::Initialisation::random},
    {"dmd", core::Initialisation::dmd},
    {"operator_inference", core::Initialisation::operator_inference}};
constexpr Word<core::Precision> precisions[] = {{"double", core::Precision::float64},
                                                {"mixed", core::Precision::mixed}};
constexpr Word<core::Scheme> schemes[] = {
    {"etd1", core::Scheme::etd1},           {"etdrk2", core::Scheme::etdrk2},
    {"etdrk4", core::Scheme::etdrk4},       {"imex_euler", core::Scheme::imex_euler},
    {"imex_ssp2", core::Scheme::imex_ssp2}, {"imex_ars2", core::Scheme::imex_ars2},
    {"euler", core::Scheme::euler},         {"rk4", core::Scheme::rk4}};
constexpr Word<core::MatrixFunctionMethod> methods[] = {{"automatic", core::MatrixFunctionMethod::automatic},
                                                        {"dense", core::MatrixFunctionMethod::dense},
                                                        {"taylor", core::MatrixFunctionMethod::taylor}};

// Calls visit(path, option) for every number and list of numbers, and visit(path, option, words) for every
// word and list of words.

template <class Options, class Visit>
void visit_network(Options& network, const std::string& at, Visit& visit) {
  visit(at + "hidden", network.hidden);
  visit(at + "activation", network.activation, all(activations));
  visit(at + "last_activation", network.last_activation);
  visit(at + "output_scale", network.output_scale);
  visit(at + "initial_scale", network.initial_scale);
  visit(at + "relaxation", network.relaxation);
}

template <class Options, class Visit>
void visit_model(Options& model, Visit& visit) {
  visit("model.latent_dimension", model.latent_dimension);
  visit("model.nonlinear", model.nonlinear, all(terms));
  visit("model.precision", model.precision, all(precisions));
  visit("model.initialisation", model.initialisation, all(initialisations));
  visit("model.inference_order", model.inference_order);
  visit("model.linear.structure", model.linear.structure, all(structures));
  visit("model.linear.rank", model.linear.rank);
  visit("model.linear.mu", model.linear.mu);
  visit("model.linear.rate_min", model.linear.rate_min);
  visit("model.linear.rate_max", model.linear.rate_max);
  visit("model.linear.noise", model.linear.noise);
  visit("model.linear.trainable", model.linear.trainable);
  visit("model.bilinear.rank", model.bilinear.rank);
  visit("model.bilinear.initial_scale", model.bilinear.initial_scale);
  visit_network(model.lipschitz, "model.lipschitz.", visit);
  visit("model.lipschitz.bound", model.lipschitz.lipschitz);
  visit("model.lipschitz.divisor", model.lipschitz.divisor, all(divisors));
  visit_network(model.network, "model.network.", visit);
  visit("model.autoencoder.enabled", model.autoencoder.enabled);
  visit("model.autoencoder.pod", model.autoencoder.pod);
  visit("model.autoencoder.pod_trainable", model.autoencoder.pod_trainable);
  visit("model.autoencoder.hidden", model.autoencoder.hidden);
  visit("model.autoencoder.activation", model.autoencoder.activation, all(activations));
  visit("model.autoencoder.initial_scale", model.autoencoder.initial_scale);
  visit("model.autoencoder.frozen", model.autoencoder.frozen);
  visit("model.scaling.kind", model.scaling.kind, all(scalings));
  visit("model.scaling.shift", model.scaling.shift);
  visit("model.scaling.scale", model.scaling.scale);
}

template <class Options, class Visit>
void visit_options(Options& options, Visit& visit) {
  visit_model(options.model, visit);
  visit("integrator.scheme", options.integrator.scheme, all(schemes));
  visit("integrator.substeps", options.integrator.substeps);
  visit("integrator.linear", options.integrator.linear, all(methods));
  visit("integrator.checkpoint_interval", options.integrator.checkpoint_interval);
}

std::string print(double value) { return shortest(value); }
std::string print(std::size_t value) { return std::to_string(value); }
std::string print(bool value) { return value ? "true" : "false"; }
template <class Enum>
std::string print(Enum value, Words<Enum> words) {
  for (const Word<Enum>& word : words)
    if (word.value == value) return word.name;
  throw Error(ExitStatus::internal_error, "an option of a model has no word");
}
template <class T, class... Tables>
std::string print(const std::vector<T>& values, Tables... words) {
  std::string text;
  for (const T& value : values) text.append(text.empty() ? "" : " ").append(print(value, words...));
  return text;
}

[[noreturn]] void refuse(const std::string& text, const char* wanted) {
  throw UsageError(std::string("'").append(printable(text)).append("' is not ").append(wanted));
}

template <class Number>
void parse_number(const std::string& text, Number& value, const char* wanted) {
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(static_cast<double>(value)))
    refuse(text, wanted);
}
void parse(const std::string& text, double& value) { parse_number(text, value, "a number"); }
void parse(const std::string& text, std::size_t& value) { parse_number(text, value, "a count"); }
void parse(const std::string& text, bool& value) {
  if (text != "true" && text != "false") refuse(text, "true or false");
  value = text == "true";
}
template <class Enum>
void parse(const std::string& text, Enum& value, Words<Enum> words) {
  for (const Word<Enum>& word : words)
    if (word.name == text) {
      value = word.value;
      return;
    }
  refuse(text, "a word that is known");
}
template <class T, class... Tables>
void parse(const std::string& text, std::vector<T>& values, Tables... words) {
  values.clear();
  std::istringstream stream(text);
  for (std::string word; stream >> word;) parse(word, values.emplace_back(), words...);
}

}  // namespace

std::string print_options(const StoredOptions& options) {
  std::string text;
  auto visit = [&](const std::string& path, const auto& value, auto... words) {
    text.append(path).append(": ").append(print(value, words...)).append("\n");
  };
  visit_options(options, visit);
  return text;
}

StoredOptions parse_options(const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos || !values.emplace(line.substr(0, colon), line.substr(colon + 2)).second)
      refuse(line, "the one line of an option");
  }
  StoredOptions options;
  auto visit = [&](const std::string& path, auto& value, auto... words) {
    const auto found = values.find(path);
    if (found == values.end()) return;
    try {
      parse(found->second, value, words...);
    } catch (const UsageError& error) {
      throw UsageError(path + ": " + error.what());
    }
    values.erase(found);
  };
  visit_options(options, visit);
  if (!values.empty()) refuse(values.begin()->first, "an option that is known");
  return options;
}

}  // namespace spnode::io
