#pragma once
/// What a coupling layer shifts or scales one part of a state by, as a function of the other.

#include "core/components/network.hpp"

#include <memory>
#include <vector>

namespace spnode::core {

/// y = f(w, q), a sum of ConditionerKind's functions of the other part w of the state and of the parameters
/// q:
///   linear    W [w; q] + b
///   network   a feed-forward network of [w; q], by choice of bi-Lipschitz affine layers
///   product   sum_{r < rank} prod_{k < factors} (W_rk [w; q] + b_rk), entry by entry; the last factor may
///             have hidden layers. Quadratic forms, and products of components with functions of the others.
///
/// Value, adjoint, tangent and second derivatives, as LaneMap; the second derivative follows both ends of a
/// chain (Network::Along). Blocks: those of its networks.
template <class Real>
class Conditioner {
 public:
  struct Shape {
    std::size_t given, parameters, outputs;  ///< rows of w, of q, of y
    std::string name;
  };
  Conditioner(const Shape& shape, const CouplingFlowOptions& options);

  void declare(ParameterLayout& layout);
  void initialise(std::uint64_t seed, std::span<double> theta) const;
  std::size_t coefficient_count() const { return coefficient_count_; }
  void assemble(std::span<const double> theta, std::span<double> c) const;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const;

  std::size_t outputs() const { return shape_.outputs; }
  std::size_t tape_rows() const { return tape_rows_; }
  void apply(const ExecSpace& space, const typename LaneMap<Real>::Value& value,
             Scratch<Real>& scratch) const;
  void apply_vjp(const ExecSpace& space, const typename LaneMap<Real>::Reverse& reverse,
                 Scratch<Real>& scratch) const;
  void apply_jvp(const ExecSpace& space, const typename LaneMap<Real>::Tangent& tangent,
                 Scratch<Real>& scratch) const;
  void apply_jvp_vjp(const ExecSpace& space, const typename LaneMap<Real>::TangentReverse& reverse,
                     Scratch<Real>& scratch) const;
  void apply_along(const ExecSpace& space, const typename Network<Real>::Along& along,
                   Scratch<Real>& scratch) const;

  /// The network of the last factors, (rank, outputs) of [w; q], where y is sums of products alone; else
  /// null.
  const Network<Real>* product_network() const;
  /// Makes y = sum_{r < rank} m_r f_r(w, q) with the last factors f_r, of such a conditioner, for monomials
  /// m_r of at most options.factors - 1 factors and the parameter p = shift + scale q_parameter.
  void set_monomials(std::span<const Monomial> monomials, std::size_t parameter, double shift, double scale,
                     std::span<double> theta) const;
  std::size_t rank() const { return rank_; }

  /// Bounds where |[w; q]| <= radius.
  typename Network<Real>::Growth growth(std::span<const double> theta, double radius) const;

 private:
  struct Factor {
    std::unique_ptr<Network<Real>> network;
    std::size_t coefficient = 0, tape_row = 0;  // where its own begin
  };
  // A function of the sum: products of the outputs of several networks, or one network alone.
  struct Summand {
    std::vector<Factor> factors;
    std::size_t value_row = 0;  // of the tape, where the values of several factors stand
    bool is_product() const { return factors.size() > 1; }
  };
  template <class View>
  static View part(const Factor& factor, const View& coefficients) {
    if (coefficients.extent(0) == 0) return coefficients;
    return View(coefficients.data() + factor.coefficient, factor.network->coefficient_count());
  }
  template <class View>
  static View own_tape(const Factor& factor, const View& tape) {
    return rows_of(tape, factor.tape_row, factor.network->tape_rows());
  }
  // The values of all factors of a product, one below the other.
  template <class View>
  View values(const Summand& summand, const View& tape) const {
    return rows_of(tape, summand.value_row, summand.factors.size() * rows());
  }
  template <class View>
  View of_factor(std::size_t k, const View& all) const {
    return rows_of(all, k * rows(), rows());
  }
  std::size_t rows() const { return rank_ * shape_.outputs; }  // of a factor of a product
  // Tangents of all factors of a product.
  MatrixView<Real> tangents(const ExecSpace& space, const Summand& summand,
                            const typename LaneMap<Real>::Tangent& tangent, Scratch<Real>& scratch) const;

  Shape shape_;
  std::size_t rank_;
  std::vector<Summand> summands_;
  std::size_t coefficient_count_ = 0, tape_rows_ = 0;
};

}  // namespace spnode::core
