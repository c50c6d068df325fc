// The directions of a coupling flow: kernels, value, adjoint, tangents.
#include "core/components/coupling_flow.hpp"

#include "core/kernels/elementwise.hpp"
#include "core/kernels/gemm.hpp"
#include "core/kernels/lanes.hpp"

#include <cmath>

namespace spnode::core {
namespace {

/// One component of a coupling with scales, at a lane: w = P + S forward and w = P in reverse, where
/// P = E a, E = e^{k t}, t = tanh(s), and a = v forward, v - S in reverse. k: the logarithm of the bound,
/// with the sign of the direction. Tangents _dot and _along, adjoints _bar.
template <class Real>
struct ScaledShift {
  Real k;
  bool forward;

  struct Values {
    Real E, t, P, slope;  // slope: 1 - t^2
  };
  KOKKOS_FUNCTION Values at(Real t, Real P) const { return {std::exp(k * t), t, P, 1 - t * t}; }
  KOKKOS_FUNCTION Real a(Real v, Real S) const { return forward ? v : v - S; }
  KOKKOS_FUNCTION Real image(Real P, Real S) const { return forward ? P + S : P; }
  KOKKOS_FUNCTION Real P_dot(const Values& x, Real a_dot, Real t_dot) const {
    return x.E * a_dot + k * x.P * t_dot;
  }
};

/// t: s, becomes tanh(s). v, S, P, w: rows of the part that changes; v and w may be the same.
template <class Real>
void couple(const ExecSpace& space, ScaledShift<Real> map, InputMatrix<Real> v, InputMatrix<Real> S,
            MatrixView<Real> t, MatrixView<Real> P, MatrixView<Real> w) {
  for_each_row(
      "couple", space, w.extent(0), w.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          t(i, l) = std::tanh(t(i, l));
          P(i, l) = std::exp(map.k * t(i, l)) * map.a(v(i, l), S(i, l));
          w(i, l) = map.image(P(i, l), S(i, l));
        }
      });
}

/// The tangent: v_dot becomes w_dot.
template <class Real>
void couple_jvp(const ExecSpace& space, ScaledShift<Real> map, InputMatrix<Real> t, InputMatrix<Real> P,
                InputMatrix<Real> S_dot, InputMatrix<Real> s_dot, MatrixView<Real> w_dot) {
  for_each_row(
      "couple_jvp", space, w_dot.extent(0), w_dot.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto x = map.at(t(i, l), P(i, l));
          const Real P_dot = map.P_dot(x, map.a(w_dot(i, l), S_dot(i, l)), x.slope * s_dot(i, l));
          w_dot(i, l) = map.image(P_dot, S_dot(i, l));
        }
      });
}

/// The adjoint: bar, that of w, becomes that of v; S_bar and s_bar are overwritten.
template <class Real>
void couple_vjp(const ExecSpace& space, ScaledShift<Real> map, InputMatrix<Real> t, InputMatrix<Real> P,
                MatrixView<Real> bar, MatrixView<Real> S_bar, MatrixView<Real> s_bar) {
  for_each_row(
      "couple_vjp", space, bar.extent(0), bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto x = map.at(t(i, l), P(i, l));
          const Real w_bar = bar(i, l);
          bar(i, l) = x.E * w_bar;
          S_bar(i, l) = map.forward ? w_bar : -bar(i, l);
          s_bar(i, l) = x.slope * map.k * x.P * w_bar;
        }
      });
}

/// What the second derivatives of a coupling work on.
template <class Real>
struct SecondOrder {
  ConstMatrixView<Real> t, P, v_dot, S_dot, s_dot;
};

