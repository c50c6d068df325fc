#pragma once
/// Training in the coordinates of a linear decoder that does not learn: data are projected once, and a step
/// costs what the latent dimension costs, whatever the dimension of the state.

#include "core/vector_field/model.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"
#include "training/start/initial_model.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace spnode::training {

/// A model whose state is a projection of the scaled state z, with the same loss.
///
/// With encoder E, decoder D and the weights W = diag(v) of the components in the loss, let the rows of P be
/// orthonormal and span those of (W^(1/2) D)^T and of E W^(-1/2): n rows, or up to 2 n where weights differ.
/// The projection is
///   y = [P W^(1/2) z; |W^(1/2) z - P^T P W^(1/2) z|]
/// with the encoder [E W^(-1/2) P^T, 0] and the decoder [P W^(1/2) D; 0]. They give the same latent states,
/// and |y - [P W^(1/2) D; 0] u| = |W^(1/2) (z - D u)|: all terms of the loss keep values and derivatives. The
/// last component, squared, is what no latent state can represent.
class LatentProjection {
 public:
  /// Whether encoder and decoder are linear and do not learn, and y is shorter than z.
  static bool suits(const core::ModelOptions& options, std::size_t state_dimension, bool weighted);

  /// theta has the encoder and the decoder; `weights` (m), all positive, or empty: all one. Not collective.
  LatentProjection(const core::Model& model, std::vector<double> theta, std::vector<double> weights);

  /// Bytes of the projection of such a model. Not collective.
  static double bytes(const core::Model& model);

  std::size_t dimension() const { return rows_.size() / m_ + 1; }  ///< components of y

  /// The model with the state y, not scaled.
  std::unique_ptr<core::Model> model() const;

  /// Weights of the components of y in the loss (dimension()): the mean over components stays that over those
  /// of z.
  std::vector<double> weights() const;

  /// Parameters of model() from those of the model, and back.
  std::vector<double> reduce(std::span<const double> theta) const;
  std::vector<double> expand(std::span<const double> reduced) const;
  std::vector<double> reduced_theta() const { return reduce(theta_); }  ///< of the constructor's theta

  /// The data with y as their states, and du/dt and tangents with P W^(1/2) times theirs. Not collective.
  core::WindowData project(const core::WindowData& data) const;

  /// Of the projected data: mean over states of the last component's square, over m. It is in the terms
  /// trajectory and reconstruction of the loss, whatever is learned. Collective.
  double lost(const parallel::Communicator& comm, const DataSet& projected) const;

 private:
  std::vector<double> decoder_column(std::size_t i) const;  // of W^(1/2) D, (m)
  std::vector<double> encoder_row(std::size_t i) const;     // of E W^(-1/2), (m)
  template <class Work>
  void for_each_block(Work&& work) const;
  void multiply_maps();
  std::vector<double> encoder_outside() const;
  std::vector<double> invariants_of_y() const;
  void project_states(const core::WindowData& data, core::Trajectories& to) const;
  std::vector<double> project_vectors(const std::vector<double>& from) const;

  core::ModelOptions options_;  // of model()
  std::size_t m_, n_;
  core::Scaling scaling_, argument_scaling_;
  core::ParameterLayout layout_;
  std::vector<double> theta_;              // of the model, for the blocks that reduce() leaves out
  std::vector<double> root_weights_;       // (m)
  std::vector<double> rows_;               // P, (k, m)
  std::vector<double> encoder_, decoder_;  // of y: (n, k + 1), (k + 1, n)
};

/// A start, whose theta the projection was made of, with model and parameters of the projection. Those of its
/// other starts, of the dynamics alone, are the same. Not collective.
InitialModel projected(const LatentProjection& projection, InitialModel start);

}  // namespace spnode::training
