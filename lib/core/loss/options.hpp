#pragma once
/// The terms of the loss and their weights.

#include "core/support/option.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spnode::core {

/// Quadrature over the times of a window; the weights sum to one.
enum class TimeWeights {
  uniform,     ///< every time alike
  trapezoid,   ///< the time integral of SPNODE-25, eq. (20)
  logarithmic  ///< the trapezoidal rule in log t, for times spread over decades
};

constexpr auto words_of(TimeWeights) {
  return std::to_array<Word<TimeWeights>>({{"uniform", TimeWeights::uniform},
                                           {"trapezoid", TimeWeights::trapezoid},
                                           {"logarithmic", TimeWeights::logarithmic}});
}

enum class ComponentWeights {
  none,     ///< every (scaled) component alike
  variance  ///< divided by the component's variance over the training states
};

constexpr auto words_of(ComponentWeights) {
  return std::to_array<Word<ComponentWeights>>(
      {{"none", ComponentWeights::none}, {"variance", ComponentWeights::variance}});
}

/// Where the term `derivative` takes du/dt of the data from.
enum class DerivativeSource {
  differences,  ///< of neighbouring states
  given         ///< Trajectories::derivative
};

constexpr auto words_of(DerivativeSource) {
  return std::to_array<Word<DerivativeSource>>(
      {{"differences", DerivativeSource::differences}, {"given", DerivativeSource::given}});
}

/// Of the differences along a trajectory x_0, x_1, x_2 that the term second_difference compares with.
enum class SecondDifferenceForm {
  centred,  ///< f(x_2) - f(x_0) with 2 (x_2 - 2 x_1 + x_0) / h: of second order
  forward   ///< f(x_1) - f(x_0) with (x_2 - 2 x_1 + x_0) / h, as printed in JACREG: of first order
};

constexpr auto words_of(SecondDifferenceForm) {
  return std::to_array<Word<SecondDifferenceForm>>(
      {{"centred", SecondDifferenceForm::centred}, {"forward", SecondDifferenceForm::forward}});
}

/// What the deck says of a term: the key of its weight, and its meaning.
struct LossTermWord {
  std::string_view name, meaning;
  bool of_any_data;  ///< DataLossOptions has a weight of it
};

/// Of loss_terms() (core/loss/loss_terms.hpp), in its order.
std::vector<LossTermWord> loss_term_words();

/// Room for terms: what holds a number for each of them allocates nothing.
inline constexpr std::size_t most_loss_terms = 16;

/// A weight for each term, in the order of loss_terms() (core/loss/loss_terms.hpp).
class LossWeights {
 public:
  /// The defaults of the table.
  LossWeights();

  /// The terms that are named; the others have no weight. Raises UsageError for a name that the table has
  /// not.
  LossWeights(std::initializer_list<std::pair<std::string_view, double>> named);

  const double& operator[](std::size_t term) const { return values_[term]; }
  double& operator[](std::size_t term) { return values_[term]; }

  /// Raises UsageError as the constructor does.
  double& at(std::string_view name);
  double at(std::string_view name) const { return LossWeights(*this).at(name); }

 private:
  std::array<double, most_loss_terms> values_{};
};

/// The terms that further data of a fast-slow system have in the loss, beside those of the training data.
struct DataLossOptions {
  LossWeights weights = LossWeights({});

  static void describe(auto& visit) {
    const std::vector<LossTermWord> terms = loss_term_words();
    for (std::size_t i = 0; i < terms.size(); ++i)
      if (terms[i].of_any_data)
        visit.option(terms[i].name, [i](auto& options) -> auto& { return options.weights[i]; },
                     {.meaning = terms[i].meaning, .limits = at_least(0)});
  }

  bool any() const;  ///< whether a term has weight
};

struct LossOptions {
  TimeWeights time_weights = TimeWeights::uniform;
  ComponentWeights component_weights = ComponentWeights::none;
  LossWeights weights;               ///< a term without weight is not computed
  std::vector<std::string> monitor;  ///< names of terms that validation computes even without weight
  DerivativeSource derivatives = DerivativeSource::differences;
  std::size_t derivative_order = 4;
  SecondDifferenceForm second_difference_form = SecondDifferenceForm::centred;
  double slow_power = 2.0;
  DataLossOptions slow_data = {}, manifold_data = {};

  static void describe(auto& visit) {
    using Self = LossOptions;
    visit.option("time_weights", &Self::time_weights,
                 {.meaning = "quadrature weights over the times of a window"});
    visit.option("component_weights", &Self::component_weights,
                 {.meaning = "variance: divide by the variance of each component over the training states"});
    const std::vector<LossTermWord> terms = loss_term_words();
    for (std::size_t i = 0; i < terms.size(); ++i)
      visit.option(terms[i].name, [i](auto& options) -> auto& { return options.weights[i]; },
                   {.meaning = terms[i].meaning, .limits = at_least(0)});
    visit.option("monitor", &Self::monitor,
                 {.meaning = "terms that validation computes even if their weight is 0"});
    visit.option("derivatives", &Self::derivatives,
                 {.meaning = "derivative: du/dt of the data from differences of their states in time, or "
                             "given: from /derivatives of the data files"});
    visit.option("derivative_order", &Self::derivative_order,
                 {.meaning = "derivative: order of the differences, even; lower where a window has not "
                             "enough times",
                  .limits = between(2, 100)});
    visit.option("second_difference_form", &Self::second_difference_form,
                 {.meaning = "term second_difference: centred differences of order 2, or forward ones of "
                             "order 1"});
    visit.option("slow_power", &Self::slow_power,
                 {.meaning = "p of the term slow: 2 makes its residuals those of g, 1 is that of FSNN",
                  .limits = between(0, 4)});
    visit.section(
        "slow_data", &Self::slow_data,
        "Terms of the data near the slow manifold of a fast-slow model, added to those of the "
        "training data. Their rollouts stay on the slow manifold: y = 0, the slow variables alone.");
    visit.section("manifold_data", &Self::manifold_data,
                  "Terms of the states on the slow manifold of a fast-slow model, added to those of the "
                  "training data.");
  }

  /// The loss of other data, with the same options but these terms.
  LossOptions of(const DataLossOptions& data) const;

  /// Raises OptionError.
  void validate() const;
};

}  // namespace spnode::core