/// The adjoint of w and of w_dot: bar and dot_bar become those of v and v_dot; those of S, S_dot, s and s_dot
/// are overwritten.
template <class Real>
void couple_jvp_vjp(const ExecSpace& space, ScaledShift<Real> map, SecondOrder<Real> at, MatrixView<Real> bar,
                    MatrixView<Real> dot_bar, MatrixView<Real> S_bar, MatrixView<Real> S_dot_bar,
                    MatrixView<Real> s_bar, MatrixView<Real> s_dot_bar) {
  for_each_row(
      "couple_jvp_vjp", space, bar.extent(0), bar.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto x = map.at(at.t(i, l), at.P(i, l));
          const Real w_bar = bar(i, l), g = dot_bar(i, l), s_dot = at.s_dot(i, l), t_dot = x.slope * s_dot,
                     P_dot = map.P_dot(x, map.a(at.v_dot(i, l), at.S_dot(i, l)), t_dot),
                     t_dot_bar = map.k * x.P * g,
                     t_bar = map.k * (x.P * w_bar + P_dot * g) - 2 * x.t * s_dot * t_dot_bar;
          dot_bar(i, l) = x.E * g;
          bar(i, l) = x.E * (w_bar + map.k * t_dot * g);
          S_dot_bar(i, l) = map.forward ? g : -dot_bar(i, l);
          S_bar(i, l) = map.forward ? w_bar : -bar(i, l);
          s_dot_bar(i, l) = x.slope * t_dot_bar;
          s_bar(i, l) = x.slope * t_bar;
        }
      });
}

/// The tangents along a second direction: v_along becomes w_along, v_both (of v_dot) that of w_dot.
template <class Real>
void couple_along(const ExecSpace& space, ScaledShift<Real> map, SecondOrder<Real> at,
                  InputMatrix<Real> S_along, InputMatrix<Real> S_both, InputMatrix<Real> s_along,
                  InputMatrix<Real> s_both, MatrixView<Real> along, MatrixView<Real> both) {
  for_each_row(
      "couple_along", space, along.extent(0), along.extent(1),
      KOKKOS_LAMBDA(const std::size_t i, const std::size_t first, const std::size_t last) {
        for (std::size_t l = first; l < last; ++l) {
          const auto x = map.at(at.t(i, l), at.P(i, l));
          const Real s_dot = at.s_dot(i, l), t_dot = x.slope * s_dot, t_along = x.slope * s_along(i, l),
                     t_both = x.slope * s_both(i, l) - 2 * x.t * t_along * s_dot,
                     a_dot = map.a(at.v_dot(i, l), at.S_dot(i, l)),
                     P_along = map.P_dot(x, map.a(along(i, l), S_along(i, l)), t_along),
                     P_both =
                         map.P_dot(x, map.a(both(i, l), S_both(i, l)) + map.k * t_along * a_dot, t_both) +
                         map.k * P_along * t_dot;
          along(i, l) = map.image(P_along, S_along(i, l));
          both(i, l) = map.image(P_both, S_both(i, l));
        }
      });
}

}  // namespace

template <class Real>
CouplingMap<Real>::CouplingMap(const CouplingFlow<Real>& flow, Direction direction)
    : flow_(flow), direction_(direction) {
  for (std::size_t i = 0; i < flow.layers_.size(); ++i) {
    const auto& layer = flow.layers_[is_forward() ? i : flow.layers_.size() - 1 - i];
    stages_.push_back({&layer, coefficient_count_, tape_rows_});
    tape_rows_ += flow.n_;
    if (layer.affine) {
      coefficient_count_ += layer.affine->coefficient_count();
      continue;
    }
    const auto& coupling = *layer.coupling;
    coefficient_count_ += coupling.shift.coefficient_count();
    tape_rows_ += coupling.shift.tape_rows();
    if (!coupling.scale) continue;
    coefficient_count_ += coupling.scale->coefficient_count();
    tape_rows_ += coupling.scale->tape_rows() + 2 * coupling.count;
  }
}

