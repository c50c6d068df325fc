#include "core/vector_field/model.hpp"

#include "core/components/bilinear.hpp"
#include "core/components/forcing.hpp"
#include "core/support/error.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>

namespace spnode::core {

namespace {

std::size_t latent_dimension_of(const ModelOptions& options, std::size_t state_dimension) {
  if (options.lifting.enabled()) {
    const std::size_t n = Lifting(state_dimension, options.lifting).dimension();
    require_option(options.latent_dimension == 0 || options.latent_dimension == n,
                   {"latent_dimension", "lifting.products"},
                   "= " + std::to_string(options.latent_dimension) +
                       ", but the state and its products have " + std::to_string(n) + " components");
    return n;
  }
  const std::size_t n = options.latent_dimension == 0 ? state_dimension : options.latent_dimension;
  if (!options.autoencoder.enabled && n != state_dimension)
    throw OptionError({"latent_dimension"}, "= " + std::to_string(n) + ", but the states have " +
                                                std::to_string(state_dimension) +
                                                " components and autoencoder.enabled is false");
  if (options.autoencoder.enabled && options.autoencoder.pod && n > state_dimension)
    throw OptionError({"latent_dimension"}, "= " + std::to_string(n) + ", but a POD of states with " +
                                                std::to_string(state_dimension) +
                                                " components has at most that many modes");
  if (options.autoencoder.enabled && options.autoencoder.basis == LinearBasis::fourier && n % 2 == 0)
    throw OptionError(
        {"latent_dimension", "autoencoder.basis"},
        "must be odd for Fourier modes, cosine and sine of each wave number and the mean; found " +
            std::to_string(n));
  return n;
}

Scaling identity_scaling(std::size_t count) {
  return {std::vector<double>(count, 0.0), std::vector<double>(count, 1.0)};
}

/// Those of options, declared; null where there are none.
std::shared_ptr<const Invariants> make_invariants(const ModelOptions& options, std::size_t m, std::size_t n,
                                                  ParameterLayout& layout) {
  const std::vector<double>& weights = options.invariants;
  if (weights.empty()) return {};
  const std::size_t count = weights.size() / m;
  require_option(count * m == weights.size(), {"invariants"},
                 "has " + std::to_string(weights.size()) + " weights, but the states have " +
                     std::to_string(m) + " components: give as many for each function that is kept");
  require_option(count < n, {"invariants"},
                 "names " + std::to_string(count) + " functions, which leave nothing of " +
                     std::to_string(n) + " latent components to change");
  for (std::size_t k = 0; k < count; ++k)
    require_option(std::any_of(&weights[k * m], &weights[k * m] + m, [](double w) { return w != 0.0; }),
                   {"invariants"}, "has no weight but zeros in row " + std::to_string(k + 1));
  require_option(options.order == 1 || !options.autoencoder.enabled,
                 {"invariants", "order", "autoencoder.enabled"},
                 "needs the states as they are where order is 2; autoencoder.enabled is true");
  for (std::size_t at = 0; at < weights.size() && options.order == 2; ++at)
    require_option(at % m >= m / 2 || weights[at] == 0.0, {"invariants", "order"},
                   "gives the position " + std::to_string(at % m) + " the weight " + shortest(weights[at]) +
                       "; positions follow velocities, as order is 2, so that velocities alone can have one");
  auto invariants = std::make_shared<Invariants>(count, n);
  invariants->declare(layout);
  return invariants;
}

/// Those of options, of n components; null where there are none. What they average must keep the invariants:
/// their projection is its own average if it commutes with each symmetry, and only then.
std::shared_ptr<const Symmetries> make_symmetries(const ModelOptions& options, std::size_t n) {
  if (!options.symmetries.enabled()) return {};
  auto symmetries =
      in_section("symmetries", [&] { return std::make_shared<Symmetries>(n, options.symmetries); });
  if (options.order == 2)
    for (std::size_t e = 0; e < symmetries->count(); ++e)
      for (std::size_t i = 0; i < n / 2; ++i) {
        const auto &x = symmetries->element(e)[i], &v = symmetries->element(e)[i + n / 2];
        require_option(
            v.source == x.source + n / 2 && v.sign == x.sign,
            {"symmetries.permutations", "symmetries.signs", "order"},
            "must do with the velocities what it does with the positions, as order is 2; component " +
                std::to_string(i) + " differs from " + std::to_string(i + n / 2));
      }
  if (options.invariants.empty()) return symmetries;
  const std::size_t count = options.invariants.size() / n;
  ParameterLayout layout;
  Invariants invariants(count, n);
  invariants.declare(layout);
  std::vector<double> Q(layout.size()), P(n * n, 0.0), lengths(count);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t c = 0; c < n; ++c) lengths[k] = std::hypot(lengths[k], options.invariants[k * n + c]);
  invariants.set(options.invariants, lengths, Q);
  add_to_diagonal(square(std::span(P), n), 1.0);
  invariants.project_left(Q, P);
  std::vector<double> average = P;
  symmetries->average(average);
  add_scaled(-1.0, P, average);
  require_option(std::ranges::all_of(average, [](double entry) { return std::abs(entry) < 1e-9; }),
                 {"invariants", "symmetries.permutations", "symmetries.signs"},
                 "names functions that a symmetry turns into others: name these, too, or fewer symmetries");
  return symmetries;
}

/// The flow of a model of n components; null without one.
template <class Real>
std::unique_ptr<CouplingFlow<Real>> make_flow(const ModelOptions& options, std::size_t n) {
  if (!options.coupling_flow.enabled) return nullptr;
  return in_section("coupling_flow", [&] {
    return std::make_unique<CouplingFlow<Real>>(n, options.arguments.parameters.size(),
                                                options.coupling_flow);
  });
}

/// PETSc, BLAS and MPI count in 32 bits.
void require_countable(const ParameterLayout& layout) {
  double count = 0.0;
  for (const ParameterBlock& block : layout.blocks())
    count += std::accumulate(block.shape.begin(), block.shape.end(), 1.0, std::multiplies<>());
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  if (count > most)
    throw UsageError("a model of " + shortest(count) + " parameters is asked for; at most " + shortest(most) +
                     " can be counted");
  require_memory(count * sizeof(double), "a vector of the model's " + shortest(count) + " parameters");
}

}  // namespace

