#pragma once
/// What a model is made of; plain options, filled by the application from the deck.

#include "core/functions/structured_matrix.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace spnode::core {

/// All are 1-Lipschitz, with derivatives that follow from their values.
enum class Activation {
  tanh,
  squareplus,  ///< a smooth rectifier (core/kernels/squareplus.hpp)
  identity
};

/// A_L with all real parts of its spectrum below mu: dense, (G_s + G_u) S + mu I (SPNODE-25, Theorem 1 and
/// eqs. (3)-(5)), or of a structure whose cost is linear in n (core/model/hurwitz.hpp).
struct HurwitzOptions {
  double mu = 0.0;        ///< upper bound of the real parts of the spectrum, 1/time
  double rate_min = 1.0;  ///< smallest decay rate below mu at the start, 1/time
  double rate_max = 1.0;  ///< largest; rates are spread evenly in the logarithm
  double noise = 0.05;    ///< size of the random entries of the factors at the start
  bool trainable = true;
  LinearStructure structure = LinearStructure::dense;
  std::size_t rank = 4;  ///< r of low_rank
};

/// g(u) = sum_r (C_r u) * (D_r u) + b (SPNODE-25, eq. (6)).
struct BilinearOptions {
  std::size_t rank = 4;
  double initial_scale = 0.5;  ///< entries of C and D start as normal / sqrt(n R) times this
};

/// What divides the weights of a Lipschitz-controlled layer (core/model/lipschitz.hpp).
enum class LipschitzDivisor {
  exact,  ///< max(1, sqrt(||W||_1 ||W||_inf)), which has kinks
  smooth  ///< at least as large, without kinks
};

/// Feed-forward network; with lipschitz > 0 the layers are those of SPNODE-25, Definition 1.
struct NetworkOptions {
  std::vector<std::size_t> hidden = {100};  ///< widths of the hidden layers
  Activation activation = Activation::tanh;
  bool last_activation = false;  ///< apply the activation after the last layer too
  bool output_scale =
      false;               ///< learn a factor per output component (changes the Lipschitz bound accordingly)
  double lipschitz = 0.0;  ///< bound on the Lipschitz constant; 0: no bound
  LipschitzDivisor divisor = LipschitzDivisor::exact;  ///< with a bound
  double initial_scale = 1.0;                          ///< weights start as normal / sqrt(fan in) times this
  bool relaxation = false;  ///< contributes -A_L h(u) instead of h(u): du/dt = A_L (u - h(u))
};

enum class NonlinearKind { bilinear, lipschitz, network };

struct AutoencoderOptions {
  bool enabled = false;
  bool pod = true;                       ///< add a linear map that starts as the POD of the training states
  bool pod_trainable = false;            ///< train the linear map as well
  std::vector<std::size_t> hidden = {};  ///< hidden layers of encoder and decoder; empty: linear map alone
  Activation activation = Activation::tanh;
  double initial_scale = 1.0;  ///< as in NetworkOptions; the last layer starts at a tenth with a POD
  bool frozen = false;         ///< keep the networks at their (pretrained) values
};

enum class ScalingKind { none, global, component, manual };

struct ScalingOptions {
  ScalingKind kind = ScalingKind::component;
  std::vector<double> shift;  ///< manual: subtracted from each component, or one value for all
  std::vector<double> scale;  ///< manual: each component is divided by it
};

/// Where A_L and the bilinear form, or a network in its place, start.
enum class Initialisation {
  random,             ///< from the seed, with the wanted decay rates
  dmd,                ///< A_L from the linear map of one interval that fits the latent data best
  operator_inference  ///< both from the latent data and their time derivatives by least squares
};

/// The arithmetic of tiles: states, products, adjoints.
///
/// Parameters, matrix functions, realised coefficients and all sums over lanes' losses, tiles and ranks are
/// double in either case; gradients of mixed agree with those of float64 to some 1e-6.
enum class Precision {
  float64,
  mixed  ///< float
};

struct ModelOptions {
  std::size_t latent_dimension = 0;  ///< 0: the dimension of the state
  HurwitzOptions linear;
  std::vector<NonlinearKind> nonlinear = {
      NonlinearKind::bilinear};  ///< terms that are summed; empty: linear model
  BilinearOptions bilinear;
  NetworkOptions lipschitz;  ///< used by NonlinearKind::lipschitz
  NetworkOptions network;    ///< used by NonlinearKind::network
  AutoencoderOptions autoencoder;
  ScalingOptions scaling;
  Initialisation initialisation = Initialisation::random;
  std::size_t inference_order = 10;  ///< operator_inference: order of the differences, an even number
  Precision precision = Precision::float64;
};

/// work.operator()<Real>() with the scalar of tiles.
template <class Work>
decltype(auto) with_tile_scalar(Precision precision, Work&& work) {
  return precision == Precision::mixed ? work.template operator()<float>()
                                       : work.template operator()<double>();
}

}  // namespace spnode::core
