#include "core/systems/switching.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spnode::core {
namespace {

/// With |A| h <= 1/2 the rest of the exponential's series is 2^-17 / 17! = 2e-20 of what is added.
constexpr std::size_t degree = 16;
constexpr double largest_product = 0.5;
constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double shortest_share = 0x1p-26;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// y = A x.
void multiply(std::span<const double> A, const double* x, double* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = std::inner_product(x, x + n, &A[i * n], 0.0);
}

double row_sum_norm(std::span<const double> A, std::size_t n) {
  double norm = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < n; ++j) sum += std::abs(A[i * n + j]);
    norm = std::max(norm, sum);
  }
  return norm;
}

double value_of(std::span<const double> series, double s) {
  double value = 0.0;
  for (std::size_t k = series.size(); k-- > 0;) value = value * s + series[k];
  return value;
}

double slope_of(std::span<const double> series, double s) {
  double slope = 0.0;
  for (std::size_t k = series.size(); k-- > 1;) slope = slope * s + double(k) * series[k];
  return slope;
}

/// The zero of a series that falls from a value >= 0 at 0 to one <= 0 at `step`.
double zero_of(std::span<const double> series, double step) {
  double low = 0.0, high = step, s = 0.5 * step;
  for (int i = 0; i < 100; ++i) {
    const double value = value_of(series, s);
    (value > 0.0 ? low : high) = s;
    double next = s - value / slope_of(series, s);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - s) <= epsilon * step) return next;
    s = next;
  }
  return s;
}

}  // namespace

SwitchingSystem::SwitchingSystem(const SwitchingOptions& options)
    : A_{options.a1, options.a2},
      b_{options.b1, options.b2},
      c_(options.c),
      d_(options.d),
      spread_(options.spread),
      continuous_(true) {
  for (auto& b : b_)
    for (double& entry : b) entry *= options.mu;
  // f_2 - f_1 = (A_2 - A_1) u + b_2 - b_1 vanishes on the plane where the rows of A_2 - A_1 are multiples
  // a_i c^T and b_2 - b_1 = -d a.
  const std::size_t n = c_.size();
  const double square = dot(c_, c_);
  for (std::size_t i = 0; i < n; ++i) {
    double a = 0.0, size = std::abs(b_[0][i]) + std::abs(b_[1][i]);
    for (std::size_t j = 0; j < n; ++j) {
      a += (A_[1][i * n + j] - A_[0][i * n + j]) * c_[j] / square;
      size += (1.0 + std::abs(d_)) * (std::abs(A_[0][i * n + j]) + std::abs(A_[1][i * n + j]));
    }
    double difference = std::abs(b_[1][i] - b_[0][i] + d_ * a);
    for (std::size_t j = 0; j < n; ++j)
      difference += std::abs(A_[1][i * n + j] - A_[0][i * n + j] - a * c_[j]);
    if (difference > 64.0 * epsilon * size) continuous_ = false;
  }
}

double SwitchingSystem::distance(std::span<const double> u) const { return dot(c_, u) - d_; }

void SwitchingSystem::rhs_of(Side side, std::span<const double> u, std::span<double> rate) const {
  multiply(A_[side], u.data(), rate.data(), c_.size());
  for (std::size_t i = 0; i < c_.size(); ++i) rate[i] += b_[side][i];
}

bool SwitchingSystem::slides_at(std::span<const double> u) const {
  double size = std::abs(d_);
  for (std::size_t i = 0; i < c_.size(); ++i) size += std::abs(c_[i] * u[i]);
  if (continuous_ || std::abs(distance(u)) > 64.0 * epsilon * size) return false;
  std::vector<double> rate(c_.size());
  rhs_of(below, u, rate);
  const double from_below = dot(c_, rate);
  rhs_of(above, u, rate);
  return from_below > 0.0 && dot(c_, rate) < 0.0;
}

void SwitchingSystem::sliding_rhs(std::span<const double> u, std::span<double> rate) const {
  std::vector<double> other(c_.size());
  rhs_of(below, u, rate);
  rhs_of(above, u, other);
  const double from_below = dot(c_, rate), from_above = dot(c_, other);
  const double share = from_below / (from_below - from_above);
  for (std::size_t i = 0; i < rate.size(); ++i) rate[i] += share * (other[i] - rate[i]);
}

