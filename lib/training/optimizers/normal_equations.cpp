#include "training/optimizers/normal_equations.hpp"

#include "core/support/error.hpp"
#include "petsc/linear_solver.hpp"

#include <algorithm>
#include <cmath>

extern "C" void dposv_(const char* uplo, const int* n, const int* columns, double* a, const int* lda,
                       double* b, const int* ldb, int* info);

namespace spnode::training {

namespace {

constexpr std::size_t most_dense_parameters = 1500;
constexpr const char* options_prefix = "normal_";

std::vector<std::size_t> learning(const core::ParameterLayout& layout) {
  std::vector<std::size_t> positions;
  for (const core::ParameterBlock& block : layout.blocks())
    for (std::size_t i = 0; i < block.size() && !block.frozen; ++i) positions.push_back(block.offset + i);
  return positions;
}

[[noreturn]] void not_finite() {
  throw NumericalError("the Gauss-Newton matrix is not finite where the loss is");
}

double dot(std::span<const double> x, std::span<const double> y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// H entry by entry, D its largest diagonal entry times I. Rows and columns are scaled to a unit diagonal of
/// H + damping D before Cholesky's factorisation, which is then accurate for parameters of any scale.
class DenseNormal final : public NormalEquations {
 public:
  DenseNormal(SummedObjective& objective, const core::ParameterLayout& layout)
      : objective_(objective), learning_(learning(layout)), directions_(learning_.size() * layout.size()) {
    for (std::size_t i = 0; i < learning_.size(); ++i) directions_[i * layout.size() + learning_[i]] = 1.0;
    const std::size_t n = learning_.size();
    H_.resize(n * n);
  }

  void linearise(std::span<const double> theta, std::span<const double> gradient) override {
    gradient_ = gradient;
    if (!objective_.gram(theta, directions_, H_)) not_finite();
    const std::size_t n = learning_.size();
    size_ = 0.0;
    for (std::size_t i = 0; i < n; ++i) size_ = std::max(size_, H_[i * n + i]);
  }

  bool solve(double damping, std::span<double> step) override {
    const std::size_t n = learning_.size();
    if (!(size_ > 0.0)) return false;
    std::vector<double> scale(n), rhs(n), matrix(H_);
    for (std::size_t i = 0; i < n; ++i) scale[i] = 1.0 / std::sqrt(H_[i * n + i] + damping * size_);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) matrix[i * n + j] *= scale[i] * scale[j];
      matrix[i * n + i] = 1.0;
      rhs[i] = -scale[i] * gradient_[learning_[i]];
    }
    const int order = static_cast<int>(n), one = 1;
    int info = 0;
    dposv_("L", &order, &one, matrix.data(), &order, rhs.data(), &order, &info);
    std::ranges::fill(step, 0.0);
    for (std::size_t i = 0; i < n; ++i) step[learning_[i]] = scale[i] * rhs[i];
    return info == 0 && std::ranges::all_of(rhs, [](double entry) { return std::isfinite(entry); });
  }

  double damping_term(double damping, std::span<const double> step) const override {
    return damping * size_ * dot(step, step);
  }

 private:
  SummedObjective& objective_;
  std::vector<std::size_t> learning_;
  std::vector<double> directions_, H_;
  double size_ = 0.0;
  std::span<const double> gradient_;
};

/// Conjugate gradients on products with H, from zero until the residual has fallen by 1e-8 or the allowed
/// number is done; D = (<g, H g> / <g, g>) I.
class KrylovNormal final : public NormalEquations {
 public:
  KrylovNormal(SummedObjective& objective, std::size_t iterations)
      : objective_(objective),
        right_(objective.parameters()),
        solver_({.prefix = options_prefix, .iterations = iterations, .relative_tolerance = 1e-8},
                objective.parameters(), [this](auto v, auto product) { multiply_damped(v, product); }) {}

  void linearise(std::span<const double> theta, std::span<const double> gradient) override {
    theta_ = theta;
    gradient_ = gradient;
    multiply(gradient, right_);
    const double squares = dot(gradient, gradient);
    scale_ = squares > 0.0 ? dot(gradient, right_) / squares : 0.0;
  }

  bool solve(double damping, std::span<double> step) override {
    if (!(scale_ > 0.0)) return false;
    shift_ = damping * scale_;
    for (std::size_t k = 0; k < right_.size(); ++k) right_[k] = -gradient_[k];
    solver_.solve(right_, step);
    return dot(gradient_, step) < 0.0;
  }

  double damping_term(double damping, std::span<const double> step) const override {
    return damping * scale_ * dot(step, step);
  }

 private:
  void multiply(std::span<const double> v, std::span<double> Hv) {
    if (!objective_.product(theta_, v, Hv)) not_finite();
  }

  void multiply_damped(std::span<const double> v, std::span<double> product) {
    multiply(v, product);
    for (std::size_t k = 0; k < v.size(); ++k) product[k] += shift_ * v[k];
  }

  SummedObjective& objective_;
  std::vector<double> right_;
  double scale_ = 0.0, shift_ = 0.0;
  std::span<const double> theta_, gradient_;
  petsc::LinearSolver solver_;
};

}  // namespace

std::size_t learning_count(const core::ParameterLayout& layout) {
  std::size_t count = 0;
  for (const core::ParameterBlock& block : layout.blocks()) count += block.frozen ? 0 : block.size();
  return count;
}

bool solves_densely(const GaussNewtonOptions& options, std::size_t learning) {
  return options.solver == NormalSolver::dense ||
         (options.solver == NormalSolver::automatic && learning <= most_dense_parameters);
}

void check_normal_options(const GaussNewtonOptions& options) {
  if (options.solver != NormalSolver::dense) petsc::check_linear_solver_options(options_prefix);
}

std::unique_ptr<NormalEquations> make_normal_equations(const GaussNewtonOptions& options,
                                                       SummedObjective& objective,
                                                       const core::ParameterLayout& layout) {
  if (solves_densely(options, learning_count(layout)))
    return std::make_unique<DenseNormal>(objective, layout);
  return std::make_unique<KrylovNormal>(objective, options.cg_iterations);
}

}  // namespace spnode::training
