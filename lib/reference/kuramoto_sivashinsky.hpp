#pragma once
/// Trajectories of the Kuramoto-Sivashinsky equation with fast transforms.

#include "core/systems/kuramoto_sivashinsky.hpp"

#include <fftw3.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace spnode::reference {

/// Advances one trajectory of core::KuramotoSivashinsky by ETDRK4 on its Fourier coefficients.
///
/// Scheme: Cox and Matthews (2002), coefficients by contour integrals as in Kassam and Trefethen (2005),
/// order 4. Only the half spectrum of the real field is kept: with a full complex spectrum the unused
/// imaginary part of the field grows without bound in long runs. Modes 0 and N/2 are zero. Results depend on
/// the arguments alone, to the last bit: the transforms are planned without measurements. Not collective; one
/// object per thread.
class KuramotoSivashinskySolver {
 public:
  /// step: length of a time step, positive.
  KuramotoSivashinskySolver(const core::KuramotoSivashinsky& system, double step);

  /// u: (grid points). The mean of the field is dropped.
  void set_state(std::span<const double> u);

  /// Takes so many steps.
  void advance(std::size_t steps);

  /// The field at the grid points. u: (grid points).
  void get_state(std::span<double> u);

 private:
  struct Free {
    void operator()(void* memory) const { fftw_free(memory); }
    void operator()(fftw_plan plan) const { fftw_destroy_plan(plan); }
  };
  using Plan = std::unique_ptr<fftw_plan_s, Free>;
  /// Half spectrum: real and imaginary parts of the modes 0 .. N/2 in turn, (N + 2).
  using Spectrum = std::vector<double>;

  /// What ETDRK4 multiplies each mode with; a mode's factor stands twice, for its real and its imaginary
  /// part.
  struct Coefficients {
    Spectrum full, half;       ///< exp(h l), exp(h l / 2)
    Spectrum stage;            ///< h phi_1(h l / 2) / 2
    Spectrum f1, f2, f3;       ///< weights of N(v), of N(a) + N(b) (f2 already doubled), of N(c)
    std::vector<double> flux;  ///< q / (2 N^2), (N / 2 + 1): half the derivative, transforms' scaling
  };

  static Coefficients make_coefficients(const core::KuramotoSivashinsky& system, double step);

  /// rate: the nonlinear right-hand side -(u^2)_x / 2 of the field in spectrum_, as coefficients.
  void nonlinear_rate(Spectrum& rate);
  void step();

  std::size_t n_;
  Coefficients c_;
  std::unique_ptr<double[], Free> spectrum_, grid_;  ///< what the transforms read and write: (N + 2), (N)
  Plan to_grid_, to_spectrum_;
  Spectrum v_, a_, rate_v_, rate_a_, rate_b_, rate_c_;
};

}  // namespace spnode::reference
