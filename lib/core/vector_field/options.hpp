#pragma once
/// What a model is made of; plain options, filled by the application from the deck.

#include "core/components/options.hpp"
#include "core/linear/options.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace spnode::core {

enum class NonlinearKind { bilinear, lipschitz, network };

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
/// Parameters, matrix functions, assembled coefficients and all sums over lanes' losses, tiles and ranks are
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
