#pragma once
/// The parameters of a fast-slow model by least squares, in steps.

#include "training/start/initial_model.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spnode::training {

/// A fast-slow model (core/components/fast_terms.hpp) that fits data of the fast and of the slow scale:
///
/// 1. the shift of its coupling flow, w = y - sum_r eps^r c_r(x): c_0 from states of the slow manifold at
///    eps = 0, the others, or all where there are none, from windows near the slow manifold. Windows whose
///    residual is above three medians are left out, in six rounds: they have not relaxed.
/// 2. T, B and C from w(t_{n+1}) - w(t_n) = int T(x) w + B(w, w) + eps C w dt over the training data, with T
///    affine in x, and g from x(t_{n+1}) - x(t_n) = eps int g dt over both kinds of windows. Integrals are
///    those of polynomials through inference_order + 1 times, so that no derivative of the data is needed.
/// 3. T is made Hurwitz in closed form (DissipativeForm::set_affine), B is cut to its rank.
///
/// Functions of the classes that networks stand for are linear in their last layers. The first hidden layer
/// has the weights of the seed and centres at states that are drawn from the data of the first equations,
/// with w = 0; of a network for g the first neurons are almost linear functions of one fast variable each,
/// and half of the others, as in one for C, do not depend on w. Hidden layers of squares are such that all
/// quadratic functions are in the class (Network::set_squares). With multipliers (CouplingFlowOptions) c_r is
/// a polynomial in these components, whose coefficients are functions of the other slow variables and
/// parameters but eps. All equations are summed exactly over ranks: the same bits for any number of ranks.
/// `start` has the parameters of the seed; the result has one start for each ridge of the equations for w,
/// in ascending order, without those whose equations cannot be solved. The ridge of those for x is chosen
/// here, by how well each half of the slow windows predicts the other. Collective. Raises UsageError where
/// data are missing, and where epsilon is 0 in the windows near the slow manifold; NumericalError where the
/// first equations cannot be solved.
std::vector<Start> start_fast_slow(const parallel::Communicator& comm, const core::Model& model,
                                   const DataSet& train, const SlowData& slow, std::span<const double> ridges,
                                   std::uint64_t seed, const Start& start);

/// Bytes that start_fast_slow() takes, about, for so many groups of a rank. Not collective.
double fast_slow_bytes(const core::Model& model, std::size_t groups);

}  // namespace spnode::training
