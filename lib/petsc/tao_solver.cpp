#include "petsc/tao_solver.hpp"

#include "petsc/vec_view.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace spnode::petsc {

namespace {

/// Puts an option into the database while in scope, unless the user did: for what PETSc lets be set in no
/// other way.
class DefaultOption {
 public:
  DefaultOption(const char* name, const std::string& value) : name_(name) {
    SPNODE_PETSC(PetscOptionsHasName(nullptr, nullptr, name, &given_));
    if (!given_) SPNODE_PETSC(PetscOptionsSetValue(nullptr, name, value.c_str()));
  }
  DefaultOption(const DefaultOption&) = delete;
  DefaultOption& operator=(const DefaultOption&) = delete;
  ~DefaultOption() {
    if (!given_) PetscOptionsClearValue(nullptr, name_);
  }

 private:
  const char* name_;
  PetscBool given_ = PETSC_FALSE;
};

/// The solvers that work with what can be given to them: values and gradients of a function without
/// constraints on its parameters. Others want a Hessian, residuals, constraints or terms of a certain form.
constexpr TaoType first_order[] = {TAOSHELL, TAOLMVM,   TAOBLMVM,  TAOCG,     TAOBNCG,
                                   TAOBQNLS, TAOBQNKLS, TAOBQNKTR, TAOBQNKTL, TAONM};

/// Those that this PETSc has.
std::vector<std::string> available_types() {
  std::vector<std::string> types;
  for (const TaoType type : first_order) {
    void (*create)() = nullptr;
    SPNODE_PETSC(PetscFunctionListFind(TaoList, type, &create));
    if (create != nullptr) types.emplace_back(type);
  }
  return types;
}

/// Raises UsageError for a type that is unknown or wants more than values and gradients.
void require_first_order(const std::string& type) {
  const std::vector<std::string> types = available_types();
  if (std::ranges::find(types, type) != types.end()) return;
  std::string list;
  for (const std::string& each : types) list += (list.empty() ? "" : ", ") + each;
  throw UsageError("-tao_type " + type +
                   ": not a solver of PETSc/TAO that needs only values and gradients; allowed: " + list);
}

}  // namespace

void check_tao_options(TaoType type) {
  double parameter = 0.0;
  const TaoSolver unused({.type = requested_tao_type(type)}, {&parameter, 1}, {});
}

std::string requested_tao_type(TaoType type) {
  char requested[64] = "";
  PetscBool found = PETSC_FALSE;
  SPNODE_PETSC(PetscOptionsGetString(nullptr, nullptr, "-tao_type", requested, sizeof requested, &found));
  return found ? requested : type;
}

TaoSolver::TaoSolver(const TaoDefaults& defaults, std::span<double> solution, TaoCallbacks callbacks)
    : size_(solution.size()), callbacks_(std::move(callbacks)) {
  SPNODE_PETSC(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, petsc_int(size_), solution.data(), solution_.put()));
  SPNODE_PETSC(VecCreateSeq(PETSC_COMM_SELF, petsc_int(size_), gradient_.put()));
  gradient_array_ = VecView<const double>(gradient_.get(), size_).span().data();
  SPNODE_PETSC(TaoCreate(PETSC_COMM_SELF, tao_.put()));
  const QuietErrors quiet;
  const Tao tao = tao_.get();
  require_first_order(defaults.type);
  SPNODE_PETSC(TaoSetType(tao, defaults.type.c_str()));
  SPNODE_PETSC(TaoSetSolution(tao, solution_.get()));
  SPNODE_PETSC(TaoSetObjectiveAndGradient(tao, gradient_.get(), evaluate_callback, this));
  SPNODE_PETSC(TaoSetTolerances(tao, defaults.gradient_tolerance, 0.0, 0.0));
  SPNODE_PETSC(TaoSetMaximumIterations(tao, petsc_int(defaults.iterations)));
  SPNODE_PETSC(TaoSetMaximumFunctionEvaluations(tao, std::numeric_limits<PetscInt>::max()));
  const DefaultOption history("-tao_lmvm_mat_lmvm_hist_size", std::to_string(defaults.history));
  const char* const refused = "an option of the optimizer is refused (-tao_..., -mat_lmvm_...)";
  check_options(TaoSetFromOptions(tao), refused);
  check_options(TaoSetUp(tao), refused);
  if (is_shell()) {
    SPNODE_PETSC(TaoShellSetSolve(tao, shell_callback));
    SPNODE_PETSC(TaoShellSetContext(tao, this));
  } else if (callbacks_.iterate) {
    watch_iterates();
  }
}

