#include "core/linear/make_linear_part.hpp"

#include "core/linear/block_diagonal/block_linear_part.hpp"
#include "core/linear/dense/dense_linear_part.hpp"
#include "core/linear/dense/tabulated_linear_part.hpp"
#include "core/linear/dense/taylor_linear_part.hpp"
#include "core/linear/fast/fast_linear_part.hpp"
#include "core/linear/low_rank/low_rank_linear_part.hpp"
#include "core/support/option.hpp"

#include <algorithm>

namespace spnode::core {

template <class Real>
std::unique_ptr<LinearPart<Real>> make_linear_part(LinearPartSpec spec, MatrixFunctionMethod method) {
  const bool own = spec.scope == StepScope::tile;  // step lengths follow, tile by tile
  const std::vector<double> steps = own ? std::vector<double>() : spec.table.steps();
  switch (spec.matrix.structure) {
    case LinearStructure::none:
      return nullptr;
    case LinearStructure::block_diagonal:
      return std::make_unique<BlockLinearPart<Real>>(spec.shape, std::move(spec.operators), steps,
                                                     spec.matrix);
    case LinearStructure::low_rank:
      return std::make_unique<LowRankLinearPart<Real>>(spec.shape, std::move(spec.operators),
                                                       spec.table.steps(), spec.matrix);
    case LinearStructure::state_dependent:
      return std::make_unique<FastLinearPart<Real>>(spec.shape, std::move(spec.operators), spec.options);
    case LinearStructure::dense:
      break;
  }
  if (method != MatrixFunctionMethod::taylor) {
    if (own && TabulatedLinearPart<Real>::takes(spec.operators, spec.table, spec.shape.n))
      return std::make_unique<TabulatedLinearPart<Real>>(spec.shape, std::move(spec.operators));
    return std::make_unique<DenseLinearPart<Real>>(spec.shape, std::move(spec.operators), steps);
  }
  if (std::ranges::any_of(spec.operators,
                          [](const auto& op) { return op.kind == OperatorSpec::Kind::resolvent; }))
    throw OptionError({"linear", "scheme"},
                      "is taylor, which has no implicit stages; use dense with an IMEX scheme");
  return std::make_unique<TaylorLinearPart<Real>>(spec.shape, std::move(spec.operators), spec.table.largest(),
                                                  spec.matrix);
}

MatrixFunctionMethod method_of(LinearStructure structure, MatrixFunctionMethod asked) {
  if (structure == LinearStructure::dense || structure == LinearStructure::none) return asked;
  if (structure == LinearStructure::state_dependent) {
    if (asked != MatrixFunctionMethod::automatic)
      throw OptionError({"linear"}, "is " + std::string(name_of(asked)) +
                                        ", but an operator T(x) has one way to act; leave it automatic");
    return MatrixFunctionMethod::dense;
  }
  const bool blocks = structure == LinearStructure::block_diagonal;
  const MatrixFunctionMethod method = blocks ? MatrixFunctionMethod::dense : MatrixFunctionMethod::taylor;
  if (asked != MatrixFunctionMethod::automatic && asked != method)
    throw OptionError({"linear"}, blocks
                                      ? "is taylor, but a block diagonal A_L has functions in closed form; "
                                        "leave it automatic"
                                      : "is dense, but the functions of a low rank A_L are not low rank; "
                                        "leave it automatic");
  return method;
}

template std::unique_ptr<LinearPart<double>> make_linear_part(LinearPartSpec, MatrixFunctionMethod);
template std::unique_ptr<LinearPart<float>> make_linear_part(LinearPartSpec, MatrixFunctionMethod);

}  // namespace spnode::core