void SwitchingSystem::rhs(std::span<const double> u, std::span<double> rate) const {
  if (slides_at(u)) return sliding_rhs(u, rate);
  rhs_of(distance(u) < 0.0 ? below : above, u, rate);
}

void SwitchingSystem::jacobian(std::span<const double> u, std::span<double> matrix) const {
  std::ranges::copy(A_[distance(u) < 0.0 ? below : above], matrix.begin());
}

void SwitchingSystem::initial_state(const Random& random, std::span<double> u) const {
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = random.uniform(i, -spread_, spread_);
}

std::vector<std::string> SwitchingSystem::component_names() const {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= c_.size(); ++i) names.emplace_back("x").append(std::to_string(i));
  return names;
}

SwitchingOrbit::SwitchingOrbit(const SwitchingSystem& system, std::span<const double> u)
    : system_(&system),
      u_(u.begin(), u.end()),
      v_(u.size(), 0.0),
      f_(u.size()),
      g_(u.size()),
      u_series_((degree + 1) * u.size()),
      v_series_((degree + 1) * u.size()) {
  v_[0] = 1.0;
  const double norm = std::max(row_sum_norm(system.matrix(SwitchingSystem::below), u.size()),
                               row_sum_norm(system.matrix(SwitchingSystem::above), u.size()));
  side_step_ = norm > 0.0 ? largest_product / norm : 1.0;
  const double distance = system.distance(u_);
  mode_ = distance < 0.0 ? Mode::below : Mode::above;
  if (distance == 0.0) mode_ = mode_at_plane();
}

void SwitchingOrbit::rhs_of(Mode mode, std::span<const double> u, std::span<double> rate) const {
  if (mode == Mode::sliding) return system_->sliding_rhs(u, rate);
  system_->rhs_of(mode == Mode::below ? SwitchingSystem::below : SwitchingSystem::above, u, rate);
}

void SwitchingOrbit::rate(std::span<double> rate) const { rhs_of(mode_, u_, rate); }

// u^(k+1) = A u^(k) / (k + 1), and + b for k = 0; the tangent without b.
void SwitchingOrbit::expand_side(SwitchingSystem::Side side) {
  const std::size_t n = u_.size();
  for (std::size_t k = 0; k < degree; ++k) {
    double *const u = &u_series_[(k + 1) * n], *const v = &v_series_[(k + 1) * n];
    multiply(system_->matrix(side), u - n, u, n);
    multiply(system_->matrix(side), v - n, v, n);
    for (std::size_t i = 0; i < n; ++i) {
      if (k == 0) u[i] += system_->force(side)[i];
      u[i] /= double(k + 1);
      v[i] /= double(k + 1);
    }
  }
}

// Filippov's equation by the arithmetic of power series, and its derivative.
void SwitchingOrbit::expand_sliding() {
  const std::size_t n = u_.size();
  std::vector<double> f[2], f_dot[2];     // both sides' right-hand sides, (degree, n)
  Series fall(degree), fall_dot(degree);  // c.(f_1 - f_2)
  for (int side : {0, 1}) {
    f[side].resize(degree * n), f_dot[side].resize(degree * n);
    normal_[side].assign(degree, 0.0), normal_dot_[side].assign(degree, 0.0);
  }
  share_.assign(degree, 0.0), share_dot_.assign(degree, 0.0);
  for (std::size_t k = 0; k < degree; ++k) {
    for (int side : {0, 1}) {
      const auto A = system_->matrix(SwitchingSystem::Side(side));
      multiply(A, &u_series_[k * n], &f[side][k * n], n);
      multiply(A, &v_series_[k * n], &f_dot[side][k * n], n);
      for (std::size_t i = 0; k == 0 && i < n; ++i)
        f[side][i] += system_->force(SwitchingSystem::Side(side))[i];
      normal_[side][k] = dot(system_->normal(), std::span(f[side]).subspan(k * n, n));
      normal_dot_[side][k] = dot(system_->normal(), std::span(f_dot[side]).subspan(k * n, n));
    }
    fall[k] = normal_[0][k] - normal_[1][k];
    fall_dot[k] = normal_dot_[0][k] - normal_dot_[1][k];
    double share = normal_[0][k], share_dot = normal_dot_[0][k];
    for (std::size_t j = 1; j <= k; ++j) {
      share -= fall[j] * share_[k - j];
      share_dot -= fall_dot[j] * share_[k - j] + fall[j] * share_dot_[k - j];
    }
    share_[k] = share / fall[0];
    share_dot_[k] = (share_dot - fall_dot[0] * share_[k]) / fall[0];
    for (std::size_t i = 0; i < n; ++i) {
      double value = f[0][k * n + i], value_dot = f_dot[0][k * n + i];
      for (std::size_t j = 0; j <= k; ++j) {
        const std::size_t at = (k - j) * n + i;
        value += share_[j] * (f[1][at] - f[0][at]);
        value_dot += share_dot_[j] * (f[1][at] - f[0][at]) + share_[j] * (f_dot[1][at] - f_dot[0][at]);
      }
      u_series_[(k + 1) * n + i] = value / double(k + 1);
      v_series_[(k + 1) * n + i] = value_dot / double(k + 1);
    }
  }
}

