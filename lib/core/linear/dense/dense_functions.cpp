#include "core/linear/dense/dense_functions.hpp"

#include "core/linear/exponential_terms.hpp"
#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <algorithm>
#include <string>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

HalfArgument halves_of(const std::vector<OperatorSpec>& operators) {
  for (const OperatorSpec& spec : operators) {
    if (spec.kind != Kind::exponential) continue;
    if (spec.c == 0.5) return HalfArgument::include;
    if (spec.c != 1.0)
      throw UsageError("exponential stages at c = " + shortest(spec.c) + " are not supported");
  }
  return HalfArgument::omit;
}

}  // namespace

std::size_t highest_phi(const SplitShape& shape, const std::vector<OperatorSpec>& operators) {
  std::size_t highest = 0;
  for (const OperatorSpec& spec : operators)
    if (spec.kind == Kind::exponential && spec.terms() > 0)
      highest = std::max(highest, shape.has_plain ? spec.terms() : spec.terms() - 1);
  return highest;
}

DenseFunctions::Slot::Slot(std::size_t n, std::size_t max_index, HalfArgument halves,
                           const std::vector<double>& cs)
    : phi(n, max_index, halves) {
  for (const double c : cs) resolvents.emplace_back(c, Resolvent(n));
}

DenseFunctions::DenseFunctions(const SplitShape& shape, const std::vector<OperatorSpec>& operators)
    : n_(shape.n), max_index_(highest_phi(shape, operators)), halves_(halves_of(operators)), A_(n_ * n_) {
  for (const OperatorSpec& spec : operators) {
    if (spec.kind == Kind::exponential) has_exponentials_ = true;
    if (spec.kind == Kind::resolvent) resolvents_.push_back(spec.c);
  }
}

void DenseFunctions::set_matrix(std::span<const double> A) {
  std::ranges::copy(A, A_.begin());
  for (const auto& slot : slots_) slot->step.reset();
}

void DenseFunctions::set_steps(const std::vector<double>& steps) {
  steps_ = steps;
  for (const auto& slot : slots_) slot->step.reset();
  while (slots_.size() < std::min(steps.size(), most_slots()))
    slots_.push_back(std::make_unique<Slot>(n_, max_index_, halves_, resolvents_));
}

/// A slot holds about 20 levels of squaring, and ten matrices for a shifted inverse.
std::size_t DenseFunctions::most_slots() const {
  const std::size_t matrices = (has_exponentials_ ? 20 * (max_index_ + 2) : 1) + 10 * resolvents_.size();
  return std::max<std::size_t>(1, memory_limit / (sizeof(double) * n_ * n_ * matrices));
}

void DenseFunctions::select(std::size_t step) {
  slot_ = slots_[std::min(step, slots_.size() - 1)].get();
  if (slot_->step == step) return;
  slot_->step.reset();  // where the next lines raise an error it holds nothing
  if (has_exponentials_) slot_->phi.compute(A_, steps_[step]);
  for (auto& [c, resolvent] : slot_->resolvents) resolvent.compute(A_, c * steps_[step]);
  slot_->step = step;
}

Resolvent& DenseFunctions::find(double c) const {
  return std::ranges::find_if(slot_->resolvents, [c](const auto& entry) { return entry.first == c; })->second;
}

void DenseFunctions::clear_bars() {
  slot_->phi.clear_bars();
  for (auto& entry : slot_->resolvents) entry.second.clear_bar();
}

void DenseFunctions::vjp(std::span<double> A_bar) {
  if (has_exponentials_) slot_->phi.vjp(A_bar);
  for (auto& entry : slot_->resolvents) entry.second.vjp(A_bar);
}

void DenseFunctions::jvp(std::span<const double> A_dot) {
  if (has_exponentials_) slot_->phi.jvp(A_dot);
  for (auto& entry : slot_->resolvents) entry.second.jvp(A_dot);
}

}  // namespace spnode::core
