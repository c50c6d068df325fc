#include "parallel/exact_sum.hpp"
#include "petsc/vec_view.hpp"
#include "spectral/eigen_solver.hpp"
#include "spectral/pod_detail.hpp"

#include <petscblaslapack.h>

#include <algorithm>
#include <cmath>

namespace spnode::spectral::detail {

namespace {

/// The covariance as a matrix that knows its products only, of PETSC_COMM_SELF: every rank works with the
/// same vectors, and a product is collective on `comm`.
class CovarianceProducts {
 public:
  /// Keeps references.
  CovarianceProducts(const parallel::Communicator& comm, const LocalSnapshots& local,
                     const SnapshotTotals& totals)
      : comm_(comm), local_(local), totals_(totals) {
    const PetscInt m = petsc::petsc_int(local.dimension);
    SPNODE_PETSC(MatCreateShell(PETSC_COMM_SELF, m, m, m, m, this, matrix_.put()));
    for (const MatOperation operation : {MATOP_MULT, MATOP_MULT_TRANSPOSE})
      SPNODE_PETSC(
          MatShellSetOperation(matrix_.get(), operation, reinterpret_cast<void (*)()>(product_callback)));
    SPNODE_PETSC(
        MatShellSetOperation(matrix_.get(), MATOP_NORM, reinterpret_cast<void (*)()>(norm_callback)));
    SPNODE_PETSC(MatSetOption(matrix_.get(), MAT_SYMMETRIC, PETSC_TRUE));
  }
  CovarianceProducts(const CovarianceProducts&) = delete;
  CovarianceProducts& operator=(const CovarianceProducts&) = delete;

  Mat matrix() const { return matrix_.get(); }
  petsc::CallbackGuard& guard() { return guard_; }

 private:
  static CovarianceProducts& self_of(Mat matrix) {
    void* context = nullptr;
    MatShellGetContext(matrix, &context);
    return *static_cast<CovarianceProducts*>(context);
  }
  static PetscErrorCode product_callback(Mat matrix, Vec x, Vec y) {
    CovarianceProducts& self = self_of(matrix);
    return self.guard_.run([&] {
      const petsc::VecView<const double> from(x, self.local_.dimension);
      const petsc::VecView<double> to(y, self.local_.dimension);
      self.multiply(from.span(), to.span());
    });
  }
  /// The trace, which bounds every norm of a positive semi-definite matrix but for its order.
  static PetscErrorCode norm_callback(Mat matrix, NormType, PetscReal* norm) {
    const CovarianceProducts& self = self_of(matrix);
    *norm = self.totals_.squares / static_cast<double>(self.totals_.snapshots);
    return PETSC_SUCCESS;
  }

  /// y = X^T X x / s, the sums of the chunks added exactly. Collective.
  void multiply(std::span<const double> x, std::span<double> y) {
    double squares = 0.0;
    for (const double entry : x) squares += entry * entry;
    const double scale = 1.0 / static_cast<double>(totals_.snapshots);
    parallel::ExactAccumulator sum(comm_, x.size(), totals_.squares * scale * std::sqrt(squares),
                                   totals_.chunks);
    parallel::collectively(comm_, [&] {
      for (std::size_t i = 0; i < local_.chunks.size(); ++i) {
        std::ranges::fill(y, 0.0);
        add_chunk(i, scale, x, y);
        sum.add(y);
      }
    });
    if (sum.sum(y) == parallel::SumStatus::non_finite)
      throw NumericalError("POD: a product with the covariance is not finite");
  }

  /// y += scale X_i^T X_i x, a few snapshots at a time.
  void add_chunk(std::size_t i, double scale, std::span<const double> x, std::span<double> y) {
    const std::size_t m = local_.dimension, some = std::max<std::size_t>(1, part_numbers / m);
    const auto columns = static_cast<PetscBLASInt>(m), step = PetscBLASInt(1);
    const double one = 1.0, zero = 0.0;
    for (std::size_t first = 0; first < local_.chunks[i]; first += some) {
      const LocalSnapshots::Part part{i, {first, std::min(first + some, local_.chunks[i])}, {0, m}};
      const auto rows = static_cast<PetscBLASInt>(part.snapshots.size());
      part_.resize(part.size());
      amplitudes_.resize(part.snapshots.size());
      local_.read(part, part_);
      BLASgemv_("T", &columns, &rows, &scale, part_.data(), &columns, x.data(), &step, &zero,
                amplitudes_.data(), &step);
      BLASgemv_("N", &columns, &rows, &one, part_.data(), &columns, amplitudes_.data(), &step, &one, y.data(),
                &step);
    }
  }

  const parallel::Communicator& comm_;
  const LocalSnapshots& local_;
  const SnapshotTotals& totals_;
  petsc::CallbackGuard guard_;
  petsc::MatHandle matrix_;
  std::vector<double> part_, amplitudes_;
};

}  // namespace

std::size_t lanczos_space(std::size_t modes) { return 2 * modes + 32; }

void decompose_by_lanczos(const parallel::Communicator& comm, const LocalSnapshots& local,
                          const SnapshotTotals& totals, std::size_t modes, Pod& pod) {
  constexpr double tolerance = 1e-14;  // of the trace
  const std::size_t m = local.dimension;
  pod.order = m;
  CovarianceProducts covariance(comm, local, totals);
  const EigenSolver solver(covariance.matrix(),
                           {.symmetry = Symmetry::symmetric,
                            .method = EigenMethod::rightmost_by_krylovschur,
                            .wanted = modes,
                            .tolerance = tolerance,
                            .prefix = "pod_",
                            .space = lanczos_space(modes)},
                           &covariance.guard());
  if (solver.converged() < modes)
    throw NumericalError("POD: only " + std::to_string(solver.converged()) + " of " + std::to_string(modes) +
                         " modes converged; try -pod_eps_ncv and -pod_eps_max_it");
  petsc::VecHandle vector;
  SPNODE_PETSC(MatCreateVecs(covariance.matrix(), vector.put(), nullptr));
  pod.modes.resize(modes * m);
  pod.singular_values.resize(modes);
  for (std::size_t k = 0; k < modes; ++k) {
    pod.singular_values[k] = std::sqrt(std::max(solver.eigenpair(k, vector.get(), nullptr).real, 0.0));
    const petsc::VecView<const double> values(vector.get(), m);
    std::ranges::copy(values.span(), pod.modes.begin() + static_cast<std::ptrdiff_t>(k * m));
  }
  orthonormalise(comm, m, pod.modes);
}

}  // namespace spnode::spectral::detail