template <class Real>
template <class View>
auto CouplingMap<Real>::tape_of(const Stage& stage, const View& tape) const -> Tape<View> {
  std::size_t row = stage.tape_row;
  const auto take = [&](std::size_t count) {
    row += count;
    return rows_of(tape, row - count, count);
  };
  Tape<View> own;
  own.image = take(flow_.n_);
  if (stage.layer->affine) return own;
  const auto& coupling = *stage.layer->coupling;
  own.shift = take(coupling.shift.tape_rows());
  if (!coupling.scale) return own;
  own.scale = take(coupling.scale->tape_rows());
  own.P = take(coupling.count);
  own.t = take(coupling.count);
  return own;
}

template <class Real>
ConstMatrixView<Real> CouplingMap<Real>::input_of(std::size_t i, const Point<Real>& x,
                                                  const ConstMatrixView<Real>& tape) const {
  return i == 0 ? x.u : tape_of(stages_[i - 1], tape).image;
}

template <class Real>
void CouplingMap<Real>::assemble(std::span<const double> theta, std::span<double> c) const {
  for (const Stage& stage : stages_) {
    const auto own = c.subspan(stage.coefficient);
    if (stage.layer->affine) {
      stage.layer->affine->assemble(affine_direction(), theta,
                                    own.first(stage.layer->affine->coefficient_count()));
      continue;
    }
    const auto& coupling = *stage.layer->coupling;
    coupling.shift.assemble(theta, own);
    if (coupling.scale) coupling.scale->assemble(theta, own.subspan(coupling.shift.coefficient_count()));
  }
}

template <class Real>
void CouplingMap<Real>::assemble_vjp(std::span<const double> theta, std::span<const double> c_bar,
                                     std::span<double> theta_bar) const {
  for (const Stage& stage : stages_) {
    const auto own = c_bar.subspan(stage.coefficient);
    if (stage.layer->affine) {
      stage.layer->affine->assemble_vjp(affine_direction(), theta, own, theta_bar);
      continue;
    }
    const auto& coupling = *stage.layer->coupling;
    coupling.shift.assemble_vjp(theta, own, theta_bar);
    if (coupling.scale)
      coupling.scale->assemble_vjp(theta, own.subspan(coupling.shift.coefficient_count()), theta_bar);
  }
}

template <class Real>
void CouplingMap<Real>::assemble_jvp(std::span<const double> theta, std::span<const double> theta_dot,
                                     std::span<double> c_dot) const {
  for (const Stage& stage : stages_) {
    const auto own = c_dot.subspan(stage.coefficient);
    if (stage.layer->affine) {
      stage.layer->affine->assemble_jvp(affine_direction(), theta, theta_dot,
                                        own.first(stage.layer->affine->coefficient_count()));
      continue;
    }
    const auto& coupling = *stage.layer->coupling;
    coupling.shift.assemble_jvp(theta, theta_dot, own);
    if (coupling.scale)
      coupling.scale->assemble_jvp(theta, theta_dot, own.subspan(coupling.shift.coefficient_count()));
  }
}

template <class Real>
void CouplingMap<Real>::apply(const ExecSpace& space, const Value& value, Scratch<Real>& scratch) const {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const ScratchFrame frame(scratch);
    const Stage& stage = stages_[i];
    const auto own = tape_of(stage, value.tape);
    const ConstMatrixView<Real> in = input_of(i, value.x, value.tape);
    if (stage.layer->affine) {
      gemm(space, 1.0, matrix_of(stage, value.coefficients), Transpose::no, in, 0.0, own.image);
      add_to_lanes(space, offset_of(stage, value.coefficients), own.image);
      continue;
    }
    const auto& coupling = *stage.layer->coupling;
    const Point<Real> given(rows_of(in, coupling.given_first, coupling.given_count), value.x.q);
    const MatrixView<Real> S = scratch.matrix(coupling.count, value.x.lanes()),
                           image = rows_of(own.image, coupling.first, coupling.count);
    scaled_copy(space, 1.0, in, own.image);
    fill(space, 0.0, S);
    coupling.shift.apply(space, {shift_part(stage, value.coefficients), given, S, own.shift}, scratch);
    if (!coupling.scale) {
      axpy(space, is_forward() ? 1.0 : -1.0, S, image);
      continue;
    }
    fill(space, 0.0, own.t);
    coupling.scale->apply(space, {scale_part(stage, value.coefficients), given, own.t, own.scale}, scratch);
    couple<Real>(space, {Real(signed_log_bound()), is_forward()}, rows_of(in, coupling.first, coupling.count),
                 S, own.t, own.P, image);
  }
  axpy(space, 1.0, tape_of(stages_.back(), value.tape).image, value.y);
}

