#include "reference/kuramoto_sivashinsky.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace spnode::reference {

namespace {

/// The four functions of z that ETDRK4 needs besides the exponentials.
struct EtdFunctions {
  double stage = 0.0, f1 = 0.0, f2 = 0.0, f3 = 0.0;
};

/// Means over the upper half of a circle of radius 1 around z, where the formulas do not cancel; the
/// integrands are analytic and real on the axis, so that the trapezoidal rule converges exponentially (Kassam
/// and Trefethen 2005, section 2.1).
EtdFunctions etd_functions(double z) {
  constexpr int points = 32;
  EtdFunctions mean;
  for (int j = 0; j < points; ++j) {
    const std::complex<double> w = z + std::polar(1.0, std::numbers::pi * (j + 0.5) / points);
    const std::complex<double> e = std::exp(w), cube = w * w * w;
    mean.stage += std::real((std::exp(w / 2.0) - 1.0) / w) / points;
    mean.f1 += std::real((-4.0 - w + e * (4.0 - 3.0 * w + w * w)) / cube) / points;
    mean.f2 += std::real((2.0 + w + e * (w - 2.0)) / cube) / points;
    mean.f3 += std::real((-4.0 - 3.0 * w - w * w + e * (4.0 - w)) / cube) / points;
  }
  return mean;
}

fftw_complex* as_complex(double* data) { return reinterpret_cast<fftw_complex*>(data); }

}  // namespace

KuramotoSivashinskySolver::Coefficients KuramotoSivashinskySolver::make_coefficients(
    const core::KuramotoSivashinsky& system, double step) {
  const std::size_t n = system.dimension();
  Coefficients c;
  for (Spectrum* factors : {&c.full, &c.half, &c.stage, &c.f1, &c.f2, &c.f3}) factors->assign(n + 2, 0.0);
  c.flux.assign(n / 2 + 1, 0.0);
  for (std::size_t mode = 1; mode < n / 2; ++mode) {
    const double z = step * system.growth_rate(mode);
    const EtdFunctions functions = etd_functions(z);
    for (std::size_t i = 2 * mode; i < 2 * mode + 2; ++i) {
      c.full[i] = std::exp(z);
      c.half[i] = std::exp(z / 2.0);
      c.stage[i] = step * functions.stage;
      c.f1[i] = step * functions.f1;
      c.f2[i] = step * 2.0 * functions.f2;
      c.f3[i] = step * functions.f3;
    }
    c.flux[mode] = system.wave_number(mode) / (2.0 * static_cast<double>(n * n));
  }
  return c;
}

KuramotoSivashinskySolver::KuramotoSivashinskySolver(const core::KuramotoSivashinsky& system, double step)
    : n_(system.dimension()),
      c_(make_coefficients(system, step)),
      spectrum_(fftw_alloc_real(n_ + 2)),
      grid_(fftw_alloc_real(n_)) {
  const int n = static_cast<int>(n_);
  const unsigned flags = FFTW_ESTIMATE | FFTW_DESTROY_INPUT;
  to_grid_.reset(fftw_plan_dft_c2r_1d(n, as_complex(spectrum_.get()), grid_.get(), flags));
  to_spectrum_.reset(fftw_plan_dft_r2c_1d(n, grid_.get(), as_complex(spectrum_.get()), flags));
  for (Spectrum* buffer : {&v_, &a_, &rate_v_, &rate_a_, &rate_b_, &rate_c_}) buffer->assign(n_ + 2, 0.0);
}

void KuramotoSivashinskySolver::set_state(std::span<const double> u) {
  std::copy(u.begin(), u.end(), grid_.get());
  fftw_execute(to_spectrum_.get());
  std::copy_n(spectrum_.get(), n_ + 2, v_.begin());
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, n_, n_ + 1}) v_[i] = 0.0;
}

void KuramotoSivashinskySolver::get_state(std::span<double> u) {
  std::copy(v_.begin(), v_.end(), spectrum_.get());
  fftw_execute(to_grid_.get());
  for (std::size_t j = 0; j < n_; ++j) u[j] = grid_[j] / static_cast<double>(n_);
}

void KuramotoSivashinskySolver::advance(std::size_t steps) {
  for (std::size_t s = 0; s < steps; ++s) step();
}

void KuramotoSivashinskySolver::nonlinear_rate(Spectrum& rate) {
  fftw_execute(to_grid_.get());
  double* const u = grid_.get();
  for (std::size_t j = 0; j < n_; ++j) u[j] *= u[j];
  fftw_execute(to_spectrum_.get());
  const double* const w = spectrum_.get();
  for (std::size_t mode = 0; mode <= n_ / 2; ++mode) {  // times -i q / 2
    rate[2 * mode] = c_.flux[mode] * w[2 * mode + 1];
    rate[2 * mode + 1] = -c_.flux[mode] * w[2 * mode];
  }
}

void KuramotoSivashinskySolver::step() {
  const std::size_t size = n_ + 2;
  double* const stage = spectrum_.get();
  std::copy(v_.begin(), v_.end(), stage);
  nonlinear_rate(rate_v_);
  for (std::size_t i = 0; i < size; ++i) stage[i] = a_[i] = c_.half[i] * v_[i] + c_.stage[i] * rate_v_[i];
  nonlinear_rate(rate_a_);
  for (std::size_t i = 0; i < size; ++i) stage[i] = c_.half[i] * v_[i] + c_.stage[i] * rate_a_[i];
  nonlinear_rate(rate_b_);
  for (std::size_t i = 0; i < size; ++i)
    stage[i] = c_.half[i] * a_[i] + c_.stage[i] * (2.0 * rate_b_[i] - rate_v_[i]);
  nonlinear_rate(rate_c_);
  for (std::size_t i = 0; i < size; ++i)
    v_[i] = c_.full[i] * v_[i] + c_.f1[i] * rate_v_[i] + c_.f2[i] * (rate_a_[i] + rate_b_[i]) +
            c_.f3[i] * rate_c_[i];
}

}  // namespace spnode::reference