template <class Real>
BasicModel<Real>::BasicModel(const ModelOptions& options, std::size_t state_dimension)
    : scaling(identity_scaling(state_dimension)),
      argument_scaling(identity_scaling(options.arguments.size())),
      options_(options),
      m_(state_dimension),
      n_(latent_dimension_of(options, state_dimension)),
      invariants_(make_invariants(options, m_, n_, layout_)),
      symmetries_(make_symmetries(options, m_)),
      linear_(make_hurwitz(n_, options.linear, invariants_, symmetries_)),
      flow_(make_flow<Real>(options, n_)),
      positive_(options.positive.enabled() ? std::make_unique<PositiveCoordinates>(n_, options.positive)
                                           : nullptr),
      lifting_(options.lifting.enabled() ? std::optional<Lifting>(std::in_place, m_, options.lifting)
                                         : std::nullopt),
      nonlinear_(options, n_, invariants_, flow_.get(), symmetries_) {
  linear_->declare(layout_);
  const bool first = options.has_state_term();  // which needs the flow's parameters
  if (flow_ && first) flow_->declare(layout_);
  nonlinear_.declare(layout_);
  if (options.autoencoder.enabled) {
    using Coder = LinearPlusNetwork<Real>;
    encoder_ =
        std::make_unique<Coder>(typename Coder::Shape{m_, n_, "autoencoder/encoder"}, options.autoencoder);
    decoder_ =
        std::make_unique<Coder>(typename Coder::Shape{n_, m_, "autoencoder/decoder"}, options.autoencoder);
    encoder_->declare(layout_);
    decoder_->declare(layout_);
  }
  if (flow_ && !first) flow_->declare(layout_);
  if (positive_) positive_->declare(layout_);
  require_countable(layout_);
}

template <class Real>
std::vector<double> BasicModel<Real>::initialise(std::uint64_t seed, const PodStart* pod) const {
  std::vector<double> theta(layout_.size());
  linear_->initialise(seed, theta);
  for (const auto& term : nonlinear_.terms()) {
    term.map->initialise(seed, theta);
    if (has_identity_coordinates()) term.map->set_scaling(scaling, theta);
    term.map->set_argument_scaling(argument_scaling, theta);
  }
  if (flow_) flow_->initialise(seed, theta);
  if (positive_) positive_->initialise(theta);
  if (!has_autoencoder()) {
    set_invariants(theta);
    return theta;
  }
  encoder_->initialise(seed, theta);
  decoder_->initialise(seed, theta);
  if (!options_.autoencoder.pod) return theta;  // and no invariants
  if (pod == nullptr) throw Error(ExitStatus::internal_error, "Model::initialise needs the POD of the data");
  const std::span<double> encode = encoder_->linear_in(theta), decode = decoder_->linear_in(theta);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < m_; ++j) {
      encode[i * m_ + j] = pod->modes[i * m_ + j] / pod->latent_scale;
      decode[j * n_ + i] = pod->modes[i * m_ + j] * pod->latent_scale;
    }
  set_invariants(theta);
  return theta;
}

