#pragma once
/// The loss of a model on windows of data, and its exact gradient, tile by tile.

#include "core/data/windows.hpp"
#include "core/integrators/adaptive_steps.hpp"
#include "core/integrators/continuous_adjoint.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/integrators/rollout.hpp"
#include "core/integrators/window_steps.hpp"
#include "core/loss/loss_terms.hpp"
#include "core/loss/options.hpp"
#include "core/loss/tile_objective.hpp"
#include "core/vector_field/coordinates.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace spnode::core {

struct ObjectiveOptions {
  IntegratorOptions integrator;
  LossOptions loss;
  std::vector<double> component_weights;  ///< (state dimension); empty: all one
  StepScope steps = StepScope::table;     ///< see choose_scope
  std::size_t tangents = 0;               ///< Trajectories::tangents of the data that it trains on
  /// slow: rollouts begin on the slow manifold, onto which the first states are projected, and stay there.
  DynamicsMode mode = DynamicsMode::full;
};

/// Mean over windows of mean squares of residuals R over the times t and components i of a window,
///   sum_t omega_t (1/m) sum_i v_i R_i(t)^2    in the scaled state, or
///   sum_t omega_t (1/n) sum_i R_i(t)^2        in latent space,
/// one for each term of loss_terms(), times its weight in LossOptions, plus the penalties on theta
/// (SPNODE-25, eq. (20), with normalised weights omega). The gradient is the discrete adjoint of the computed
/// rollout, unless IntegratorOptions::adjoint asks for the continuous one, which has no Gauss-Newton
/// products. With IntegratorOptions::tolerance the steps of each window follow its errors at theta, and the
/// gradient is that of these steps; a window that no step suits has a loss that is not finite.
///
/// Terms of weight zero are not computed, but for those that LossOptions::monitor names: these are part of
/// values, not of gradients. The rollout and the encoded data are computed where a term needs them.
/// For StepScope::tile functions of A are formed for the step lengths of a tile alone, and its adjoint is
/// pulled back to A before tiles add up: contributions are as long as A, however many step lengths there are.
///
/// Tiles are computed in Real; the sums of their losses, and all that is done once for all tiles, in double.
/// Single-threaded use.
template <class Real>
class Objective final : public TileObjective {
 public:
  /// `method`: how functions of A act, see choose_method; `table`: the step lengths of all data it will see.
  /// Raises OptionError where a term of the loss does not go with the model's coordinates; UsageError where
  /// rollouts on the slow manifold are to have the continuous adjoint.
  Objective(const Model& model, ObjectiveOptions options, StepTable table, MatrixFunctionMethod method);

  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  const ParameterLayout& parameters() const override { return model_.layout(); }
  void set_parameters(std::span<const double> theta) override;
  std::size_t contribution_size() const override { return shared_size() + terms_.size(); }
  using TileObjective::contribution;
  void contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                    std::size_t rollout_length, std::span<double> out) override;
  std::size_t value_size() const override { return terms_.size(); }
  void value_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                          std::span<double> out) override;
  LossTerms gradient(std::span<const double> summed, std::size_t windows,
                     std::span<double> theta_bar) override;
  LossTerms value(std::span<const double> summed, std::size_t windows) const override;

  // Tangents and Gauss-Newton products: objective_tangent.cpp.
  void set_directions(std::span<const double> directions) override;
  std::size_t product_size() const override { return shared_size(); }
  void product_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                            std::span<double> out) override;
  void product(std::span<const double> summed, std::size_t windows, std::span<double> Hv) override;
  std::size_t gram_size() const override { return dots_.extent(0) * (dots_.extent(0) + 1) / 2; }
  void gram_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                         std::span<double> out) override;
  void gram(std::span<const double> summed, std::size_t windows, std::span<double> matrix) const override;

  /// Windows of so many intervals that contribution() computes at a time: as many as leave the tape of their
  /// rollout in second-level cache.
  std::size_t windows_in_cache(std::size_t intervals) const;

  /// Bytes of the tape of a rollout of so many windows over so many intervals, most of what a tile takes. A
  /// double: more than there is memory is told, too.
  double tape_bytes(std::size_t windows, std::size_t intervals) const;

  /// Bytes of the residuals of a tile of so many windows: gram_contribution() holds them for each direction.
  double residual_bytes(std::size_t windows, std::size_t intervals) const;

  /// Temporary memory of tiles held now; constant once the largest tile has been seen.
  std::size_t scratch_bytes() const { return scratch_.bytes(); }

 private:
  // The windows that are computed together; their states are read when they are needed.
  struct Tile {
    std::size_t lanes, times;                 // padded lanes
    ConstVectorView<Real> weights;            // (times lanes), time by time; zero in the lanes that pad
    ConstMatrixView<Real> parameters;         // (coordinates_.parameter_count(), times lanes), scaled
    ConstVectorView<Real> slow_weights = {};  // as weights, where a term needs them
    // Of the times [first, first + count): the data without their encoding, to be filled in.
    LossSample<Real> sample(std::size_t first, std::size_t count, ConstMatrixView<Real> z) const;
    ConstMatrixView<Real> parameters_at(std::size_t first, std::size_t count) const {
      return lanes_of(parameters, first * lanes, count * lanes);
    }
  };
  using HostMatrix = Kokkos::View<Real**, Kokkos::LayoutRight, Kokkos::HostSpace>;
  ConstVectorView<Real> slow_weights(const WindowData& data, const Tile& tile);
  void project(const MatrixView<Real>& first) const;
  Tile load(const WindowData& data, std::span<const std::uint64_t> windows, std::size_t rollout_length = 0);
  void assign_arguments(const WindowData& data, std::size_t intervals, std::size_t lanes);
  ConstMatrixView<Real> coordinate_parameters(const WindowData& data, std::size_t times, std::size_t lanes);
  MatrixView<Real> states(const Tile& tile, std::size_t first, std::size_t count);
  MatrixView<Real> derivatives(const Tile& tile);
  template <class Values>
  MatrixView<Real> scaled(const Tile& tile, std::size_t first, std::size_t count,
                          const std::vector<double>& shift, Values values);
  template <class Values>
  void gather(const Tile& tile, std::size_t first, std::size_t count, const std::vector<double>& shift,
              Values values, const HostMatrix& to) const;
  struct Encoded {
    Point<Real> z;  // what was encoded, with the parameters
    MatrixView<Real> u, tape;
  };
  Encoded encode(const Point<Real>& z);
  void roll(Rollout<Real>& rollout, const Tile& tile, MatrixView<Real> states,
            typename Rollout<Real>::Record record);
  void choose_steps(const Tile& tile, ConstMatrixView<Real> u);
  void encode_vjp(const Encoded& encoded, ConstMatrixView<Real> u_bar);
  // A term and its place in loss_terms().
  template <class Term>
  struct Listed {
    std::size_t place;
    std::unique_ptr<Term> term;
    bool is_trained() const { return term->weight() != 0.0; }
  };
  enum class Wanted { values, gradient };
  LossNeeds needs(Wanted wanted) const;
  void require_derivatives(const WindowData& data) const;
  LossTools<Real> tools();
  void add_tile(const WindowData& data, std::span<const std::uint64_t> windows, std::size_t rollout_length,
                Wanted wanted, std::span<double> sums);
  void add_field_losses(const Tile& tile, Wanted wanted, std::span<double> sums);
  void set_field_sample(const Tile& tile, LossSample<Real>& sample);
  void set_tangents(const Tile& tile, LossSample<Real>& sample);
  void add_later_losses(const Tile& tile, ConstMatrixView<Real> rolled, MatrixView<Real> rolled_bar,
                        Wanted wanted, std::span<double> sums);
  enum class Of { field, others };
  void add_losses(Of of, const LossSample<Real>& sample, const LossBars<Real>* bars, std::span<double> sums);
  VectorView<Real> dynamics_bar() const {
    return VectorView<Real>(bar_.data(), dynamics_.coefficient_count());
  }
  LossTerms weighted(std::span<const double> sums, std::size_t windows, Wanted wanted) const;
  void add_penalties(Wanted wanted, std::span<double> theta_bar, LossTerms& result) const;
  // Of the adjoint of the coefficients: as the current tile sees them, and as tiles add up.
  std::size_t field_size() const { return field_ ? field_->coefficient_count() : 0; }
  std::size_t bar_size() const {
    return dynamics_.coefficient_count() + coordinates_.coefficient_count() + field_size();
  }
  std::size_t shared_size() const {
    return dynamics_.shared_count() + coordinates_.coefficient_count() + field_size();
  }
  bool holds_tile() const { return dynamics_.scope() == StepScope::tile; }
  void add_shared_bar(std::span<double> sum);
  void spread_directions();
  ConstVectorView<Real> dot(std::size_t direction) const {
    return ConstVectorView<Real>(dots_.data() + direction * dots_.extent(1), bar_size());
  }
  VectorView<Real> coordinates_bar() const {
    return VectorView<Real>(bar_.data() + dynamics_.coefficient_count(), coordinates_.coefficient_count());
  }
  VectorView<Real> field_bar() const {
    return VectorView<Real>(bar_.data() + bar_size() - field_size(), field_size());
  }
  void pull_back(std::span<const double> bar, std::size_t windows, std::span<double> theta_bar);
  void clear_frozen(std::span<double> theta_bar) const;
  class Linearisation;  // of a tile's residuals
  std::size_t residual_blocks(const Listed<LossTerm<Real>>& listed) const {
    return loss_terms()[listed.place].needs_tangents ? options_.tangents : 1;
  }
  std::size_t residual_rows(const Listed<LossTerm<Real>>& listed) const {
    const bool of_state = listed.term->space() == LossSpace::state;
    return residual_blocks(listed) * (of_state ? model_.state_dimension() : model_.latent_dimension());
  }
  std::size_t residual_rows() const;  // of all terms with weight, one below the other

  BasicModel<Real> model_;
  ObjectiveOptions options_;
  Dynamics<Real> dynamics_;
  Coordinates<Real> coordinates_;
  ExecSpace space_;
  Scratch<Real> scratch_;
  RolloutSteps<Real> steps_;
  ArgumentReader arguments_, coordinate_arguments_;  // of the model; of its coordinates
  std::optional<VectorField<Real>> field_;           // where a term or the continuous adjoint needs it
  std::optional<ContinuousAdjoint<Real>> continuous_;
  std::optional<AdaptiveSteps<Real>> adaptive_;
  std::vector<std::size_t> step_ends_, diverged_;  // of the tile's adaptive steps; its lanes that none suits
  std::vector<double> step_times_;
  Vector<Real> bar_;          // adjoint of the coefficients: dynamics, coordinates, field; bar_size() or more
  Matrix<Real> dots_, gram_;  // (directions, as bar_): tangents of the coefficients; the tile's gram
  std::vector<double> directions_;                         // (directions, parameters), zero in frozen blocks
  std::vector<double> shared_dots_;                        // (directions, shared_size())
  std::vector<double> bar_host_, shared_bar_, dots_host_;  // staging of a tile's step lengths
  Vector<Real> state_rows_;                                // v_i / m
  Vector<Real> latent_rows_;                               // 1 / n
  Vector<Real> slow_rows_, fast_rows_;                     // of a fast-slow model
  RowSums sums_;
  std::vector<Listed<LossTerm<Real>>> terms_;  // those with weight or monitored, in order
  std::vector<Listed<ParameterPenalty>> penalties_;
  std::vector<double> theta_;
  std::vector<WindowView> views_;          // of the lanes of the tile that is computed
  const Trajectories* held_ = nullptr;     // that they are cut from
  std::vector<double> h_, times_, omega_;  // staging of a tile on the host
  std::vector<double> lane_times_;         // (intervals + 1, lanes)
  std::vector<double> point_, arguments_host_;
  std::vector<std::size_t> trajectories_;  // of the lanes
  HostMatrix states_host_;                 // used where tiles live on a device
  std::vector<double> inverse_scale_;      // of the model's scaling
  std::vector<double> no_shift_;           // zeros: that of a derivative
  std::vector<double> weights_host_;
};

}  // namespace spnode::core
