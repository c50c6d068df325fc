// Tangents of an objective's residuals, and products with its Gauss-Newton matrix.
#include "core/loss/objective.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"
#include "core/support/error.hpp"

#include <algorithm>

namespace spnode::core {
namespace {

/// R(i, l) *= sqrt(2 factor rows(i) columns(l)): done once it makes half the squared norm of R the loss term
/// of weight `factor`, done twice its adjoint.
template <class Real>
void weigh(const ExecSpace& space, double factor, InputVector<Real> rows, InputVector<Real> columns,
           MatrixView<Real> R) {
  const Real twice = Real(2.0 * factor);
  for_each_row(
      "weigh", space, R.extent(0), R.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) R(i, l) *= Real(::sqrt(twice * rows(i) * columns(l)));
      });
}

}  // namespace

/// A tile's residuals at theta: values and tapes of all that they are made of, taken from the objective's
/// scratch. The terms' residuals stand one below the other; those without weight have none.
template <class Real>
class Objective<Real>::Linearisation {
 public:
  Linearisation(Objective& objective, const Tile& tile);

  std::size_t rows() const { return o_.residual_rows(); }
  std::size_t columns() const { return sample_.z.extent(1); }

  /// R_dot (rows(), columns()), overwritten: the residuals' tangents for a tangent of the coefficients.
  void tangent(ConstVectorView<Real> dot, const MatrixView<Real>& R_dot);

  /// Adds the adjoint of the residuals to bar_.
  void reverse(const MatrixView<Real>& R_bar);

  void weigh(const MatrixView<Real>& R);

 private:
  MatrixView<Real> take(std::size_t rows) { return o_.scratch_.matrix(rows, columns()); }
  Point<Real> first() const { return {lanes_of(sample_.z, 0, tile_.lanes), tile_.parameters_at(0, 1)}; }
  template <class Action>
  void for_each_term(const MatrixView<Real>& R, Action action);

  Objective& o_;
  const Tile& tile_;
  LossNeeds needs_;
  LossTools<Real> tools_;
  LossSample<Real> sample_;  // all times of the tile
  Rollout<Real> rollout_;
  MatrixView<Real> first_tape_, encode_tape_;  // of the first states encoded, and of all
};

/// Calls action(listed term, its rows of R) for the terms with weight.
template <class Real>
template <class Action>
void Objective<Real>::Linearisation::for_each_term(const MatrixView<Real>& R, Action action) {
  std::size_t row = 0;
  for (const auto& listed : o_.terms_) {
    if (!listed.is_trained()) continue;
    const std::size_t rows = o_.residual_rows(listed);
    action(listed, rows_of(R, row, rows));
    row += rows;
  }
}

template <class Real>
Objective<Real>::Linearisation::Linearisation(Objective& objective, const Tile& tile)
    : o_(objective),
      tile_(tile),
      needs_(o_.needs(Wanted::gradient)),
      tools_(o_.tools()),
      sample_(tile.sample(0, tile.times, o_.states(tile, 0, tile.times))),
      rollout_(o_.dynamics_, {o_.options_.integrator.substeps, o_.options_.integrator.checkpoint_interval}) {
  const CoordinateMap<Real>& encoder = o_.coordinates_.to_latent();
  const std::size_t n = o_.model_.latent_dimension();
  needs_.encoded |= needs_.field;
  if (needs_.rollout) {
    const MatrixView<Real> rolled = take(n);
    first_tape_ = o_.scratch_.matrix(encoder.tape_rows(), tile_.lanes);
    encoder.value(o_.space_, first(), lanes_of(rolled, 0, tile_.lanes), first_tape_, o_.scratch_);
    o_.project(lanes_of(rolled, 0, tile_.lanes));
    o_.roll(rollout_, tile_, rolled, Rollout<Real>::Record::yes);
    sample_.rolled = rolled;
  }
  if (needs_.encoded) {
    const MatrixView<Real> u = take(n);
    encode_tape_ = take(encoder.tape_rows());
    encoder.value(o_.space_, sample_.data(), u, encode_tape_, o_.scratch_);
    sample_.u = u;
    sample_.u_tape = encode_tape_;
  }
  if (needs_.field) o_.set_field_sample(tile_, sample_);
  for (const auto& listed : o_.terms_)
    if (listed.is_trained()) listed.term->linearise(tools_, sample_);
}

