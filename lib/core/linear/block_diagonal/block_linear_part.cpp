#include "core/linear/block_diagonal/block_linear_part.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/lanes.hpp"
#include "core/linear/exponential_terms.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

using Kind = OperatorSpec::Kind;

/// Where the coefficients of one operator stand.
template <class Entry>
struct Blocks {
  Entry* data;  ///< of step 0
  std::size_t stride, n, groups;

  KOKKOS_FUNCTION Entry* of(std::size_t step, std::size_t block, std::size_t group) const {
    const std::size_t width = 2 * block + 1 < n ? 4 : 1;
    return data + step * stride + 4 * block * groups + width * group;
  }
};

/// y += B x of two components and all lanes; B that of each lane's step.
template <class Real>
struct ApplyBlocks {
  Blocks<const Real> B;
  StepLengths<Real> steps;
  ConstMatrixStack<Real> X;
  MatrixView<Real> out;

  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const std::size_t row = 2 * block, lanes = out.extent(1);
    const bool paired = row + 1 < B.n;
    for (std::size_t group = 0; group < B.groups; ++group) {
      const Real* const x = X.row(group * B.n + row);
      if (paired)
        pair(block, group, x, X.row(group * B.n + row + 1), lanes);
      else
        single(block, group, x, lanes);
    }
  }

  KOKKOS_FUNCTION void pair(std::size_t block, std::size_t group, const Real* x0, const Real* x1,
                            std::size_t lanes) const {
    Real *const y0 = &out(2 * block, 0), *const y1 = &out(2 * block + 1, 0);
    if (group == 0)
      for (std::size_t l = 0; l < lanes; ++l) y0[l] = y1[l] = 0;
    if (steps.uniform) {
      const Real* const b = B.of(steps.first, block, group);
      const Real b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
      for (std::size_t l = 0; l < lanes; ++l) {
        y0[l] += b0 * x0[l] + b1 * x1[l];
        y1[l] += b2 * x0[l] + b3 * x1[l];
      }
    } else {
      for (std::size_t l = 0; l < lanes; ++l) {
        const Real* const b = B.of(steps.index(l), block, group);
        y0[l] += b[0] * x0[l] + b[1] * x1[l];
        y1[l] += b[2] * x0[l] + b[3] * x1[l];
      }
    }
  }

  KOKKOS_FUNCTION void single(std::size_t block, std::size_t group, const Real* x, std::size_t lanes) const {
    Real* const y = &out(2 * block, 0);
    for (std::size_t l = 0; l < lanes; ++l)
      y[l] = (group == 0 ? Real(0) : y[l]) + *B.of(steps.of(l), block, group) * x[l];
  }
};

/// Adjoint of ApplyBlocks.
template <class Real>
struct ApplyBlocksVjp {
  Blocks<const Real> B;
  Blocks<Real> B_bar;
  StepLengths<Real> steps;
  ConstMatrixStack<Real> X;
  MatrixStack<Real> X_bar;
  ConstMatrixView<Real> out_bar;

  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const std::size_t row = 2 * block;
    for (std::size_t group = 0; group < B.groups; ++group) {
      const std::size_t at = group * B.n + row;
      if (row + 1 == B.n)
        single(block, group, X.row(at), X_bar.row(at));
      else if (steps.uniform)
        pair_of_one_step(block, group, at);
      else
        pair_of_any_step(block, group, at);
    }
  }

  KOKKOS_FUNCTION void pair_of_one_step(std::size_t block, std::size_t group, std::size_t at) const {
    constexpr std::size_t width = pack_width<Real>;
    const std::size_t lanes = out_bar.extent(1);
    const Real *const y0 = &out_bar(2 * block, 0), *const y1 = &out_bar(2 * block + 1, 0);
    const Real *const x0 = X.row(at), *const x1 = X.row(at + 1);
    Real *const g0 = X_bar.row(at), *const g1 = X_bar.row(at + 1);
    const Real* const b = B.of(steps.first, block, group);
    const Real b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    Real s0[width] = {}, s1[width] = {}, s2[width] = {}, s3[width] = {};
    const auto add = [&](std::size_t l, std::size_t strand) {
      const Real p = y0[l], q = y1[l], u = x0[l], v = x1[l];
      g0[l] += b0 * p + b2 * q;
      g1[l] += b1 * p + b3 * q;
      s0[strand] += p * u;
      s1[strand] += p * v;
      s2[strand] += q * u;
      s3[strand] += q * v;
    };
    const std::size_t whole = lanes / width * width;
    for (std::size_t first = 0; first < whole; first += width)
      for (std::size_t j = 0; j < width; ++j) add(first + j, j);
    for (std::size_t l = whole; l < lanes; ++l) add(l, l - whole);
    Real* const bar = B_bar.of(steps.first, block, group);
    for (std::size_t j = 0; j < width; ++j) {
      bar[0] += s0[j];
      bar[1] += s1[j];
      bar[2] += s2[j];
      bar[3] += s3[j];
    }
  }

  KOKKOS_FUNCTION void pair_of_any_step(std::size_t block, std::size_t group, std::size_t at) const {
    const Real *const x0 = X.row(at), *const x1 = X.row(at + 1);
    Real *const g0 = X_bar.row(at), *const g1 = X_bar.row(at + 1);
    for (std::size_t l = 0; l < out_bar.extent(1); ++l) {
      const Real p = out_bar(2 * block, l), q = out_bar(2 * block + 1, l);
      const Real* const b = B.of(steps.index(l), block, group);
      Real* const bar = B_bar.of(steps.index(l), block, group);
      bar[0] += p * x0[l];
      bar[1] += p * x1[l];
      bar[2] += q * x0[l];
      bar[3] += q * x1[l];
      g0[l] += b[0] * p + b[2] * q;
      g1[l] += b[1] * p + b[3] * q;
    }
  }

  KOKKOS_FUNCTION void single(std::size_t block, std::size_t group, const Real* x, Real* x_bar) const {
    for (std::size_t l = 0; l < out_bar.extent(1); ++l) {
      const Real p = out_bar(2 * block, l);
      *B_bar.of(steps.of(l), block, group) += p * x[l];
      x_bar[l] += *B.of(steps.of(l), block, group) * p;
    }
  }
};

