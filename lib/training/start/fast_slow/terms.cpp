#include "training/start/fast_slow/terms.hpp"

#include "core/components/state_term.hpp"
#include "training/start/interval_integrals.hpp"

#include <algorithm>

namespace spnode::training {

const core::LaneMap<double>& slow_function(const core::LaneMap<double>& g) {
  const auto* const of_state = dynamic_cast<const core::StateTerm<double>*>(&g);
  return of_state != nullptr ? of_state->function() : g;
}

Terms::Terms(const core::Model& model, std::span<const double> theta)
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

void Terms::append_fast(const FeaturePoint& at, double epsilon, std::vector<double>& row) const {
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

void Terms::append_slow(const FeaturePoint& at, double epsilon, std::vector<double>& row) const {
  std::vector<double> f(g->features());
  g->evaluate(at, f);
  for (const double feature : f) row.push_back(epsilon * feature);
}

std::pair<core::FastOperator<double>::AffineFit, double> Terms::put(const Fit& of_w, const Fit& of_x,
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

std::vector<double> increments(const parallel::Communicator& comm, States& states, Shift& shift,
                               const Terms& terms, Scale scale, std::size_t nodes,
                               const std::vector<bool>& kept) {
  const std::size_t features = scale == Scale::fast ? terms.fast_features() : terms.g->features(),
                    targets = scale == Scale::fast ? terms.fast : terms.slow, n = states.data.dimension;
  const auto rows_of = [&](std::size_t trajectory, std::span<const double> z, std::vector<double>& rows) {
    if (!kept[states.first + trajectory]) return;
    std::vector<double> u(n), f, latent;
    for (std::size_t t = 0; t < states.data.times; ++t) {
      const StatePoint at = states.at(trajectory, t, z);
      std::ranges::copy(at.x, u.begin());
      shift.subtract(at, shift.powers(), std::span(u).subspan(terms.slow));
      if (scale == Scale::fast)
        terms.append_fast({u, at.q, at.scaled}, at.epsilon, f);
      else
        terms.append_slow(
            {terms.of_state ? z.subspan(t * n, n) : std::span<const double>(u), at.q, at.scaled}, at.epsilon,
            f);
      latent.insert(latent.end(), u.begin(), u.end());
    }
    const IntervalIntegrals integrals(states.data, trajectory, nodes);
    const std::size_t first = scale == Scale::fast ? terms.slow : 0;
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

}  // namespace spnode::training
