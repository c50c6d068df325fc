#pragma once

#include "core/kernels/activation.hpp"
#include "core/support/option.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace spnode::core {

/// Which operator A_L is: its parameters and their bound. Several may share the structure of their matrix.
enum class HurwitzKind {
  dense,
  block_diagonal,
  low_rank,
  circulant,
  none,
  fast_schur,       ///< T(x) of the fast variables as a Schur form (core/linear/fast/schur_form.hpp)
  fast_dissipative  ///< T(x) with a negative symmetric part (core/linear/fast/dissipative_form.hpp)
};

/// Whether A = diag(0, T(x)): u = [x; y] with slow variables x and fast variables y.
constexpr bool is_fast_slow(HurwitzKind kind) {
  return kind == HurwitzKind::fast_schur || kind == HurwitzKind::fast_dissipative;
}

constexpr auto words_of(HurwitzKind) {
  return std::to_array<Word<HurwitzKind>>({{"dense", HurwitzKind::dense},
                                           {"block_diagonal", HurwitzKind::block_diagonal},
                                           {"low_rank", HurwitzKind::low_rank},
                                           {"circulant", HurwitzKind::circulant},
                                           {"none", HurwitzKind::none},
                                           {"fast_schur", HurwitzKind::fast_schur},
                                           {"fast_dissipative", HurwitzKind::fast_dissipative}});
}

/// How T(x) depends on the slow variables x.
enum class Dependence {
  constant,  ///< not at all
  hats,      ///< max(x_k - low_k, 0) and max(high_k - x_k, 0): T is affine in x on a box
  network
};

constexpr auto words_of(Dependence) {
  return std::to_array<Word<Dependence>>(
      {{"constant", Dependence::constant}, {"hats", Dependence::hats}, {"network", Dependence::network}});
}

/// T(x) of the structures fast_schur and fast_dissipative.
struct FastOptions {
  Dependence dependence = Dependence::network;
  std::vector<std::size_t> hidden = {16};
  Activation activation = Activation::tanh;
  std::size_t count = 4;
  std::vector<double> low, high;

  static void describe(auto& visit) {
    using Self = FastOptions;
    visit.option("dependence", &Self::dependence,
                 {.meaning = "of T on the slow variables x; hats: affine on a box (fast_dissipative)"});
    visit.option(
        "hidden", &Self::hidden,
        {.meaning = "network: widths of the hidden layers; []: one layer", .limits = between(1, 1000000)});
    visit.option("activation", &Self::activation,
                 {.meaning = "network: activation after every hidden layer (fast_schur)"});
    visit.option("count", &Self::count,
                 {.meaning = "network: number of weights phi_i(x) >= 0, outputs of a network of squareplus "
                             "(fast_dissipative)",
                  .limits = between(1, 10000)});
    visit.option("low", &Self::low,
                 {.meaning = "lower corner of the box of the latent slow variables, one value for all or one "
                             "for each: of hats, and of the smooth hats that a network of fast_dissipative "
                             "has after the start fast_slow, where it has one hidden layer and two neurons "
                             "and weights for each slow variable"});
    visit.option("high", &Self::high, {.meaning = "upper corner of the box"});
  }

  /// Raises OptionError.
  void validate() const {
    const std::size_t pairs = low.size();
    require_option(high.size() == pairs && (pairs > 0 || dependence != Dependence::hats), {"low", "high"},
                   "has " + std::to_string(pairs) + " values, high " + std::to_string(high.size()) +
                       "; hats need one value of both for all slow variables or one for each");
    for (std::size_t k = 0; k < pairs; ++k)
      require_option(low[k] < high[k], {"low", "high"},
                     "must be below high; found " + shortest(low[k]) + " and " + shortest(high[k]));
  }
};

