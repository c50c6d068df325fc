#include "core/components/conditioner.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"

#include <utility>

namespace spnode::core {
namespace {

/// y_i = sum_r prod_k v_kri: rows of a matrix of factors v, factor by factor, product by product.
struct ProductShape {
  std::size_t factors, rank, outputs;

  KOKKOS_FUNCTION std::size_t row(std::size_t k, std::size_t r, std::size_t i) const {
    return (k * rank + r) * outputs + i;
  }
  /// The product of the factors but two, which may be the same.
  template <class Real>
  KOKKOS_FUNCTION Real others(const ConstMatrixView<Real>& v, std::size_t r, std::size_t i, std::size_t l,
                              std::size_t one, std::size_t two) const {
    Real product = 1;
    for (std::size_t k = 0; k < factors; ++k)
      if (k != one && k != two) product *= v(row(k, r, i), l);
    return product;
  }
};

/// y += the products.
template <class Real>
void add_products(const ExecSpace& space, ProductShape shape, InputMatrix<Real> v, MatrixView<Real> y) {
  for_each_row(
      "products", space, shape.outputs, y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l)
          for (std::size_t r = 0; r < shape.rank; ++r)
            y(i, l) += shape.others<Real>(v, r, i, l, shape.factors, shape.factors);
      });
}

/// y_dot += their tangent.
template <class Real>
void add_products_jvp(const ExecSpace& space, ProductShape shape, InputMatrix<Real> v,
                      InputMatrix<Real> v_dot, MatrixView<Real> y_dot) {
  for_each_row(
      "products_jvp", space, shape.outputs, y_dot.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l)
          for (std::size_t r = 0; r < shape.rank; ++r)
            for (std::size_t k = 0; k < shape.factors; ++k)
              y_dot(i, l) += v_dot(shape.row(k, r, i), l) * shape.others<Real>(v, r, i, l, k, k);
      });
}

/// v_bar = the adjoint of the factors.
template <class Real>
void products_vjp(const ExecSpace& space, ProductShape shape, InputMatrix<Real> v, InputMatrix<Real> y_bar,
                  MatrixView<Real> v_bar) {
  for_each_row(
      "products_vjp", space, shape.outputs, y_bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l)
          for (std::size_t r = 0; r < shape.rank; ++r)
            for (std::size_t k = 0; k < shape.factors; ++k)
              v_bar(shape.row(k, r, i), l) = y_bar(i, l) * shape.others<Real>(v, r, i, l, k, k);
      });
}

/// v_bar = the adjoint of the factors through their tangent: along v_dot, for the adjoint w of y_dot.
template <class Real>
void products_second(const ExecSpace& space, ProductShape shape, InputMatrix<Real> v, InputMatrix<Real> v_dot,
                     InputMatrix<Real> w, MatrixView<Real> v_bar) {
  for_each_row(
      "products_second", space, shape.outputs, w.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l)
          for (std::size_t r = 0; r < shape.rank; ++r)
            for (std::size_t k = 0; k < shape.factors; ++k) {
              Real sum = 0;
              for (std::size_t j = 0; j < shape.factors; ++j)
                if (j != k) sum += v_dot(shape.row(j, r, i), l) * shape.others<Real>(v, r, i, l, k, j);
              v_bar(shape.row(k, r, i), l) = w(i, l) * sum;
            }
      });
}

/// y += the second derivative along two tangents of the factors.
template <class Real>
void add_products_along(const ExecSpace& space, ProductShape shape, InputMatrix<Real> v,
                        InputMatrix<Real> v_dot, InputMatrix<Real> v_along, MatrixView<Real> y) {
  for_each_row(
      "products_along", space, shape.outputs, y.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l)
          for (std::size_t r = 0; r < shape.rank; ++r)
            for (std::size_t k = 0; k < shape.factors; ++k)
              for (std::size_t j = 0; j < shape.factors; ++j)
                if (j != k)
                  y(i, l) += v_dot(shape.row(k, r, i), l) * v_along(shape.row(j, r, i), l) *
                             shape.others<Real>(v, r, i, l, k, j);
      });
}

}  // namespace

template <class Real>
Conditioner<Real>::Conditioner(const Shape& shape, const CouplingFlowOptions& options)
    : shape_(shape), rank_(options.rank) {
  const auto network = [&](const std::string& name, std::size_t outputs, std::vector<std::size_t> hidden,
                           double last_layer_scale, double singular_bound = 0.0) {
    NetworkOptions own;
    own.hidden = std::move(hidden);
    own.activation = options.activation;
    own.initial_scale = options.initial_scale;
    Factor factor;
    factor.network = std::make_unique<Network<Real>>(
        shape_.given + shape_.parameters, outputs, own,
        typename Network<Real>::Role{shape_.name + "/" + name, ParameterGroup::autoencoder, false,
                                     last_layer_scale, singular_bound});
    return factor;
  };
  constexpr double small = 0.1;
  for (const ConditionerKind kind : options.conditioners) {
    Summand& summand = summands_.emplace_back();
    const std::string name(name_of(kind));
    if (kind != ConditionerKind::product) {
      const bool linear = kind == ConditionerKind::linear;
      summand.factors.push_back(network(name, shape_.outputs,
                                        linear ? std::vector<std::size_t>() : options.hidden, small,
                                        linear ? 0.0 : options.network_bound));
      continue;
    }
    for (std::size_t k = 1; k <= options.factors; ++k) {
      const bool last = k == options.factors;
      summand.factors.push_back(network(name + "/factor" + std::to_string(k), rows(),
                                        last ? options.factor_hidden : std::vector<std::size_t>(),
                                        last ? small : 1.0));
    }
  }
}