template <class Real>
void Objective<Real>::Linearisation::tangent(ConstVectorView<Real> dot, const MatrixView<Real>& R_dot) {
  const ScratchFrame frame(o_.scratch_);
  const CoordinateMap<Real>& encoder = o_.coordinates_.to_latent();
  const std::size_t dynamics = o_.dynamics_.coefficient_count(), n = o_.model_.latent_dimension();
  const ConstVectorView<Real> dynamics_dot(dot.data(), dynamics);
  LossDots<Real> dots;
  dots.field = ConstVectorView<Real>(dot.data() + dot.extent(0) - o_.field_size(), o_.field_size());
  dots.coordinates = ConstVectorView<Real>(dot.data() + dynamics, o_.coordinates_.coefficient_count());
  if (needs_.rollout) {
    const MatrixView<Real> rolled_dot = take(n);
    encoder.jvp(o_.space_, {first(), {}, first_tape_, dots.coordinates, lanes_of(rolled_dot, 0, tile_.lanes)},
                o_.scratch_);
    o_.project(lanes_of(rolled_dot, 0, tile_.lanes));
    rollout_.tangent(o_.space_, o_.steps_, rolled_dot, dynamics_dot, o_.scratch_);
    dots.rolled = rolled_dot;
  }
  if (needs_.encoded) {
    const MatrixView<Real> u_dot = take(n);
    encoder.jvp(o_.space_, {sample_.data(), {}, encode_tape_, dots.coordinates, u_dot}, o_.scratch_);
    dots.u = u_dot;
  }
  for_each_term(R_dot, [&](const Listed<LossTerm<Real>>& listed, const MatrixView<Real>& rows) {
    listed.term->tangent(tools_, sample_, dots, rows);
  });
}

template <class Real>
void Objective<Real>::Linearisation::reverse(const MatrixView<Real>& R_bar) {
  const ScratchFrame frame(o_.scratch_);
  const CoordinateMap<Real>& encoder = o_.coordinates_.to_latent();
  const VectorView<Real> bar = o_.coordinates_bar();
  const std::size_t n = o_.model_.latent_dimension();
  LossBars<Real> bars;
  if (needs_.rollout) fill(o_.space_, 0.0, bars.rolled = take(n));
  if (needs_.encoded) fill(o_.space_, 0.0, bars.u = take(n));
  for_each_term(R_bar, [&](const Listed<LossTerm<Real>>& listed, const MatrixView<Real>& rows) {
    listed.term->adjoint(tools_, sample_, rows, bars);
  });
  if (needs_.rollout) {
    rollout_.reverse(o_.space_, o_.steps_, bars.rolled, o_.dynamics_bar(), o_.scratch_);
    o_.project(lanes_of(bars.rolled, 0, tile_.lanes));
    encoder.vjp(o_.space_, {first(), first_tape_, lanes_of(bars.rolled, 0, tile_.lanes), {}, bar},
                o_.scratch_);
  }
  if (needs_.encoded) encoder.vjp(o_.space_, {sample_.data(), encode_tape_, bars.u, {}, bar}, o_.scratch_);
}

template <class Real>
void Objective<Real>::Linearisation::weigh(const MatrixView<Real>& R) {
  for_each_term(R, [&](const Listed<LossTerm<Real>>& listed, const MatrixView<Real>& rows) {
    const std::size_t blocks = o_.residual_blocks(listed), height = rows.extent(0) / blocks;
    for (std::size_t block = 0; block < blocks; ++block)
      core::weigh<Real>(o_.space_, listed.term->weight() / double(blocks), tools_.rows(listed.term->space()),
                        listed.term->weights(sample_), rows_of(rows, block * height, height));
  });
}

template <class Real>
std::size_t Objective<Real>::residual_rows() const {
  std::size_t rows = 0;
  for (const auto& listed : terms_)
    if (listed.is_trained()) rows += residual_rows(listed);
  return rows;
}

template <class Real>
void Objective<Real>::set_directions(std::span<const double> directions) {
  if (continuous_)
    throw UsageError("Gauss-Newton products need the discrete adjoint; the continuous one has none");
  const std::size_t parameters = model_.layout().size(), count = directions.size() / parameters,
                    dynamics = dynamics_.shared_count(), size = shared_size();
  directions_.assign(directions.begin(), directions.end());
  if (dots_.extent(0) != count) {
    dots_ = Matrix<Real>("spnode::core::Objective", count, size);
    gram_ = Matrix<Real>("spnode::core::Objective", count, count);
  }
  shared_dots_.resize(count * size);
  for (std::size_t i = 0; i < count; ++i) {
    const auto direction = std::span(directions_).subspan(i * parameters, parameters);
    clear_frozen(direction);
    const auto dot = std::span(shared_dots_).subspan(i * size, size);
    dynamics_.assemble_jvp(theta_, direction, dot.first(dynamics));
    coordinates_.assemble_jvp(theta_, direction, dot.subspan(dynamics, coordinates_.coefficient_count()));
    if (field_) field_->assemble_jvp(theta_, direction, dot.last(field_size()));
  }
  if (!holds_tile()) upload(std::span<const double>(shared_dots_), dots_);
}

