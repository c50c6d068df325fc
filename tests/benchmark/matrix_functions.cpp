// Phi functions of dense matrices and the matrix-free Taylor method against their cost models, and the choice
// between the two (core/dynamics.hpp, choose_method).
//
//   benchmark_matrix_functions [--json] [--large]
//
// "over model" is the measured time over the time that the counted operations take at the best rate of small
// products, measured in the same run. --large goes on to n = 2048 (phi) and n = 1024 (choice), some minutes.

#include "benchmark.hpp"
#include "core/dynamics.hpp"
#include "core/functions/expmv.hpp"
#include "core/functions/phi.hpp"

#include <functional>

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

// Long calls are timed once after the warm-up.
double time_of(const auto& work) { return seconds_of(work, 0.03); }

void phi_functions(const Session& session, double best) {
  const Table table(session.format(), "phi functions of h A, dense (phi_0 .. phi_p)",
                    {{"n", 0, 4},
                     {"p", 0},
                     {"norm", 0, 5},
                     {"squarings", 0},
                     {"compute ms", 3},
                     {"GFLOP/s", 1},
                     {"vjp ms", 3},
                     {"GFLOP/s", 1},
                     {"of best %", 0},
                     {"over model", 2}});
  std::vector<std::size_t> orders = {3, 7, 13, 20, 32, 64, 128, 256};
  if (session.has("--large")) orders.insert(orders.end(), {512, 1024, 2048});
  for (const std::size_t n : orders)
    for (const std::size_t p : {1, 3})
      for (const double norm : {0.5, 10.0, 1000.0}) {
        core::PhiFunctions phi(n, p, core::HalfArgument::omit);
        const std::vector<double> a = hurwitz_matrix(n, norm);
        std::vector<double> a_bar(n * n);
        const double compute = time_of([&] { phi.compute(a, 1.0); });
        for (std::size_t k = 0; k <= p; ++k) std::ranges::fill(phi.bar(k, core::Argument::full), 1.0);
        const double vjp = time_of([&] { phi.vjp(a_bar); });
        const double flops = core::dense_update_cost(n, p, norm), together = compute + vjp;
        table.row({std::to_string(n), double(p), norm, double(phi.squarings()), compute * 1e3,
                   flops / 3.0 / compute * 1e-9, vjp * 1e3, flops * 2.0 / 3.0 / vjp * 1e-9,
                   100.0 * flops / together * 1e-9 / best, together / (flops / (best * 1e9))});
      }
}

