#pragma once
/// What the objective asks of a term of the loss. The terms stand in core/loss/loss_terms.hpp.

#include "core/components/parameters.hpp"
#include "core/loss/square_error.hpp"
#include "core/memory/scratch.hpp"
#include "core/vector_field/coordinates.hpp"
#include "core/vector_field/vector_field.hpp"

#include <cstddef>
#include <span>

namespace spnode::core {

/// Where a residual lives: in the scaled state (m rows) or in latent space (n rows). slow, fast: in latent
/// space, where only the slow or the fast variables of a fast-slow model count.
enum class LossSpace { state, latent, slow, fast };

/// Columns of a tile that the host takes together: what their losses need then stays in cache.
inline constexpr std::size_t columns_at_once = 64;

/// What a term takes of a tile beside its data.
struct LossNeeds {
  bool rollout = false;      ///< LossSample::rolled
  bool encoded = false;      ///< LossSample::u
  bool field = false;        ///< LossTools::field, and LossSample::u of all times of a tile at once
  bool derivatives = false;  ///< LossSample::z_dot, beside the field
  bool epsilon = false;      ///< LossSample::slow_weights
};

/// What all terms of a tile work with. The coefficients' adjoint is added to.
template <class Real>
struct LossTools {
  const ExecSpace& space;
  Scratch<Real>& scratch;
  RowSums& sums;
  const Coordinates<Real>& coordinates;
  VectorView<Real> coordinates_bar;  ///< (coordinates.coefficient_count())
  /// Weights of the rows of a residual: v_i / m; 1 / n; 1 over the number of slow or of fast variables for
  /// these, 0 for the others.
  ConstVectorView<Real> state_rows, latent_rows, slow_rows, fast_rows;

  const VectorField<Real>* field;  ///< null where no term needs it
  VectorView<Real> field_bar;      ///< (field->coefficient_count())

  ConstVectorView<Real> rows(LossSpace where) const {
    switch (where) {
      case LossSpace::state:
        return state_rows;
      case LossSpace::slow:
        return slow_rows;
      case LossSpace::fast:
        return fast_rows;
      case LossSpace::latent:
        break;
    }
    return latent_rows;
  }
};

/// Adjoints of a sample's latent states, shaped as they are; terms add to those that they need.
template <class Real>
struct LossBars {
  MatrixView<Real> u, rolled;
};

/// Their tangents, and those of the coefficients of coordinates and field.
template <class Real>
struct LossDots {
  ConstMatrixView<Real> u, rolled;
  ConstVectorView<Real> coordinates, field;
};

/// Some times of a tile: a column for each time and lane, time by time.
template <class Real>
struct LossSample {
  ConstVectorView<Real> weights;      ///< (columns): of the times; zero in lanes that pad
  ConstMatrixView<Real> z;            ///< (m, columns): the data, scaled
  ConstMatrixView<Real> u = {};       ///< (n, columns): the data encoded, where a term needs that
  ConstMatrixView<Real> rolled = {};  ///< (n, columns): the rollout, where a term needs that
  ConstMatrixView<Real> parameters =
      {};  ///< (tools.coordinates.parameter_count(), columns): of the trajectories, scaled

  /// What to_latent() takes.
  Point<Real> data() const { return {z, parameters}; }

  /// (columns): weights over a power of the trajectories' epsilon, where a term needs that
  ConstVectorView<Real> slow_weights = {};

  // For a term that needs the field:
  ConstMatrixView<Real> q = {};        ///< (arguments, columns): of the model, scaled
  std::size_t lanes = 0;               ///< columns / lanes times
  std::span<const double> times = {};  ///< (times, lanes) row major, unscaled
  ConstMatrixView<Real> u_tape = {};   ///< of to_latent() at z
  ConstMatrixView<Real> z_dot = {};    ///< (m, columns): given dz/dt, where a term needs that

  // For a term that needs tangents of the data: in latent space, a block of rows for each direction.
  std::size_t tangents = 0;
  ConstMatrixView<Real> directions = {}, products = {};  ///< (tangents n, columns)
};

/// A mean square of a residual R, a matrix of a column for each time and lane:
///   sum_il rows(space())(i) weights(sample)(l) R(i, l)^2 .
///
/// R of a term that needs tangents of the data has a block of such rows for each direction; the term is the
/// mean of these squares over the blocks.
///
/// Sums over the columns of samples make the sum over windows; nothing is allocated (tools.scratch lends
/// memory) and nothing communicates.
template <class Real>
class LossTerm {
 public:
  explicit LossTerm(double weight) : weight_(weight) {}
  virtual ~LossTerm() = default;

  double weight() const { return weight_; }
  virtual LossSpace space() const = 0;
  virtual LossNeeds needs() const = 0;
  virtual ConstVectorView<Real> weights(const LossSample<Real>& sample) const { return sample.weights; }

  /// The term over a sample, without its weight, at which it is not linearised any more. With `bars` the
  /// adjoints of weight() times it are added to them and to those of `tools`; null: only the value.
  virtual double add(const LossTools<Real>& tools, const LossSample<Real>& sample,
                     const LossBars<Real>* bars) = 0;

  /// Before tangent() and adjoint(): keeps what these need of the sample, in scratch that the caller's frame
  /// holds.
  virtual void linearise(const LossTools<Real>& tools, const LossSample<Real>& sample) = 0;

  /// R_dot (rows of space(), columns), overwritten: the residual's tangent.
  virtual void tangent(const LossTools<Real>& tools, const LossSample<Real>& sample,
                       const LossDots<Real>& dots, MatrixView<Real> R_dot) const = 0;

  /// Adds to the adjoints from R_bar, that of the residual.
  virtual void adjoint(const LossTools<Real>& tools, const LossSample<Real>& sample,
                       ConstMatrixView<Real> R_bar, const LossBars<Real>& bars) const = 0;

 private:
  double weight_;
};

/// A term of the parameters alone. Frozen blocks count for nothing; entries of their gradients are dropped by
/// the caller.
class ParameterPenalty {
 public:
  explicit ParameterPenalty(double weight) : weight_(weight) {}
  virtual ~ParameterPenalty() = default;

  double weight() const { return weight_; }

  struct Value {
    double plain, weighted;
  };
  /// The term, and times its weight; adds the gradient of the latter to theta_bar (as theta) unless that is
  /// empty.
  virtual Value add(const ParameterLayout& layout, std::span<const double> theta,
                    std::span<double> theta_bar) const = 0;

  /// With H the weighted term's Hessian: Hv += H v; entry += <v, H w>. v, w: as theta, zero in frozen blocks.
  virtual void add_product(std::span<const double> v, std::span<double> Hv) const = 0;
  virtual void add_entry(std::span<const double> v, std::span<const double> w, double& entry) const = 0;

 private:
  double weight_;
};

}  // namespace spnode::core
