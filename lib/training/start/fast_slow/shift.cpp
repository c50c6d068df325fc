#include "training/start/fast_slow/shift.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"
#include "parallel/count.hpp"

#include <algorithm>
#include <cmath>

namespace spnode::training {

namespace {

/// Windows whose residual is above so many medians have not relaxed; rounds of leaving them out.
constexpr double most_medians = 3.0;
constexpr int rounds = 6;

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

}  // namespace

Shift::Shift(const core::Model& model, std::span<const double> theta) : fast_(fast_variables(model)) {
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

std::size_t Shift::fast_variables(const core::Model& model) {
  return model.latent_dimension() - model.options().linear.slow_dimension;
}

std::size_t Shift::features(std::size_t first, std::size_t last) const {
  std::size_t count = 0;
  for (std::size_t p = 0; p < monomials_.size(); ++p)
    if (monomials_[p].power >= first && monomials_[p].power < last) count += used_[p];
  return count;
}

void Shift::append(const StatePoint& at, std::size_t first, std::size_t last, double scale,
                   std::vector<double>& row) {
  evaluate(at);
  for (std::size_t p = 0; p < monomials_.size(); ++p) {
    if (monomials_[p].power < first || monomials_[p].power >= last) continue;
    const double factor = scale * value(monomials_[p], at);
    for (std::size_t k = 0; k < used_[p]; ++k) row.push_back(factor * values_[feature(p, k)]);
  }
}

void Shift::subtract(const StatePoint& at, std::size_t powers, std::span<double> w) {
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

void Shift::set(const Fit& fit, std::size_t first, std::size_t last) {
  std::size_t row = 0;
  for (std::size_t p = 0; p < monomials_.size(); ++p) {
    if (monomials_[p].power < first || monomials_[p].power >= last) continue;
    for (std::size_t k = 0; k < used_[p]; ++k, ++row)
      for (std::size_t i = 0; i < fast_; ++i)
        C_[(p * fast_ + i) * values_.size() + feature(p, k)] = fit.W[row * fast_ + i];
  }
}

void Shift::put(const core::Model& model, std::span<double> theta) const {
  if (conditioner_ == nullptr) return;
  const std::size_t epsilon = epsilon_place(model);
  conditioner_->set_monomials(monomials_, epsilon, model.argument_scaling.shift[epsilon],
                              model.argument_scaling.scale[epsilon], theta);
  std::vector<double> of_flow = C_;  // u = [x; y + shift of the flow]
  for (double& entry : of_flow) entry = -entry;
  functions_->set(of_flow, theta);
}

void Shift::evaluate(const StatePoint& at) {
  functions_->evaluate({at.x, at.q.first(parameters_), at.scaled.first(parameters_)}, values_);
}

double Shift::value(const core::Monomial& m, const StatePoint& at) {
  double product = 1.0;
  for (std::size_t r = 0; r < m.power; ++r) product *= at.epsilon;
  for (const std::size_t k : m.components) product *= at.x[k];
  return product;
}

std::size_t Shift::feature(std::size_t p, std::size_t k) const {
  return k + 1 < used_[p] ? k : values_.size() - 1;
}

void ShiftEquations::append(std::size_t n, std::span<const double> z, std::vector<double>& rows) const {
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

double ShiftEquations::residual(std::size_t n, std::span<const double> z, const Fit& fit) const {
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

}  // namespace spnode::training
