#pragma once

#include "core/components/component.hpp"
#include "core/components/options.hpp"
#include "core/components/symmetries.hpp"

#include <cstdint>
#include <vector>

namespace spnode::core {

/// Which functions a library has, as its kernels see them: row 0 is 1, the rows 1 ... N are the variables,
/// then products follow up to the row `waves`, then a sine and a cosine for each frequency and variable.
template <class Real>
struct LibraryRows {
  ConstVectorView<std::uint32_t> left, right;  ///< row k of the products is row left(k) times row right(k)
  ConstVectorView<Real> frequencies;
  std::size_t variables, waves;

  KOKKOS_INLINE_FUNCTION std::size_t products() const { return variables + 1; }
  KOKKOS_INLINE_FUNCTION std::size_t sine(std::size_t frequency, std::size_t variable) const {
    return waves + 2 * (frequency * variables + variable);
  }
};

/// At most `most` factors of a product are among the variables [begin, end).
struct FactorLimit {
  std::size_t begin = 0, end = 0, most = 0;
};

/// A linear combination of given functions, g_i(x) = (Xi Theta(shift + scale * x))_i / scale_i (SINDy:
/// Brunton, Proctor and Kutz 2016; LECTURE), x = [u; q] with * entry by entry.
///
/// Theta stands in the unscaled variables X = shift + scale * x: with X_dot = Xi Theta(X), equations that are
/// sparse in the units of the data are so whatever the scaling. The functions are, in this order, 1, the N
/// variables, their products of two, three ... up to the degree, each a product of an earlier one and a
/// variable, and for each frequency k the pairs sin(k X_0), cos(k X_0), sin(k X_1) ...
///
/// Blocks: Xi (n, functions), which starts at zero; support (n, functions), frozen: 1 where an entry of Xi
/// may differ from zero, else 0; shift and scale (N), frozen. An entry outside the support has a zero
/// gradient, so that every optimizer leaves it alone.
template <class Real>
class Library final : public LaneMap<Real> {
 public:
  /// n = shape.outputs; N = shape.states + shape.arguments. Raises OptionError (library.degree) for more than
  /// most_functions.
  Library(TermShape shape, const LibraryOptions& options, std::string name, const FactorLimit& limit = {});

  static constexpr std::size_t most_functions = 10000;

  /// Functions for N variables, without overflow.
  static double function_count(std::size_t variables, const LibraryOptions& options,
                               const FactorLimit& limit = {});

  std::size_t functions() const { return left_.size() + 2 * N_ * frequencies_.size(); }
  std::size_t product_count() const { return left_.size(); }  ///< of them, 1 and variables included
  /// The component of the state whose time derivative is the first output.
  std::size_t first_output() const { return shape_.first_output(); }

  /// For people, (functions()): "1", "x", "x^2", "x y", "sin(2 x)" for the names x, y ... of the N variables.
  std::vector<std::string> function_names(const std::vector<std::string>& variables) const;

  /// What the functions become where element e of a group acts on the states among the unscaled variables X:
  /// Theta_k(P X) = sign Theta_source(X) for entry k.
  std::vector<Symmetries::Entry> moved_functions(const Symmetries& symmetries, std::size_t e) const;

  /// Theta (functions(), lanes): rows 1 ... N hold the unscaled variables, the others are overwritten.
  void evaluate(const ExecSpace& space, MatrixView<Real> Theta) const;

  /// Puts Xi (n, functions()) into theta, its support where it is not zero.
  void set_coefficients(std::span<const double> Xi, std::span<double> theta) const;
  void set_scaling(const Scaling& scaling, std::span<double> theta) const override;
  /// Of the arguments among the variables.
  void set_argument_scaling(const Scaling& scaling, std::span<double> theta) const override;
  /// Xi in theta, zero outside the support, (n, functions()).
  std::vector<double> coefficients_of(std::span<const double> theta) const;

  void declare(ParameterLayout& layout) override;
  void initialise(std::uint64_t seed, std::span<double> theta) const override;
  void scale_value(double factor, std::span<double> theta) const override;
  std::size_t coefficient_count() const override { return shape_.outputs * functions() + 2 * N_; }
  void assemble(std::span<const double> theta, std::span<double> c) const override;
  void assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                    std::span<double> theta_bar) const override;
  void assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                    std::span<double> c_dot) const override;

  std::size_t inputs() const override { return N_; }
  std::size_t outputs() const override { return shape_.outputs; }
  std::size_t tape_rows() const override { return functions(); }  // Theta
  using typename LaneMap<Real>::Value;
  using typename LaneMap<Real>::Reverse;
  using typename LaneMap<Real>::Tangent;
  using typename LaneMap<Real>::TangentReverse;
  using typename LaneMap<Real>::TangentTangent;
  void apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const override;
  void apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>& scratch) const override;
  void apply_jvp(const ExecSpace& space, const Tangent& tangent, Scratch<Real>& scratch) const override;
  void apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                     Scratch<Real>& scratch) const override;
  void apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                     Scratch<Real>& scratch) const override;

 private:
  LibraryRows<Real> rows() const {
    return {kernel_left_, kernel_right_, kernel_frequencies_, N_, left_.size()};
  }
  // In the coefficients: Xi * support with its rows divided by scale_i, then shift, then scale.
  ConstMatrixView<Real> matrix(const ConstVectorView<Real>& coefficients) const {
    return ConstMatrixView<Real>(coefficients.data(), shape_.outputs, functions());
  }
  ConstVectorView<Real> shift(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + shape_.outputs * functions(), N_);
  }
  ConstVectorView<Real> scale(const ConstVectorView<Real>& coefficients) const {
    return ConstVectorView<Real>(coefficients.data() + shape_.outputs * functions() + N_, N_);
  }
  void add_to_matrix(const ExecSpace& space, const ConstMatrixView<Real>& y_bar,
                     const ConstMatrixView<Real>& Theta, const VectorView<Real>& coefficients_bar) const;
  MatrixView<Real> tangent_of(const ExecSpace& space, const ConstVectorView<Real>& coefficients,
                              const PointDot<Real>& x_dot, const ConstMatrixView<Real>& Theta,
                              Scratch<Real>& scratch) const;

  double output_scale(std::span<const double> theta, std::size_t output) const {
    return block_of(theta, scale_)[first_output() + output];
  }

  TermShape shape_;
  std::size_t N_;
  std::string name_;
  void make_products(std::size_t degree, const FactorLimit& limit);
  // Numbers of the variables, from 1, whose product is function k, in ascending order.
  std::vector<std::uint32_t> factors(std::size_t k) const;

  std::vector<std::uint32_t> left_, right_;  // of LibraryRows, as far as the waves; those of variables: 0, v
  std::vector<double> frequencies_;
  Vector<std::uint32_t> kernel_left_, kernel_right_;
  Vector<Real> kernel_frequencies_;
  ParameterBlock Xi_, support_, shift_, scale_;
};

}  // namespace spnode::core
