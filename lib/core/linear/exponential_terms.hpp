#pragma once
/// What an exponential operator is made of.

#include "core/linear/linear_part.hpp"

#include <cstddef>

namespace spnode::core {

/// visit(group, index, factor, identity) for all that adds to the matrix of an exponential operator at step
/// h: factor phi_index(c h A) + identity I, beside the n rows of the argument that begin at group n.
template <class Visit>
void for_each_exponential_term(const SplitShape& shape, const OperatorSpec& spec, double h, Visit visit) {
  const auto factorial = [](std::size_t k) { return k < 2 ? 1.0 : k == 2 ? 2.0 : 6.0; };
  const std::size_t groups = shape.rows() / shape.n;
  visit(std::size_t{0}, std::size_t{0}, 1.0, 0.0);
  for (std::size_t k = 1; k <= spec.terms(); ++k)
    for (std::size_t j = 0; j < spec.evaluations(); ++j) {
      const double weight = spec.weight[k - 1][j];
      if (weight == 0.0) continue;
      std::size_t group = 1 + j * groups;
      if (shape.has_plain) visit(group++, k, weight * h, 0.0);
      // h phi_k(c h A) (-A) = (I / (k - 1)! - phi_{k-1}(c h A)) / c: no product with a large A, no
      // cancellation.
      if (shape.has_relaxed) visit(group, k - 1, -weight / spec.c, weight / (spec.c * factorial(k - 1)));
    }
}

/// The largest index that occurs.
std::size_t highest_phi(const SplitShape& shape, const std::vector<OperatorSpec>& operators);

}  // namespace spnode::core
