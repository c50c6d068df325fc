#include "core/components/symmetries.hpp"

#include "core/kernels/lanes.hpp"
#include "core/support/option.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>

namespace spnode::core {
namespace {

using Entry = Symmetries::Entry;
using Element = std::vector<Entry>;

/// One row of options for each generator; `given` may be empty.
std::size_t rows(std::size_t n, std::size_t given, const char* option) {
  require_option(given % n == 0, {option},
                 "has " + std::to_string(given) + " numbers, but the states have " + std::to_string(n) +
                     " components: give as many for each symmetry");
  return given / n;
}

std::vector<Element> generators(std::size_t n, const SymmetryOptions& options) {
  const std::size_t permuted = rows(n, options.permutations.size(), "permutations"),
                    signed_ = rows(n, options.signs.size(), "signs");
  require_option(permuted == 0 || signed_ == 0 || permuted == signed_, {"permutations", "signs"},
                 "names " + std::to_string(permuted) + " symmetries, signs " + std::to_string(signed_) +
                     ": give both for each, or one of the two alone");
  std::vector<Element> all(std::max(permuted, signed_), Element(n));
  for (std::size_t k = 0; k < all.size(); ++k) {
    std::vector<bool> seen(n, false);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t source = permuted > 0 ? options.permutations[k * n + i] : i;
      require_option(source < n && !seen[source], {"permutations"},
                     "must name each of the components 0 to " + std::to_string(n - 1) +
                         " once in each symmetry; found " + std::to_string(source) + " at place " +
                         std::to_string(i) + " of symmetry " + std::to_string(k + 1));
      seen[source] = true;
      all[k][i] = {std::uint32_t(source), signed_ > 0 ? float(options.signs[k * n + i]) : 1.0F};
    }
  }
  return all;
}

/// The matrix product of two elements.
Element product(const Element& a, const Element& b) {
  Element both(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    both[i] = {b[a[i].source].source, a[i].sign * b[a[i].source].sign};
  return both;
}

Element inverse(const Element& a) {
  Element back(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) back[a[i].source] = {std::uint32_t(i), a[i].sign};
  return back;
}

/// An order of elements, to find them.
std::vector<std::int64_t> key(const Element& a) {
  std::vector<std::int64_t> key;
  for (const Entry& entry : a) key.push_back(entry.sign * (std::int64_t(entry.source) + 1));
  return key;
}

}  // namespace

Symmetries::Symmetries(std::size_t n, const SymmetryOptions& options) : n_(n) {
  options.validate();
  generate(generators(n, options));
  find_orbits();
  table_ = Vector<Entry>("symmetries", elements_.size() * n);
  const auto host = Kokkos::create_mirror_view(table_);
  for (std::size_t e = 0; e < elements_.size(); ++e) std::ranges::copy(elements_[e], host.data() + e * n);
  update_from(table_, host);
}

void Symmetries::generate(const std::vector<Element>& generators) {
  Element identity(n_);
  for (std::size_t i = 0; i < n_; ++i) identity[i] = {std::uint32_t(i), 1.0F};
  std::map<std::vector<std::int64_t>, std::size_t> places = {{key(identity), 0}};
  elements_ = {identity};
  for (std::size_t e = 0; e < elements_.size(); ++e)
    for (const Element& generator : generators) {
      Element next = product(generator, elements_[e]);
      if (!places.emplace(key(next), elements_.size()).second) continue;
      require_option(elements_.size() < most_elements, {"permutations", "signs"},
                     "generates a group of more than " + std::to_string(most_elements) +
                         " elements, over which g would be averaged at each step; name fewer symmetries");
      elements_.push_back(std::move(next));
    }
  for (const Element& element : elements_) inverse_.push_back(places.at(key(inverse(element))));
}

void Symmetries::find_orbits() {
  representatives_.assign(n_, {std::uint32_t(n_), 1.0F});
  flips_.assign(n_, false);
  fixes_.assign(n_, true);
  for (const Element& element : elements_)
    for (std::size_t i = 0; i < n_; ++i) {
      if (element[i].source < representatives_[i].source) representatives_[i] = element[i];
      if (element[i].source == i && element[i].sign < 0.0F) flips_[i] = true;
      if (element[i].source != i || element[i].sign < 0.0F) fixes_[i] = false;
    }
}

bool Symmetries::has_signs() const {
  return std::ranges::any_of(elements_, [](const Element& P) {
    return std::ranges::any_of(P, [](const Entry& entry) { return entry.sign < 0.0F; });
  });
}

void Symmetries::move(std::size_t e, std::span<const double> x, std::span<double> to) const {
  const Element& P = elements_[e];
  for (std::size_t i = 0; i < n_; ++i) to[i] = double(P[i].sign) * x[P[i].source];
}

// (P^T A P)_kl = sign_i sign_j A_ij with k = source(i), l = source(j).
void Symmetries::average(std::span<double> A) const {
  std::vector<double> sum(n_ * n_, 0.0);
  for (const Element& P : elements_)
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j)
        sum[P[i].source * n_ + P[j].source] += double(P[i].sign * P[j].sign) * A[i * n_ + j];
  for (std::size_t k = 0; k < sum.size(); ++k) A[k] = sum[k] / double(elements_.size());
}

namespace {

// Y(b, i, :) = factor sign(i) X(b, source(i), :) for blocks b, added where `adds`.
template <class Real>
void move_rows(const ExecSpace& space, const ConstVectorView<Entry>& P, double factor,
               const ConstMatrixView<Real>& X, const MatrixView<Real>& Y, bool adds) {
  const std::size_t n = P.extent(0);
  const Real kept = adds ? 1 : 0, size = Real(factor);
  for_each_row(
      "symmetry", space, Y.extent(0), Y.extent(1),
      KOKKOS_LAMBDA(const std::size_t row, const std::size_t first, const std::size_t last) {
        const Entry entry = P(row % n);
        const std::size_t from = row - row % n + entry.source;
        const Real scale = size * Real(entry.sign);
        if (kept != 0)
          for (std::size_t l = first; l < last; ++l) Y(row, l) += scale * X(from, l);
        else
          for (std::size_t l = first; l < last; ++l) Y(row, l) = scale * X(from, l);
      });
}

}  // namespace

template <class Real>
void Symmetries::apply(const ExecSpace& space, std::size_t e, double factor, const ConstMatrixView<Real>& X,
                       const MatrixView<Real>& Y) const {
  move_rows(space, on_device(e), factor, X, Y, false);
}

template <class Real>
void Symmetries::add_inverse(const ExecSpace& space, std::size_t e, double factor,
                             const ConstMatrixView<Real>& X, const MatrixView<Real>& Y) const {
  move_rows(space, on_device(inverse_[e]), factor, X, Y, true);
}

template void Symmetries::apply(const ExecSpace&, std::size_t, double, const ConstMatrixView<double>&,
                                const MatrixView<double>&) const;
template void Symmetries::apply(const ExecSpace&, std::size_t, double, const ConstMatrixView<float>&,
                                const MatrixView<float>&) const;
template void Symmetries::add_inverse(const ExecSpace&, std::size_t, double, const ConstMatrixView<double>&,
                                      const MatrixView<double>&) const;
template void Symmetries::add_inverse(const ExecSpace&, std::size_t, double, const ConstMatrixView<float>&,
                                      const MatrixView<float>&) const;

}  // namespace spnode::core
