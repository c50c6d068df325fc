// Phi functions of dense matrices and the matrix-free Taylor method against their cost models, and the choice
// between the two (core/integrators/dynamics.hpp, choose_method).
//
//   benchmark_matrix_functions [--json|--markdown] [--large] [phi] [taylor] [choice]
//
// "over model" is the measured time over the time that the counted operations take at the best rate of small
// products, measured in the same run. The words choose parts; none means all. --large goes on to n = 2048
// (phi) and n = 1024, some minutes.

#include "benchmark.hpp"
#include "core/integrators/dynamics.hpp"
#include "core/linear/dense/dense_linear_part.hpp"
#include "core/linear/dense/taylor_linear_part.hpp"
#include "core/matrix_functions/expmv.hpp"
#include "core/matrix_functions/phi.hpp"

#include <functional>
#include <span>

using namespace spnode;
using namespace spnode::benchmark;

namespace {

constexpr std::size_t tile = 64;

double entry(std::size_t i) { return std::sin(1.0 + 12.9898 * double(i)); }

// A Hurwitz matrix K - K^T - S S^T - I / 10 with entries of one size, scaled to the given 1-norm.
std::vector<double> hurwitz_matrix(std::size_t n, double norm) {
  std::vector<double> a(n * n), columns(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      a[i * n + j] = entry(i * n + j) - entry(j * n + i) - entry(i + 7) * entry(j + 7);
      if (i == j) a[i * n + j] -= 1.0 + std::abs(entry(i));
      columns[j] += std::abs(a[i * n + j]);
    }
  const double scale = norm / *std::max_element(columns.begin(), columns.end());
  for (double& value : a) value *= scale;
  return a;
}

double time_of(const auto& work) { return seconds_of<Clock::processor>(work, 0.03); }

void phi_functions(const Session& session, double best) {
  const Table table(session.format(), "phi functions of h A, dense (phi_0 .. phi_p)",
                    {{"n", 0, 4},
                     {"p", 0},
                     {"norm", 1, 6},
                     {"precision", 0},
                     {"compute ms", 3},
                     {"compute GFLOP/s", 1},
                     {"vjp ms", 3},
                     {"vjp GFLOP/s", 1},
                     {"of best %", 0},
                     {"over model", 2}});
  std::vector<std::size_t> orders = {3, 7, 13, 20, 32, 64, 128, 256};
  if (session.has("--large")) orders.insert(orders.end(), {512, 1024, 2048});
  for (const std::size_t n : orders)
    for (const std::size_t p : {1, 3})
      for (const double norm : {0.5, 10.0, 1000.0, 1e5}) {
        if ((n > 512 && (p > 1 || norm > 10.0)) || (n > 256 && norm > 1000.0)) continue;  // minutes each
        core::PhiFunctions phi(n, p, core::HalfArgument::omit);
        const std::vector<double> a = hurwitz_matrix(n, norm);
        std::vector<double> a_bar(n * n);
        const double compute = time_of([&] { phi.compute(a, 1.0); });
        for (std::size_t k = 0; k <= p; ++k) std::ranges::fill(phi.bar(k, core::Argument::full), 1.0);
        const double vjp = time_of([&] { phi.vjp(a_bar); });
        const double flops = core::dense_update_cost(n, p, norm), together = compute + vjp;
        table.row({std::to_string(n), double(p), norm, std::string(phi.is_wide() ? "twice" : "double"),
                   compute * 1e3, flops / 3.0 / compute * 1e-9, vjp * 1e3, flops * 2.0 / 3.0 / vjp * 1e-9,
                   100.0 * flops / together * 1e-9 / best, together / (flops / (best * 1e9))});
      }
}

void taylor_method(const Session& session, double best) {
  const Table table(session.format(), "phi_0(h A) u + h phi_1(h A) w, matrix-free, 64 lanes",
                    {{"n", 0, 4},
                     {"norm", 1, 6},
                     {"m", 0, 2},
                     {"s", 0, 2},
                     {"products", 0},
                     {"of m s", 2},
                     {"forward ms", 3},
                     {"forward GFLOP/s", 1},
                     {"reverse ms", 3},
                     {"reverse GFLOP/s", 1},
                     {"of best %", 0},
                     {"over model", 2}});
  const core::ExecSpace space;
  std::vector<std::size_t> orders = {7, 20, 32, 64, 128, 256};
  if (session.has("--large")) orders.insert(orders.end(), {512, 1024});
  for (const std::size_t n : orders)
    for (const double norm : {0.5, 10.0, 100.0}) {
      core::ExpmvPlan<double> plan(n, 1);
      plan.update(hurwitz_matrix(n, norm), 1.0);
      core::Scratch<double> scratch;
      const core::Vector<double> h("h", tile);
      const core::Matrix<double> u("u", n, tile), w("w", n, tile), out("out", n, tile),
          u_bar("u_bar", n, tile), w_bar("w_bar", n, tile);
      const core::Vector<double> a_bar("a_bar", n * n);
      Kokkos::deep_copy(h, 1.0);
      for (std::size_t i = 0; i < n * tile; ++i) u.data()[i] = entry(i), w.data()[i] = entry(i + 3);
      const core::ExpmvCall<double> call{.steps = h, .u = u, .w = {w}, .terms = 1};
      std::size_t products_done = 0;
      const auto apply = [&] {
        core::Expmv<double> method(space, plan, call, scratch);
        method.apply(out);
        products_done = method.products();
      };
      const auto vjp = [&] {
        core::Expmv<double> method(space, plan, call, scratch);
        method.vjp(out, {u_bar, {w_bar}, a_bar});
        products_done = method.products();
      };
      const double forward = time_of(apply), products = double(products_done);
      const double reverse = time_of(vjp), reverse_products = double(products_done);
      const double flops = 2.0 * double(n * n * tile);
      const double counted = double(tile) * core::taylor_lane_cost(n, 1, plan.degree());
      const double m = double(plan.degree().m), s = double(plan.degree().s);
      table.row({std::to_string(n), norm, m, s, products, products / (m * s), forward * 1e3,
                 products * flops / forward * 1e-9, reverse * 1e3, reverse_products * flops / reverse * 1e-9,
                 100.0 * (products + reverse_products) * flops / (forward + reverse) * 1e-9 / best,
                 (forward + reverse) / (counted / (best * 1e9))});
    }
}

/// Seconds of one parameter update (operators and their adjoints) and of one tile's step (forward and
/// reverse).
struct Cost {
  double update, step;
  double of(std::size_t lane_steps) const { return update + step * double(lane_steps) / double(tile); }
};

/// A linear part at work: a scheme's operators, lanes that take turns through the distinct step lengths.
struct Work {
  core::SplitShape shape;
  std::vector<core::OperatorSpec> operators;
  std::vector<double> steps, A;
};

// The rows of X as a state and rates.
template <class View>
core::Stack<View> stacked(const core::Matrix<double>& X, const core::SplitShape& shape) {
  const core::MatrixView<double> view = X;
  core::Stack<View> stack(core::rows_of(view, 0, shape.n));
  for (std::size_t row = shape.n; row < X.extent(0); row += shape.rows())
    stack.push_back(core::rows_of(view, row, shape.rows()));
  return stack;
}

Cost cost_of(core::LinearPart<double>& part, const Work& work) {
  const core::ExecSpace space;
  const std::size_t n = work.shape.n;
  const core::Vector<double> h("h", tile), bar("bar", part.coefficient_count());
  const Kokkos::View<std::uint32_t*, core::Device> index("index", tile);
  for (std::size_t l = 0; l < tile; ++l) {
    index(l) = std::uint32_t(l % work.steps.size());
    h(l) = work.steps[index(l)];
  }
  const core::StepLengths<double> steps{h, index, 0, work.steps.size() == 1};
  std::vector<double> A_bar(work.A.size());
  Cost cost{};
  cost.update = time_of([&] {
    part.assemble(work.A);
    part.assemble_vjp(std::span<const double>(bar.data(), bar.extent(0)), A_bar);
  });
  core::Scratch<double> scratch;
  for (std::size_t op = 0; op < work.operators.size(); ++op) {
    const std::size_t rows = n + work.operators[op].evaluations() * work.shape.rows();
    const core::Matrix<double> X("X", rows, tile), X_bar("X_bar", rows, tile), out("out", n, tile);
    for (std::size_t i = 0; i < rows * tile; ++i) X.data()[i] = entry(i);
    cost.step += time_of([&] {
      const auto stack = stacked<core::ConstMatrixView<double>>(X, work.shape);
      part.apply(space, {{op, steps, stack.block[0]}, stack, out}, scratch);
      part.apply_vjp(space,
                     {{op, steps, stack.block[0]},
                      stack,
                      out,
                      stacked<core::MatrixView<double>>(X_bar, work.shape),
                      bar,
                      {}},
                     scratch);
    });
  }
  return cost;
}

/// What choose_method takes for a number of lane steps per update.
using Choice = std::function<bool(std::size_t lane_steps)>;  // whether dense

// The number of steps of single lanes per update from which on the rule takes dense matrices.
double crossing_of(const Choice& is_dense) {
  std::size_t low = 1, high = std::size_t{1} << 40;
  if (is_dense(low)) return 1.0;
  if (!is_dense(high)) return not_measured;
  while (high - low > std::max<std::size_t>(1, low / 100)) {
    const std::size_t middle = low + (high - low) / 2;
    (is_dense(middle) ? high : low) = middle;
  }
  return double(high);
}

void compare(const Table& table, const Work& work, double norm, const Choice& is_dense) {
  core::DenseLinearPart<double> dense_part(work.shape, work.operators, work.steps);
  core::TaylorLinearPart<double> taylor_part(work.shape, work.operators, 1.0);
  const Cost dense = cost_of(dense_part, work), taylor = cost_of(taylor_part, work);
  const double gain = taylor.step - dense.step;
  const double crossing =
      gain > 0 ? std::max(1.0, (dense.update - taylor.update) / gain * double(tile)) : not_measured;
  for (const std::size_t lane_steps : {128, 2048, 32768}) {
    const double d = dense.of(lane_steps), t = taylor.of(lane_steps);
    const bool picks_dense = is_dense(lane_steps);
    table.row({std::to_string(work.shape.n), norm, double(lane_steps), d * 1e3, t * 1e3,
               std::string(d < t ? "dense" : "taylor"), std::string(picks_dense ? "dense" : "taylor"),
               (picks_dense ? d : t) / std::min(d, t), crossing, crossing_of(is_dense)});
  }
}

// `distinct`: the number of step lengths, from 1/2 to 1.
void choice_of_method(const Session& session, core::Scheme scheme, const std::string& name,
                      std::size_t distinct) {
  const Table table(session.format(),
                    "dense or taylor, " + name + ", " + std::to_string(distinct) +
                        " step lengths: time of one update and its lane steps",
                    {{"n", 0, 4},
                     {"norm", 1, 5},
                     {"lane steps", 0},
                     {"dense ms", 2, 9},
                     {"taylor ms", 2},
                     {"faster", 0},
                     {"auto", 0, 6},
                     {"auto/faster", 2},
                     {"dense pays from", 0},
                     {"by the rule", 0}});
  std::vector<std::size_t> orders = {16, 32, 64, 128, 256};
  if (session.has("--large")) orders.insert(orders.end(), {512, 1024});
  for (const std::size_t n : orders)
    for (const double norm : {0.5, 4.0, 32.0}) {
      Work work{{n, true, false}, {}, {}, hurwitz_matrix(n, norm)};
      work.operators = core::program_of(scheme, work.shape).operators;
      for (std::size_t i = 0; i < distinct; ++i)
        work.steps.push_back(1.0 - 0.5 * double(i) / double(distinct));
      std::ranges::sort(work.steps);
      compare(table, work, norm, [&](std::size_t lane_steps) {
        return core::choose_method({.scheme = scheme}, work.shape, core::StepTable(work.steps),
                                   {{core::LinearStructure::dense, work.shape.n}, work.A},
                                   lane_steps) == core::MatrixFunctionMethod::dense;
      });
    }
}

}  // namespace

int main(int argc, char** argv) {
  hold_libraries_to_build(argv);
  const Session session(argc, argv);
  const double best = best_product_rate<double>();
  const Table rate(session.format(), "best rate of small products", {{"precision", 0}, {"GFLOP/s", 1}});
  rate.row({std::string("double"), best});
  const bool all = !session.has("phi") && !session.has("taylor") && !session.has("choice");
  if (all || session.has("phi")) phi_functions(session, best);
  if (all || session.has("taylor")) taylor_method(session, best);
  if (!all && !session.has("choice")) return 0;
  choice_of_method(session, core::Scheme::etd1, "ETD1", 1);
  choice_of_method(session, core::Scheme::etdrk4, "ETDRK4", 1);
  choice_of_method(session, core::Scheme::etd1, "ETD1", 8);
}
