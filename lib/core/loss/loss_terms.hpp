#pragma once
/// The table of the loss' terms.

#include "core/loss/loss_term.hpp"
#include "core/loss/options.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace spnode::core {

/// A kind of term: what is known of it before there is a model. Either both of the first two factories are
/// given, or the third.
struct LossTermKind {
  std::string_view name;     ///< key of its weight, column of the history
  std::string_view meaning;  ///< of its weight, one line
  double default_weight = 0.0;
  bool needs_autoencoder = false;  ///< always zero without one

  std::unique_ptr<LossTerm<double>> (*make_double)(double weight) = nullptr;
  std::unique_ptr<LossTerm<float>> (*make_float)(double weight) = nullptr;
  std::unique_ptr<ParameterPenalty> (*make_penalty)(double weight) = nullptr;

  bool is_penalty() const { return make_penalty != nullptr; }

  template <class Real>
  std::unique_ptr<LossTerm<Real>> make(double weight) const {
    if constexpr (std::is_same_v<Real, double>)
      return make_double(weight);
    else
      return make_float(weight);
  }
};

/// A kind whose class template Term<Real> is made from the weight alone.
template <template <class> class Term>
LossTermKind residual_kind(std::string_view name, std::string_view meaning) {
  LossTermKind kind{name, meaning};
  kind.make_double = [](double weight) -> std::unique_ptr<LossTerm<double>> {
    return std::make_unique<Term<double>>(weight);
  };
  kind.make_float = [](double weight) -> std::unique_ptr<LossTerm<float>> {
    return std::make_unique<Term<float>>(weight);
  };
  return kind;
}

/// All terms, in the order in which they are computed, added and written.
std::span<const LossTermKind> loss_terms();

/// The place of a name in loss_terms().
std::optional<std::size_t> find_loss_term(std::string_view name);

/// "trajectory, latent, ...".
std::string loss_term_names();

/// Whether training, and whether validation computes a term (its place in loss_terms()).
bool is_trained(const LossOptions& options, std::size_t term);
bool is_validated(const LossOptions& options, std::size_t term);

}  // namespace spnode::core
