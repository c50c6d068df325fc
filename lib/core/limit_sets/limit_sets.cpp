#include "core/limit_sets/limit_sets.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace spnode::core {
namespace {

constexpr std::size_t parts = 16;  // of the length, for the error of the exponent
constexpr double infinity = std::numeric_limits<double>::infinity();

/// What is kept of one orbit.
class OrbitRecord {
 public:
  OrbitRecord(std::size_t dimension, std::size_t capacity)
      : n_(dimension), capacity_(capacity), size_(n_, 0.0), low_(n_, infinity), high_(n_, -infinity) {}

  bool unbounded = false;
  double rate = 0.0;    ///< of the component whose maxima count, at the end of the last step
  double growth = 0.0;  ///< logarithm of the tangent's growth
  std::array<double, parts + 1> growth_at{};  ///< at the ends of the parts

  void see_size(std::size_t i, double value) { size_[i] = std::max(size_[i], std::abs(value)); }
  void see_range(std::size_t i, double value) {
    low_[i] = std::min(low_[i], value);
    high_[i] = std::max(high_[i], value);
  }

  /// One more point, at this time. The oldest one goes.
  void add_point(std::span<const double> u, double time) {
    if (times_.size() < capacity_) {
      states_.resize(states_.size() + n_);
      times_.push_back(0.0);
      growths_.push_back(0.0);
    }
    std::ranges::copy(u, states_.begin() + std::ptrdiff_t(next_ * n_));
    times_[next_] = time;
    growths_[next_] = growth;
    next_ = (next_ + 1) % capacity_;
  }

  std::size_t points() const { return times_.size(); }
  /// Of the point that came `back` points before the last one.
  std::span<const double> state(std::size_t back) const {
    return std::span(states_).subspan(place(back) * n_, n_);
  }
  double time(std::size_t back) const { return times_[place(back)]; }
  double growth_of(std::size_t back) const { return growths_[place(back)]; }

  bool rests(double tolerance) const {
    for (std::size_t i = 0; i < n_; ++i)
      if (!(high_[i] - low_[i] <= tolerance * size_[i])) return false;
    return true;
  }

  /// The least number of points after which all that are kept repeat; 0: there is none up to `largest`.
  std::size_t period(std::size_t largest, double tolerance) const {
    for (std::size_t p = 1; p <= largest && 2 * p < points(); ++p)
      if (repeats_after(p, tolerance)) return p;
    return 0;
  }

 private:
  std::size_t place(std::size_t back) const { return (next_ + 2 * capacity_ - 1 - back) % capacity_; }
  bool repeats_after(std::size_t p, double tolerance) const {
    for (std::size_t back = 0; back + p < points(); ++back) {
      const auto u = state(back), before = state(back + p);
      for (std::size_t i = 0; i < n_; ++i)
        if (!(std::abs(u[i] - before[i]) <= tolerance * size_[i])) return false;
    }
    return true;
  }

  std::size_t n_, capacity_, next_ = 0;
  std::vector<double> size_, low_, high_, states_, times_, growths_;
};

class Search {
 public:
  Search(Orbits& orbits, const LimitSetOptions& options)
      : orbits_(orbits),
        options_(options),
        n_(orbits.dimension()),
        component_(options.component - 1),
        step_(orbits.is_map() ? 1.0 : options.step),
        state_(n_) {
    require_option(options.component <= n_, {"component"},
                   "is " + std::to_string(options.component) + "; the state has " + std::to_string(n_));
    const std::size_t capacity = std::max(2 * options.largest_period + 1, options.points);
    records_.assign(orbits.count(), OrbitRecord(n_, capacity));
  }

  std::vector<LimitSet> run() {
    const std::size_t before = steps(options_.transient);
    const std::size_t count = std::max(steps(options_.length), parts);
    see_sizes();
    for (std::size_t k = 0; k < before; ++k) {
      advance();
      see_sizes();
    }
    for (std::size_t orbit = 0; orbit < records_.size(); ++orbit) {
      records_[orbit].growth = 0.0;
      if (!orbits_.is_map()) records_[orbit].rate = orbits_.rate(orbit, component_);
    }
    for (std::size_t k = 1; k <= count; ++k) {
      advance();
      see_sizes();
      record(k, count);
    }
    std::vector<LimitSet> sets;
    for (std::size_t orbit = 0; orbit < records_.size(); ++orbit)
      sets.push_back(decide(orbit, double(count) * step_));
    return sets;
  }

 private:
  std::size_t steps(double length) const { return std::size_t(std::ceil(length / step_ * (1.0 - 1e-12))); }

