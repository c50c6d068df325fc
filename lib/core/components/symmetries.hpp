#pragma once
/// Symmetries of a right-hand side: signed permutations of the components.

#include "core/components/options.hpp"
#include "core/memory/scratch.hpp"
#include "core/memory/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spnode::core {

/// The finite group of the matrices P that the options generate, (P u)_i = sign_i u_source(i), and the means
/// over it (Reynolds operators) by which a right-hand side becomes equivariant, f(P u) = P f(u):
///
///   of a function  g(u) = 1/|G| sum over P of P^T g(P u),   of a matrix  R(A) = 1/|G| sum over P of P^T A P.
///
/// As each P is orthogonal, R keeps symmetric, positive definite and skew matrices what they are.
class Symmetries {
 public:
  /// Of n components. Raises OptionError (of SymmetryOptions) where the options do not fit these or generate
  /// more than most_elements.
  Symmetries(std::size_t n, const SymmetryOptions& options);

  static constexpr std::size_t most_elements = 1024;

  std::size_t dimension() const { return n_; }
  std::size_t count() const { return elements_.size(); }  ///< |G|; element 0 is the identity

  struct Entry {
    std::uint32_t source;
    float sign;  ///< 1 or -1
  };
  /// (n), component by component.
  const std::vector<Entry>& element(std::size_t e) const { return elements_[e]; }

  /// to = P x on the host.
  void move(std::size_t e, std::span<const double> x, std::span<double> to) const;
  /// A = R(A), (n, n) on the host.
  void average(std::span<double> A) const;

  /// Of each component the first one that the group maps to it, up to a sign.
  const std::vector<Entry>& representatives() const { return representatives_; }
  /// Whether the group maps a component to its negative.
  bool flips(std::size_t component) const { return flips_[component]; }
  /// Whether no element changes a component.
  bool fixes(std::size_t component) const { return fixes_[component]; }
  bool has_signs() const;

  /// Y = factor P X for each block of n rows.
  template <class Real>
  void apply(const ExecSpace& space, std::size_t e, double factor, const ConstMatrixView<Real>& X,
             const MatrixView<Real>& Y) const;
  /// Y += factor P^T X for each block of n rows.
  template <class Real>
  void add_inverse(const ExecSpace& space, std::size_t e, double factor, const ConstMatrixView<Real>& X,
                   const MatrixView<Real>& Y) const;

 private:
  using Element = std::vector<Entry>;
  void generate(const std::vector<Element>& generators);
  void find_orbits();
  ConstVectorView<Entry> on_device(std::size_t e) const {
    return ConstVectorView<Entry>(table_.data() + e * n_, n_);
  }

  std::size_t n_;
  std::vector<Element> elements_;
  std::vector<std::size_t> inverse_;  // of each element
  std::vector<Entry> representatives_;
  std::vector<bool> flips_, fixes_;
  Vector<Entry> table_;  // (elements, n)
};

}  // namespace spnode::core