/// The functions that were asked for last: the operators of a scheme share arguments.
class LatestPhi {
 public:
  const BlockPhi& at(const Block& B, double step, std::size_t max_index) {
    if (!held_ || B != B_ || step != step_) phi_.compute(B, step, max_index);
    held_ = true;
    B_ = B;
    step_ = step;
    return phi_;
  }

 private:
  bool held_ = false;
  Block B_ = {};
  double step_ = 0.0;
  BlockPhi phi_;
};

}  // namespace

template <class Real>
BlockLinearPart<Real>::BlockLinearPart(SplitShape shape, std::vector<OperatorSpec> operators,
                                       std::vector<double> steps, const LinearShape& matrix)
    : shape_(shape),
      operators_(std::move(operators)),
      steps_(std::move(steps)),
      matrix_(matrix),
      highest_(highest_phi(shape_, operators_)),
      A_(matrix.coefficient_count()) {
  for (const OperatorSpec& spec : operators_) {
    offsets_.push_back(per_step_);
    per_step_ += matrix_.coefficient_count() * groups(spec);
  }
  make_room();
}

template <class Real>
void BlockLinearPart<Real>::make_room() {
  host_.resize(coefficient_count());
  if (coefficients_.extent(0) < host_.size())
    coefficients_ = Vector<Real>("spnode::core::BlockLinearPart", host_.size());
}

template <class Real>
std::size_t BlockLinearPart<Real>::groups(const OperatorSpec& spec) const {
  return spec.kind == Kind::exponential ? 1 + spec.evaluations() * (shape_.rows() / shape_.n) : 1;
}

template <class Real>
Block BlockLinearPart<Real>::block(std::size_t pair) const {
  const double* const entries = A_.data() + 4 * pair;
  if (pair == matrix_.pairs()) return {entries[0], 0.0, 0.0, entries[0]};
  return {entries[0], entries[1], entries[2], entries[3]};
}

// visit(step, op, block, at): the coefficients of that block begin at `at` and hold groups(op) blocks.
template <class Real>
template <class Visit>
void BlockLinearPart<Real>::for_each_operator_block(Visit visit) const {
  for (std::size_t step = 0; step < steps_.size(); ++step)
    for (std::size_t b = 0; b < blocks(); ++b)
      for (std::size_t op = 0; op < operators_.size(); ++op)
        visit(step, op, b, offset(op, step) + 4 * b * groups(operators_[op]));
}

template <class Real>
void BlockLinearPart<Real>::assemble(std::span<const double> A) {
  std::ranges::copy(A, A_.begin());
  write_all();
}

template <class Real>
void BlockLinearPart<Real>::set_steps(const std::vector<double>& steps) {
  steps_ = steps;
  make_room();
  write_all();
}

template <class Real>
void BlockLinearPart<Real>::write_all() {
  std::ranges::fill(host_, 0.0);
  LatestPhi phi;
  for_each_operator_block([&](std::size_t step, std::size_t op, std::size_t b, std::size_t at) {
    const OperatorSpec& spec = operators_[op];
    const std::size_t width = b < matrix_.pairs() ? 4 : 1;
    const Block B = block(b);
    const auto add = [&](std::size_t group, double factor, const Block& value, double identity) {
      for (std::size_t i = 0; i < width; ++i)
        host_[at + width * group + i] += factor * value[i] + (i % 3 == 0 ? identity : 0.0);
    };
    if (spec.kind == Kind::generator) return add(0, 1.0, B, 0.0);
    if (spec.kind == Kind::resolvent) return add(0, 1.0, block_resolvent(B, spec.c * steps_[step]), 0.0);
    const BlockPhi& functions = phi.at(B, spec.c * steps_[step], highest_);
    for_each_exponential_term(shape_, spec, steps_[step],
                              [&](std::size_t group, std::size_t index, double factor, double identity) {
                                add(group, factor, functions.value(index), identity);
                              });
  });
  upload(std::span<const double>(host_), coefficients_);
}

