#pragma once

#include "core/components/autoencoder.hpp"
#include "core/components/component.hpp"
#include "core/components/coupling_flow.hpp"
#include "core/components/field_library.hpp"
#include "core/components/invariants.hpp"
#include "core/components/library.hpp"
#include "core/components/lifting.hpp"
#include "core/components/network.hpp"
#include "core/components/positive_map.hpp"
#include "core/components/quadratic_operators.hpp"
#include "core/components/scaling.hpp"
#include "core/components/symmetries.hpp"
#include "core/linear/hurwitz.hpp"
#include "core/linear/linear_part.hpp"
#include "core/vector_field/nonlinear_terms.hpp"
#include "core/vector_field/options.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spnode::core {

/// Where the autoencoder's linear maps start: at the POD of the scaled training states or at Fourier modes.
struct PodStart {
  std::vector<double> modes;  ///< (latent dimension, state dimension), orthonormal rows
  double latent_scale = 1.0;  ///< u = modes z / latent_scale: of a POD the largest singular deviation
  std::size_t rank = 0;       ///< of the states, to rounding: modes beyond it are noise
};

/// A neural ODE du/dt = A_L u + g(u; q) - A_L r(u; q) (SPNODE-25, eq. (2), with arguments q) with its
/// optional autoencoder or coupling flow and the scaling of its data.
///
/// Parameters and assembled coefficients are double; `Real` is the scalar of the tiles that its maps work on.
/// Knows its parameters and components; how time advances is the integrators' matter
/// (core/integrators/rollout.hpp joins them).
template <class Real>
class BasicModel {
 public:
  /// Raises UsageError where the options do not fit the state dimension.
  BasicModel(const ModelOptions& options, std::size_t state_dimension);

  /// The same model for tiles of another scalar: theta means the same to both.
  template <class Other>
  static BasicModel like(const BasicModel<Other>& other) {
    BasicModel model(other.options(), other.state_dimension());
    model.scaling = other.scaling;
    model.argument_scaling = other.argument_scaling;
    return model;
  }

  const ModelOptions& options() const { return options_; }
  std::size_t state_dimension() const { return m_; }
  std::size_t latent_dimension() const { return n_; }
  std::size_t argument_count() const { return options_.arguments.size(); }  ///< m, rows of q
  const ParameterLayout& layout() const { return layout_; }

  /// Null where the options name none.
  const Invariants* invariants() const { return invariants_.get(); }
  /// Those of the state in the units of the data and of the latent state; null where the options name none.
  const Symmetries* symmetries() const { return symmetries_.get(); }
  const HurwitzOperator& linear() const { return *linear_; }
  const NonlinearTerms<Real>& nonlinear() const { return nonlinear_; }
  bool has_autoencoder() const { return encoder_ != nullptr; }
  const LinearPlusNetwork<Real>& encoder() const { return *encoder_; }  ///< only with an autoencoder
  const LinearPlusNetwork<Real>& decoder() const { return *decoder_; }  ///< only with an autoencoder
  /// The coupling flow between scaled and latent states; null where there is none.
  const CouplingFlow<Real>* coupling_flow() const { return flow_.get(); }
  /// Bounds of the flow's distortion where all scaled components are in [-3, 3] and all parameters in the
  /// range of the training data; none without a flow.
  std::optional<typename CouplingFlow<Real>::Distortion> distortion(std::span<const double> theta) const;
  /// Whether the latent state is the scaled state.
  bool has_identity_coordinates() const {
    return !has_autoencoder() && flow_ == nullptr && positive_ == nullptr && !lifting_;
  }
  /// The coordinates of positive components; null where there are none.
  const PositiveCoordinates* positive() const { return positive_.get(); }
  /// The products that are components of the latent state; none without lifting.
  const std::optional<Lifting>& lifting() const { return lifting_; }

  /// What the right-hand side consists of.
  SplitShape split_shape() const {
    return {n_,
            nonlinear_.has_plain(),
            nonlinear_.has_relaxed(),
            linear_->shape().structure != LinearStructure::none,
            linear_->shape().structure == LinearStructure::state_dependent,
            !options_.arguments.constant()};
  }

  Scaling scaling;           ///< of the state; identity until set
  Scaling argument_scaling;  ///< of the arguments q, in the order of ArgumentOptions; identity until set

  /// Initial parameters (layout().size()) from the seed alone; `pod` is needed where the autoencoder has one.
  /// A library takes the scalings as they are, but those of states that are mapped: it sees latent ones.
  std::vector<double> initialise(std::uint64_t seed, const PodStart* pod) const;

  /// Parameters of the model whose right-hand side is `factor` > 0 times that of this one with theta, with
  /// bounds and rates in its options that are `factor` times as large (time_unit.hpp).
  std::vector<double> scaled_rates(double factor, std::vector<double> theta) const;

  /// Puts A and, where there is a bilinear form, Q and b, or the constant of a linear model into theta; other
  /// terms stay as they are.
  /// Eigenvalues of A must be to the left of mu. Gives the relative part of Q that the rank cannot hold.
  double set_operators(const QuadraticOperators& operators, std::span<double> theta) const;

  /// The network that is to hold the quadratic part of operators: without a bilinear form the first that can
  /// (Network::pairs), not in relaxation form. Null where there is none.
  const Network<Real>* quadratic_network() const;

  /// The library of functions among the nonlinear terms, of fields that at a point; null where there is none.
  const Library<Real>* library() const;
  /// The library that is the same at all points of a grid; null where there is none.
  const FieldLibrary<Real>* field_library() const;

  /// The terms of the slow manifold, y = 0 in u = [x; y]: those of the slow variables alone, with the
  /// coefficients of all terms. Raises UsageError where the model is not fast-slow.
  NonlinearTerms<Real> slow_terms() const;

  /// The learned A_L for theta, in its structure.
  OwnedMatrix linear_operator(std::span<const double> theta) const;

 private:
  ModelOptions options_;
  std::size_t m_, n_;
  // The rows of Q from the scaling and the linear map of the decoder in theta.
  void set_invariants(std::span<double> theta) const;

  ParameterLayout layout_;
  std::shared_ptr<const Invariants> invariants_;
  std::shared_ptr<const Symmetries> symmetries_;
  std::unique_ptr<HurwitzOperator> linear_;
  std::unique_ptr<CouplingFlow<Real>> flow_;
  std::unique_ptr<PositiveCoordinates> positive_;
  std::optional<Lifting> lifting_;
  NonlinearTerms<Real> nonlinear_;
  std::unique_ptr<LinearPlusNetwork<Real>> encoder_, decoder_;
};

/// The model as everything but tiles sees it.
using Model = BasicModel<double>;

}  // namespace spnode::core
