#include "app/registry.hpp"

namespace spnode::app {

template <>
std::span<const Choice<core::Scheme>> choices() {
  using core::Scheme;
  static constexpr Choice<Scheme> table[] = {
      {"etd1", Scheme::etd1},           {"etdrk2", Scheme::etdrk2},
      {"etdrk4", Scheme::etdrk4},       {"imex_euler", Scheme::imex_euler},
      {"imex_ssp2", Scheme::imex_ssp2}, {"imex_ars2", Scheme::imex_ars2},
      {"euler", Scheme::euler},         {"rk4", Scheme::rk4},
  };
  return table;
}

template <>
std::span<const Choice<core::MatrixFunctionMethod>> choices() {
  using core::MatrixFunctionMethod;
  static constexpr Choice<MatrixFunctionMethod> table[] = {
      {"automatic", MatrixFunctionMethod::automatic},
      {"dense", MatrixFunctionMethod::dense},
      {"taylor", MatrixFunctionMethod::taylor},
  };
  return table;
}

template <>
std::span<const Choice<core::LinearStructure>> choices() {
  using core::LinearStructure;
  static constexpr Choice<LinearStructure> table[] = {
      {"dense", LinearStructure::dense},
      {"block_diagonal", LinearStructure::block_diagonal},
      {"low_rank", LinearStructure::low_rank},
  };
  return table;
}

template <>
std::span<const Choice<core::NonlinearKind>> choices() {
  using core::NonlinearKind;
  static constexpr Choice<NonlinearKind> table[] = {
      {"bilinear", NonlinearKind::bilinear},
      {"lipschitz", NonlinearKind::lipschitz},
      {"network", NonlinearKind::network},
  };
  return table;
}

template <>
std::span<const Choice<core::LipschitzDivisor>> choices() {
  using core::LipschitzDivisor;
  static constexpr Choice<LipschitzDivisor> table[] = {
      {"exact", LipschitzDivisor::exact},
      {"smooth", LipschitzDivisor::smooth},
  };
  return table;
}

template <>
std::span<const Choice<core::Activation>> choices() {
  using core::Activation;
  static constexpr Choice<Activation> table[] = {
      {"tanh", Activation::tanh},
      {"squareplus", Activation::squareplus},
      {"identity", Activation::identity},
  };
  return table;
}

template <>
std::span<const Choice<core::Precision>> choices() {
  using core::Precision;
  static constexpr Choice<Precision> table[] = {
      {"double", Precision::float64},
      {"mixed", Precision::mixed},
  };
  return table;
}

template <>
std::span<const Choice<core::ScalingKind>> choices() {
  using core::ScalingKind;
  static constexpr Choice<ScalingKind> table[] = {
      {"none", ScalingKind::none},
      {"global", ScalingKind::global},
      {"component", ScalingKind::component},
      {"manual", ScalingKind::manual},
  };
  return table;
}

template <>
std::span<const Choice<core::Initialisation>> choices() {
  using core::Initialisation;
  static constexpr Choice<Initialisation> table[] = {
      {"random", Initialisation::random},
      {"dmd", Initialisation::dmd},
      {"operator_inference", Initialisation::operator_inference},
  };
  return table;
}

template <>
std::span<const Choice<core::TimeWeights>> choices() {
  using core::TimeWeights;
  static constexpr Choice<TimeWeights> table[] = {
      {"uniform", TimeWeights::uniform},
      {"trapezoid", TimeWeights::trapezoid},
      {"logarithmic", TimeWeights::logarithmic},
  };
  return table;
}

template <>
std::span<const Choice<core::ComponentWeights>> choices() {
  using core::ComponentWeights;
  static constexpr Choice<ComponentWeights> table[] = {
      {"none", ComponentWeights::none},
      {"variance", ComponentWeights::variance},
  };
  return table;
}

template <>
std::span<const Choice<core::SystemKind>> choices() {
  using core::SystemKind;
  static constexpr Choice<SystemKind> table[] = {
      {"transient_growth", SystemKind::transient_growth},
      {"grad13", SystemKind::grad13},
      {"robertson", SystemKind::robertson},
      {"kuramoto_sivashinsky", SystemKind::kuramoto_sivashinsky},
  };
  return table;
}

template <>
std::span<const Choice<core::TimeGrid>> choices() {
  using core::TimeGrid;
  static constexpr Choice<TimeGrid> table[] = {
      {"uniform", TimeGrid::uniform},
      {"logarithmic", TimeGrid::logarithmic},
  };
  return table;
}

template <>
std::span<const Choice<training::ScheduleKind>> choices() {
  using training::ScheduleKind;
  static constexpr Choice<ScheduleKind> table[] = {
      {"constant", ScheduleKind::constant},
      {"exponential", ScheduleKind::exponential},
      {"cosine", ScheduleKind::cosine},
  };
  return table;
}

template <>
std::span<const Choice<training::OptimizerKind>> choices() {
  using training::OptimizerKind;
  static constexpr Choice<OptimizerKind> table[] = {
      {"adam", OptimizerKind::adam},
      {"lbfgs", OptimizerKind::lbfgs},
      {"gauss_newton", OptimizerKind::gauss_newton},
  };
  return table;
}

template <>
std::span<const Choice<training::NormalSolver>> choices() {
  using training::NormalSolver;
  static constexpr Choice<NormalSolver> table[] = {
      {"automatic", NormalSolver::automatic},
      {"dense", NormalSolver::dense},
      {"cg", NormalSolver::cg},
  };
  return table;
}

}  // namespace spnode::app
