#include "training/start/fast_slow.hpp"

#include "core/components/fast_terms.hpp"
#include "core/components/state_term.hpp"
#include "core/kernels/quadratic.hpp"
#include "core/linear/fast/fast_hurwitz.hpp"
#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/error.hpp"
#include "core/support/option.hpp"
#include "core/support/random.hpp"
#include "parallel/count.hpp"
#include "training/start/interval_integrals.hpp"
#include "training/start/latent_data.hpp"
#include "training/start/least_squares.hpp"
#include "training/start/linear_parameters.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <utility>

namespace spnode::training {

namespace {

/// Windows whose residual is above so many medians have not relaxed; rounds of leaving them out.
constexpr double most_medians = 3.0;
constexpr int rounds = 6;

/// A state of the data with its arguments.
struct StatePoint {
  std::span<const double> x, y;       ///< slow and fast variables
  std::span<const double> q, scaled;  ///< arguments as they are, and as networks see them
  double epsilon;
};

/// The states of a data set.
class States {
 public:
  States(const parallel::Communicator& comm, const core::Model& model, const DataSet& set)
      : first(set.data.first()),
        count(set.data.index().count() / set.data.index().per_trajectory()),
        data(library_variables(comm, model, {}, set)),
        slow_(model.options().linear.slow_dimension),
        scaling_(model.argument_scaling),
        q_(model.argument_count()),
        scaled_(q_.size()) {
    const auto& names = model.options().arguments.parameters;
    epsilon_ = std::size_t(std::ranges::find(names, core::epsilon_name) - names.begin());
  }

  StatePoint at(std::size_t trajectory, std::size_t t, std::span<const double> states) {
    data.arguments_at(trajectory, t, q_);
    for (std::size_t i = 0; i < q_.size(); ++i) scaled_[i] = (q_[i] - scaling_.shift[i]) / scaling_.scale[i];
    const std::span<const double> u = states.subspan(t * data.dimension, data.dimension);
    return {u.first(slow_), u.subspan(slow_), q_, scaled_, q_[epsilon_]};
  }

  /// Trajectories that this rank holds.
  std::size_t held() const {
    return data.groups.empty() ? 0 : data.groups.back().end - data.groups.front().begin;
  }

  const std::size_t first, count;  ///< trajectories: the first that this rank holds, and all
  const LatentTrajectories data;

 private:
  std::size_t slow_, epsilon_ = 0;
  core::Scaling scaling_;
  std::vector<double> q_, scaled_;
};

/// The shift of the coupling flow, sum_r eps^r c_r(x), c_r = sum m(x) C f(x) over its monomials m; zero
/// without a flow. Without multipliers each power has the monomial 1.
class Shift {
 public:
  Shift(const core::Model& model, std::span<const double> theta) : fast_(fast_variables(model)) {
    if (model.coupling_flow() == nullptr) return;
    conditioner_ = model.coupling_flow()->only_shift();
    functions_.emplace(*conditioner_->product_network(), theta);
    parameters_ = model.options().arguments.parameters.size();
    values_.resize(functions_->features());
    const core::CouplingFlowOptions& flow = model.options().coupling_flow;
    monomials_ = core::shift_monomials(flow);
    if (flow.multipliers.empty())
      for (std::size_t r = 0; r < conditioner_->rank(); ++r) monomials_.push_back({r, {}});
    for (const core::Monomial& m : monomials_)
      used_.push_back(flow.neurons.empty() ? values_.size() : flow.neurons[m.power] + 1);
    C_.assign(monomials_.size() * fast_ * values_.size(), 0.0);
  }

  static std::size_t fast_variables(const core::Model& model) {
    return model.latent_dimension() - model.options().linear.slow_dimension;
  }

  std::size_t powers() const { return monomials_.empty() ? 0 : monomials_.back().power + 1; }
  /// Features of the powers first ... last - 1.
  std::size_t features(std::size_t first, std::size_t last) const {
    std::size_t count = 0;
    for (std::size_t p = 0; p < monomials_.size(); ++p)
      if (monomials_[p].power >= first && monomials_[p].power < last) count += used_[p];
    return count;
  }

