#include "core/limit_sets/switching_form.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace spnode::core {
namespace {

bool is_single_unit(const Model& model) {
  const ModelOptions& options = model.options();
  const NetworkOptions& network = options.network;
  const LinearStructure structure = model.linear().shape().structure;
  return options.nonlinear == std::vector{NonlinearKind::network} &&
         network.hidden == std::vector<std::size_t>{1} && network.activation == Activation::relu &&
         !network.last_activation && !network.output_scale && !network.relaxation &&
         model.has_identity_coordinates() && model.invariants() == nullptr && model.symmetries() == nullptr &&
         (structure == LinearStructure::none || structure == LinearStructure::dense);
}

}  // namespace

std::optional<SwitchingOptions> switching_form(const Model& model, std::span<const double> theta,
                                               std::span<const double> q) {
  if (!is_single_unit(model)) return std::nullopt;
  const std::size_t n = model.latent_dimension(), inputs = n + q.size();
  const auto &scale = model.scaling.scale, &shift = model.scaling.shift;
  // The network's coefficients: B (1, inputs), beta (1), w (n, 1), e (n).
  std::vector<double> network(model.nonlinear().coefficient_count());
  model.nonlinear().assemble(theta, network);
  const double* const w = &network[inputs + 1];
  const double* const e = w + n;
  double beta = network[inputs];
  for (std::size_t i = 0; i < q.size(); ++i) beta += network[n + i] * q[i];

  SwitchingOptions form;
  form.c.assign(n, 0.0);
  double unit = 0.0;  // what the argument of the unit is divided by
  for (std::size_t i = 0; i < n; ++i) {
    form.c[i] = network[i] / scale[i];
    beta -= form.c[i] * shift[i];
    if (std::abs(form.c[i]) > std::abs(unit)) unit = std::abs(form.c[i]);
  }
  if (unit == 0.0) return std::nullopt;  // no plane: the model is linear
  for (double& entry : form.c) entry /= unit;
  form.d = -beta / unit;

  const OwnedMatrix A = model.linear_operator(theta);
  form.a1.assign(n * n, 0.0);
  form.b1.assign(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    form.b1[i] = scale[i] * e[i];
    for (std::size_t j = 0; j < n && !A.entries.empty(); ++j) {
      form.a1[i * n + j] = scale[i] * A.entries[i * n + j] / scale[j];
      form.b1[i] -= form.a1[i * n + j] * shift[j];
    }
  }
  form.a2 = form.a1;
  form.b2 = form.b1;
  for (std::size_t i = 0; i < n; ++i) {
    const double a = scale[i] * w[i] * unit;
    for (std::size_t j = 0; j < n; ++j) form.a2[i * n + j] += a * form.c[j];
    form.b2[i] -= form.d * a;
  }
  if (std::ranges::find(form.c, 1.0) != form.c.end()) return form;
  for (double& entry : form.c) entry = -entry;  // the unit is active below
  form.d = -form.d;
  std::swap(form.a1, form.a2);
  std::swap(form.b1, form.b2);
  return form;
}

}  // namespace spnode::core
