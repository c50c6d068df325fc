#include "core/vector_field/nonlinear_terms.hpp"

#include "core/components/bilinear.hpp"
#include "core/components/forcing.hpp"
#include "core/components/network.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/support/error.hpp"

namespace spnode::core {
namespace {

template <class Real>
std::unique_ptr<LaneMap<Real>> make_network(std::size_t n, std::size_t m, const auto& options,
                                            std::string name) {
  return std::make_unique<Network<Real>>(n + m, n, options, typename Network<Real>::Role{std::move(name)});
}

/// The registration of the nonlinear terms.
template <class Real>
typename NonlinearTerms<Real>::Term make_term(NonlinearKind kind, const ModelOptions& options,
                                              std::size_t n) {
  const std::size_t m = options.arguments.size();
  switch (kind) {
    case NonlinearKind::bilinear:
      return {std::make_unique<Bilinear<Real>>(n, m, options.bilinear, "nonlinear/bilinear"), false, 0, 0};
    case NonlinearKind::lipschitz:
      return {make_network<Real>(n, m, options.lipschitz, "nonlinear/lipschitz"),
              options.lipschitz.relaxation, 0, 0};
    case NonlinearKind::network:
      return {make_network<Real>(n, m, options.network, "nonlinear/network"), options.network.relaxation, 0,
              0};
    case NonlinearKind::forcing:
      return {std::make_unique<Forcing<Real>>(n, m, "nonlinear/forcing"), false, 0, 0};
  }
  throw Error(ExitStatus::internal_error, "make_term: unknown nonlinear term");
}

}  // namespace

template <class Real>
NonlinearTerms<Real>::NonlinearTerms(const ModelOptions& options, std::size_t dimension) : n_(dimension) {
  for (const NonlinearKind kind : options.nonlinear) {
    terms_.push_back(make_term<Real>(kind, options, n_));
    (terms_.back().relaxed ? has_relaxed_ : has_plain_) = true;
  }
  options.validate();
}

template <class Real>
void NonlinearTerms<Real>::declare(ParameterLayout& layout) {
  for (Term& term : terms_) {
    term.map->declare(layout);
    term.coefficient = coefficient_count_;
    term.tape_row = tape_rows_;
    coefficient_count_ += term.map->coefficient_count();
    tape_rows_ += term.map->tape_rows();
  }
}

template <class Real>
void NonlinearTerms<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  fill(space, 0.0, value.y);
  for (const Term& term : terms_)
    term.map->apply(
        space,
        {coefficients_of(term, value.coefficients), value.x, rows_of(value.y, first_row(term), n_),
         rows_of(value.tape, term.tape_row, term.map->tape_rows())},
        scratch);
}

template <class Real>
void NonlinearTerms<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                     Scratch<Real>& scratch) const {
  for (const Term& term : terms_)
    term.map->apply_vjp(space,
                        {coefficients_of(term, reverse.coefficients), reverse.x,
                         rows_of(reverse.tape, term.tape_row, term.map->tape_rows()),
                         rows_of(reverse.y_bar, first_row(term), n_), reverse.x_bar,
                         coefficients_of(term, reverse.coefficients_bar)},
                        scratch);
}

template <class Real>
void NonlinearTerms<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                     Scratch<Real>& scratch) const {
  fill(space, 0.0, tangent.y_dot);
  for (const Term& term : terms_)
    term.map->apply_jvp(
        space,
        {coefficients_of(term, tangent.coefficients), coefficients_of(term, tangent.coefficients_dot),
         tangent.x, tangent.x_dot, rows_of(tangent.tape, term.tape_row, term.map->tape_rows()),
         rows_of(tangent.y_dot, first_row(term), n_)},
        scratch);
}

template <class Real>
void NonlinearTerms<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                         Scratch<Real>& scratch) const {
  for (const Term& term : terms_)
    term.map->apply_jvp_vjp(space,
                            {coefficients_of(term, reverse.coefficients), reverse.x, reverse.x_dot,
                             rows_of(reverse.tape, term.tape_row, term.map->tape_rows()),
                             rows_of(reverse.y_dot_bar, first_row(term), n_), reverse.x_bar,
                             reverse.x_dot_bar, coefficients_of(term, reverse.coefficients_bar)},
                            scratch);
}

template <class Real>
void NonlinearTerms<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  for (const Term& term : terms_)
    term.map->assemble(theta, c.subspan(term.coefficient, term.map->coefficient_count()));
}

template <class Real>
void NonlinearTerms<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                        std::span<double> theta_bar) const {
  for (const Term& term : terms_)
    term.map->assemble_vjp(theta, c_bar.subspan(term.coefficient, term.map->coefficient_count()), theta_bar);
}

template <class Real>
void NonlinearTerms<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                        std::span<double> c_dot) const {
  for (const Term& term : terms_)
    term.map->assemble_jvp(theta, theta_dot, c_dot.subspan(term.coefficient, term.map->coefficient_count()));
}

template class NonlinearTerms<double>;
template class NonlinearTerms<float>;

}  // namespace spnode::core