  /// Appends m f of these powers at a state, times eps^power.
  void append(const StatePoint& at, std::size_t first, std::size_t last, double scale,
              std::vector<double>& row) {
    evaluate(at);
    for (std::size_t p = 0; p < monomials_.size(); ++p) {
      if (monomials_[p].power < first || monomials_[p].power >= last) continue;
      const double factor = scale * value(monomials_[p], at);
      for (std::size_t k = 0; k < used_[p]; ++k) row.push_back(factor * values_[feature(p, k)]);
    }
  }

  /// w = y less the terms of the powers below `powers`.
  void subtract(const StatePoint& at, std::size_t powers, std::span<double> w) {
    std::ranges::copy(at.y, w.begin());
    if (powers == 0) return;
    evaluate(at);
    for (std::size_t p = 0; p < monomials_.size(); ++p) {
      if (monomials_[p].power >= powers) continue;
      const double factor = value(monomials_[p], at);
      for (std::size_t i = 0; i < fast_; ++i) {
        const double* const row = &C_[(p * fast_ + i) * values_.size()];
        for (std::size_t k = 0; k < values_.size(); ++k) w[i] -= factor * row[k] * values_[k];
      }
    }
  }

  /// Takes the weights (features, fast) of the features of the powers first ... last - 1.
  void set(const Fit& fit, std::size_t first, std::size_t last) {
    std::size_t row = 0;
    for (std::size_t p = 0; p < monomials_.size(); ++p) {
      if (monomials_[p].power < first || monomials_[p].power >= last) continue;
      for (std::size_t k = 0; k < used_[p]; ++k, ++row)
        for (std::size_t i = 0; i < fast_; ++i)
          C_[(p * fast_ + i) * values_.size() + feature(p, k)] = fit.W[row * fast_ + i];
    }
  }

  void put(const core::Model& model, std::span<double> theta) const {
    if (conditioner_ == nullptr) return;
    const auto& names = model.options().arguments.parameters;
    const auto epsilon = std::size_t(std::ranges::find(names, core::epsilon_name) - names.begin());
    conditioner_->set_monomials(monomials_, epsilon, model.argument_scaling.shift[epsilon],
                                model.argument_scaling.scale[epsilon], theta);
    std::vector<double> of_flow = C_;  // u = [x; y + shift of the flow]
    for (double& entry : of_flow) entry = -entry;
    functions_->set(of_flow, theta);
  }

 private:
  void evaluate(const StatePoint& at) {
    functions_->evaluate({at.x, at.q.first(parameters_), at.scaled.first(parameters_)}, values_);
  }
  static double value(const core::Monomial& m, const StatePoint& at) {
    double product = 1.0;
    for (std::size_t r = 0; r < m.power; ++r) product *= at.epsilon;
    for (const std::size_t k : m.components) product *= at.x[k];
    return product;
  }
  // Place of feature k of a monomial among the functions f, of which the constant one is the last.
  std::size_t feature(std::size_t p, std::size_t k) const {
    return k + 1 < used_[p] ? k : values_.size() - 1;
  }

  std::size_t fast_, parameters_ = 0;
  const core::Conditioner<double>* conditioner_ = nullptr;
  std::optional<LinearParameters> functions_;
  std::vector<core::Monomial> monomials_;
  std::vector<std::size_t> used_;  // functions that each monomial is multiplied by
  std::vector<double> values_, C_;
};

// ---- 1. The shift

/// Equations of the powers first ... last - 1 of the shift: y = c, of windows near the slow manifold divided
/// by eps, so that what higher powers leave is alike for all eps.
struct ShiftEquations {
  States& states;
  Shift& shift;
  std::size_t first, last, fast;
  bool near;  ///< windows near the slow manifold; else states on it at eps = 0

  std::size_t features() const { return shift.features(first, last); }

  void append(std::size_t n, std::span<const double> z, std::vector<double>& rows) const {
    std::vector<double> w(fast);
    for (std::size_t t = 0; t < states.data.times; ++t) {
      const StatePoint at = states.at(n, t, z);
      if (near && at.epsilon == 0.0)
        throw UsageError("the windows near the slow manifold need epsilon above 0; found 0");
      if (!near && at.epsilon != 0.0)
        throw UsageError("the states of the slow manifold need epsilon = 0; found " + shortest(at.epsilon));
      shift.subtract(at, first, w);
      shift.append(at, first, last, near ? 1.0 / at.epsilon : 1.0, rows);
      for (const double value : w) rows.push_back(near ? value / at.epsilon : value);
    }
  }

