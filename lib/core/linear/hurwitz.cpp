#include "core/linear/hurwitz.hpp"

#include "core/linear/block_diagonal/block_hurwitz.hpp"
#include "core/linear/circulant/circulant_hurwitz.hpp"
#include "core/linear/dense/dense_hurwitz.hpp"
#include "core/linear/fast/fast_hurwitz.hpp"
#include "core/linear/low_rank/low_rank_hurwitz.hpp"
#include "core/linear/none/no_operator.hpp"

#include "core/support/error.hpp"

#include <cmath>
#include <utility>

namespace spnode::core {

std::unique_ptr<HurwitzOperator> make_hurwitz(std::size_t dimension, const HurwitzOptions& options,
                                              std::shared_ptr<const Invariants> invariants,
                                              std::shared_ptr<const Symmetries> symmetries) {
  switch (options.structure) {
    case HurwitzKind::block_diagonal:
      return std::make_unique<BlockHurwitz>(dimension, options);
    case HurwitzKind::low_rank:
      return std::make_unique<LowRankHurwitz>(dimension, options);
    case HurwitzKind::circulant:
      return std::make_unique<CirculantHurwitz>(dimension, options);
    case HurwitzKind::none:
      return std::make_unique<NoOperator>(dimension);
    case HurwitzKind::fast_schur:
    case HurwitzKind::fast_dissipative:
      return std::make_unique<FastHurwitz>(dimension, options);
    case HurwitzKind::dense:
      break;
  }
  return std::make_unique<DenseHurwitz>(dimension, options, std::move(invariants), std::move(symmetries));
}

void HurwitzOperator::set_matrix(std::span<const double>, std::span<double>) const {
  throw UsageError("only a dense A_L can start from a given matrix");
}

std::vector<double> HurwitzOperator::matrix_at(std::span<const double>, std::span<const double>) const {
  throw UsageError("only an operator that depends on the state has a matrix at a state");
}

double initial_rate(const HurwitzOptions& options, std::size_t i, std::size_t n) {
  const double share = n > 1 ? double(i) / double(n - 1) : 0.0;
  const double slowest = options.slowest_rate();
  return std::exp(std::log(slowest) + share * std::log(options.fastest_rate() / slowest));
}

}  // namespace spnode::core
