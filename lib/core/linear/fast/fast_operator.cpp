#include "core/linear/fast/fast_operator.hpp"

#include "core/linear/fast/dissipative_form.hpp"
#include "core/linear/fast/schur_form.hpp"
#include "core/support/error.hpp"

#include <string>

namespace spnode::core {

template <class Real>
auto FastOperator<Real>::set_affine(std::span<const double>, std::span<double>) const -> AffineFit {
  throw UsageError("T(x) of a Schur form cannot start from a given matrix; take fast_dissipative");
}

template <class Real>
std::unique_ptr<FastOperator<Real>> make_fast_operator(std::size_t dimension, const HurwitzOptions& options) {
  const std::size_t slow = options.slow_dimension, corners = options.fast.low.size();
  require_option(slow < dimension, {"linear.slow_dimension"},
                 "= " + std::to_string(slow) + ", but the latent state has " + std::to_string(dimension) +
                     " variables; at least one of them must be fast");
  require_option(
      (options.fast.dependence != Dependence::hats && corners == 0) || corners == 1 || corners == slow,
      {"linear.fast.low", "linear.slow_dimension"},
      "has " + std::to_string(corners) + " values; one for all " + std::to_string(slow) +
          " slow variables or one for each is needed");
  if (options.structure == HurwitzKind::fast_schur)
    return std::make_unique<SchurForm<Real>>(slow, dimension - slow, options);
  return std::make_unique<DissipativeForm<Real>>(slow, dimension - slow, options);
}

template class FastOperator<double>;
template class FastOperator<float>;
template std::unique_ptr<FastOperator<double>> make_fast_operator(std::size_t, const HurwitzOptions&);
template std::unique_ptr<FastOperator<float>> make_fast_operator(std::size_t, const HurwitzOptions&);

}  // namespace spnode::core
