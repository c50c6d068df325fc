#pragma once

#include "core/components/autoencoder.hpp"
#include "core/components/component.hpp"
#include "core/components/network.hpp"
#include "core/components/quadratic_operators.hpp"
#include "core/linear/hurwitz.hpp"
#include "core/vector_field/options.hpp"

#include <memory>
#include <string>
#include <vector>

namespace spnode::core {

/// z = (x - shift) / scale, entry by entry; part of the model, not trained.
struct Scaling {
  std::vector<double> shift, scale;  ///< (state dimension), scale > 0
};

/// Where the POD of the scaled training states starts the autoencoder's linear maps.
struct PodStart {
  std::vector<double> modes;  ///< (latent dimension, state dimension), orthonormal rows
  double latent_scale = 1.0;  ///< u = modes z / latent_scale: the largest singular deviation
};

/// The nonlinear terms of a model: du/dt = A_L u + g(u) - A_L r(u).
///
/// g sums the plain terms, r those in relaxation form. A rate is the stack [g; r] of those that are present.
template <class Real>
class NonlinearTerms {
 public:
  explicit NonlinearTerms(const ModelOptions& options, std::size_t dimension);

  std::size_t dimension() const { return n_; }
  bool has_plain() const { return has_plain_; }
  bool has_relaxed() const { return has_relaxed_; }
  std::size_t rate_rows() const { return n_ * (std::size_t(has_plain_) + std::size_t(has_relaxed_)); }
  std::size_t tape_rows() const { return tape_rows_; }
  std::size_t coefficient_count() const { return coefficient_count_; }

  /// rate (rate_rows(), lanes) is overwritten with [g(u); r(u)].
  void apply(const ExecSpace& space, ConstVectorView<Real> kappa, ConstMatrixView<Real> u,
             MatrixView<Real> rate, MatrixView<Real> tape, Scratch<Real>& scratch) const;

  /// reverse: x = u, y_bar = adjoint of the rate.
  void apply_vjp(const ExecSpace& space, const typename LaneMap<Real>::Reverse& reverse,
                 Scratch<Real>& scratch) const;

  /// tangent: x = u, y_dot = tangent of the rate, overwritten.
  void apply_jvp(const ExecSpace& space, const typename LaneMap<Real>::Tangent& tangent,
                 Scratch<Real>& scratch) const;

  struct Term {
    std::unique_ptr<LaneMap<Real>> map;
    bool relaxed;
    std::size_t kappa, tape_row;
  };
  const std::vector<Term>& terms() const { return terms_; }
  std::size_t first_row(const Term& term) const { return term.relaxed && has_plain_ ? n_ : 0; }
  void declare(ParameterLayout& layout);

  /// As of Component, over the terms' coefficients one after the other.
  void assemble(std::span<const double> theta, std::span<double> kappa) const;
  void assemble_vjp(std::span<const double> theta, std::span<const double> kappa_bar,
                    std::span<double> theta_bar) const;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> kappa_dot) const;

 private:
  std::size_t n_;
  std::vector<Term> terms_;
  bool has_plain_ = false, has_relaxed_ = false;
  std::size_t tape_rows_ = 0, coefficient_count_ = 0;
};

/// A structure-preserving neural ODE (SPNODE-25, eq. (2)) with its optional autoencoder and the scaling of
/// its data.
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
    return model;
  }

  const ModelOptions& options() const { return options_; }
  std::size_t state_dimension() const { return m_; }
  std::size_t latent_dimension() const { return n_; }
  const ParameterLayout& layout() const { return layout_; }

  const HurwitzOperator& linear() const { return *linear_; }
  const NonlinearTerms<Real>& nonlinear() const { return nonlinear_; }
  bool has_autoencoder() const { return encoder_ != nullptr; }
  const LinearPlusNetwork<Real>& encoder() const { return *encoder_; }  ///< only with an autoencoder
  const LinearPlusNetwork<Real>& decoder() const { return *decoder_; }  ///< only with an autoencoder

  Scaling scaling;  ///< identity until set

  /// Initial parameters (layout().size()) from the seed alone; `pod` is needed where the autoencoder has one.
  std::vector<double> initialise(std::uint64_t seed, const PodStart* pod) const;

  /// Puts A and, where there is a bilinear form, Q and b into theta; other terms stay as they are.
  /// Eigenvalues of A must be to the left of mu. Gives the relative part of Q that the rank cannot hold.
  double set_operators(const QuadraticOperators& operators, std::span<double> theta) const;

  /// The network that is to hold the quadratic part of operators: without a bilinear form the first that can
  /// (Network::pairs), not in relaxation form. Null where there is none.
  const Network<Real>* quadratic_network() const;

  /// The learned A_L for theta, in its structure.
  OwnedMatrix linear_operator(std::span<const double> theta) const;

 private:
  ModelOptions options_;
  std::size_t m_, n_;
  ParameterLayout layout_;
  std::unique_ptr<HurwitzOperator> linear_;
  NonlinearTerms<Real> nonlinear_;
  std::unique_ptr<LinearPlusNetwork<Real>> encoder_, decoder_;
};

/// The model as everything but tiles sees it.
using Model = BasicModel<double>;

}  // namespace spnode::core
