#include "core/vector_field/model.hpp"

#include "core/components/bilinear.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/support/error.hpp"
#include "core/support/memory_limit.hpp"
#include "core/support/text.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>

namespace spnode::core {

template <class Real>
NonlinearTerms<Real>::NonlinearTerms(const ModelOptions& options, std::size_t dimension) : n_(dimension) {
  for (const NonlinearKind kind : options.nonlinear) {
    Term term;
    if (kind == NonlinearKind::bilinear) {
      term = {std::make_unique<Bilinear<Real>>(n_, options.bilinear, "nonlinear/bilinear"), false, 0, 0};
    } else if (kind == NonlinearKind::lipschitz) {
      const typename Network<Real>::Role role{"nonlinear/lipschitz"};
      term = {std::make_unique<Network<Real>>(n_, n_, options.lipschitz, role), options.lipschitz.relaxation,
              0, 0};
    } else {
      const typename Network<Real>::Role role{"nonlinear/network"};
      term = {std::make_unique<Network<Real>>(n_, n_, options.network, role), options.network.relaxation, 0,
              0};
    }
    (term.relaxed ? has_relaxed_ : has_plain_) = true;
    terms_.push_back(std::move(term));
  }
}

template <class Real>
void NonlinearTerms<Real>::declare(ParameterLayout& layout) {
  for (Term& term : terms_) {
    term.map->declare(layout);
    term.kappa = coefficient_count_;
    term.tape_row = tape_rows_;
    coefficient_count_ += term.map->coefficient_count();
    tape_rows_ += term.map->tape_rows();
  }
}

template <class Real>
void NonlinearTerms<Real>::apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> u,
                                 MatrixView<Real> rate, MatrixView<Real> tape, Scratch<Real>& scratch) const {
  fill(space, 0.0, rate);
  for (const Term& term : terms_)
    term.map->apply(space, ConstVectorView<Real>(kappa.data() + term.kappa, term.map->coefficient_count()), u,
                    rows_of(rate, first_row(term), n_), rows_of(tape, term.tape_row, term.map->tape_rows()),
                    scratch);
}

template <class Real>
void NonlinearTerms<Real>::apply_vjp(const ExecSpace& space, const typename LaneMap<Real>::Reverse& reverse,
                                     Scratch<Real>& scratch) const {
  for (const Term& term : terms_) {
    const std::size_t count = term.map->coefficient_count();
    term.map->apply_vjp(space,
                        {ConstVectorView<Real>(reverse.kappa.data() + term.kappa, count), reverse.x,
                         rows_of(reverse.tape, term.tape_row, term.map->tape_rows()),
                         rows_of(reverse.y_bar, first_row(term), n_), reverse.x_bar,
                         VectorView<Real>(reverse.kappa_bar.data() + term.kappa, count)},
                        scratch);
  }
}

template <class Real>
void NonlinearTerms<Real>::apply_jvp(const ExecSpace& space, const typename LaneMap<Real>::Tangent& tangent,
                                     Scratch<Real>& scratch) const {
  fill(space, 0.0, tangent.y_dot);
  for (const Term& term : terms_) {
    const std::size_t count = term.map->coefficient_count();
    term.map->apply_jvp(space,
                        {ConstVectorView<Real>(tangent.kappa.data() + term.kappa, count),
                         ConstVectorView<Real>(tangent.kappa_dot.data() + term.kappa, count), tangent.x,
                         tangent.x_dot, rows_of(tangent.tape, term.tape_row, term.map->tape_rows()),
                         rows_of(tangent.y_dot, first_row(term), n_)},
                        scratch);
  }
}

template <class Real>
void NonlinearTerms<Real>::assemble(std::span<const double> theta, std::span<double> kappa) const {
  for (const Term& term : terms_)
    term.map->assemble(theta, kappa.subspan(term.kappa, term.map->coefficient_count()));
}

