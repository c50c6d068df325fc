#pragma once
/// Options of a model for tests of structures that all its terms share.

#include "core/vector_field/options.hpp"

namespace spnode::test {

/// A bilinear form and two networks, of which one is in relaxation form where there is an A_L.
inline core::ModelOptions three_terms(core::HurwitzKind structure) {
  core::ModelOptions options;
  options.linear = {.mu = 0.2, .rate_min = 0.5, .rate_max = 50.0, .noise = 0.5};
  options.linear.structure = structure;
  options.bilinear = {2, 0.5};
  options.network.hidden = {4};
  options.lipschitz.hidden = {4};
  options.lipschitz.relaxation = structure == core::HurwitzKind::dense;
  options.nonlinear = {core::NonlinearKind::bilinear, core::NonlinearKind::network,
                       core::NonlinearKind::lipschitz};
  return options;
}

}  // namespace spnode::test
