#include "core/vector_field/nonlinear_terms.hpp"

#include "core/components/bilinear.hpp"
#include "core/components/central_force.hpp"
#include "core/components/convolution.hpp"
#include "core/components/fast_terms.hpp"
#include "core/components/field_library.hpp"
#include "core/components/forcing.hpp"
#include "core/components/library.hpp"
#include "core/components/motion.hpp"
#include "core/components/network.hpp"
#include "core/components/potential.hpp"
#include "core/components/state_term.hpp"
#include "core/kernels/elementwise.hpp"
#include "core/support/error.hpp"

#include <algorithm>
#include <utility>

namespace spnode::core {
namespace {

FastSlowShape fast_slow_shape(const ModelOptions& options, TermShape shape) {
  const auto& names = options.arguments.parameters;
  const std::size_t slow = options.linear.slow_dimension;
  return {slow, shape.states - slow, shape.arguments,
          std::size_t(std::ranges::find(names, epsilon_name) - names.begin())};
}

/// A term of a fast-slow system: eps g of the slow variables, B(y, y) and eps C y of the fast ones.
template <class Real>
std::unique_ptr<LaneMap<Real>> make_fast_slow_term(NonlinearKind kind, const ModelOptions& options,
                                                   TermShape shape, const CouplingFlow<Real>* flow) {
  const std::string name = "nonlinear/" + std::string(name_of(kind));
  const FastSlowShape parts = fast_slow_shape(options, shape);
  const auto times_epsilon = [&](std::unique_ptr<LaneMap<Real>> factor) {
    return std::make_unique<EpsilonTerm<Real>>(parts, name, std::move(factor));
  };
  if (kind == NonlinearKind::fast_bilinear) {
    const FastBilinearOptions& form = options.fast_bilinear;
    return std::make_unique<FastBilinear<Real>>(
        parts, form.rank, make_entries<Real>(parts, 2 * form.rank * parts.fast * parts.fast, form, name));
  }
  if (kind == NonlinearKind::fast_linear)
    return times_epsilon(std::make_unique<FastLinear<Real>>(
        parts, make_entries<Real>(parts, parts.fast * parts.fast, options.fast_linear, name)));
  const TermShape g{shape.states, parts.slow, shape.arguments, shape.states - parts.slow};
  const auto network = [&] {
    return std::make_unique<Network<Real>>(shape.states + shape.arguments, parts.slow, options.network,
                                           typename Network<Real>::Role{name});
  };
  switch (options.slow.form) {
    case SlowForm::bilinear:
      return times_epsilon(std::make_unique<Bilinear<Real>>(g, options.bilinear, name));
    case SlowForm::library:
      return times_epsilon(std::make_unique<Library<Real>>(g, options.library, name));
    case SlowForm::state:
      return times_epsilon(std::make_unique<StateTerm<Real>>(*flow, shape.states,
                                                             options.arguments.parameters.size(), network()));
    case SlowForm::network:
      break;
  }
  return times_epsilon(network());
}

/// The registration of the nonlinear terms.
template <class Real>
std::unique_ptr<LaneMap<Real>> make_term(NonlinearKind kind, const ModelOptions& options, TermShape shape,
                                         const CouplingFlow<Real>* flow) {
  const std::string name = "nonlinear/" + std::string(name_of(kind));
  const auto network = [&](const auto& of) {
    return std::make_unique<Network<Real>>(shape.states + shape.arguments, shape.outputs, of,
                                           typename Network<Real>::Role{name});
  };
  switch (kind) {
    case NonlinearKind::bilinear:
      return std::make_unique<Bilinear<Real>>(shape, options.bilinear, name);
    case NonlinearKind::lipschitz:
      return network(options.lipschitz);
    case NonlinearKind::network:
      return network(options.network);
    case NonlinearKind::forcing:
      return std::make_unique<Forcing<Real>>(shape, name);
    case NonlinearKind::potential:
      return std::make_unique<Potential<Real>>(shape, options.potential, name);
    case NonlinearKind::central_force:
      return std::make_unique<CentralForce<Real>>(shape, options.central_force, name);
    case NonlinearKind::convolution:
      return std::make_unique<Convolution<Real>>(shape, options.convolution, name);
    case NonlinearKind::library:
      if (options.library.fields > 0)
        return std::make_unique<FieldLibrary<Real>>(shape, options.library, name);
      return std::make_unique<Library<Real>>(shape, options.library, name);
    case NonlinearKind::slow:
    case NonlinearKind::fast_bilinear:
    case NonlinearKind::fast_linear:
      return make_fast_slow_term<Real>(kind, options, shape, flow);
  }
  throw Error(ExitStatus::internal_error, "make_term: unknown nonlinear term");
}

}  // namespace

template <class Real>
NonlinearTerms<Real>::NonlinearTerms(const ModelOptions& options, std::size_t dimension,
                                     std::shared_ptr<const Invariants> invariants,
                                     const CouplingFlow<Real>* flow,
                                     std::shared_ptr<const Symmetries> symmetries)
    : n_(dimension), invariants_(std::move(invariants)), symmetries_(std::move(symmetries)) {
  options.validate();
  TermShape shape{n_, n_, options.arguments.size()};
  std::size_t row = 0;
  if (options.order == 2) {
    require_option(
        n_ % 2 == 0, {"order"},
        "is 2, which needs a state [x; v] of an even number of components; found " + std::to_string(n_));
    row = shape.outputs = n_ / 2;
    terms_.push_back({std::make_unique<Motion<Real>>(n_)});
  }
  for (const NonlinearKind kind : options.nonlinear) {
    const bool is_fast = kind == NonlinearKind::fast_bilinear || kind == NonlinearKind::fast_linear;
    terms_.push_back({make_term<Real>(kind, options, shape, flow), options.relaxes(kind),
                      is_fast ? options.linear.slow_dimension : row});
  }
  if (options.affine())
    terms_.push_back({std::make_unique<Forcing<Real>>(TermShape{n_, n_, 0}, "nonlinear/constant")});
  for (const Term& term : terms_) (term.relaxed ? has_relaxed_ : has_plain_) = true;
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
  first_of_Q_ = coefficient_count_;
  if (invariants_) coefficient_count_ += invariants_->size();
}

template <class Real>
void NonlinearTerms<Real>::project(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                                   const MatrixView<Real>& values, Scratch<Real>& scratch) const {
  if (!invariants_ || !has_plain_) return;
  const ConstVectorView<Real> Q(coefficients.data() + first_of_Q_, invariants_->size());
  invariants_->project(space, Q, rows_of(values, 0, n_), scratch);
}

template <class Real>
ConstMatrixView<Real> NonlinearTerms<Real>::projected_bar(const ExecSpace& space,
                                                          const ConstVectorView<Real>& coefficients,
                                                          const ConstMatrixView<Real>& bar,
                                                          Scratch<Real>& scratch) const {
  if (!invariants_ || !has_plain_) return bar;
  const MatrixView<Real> copy = scratch.matrix(bar.extent(0), bar.extent(1));
  scaled_copy(space, 1.0, bar, copy);
  project(space, coefficients, copy, scratch);
  return copy;
}

template <class Real>
NonlinearTerms<Real> NonlinearTerms<Real>::first_rows(std::size_t rows) const {
  NonlinearTerms part = *this;
  std::erase_if(part.terms_, [rows](const Term& term) { return term.row + term.map->outputs() > rows; });
  return part;
}

// An element P of the group, whose share of the mean is `weight`. Without symmetries nothing is copied.
template <class Real>
struct NonlinearTerms<Real>::Turn {
  const Symmetries* symmetries;
  const ExecSpace& space;
  Scratch<Real>& scratch;
  std::size_t element;
  double weight;

