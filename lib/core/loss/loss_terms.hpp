#pragma once
/// The table of the loss' terms.

#include "core/components/options.hpp"
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

/// What a term demands of the map from the state to the latent space.
enum class CoordinateDemand {
  none,
  fixed,        ///< it does not train
  fixed_linear  ///< there is none, or it is linear and does not train
};

/// A kind of term: what is known of it before there is a model. Either both of the first two factories are
/// given, or the third.
struct LossTermKind {
  std::string_view name;     ///< key of its weight, column of the history
  std::string_view meaning;  ///< of its weight, one line
  double default_weight = 0.0;
  bool needs_autoencoder = false;  ///< always zero without one
  bool needs_tangents = false;     ///< of the data: Trajectories::tangents > 0
  bool needs_fast_slow = false;    ///< a fast-slow model
  bool of_any_data = false;        ///< can be taken of further data sets: DataLossOptions
  CoordinateDemand coordinates = CoordinateDemand::none;
  std::size_t least_intervals = 1;  ///< of a window

  std::unique_ptr<LossTerm<double>> (*make_double)(double weight, const LossOptions&) = nullptr;
  std::unique_ptr<LossTerm<float>> (*make_float)(double weight, const LossOptions&) = nullptr;
  std::unique_ptr<ParameterPenalty> (*make_penalty)(double weight) = nullptr;

  bool is_penalty() const { return make_penalty != nullptr; }

  template <class Real>
  std::unique_ptr<LossTerm<Real>> make(double weight, const LossOptions& options) const {
    if constexpr (std::is_same_v<Real, double>)
      return make_double(weight, options);
    else
      return make_float(weight, options);
  }
};

/// Term(weight, options) where a term has options besides its weight, else Term(weight).
template <class Term, class Base>
std::unique_ptr<Base> make_term_of(double weight, const LossOptions& options) {
  if constexpr (std::is_constructible_v<Term, double, const LossOptions&>)
    return std::make_unique<Term>(weight, options);
  else
    return std::make_unique<Term>(weight);
}

/// The kind of the class template Term<Real>.
template <template <class> class Term>
LossTermKind residual_kind(std::string_view name, std::string_view meaning) {
  LossTermKind kind{name, meaning};
  kind.make_double = make_term_of<Term<double>, LossTerm<double>>;
  kind.make_float = make_term_of<Term<float>, LossTerm<float>>;
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

/// Whether a term that is computed takes given derivatives of the data.
bool needs_derivatives(const LossOptions& options);

/// Whether a term that is computed needs tangents of the data.
bool needs_tangents(const LossOptions& options);

/// What hinders a term beside the coordinates of such a model, for a sentence that begins with its name;
/// empty: nothing.
std::string refusal(const LossTermKind& kind, const ModelOptions& model);

/// Raises OptionError where the windows of the data have fewer intervals than a trained term needs.
void require_intervals(const LossOptions& options, std::size_t intervals);

}  // namespace spnode::core