  void advance() {
    orbits_.advance();
    for (std::size_t orbit = 0; orbit < records_.size(); ++orbit) {
      if (records_[orbit].unbounded) continue;
      const double growth = orbits_.normalise_tangent(orbit);
      records_[orbit].growth += std::log(std::max(growth, std::numeric_limits<double>::min()));
    }
  }

  void see_sizes() {
    for (std::size_t orbit = 0; orbit < records_.size(); ++orbit)
      for (std::size_t i = 0; i < n_ && !records_[orbit].unbounded; ++i) {
        const double value = orbits_.state(orbit, i);
        records_[orbit].see_size(i, value);
        if (!(std::abs(value) <= options_.bound)) records_[orbit].unbounded = true;
      }
  }

  // After step number k of `count`.
  void record(std::size_t k, std::size_t count) {
    const std::size_t part = k * parts / count;
    const bool ends = part != (k - 1) * parts / count;
    for (std::size_t orbit = 0; orbit < records_.size(); ++orbit) {
      OrbitRecord& record = records_[orbit];
      if (record.unbounded) continue;
      if (2 * k > count)
        for (std::size_t i = 0; i < n_; ++i) record.see_range(i, orbits_.state(orbit, i));
      if (ends) record.growth_at[part] = record.growth;
      if (orbits_.is_map()) {
        for (std::size_t i = 0; i < n_; ++i) state_[i] = orbits_.state(orbit, i);
        record.add_point(state_, double(k));
        continue;
      }
      const double rate = orbits_.rate(orbit, component_);
      if (record.rate > 0.0 && rate <= 0.0) {
        const double share = orbits_.maximum(orbit, component_, state_);
        record.add_point(state_, (double(k - 1) + share) * step_);
      }
      record.rate = rate;
    }
  }

  LimitSet decide(std::size_t orbit, double length) {
    const OrbitRecord& record = records_[orbit];
    LimitSet set;
    if (record.unbounded) {
      set.kind = LimitSetKind::unbounded;
      set.exponent = set.exponent_error = std::numeric_limits<double>::quiet_NaN();
      return set;
    }
    mean_growth(record, length, set);
    const bool rests = record.rests(options_.tolerance);
    set.period = rests ? 1 : record.period(options_.largest_period, options_.tolerance);
    if (rests)
      set.kind = LimitSetKind::fixed_point;
    else if (set.period > 0)
      set.kind = LimitSetKind::periodic;
    else if (std::abs(set.exponent) <= options_.exponent_tolerance)
      set.kind = LimitSetKind::quasi_periodic;
    else
      set.kind = set.exponent > 0.0 ? LimitSetKind::chaotic : LimitSetKind::undecided;
    if (orbits_.is_map() && set.period > 0) {
      const std::size_t whole = (record.points() - 1) / set.period * set.period;
      set.exponent = (record.growth_of(0) - record.growth_of(whole)) / double(whole);
      set.exponent_error = 0.0;
    }
    if (set.period > 0 && !(rests && !orbits_.is_map()))
      set.period_time = record.time(0) - record.time(set.period);
    set.points = orbits_.shown(chosen_points(orbit, rests, set.period));
    return set;
  }

  static void mean_growth(const OrbitRecord& record, double length, LimitSet& set) {
    set.exponent = record.growth_at[parts] / length;
    double square = 0.0;
    for (std::size_t part = 0; part < parts; ++part) {
      const double mean = (record.growth_at[part + 1] - record.growth_at[part]) * double(parts) / length;
      square += (mean - set.exponent) * (mean - set.exponent);
    }
    set.exponent_error = std::sqrt(square / double(parts * (parts - 1)));
  }

  /// One period of them, or the last ones; of an orbit at rest its state.
  std::vector<double> chosen_points(std::size_t orbit, bool rests, std::size_t period) const {
    const OrbitRecord& record = records_[orbit];
    std::vector<double> points;
    if (rests) {
      for (std::size_t i = 0; i < n_; ++i) points.push_back(orbits_.state(orbit, i));
      return points;
    }
    for (std::size_t back = std::min(period > 0 ? period : options_.points, record.points()); back-- > 0;) {
      const auto u = record.state(back);
      points.insert(points.end(), u.begin(), u.end());
    }
    return points;
  }

  Orbits& orbits_;
  LimitSetOptions options_;
  std::size_t n_, component_;
  double step_;
  std::vector<double> state_;
  std::vector<OrbitRecord> records_;
};

}  // namespace

std::vector<LimitSet> find_limit_sets(Orbits& orbits, const LimitSetOptions& options) {
  return Search(orbits, options).run();
}

}  // namespace spnode::core
