#pragma once
/// The terms of the loss and their weights.

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

enum class ComponentWeights {
  none,     ///< every (scaled) component alike
  variance  ///< divided by the component's variance over the training states
};

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

struct LossOptions {
  TimeWeights time_weights = TimeWeights::uniform;
  ComponentWeights component_weights = ComponentWeights::none;
  LossWeights weights;               ///< a term without weight is not computed
  std::vector<std::string> monitor;  ///< names of terms that validation computes even without weight
};

}  // namespace spnode::core