void TaoSolver::watch_iterates() {
#if PETSC_VERSION_LT(3, 21, 0)
  SPNODE_PETSC(TaoSetMonitor(tao_.get(), monitor_callback, this, nullptr));
#else
  SPNODE_PETSC(TaoMonitorSet(tao_.get(), monitor_callback, this, nullptr));
#endif
}

bool TaoSolver::is_shell() const {
  PetscBool shell = PETSC_FALSE;
  SPNODE_PETSC(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(tao_.get()), TAOSHELL, &shell));
  return shell == PETSC_TRUE;
}

std::uint64_t TaoSolver::iterations() const {
  PetscInt iterations = 0;
  SPNODE_PETSC(TaoGetMaximumIterations(tao_.get(), &iterations));
  return iterations < 0 ? 0 : static_cast<std::uint64_t>(iterations);
}

void TaoSolver::limit_iterations(std::uint64_t iterations) {
  SPNODE_PETSC(TaoSetMaximumIterations(tao_.get(), petsc_int(iterations)));
}

TaoConvergedReason TaoSolver::solve() {
  const QuietErrors quiet;
  guard_.check(TaoSolve(tao_.get()), "TaoSolve");
  TaoConvergedReason reason = TAO_CONTINUE_ITERATING;
  SPNODE_PETSC(TaoGetConvergedReason(tao_.get(), &reason));
  return reason;
}

void TaoSolver::stop() { SPNODE_PETSC(TaoSetConvergedReason(tao_.get(), TAO_CONVERGED_USER)); }

double TaoSolver::evaluate() {
  // The shell changes the solution behind PETSc's back: a writable view lets the Vec forget cached norms.
  { const VecView<double> changed(solution_.get(), size_); }
  PetscReal value = 0.0;
  guard_.check(TaoComputeObjectiveAndGradient(tao_.get(), solution_.get(), &value, gradient_.get()),
               "TaoComputeObjectiveAndGradient");
  return value;
}

bool TaoSolver::report(const TaoIterate& iterate) {
  const Tao tao = tao_.get();
  // TaoSolve presets CONVERGED_USER for shells, and the convergence test keeps any reason that it finds.
  SPNODE_PETSC(TaoSetConvergedReason(tao, TAO_CONTINUE_ITERATING));
  SPNODE_PETSC(TaoSetIterationNumber(tao, petsc_int(iterate.number)));
  guard_.check(
      TaoMonitor(tao, petsc_int(iterate.number), iterate.value, iterate.gradient_norm, 0.0, iterate.step),
      "TaoMonitor");
  SPNODE_PETSC(TaoDefaultConvergenceTest(tao, nullptr));
  TaoConvergedReason reason = TAO_CONTINUE_ITERATING;
  SPNODE_PETSC(TaoGetConvergedReason(tao, &reason));
  return reason == TAO_CONTINUE_ITERATING;
}

PetscErrorCode TaoSolver::evaluate_callback(Tao, Vec x, PetscReal* value, Vec gradient, void* context) {
  auto& self = *static_cast<TaoSolver*>(context);
  return self.guard_.run([&] {
    const VecView<const double> point(x, self.size_);
    const VecView<double> slope(gradient, self.size_);
    *value = self.callbacks_.evaluate(point.span(), slope.span());
  });
}

PetscErrorCode TaoSolver::monitor_callback(Tao tao, void* context) {
  auto& self = *static_cast<TaoSolver*>(context);
  return self.guard_.run([&] {
    PetscInt number = 0;
    PetscReal value = 0.0, norm = 0.0, infeasibility = 0.0, step = 0.0;
    TaoConvergedReason reason = TAO_CONTINUE_ITERATING;
    SPNODE_PETSC(TaoGetSolutionStatus(tao, &number, &value, &norm, &infeasibility, &step, &reason));
    self.callbacks_.iterate({static_cast<std::uint64_t>(number), value, norm, step, reason < 0});
  });
}

PetscErrorCode TaoSolver::shell_callback(Tao tao) {
  void* context = nullptr;
  TaoShellGetContext(tao, &context);
  auto& self = *static_cast<TaoSolver*>(context);
  return self.guard_.run([&] { self.callbacks_.shell(); });
}

}  // namespace spnode::petsc