// The tangents of the coefficients of the tile that has been loaded.
template <class Real>
void Objective<Real>::spread_directions() {
  if (!holds_tile()) return;
  const std::size_t count = dots_.extent(0), own = dynamics_.coefficient_count(),
                    shared = dynamics_.shared_count(), size = shared_size();
  if (dots_.extent(1) < bar_size()) dots_ = Matrix<Real>("spnode::core::Objective", count, bar_size());
  dots_host_.resize(count * dots_.extent(1));
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = std::span<const double>(shared_dots_).subspan(i * size, size);
    const auto to = std::span(dots_host_).subspan(i * dots_.extent(1), bar_size());
    dynamics_.spread_dot(from.first(shared), to.first(own));
    std::ranges::copy(from.subspan(shared), to.subspan(own).begin());
  }
  upload(std::span<const double>(dots_host_), dots_);
}

template <class Real>
void Objective<Real>::product_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                           std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const Tile tile = load(data, windows);
  spread_directions();
  Linearisation at(*this, tile);
  const MatrixView<Real> residuals = scratch_.matrix(at.rows(), at.columns());
  at.tangent(dot(0), residuals);
  at.weigh(residuals);
  at.weigh(residuals);
  fill(space_, 0.0, MatrixView<Real>(bar_.data(), 1, bar_.extent(0)));
  at.reverse(residuals);
  if (!holds_tile()) return download(bar_, out);
  std::ranges::fill(out, 0.0);
  add_shared_bar(out);
}

template <class Real>
void Objective<Real>::product(std::span<const double> summed, std::size_t windows, std::span<double> Hv) {
  pull_back(summed, windows, Hv);
  for (const auto& listed : penalties_)
    if (listed.is_trained()) listed.term->add_product(directions_, Hv);
  clear_frozen(Hv);
}

template <class Real>
double Objective<Real>::residual_bytes(std::size_t windows, std::size_t intervals) const {
  return double(residual_rows()) * double(padded<Real>(windows)) * double(intervals + 1) * sizeof(Real);
}

template <class Real>
void Objective<Real>::gram_contribution(const WindowData& data, std::span<const std::uint64_t> windows,
                                        std::span<double> out) {
  const ScratchFrame frame(scratch_);
  const Tile tile = load(data, windows);
  spread_directions();
  Linearisation at(*this, tile);
  const std::size_t count = dots_.extent(0), size = at.rows() * at.columns();
  const MatrixView<Real> J = scratch_.matrix(count, size);  // transposed: a row for each direction
  for (std::size_t i = 0; i < count; ++i) {
    const MatrixView<Real> residuals(J.data() + i * size, at.rows(), at.columns());
    at.tangent(dot(i), residuals);
    at.weigh(residuals);
  }
  fill(space_, 0.0, MatrixView<Real>(gram_));
  gemm_nt<Real>(space_, 1.0, J, ConstMatrixView<Real>(J), gram_);
  const auto host = Kokkos::create_mirror_view(gram_);
  if constexpr (!runs_on_host) Kokkos::deep_copy(host, gram_);
  std::size_t at_entry = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i; j < count; ++j) out[at_entry++] = double(host(i, j));
}

template <class Real>
void Objective<Real>::gram(std::span<const double> summed, std::size_t windows,
                           std::span<double> matrix) const {
  const std::size_t parameters = model_.layout().size(), count = dots_.extent(0);
  const auto direction = [&](std::size_t i) {
    return std::span(directions_).subspan(i * parameters, parameters);
  };
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i; j < count; ++j) {
      double entry = summed[at++] / double(windows);
      for (const auto& listed : penalties_)
        if (listed.is_trained()) listed.term->add_entry(direction(i), direction(j), entry);
      matrix[i * count + j] = matrix[j * count + i] = entry;
    }
}

#define SPNODE_INSTANTIATE(Real)                                                                         \
  template void Objective<Real>::set_directions(std::span<const double>);                                \
  template void Objective<Real>::product_contribution(const WindowData&, std::span<const std::uint64_t>, \
                                                      std::span<double>);                                \
  template void Objective<Real>::product(std::span<const double>, std::size_t, std::span<double>);       \
  template double Objective<Real>::residual_bytes(std::size_t, std::size_t) const;                       \
  template void Objective<Real>::gram_contribution(const WindowData&, std::span<const std::uint64_t>,    \
                                                   std::span<double>);                                   \
  template void Objective<Real>::gram(std::span<const double>, std::size_t, std::span<double>) const;
SPNODE_INSTANTIATE(double)
SPNODE_INSTANTIATE(float)
#undef SPNODE_INSTANTIATE

}  // namespace spnode::core
