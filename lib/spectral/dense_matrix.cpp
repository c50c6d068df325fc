#include "spectral/dense_matrix.hpp"

#include "petsc/petsc.hpp"
#include "spectral/slepc.hpp"

namespace spnode::spectral {

MatHandle make_matrix(MPI_Comm comm, std::span<const double> matrix, std::size_t n, Part part) {
  MatHandle result;
  const PetscInt size = static_cast<PetscInt>(n);
  SPNODE_PETSC(MatCreateDense(comm, PETSC_DECIDE, PETSC_DECIDE, size, size, nullptr, result.put()));
  PetscInt first = 0, last = 0, stride = 0;
  PetscScalar* local = nullptr;
  SPNODE_PETSC(MatGetOwnershipRange(result.get(), &first, &last));
  SPNODE_PETSC(MatDenseGetLDA(result.get(), &stride));
  SPNODE_PETSC(MatDenseGetArrayWrite(result.get(), &local));
  for (PetscInt j = 0; j < size; ++j)
    for (PetscInt i = first; i < last; ++i) {
      const double entry = matrix[i * n + j];
      local[j * stride + i - first] = part == Part::whole ? entry : 0.5 * (entry + matrix[j * n + i]);
    }
  SPNODE_PETSC(MatDenseRestoreArrayWrite(result.get(), &local));
  SPNODE_PETSC(MatAssemblyBegin(result.get(), MAT_FINAL_ASSEMBLY));
  SPNODE_PETSC(MatAssemblyEnd(result.get(), MAT_FINAL_ASSEMBLY));
  return result;
}

std::vector<double> singular_values(std::span<const double> matrix, std::size_t n) {
  const MatHandle operand = make_matrix(PETSC_COMM_SELF, matrix, n, Part::whole);
  SvdHandle svd;
  SPNODE_PETSC(SVDCreate(PETSC_COMM_SELF, svd.put()));
  SPNODE_PETSC(SVDSetOptionsPrefix(svd.get(), "spectrum_"));
  SPNODE_PETSC(SVDSetOperators(svd.get(), operand.get(), nullptr));
  SPNODE_PETSC(SVDSetType(svd.get(), SVDLAPACK));
  SPNODE_PETSC(SVDSetFromOptions(svd.get()));
  // Set after the options: all values are needed, whatever the database says.
  SPNODE_PETSC(SVDSetDimensions(svd.get(), static_cast<PetscInt>(n), PETSC_DEFAULT, PETSC_DEFAULT));
  SPNODE_PETSC(SVDSetWhichSingularTriplets(svd.get(), SVD_LARGEST));
  SPNODE_PETSC(SVDSolve(svd.get()));
  PetscInt converged = 0;
  SPNODE_PETSC(SVDGetConverged(svd.get(), &converged));
  if (converged < static_cast<PetscInt>(n))
    throw NumericalError("only " + std::to_string(converged) + " of " + std::to_string(n) +
                         " singular values converged");
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i)
    SPNODE_PETSC(SVDGetSingularTriplet(svd.get(), static_cast<PetscInt>(i), &values[i], nullptr, nullptr));
  return values;
}

}  // namespace spnode::spectral
