// Every fast-slow network has an attracting slow manifold (FSNN, section 5.1): random networks, and those
// that a search for the worst finds from each.
#include "catch.hpp"
#include "core/forecast/forecast.hpp"
#include "core/linear/fast/fast_hurwitz.hpp"
#include "core/matrix_functions/decompositions.hpp"
#include "core/vector_field/vector_field.hpp"
#include "helpers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr double usual_epsilon = 1e-3, end = 4.0;
constexpr std::size_t lanes = 16;

struct Network51 {
  ModelOptions options;
  std::size_t slow, fast;
};

/// A structure, its bound, widths and scales; without B and C where `whole` is false.
Network51 random_network(const Random& random, bool whole) {
  const auto one_of = [&](std::uint64_t i, std::size_t first, std::size_t last) {
    return first + std::size_t(random.uniform(i) * double(last - first + 1));
  };
  Network51 network{{}, one_of(0, 1, 3), one_of(1, 1, 4)};
  ModelOptions& options = network.options;
  HurwitzOptions& linear = options.linear;
  const Dependence dependence[] = {Dependence::constant, Dependence::network, Dependence::hats};
  linear.structure = random.uniform(2) < 0.5 ? HurwitzKind::fast_schur : HurwitzKind::fast_dissipative;
  linear.fast.dependence = dependence[one_of(3, 0, linear.structure == HurwitzKind::fast_schur ? 1 : 2)];
  linear.mu = -random.uniform(4, 0.2, 1.0);
  linear.rate_min = random.uniform(5, 0.1, 1.0);
  linear.rate_max = linear.rate_min * random.uniform(6, 1.0, 10.0);
  linear.noise = random.uniform(7);
  linear.rank = one_of(8, 1, 3);
  linear.slow_dimension = network.slow;
  linear.fast.hidden = {one_of(9, 1, 20)};
  linear.fast.count = one_of(10, 1, 4);
  linear.fast.low = {-1.0};
  linear.fast.high = {1.0};
  options.arguments.parameters = {"epsilon"};
  options.nonlinear = {NonlinearKind::slow};
  options.network.hidden = {one_of(11, 1, 20)};
  if (!whole) return network;
  // Of a Schur form of several variables T promises eigenvalues alone, which eps C of order 1e-3 moves by
  // order 1 where T is far from normal.
  if (linear.structure == HurwitzKind::fast_schur) network.fast = 1;
  options.nonlinear.push_back(NonlinearKind::fast_bilinear);
  options.nonlinear.push_back(NonlinearKind::fast_linear);
  const FastCoefficients coefficients[] = {FastCoefficients::constant, FastCoefficients::network};
  options.fast_bilinear.coefficients = coefficients[one_of(12, 0, 1)];
  options.fast_bilinear.hidden = {one_of(13, 1, 20)};
  options.fast_bilinear.initial_scale = random.uniform(14, 0.1, 1.0);
  options.fast_linear.coefficients = coefficients[one_of(15, 0, 1)];
  options.fast_linear.hidden = {one_of(16, 1, 20)};
  options.fast_linear.initial_scale = random.uniform(17, 0.1, 1.0);
  return network;
}

/// Parameters and states of a network; u (n, lanes), lane by lane.
struct Trial {
  std::vector<double> theta, u;
};

class Attraction {
 public:
  explicit Attraction(const Network51& network)
      : n_(network.slow + network.fast),
        slow_(network.slow),
        fast_(network.fast),
        whole_(network.options.nonlinear.size() > 1),
        mu_(network.options.linear.mu),
        by_spectrum_(network.options.linear.structure == HurwitzKind::fast_schur && fast_ > 1),
        model_(network.options, n_),
        field_(model_),
        tape_("tape", field_.tape_rows(), lanes) {}

  const Model& model() const { return model_; }
  /// That of the last excess().
  double epsilon() const { return epsilon_; }

  /// What T promises: a negative symmetric part below mu, so that |y| decays at the rate mu; or, of a Schur
  /// form, eigenvalues below mu, so that there is a norm, y^T P y of a Lyapunov equation, in which y decays
  /// at the rate mu / 2.
  double promised_rate() const { return by_spectrum_ ? 0.5 * mu_ : mu_; }