template <class Real>
void BlockLinearPart<Real>::assemble_vjp(std::span<const double> bar, std::span<double> A_bar) {
  LatestPhi phi;
  for_each_operator_block([&](std::size_t step, std::size_t op, std::size_t b, std::size_t at) {
    const OperatorSpec& spec = operators_[op];
    const std::size_t width = b < matrix_.pairs() ? 4 : 1;
    const double h = steps_[step];
    const auto bar_of = [&](std::size_t group, double factor) {
      Block result = {};
      for (std::size_t i = 0; i < width; ++i) result[i] = factor * bar[at + width * group + i];
      return result;
    };
    Block B_bar = {};
    if (spec.kind == Kind::generator) {
      B_bar = bar_of(0, 1.0);
    } else if (spec.kind == Kind::resolvent) {
      block_resolvent_vjp(block_resolvent(block(b), spec.c * h), spec.c * h, bar_of(0, 1.0), B_bar);
    } else {
      const BlockPhi& functions = phi.at(block(b), spec.c * h, highest_);
      for_each_exponential_term(shape_, spec, h,
                                [&](std::size_t group, std::size_t index, double factor, double) {
                                  functions.vjp(index, bar_of(group, factor), B_bar);
                                });
    }
    if (width == 1) B_bar[0] += B_bar[3];
    for (std::size_t i = 0; i < width; ++i) A_bar[4 * b + i] += B_bar[i];
  });
}

template <class Real>
void BlockLinearPart<Real>::assemble_jvp(std::span<const double> A_dot, std::span<double> dot) {
  std::ranges::fill(dot, 0.0);
  LatestPhi phi;
  for_each_operator_block([&](std::size_t step, std::size_t op, std::size_t b, std::size_t at) {
    const OperatorSpec& spec = operators_[op];
    const std::size_t width = b < matrix_.pairs() ? 4 : 1;
    const double h = steps_[step];
    Block B_dot = {};
    for (std::size_t i = 0; i < width; ++i) B_dot[i] = A_dot[4 * b + i];
    if (width == 1) B_dot[3] = B_dot[0];
    const auto add = [&](std::size_t group, double factor, const Block& value) {
      for (std::size_t i = 0; i < width; ++i) dot[at + width * group + i] += factor * value[i];
    };
    if (spec.kind == Kind::generator) return add(0, 1.0, B_dot);
    if (spec.kind == Kind::resolvent)
      return add(0, 1.0, block_resolvent_jvp(block_resolvent(block(b), spec.c * h), spec.c * h, B_dot));
    const BlockPhi& functions = phi.at(block(b), spec.c * h, highest_);
    for_each_exponential_term(shape_, spec, h,
                              [&](std::size_t group, std::size_t index, double factor, double) {
                                add(group, factor, functions.jvp(index, B_dot));
                              });
  });
}

template <class Real>
void BlockLinearPart<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>&) const {
  const auto& [op, steps, at] = value.action;
  const Blocks<const Real> B{coefficients_.data() + offsets_[op], per_step_, shape_.n,
                             groups(operators_[op])};
  Kokkos::parallel_for("spnode::core::apply_blocks", Kokkos::RangePolicy<ExecSpace>(space, 0, blocks()),
                       ApplyBlocks<Real>{B, steps, value.X, value.out});
}

template <class Real>
void BlockLinearPart<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse, Scratch<Real>&) const {
  const auto& [op, steps, at] = reverse.action;
  const std::size_t count = groups(operators_[op]);
  const Blocks<const Real> B{coefficients_.data() + offsets_[op], per_step_, shape_.n, count};
  const Blocks<Real> B_bar{reverse.bar.data() + offsets_[op], per_step_, shape_.n, count};
  Kokkos::parallel_for("spnode::core::apply_blocks_vjp", Kokkos::RangePolicy<ExecSpace>(space, 0, blocks()),
                       ApplyBlocksVjp<Real>{B, B_bar, steps, reverse.X, reverse.X_bar, reverse.out_bar});
}

template <class Real>
void BlockLinearPart<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                      Scratch<Real>& scratch) const {
  const auto& [op, steps, at] = tangent.action;
  const ScratchFrame frame(scratch);
  const std::size_t count = groups(operators_[op]);
  const Blocks<const Real> B{coefficients_.data() + offsets_[op], per_step_, shape_.n, count};
  const Blocks<const Real> B_dot{tangent.dot.data() + offsets_[op], per_step_, shape_.n, count};
  const MatrixView<Real> rest = scratch.matrix(shape_.n, tangent.out_dot.extent(1));
  const Kokkos::RangePolicy<ExecSpace> each(space, 0, blocks());
  Kokkos::parallel_for("blocks_jvp", each, ApplyBlocks<Real>{B, steps, tangent.X_dot, tangent.out_dot});
  Kokkos::parallel_for("blocks_jvp", each, ApplyBlocks<Real>{B_dot, steps, tangent.X, rest});
  axpy(space, 1.0, rest, tangent.out_dot);
}

template class BlockLinearPart<double>;
template class BlockLinearPart<float>;

}  // namespace spnode::core