template <class Real>
void CouplingMap<Real>::apply_vjp(const ExecSpace& space, const Reverse& reverse,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes();
  const bool learns = reverse.coefficients_bar.extent(0) > 0;
  MatrixView<Real> bar = scratch.matrix(flow_.n_, lanes);  // of the image of the stage, then of its input
  scaled_copy(space, 1.0, reverse.y_bar, bar);
  for (std::size_t i = stages_.size(); i-- > 0;) {
    const Stage& stage = stages_[i];
    const auto own = tape_of(stage, reverse.tape);
    const ConstMatrixView<Real> in = input_of(i, reverse.x, reverse.tape);
    if (stage.layer->affine) {
      if (learns) {
        gemm_nt(space, 1.0, bar, in, matrix_of(stage, reverse.coefficients_bar));
        add_row_sums(space, bar, offset_of(stage, reverse.coefficients_bar));
      }
      const MatrixView<Real> in_bar = scratch.matrix(flow_.n_, lanes);
      gemm(space, 1.0, matrix_of(stage, reverse.coefficients), Transpose::yes, bar, 0.0, in_bar);
      bar = in_bar;
      continue;
    }
    const ScratchFrame stage_frame(scratch);
    const auto& coupling = *stage.layer->coupling;
    const Point<Real> given(rows_of(in, coupling.given_first, coupling.given_count), reverse.x.q);
    const MatrixView<Real> v_bar = rows_of(bar, coupling.first, coupling.count),
                           given_bar = rows_of(bar, coupling.given_first, coupling.given_count),
                           S_bar = scratch.matrix(coupling.count, lanes);
    if (coupling.scale) {
      const MatrixView<Real> s_bar = scratch.matrix(coupling.count, lanes);
      couple_vjp<Real>(space, {Real(signed_log_bound()), is_forward()}, own.t, own.P, v_bar, S_bar, s_bar);
      coupling.scale->apply_vjp(space,
                                {scale_part(stage, reverse.coefficients),
                                 given,
                                 own.scale,
                                 s_bar,
                                 {given_bar, reverse.x_bar.q},
                                 scale_part(stage, reverse.coefficients_bar)},
                                scratch);
    } else {
      scaled_copy(space, is_forward() ? 1.0 : -1.0, v_bar, S_bar);
    }
    coupling.shift.apply_vjp(space,
                             {shift_part(stage, reverse.coefficients),
                              given,
                              own.shift,
                              S_bar,
                              {given_bar, reverse.x_bar.q},
                              shift_part(stage, reverse.coefficients_bar)},
                             scratch);
  }
  axpy(space, 1.0, bar, reverse.x_bar.u);
}