void SwitchingOrbit::expand() {
  std::ranges::copy(u_, u_series_.begin());
  std::ranges::copy(v_, v_series_.begin());
  if (mode_ == Mode::sliding)
    expand_sliding();
  else
    expand_side(mode_ == Mode::below ? SwitchingSystem::below : SwitchingSystem::above);
}

// In sliding the series are those of a rational function: the last terms must be below rounding.
double SwitchingOrbit::longest_step() const {
  if (mode_ != Mode::sliding) return side_step_;
  const std::size_t n = u_.size();
  const auto size = [&](const std::vector<double>& series, std::size_t k) {
    double largest = 0.0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(series[k * n + i]));
    return largest;
  };
  double step = side_step_;
  for (const auto* series : {&u_series_, &v_series_})
    for (const std::size_t k : {degree - 1, degree}) {
      const double rest = size(*series, k), first = size(*series, 0) + size(*series, 1) * side_step_;
      if (rest > 0.0) step = std::min(step, 0.5 * std::pow(epsilon * first / rest, 1.0 / double(k)));
    }
  return step;
}

// On a side the distance to the plane; in sliding what both sides push with. A known zero at the beginning
// is divided out.
void SwitchingOrbit::set_exits() {
  exits_.clear();
  exit_modes_.clear();
  if (mode_ == Mode::sliding) {
    exits_ = {normal_[0], normal_[1]};
    for (double& entry : exits_[1]) entry = -entry;
    exit_modes_ = {Mode::below, Mode::above};
    return;
  }
  const double sign = mode_ == Mode::below ? -1.0 : 1.0;
  const std::size_t n = u_.size();
  Series distance;
  for (std::size_t k = contact_; k <= degree; ++k)
    distance.push_back(sign * (dot(system_->normal(), std::span(u_series_).subspan(k * n, n)) -
                               (k == 0 ? system_->offset() : 0.0)));
  exits_ = {std::move(distance)};
  exit_modes_ = {mode_ == Mode::below ? Mode::above : Mode::below};
}

SwitchingOrbit::Crossing SwitchingOrbit::next_crossing(const Series& distance, double step) {
  if (distance.empty()) return {step, false};
  const double shortest = shortest_share * step;
  for (;; step *= 0.5) {
    double change = 0.0, bend = 0.0, power = 1.0;
    for (std::size_t k = 1; k < distance.size(); ++k) {
      if (k > 1) bend += double(k) * std::abs(distance[k]) * power;
      power *= step;
      change += std::abs(distance[k]) * power;
    }
    if (distance[0] > change) return {step, false};
    const bool reached = value_of(distance, step) <= 0.0;
    if (distance[0] > 0.0 && std::abs(distance[1]) > bend)  // monotone
      return reached ? Crossing{zero_of(distance, step), true} : Crossing{step, false};
    if (step <= shortest) return {step, reached};
  }
}

