#pragma once

#include "core/linear/hurwitz.hpp"

namespace spnode::core {

/// A_L = 0 without parameters: the right-hand side is its nonlinear part alone. Nothing is bounded.
class NoOperator final : public HurwitzOperator {
 public:
  explicit NoOperator(std::size_t dimension) : n_(dimension) {}

  LinearShape shape() const override { return {LinearStructure::none, n_}; }
  double bound() const override { return 0.0; }
  void declare(ParameterLayout&) override {}
  void initialise(std::uint64_t, std::span<double>) const override {}
  void scale_value(double, std::span<double>) const override {}
  void assemble(std::span<const double>, std::span<double>) const override {}
  void assemble_vjp(std::span<const double>, std::span<const double>, std::span<double>) const override {}
  void assemble_jvp(std::span<const double>, std::span<const double>, std::span<double>) const override {}

 private:
  std::size_t n_;
};

}  // namespace spnode::core