template <class Real>
void Conditioner<Real>::declare(ParameterLayout& layout) {
  for (Summand& summand : summands_) {
    summand.value_row = tape_rows_;
    if (summand.is_product()) tape_rows_ += summand.factors.size() * rows();
    for (Factor& factor : summand.factors) {
      factor.network->declare(layout);
      factor.coefficient = coefficient_count_;
      factor.tape_row = tape_rows_;
      coefficient_count_ += factor.network->coefficient_count();
      tape_rows_ += factor.network->tape_rows();
    }
  }
}

template <class Real>
void Conditioner<Real>::initialise(std::uint64_t seed, std::span<double> theta) const {
  for (const Summand& summand : summands_)
    for (const Factor& factor : summand.factors) factor.network->initialise(seed, theta);
}

template <class Real>
void Conditioner<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  for (const Summand& summand : summands_)
    for (const Factor& factor : summand.factors)
      factor.network->assemble(theta, c.subspan(factor.coefficient, factor.network->coefficient_count()));
}

template <class Real>
void Conditioner<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                     std::span<double> theta_bar) const {
  for (const Summand& summand : summands_)
    for (const Factor& factor : summand.factors)
      factor.network->assemble_vjp(
          theta, c_bar.subspan(factor.coefficient, factor.network->coefficient_count()), theta_bar);
}

template <class Real>
void Conditioner<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                     std::span<double> c_dot) const {
  for (const Summand& summand : summands_)
    for (const Factor& factor : summand.factors)
      factor.network->assemble_jvp(theta, theta_dot,
                                   c_dot.subspan(factor.coefficient, factor.network->coefficient_count()));
}

template <class Real>
void Conditioner<Real>::apply(const ExecSpace& space, const typename LaneMap<Real>::Value& value,
                              Scratch<Real>& scratch) const {
  for (const Summand& summand : summands_) {
    const bool product = summand.is_product();
    MatrixView<Real> v;
    if (product) fill(space, 0.0, v = values(summand, value.tape));
    for (std::size_t k = 0; k < summand.factors.size(); ++k) {
      const Factor& factor = summand.factors[k];
      factor.network->apply(space,
                            {part(factor, value.coefficients), value.x, product ? of_factor(k, v) : value.y,
                             own_tape(factor, value.tape)},
                            scratch);
    }
    if (product) add_products<Real>(space, {summand.factors.size(), rank_, outputs()}, v, value.y);
  }
}

template <class Real>
void Conditioner<Real>::apply_vjp(const ExecSpace& space, const typename LaneMap<Real>::Reverse& reverse,
                                  Scratch<Real>& scratch) const {
  for (const Summand& summand : summands_) {
    const ScratchFrame frame(scratch);
    const std::size_t count = summand.factors.size();
    MatrixView<Real> v_bar;
    if (summand.is_product()) {
      v_bar = scratch.matrix(count * rows(), reverse.x.lanes());
      products_vjp<Real>(space, {count, rank_, outputs()}, values(summand, reverse.tape), reverse.y_bar,
                         v_bar);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const Factor& factor = summand.factors[k];
      auto own = reverse;
      own.coefficients = part(factor, reverse.coefficients);
      own.coefficients_bar = part(factor, reverse.coefficients_bar);
      own.tape = own_tape(factor, reverse.tape);
      if (summand.is_product()) own.y_bar = of_factor(k, v_bar);
      factor.network->apply_vjp(space, own, scratch);
    }
  }
}

template <class Real>
MatrixView<Real> Conditioner<Real>::tangents(const ExecSpace& space, const Summand& summand,
                                             const typename LaneMap<Real>::Tangent& tangent,
                                             Scratch<Real>& scratch) const {
  const MatrixView<Real> v_dot = scratch.matrix(summand.factors.size() * rows(), tangent.x.lanes());
  fill(space, 0.0, v_dot);
  for (std::size_t k = 0; k < summand.factors.size(); ++k) {
    const Factor& factor = summand.factors[k];
    factor.network->apply_jvp(space,
                              {part(factor, tangent.coefficients), part(factor, tangent.coefficients_dot),
                               tangent.x, tangent.x_dot, own_tape(factor, tangent.tape), of_factor(k, v_dot)},
                              scratch);
  }
  return v_dot;
}

