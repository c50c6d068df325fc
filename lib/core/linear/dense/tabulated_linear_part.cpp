#include "core/linear/dense/tabulated_linear_part.hpp"

#include "core/linear/exponential_terms.hpp"
#include "core/matrix_functions/packed_product.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

constexpr std::size_t largest_order = 64;
constexpr double inverse_factorial[] = {1.0, 1.0, 0.5, 1.0 / 6.0};

}  // namespace

template <class Real>
bool TabulatedLinearPart<Real>::takes(const std::vector<OperatorSpec>& operators, const StepTable& table,
                                      std::size_t n) {
  const auto is_exponential = [](const OperatorSpec& spec) {
    return spec.kind == OperatorSpec::Kind::exponential;
  };
  return runs_on_host && n <= largest_order && std::ranges::all_of(operators, is_exponential) &&
         std::ranges::all_of(table.steps(), [](double h) { return h >= 0.0; });
}

template <class Real>
TabulatedLinearPart<Real>::TabulatedLinearPart(SplitShape shape, std::vector<OperatorSpec> operators)
    : shape_(shape),
      operators_(std::move(operators)),
      top_(highest_phi(shape, operators_)),
      nodes_(shape.n, top_),
      A_(shape.n * shape.n),
      powers_(RestSeries<Real>::degree * A_.size()),
      power_bars_(powers_.size()),
      rounded_powers_(powers_.size()) {
  for (const OperatorSpec& spec : operators_) {
    auto& terms = terms_.emplace_back();
    for_each_exponential_term(shape_, spec, 0.0,
                              [&](std::size_t group, std::size_t index, double factor, double identity) {
                                terms.push_back({group, index, Real(factor), Real(0), Real(identity)});
                              });
    std::size_t i = 0;
    for_each_exponential_term(shape_, spec, 1.0, [&](std::size_t, std::size_t, double factor, double) {
      terms[i].per_step = Real(factor) - terms[i].constant;
      ++i;
    });
    std::size_t& top = tops_.emplace_back(0);
    for (const Term& term : terms) top = std::max(top, term.index);
    const auto known = std::ranges::find(arguments_, spec.c);
    argument_.push_back(std::size_t(known - arguments_.begin()));
    if (known == arguments_.end()) arguments_.push_back(spec.c);
  }
}

template <class Real>
NodeTable<Real> TabulatedLinearPart<Real>::table(std::size_t op) const {
  const std::size_t used = (tops_[op] + 1) * n();
  return {n(), used, padded<Real>(n()), padded<Real>(used), padded<Real>(width()), rows_.data()};
}

template <class Real>
void TabulatedLinearPart<Real>::assemble(std::span<const double> A) {
  std::ranges::copy(A, A_.begin());
  nodes_.set_matrix(A_);
  set_powers();
  std::ranges::fill(written_, 0);
  set_steps(std::vector<double>(steps_));
}

// The powers of Z = Delta A, Z^(j + 1) = Z Z^j.
template <class Real>
void TabulatedLinearPart<Real>::set_powers() {
  const std::size_t stride = RestSeries<Real>::degree * n();
  std::ranges::fill(powers_, 0.0);
  for (std::size_t i = 0; i < n(); ++i)
    for (std::size_t c = 0; c < n(); ++c) powers_[i * stride + c] = nodes_.unit() * A_[i * n() + c];
  for (std::size_t j = n(); j < stride; j += n())
    add_packed_product({n(), n(), n()}, {powers_.data(), stride, 1}, {powers_.data() + j - n(), stride, 1},
                       powers_.data() + j, stride);
  std::ranges::transform(powers_, rounded_powers_.begin(), [](double entry) { return Real(entry); });
}

template <class Real>
void TabulatedLinearPart<Real>::set_steps(const std::vector<double>& steps) {
  steps_ = steps;
  splits_.clear();
  chains_.clear();
  links_.clear();
  longest_ = 0;
  nodes_.start();
  for (const double c : arguments_)
    for (const double h : steps_) {
      splits_.push_back(nodes_.split(c * h));
      nodes_.require(splits_.back());
    }
  nodes_.compute();
  const std::size_t count = nodes_.count();
  if (written_.size() < count) {
    written_.resize(count, 0);
    rows_.resize(count * node_size());
  }
  for (std::size_t node = 0; node < count; ++node)
    if (nodes_.needs(node) && written_[node] == 0) write_node(node);
  for (const PhiNodes::Split& split : splits_) link(split);
}

