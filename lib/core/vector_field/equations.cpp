#include "core/vector_field/equations.hpp"

#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {

namespace {

std::vector<std::string> variable_names(const Model& model) {
  const FieldLibrary<double>* const fields = model.field_library();
  const std::size_t count = fields != nullptr ? fields->stencil().fields() : model.latent_dimension();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back("u_" + std::to_string(i));
  if (fields != nullptr) names = fields->stencil().variable_names(names);
  const ArgumentOptions& arguments = model.options().arguments;
  names.insert(names.end(), arguments.parameters.begin(), arguments.parameters.end());
  names.insert(names.end(), arguments.inputs.begin(), arguments.inputs.end());
  if (arguments.time) names.emplace_back("t");
  return names;
}

/// " + 10 u_1", or "10 u_1" as the first of a sum.
std::string summand(double coefficient, const std::string& function, bool first) {
  std::string text = first ? (coefficient < 0.0 ? "-" : "") : (coefficient < 0.0 ? " - " : " + ");
  const std::string size = rounded(std::abs(coefficient), 6);
  if (function == "1") return text.append(size);
  if (size != "1") text.append(size).append(" ");
  return text.append(function);
}

/// What else is in the right-hand side.
std::string other_terms(const Model& model) {
  std::string others = model.split_shape().has_linear ? "the linear part" : "";
  for (const NonlinearKind kind : model.options().nonlinear)
    if (kind != NonlinearKind::library) others.append(others.empty() ? "" : ", ").append(name_of(kind));
  return others;
}

/// Xi (outputs, functions) of the unscaled variables after the mean over the symmetries.
void average(const Model& model, std::size_t functions, std::span<double> Xi) {
  const Symmetries& symmetries = *model.symmetries();
  const Library<double>& library = *model.library();
  const std::size_t first = library.first_output();
  std::vector<double> mean(Xi.size(), 0.0), largest(Xi.size(), 0.0);
  for (std::size_t e = 0; e < symmetries.count(); ++e) {
    const std::vector<Symmetries::Entry> moved = library.moved_functions(symmetries, e);
    for (std::size_t i = 0; i < library.outputs(); ++i) {
      const Symmetries::Entry& output = symmetries.element(e)[first + i];
      for (std::size_t k = 0; k < functions; ++k) {
        const double part = double(output.sign * moved[k].sign) * Xi[i * functions + k];
        const std::size_t at = (output.source - first) * functions + moved[k].source;
        mean[at] += part / double(symmetries.count());
        largest[at] = std::max(largest[at], std::abs(part));
      }
    }
  }
  for (std::size_t at = 0; at < Xi.size(); ++at)
    Xi[at] = std::abs(mean[at]) > 1e-12 * largest[at] ? mean[at] : 0.0;  // else rounding
}

/// Xi (outputs, functions) of the unscaled variables after the projection that keeps the invariants.
void project(const Model& model, std::span<const double> theta, std::size_t functions, std::span<double> Xi) {
  const std::size_t n = model.latent_dimension(), first = model.library()->first_output(),
                    outputs = model.library()->outputs();
  const auto scale = [&](std::size_t i) {
    return model.has_identity_coordinates() ? model.scaling.scale[first + i] : 1.0;
  };
  std::vector<double> P(n * n, 0.0), projected(Xi.size(), 0.0);
  for (std::size_t i = 0; i < n; ++i) P[i * n + i] = 1.0;
  model.invariants()->project_left(theta, P);
  for (std::size_t i = 0; i < outputs; ++i)
    for (std::size_t k = 0; k < functions; ++k) {
      double sum = 0.0, largest = 0.0;
      for (std::size_t j = 0; j < outputs; ++j) {
        const double part = P[(first + i) * n + first + j] * scale(i) / scale(j) * Xi[j * functions + k];
        sum += part;
        largest = std::max(largest, std::abs(part));
      }
      if (std::abs(sum) > 1e-12 * largest) projected[i * functions + k] = sum;  // else rounding
    }
  std::ranges::copy(projected, Xi.begin());
}

}  // namespace

std::vector<std::string> equations(const Model& model, std::span<const double> theta) {
  std::vector<std::string> lines;
  const Library<double>* const library = model.library();
  if (library == nullptr) return lines;
  const std::vector<std::string> names = library->function_names(variable_names(model));
  std::vector<double> Xi = library->coefficients_of(theta);
  const bool at_points = model.field_library() != nullptr;
  if (model.symmetries() != nullptr && !at_points) average(model, names.size(), Xi);
  if (model.invariants() != nullptr && !at_points) project(model, theta, names.size(), Xi);
  const std::string others = other_terms(model);
  // Of second order, [x; v]: the library gives dv/dt.
  const std::size_t first = library->first_output();
  const auto line = [&](std::size_t i, const std::string& sum) {
    lines.push_back("du_" + std::to_string(i) + "/dt = " + sum);
  };
  for (std::size_t i = 0; i < first; ++i) line(i, "u_" + std::to_string(first + i));
  for (std::size_t i = 0; i < library->outputs(); ++i) {
    std::string sum;
    for (std::size_t k = 0; k < names.size(); ++k)
      if (const double xi = Xi[i * names.size() + k]; xi != 0.0) sum += summand(xi, names[k], sum.empty());
    if (sum.empty() && others.empty()) sum += "0";  // gcc 12 misreads an assignment
    if (!others.empty()) sum += sum.empty() ? "..." : " + ...";
    line(first + i, sum);
  }
  if (!others.empty()) lines.push_back("...: " + others);
  if (!model.has_identity_coordinates()) lines.emplace_back("u: the latent state");
  if (at_points)
    lines.emplace_back("u_0, u_1 ...: the fields at any point of the grid; [+1]: at the next point");
  if (at_points && model.symmetries() != nullptr)
    lines.emplace_back("du/dt is the mean of this over the symmetries");
  if (at_points && model.invariants() != nullptr)
    lines.emplace_back("du/dt is this without what would change the invariants");
  return lines;
}

}  // namespace spnode::core