  /// Root mean square over a window of what a fit leaves.
  double residual(std::size_t n, std::span<const double> z, const Fit& fit) const {
    std::vector<double> rows;
    append(n, z, rows);
    const std::size_t F = features(), width = F + fast;
    double squares = 0.0;
    for (const double* row = rows.data(); row != rows.data() + rows.size(); row += width)
      for (std::size_t i = 0; i < fast; ++i) {
        double left = row[F + i];
        for (std::size_t k = 0; k < F; ++k) left -= row[k] * fit.W[k * fast + i];
        squares += left * left;
      }
    return std::sqrt(squares / (double(fast) * double(states.data.times)));
  }
};

/// The residuals of all trajectories, on every rank. Collective.
std::vector<double> all_residuals(const parallel::Communicator& comm, const ShiftEquations& equations,
                                  const Fit& fit) {
  const States& states = equations.states;
  std::vector<double> residuals(states.count, 0.0);
  parallel::collectively(comm, [&] {
    std::vector<double> z(states.data.times * states.data.dimension);
    for (const parallel::Range& group : states.data.groups)
      for (std::size_t n = group.begin; n < group.end; ++n) {
        states.data.states(n, z);
        residuals[states.first + n] = equations.residual(n, z, fit);
      }
  });
  MPI_Allreduce(MPI_IN_PLACE, residuals.data(), parallel::mpi_count(residuals.size()), MPI_DOUBLE, MPI_SUM,
                comm.handle());
  return residuals;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Fits the powers; windows near the manifold that have not relaxed are left out of `kept`. Gives what is
/// left over, relative. Collective.
double fit_shift(const parallel::Communicator& comm, const ShiftEquations& equations, double ridge,
                 std::vector<bool>& kept) {
  const std::size_t F = equations.features(), first = equations.states.first;
  const auto solve = [&] {
    const auto rows_of = [&](std::size_t n, std::span<const double> z, std::vector<double>& rows) {
      if (kept[first + n]) equations.append(n, z, rows);
    };
    return least_squares(gram(comm, equations.states.data, F + equations.fast, rows_of), F, equations.fast,
                         ridge);
  };
  Fit fit = solve();
  for (int round = 0; equations.near && round < rounds; ++round) {
    const std::vector<double> residuals = all_residuals(comm, equations, fit);
    const double most = most_medians * median(residuals);
    for (std::size_t n = 0; n < kept.size(); ++n) kept[n] = residuals[n] <= most;
    fit = solve();
  }
  equations.shift.set(fit, equations.first, equations.last);
  return fit.residual;
}

// ---- 2. The terms

/// What g is linear in the parameters of: itself, or the network of the state that it consists of.
const core::LaneMap<double>& slow_function(const core::LaneMap<double>& g) {
  const auto* const of_state = dynamic_cast<const core::StateTerm<double>*>(&g);
  return of_state != nullptr ? of_state->function() : g;
}

/// The terms of a fast-slow model, and their features.
class Terms {
 public:
  Terms(const core::Model& model, std::span<const double> theta)
      : slow(model.options().linear.slow_dimension),
        fast(Shift::fast_variables(model)),
        of_state(model.options().has_state_term()),
        T(dynamic_cast<const core::FastHurwitz&>(model.linear()).T()),
        affine_(model.options().linear.fast.dependence != core::Dependence::constant) {
    for (const auto& term : model.nonlinear().terms()) {
      if (const auto* forms = dynamic_cast<const core::FastBilinear<double>*>(term.map.get())) B = forms;
      const auto* const scaled = dynamic_cast<const core::EpsilonTerm<double>*>(term.map.get());
      if (scaled == nullptr) continue;
      if (const auto* linear = dynamic_cast<const core::FastLinear<double>*>(&scaled->factor()))
        C.emplace(linear->entries(), theta);
      else
        g.emplace(slow_function(scaled->factor()), theta);
    }
  }

  // Features of dw/dt: [1; x] w or w, the monomials of w, eps f_C w.
  std::size_t of_T() const { return (affine_ ? 1 + slow : 1) * fast; }
  std::size_t of_B() const { return B == nullptr ? 0 : core::monomial_count(fast); }
  std::size_t of_C() const { return C ? C->features() * fast : 0; }
  std::size_t fast_features() const { return of_T() + of_B() + of_C(); }

  void append_fast(const FeaturePoint& at, double epsilon, std::vector<double>& row) const {
    const std::span<const double> x = at.u.first(slow), w = at.u.subspan(slow);
    row.insert(row.end(), w.begin(), w.end());
    for (std::size_t k = 0; affine_ && k < slow; ++k)
      for (const double value : w) row.push_back(x[k] * value);
    for (std::size_t j = 0; B != nullptr && j < fast; ++j)
      for (std::size_t k = j; k < fast; ++k) row.push_back(w[j] * w[k]);
    if (!C) return;
    std::vector<double> f(C->features());
    C->evaluate(at, f);
    for (const double feature : f)
      for (const double value : w) row.push_back(epsilon * feature * value);
  }

  void append_slow(const FeaturePoint& at, double epsilon, std::vector<double>& row) const {
    std::vector<double> f(g->features());
    g->evaluate(at, f);
    for (const double feature : f) row.push_back(epsilon * feature);
  }

  /// Puts the weights of both fits into theta; gives how T was held, and what B's rank dropped.
  std::pair<core::FastOperator<double>::AffineFit, double> put(const Fit& of_w, const Fit& of_x,
                                                               std::span<double> theta) const {
    const auto weight = [&](std::size_t feature, std::size_t i) { return of_w.W[feature * fast + i]; };
    std::vector<double> A((1 + slow) * fast * fast, 0.0), Q(fast * of_B());
    for (std::size_t kj = 0; kj < of_T(); ++kj)
      for (std::size_t i = 0; i < fast; ++i) A[(kj / fast * fast + i) * fast + kj % fast] = weight(kj, i);
    for (std::size_t m = 0; m < of_B(); ++m)
      for (std::size_t i = 0; i < fast; ++i) Q[i * of_B() + m] = weight(of_T() + m, i);
    if (C) {
      const std::size_t F = C->features(), begin = of_T() + of_B();
      std::vector<double> W(fast * fast * F);
      for (std::size_t c = 0; c < F; ++c)
        for (std::size_t j = 0; j < fast; ++j)
          for (std::size_t i = 0; i < fast; ++i) W[(i * fast + j) * F + c] = weight(begin + c * fast + j, i);
      C->set(W, theta);
    }
    std::vector<double> G(slow * g->features());
    for (std::size_t c = 0; c < g->features(); ++c)
      for (std::size_t i = 0; i < slow; ++i) G[i * g->features() + c] = of_x.W[c * slow + i];
    g->set(G, theta);
    return {T.set_affine(A, theta), B == nullptr ? 0.0 : B->set_forms(Q, theta)};
  }

  const std::size_t slow, fast;
  const bool of_state;  ///< g is a function of the state, not of the latent one
  const core::FastOperator<double>& T;
  const core::FastBilinear<double>* B = nullptr;
  std::optional<LinearParameters> C, g;

 private:
  bool affine_;
};

enum class Rows { fast, slow };

/// The normal equations of increments over intervals: features integrated, then dw or dx. Collective.
std::vector<double> increments(const parallel::Communicator& comm, States& states, Shift& shift,
                               const Terms& terms, Rows which, std::size_t nodes,
                               const std::vector<bool>& kept) {
  const std::size_t features = which == Rows::fast ? terms.fast_features() : terms.g->features(),
                    targets = which == Rows::fast ? terms.fast : terms.slow, n = states.data.dimension;
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> z, std::vector<double>& rows) {
    if (!kept[states.first + trajectory]) return;
    std::vector<double> u(n), f, latent;
    for (std::size_t t = 0; t < states.data.times; ++t) {
      const StatePoint at = states.at(trajectory, t, z);
      std::ranges::copy(at.x, u.begin());
      shift.subtract(at, shift.powers(), std::span(u).subspan(terms.slow));
      if (which == Rows::fast)
        terms.append_fast({u, at.q, at.scaled}, at.epsilon, f);
      else
        terms.append_slow(
            {terms.of_state ? z.subspan(t * n, n) : std::span<const double>(u), at.q, at.scaled}, at.epsilon,
            f);
      latent.insert(latent.end(), u.begin(), u.end());
    }
    const IntervalIntegrals integrals(states.data, trajectory, nodes);
    const std::size_t first = which == Rows::fast ? terms.slow : 0;
    for (std::size_t t = 0; t + 1 < states.data.times; ++t) {
      const std::size_t begin = rows.size();
      rows.resize(begin + features, 0.0);
      for (std::size_t j = 0; j < integrals.nodes(); ++j) {
        const double weight = integrals.weight(t, j), *const from = &f[(integrals.first(t) + j) * features];
        for (std::size_t k = 0; k < features; ++k) rows[begin + k] += weight * from[k];
      }
      for (std::size_t i = first; i < first + targets; ++i)
        rows.push_back(latent[(t + 1) * n + i] - latent[t * n + i]);
    }
  };
  return gram(comm, states.data, features + targets, rows_of);
}

/// Makes hidden layers of squares hold all quadratic functions: of x in the shift and in C, of all variables
/// in g.
void set_squares(const core::Model& model, std::span<double> theta) {
  const std::size_t slow = model.options().linear.slow_dimension;
  const auto set = [&](const core::LaneMap<double>& map, const char* option, std::size_t variables) {
    const auto* const network = dynamic_cast<const core::Network<double>*>(&map);
    if (network != nullptr) network->set_squares(variables, option, theta);
  };
  const auto* const flow = model.coupling_flow();
  if (flow != nullptr && model.options().coupling_flow.multipliers.empty())
    set(*flow->only_shift()->product_network(), "coupling_flow.factor_hidden", slow);
  for (const auto& term : model.nonlinear().terms()) {
    const auto* const scaled = dynamic_cast<const core::EpsilonTerm<double>*>(term.map.get());
    if (scaled == nullptr) continue;
    if (const auto* linear = dynamic_cast<const core::FastLinear<double>*>(&scaled->factor()))
      set(linear->entries(), "fast_linear.hidden", slow);
    else
      set(slow_function(scaled->factor()), "network.hidden",
          model.latent_dimension() + model.argument_count());
  }
}

/// A network whose hidden neurons are to be centred at states of the data.
struct CentredNetwork {
  const core::Network<double>* network;
  std::vector<std::size_t> used;  // inputs that its neurons are functions of: some of [x; w; q], or of [x; q]
  std::size_t fast;               // rows of w
  const char* stream;
  bool is_g;
};

/// The networks of the shift, C and g, but for those of squares and for functions of the state. The neurons
/// of the shift are functions of the slow variables but its multipliers and of the parameters but epsilon.
std::vector<CentredNetwork> centred_networks(const core::Model& model) {
  const core::ModelOptions& options = model.options();
  const std::size_t slow = options.linear.slow_dimension, fast = model.latent_dimension() - slow;
  std::vector<CentredNetwork> networks;
  const auto& multipliers = options.coupling_flow.multipliers;
  const auto add = [&](const core::LaneMap<double>& map, CentredNetwork one) {
    one.network = dynamic_cast<const core::Network<double>*>(&map);
    if (one.network == nullptr || one.network->has_squares() || one.network->first_neurons() == 0) return;
    const bool of_shift = one.fast == 0;
    for (std::size_t k = 0; k < one.network->inputs(); ++k) {
      const auto left_out = [&] {
        return k < slow ? std::ranges::find(multipliers, k) != multipliers.end()
                        : options.arguments.parameters[k - slow] == core::epsilon_name;
      };
      if (!of_shift || !left_out()) one.used.push_back(k);
    }
    networks.push_back(std::move(one));
  };
  if (const auto* const flow = model.coupling_flow())
    add(*flow->only_shift()->product_network(), {nullptr, {}, 0, "centres", false});
  for (const auto& term : model.nonlinear().terms()) {
    const auto* const scaled = dynamic_cast<const core::EpsilonTerm<double>*>(term.map.get());
    if (scaled == nullptr) continue;
    if (const auto* linear = dynamic_cast<const core::FastLinear<double>*>(&scaled->factor()))
      add(linear->entries(), {nullptr, {}, fast, "centres of C", false});
    else if (options.slow.form == core::SlowForm::network)
      add(slow_function(scaled->factor()), {nullptr, {}, fast, "centres of g", true});
  }
  return networks;
}

/// Centres the neurons of these networks at states that are drawn from data, with w = 0, and makes those
/// that are functions of [x; w; q] so: the first of g almost linear functions of one fast variable each, half
/// of the others independent of w. Collective.
void set_neurons(const parallel::Communicator& comm, const core::Model& model, States& states,
                 std::uint64_t seed, std::span<double> theta) {
  constexpr double almost_linear = 0.05;
  const std::size_t slow = model.options().linear.slow_dimension;
  for (const CentredNetwork& one : centred_networks(model)) {
    const std::size_t neurons = one.network->first_neurons(), inputs = one.used.size();
    std::vector<double> centres(neurons * inputs, 0.0);
    parallel::collectively(comm, [&] {
      const core::Random random(seed, one.stream);
      std::vector<double> z(states.data.times * states.data.dimension);
      for (std::size_t k = 0; k < neurons; ++k) {
        const auto n = std::min(std::size_t(random.uniform(2 * k) * double(states.count)), states.count - 1);
        const auto t = std::min(std::size_t(random.uniform(2 * k + 1) * double(states.data.times)),
                                states.data.times - 1);
        if (n < states.first || n - states.first >= states.held()) continue;
        states.data.states(n - states.first, z);
        const StatePoint at = states.at(n - states.first, t, z);
        for (std::size_t j = 0; j < inputs; ++j) {
          const std::size_t input = one.used[j];
          if (input < slow)
            centres[k * inputs + j] = at.x[input];
          else if (input >= slow + one.fast)
            centres[k * inputs + j] = at.scaled[input - slow - one.fast];
        }
      }
    });
    // One rank alone has each.
    MPI_Allreduce(MPI_IN_PLACE, centres.data(), parallel::mpi_count(centres.size()), MPI_DOUBLE, MPI_SUM,
                  comm.handle());
    one.network->set_centres(one.used, centres, theta);
    if (one.fast == 0) continue;
    const std::size_t linear = one.is_g && neurons > one.fast ? one.fast : 0;
    one.network->drop_inputs(linear + (neurons - linear) / 2, slow, one.fast, theta);
    one.network->set_single_inputs(slow, linear, almost_linear, theta);
  }
}

std::vector<double> sum_of(std::vector<double> a, std::span<const double> b) {
  core::add_scaled(1.0, b, a);
  return a;
}

/// The ridge of the equations for g: of the ridges with which each half of the slow windows, beside those of
/// the fast scale, predicts the other half about as well as with the best, the smallest. Raises
/// NumericalError where none has a solution.
double slow_ridge(const std::vector<double>& beside, const std::array<std::vector<double>, 2>& near,
                  const Terms& terms, std::span<const double> ridges) {
  if (ridges.size() == 1) return ridges.front();
  constexpr double about = 1.1;  // of sums of squares
  const std::size_t features = terms.g->features();
  std::vector<double> left(ridges.size(), std::numeric_limits<double>::infinity());
  std::exception_ptr failure;
  for (std::size_t r = 0; r < ridges.size(); ++r) try {
      double sum = 0.0;
      for (const std::size_t half : {0, 1})
        sum += squares_left(least_squares(sum_of(beside, near[half]), features, terms.slow, ridges[r]),
                            near[1 - half], features, terms.slow);
      left[r] = sum;
    } catch (const NumericalError&) {  // on all ranks
      if (!failure) failure = std::current_exception();
    }
  const double least = *std::ranges::min_element(left);
  if (!std::isfinite(least)) std::rethrow_exception(failure);
  return ridges[std::size_t(std::ranges::find_if(left, [=](double one) { return one <= about * least; }) -
                            left.begin())];
}

}  // namespace

std::vector<Start> start_fast_slow(const parallel::Communicator& comm, const core::Model& model,
                                   const DataSet& train, const SlowData& slow, std::span<const double> ridges,
                                   std::uint64_t seed, const Start& start) {
  if (slow.windows == nullptr) throw UsageError("windows near the slow manifold are missing");
  Start first = start;
  set_squares(model, first.theta);
  FastSlowFit found;
  States fast_states(comm, model, train), slow_states(comm, model, *slow.windows);
  if (slow.manifold != nullptr) {
    States manifold(comm, model, *slow.manifold);
    set_neurons(comm, model, manifold, seed, first.theta);
  } else {
    set_neurons(comm, model, slow_states, seed, first.theta);
  }
  Shift shift(model, first.theta);
  std::vector<bool> kept(slow_states.count, true);
  const std::size_t fast = Shift::fast_variables(model);
  if (shift.powers() > 0) {
    const bool on_manifold = slow.manifold != nullptr;
    if (on_manifold) {
      States manifold(comm, model, *slow.manifold);
      std::vector<bool> all(manifold.count, true);
      found.manifold = fit_shift(comm, {manifold, shift, 0, 1, fast, false}, ridges.front(), all);
    }
    const std::size_t power = on_manifold ? 1 : 0;
    if (shift.powers() > power)
      found.near =
          fit_shift(comm, {slow_states, shift, power, shift.powers(), fast, true}, ridges.front(), kept);
  }
  shift.put(model, first.theta);
  found.windows = kept.size();
  found.kept = std::size_t(std::ranges::count(kept, true));

  const Terms terms(model, first.theta);
  const std::size_t nodes = model.options().inference_order + 1;
  const std::vector<bool> whole(fast_states.count, true);
  const std::vector<double> of_w = increments(comm, fast_states, shift, terms, Rows::fast, nodes, whole);
  const std::vector<double> beside = increments(comm, fast_states, shift, terms, Rows::slow, nodes, whole);
  std::array<std::vector<double>, 2> near;
  for (std::size_t half = 0; half < 2; ++half) {
    std::vector<bool> of_half(kept);
    std::size_t number = 0;
    for (std::size_t n = 0; n < kept.size(); ++n) of_half[n] = kept[n] && number++ % 2 == half;
    near[half] = increments(comm, slow_states, shift, terms, Rows::slow, nodes, of_half);
  }
  found.slow_ridge = slow_ridge(beside, near, terms, ridges);
  const Fit x = least_squares(sum_of(sum_of(beside, near[0]), near[1]), terms.g->features(), terms.slow,
                              found.slow_ridge);
  found.slow_residual = x.residual;

  std::vector<Start> starts;
  std::exception_ptr failure;  // of the smallest ridge
  for (const double ridge : ridges) try {
      const Fit w = least_squares(of_w, terms.fast_features(), terms.fast, ridge);
      Start one = first;
      const auto [T, dropped] = terms.put(w, x, one.theta);
      found.moved = T.moved;
      found.dropped_T = T.dropped;
      one.fit = StartFit{.method = core::Initialisation::fast_slow,
                         .residual = w.residual,
                         .ridge = ridge,
                         .dropped = dropped,
                         .network_residual = {},
                         .fast_slow = found};
      starts.push_back(std::move(one));
    } catch (const NumericalError&) {  // on all ranks
      if (!failure) failure = std::current_exception();
    }
  if (starts.empty()) std::rethrow_exception(failure);
  return starts;
}

double fast_slow_bytes(const core::Model& model, std::size_t groups) {
  const std::vector<double> theta(model.layout().size());
  const Terms terms(model, theta);
  const Shift shift(model, theta);
  const auto square = [](double width) { return double(sizeof(double)) * width * width; };
  constexpr double halves = 4.0;  // equations that slow_ridge() holds beside those that it solves
  double bytes = std::max(gram_bytes(double(terms.fast_features()), double(terms.fast), groups),
                          gram_bytes(double(terms.g->features()), double(terms.slow), groups) +
                              halves * square(double(terms.g->features()) + double(terms.slow)));
  for (std::size_t r = 0; r < shift.powers(); ++r)
    bytes = std::max(bytes, gram_bytes(double(shift.features(r, r + 1)), double(terms.fast), groups));
  return bytes;
}

}  // namespace spnode::training
