#pragma once
/// The loss of a batch and its gradient from the tiles of all ranks.

#include "core/data/windows.hpp"
#include "core/loss/tile_objective.hpp"
#include "parallel/communicator.hpp"
#include "parallel/exact_sum.hpp"
#include "training/sampler.hpp"
#include "training/window_pieces.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <vector>

namespace spnode::training {

/// What a rank may ask all ranks for, as bits: agreed along with every evaluation.
using Requests = unsigned;
inline constexpr Requests request_stop = 1;
inline constexpr Requests request_checkpoint = 2;

/// What an evaluation came to; the same bits on all ranks.
struct Evaluation {
  bool finite = false;         ///< loss and gradient are finite; otherwise they are unspecified
  core::LossTerms loss;        ///< mean over the windows
  double gradient_norm = 0.0;  ///< Euclidean; 0 for a value alone
  Requests requests = 0;       ///< what any rank asked for
};

/// Evaluates a TileObjective over windows dealt to ranks by a Sampler.
///
/// Every rank holds the whole theta, computes the contributions of its own work shares (the tiles of a share
/// added in order) and gets the exact sum of all shares, from which it computes the same gradient. The result
/// does not depend on the number of ranks.
///
/// Two allreduces of the sum and one of an integer that is hidden behind the work. Failures cost nothing
/// until they happen: the rank that failed puts NaN into the sum, and the ranks that see it agree on the
/// reason. Buffers are allocated at construction; evaluations allocate nothing once every share has been
/// drawn.
class BatchObjective {
 public:
  /// `data` holds the windows sampler.held(comm.rank(), comm.size()). All four must outlive this. Not
  /// collective.
  BatchObjective(const parallel::Communicator& comm, core::TileObjective& objective,
                 const core::WindowData& data, const Sampler& sampler);

  std::size_t parameters() const { return objective_.parameters().size(); }
  const Sampler& sampler() const { return sampler_; }

  /// What this rank asks for with the next evaluations. Not collective.
  void ask(Requests requests) { asked_ = requests; }

  /// Loss and gradient (parameters(), overwritten) of a batch, or of all windows. Collective. A
  /// NumericalError on any rank is a non-finite evaluation on all; anything else that an objective raises on
  /// any rank is raised on all, here or in the next evaluation.
  Evaluation gradient(std::optional<BatchNumber> batch, std::span<const double> theta,
                      std::span<double> gradient);

  /// The loss over all windows. Collective; raises as gradient() does.
  Evaluation value(std::span<const double> theta);

  /// H v over all windows at theta, H the Gauss-Newton matrix (TileObjective::set_directions); whether it is
  /// finite. v, Hv: (parameters()), Hv overwritten. Collective; raises as gradient() does.
  bool product(std::span<const double> theta, std::span<const double> v, std::span<double> Hv);

  /// The matrix <v_i, H v_j> over all windows at theta; whether it is finite. directions: rows of (count,
  /// parameters()); matrix: (count, count), overwritten. Collective; raises as gradient() does. Holds
  /// count (count + 1) / 2 numbers for each of this rank's shares from the first call on.
  bool gram(std::span<const double> theta, std::span<const double> directions, std::span<double> matrix);

  /// Raises Error (internal) on all ranks where they hold different bits of theta, and what is left of
  /// failures of single ranks. Collective; a few bytes.
  void check_replicas(std::span<const double> theta);

 private:
  enum class Quantity { gradient, value, product, gram };
  struct Sum {
    Quantity quantity;
    std::optional<BatchNumber> batch;
    std::span<const double> directions = {};  ///< of a product or gram
  };

  Evaluation evaluate(const Sum& sum, std::span<const double> theta, std::span<double> gradient);
  bool curvature(const Sum& sum, std::span<const double> theta, std::span<double> out);
  std::size_t width(const Sum& sum) const;
  void reserve(std::size_t width);
  parallel::ExactSum& exact_sum(Quantity quantity);
  void contribute(const Sum& sum, std::span<const std::uint64_t> tile, std::span<double> out);
  bool compute_rows(const Sum& sum, std::span<const double> theta, std::size_t width);
  void compute_share(const Sum& sum, std::size_t share, std::span<double> row);
  bool add(const Sum& sum, bool computed);
  void finish(const Sum& sum, std::span<double> gradient, Evaluation& result);

  parallel::Communicator comm_;
  core::TileObjective& objective_;
  const core::WindowData& data_;
  const Sampler& sampler_;
  parallel::Range shares_;  ///< of this rank
  WindowPieces pieces_;     ///< of streamed data

  std::vector<double> rows_;            ///< (max(1, own shares), contribution_size())
  std::vector<double> tile_row_;        ///< (contribution_size())
  std::vector<double> summed_;          ///< (contribution_size())
  std::vector<std::uint64_t> windows_;  ///< of the share that is being computed
  parallel::ExactSum gradient_sum_, value_sum_;
  std::optional<parallel::ExactSum> curvature_sum_;  ///< of the last product or gram
  Requests asked_ = 0;
  std::exception_ptr failure_;  ///< of this rank, not yet known to the others
};

}  // namespace spnode::training