template <class Real>
void TabulatedLinearPart<Real>::write_node(std::size_t node) {
  const PhiElement& value = nodes_.value(node);
  const std::size_t stride = padded<Real>(width());
  Real* const rows = rows_.data() + node * node_size();
  for (std::size_t i = 0; i < n(); ++i)
    for (std::size_t c = 0; c < width(); ++c) {
      const double entry = value.entries[i * width() + c] + (c == i ? value.unit[i] : 0.0);
      rows[i * stride + c] = Real(entry);
    }
  written_[node] = 1;
}

/// The chain of a step length, with the weights of its links.
template <class Real>
void TabulatedLinearPart<Real>::link(const PhiNodes::Split& split) {
  double whole = split.rest, scale = 1.0;
  for (const std::uint8_t digit : split.digit) {
    whole += scale * digit;
    scale *= PhiNodes::base;
  }
  double before = whole > 0.0 ? split.rest / whole : 1.0;
  LaneChain<Real> chain{Real(split.rest), Real(before), std::uint32_t(links_.size()), 0};
  scale = 1.0;
  for (std::size_t l = 0; l < PhiNodes::levels; ++l, scale *= PhiNodes::base) {
    if (split.digit[l] == 0) continue;
    ChainLink<Real> next{std::uint32_t(l * PhiNodes::digits + split.digit[l] - 1), {}};
    const double part = scale * split.digit[l] / whole;
    for (std::size_t k = 1; k <= top_; ++k)
      for (std::size_t j = 1; j <= k; ++j) {
        double weight = inverse_factorial[k - j];
        for (std::size_t i = 0; i < k; ++i) weight *= i < j ? part : before;
        next.weight[k][j] = Real(weight);
      }
    links_.push_back(next);
    before += part;
  }
  chain.last = std::uint32_t(links_.size());
  longest_ = std::max<std::size_t>(longest_, chain.last - chain.first);
  chains_.push_back(chain);
}

template <class Real>
void TabulatedLinearPart<Real>::assemble_vjp(std::span<const double> bar, std::span<double> A_bar) {
  const std::size_t stride = padded<Real>(width());
  nodes_.clear_bars();
  for (std::size_t node = 0; node < nodes_.count(); ++node) {
    if (!nodes_.needs(node)) continue;
    const std::span<double> to = nodes_.bar(node);
    for (std::size_t i = 0; i < n(); ++i)
      std::ranges::copy(bar.subspan(node * node_size() + i * stride, width()),
                        to.begin() + long(i * width()));
  }
  nodes_.vjp(A_bar);
  const std::size_t size = n(), row = RestSeries<Real>::degree * size;
  std::ranges::copy(bar.subspan(nodes_.count() * node_size()), power_bars_.begin());
  for (std::size_t j = row - size; j > 0; j -= size)
    add_packed_product({size, size, size}, {powers_.data(), 1, row}, {power_bars_.data() + j, row, 1},
                       power_bars_.data() + j - size, row);
  add_packed_product({size, row - size, size}, {power_bars_.data() + size, row, 1}, {powers_.data(), 1, row},
                     power_bars_.data(), row);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t c = 0; c < size; ++c) A_bar[i * size + c] += nodes_.unit() * power_bars_[i * row + c];
}

template <class Real>
void TabulatedLinearPart<Real>::assemble_jvp(std::span<const double> A_dot, std::span<double> dot) {
  const std::size_t stride = padded<Real>(width());
  std::ranges::fill(dot, 0.0);
  nodes_.jvp(A_dot);
  for (std::size_t node = 0; node < nodes_.count(); ++node) {
    if (!nodes_.needs(node)) continue;
    const std::span<const double> from = nodes_.dot(node);
    for (std::size_t i = 0; i < n(); ++i)
      std::ranges::copy(from.subspan(i * width(), width()),
                        dot.subspan(node * node_size() + i * stride).begin());
  }
  const std::size_t size = n(), row = RestSeries<Real>::degree * size;
  const auto power_dots = dot.subspan(nodes_.count() * node_size());
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t c = 0; c < size; ++c) power_dots[i * row + c] = nodes_.unit() * A_dot[i * size + c];
  for (std::size_t j = size; j < row; j += size) {
    add_packed_product({size, size, size}, {power_dots.data(), row, 1}, {powers_.data() + j - size, row, 1},
                       power_dots.data() + j, row);
    add_packed_product({size, size, size}, {powers_.data(), row, 1}, {power_dots.data() + j - size, row, 1},
                       power_dots.data() + j, row);
  }
}

template class TabulatedLinearPart<double>;
template class TabulatedLinearPart<float>;

}  // namespace spnode::core
