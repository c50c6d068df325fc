#pragma once
/// A component at a random point, for the tests of components.

#include "core/components/component.hpp"
#include "core/components/library.hpp"
#include "core/components/options.hpp"
#include "helpers.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace spnode::test {

using namespace core;

template <class Real>
struct Case {
  std::string name;
  std::function<std::unique_ptr<LaneMap<Real>>()> make;
  std::size_t arguments = 0;  // rows of q among the inputs
  bool has_kinks = false;     // second derivatives are zero almost everywhere
};

inline LipschitzOptions network_options(double bound, bool last, bool scale,
                                        LipschitzDivisor divisor = LipschitzDivisor::exact) {
  LipschitzOptions options;
  options.divisor = divisor;
  options.hidden = {7, 5};
  options.bound = bound;
  options.last_activation = last;
  options.output_scale = scale;
  options.initial_scale = 1.5;  // large enough that the Lipschitz normalisation is active
  return options;
}

inline AutoencoderOptions autoencoder_options(bool pod, bool trainable, std::vector<std::size_t> hidden) {
  AutoencoderOptions options;
  options.pod = pod;
  options.pod_trainable = trainable;
  options.hidden = std::move(hidden);
  return options;
}

// A component at a random point, and everything that its maps need.
template <class Real>
struct Setup {
  explicit Setup(const Case<Real>& c, std::size_t lanes_ = 11)
      : map(c.make()), arguments(c.arguments), lanes(lanes_) {
    map->declare(layout);
    theta.resize(layout.size());
    map->initialise(3, theta);
    const auto noise = random_vector(theta.size(), "noise", 0.3);
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += noise[i];
    if (const auto* const library = dynamic_cast<const Library<Real>*>(map.get())) set_frozen(*library);
    tape = Matrix<Real>("tape", map->tape_rows(), lanes);
    x = random_matrix<Real>(map->inputs(), lanes, "x");
  }

  // A third of the coefficients outside the support; variables with a shift and a scale.
  void set_frozen(const Library<Real>& library) {
    auto Xi = library.coefficients_of(theta);
    for (std::size_t i = 0; i < Xi.size(); i += 3) Xi[i] = 0.0;
    library.set_coefficients(Xi, theta);
    library.set_scaling({{0.3, -0.4, 0.2}, {0.5, 2.0, 1.0}}, theta);
    library.set_argument_scaling({{0.1}, {0.25}}, theta);
  }

  Vector<Real> assemble(const std::vector<double>& at) const {
    std::vector<double> c(map->coefficient_count());
    map->assemble(at, c);
    return to_device<Real>(c);
  }
  Matrix<Real> apply(const std::vector<double>& at, const Matrix<Real>& input) {
    Matrix<Real> y("y", map->outputs(), lanes);
    map->apply(space, {assemble(at), point(input), y, tape}, scratch);
    return y;
  }

  // Of theta, zero in frozen blocks.
  std::vector<double> direction(const std::string& name) const {
    auto v = random_vector(theta.size(), name);
    for (const ParameterBlock& block : layout.blocks())
      if (block.frozen) std::ranges::fill(block_of(std::span(v), block), 0.0);
    return v;
  }

  // [u; q] as a point, and as an adjoint.
  Point<Real> point(const Matrix<Real>& X) const {
    const ConstMatrixView<Real> rows = X;
    return {rows_of(rows, 0, map->inputs() - arguments), rows_of(rows, map->inputs() - arguments, arguments)};
  }
  PointBar<Real> bar(const Matrix<Real>& X) const {
    const MatrixView<Real> rows = X;
    return {rows_of(rows, 0, map->inputs() - arguments), rows_of(rows, map->inputs() - arguments, arguments)};
  }

  // y_dot for fixed coefficients.
  Matrix<Real> tangent(const std::vector<double>& at, const Matrix<Real>& input, const Matrix<Real>& x_dot) {
    apply(at, input);
    Matrix<Real> y_dot("y_dot", map->outputs(), lanes);
    map->apply_jvp(space, {assemble(at), {}, point(input), point(x_dot), tape, y_dot}, scratch);
    return y_dot;
  }

  ExecSpace space;
  Scratch<Real> scratch;
  ParameterLayout layout;
  std::unique_ptr<LaneMap<Real>> map;
  std::size_t arguments, lanes;
  std::vector<double> theta;
  Matrix<Real> tape, x;
};

}  // namespace spnode::test