template <class Real>
void CouplingMap<Real>::tangent_of(const ExecSpace& space, std::size_t i, const Tangent& tangent,
                                   ConstMatrixView<Real> in_dot, MatrixView<Real> out_dot,
                                   Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const Stage& stage = stages_[i];
  const bool moves = tangent.coefficients_dot.extent(0) > 0;
  const auto own = tape_of(stage, tangent.tape);
  const ConstMatrixView<Real> in = input_of(i, tangent.x, tangent.tape);
  if (stage.layer->affine) {
    gemm(space, 1.0, matrix_of(stage, tangent.coefficients), Transpose::no, in_dot, 0.0, out_dot);
    if (!moves) return;
    gemm(space, 1.0, matrix_of(stage, tangent.coefficients_dot), Transpose::no, in, 1.0, out_dot);
    add_to_lanes(space, offset_of(stage, tangent.coefficients_dot), out_dot);
    return;
  }
  const auto& coupling = *stage.layer->coupling;
  const Conditioned dots = conditioner_tangents(space, stage, tangent, in, in_dot, scratch);
  const MatrixView<Real> w_dot = rows_of(out_dot, coupling.first, coupling.count);
  scaled_copy(space, 1.0, in_dot, out_dot);
  if (!coupling.scale) return axpy(space, is_forward() ? 1.0 : -1.0, dots.S, w_dot);
  couple_jvp<Real>(space, {Real(signed_log_bound()), is_forward()}, own.t, own.P, dots.S, dots.s, w_dot);
}

template <class Real>
auto CouplingMap<Real>::conditioner_tangents(const ExecSpace& space, const Stage& stage,
                                             const Tangent& tangent, ConstMatrixView<Real> in,
                                             ConstMatrixView<Real> in_dot, Scratch<Real>& scratch) const
    -> Conditioned {
  const auto& coupling = *stage.layer->coupling;
  const auto own = tape_of(stage, tangent.tape);
  const Point<Real> given(rows_of(in, coupling.given_first, coupling.given_count), tangent.x.q);
  const PointDot<Real> given_dot(rows_of(in_dot, coupling.given_first, coupling.given_count),
                                 tangent.x_dot.q);
  Conditioned dots{scratch.matrix(coupling.count, in.extent(1)), {}};
  fill(space, 0.0, dots.S);
  coupling.shift.apply_jvp(space,
                           {shift_part(stage, tangent.coefficients),
                            shift_part(stage, tangent.coefficients_dot), given, given_dot, own.shift, dots.S},
                           scratch);
  if (!coupling.scale) return dots;
  fill(space, 0.0, dots.s = scratch.matrix(coupling.count, in.extent(1)));
  coupling.scale->apply_jvp(
      space,
      {scale_part(stage, tangent.coefficients), scale_part(stage, tangent.coefficients_dot), given, given_dot,
       own.scale, dots.s},
      scratch);
  return dots;
}

template <class Real>
void CouplingMap<Real>::apply_jvp(const ExecSpace& space, const Tangent& tangent,
                                  Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  ConstMatrixView<Real> dot = tangent.x_dot.u;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const MatrixView<Real> out_dot = scratch.matrix(flow_.n_, tangent.x.lanes());
    tangent_of(space, i, tangent, dot, out_dot, scratch);
    dot = out_dot;
  }
  axpy(space, 1.0, dot, tangent.y_dot);
}