void SwitchingOrbit::move(double step) {
  const std::size_t n = u_.size();
  for (auto [series, to] : {std::pair(&u_series_, &u_), std::pair(&v_series_, &v_)}) {
    std::ranges::fill(*to, 0.0);
    for (std::size_t k = degree + 1; k-- > 0;)
      for (std::size_t i = 0; i < n; ++i) (*to)[i] = (*to)[i] * step + (*series)[k * n + i];
  }
  time_ += step;
  contact_ = 0;
  if (mode_ != Mode::sliding) return;
  const auto c = system_->normal();  // rounding must not lead away from the plane
  const double away = system_->distance(u_) / dot(c, c), tilt = dot(c, v_) / dot(c, c);
  for (std::size_t i = 0; i < n; ++i) {
    u_[i] -= away * c[i];
    v_[i] -= tilt * c[i];
  }
}

// Where each side leads from the plane: by c.f, where this is rounding by c.A f. Sets the order of contact.
SwitchingOrbit::Mode SwitchingOrbit::mode_at_plane() {
  const std::size_t n = u_.size();
  int leads[2];  // -1: to below, 1: to above
  std::size_t contact[2];
  for (int side : {0, 1}) {
    const auto at = SwitchingSystem::Side(side);
    system_->rhs_of(at, u_, f_);
    double speed = dot(system_->normal(), f_), size = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      double row = std::abs(system_->force(at)[i]);
      for (std::size_t j = 0; j < n; ++j) row += std::abs(system_->matrix(at)[i * n + j] * u_[j]);
      size += std::abs(system_->normal()[i]) * row;
    }
    contact[side] = 1;
    if (std::abs(speed) <= 64.0 * epsilon * size) {
      contact[side] = 2;
      multiply(system_->matrix(at), f_.data(), g_.data(), n);
      speed = dot(system_->normal(), g_);
    }
    leads[side] = speed > 0.0 ? 1 : speed < 0.0 ? -1 : 0;
  }
  if (system_->is_continuous()) leads[1] = leads[0];
  if (leads[0] > 0 && leads[1] < 0) return Mode::sliding;
  const bool up = leads[1] > 0 || (leads[1] == 0 && leads[0] >= 0);
  contact_ = contact[up ? 1 : 0];
  if (leads[up ? 1 : 0] == 0) contact_ = degree + 1;  // nothing leads away: an equilibrium on the plane
  return up ? Mode::above : Mode::below;
}

void SwitchingOrbit::jump(Mode from, Mode to) {
  if (system_->is_continuous() || from == Mode::sliding || from == to) return;
  rhs_of(from, u_, f_);
  rhs_of(to, u_, g_);
  const double speed = dot(system_->normal(), f_);
  if (speed == 0.0) return;
  const double share = dot(system_->normal(), v_) / speed;
  for (std::size_t i = 0; i < v_.size(); ++i) v_[i] += share * (g_[i] - f_[i]);
}

void SwitchingOrbit::change_mode(std::size_t exit) {
  const Mode from = mode_, offered = exit_modes_[exit];
  if (from == Mode::sliding) {  // one side stops pushing: its c.f is zero, and the state leaves into it
    mode_ = offered;
    contact_ = 2;
    return;
  }
  mode_ = mode_at_plane();
  jump(from, mode_);
}

void SwitchingOrbit::advance(double length, std::vector<Event>* events) {
  double left = length;
  while (left > 0.0) {
    expand();
    set_exits();
    double step = std::min(longest_step(), left);
    if (!std::isfinite(value_of(exits_[0], step)) || !std::isfinite(dot(u_, u_))) {
      std::ranges::fill(u_, std::numeric_limits<double>::quiet_NaN());
      return;
    }
    std::size_t exit = exits_.size();
    for (std::size_t i = 0; i < exits_.size(); ++i) {
      const Crossing crossing = next_crossing(exits_[i], step);
      if (crossing.happens)
        exit = i;
      else if (crossing.step < step)
        exit = exits_.size();
      step = crossing.step;
    }
    move(step);
    left -= step;
    if (exit == exits_.size()) continue;
    const Mode from = mode_;
    change_mode(exit);
    if (events != nullptr && from != mode_) events->push_back({time_, from, mode_});
  }
}

}  // namespace spnode::core