  /// By how much the mean rate of log |y| from 0 to `end` is above what is promised, over the promised rate:
  /// the largest of all lanes, of which above 0 breaks the promise. Where other terms act on y, they may take
  /// a quarter of the rate; y is first made so small that they take an eighth at t = 0. That of the
  /// change of T along the way does not fall with y: it is small for small eps (FSNN, Theorem 2.6), and a
  /// Schur form far from a normal matrix may need one below 1e-3.
  double excess(Trial& trial) {
    epsilon_ = usual_epsilon;
    field_.set_parameters(trial.theta);
    coefficients_.resize(model_.linear().coefficient_count());
    model_.linear().assemble(trial.theta, coefficients_);
    std::vector<std::vector<double>> P;
    for (std::size_t l = 0; l < lanes; ++l) P.push_back(metric(lane(trial.u, l)));
    if (whole_ || by_spectrum_) make_small(trial, P);
    Trajectories states;
    states.count = lanes;
    states.times = 2;
    states.components = n_;
    states.shared_time = true;
    states.time = {0.0, end};
    states.parameters["epsilon"].assign(lanes, epsilon_);
    states.state.assign(lanes * 2 * n_, 0.0);
    for (std::size_t l = 0; l < lanes; ++l) std::ranges::copy(lane(trial.u, l), states.state_at(l, 0));
    // Exact for a constant T, however stiff it is and however small y.
    const IntegratorOptions scheme{Scheme::etdrk4, 40, MatrixFunctionMethod::automatic, 0};
    BasicForecaster<double>(model_, trial.theta, {scheme, lanes, 0.0, ForecastMode::full},
                            forecast_steps(states, 40))
        .run(states);
    const double rate = promised_rate(), allowed = whole_ || by_spectrum_ ? 0.75 * rate : rate;
    double largest = -1e300;
    for (std::size_t l = 0; l < lanes; ++l) {
      const double first = size(P[l], {states.state_at(l, 0) + slow_, fast_}),
                   last = size(P[l], {states.state_at(l, 1) + slow_, fast_});
      largest = std::max(largest, (std::log(last / first) / end - allowed) / std::abs(rate));
    }
    return largest;
  }

 private:
  std::span<double> lane(std::vector<double>& u, std::size_t l) const {
    return std::span(u).subspan(l * n_, n_);
  }
  std::vector<double> T(std::span<const double> u) const {
    return model_.linear().matrix_at(coefficients_, u);
  }
  double size(const std::vector<double>& P, std::span<const double> y) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < fast_; ++i)
      for (std::size_t j = 0; j < fast_; ++j) sum += y[i] * P[i * fast_ + j] * y[j];
    return std::sqrt(sum);
  }

  // The identity, or P with A^T P + P A = -I, A = T - (mu / 2) I.
  std::vector<double> metric(std::span<const double> u) const {
    std::vector<double> identity(fast_ * fast_, 0.0);
    for (std::size_t i = 0; i < fast_; ++i) identity[i * (fast_ + 1)] = 1.0;
    if (!by_spectrum_) return identity;
    std::vector<double> A = T(u);
    for (std::size_t i = 0; i < fast_; ++i) A[i * (fast_ + 1)] -= promised_rate();
    return solve_lyapunov(real_schur(square(std::span<const double>(A), fast_)), identity);
  }

  // |dy/dt - T y| / |y|, the largest of all lanes; of a Schur form with the change of T y until `end`.
  double other_rates(Trial& trial, const std::vector<std::vector<double>>& P) {
    Matrix<double> u("u", n_, lanes), q("q", 1, lanes), f("f", n_, lanes);
    std::vector<double> rows(n_ * lanes), rates(n_ * lanes);
    for (std::size_t l = 0; l < lanes; ++l)
      for (std::size_t i = 0; i < n_; ++i) rows[i * lanes + l] = trial.u[l * n_ + i];
    upload(rows, u);
    upload(std::vector<double>(lanes, epsilon_), q);
    field_.value(ExecSpace(), {u, q}, f, tape_, scratch_);
    download(f, rates);
    double largest = 0.0;
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::vector<double> A = T(lane(trial.u, l));
      std::vector<double> at_end(lane(trial.u, l).begin(), lane(trial.u, l).end()), change = A;
      for (std::size_t i = 0; i < slow_; ++i) at_end[i] += end * rates[i * lanes + l];
      if (by_spectrum_) change = T(at_end);
      const std::span<const double> y = lane(trial.u, l).subspan(slow_);
      std::vector<double> rest(fast_);
      for (std::size_t i = 0; i < fast_; ++i) {
        rest[i] = rates[(slow_ + i) * lanes + l];
        for (std::size_t j = 0; j < fast_; ++j)
          rest[i] += (change[i * fast_ + j] - 2.0 * A[i * fast_ + j]) * y[j];
      }
      largest = std::max(largest, size(P[l], rest) / size(P[l], y));
    }
    return largest;
  }

  void make_small(Trial& trial, const std::vector<std::vector<double>>& P) {
    for (int halvings = 0; other_rates(trial, P) > 0.125 * std::abs(promised_rate()); ++halvings) {
      REQUIRE(halvings < 100);
      if (halvings > 30) {
        REQUIRE(by_spectrum_);
        epsilon_ *= 0.5;
      }
      scale_fast(trial, 0.5);
    }
    scale_fast(trial, 0.125);  // B(y, y) may be larger in other directions of y
  }
  void scale_fast(Trial& trial, double factor) {
    for (std::size_t l = 0; l < lanes; ++l)
      for (double& y : lane(trial.u, l).subspan(slow_)) y *= factor;
  }

  std::size_t n_, slow_, fast_;
  bool whole_;
  double mu_;
  bool by_spectrum_;
  double epsilon_ = usual_epsilon;
  Model model_;
  VectorField<double> field_;
  Matrix<double> tape_;
  Scratch<double> scratch_;
  std::vector<double> coefficients_;
};