template <class Real>
void NonlinearTerms<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                                        std::span<double> theta_bar) const {
  for (const Term& term : terms_)
    term.map->assemble_vjp(theta, kappa_bar.subspan(term.kappa, term.map->coefficient_count()), theta_bar);
}

template <class Real>
void NonlinearTerms<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                        std::span<double> kappa_dot) const {
  for (const Term& term : terms_)
    term.map->assemble_jvp(theta, theta_dot, kappa_dot.subspan(term.kappa, term.map->coefficient_count()));
}

namespace {

std::size_t latent_dimension_of(const ModelOptions& options, std::size_t state_dimension) {
  const std::size_t n = options.latent_dimension == 0 ? state_dimension : options.latent_dimension;
  if (!options.autoencoder.enabled && n != state_dimension)
    throw OptionError({"latent_dimension"}, "= " + std::to_string(n) + ", but the states have " +
                                                std::to_string(state_dimension) +
                                                " components and autoencoder.enabled is false");
  if (options.autoencoder.enabled && options.autoencoder.pod && n > state_dimension)
    throw OptionError({"latent_dimension"}, "= " + std::to_string(n) + ", but a POD of states with " +
                                                std::to_string(state_dimension) +
                                                " components has at most that many modes");
  return n;
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
    : scaling{std::vector<double>(state_dimension, 0.0), std::vector<double>(state_dimension, 1.0)},
      options_(options),
      m_(state_dimension),
      n_(latent_dimension_of(options, state_dimension)),
      linear_(make_hurwitz(n_, options.linear)),
      nonlinear_(options, n_) {
  linear_->declare(layout_);
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
  require_countable(layout_);
}

template <class Real>
std::vector<double> BasicModel<Real>::initialise(std::uint64_t seed, const PodStart* pod) const {
  std::vector<double> theta(layout_.size());
  linear_->initialise(seed, theta);
  for (const auto& term : nonlinear_.terms()) term.map->initialise(seed, theta);
  if (!has_autoencoder()) return theta;
  encoder_->initialise(seed, theta);
  decoder_->initialise(seed, theta);
  if (!options_.autoencoder.pod) return theta;
  if (pod == nullptr) throw Error(ExitStatus::internal_error, "Model::initialise needs the POD of the data");
  std::vector<double> encode(n_ * m_), decode(m_ * n_);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < m_; ++j) {
      encode[i * m_ + j] = pod->modes[i * m_ + j] / pod->latent_scale;
      decode[j * n_ + i] = pod->modes[i * m_ + j] * pod->latent_scale;
    }
  encoder_->set_linear(encode, theta);
  decoder_->set_linear(decode, theta);
  return theta;
}

template <class Real>
double BasicModel<Real>::set_rate(const QuadraticRate& rate, std::span<double> theta) const {
  linear_->set_matrix(rate.A, theta);
  for (const auto& term : nonlinear_.terms()) {
    const auto* const bilinear = dynamic_cast<const Bilinear<Real>*>(term.map.get());
    if (bilinear != nullptr && !rate.Q.empty()) return bilinear->set_forms(rate.Q, rate.b, theta);
  }
  return 0.0;
}

template <class Real>
const Network<Real>* BasicModel<Real>::rate_network() const {
  const Network<Real>* found = nullptr;
  for (const auto& term : nonlinear_.terms()) {
    if (dynamic_cast<const Bilinear<Real>*>(term.map.get()) != nullptr) return nullptr;
    const auto* const network = dynamic_cast<const Network<Real>*>(term.map.get());
    if (found == nullptr && network != nullptr && !term.relaxed && network->pairs() > 0) found = network;
  }
  return found;
}

template <class Real>
OwnedMatrix BasicModel<Real>::linear_operator(std::span<const double> theta) const {
  OwnedMatrix A{linear_->shape(), std::vector<double>(linear_->coefficient_count())};
  linear_->assemble(theta, A.entries);
  return A;
}

template class NonlinearTerms<double>;
template class NonlinearTerms<float>;
template class BasicModel<double>;
template class BasicModel<float>;

}  // namespace spnode::core
