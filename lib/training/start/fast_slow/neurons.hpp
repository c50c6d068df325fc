#pragma once
/// Hidden neurons of the networks of a fast-slow model, which are functions of its state before the last
/// layers are fitted.

#include "training/start/fast_slow/states.hpp"

#include <cstdint>
#include <span>

namespace spnode::training {

/// Makes hidden layers of squares hold all quadratic functions: of x in the shift and in C, of all variables
/// in g.
void set_squares(const core::Model& model, std::span<double> theta);

/// Centres the neurons of other networks at states that are drawn from data, with w = 0, and makes those
/// that are functions of [x; w; q] so: the first of g almost linear functions of one fast variable each, half
/// of the others independent of w. Collective.
void set_neurons(const parallel::Communicator& comm, const core::Model& model, States& states,
                 std::uint64_t seed, std::span<double> theta);

}  // namespace spnode::training
