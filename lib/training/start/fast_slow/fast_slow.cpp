#include "training/start/fast_slow/fast_slow.hpp"

#include "core/matrix_functions/linear_algebra.hpp"
#include "core/support/error.hpp"
#include "training/start/fast_slow/neurons.hpp"
#include "training/start/fast_slow/shift.hpp"
#include "training/start/fast_slow/states.hpp"
#include "training/start/fast_slow/terms.hpp"
#include "training/start/least_squares.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <utility>

namespace spnode::training {
namespace {

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
  const std::vector<double> of_w = increments(comm, fast_states, shift, terms, Scale::fast, nodes, whole);
  const std::vector<double> beside = increments(comm, fast_states, shift, terms, Scale::slow, nodes, whole);
  std::array<std::vector<double>, 2> near;
  for (std::size_t half = 0; half < 2; ++half) {
    std::vector<bool> of_half(kept);
    std::size_t number = 0;
    for (std::size_t n = 0; n < kept.size(); ++n) of_half[n] = kept[n] && number++ % 2 == half;
    near[half] = increments(comm, slow_states, shift, terms, Scale::slow, nodes, of_half);
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