  // factor P X.
  ConstMatrixView<Real> moved(const ConstMatrixView<Real>& X, double factor = 1.0) const {
    if (symmetries == nullptr || X.extent(0) == 0) return X;
    const MatrixView<Real> copy = scratch.matrix(X.extent(0), X.extent(1));
    symmetries->apply(space, element, factor, X, copy);
    return copy;
  }
  Point<Real> moved(const Point<Real>& x) const { return {moved(x.u), x.q}; }
  // Where the terms add what add() adds to `sum`.
  MatrixView<Real> part_of(const MatrixView<Real>& sum) const {
    if (symmetries == nullptr || sum.extent(0) == 0) return sum;
    const MatrixView<Real> part = scratch.matrix(sum.extent(0), sum.extent(1));
    fill(space, 0.0, part);
    return part;
  }
  // sum += factor P^T part.
  void add(const MatrixView<Real>& part, const MatrixView<Real>& sum, double factor = 1.0) const {
    if (symmetries == nullptr || sum.extent(0) == 0) return;
    symmetries->add_inverse(space, element, factor, ConstMatrixView<Real>(part), sum);
  }
};

template <class Real>
template <class Work>
void NonlinearTerms<Real>::for_each_turn(const ExecSpace& space, Scratch<Real>& scratch,
                                         const Work& work) const {
  for (std::size_t e = 0; e < elements(); ++e) {
    const ScratchFrame frame(scratch);
    work(Turn{symmetries_.get(), space, scratch, e, 1.0 / double(elements())});
  }
}

template <class Real>
void NonlinearTerms<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  fill(space, 0.0, value.y);
  for_each_turn(space, scratch, [&](const Turn& P) {
    const Point<Real> x = P.moved(value.x);
    const MatrixView<Real> y = P.part_of(value.y);
    for (const Term& term : terms_)
      term.map->apply(space,
                      {coefficients_of(term, value.coefficients), x, outputs_of(term, y),
                       tape_of(term, P.element, value.tape)},
                      scratch);
    P.add(y, value.y, P.weight);
  });
  project(space, value.coefficients, value.y, scratch);
}