template <class Real>
void CouplingMap<Real>::apply_jvp_vjp(const ExecSpace& space, const TangentReverse& reverse,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = reverse.x.lanes(), n = flow_.n_;
  const bool learns = reverse.coefficients_bar.extent(0) > 0;
  const Tangent tangent{reverse.coefficients, {}, reverse.x, reverse.x_dot, reverse.tape, {}};
  const MatrixView<Real> dots = scratch.matrix(stages_.size() * n, lanes);
  const auto input_dot = [&](std::size_t i) -> ConstMatrixView<Real> {
    if (i == 0) return reverse.x_dot.u;
    return rows_of(dots, (i - 1) * n, n);
  };
  for (std::size_t i = 0; i + 1 < stages_.size(); ++i)
    tangent_of(space, i, tangent, input_dot(i), rows_of(dots, i * n, n), scratch);

  MatrixView<Real> bar = scratch.matrix(n, lanes), dot_bar = scratch.matrix(n, lanes);
  fill(space, 0.0, bar);
  scaled_copy(space, 1.0, reverse.y_dot_bar, dot_bar);
  for (std::size_t i = stages_.size(); i-- > 0;) {
    const Stage& stage = stages_[i];
    const auto own = tape_of(stage, reverse.tape);
    const ConstMatrixView<Real> in = input_of(i, reverse.x, reverse.tape), in_dot = input_dot(i);
    if (stage.layer->affine) {
      if (learns) {
        const auto M_bar = matrix_of(stage, reverse.coefficients_bar);
        gemm_nt(space, 1.0, dot_bar, in_dot, M_bar);
        gemm_nt(space, 1.0, bar, in, M_bar);
        add_row_sums(space, bar, offset_of(stage, reverse.coefficients_bar));
      }
      const MatrixView<Real> in_bar = scratch.matrix(n, lanes), in_dot_bar = scratch.matrix(n, lanes);
      const auto M = matrix_of(stage, reverse.coefficients);
      gemm(space, 1.0, M, Transpose::yes, bar, 0.0, in_bar);
      gemm(space, 1.0, M, Transpose::yes, dot_bar, 0.0, in_dot_bar);
      bar = in_bar;
      dot_bar = in_dot_bar;
      continue;
    }
    const ScratchFrame stage_frame(scratch);
    const auto& coupling = *stage.layer->coupling;
    const auto changed = [&](const auto& X) { return rows_of(X, coupling.first, coupling.count); };
    const auto given = [&](const auto& X) { return rows_of(X, coupling.given_first, coupling.given_count); };
    const auto take = [&] { return scratch.matrix(coupling.count, lanes); };
    const MatrixView<Real> S_bar = take(), S_dot_bar = take();
    const auto pull_back = [&](const Conditioner<Real>& conditioner, auto part, ConstMatrixView<Real> tape,
                               ConstMatrixView<Real> value_bar, ConstMatrixView<Real> value_dot_bar) {
      const Point<Real> x(given(in), reverse.x.q);
      const ConstVectorView<Real> c = part(reverse.coefficients);
      const VectorView<Real> c_bar = part(reverse.coefficients_bar);
      conditioner.apply_jvp_vjp(space,
                                {c,
                                 x,
                                 PointDot<Real>(given(in_dot), reverse.x_dot.q),
                                 tape,
                                 value_dot_bar,
                                 {given(bar), reverse.x_bar.q},
                                 {given(dot_bar), reverse.x_dot_bar.q},
                                 c_bar},
                                scratch);
      conditioner.apply_vjp(space, {c, x, tape, value_bar, {given(bar), reverse.x_bar.q}, c_bar}, scratch);
    };
    if (coupling.scale) {
      const MatrixView<Real> s_bar = take(), s_dot_bar = take();
      const Conditioned conditioned = conditioner_tangents(space, stage, tangent, in, in_dot, scratch);
      couple_jvp_vjp<Real>(space, {Real(signed_log_bound()), is_forward()},
                           {own.t, own.P, changed(in_dot), conditioned.S, conditioned.s}, changed(bar),
                           changed(dot_bar), S_bar, S_dot_bar, s_bar, s_dot_bar);
      pull_back(
          *coupling.scale, [&](const auto& all) { return scale_part(stage, all); }, own.scale, s_bar,
          s_dot_bar);
    } else {
      const double sign = is_forward() ? 1.0 : -1.0;
      scaled_copy(space, sign, changed(bar), S_bar);
      scaled_copy(space, sign, changed(dot_bar), S_dot_bar);
    }
    pull_back(
        coupling.shift, [&](const auto& all) { return shift_part(stage, all); }, own.shift, S_bar, S_dot_bar);
  }
  axpy(space, 1.0, bar, reverse.x_bar.u);
  axpy(space, 1.0, dot_bar, reverse.x_dot_bar.u);
}

