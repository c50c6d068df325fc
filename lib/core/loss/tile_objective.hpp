#pragma once
/// The contract between the numerics of a tile (core) and training.

#include "core/components/parameters.hpp"
#include "core/loss/options.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace spnode::core {

class WindowData;

/// The loss, and its terms before their weights in the order of loss_terms().
struct LossTerms {
  double total = 0.0;
  std::array<double, most_loss_terms> values = all(std::numeric_limits<double>::quiet_NaN());
  ///< NaN: not computed

  static constexpr std::array<double, most_loss_terms> all(double value) {
    std::array<double, most_loss_terms> values{};
    values.fill(value);
    return values;
  }

  /// Where a sum starts.
  static LossTerms zero() { return {0.0, all(0.0)}; }
  LossTerms& operator+=(const LossTerms& other) {
    total += other.total;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
    return *this;
  }
  LossTerms operator/(double divisor) const {
    LossTerms result{total / divisor, values};
    for (double& value : result.values) value /= divisor;
    return result;
  }
};

/// A loss that is a sum over windows of trajectories, and its exact gradient.
///
/// Between two calls of set_parameters, a tile's contribution depends only on its windows: the same bits on
/// whichever rank it is computed. Contributions of tiles are added by the caller (exactly, see
/// parallel/exact_sum.hpp) and turned into the gradient once. Nothing here communicates.
class TileObjective {
 public:
  virtual ~TileObjective() = default;

  /// The flat parameter vector theta.
  virtual const ParameterLayout& parameters() const = 0;

  /// Takes theta (size parameters().size()) and computes all that is shared by the tiles.
  /// Raises NumericalError where that is not finite.
  virtual void set_parameters(std::span<const double> theta) = 0;

  /// Length of contribution(): the gradient with respect to the shared coefficients, then the loss terms.
  virtual std::size_t contribution_size() const = 0;

  /// Loss and gradient contribution of one tile over the first `rollout_length` intervals of its windows (0:
  /// all). `windows` are global window numbers that `data` holds; `out` (contribution_size()) is overwritten
  /// and may be non-finite where the rollout diverged.
  virtual void contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                            std::size_t rollout_length, std::span<double> out) = 0;
  void contribution(const WindowData& data, std::span<const std::uint64_t> windows, std::span<double> out) {
    contribution(data, windows, 0, out);
  }

  /// Number of entries of value_contribution().
  virtual std::size_t value_size() const = 0;

  /// The loss terms of one tile only; `out` (value_size()) is overwritten.
  virtual void value_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                  std::span<double> out) = 0;

  /// From the sum of the contributions of `windows` windows in all: the mean loss, and in `theta_bar`
  /// (size parameters().size(), overwritten) its gradient with respect to theta. Frozen blocks get zero.
  virtual LossTerms gradient(std::span<const double> summed, std::size_t windows,
                             std::span<double> theta_bar) = 0;

  /// The mean loss from the sum of value contributions of `windows` windows in all.
  virtual LossTerms value(std::span<const double> summed, std::size_t windows) const = 0;

  /// Takes directions of theta, rows of (count, parameters().size()), and computes their tangents of all that
  /// the tiles share, at the theta of the last set_parameters. Entries of frozen blocks count as zero.
  ///
  /// With H the Gauss-Newton matrix of the mean loss (its second derivative with residuals that are linear in
  /// theta; symmetric, positive semidefinite) tiles then contribute to H v of one direction v, or to
  /// <v_i, H v_j> of all.
  virtual void set_directions(std::span<const double> directions) = 0;

  /// One tile's contribution to H v; `out` (product_size()) is overwritten. After one direction.
  virtual std::size_t product_size() const = 0;
  virtual void product_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                    std::span<double> out) = 0;

  /// H v (parameters().size()), overwritten, from the sum of contributions of `windows` windows in all.
  virtual void product(std::span<const double> summed, std::size_t windows, std::span<double> Hv) = 0;

  /// One tile's contribution to the matrix <v_i, H v_j>; `out` (gram_size()) is overwritten with the entries
  /// i <= j, row by row.
  virtual std::size_t gram_size() const = 0;
  virtual void gram_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                 std::span<double> out) = 0;

  /// The matrix (count, count), overwritten, from the sum of contributions of `windows` windows in all.
  virtual void gram(std::span<const double> summed, std::size_t windows, std::span<double> matrix) const = 0;
};

}  // namespace spnode::core
