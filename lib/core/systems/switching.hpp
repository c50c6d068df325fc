#pragma once
/// Piecewise linear flows with a switching plane.

#include "core/systems/options.hpp"
#include "core/systems/reference_system.hpp"

#include <array>

namespace spnode::core {

/// du/dt = A_1 u + mu b_1 where c.u < d, A_2 u + mu b_2 where c.u >= d (LECTURE, "Normal form at the
/// transition"). Where A_2 - A_1 = a c^T and mu (b_2 - b_1) = -d a the right-hand side is continuous and is
/// the ReLU form A_1 u + mu b_1 + a relu(c.u - d); otherwise it may jump at the plane, and where both sides
/// push towards the plane the state slides along it (Filippov). Initial states are uniform in
/// [-spread, spread]^n.
class SwitchingSystem final : public ReferenceSystem {
 public:
  enum Side : std::size_t { below = 0, above = 1 };

  /// The options are taken as valid.
  explicit SwitchingSystem(const SwitchingOptions& options);

  std::size_t dimension() const override { return c_.size(); }
  Solution solution() const override { return Solution::piecewise_linear; }
  void rhs(std::span<const double> u, std::span<double> rate) const override;
  void jacobian(std::span<const double> u, std::span<double> matrix) const override;
  void initial_state(const Random& random, std::span<double> u) const override;
  std::vector<std::string> component_names() const override;

  std::span<const double> matrix(Side side) const { return A_[side]; }  ///< (n, n) row major
  std::span<const double> force(Side side) const { return b_[side]; }   ///< mu b, (n)
  std::span<const double> normal() const { return c_; }
  double offset() const { return d_; }
  double distance(std::span<const double> u) const;  ///< c.u - d
  /// rate = the right-hand side of one side, wherever u is.
  void rhs_of(Side side, std::span<const double> u, std::span<double> rate) const;
  /// rate = Filippov's right-hand side, for a state on the plane.
  void sliding_rhs(std::span<const double> u, std::span<double> rate) const;
  /// Whether both sides agree on the plane to rounding.
  bool is_continuous() const { return continuous_; }

 private:
  // Whether u is on the plane to rounding and both sides push towards it.
  bool slides_at(std::span<const double> u) const;

  std::array<std::vector<double>, 2> A_, b_;
  std::vector<double> c_;
  double d_, spread_;
  bool continuous_;
};

/// One orbit of a switching system with a tangent along it, both exact to rounding.
///
/// A step is the Taylor polynomial of the solution, of a degree at which the rest is below rounding: on a
/// side this is the exponential of A times the step, in sliding the solution of Filippov's equation
///   du/dt = f_1 + alpha (f_2 - f_1),   alpha = c.f_1 / c.(f_1 - f_2) .
/// The same polynomials give the distance to the plane within the step. A step is halved until they show
/// that the plane is not reached, or that it is reached exactly once; then safeguarded Newton finds the time.
/// A contact shorter than 2^-26 steps, within which the distance stays at rounding, counts as none.
/// At a jump of the right-hand side from f to g the tangent v becomes v + (g - f) c.v / c.f (di Bernardo,
/// Budd, Champneys and Kowalczyk, Piecewise-smooth Dynamical Systems, 2008, section 2.5).
/// Not collective.
class SwitchingOrbit {
 public:
  enum class Mode { below, above, sliding };
  struct Event {
    double time;  ///< since the start of the orbit
    Mode from, to;
  };

  /// Keeps a pointer to the system. The tangent starts as the first unit vector.
  SwitchingOrbit(const SwitchingSystem& system, std::span<const double> u);

  /// Advances by `length` >= 0, time. Changes of the mode are appended to `events` where it is given. Once
  /// the state is beyond the largest double it is NaN from then on.
  void advance(double length, std::vector<Event>* events = nullptr);

  std::span<const double> state() const { return u_; }
  std::span<double> tangent() { return v_; }
  Mode mode() const { return mode_; }
  /// The right-hand side that the orbit follows, (n), overwritten.
  void rate(std::span<double> rate) const;

 private:
  using Series = std::vector<double>;  // coefficients of powers of the time since the step's beginning
  struct Crossing {
    double step;
    bool happens;
  };
  void expand();
  void expand_side(SwitchingSystem::Side side);
  void expand_sliding();
  double longest_step() const;
  void set_exits();
  static Crossing next_crossing(const Series& distance, double step);
  void move(double step);
  void change_mode(std::size_t exit);
  Mode mode_at_plane();
  void jump(Mode from, Mode to);
  void rhs_of(Mode mode, std::span<const double> u, std::span<double> rate) const;

  const SwitchingSystem* system_;
  std::vector<double> u_, v_, f_, g_;
  Mode mode_;
  std::size_t contact_ = 0;  // order of the zero of the distance where the step begins
  double time_ = 0.0, side_step_;
  std::vector<double> u_series_, v_series_;               // (degree + 1, n)
  Series normal_[2], normal_dot_[2], share_, share_dot_;  // c.f of both sides, alpha
  std::vector<Series> exits_;                             // positive until the mode ends
  std::vector<Mode> exit_modes_;
};

}  // namespace spnode::core
