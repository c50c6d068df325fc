#pragma once
/// One eigenvalue problem solved by SLEPc, with the options database respected.

#include "petsc/petsc.hpp"
#include "spectral/slepc.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace spnode::spectral {

/// A computed eigenvalue.
struct Eigenvalue {
  double real = 0.0, imag = 0.0;
  double residual = 0.0;  ///< ||A x - lambda x||_2, ||x||_2 = 1: lambda is exact for a matrix so far from A

  bool operator==(const Eigenvalue&) const = default;
};

enum class Symmetry { general, symmetric };
enum class EigenMethod {
  all_by_lapack,            ///< all eigenvalues of a dense matrix
  rightmost_by_krylovschur  ///< some of largest real part
};

struct EigenSettings {
  Symmetry symmetry = Symmetry::general;
  EigenMethod method = EigenMethod::all_by_lapack;
  std::size_t wanted = 1;    ///< eigenvalues
  double tolerance = 1e-13;  ///< of Krylov-Schur: residual over the norm of the matrix
  std::string prefix;        ///< of its keys in the options database
  std::size_t space = 0;     ///< largest dimension of Krylov-Schur's space; 0: one that suits stiff operators
};

/// Settings are defaults: what the options database says under the prefix has the last word.
class EigenSolver {
 public:
  /// Solves for the eigenvalues of `matrix`. Collective on the matrix. Raises UsageError where the database
  /// holds options that do not fit, NumericalError where none converged, and what callbacks of the matrix
  /// raised under their guard.
  EigenSolver(Mat matrix, const EigenSettings& settings, petsc::CallbackGuard* guard = nullptr);

  /// Raises UsageError as the constructor does; solves nothing. Collective on the matrix.
  static void check_options(Mat matrix, const EigenSettings& settings);

  /// Number of eigenpairs that converged; with a real nonsymmetric matrix conjugate pairs come whole.
  std::size_t converged() const { return converged_; }
  /// Number of eigenpairs that the settings or the database asked for; some may not have converged.
  std::size_t wanted() const;
  /// Number of converged eigenpairs that answer the request: wanted() of them, or one more to make a pair
  /// whole.
  std::size_t listed() const;
  /// True where eigenvalue 0 is the one of largest real part of the whole matrix.
  bool is_rightmost_first() const;
  /// SLEPc's name of the method.
  std::string method() const;

  /// Eigenvalue i < converged(), in the order of the solver. Collective.
  Eigenvalue eigenvalue(std::size_t i) const;
  /// The first `count` eigenvalues. Collective.
  std::vector<Eigenvalue> eigenvalues(std::size_t count) const;
  /// Eigenvalue i and its vector of unit 2-norm: real and imaginary part. Collective.
  Eigenvalue eigenpair(std::size_t i, Vec real, Vec imag) const;

 private:
  explicit EigenSolver(Mat matrix) : matrix_(matrix) {}
  void configure(const EigenSettings& settings);
  void set_method(const EigenSettings& settings) const;
  void set_start() const;

  EpsHandle eps_;
  Mat matrix_;
  std::size_t converged_ = 0;
};

}  // namespace spnode::spectral
