#pragma once
/// Which implementation acts with the operators of a scheme.

#include "core/linear/linear_part.hpp"
#include "core/linear/method.hpp"
#include "core/linear/options.hpp"
#include "core/linear/step_table.hpp"
#include "core/matrix_functions/structured_matrix.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// The operators that a scheme needs, of which A, for which steps.
struct LinearPartSpec {
  LinearShape matrix;
  SplitShape shape;
  std::vector<OperatorSpec> operators;
  const StepTable& table;
  StepScope scope = StepScope::table;
  HurwitzOptions options = {};  ///< of an operator that depends on the state
};

/// `method` must not be automatic. Null where there is no linear part. Raises OptionError (linear, scheme)
/// where the method has no such operator.
template <class Real>
std::unique_ptr<LinearPart<Real>> make_linear_part(LinearPartSpec spec, MatrixFunctionMethod method);

/// The only method of structures other than dense. Raises OptionError (linear) where the other one is asked
/// for.
MatrixFunctionMethod method_of(LinearStructure structure, MatrixFunctionMethod asked);

}  // namespace spnode::core
