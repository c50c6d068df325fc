#include "core/limit_sets/system_orbits.hpp"

#include "core/integrators/schemes.hpp"
#include "core/support/option.hpp"
#include "core/systems/switching.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::core {
namespace {

using Systems = std::vector<std::unique_ptr<ReferenceSystem>>;

double normalise(std::span<double> v) {
  double square = 0.0;
  for (const double x : v) square += x * x;
  const double norm = std::sqrt(square);
  if (norm > 0.0)
    for (double& x : v) x /= norm;
  return norm;
}

/// States and tangents as rows of arrays.
class RowOrbits : public Orbits {
 public:
  RowOrbits(Systems systems, std::span<const double> states)
      : systems_(std::move(systems)),
        n_(systems_.front()->dimension()),
        count_(states.size() / n_),
        starts_(count_ / systems_.size()),
        u_(states.begin(), states.end()),
        v_(u_.size(), 0.0),
        image_(n_),
        matrix_(n_ * n_) {
    for (std::size_t orbit = 0; orbit < count_; ++orbit) v_[orbit * n_] = 1.0;
  }

  std::size_t count() const override { return count_; }
  std::size_t dimension() const override { return n_; }
  double state(std::size_t orbit, std::size_t i) const override { return u_[orbit * n_ + i]; }
  double normalise_tangent(std::size_t orbit) override { return normalise(row(v_, orbit)); }

 protected:
  const ReferenceSystem& system(std::size_t orbit) const { return *systems_[orbit / starts_]; }
  std::span<double> row(std::vector<double>& rows, std::size_t orbit) const {
    return std::span(rows).subspan(orbit * n_, n_);
  }
  std::span<const double> row(const std::vector<double>& rows, std::size_t orbit) const {
    return std::span(rows).subspan(orbit * n_, n_);
  }
  /// f = f(u), f_dot = (d f / d u) v.
  void linearised(const ReferenceSystem& system, std::span<const double> u, std::span<const double> v,
                  std::span<double> f, std::span<double> f_dot) {
    system.rhs(u, f);
    system.jacobian(u, matrix_);
    for (std::size_t i = 0; i < n_; ++i) {
      f_dot[i] = 0.0;
      for (std::size_t j = 0; j < n_; ++j) f_dot[i] += matrix_[i * n_ + j] * v[j];
    }
  }

  Systems systems_;
  std::size_t n_, count_, starts_;
  std::vector<double> u_, v_, image_, matrix_;
};

class MapOrbits final : public RowOrbits {
 public:
  MapOrbits(Systems systems, std::span<const double> states)
      : RowOrbits(std::move(systems), states), image_dot_(n_) {}

  bool is_map() const override { return true; }
  void advance() override {
    for (std::size_t orbit = 0; orbit < count_; ++orbit) {
      const auto u = row(u_, orbit), v = row(v_, orbit);
      linearised(system(orbit), u, v, image_, image_dot_);
      std::ranges::copy(image_, u.begin());
      std::ranges::copy(image_dot_, v.begin());
    }
  }
  double rate(std::size_t, std::size_t) const override { return 0.0; }
  double maximum(std::size_t, std::size_t, std::span<double>) const override { return 0.0; }

 private:
  std::vector<double> image_dot_;
};

/// Equal steps of an explicit scheme for the state and its tangent.
class SmoothOrbits final : public RowOrbits {
 public:
  SmoothOrbits(Systems systems, std::span<const double> states, double step)
      : RowOrbits(std::move(systems), states),
        tableau_(dopri5_tableau()),
        step_(step),
        before_(u_),
        slopes_(tableau_.b.size(), std::vector<double>(2 * n_)),
        rates_before_(u_.size()),
        rates_(u_.size()),
        stage_(2 * n_) {
    for (std::size_t orbit = 0; orbit < count_; ++orbit)
      system(orbit).rhs(row(u_, orbit), row(rates_, orbit));
  }