template <class Real>
void BasicModel<Real>::set_invariants(std::span<double> theta) const {
  if (!invariants_) return;
  const std::size_t count = invariants_->count();
  const std::span<const double> decode = has_autoencoder() ? decoder_->linear_in(theta) : theta.first(0);
  std::vector<double> weights(count * n_, 0.0), lengths(count);
  for (std::size_t k = 0; k < count; ++k) {
    double squares = 0.0, longest = 0.0;  // of W and of what decodes
    for (std::size_t c = 0; c < m_; ++c) {
      const double w = options_.invariants[k * m_ + c] * scaling.scale[c];
      squares += w * w;
      if (!has_autoencoder()) weights[k * n_ + c] = w;
      if (has_autoencoder()) add_scaled(w, decode.subspan(c * n_, n_), {&weights[k * n_], n_});
    }
    for (const double entry : decode) longest = std::max(longest, std::abs(entry));
    lengths[k] = std::sqrt(squares) * (has_autoencoder() ? longest : 1.0);
  }
  invariants_->set(weights, lengths, theta);
}

template <class Real>
std::vector<double> BasicModel<Real>::scaled_rates(double factor, std::vector<double> theta) const {
  if (factor == 1.0) return theta;
  linear_->scale_value(factor, theta);
  for (const auto& term : nonlinear_.terms())
    if (!term.relaxed) term.map->scale_value(factor, theta);  // A_L r(u) has the unit of A_L
  return theta;
}

template <class Real>
double BasicModel<Real>::set_operators(const QuadraticOperators& operators, std::span<double> theta) const {
  linear_->set_matrix(operators.A, theta);
  for (const auto& term : nonlinear_.terms()) {
    const auto* const bilinear = dynamic_cast<const Bilinear<Real>*>(term.map.get());
    if (bilinear != nullptr && !operators.Q.empty())
      return bilinear->set_forms(operators.Q, operators.b, theta);
    const auto* const forcing = dynamic_cast<const Forcing<Real>*>(term.map.get());
    if (forcing != nullptr && operators.Q.empty() && !operators.b.empty())
      forcing->set_constant(operators.b, theta);
  }
  return 0.0;
}

template <class Real>
const Network<Real>* BasicModel<Real>::quadratic_network() const {
  const Network<Real>* found = nullptr;
  for (const auto& term : nonlinear_.terms()) {
    if (dynamic_cast<const Bilinear<Real>*>(term.map.get()) != nullptr) return nullptr;
    const auto* const network = dynamic_cast<const Network<Real>*>(term.map.get());
    if (found == nullptr && network != nullptr && !term.relaxed && network->pairs() > 0) found = network;
  }
  return found;
}

template <class Real>
const Library<Real>* BasicModel<Real>::library() const {
  for (const auto& term : nonlinear_.terms())
    if (const auto* const library = dynamic_cast<const Library<Real>*>(term.map.get())) return library;
  const FieldLibrary<Real>* const fields = field_library();
  return fields != nullptr ? &fields->at_point() : nullptr;
}

template <class Real>
const FieldLibrary<Real>* BasicModel<Real>::field_library() const {
  for (const auto& term : nonlinear_.terms())
    if (const auto* const fields = dynamic_cast<const FieldLibrary<Real>*>(term.map.get())) return fields;
  return nullptr;
}

template <class Real>
auto BasicModel<Real>::distortion(std::span<const double> theta) const
    -> std::optional<typename CouplingFlow<Real>::Distortion> {
  if (!flow_) return {};
  return flow_->distortion(theta, 3.0 * std::sqrt(double(m_)));
}

template <class Real>
NonlinearTerms<Real> BasicModel<Real>::slow_terms() const {
  if (!is_fast_slow(options_.linear.structure))
    throw UsageError("the model has no slow manifold: its linear.structure is " +
                     std::string(name_of(options_.linear.structure)) +
                     "; fast_schur or fast_dissipative is needed");
  return nonlinear_.first_rows(options_.linear.slow_dimension);
}

template <class Real>
OwnedMatrix BasicModel<Real>::linear_operator(std::span<const double> theta) const {
  OwnedMatrix A{linear_->shape(), std::vector<double>(linear_->coefficient_count())};
  linear_->assemble(theta, A.entries);
  return A;
}

template class BasicModel<double>;
template class BasicModel<float>;

}  // namespace spnode::core