void taylor_method(const Session& session, double best) {
  const Table table(session.format(), "phi_0(h A) u + h phi_1(h A) w, matrix-free, 64 lanes",
                    {{"n", 0, 4},
                     {"norm", 0, 5},
                     {"m", 0, 2},
                     {"s", 0, 2},
                     {"products", 0},
                     {"of m s", 2},
                     {"forward ms", 3},
                     {"GFLOP/s", 1},
                     {"reverse ms", 3},
                     {"GFLOP/s", 1},
                     {"of best %", 0},
                     {"over model", 2}});
  const core::ExecSpace space;
  std::vector<std::size_t> orders = {7, 20, 32, 64, 128, 256};
  if (session.has("--large")) orders.insert(orders.end(), {512, 1024});
  for (const std::size_t n : orders)
    for (const double norm : {0.5, 10.0, 100.0}) {
      core::ExpmvPlan<double> plan(n, 1);
      plan.update(hurwitz_matrix(n, norm), 1.0);
      core::Expmv<double> method(n, 1, tile);
      method.reserve(plan);
      const core::Vector<double> h("h", tile);
      const core::Matrix<double> u("u", n, tile), w("w", n, tile), out("out", n, tile),
          u_bar("u_bar", n, tile), w_bar("w_bar", n, tile), a_bar("a_bar", n, n);
      Kokkos::deep_copy(h, 1.0);
      for (std::size_t i = 0; i < n * tile; ++i) u.data()[i] = entry(i), w.data()[i] = entry(i + 3);
      const core::ExpmvCall<double> call{.steps = h, .u = u, .w = {w}, .terms = 1};
      method.apply(space, plan, call, out);
      const double products = double(method.products());
      const double forward = time_of([&] { method.apply(space, plan, call, out); });
      const std::size_t before = method.products();
      method.vjp(space, plan, call, out, {u_bar, {w_bar}, a_bar});
      const double reverse_products = double(method.products() - before);
      const double reverse = time_of([&] { method.vjp(space, plan, call, out, {u_bar, {w_bar}, a_bar}); });
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

Cost cost_of(core::LinearPart<double>& part, const std::vector<core::OperatorSpec>& operators,
             const core::RateShape& shape, const std::vector<double>& A) {
  const core::ExecSpace space;
  const core::Vector<double> h("h", tile), bar("bar", part.coefficient_count());
  const Kokkos::View<std::uint32_t*, core::ExecSpace> index("index", tile);
  Kokkos::deep_copy(h, 1.0);
  const core::StepLengths<double> steps{h, index};
  std::vector<double> A_bar(A.size());
  Cost cost{};
  cost.update = time_of([&] {
    part.realise(A);
    part.realise_vjp(std::span<const double>(bar.data(), bar.extent(0)), A_bar);
  });
  core::Scratch<double> scratch;
  for (std::size_t op = 0; op < operators.size(); ++op) {
    const std::size_t rows = shape.n + operators[op].terms * shape.rows();
    const core::Matrix<double> X("X", rows, tile), X_bar("X_bar", rows, tile), out("out", shape.n, tile);
    for (std::size_t i = 0; i < rows * tile; ++i) X.data()[i] = entry(i);
    cost.step += time_of([&] {
      part.apply(space, op, steps, X, out, scratch);
      part.apply_vjp(space, op, steps, {X, out, X_bar, bar}, scratch);
    });
  }
  return cost;
}

// The number of steps of single lanes per update at which dense matrices begin to pay by the rule's own
// count.
double predicted_crossing(const std::function<core::MatrixFunctionMethod(std::size_t)>& choice) {
  std::size_t low = 1, high = std::size_t{1} << 40;
  if (choice(low) == core::MatrixFunctionMethod::dense) return 1.0;
  if (choice(high) == core::MatrixFunctionMethod::taylor) return not_measured;
  while (high - low > std::max<std::size_t>(1, low / 100)) {
    const std::size_t middle = low + (high - low) / 2;
    (choice(middle) == core::MatrixFunctionMethod::dense ? high : low) = middle;
  }
  return double(high);
}

void choice_of_method(const Session& session, core::Scheme scheme, const std::string& name) {
  const Table table(session.format(),
                    "dense or taylor, " + name + ", ms per update of 1024 and 32768 lane steps",
                    {{"n", 0, 4},
                     {"norm", 0, 5},
                     {"dense update", 2},
                     {"dense tile", 3},
                     {"taylor tile", 3},
                     {"dense 1024", 1},
                     {"taylor 1024", 1},
                     {"auto", 0, 6},
                     {"is", 0, 5},
                     {"dense 32768", 1},
                     {"taylor 32768", 1},
                     {"auto", 0, 6},
                     {"is", 0, 5},
                     {"crossing", 0},
                     {"of the rule", 0}});
  std::vector<std::size_t> orders = {16, 32, 64, 128, 256};
  if (session.has("--large")) orders.insert(orders.end(), {512, 1024});
  for (const std::size_t n : orders)
    for (const double norm : {0.5, 4.0, 32.0}) {
      const core::RateShape shape{n, true, false};
      const auto operators = core::make_integrator<double>(scheme, shape)->operators();
      const std::vector<double> A = hurwitz_matrix(n, norm);
      core::DenseLinearPart<double> dense_part(shape, operators, {1.0});
      core::TaylorLinearPart<double> taylor_part(shape, operators, 1.0);
      const Cost dense = cost_of(dense_part, operators, shape, A),
                 taylor = cost_of(taylor_part, operators, shape, A);
      const auto choice = [&](std::size_t lane_steps) {
        return core::choose_method({.scheme = scheme}, shape, core::StepTable({1.0}), A, lane_steps);
      };
      std::vector<Cell> cells = {std::to_string(n), norm, dense.update * 1e3, dense.step * 1e3,
                                 taylor.step * 1e3};
      for (const std::size_t lane_steps : {1024, 32768}) {
        const double seconds[] = {dense.of(lane_steps), taylor.of(lane_steps)};
        const bool picks_dense = choice(lane_steps) == core::MatrixFunctionMethod::dense;
        const double lost = seconds[picks_dense ? 0 : 1] / std::min(seconds[0], seconds[1]);
        char verdict[16];
        std::snprintf(verdict, sizeof verdict, lost < 1.05 ? "right" : "%.1f x", lost);
        cells.insert(cells.end(), {seconds[0] * 1e3, seconds[1] * 1e3,
                                   std::string(picks_dense ? "dense" : "taylor"), std::string(verdict)});
      }
      const double gain = taylor.step - dense.step;
      cells.push_back(gain > 0 ? std::max(0.0, dense.update - taylor.update) / gain * double(tile)
                               : not_measured);
      cells.push_back(predicted_crossing(choice));
      table.row(cells);
    }
}

}  // namespace

int main(int argc, char** argv) {
  const Session session(argc, argv);
  const double best = best_product_rate<double>();
  const Table rate(session.format(), "best rate of small products", {{"precision", 0}, {"GFLOP/s", 1}});
  rate.row({std::string("double"), best});
  phi_functions(session, best);
  taylor_method(session, best);
  choice_of_method(session, core::Scheme::etd1, "ETD1");
  choice_of_method(session, core::Scheme::etdrk4, "ETDRK4");
}