  bool is_map() const override { return false; }
  void advance() override {
    before_ = u_;
    rates_before_ = rates_;
    for (std::size_t orbit = 0; orbit < count_; ++orbit) {
      for (std::size_t s = 0; s < slopes_.size(); ++s) {
        add_slopes(orbit, tableau_.a[s], stage_);
        const std::span stage(stage_), slope(slopes_[s]);
        linearised(system(orbit), stage.first(n_), stage.last(n_), slope.first(n_), slope.last(n_));
      }
      add_slopes(orbit, tableau_.b, stage_);
      std::copy_n(stage_.begin(), n_, row(u_, orbit).begin());
      std::copy_n(stage_.begin() + std::ptrdiff_t(n_), n_, row(v_, orbit).begin());
      system(orbit).rhs(row(u_, orbit), row(rates_, orbit));
    }
  }
  double rate(std::size_t orbit, std::size_t i) const override { return rates_[orbit * n_ + i]; }
  double maximum(std::size_t orbit, std::size_t component, std::span<double> u) const override {
    std::vector<double> change(n_), next_change(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      change[i] = step_ * rates_before_[orbit * n_ + i];
      next_change[i] = step_ * rates_[orbit * n_ + i];
    }
    const CubicStep cubic{row(before_, orbit), row(u_, orbit), change, next_change};
    const double share = cubic.maximum(component);
    for (std::size_t i = 0; i < n_; ++i) u[i] = cubic.value(i, share);
    return share;
  }

 private:
  // to = [u; v] + step sum of weights times slopes.
  void add_slopes(std::size_t orbit, const std::vector<double>& weights, std::vector<double>& to) const {
    std::ranges::copy(row(u_, orbit), to.begin());
    std::ranges::copy(row(v_, orbit), to.begin() + std::ptrdiff_t(n_));
    for (std::size_t s = 0; s < weights.size(); ++s)
      for (std::size_t i = 0; i < 2 * n_; ++i) to[i] += step_ * weights[s] * slopes_[s][i];
  }

  ExplicitTableau tableau_;
  double step_;
  std::vector<double> before_;
  std::vector<std::vector<double>> slopes_;
  std::vector<double> rates_before_, rates_, stage_;
};

/// Exact orbits with a switching plane.
class SwitchingOrbits final : public Orbits {
 public:
  SwitchingOrbits(Systems systems, std::span<const double> states, double step)
      : systems_(std::move(systems)), n_(systems_.front()->dimension()), step_(step) {
    const std::size_t count = states.size() / n_, starts = count / systems_.size();
    for (std::size_t orbit = 0; orbit < count; ++orbit)
      orbits_.emplace_back(dynamic_cast<const SwitchingSystem&>(*systems_[orbit / starts]),
                           states.subspan(orbit * n_, n_));
    before_ = orbits_;
  }

  std::size_t count() const override { return orbits_.size(); }
  std::size_t dimension() const override { return n_; }
  bool is_map() const override { return false; }
  void advance() override {
    for (std::size_t orbit = 0; orbit < orbits_.size(); ++orbit) {
      before_[orbit] = orbits_[orbit];
      orbits_[orbit].advance(step_);
    }
  }
  double state(std::size_t orbit, std::size_t i) const override { return orbits_[orbit].state()[i]; }
  double normalise_tangent(std::size_t orbit) override { return normalise(orbits_[orbit].tangent()); }
  double rate(std::size_t orbit, std::size_t i) const override {
    std::vector<double> rate(n_);
    orbits_[orbit].rate(rate);
    return rate[i];
  }
  // Bisection for the time at which the rate falls through zero, or jumps over it at the plane.
  double maximum(std::size_t orbit, std::size_t component, std::span<double> u) const override {
    std::vector<double> rate(n_);
    double low = 0.0, high = 1.0;
    while (high - low > 1e-14) {
      const double middle = 0.5 * (low + high);
      SwitchingOrbit trial = before_[orbit];
      trial.advance(middle * step_);
      trial.rate(rate);
      (rate[component] > 0.0 ? low : high) = middle;
    }
    SwitchingOrbit at = before_[orbit];
    at.advance(high * step_);
    std::ranges::copy(at.state(), u.begin());
    return high;
  }

 private:
  Systems systems_;
  std::size_t n_;
  double step_;
  std::vector<SwitchingOrbit> orbits_, before_;
};

}  // namespace

std::unique_ptr<Orbits> make_orbits(std::vector<std::unique_ptr<ReferenceSystem>> systems,
                                    std::span<const double> states, double step) {
  switch (systems.front()->solution()) {
    case Solution::map:
      return std::make_unique<MapOrbits>(std::move(systems), states);
    case Solution::piecewise_linear:
      return std::make_unique<SwitchingOrbits>(std::move(systems), states, step);
    case Solution::linear_exact:
    case Solution::explicit_adaptive:
      return std::make_unique<SmoothOrbits>(std::move(systems), states, step);
    case Solution::implicit_adaptive:
    case Solution::fourier_etdrk4:
      break;
  }
  throw OptionError({"system"}, "is stiff; limit sets are computed of maps and of flows that are not");
}

}  // namespace spnode::core