template <class Real>
void NonlinearTerms<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                     Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> y_bar = projected_bar(space, reverse.coefficients, reverse.y_bar, scratch);
  for_each_turn(space, scratch, [&](const Turn& P) {
    const Point<Real> x = P.moved(reverse.x);
    const ConstMatrixView<Real> bar = P.moved(y_bar, P.weight);
    const PointBar<Real> x_bar{P.part_of(reverse.x_bar.u), reverse.x_bar.q};
    for (const Term& term : terms_)
      term.map->apply_vjp(
          space,
          {coefficients_of(term, reverse.coefficients), x, tape_of(term, P.element, reverse.tape),
           outputs_of(term, bar), x_bar, coefficients_of(term, reverse.coefficients_bar)},
          scratch);
    P.add(x_bar.u, reverse.x_bar.u);
  });
}

template <class Real>
void NonlinearTerms<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                     Scratch<Real>& scratch) const {
  fill(space, 0.0, tangent.y_dot);
  for_each_turn(space, scratch, [&](const Turn& P) {
    const Point<Real> x = P.moved(tangent.x), x_dot = P.moved(tangent.x_dot);
    const MatrixView<Real> y_dot = P.part_of(tangent.y_dot);
    for (const Term& term : terms_)
      term.map->apply_jvp(
          space,
          {coefficients_of(term, tangent.coefficients), coefficients_of(term, tangent.coefficients_dot), x,
           x_dot, tape_of(term, P.element, tangent.tape), outputs_of(term, y_dot)},
          scratch);
    P.add(y_dot, tangent.y_dot, P.weight);
  });
  project(space, tangent.coefficients, tangent.y_dot, scratch);
}

template <class Real>
void NonlinearTerms<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                         Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const ConstMatrixView<Real> y_dot_bar =
      projected_bar(space, reverse.coefficients, reverse.y_dot_bar, scratch);
  for_each_turn(space, scratch, [&](const Turn& P) {
    const Point<Real> x = P.moved(reverse.x), x_dot = P.moved(reverse.x_dot);
    const ConstMatrixView<Real> bar = P.moved(y_dot_bar, P.weight);
    const PointBar<Real> x_bar{P.part_of(reverse.x_bar.u), reverse.x_bar.q},
        x_dot_bar{P.part_of(reverse.x_dot_bar.u), reverse.x_dot_bar.q};
    for (const Term& term : terms_)
      term.map->apply_jvp_vjp(
          space,
          {coefficients_of(term, reverse.coefficients), x, x_dot, tape_of(term, P.element, reverse.tape),
           outputs_of(term, bar), x_bar, x_dot_bar, coefficients_of(term, reverse.coefficients_bar)},
          scratch);
    P.add(x_bar.u, reverse.x_bar.u);
    P.add(x_dot_bar.u, reverse.x_dot_bar.u);
  });
}

template <class Real>
void NonlinearTerms<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                         Scratch<Real>& scratch) const {
  fill(space, 0.0, tangent.y_dot_dot);
  for_each_turn(space, scratch, [&](const Turn& P) {
    const Point<Real> x = P.moved(tangent.x), x_dot = P.moved(tangent.x_dot);
    const MatrixView<Real> y_dot_dot = P.part_of(tangent.y_dot_dot);
    for (const Term& term : terms_)
      term.map->apply_jvp_jvp(
          space,
          {coefficients_of(term, tangent.coefficients), coefficients_of(term, tangent.coefficients_dot), x,
           x_dot, tape_of(term, P.element, tangent.tape), outputs_of(term, y_dot_dot)},
          scratch);
    P.add(y_dot_dot, tangent.y_dot_dot, P.weight);
  });
  project(space, tangent.coefficients, tangent.y_dot_dot, scratch);
}

template <class Real>
void NonlinearTerms<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  for (const Term& term : terms_)
    term.map->assemble(theta, c.subspan(term.coefficient, term.map->coefficient_count()));
  if (invariants_) std::ranges::copy(invariants_->rows(theta), c.begin() + std::ptrdiff_t(first_of_Q_));
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
  if (invariants_) std::ranges::fill(c_dot.subspan(first_of_Q_, invariants_->size()), 0.0);
}

template class NonlinearTerms<double>;
template class NonlinearTerms<float>;

}  // namespace spnode::core