/// The worst that a search finds from random network `number`.
struct Worst {
  double excess;
  bool needed_smaller_epsilon;  ///< for one of the networks of the search
};
Worst search(std::size_t number, bool whole, int tries) {
  const Random random(number, whole ? "whole" : "linear");
  Attraction attraction(random_network(random, whole));
  const Model& model = attraction.model();
  Trial worst{model.initialise(number, nullptr), {}};
  const auto normal = [&](std::size_t size, const std::string& name) {
    std::vector<double> v(size);
    const Random stream(number, name);
    for (std::size_t i = 0; i < size; ++i) v[i] = stream.normal(i);
    return v;
  };
  const auto add = [](std::vector<double>& to, double size, const std::vector<double>& noise) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += size * noise[i];
  };
  const auto direction = [&](const std::string& name) {
    std::vector<double> noise = normal(worst.theta.size(), name);
    for (const ParameterBlock& block : model.layout().blocks())
      if (block.frozen) std::ranges::fill(block_of(std::span(noise), block), 0.0);
    return noise;
  };
  const double sizes[] = {0.0, 0.1, 0.3, 1.0};  // 0: a network as it is initialised
  add(worst.theta, sizes[number % 4], direction("theta"));
  worst.u = normal(lanes * model.latent_dimension(), "states");
  double largest = attraction.excess(worst);
  bool smaller = attraction.epsilon() < usual_epsilon;
  for (int i = 0; i < tries; ++i) {
    const std::string name = std::to_string(i);
    Trial next = worst;
    add(next.theta, 0.1, direction("theta" + name));
    add(next.u, 0.1, normal(next.u.size(), "states" + name));
    const double excess = attraction.excess(next);
    smaller = smaller || attraction.epsilon() < usual_epsilon;
    if (excess <= largest) continue;
    largest = excess;
    worst = std::move(next);
  }
  return {largest, smaller};
}

void check_attraction(std::size_t networks, int tries) {
  for (const bool whole : {false, true}) {
    double largest = -1e300;
    std::size_t smaller = 0;
    for (std::size_t number = 0; number < networks; ++number) {
      CAPTURE(whole, number);
      const Worst worst = search(number, whole, tries);
      CHECK(worst.excess < 1e-6);
      largest = std::max(largest, worst.excess);
      smaller += worst.needed_smaller_epsilon;
    }
    WARN((whole ? "whole: " : "T alone: ") << networks << " networks; largest excess " << largest << ", "
                                           << smaller << " Schur forms at epsilon below 1e-3");
  }
}

}  // namespace

TEST_CASE("random_fast_slow_networks_attract_at_the_rate_that_T_promises") { check_attraction(24, 6); }

TEST_CASE("a_thousand_random_fast_slow_networks_attract_at_the_rate_that_T_promises", "[.long]") {
  check_attraction(1000, 12);
}