template <class Real>
void CouplingMap<Real>::apply_jvp_jvp(const ExecSpace& space, const TangentTangent& tangent,
                                      Scratch<Real>& scratch) const {
  const ScratchFrame frame(scratch);
  const std::size_t lanes = tangent.x.lanes(), n = flow_.n_;
  const Tangent first{tangent.coefficients, {}, tangent.x, tangent.x_dot, tangent.tape, {}};
  const auto take = [&](std::size_t rows) {
    const MatrixView<Real> zero = scratch.matrix(rows, lanes);
    fill(space, 0.0, zero);
    return zero;
  };
  // Tangents of the input of a stage: along x, along the coefficients, and along both.
  ConstMatrixView<Real> dot = tangent.x_dot.u, along = take(n), both = take(n);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    const auto own = tape_of(stage, tangent.tape);
    const ConstMatrixView<Real> in = input_of(i, tangent.x, tangent.tape);
    const MatrixView<Real> out_dot = scratch.matrix(n, lanes), out_along = scratch.matrix(n, lanes),
                           out_both = scratch.matrix(n, lanes);
    tangent_of(space, i, first, dot, out_dot, scratch);
    if (stage.layer->affine) {
      const auto M = matrix_of(stage, tangent.coefficients),
                 M_dot = matrix_of(stage, tangent.coefficients_dot);
      gemm(space, 1.0, M, Transpose::no, along, 0.0, out_along);
      gemm(space, 1.0, M_dot, Transpose::no, in, 1.0, out_along);
      add_to_lanes(space, offset_of(stage, tangent.coefficients_dot), out_along);
      gemm(space, 1.0, M, Transpose::no, both, 0.0, out_both);
      gemm(space, 1.0, M_dot, Transpose::no, dot, 1.0, out_both);
    } else {
      const ScratchFrame stage_frame(scratch);
      const auto& coupling = *stage.layer->coupling;
      const auto changed = [&](const auto& X) { return rows_of(X, coupling.first, coupling.count); };
      const auto given = [&](const auto& X) {
        return rows_of(X, coupling.given_first, coupling.given_count);
      };
      const auto tangents = [&](const Conditioner<Real>& conditioner, auto part, ConstMatrixView<Real> tape,
                                MatrixView<Real> value_along, MatrixView<Real> value_both) {
        conditioner.apply_along(
            space,
            {part(tangent.coefficients), part(tangent.coefficients_dot), Point<Real>(given(in), tangent.x.q),
             PointDot<Real>(given(dot), tangent.x_dot.q), tape, given(along), given(both), value_along,
             value_both},
            scratch);
      };
      const MatrixView<Real> S_along = take(coupling.count), S_both = take(coupling.count);
      tangents(
          coupling.shift, [&](const auto& all) { return shift_part(stage, all); }, own.shift, S_along,
          S_both);
      scaled_copy(space, 1.0, along, out_along);
      scaled_copy(space, 1.0, both, out_both);
      if (coupling.scale) {
        const MatrixView<Real> s_along = take(coupling.count), s_both = take(coupling.count);
        tangents(
            *coupling.scale, [&](const auto& all) { return scale_part(stage, all); }, own.scale, s_along,
            s_both);
        const Conditioned dots = conditioner_tangents(space, stage, first, in, dot, scratch);
        couple_along<Real>(space, {Real(signed_log_bound()), is_forward()},
                           {own.t, own.P, changed(dot), dots.S, dots.s}, S_along, S_both, s_along, s_both,
                           changed(out_along), changed(out_both));
      } else {
        const double sign = is_forward() ? 1.0 : -1.0;
        axpy(space, sign, S_along, changed(out_along));
        axpy(space, sign, S_both, changed(out_both));
      }
    }
    dot = out_dot;
    along = out_along;
    both = out_both;
  }
  axpy(space, 1.0, both, tangent.y_dot_dot);
}

template class CouplingMap<double>;
template class CouplingMap<float>;

}  // namespace spnode::core