/// A_L with all real parts of its spectrum below mu: dense, (G_s + G_u) S + mu I (SPNODE-25, Theorem 1 and
/// eqs. (3)-(5)), or of a structure whose cost is linear in n (core/linear/hurwitz.hpp).
struct HurwitzOptions {
  double mu = 0.0;
  double rate_min = 0.0;
  double rate_max = 0.0;
  double noise = 0.05;
  bool trainable = true;
  HurwitzKind structure = HurwitzKind::dense;
  std::size_t rank = 4;
  std::size_t slow_dimension = 0;
  FastOptions fast = {};

  /// The initial decay rates from `slowest_rate` to `fastest_rate`: 1 where nothing else is said.
  double slowest_rate() const {
    if (rate_min > 0.0) return rate_min;
    return rate_max > 0.0 ? std::min(rate_max, 1.0) : 1.0;
  }
  double fastest_rate() const { return rate_max > 0.0 ? rate_max : std::max(slowest_rate(), 1.0); }

  static void describe(auto& visit) {
    using Self = HurwitzOptions;
    visit.option("structure", &Self::structure,
                 {.meaning = "dense: n^2 entries; block_diagonal: 2 x 2 blocks; low_rank: diagonal plus low "
                             "rank (both linear in n); circulant: a complex number for each wave number of "
                             "a periodic field, needs autoencoder.basis: fourier; none: A_L = 0, a plain "
                             "neural ODE; fast_schur, fast_dissipative: T(x) y of the fast variables y of a "
                             "fast-slow system"});
    visit.option("rank", &Self::rank,
                 {.meaning = "low_rank: columns r of U, V, W in -U U^T + V W^T - W V^T; fast_dissipative: "
                             "columns of each M_i in K(x) - sum phi_i(x) M_i M_i^T",
                  .limits = between(1, 10000)});
    visit.option("slow_dimension", &Self::slow_dimension,
                 {.meaning = "fast_schur, fast_dissipative: number of slow variables, the first ones of the "
                             "latent state; the others are fast"});
    visit.option("mu", &Self::mu,
                 {.meaning = "upper bound of the real parts of the eigenvalues; choose at least the largest "
                             "growth rate of the system",
                  .unit = "1/time"});
    visit.option(
        "rate_min", &Self::rate_min,
        {.meaning =
             "slowest initial decay rate, below mu; 0: one per unit of time of the training, or rate_max "
             "if that is slower",
         .unit = "1/time",
         .limits = at_least(0)});
    visit.option("rate_max", &Self::rate_max,
                 {.meaning = "fastest initial decay rate; the logarithms of the decay rates are evenly "
                             "spaced; 0: one per unit of time of the training, or rate_min if that is faster",
                  .unit = "1/time",
                  .limits = at_least(0)});
    visit.option("noise", &Self::noise,
                 {.meaning = "size of the random initial entries of the factors", .limits = at_least(0)});
    visit.option("trainable", &Self::trainable, {.meaning = "false: keep A_L at its initial value"});
    visit.section("fast", &Self::fast, "T(x) of fast_schur and fast_dissipative.");
  }

  /// Raises OptionError.
  void validate() const {
    require_option(rate_max == 0.0 || rate_min <= rate_max, {"rate_min", "rate_max"},
                   "must not be above rate_max; found " + shortest(rate_min) + " and " + shortest(rate_max));
    const std::string found = "; found " + std::string(name_of(structure));
    require_option(is_fast_slow(structure) == (slow_dimension > 0), {"slow_dimension", "structure"},
                   "= " + std::to_string(slow_dimension) +
                       ": structure fast_schur or fast_dissipative needs at least one slow variable, the "
                       "others have none" +
                       found);
    require_option(
        !is_fast_slow(structure) || mu <= 0.0, {"mu", "structure"},
        "= " + shortest(mu) + ", but the fast variables of a fast-slow system decay: give 0 or less");
    require_option(fast.dependence != Dependence::hats || structure == HurwitzKind::fast_dissipative,
                   {"fast.dependence", "structure"},
                   "is hats, which needs structure: fast_dissipative" + found);
  }
};

}  // namespace spnode::core