template <class Real>
void Conditioner<Real>::apply_jvp(const ExecSpace& space, const typename LaneMap<Real>::Tangent& tangent,
                                  Scratch<Real>& scratch) const {
  for (const Summand& summand : summands_) {
    const ScratchFrame frame(scratch);
    if (summand.is_product()) {
      add_products_jvp<Real>(space, {summand.factors.size(), rank_, outputs()}, values(summand, tangent.tape),
                             tangents(space, summand, tangent, scratch), tangent.y_dot);
      continue;
    }
    const Factor& factor = summand.factors.front();
    auto own = tangent;
    own.coefficients = part(factor, tangent.coefficients);
    own.coefficients_dot = part(factor, tangent.coefficients_dot);
    own.tape = own_tape(factor, tangent.tape);
    factor.network->apply_jvp(space, own, scratch);
  }
}

template <class Real>
void Conditioner<Real>::apply_jvp_vjp(const ExecSpace& space,
                                      const typename LaneMap<Real>::TangentReverse& reverse,
                                      Scratch<Real>& scratch) const {
  for (const Summand& summand : summands_) {
    const ScratchFrame frame(scratch);
    const std::size_t count = summand.factors.size(), lanes = reverse.x.lanes();
    MatrixView<Real> v_dot_bar, v_bar;
    if (summand.is_product()) {
      const ProductShape shape{count, rank_, outputs()};
      const ConstMatrixView<Real> v = values(summand, reverse.tape);
      const MatrixView<Real> v_dot = tangents(
          space, summand, {reverse.coefficients, {}, reverse.x, reverse.x_dot, reverse.tape, {}}, scratch);
      v_dot_bar = scratch.matrix(count * rows(), lanes);
      v_bar = scratch.matrix(count * rows(), lanes);
      products_vjp<Real>(space, shape, v, reverse.y_dot_bar, v_dot_bar);
      products_second<Real>(space, shape, v, v_dot, reverse.y_dot_bar, v_bar);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const Factor& factor = summand.factors[k];
      auto own = reverse;
      own.coefficients = part(factor, reverse.coefficients);
      own.coefficients_bar = part(factor, reverse.coefficients_bar);
      own.tape = own_tape(factor, reverse.tape);
      if (summand.is_product()) {
        own.y_dot_bar = of_factor(k, v_dot_bar);
        factor.network->apply_vjp(
            space, {own.coefficients, own.x, own.tape, of_factor(k, v_bar), own.x_bar, own.coefficients_bar},
            scratch);
      }
      factor.network->apply_jvp_vjp(space, own, scratch);
    }
  }
}

template <class Real>
void Conditioner<Real>::apply_along(const ExecSpace& space, const typename Network<Real>::Along& along,
                                    Scratch<Real>& scratch) const {
  for (const Summand& summand : summands_) {
    const ScratchFrame frame(scratch);
    const std::size_t count = summand.factors.size(), lanes = along.x.lanes();
    MatrixView<Real> v_along, v_dot_along;
    if (summand.is_product()) {
      v_along = scratch.matrix(count * rows(), lanes);
      v_dot_along = scratch.matrix(count * rows(), lanes);
      fill(space, 0.0, v_along);
      fill(space, 0.0, v_dot_along);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const Factor& factor = summand.factors[k];
      auto own = along;
      own.coefficients = part(factor, along.coefficients);
      own.coefficients_dot = part(factor, along.coefficients_dot);
      own.tape = own_tape(factor, along.tape);
      if (summand.is_product()) {
        own.y_along = of_factor(k, v_along);
        own.y_dot_along = of_factor(k, v_dot_along);
      }
      factor.network->apply_along(space, own, scratch);
    }
    if (!summand.is_product()) continue;
    const ProductShape shape{count, rank_, outputs()};
    const ConstMatrixView<Real> v = values(summand, along.tape);
    const MatrixView<Real> v_dot =
        tangents(space, summand, {along.coefficients, {}, along.x, along.x_dot, along.tape, {}}, scratch);
    add_products_jvp<Real>(space, shape, v, v_dot_along, along.y_dot_along);
    add_products_along<Real>(space, shape, v, v_dot, v_along, along.y_dot_along);
    if (along.y_along.extent(0) > 0) add_products_jvp<Real>(space, shape, v, v_along, along.y_along);
  }
}

// Of a product, |sum_r prod_k v_kr| <= prod_k |v_k| with all r one below the other.
template <class Real>
auto Conditioner<Real>::growth(std::span<const double> theta, double radius) const ->
    typename Network<Real>::Growth {
  typename Network<Real>::Growth sum{0.0, 0.0};
  for (const Summand& summand : summands_) {
    typename Network<Real>::Growth product{0.0, 1.0};
    for (const Factor& factor : summand.factors) {
      const auto next = factor.network->growth(theta, radius);
      product = {product.lipschitz * next.norm + product.norm * next.lipschitz, product.norm * next.norm};
    }
    sum = {sum.lipschitz + product.lipschitz, sum.norm + product.norm};
  }
  return sum;
}

template class Conditioner<double>;
template class Conditioner<float>;

}  // namespace spnode::core
