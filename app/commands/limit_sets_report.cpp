#include "app/commands/limit_sets_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/support/text.hpp"

namespace spnode::app {

namespace {

/// "fixed point", "period 3", "chaotic".
std::string label_of(const core::LimitSet& set) {
  if (set.kind == core::LimitSetKind::periodic) return fmt::format("period {}", set.period);
  std::string name(name_of(set.kind));
  std::replace(name.begin(), name.end(), '_', set.kind == core::LimitSetKind::quasi_periodic ? '-' : ' ');
  return name;
}

/// The kinds that orbits of one value of the parameter end in.
std::string kinds_at(const LimitSetTable& table, std::size_t value) {
  std::set<std::string> labels;
  for (std::size_t start = 0; start < table.starts; ++start)
    labels.insert(label_of(table.sets[value * table.starts + start]));
  std::string all;
  for (const std::string& label : labels) all += (all.empty() ? "" : ", ") + label;
  return all;
}

/// Least and largest of what is finite.
struct Span {
  double least = INFINITY, largest = -INFINITY;
  void add(double x) {
    if (!std::isfinite(x)) return;
    least = std::min(least, x);
    largest = std::max(largest, x);
  }
  std::string print() const {
    if (least > largest) return "-";
    return least == largest ? fmt::format("{:.5g}", least) : fmt::format("{:.5g} to {:.5g}", least, largest);
  }
};

}  // namespace

std::string limit_sets_csv(const LimitSetTable& table) {
  std::string csv = "parameter,start,kind,period,period_time,exponent,exponent_error\n";
  const auto cell = [](double x) { return std::isfinite(x) ? shortest(x) : std::string(); };
  for (std::size_t k = 0; k < table.sets.size(); ++k) {
    const core::LimitSet& set = table.sets[k];
    csv += fmt::format("{},{},{},{},{},{},{}\n", shortest(table.values[k / table.starts]), k % table.starts,
                       name_of(set.kind), set.period, cell(set.period_time), cell(set.exponent),
                       cell(set.exponent_error));
  }
  return csv;
}

std::string limit_sets_ranges(const LimitSetTable& table) {
  std::string text = fmt::format("Limit sets{}, {} orbits for each of {} values\n",
                                 table.parameter.empty() ? "" : " over " + table.parameter, table.starts,
                                 table.values.size());
  text += fmt::format("  {:>12} {:>12}  {:<26} {:<24} {}\n", "from", "to", "largest exponent",
                      "period in time", "kinds");
  for (std::size_t first = 0, next = 0; first < table.values.size(); first = next) {
    const std::string kinds = kinds_at(table, first);
    Span exponent, time;
    for (next = first; next < table.values.size() && kinds_at(table, next) == kinds; ++next)
      for (std::size_t start = 0; start < table.starts; ++start) {
        const core::LimitSet& set = table.sets[next * table.starts + start];
        exponent.add(set.exponent);
        if (set.period_time > 0.0) time.add(set.period_time);
      }
    text += fmt::format("  {:>12.6g} {:>12.6g}  {:<26} {:<24} {}\n", table.values[first],
                        table.values[next - 1], exponent.print(), time.print(), kinds);
  }
  return text;
}

std::string switching_text(const core::SwitchingOptions& flow) {
  std::string text = "Piecewise linear: du/dt = A_1 u + b_1 where c.u < d, A_2 u + b_2 where c.u >= d\n";
  const std::size_t n = flow.c.size();
  const auto add = [&](const char* name, const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % n == 0) text += fmt::format("  {:<4}", i == 0 ? name : "");
      text += fmt::format(" {:>14.8g}", values[i]);
      if (i % n + 1 == n || i + 1 == values.size()) text += "\n";
    }
  };
  add("A_1", flow.a1);
  add("b_1", flow.b1);
  add("A_2", flow.a2);
  add("b_2", flow.b2);
  add("c", flow.c);
  add("d", {flow.d});
  return text;
}

std::vector<io::NamedArray> limit_sets_arrays(const LimitSetTable& table) {
  const std::vector<std::size_t> shape = {table.values.size(), table.starts};
  std::string numbers;
  for (const auto& word : words<core::LimitSetKind>())
    numbers += fmt::format("{}{} {}", numbers.empty() ? "" : ", ", static_cast<int>(word.value), word.name);
  io::NamedArray parameter{"parameter", {table.values.size()}, "values of the parameter", table.values};
  io::NamedArray kind{"kind", shape, "of the limit set: " + numbers, {}};
  io::NamedArray period{"period", shape, "points after which the orbit repeats; 0: it does not", {}};
  io::NamedArray time{"period_time", shape, "time after which the orbit repeats; 0: none", {}};
  io::NamedArray exponent{"exponent", shape, "largest Lyapunov exponent, 1/time; NaN: unbounded", {}};
  io::NamedArray error{"exponent_error", shape, "standard error of the exponent", {}};
  io::NamedArray points{"points/state", {}, "points of all orbits", {}};
  io::NamedArray at{"points/parameter", {}, "value of the parameter that a point belongs to", {}};
  io::NamedArray start{"points/start", {}, "number of the initial state that a point belongs to", {}};
  for (std::size_t k = 0; k < table.sets.size(); ++k) {
    const core::LimitSet& set = table.sets[k];
    kind.values.push_back(static_cast<double>(set.kind));
    period.values.push_back(static_cast<double>(set.period));
    time.values.push_back(set.period_time);
    exponent.values.push_back(set.exponent);
    error.values.push_back(set.exponent_error);
    points.values.insert(points.values.end(), set.points.begin(), set.points.end());
    const std::size_t count = set.points.size() / table.components;
    at.values.insert(at.values.end(), count, table.values[k / table.starts]);
    start.values.insert(start.values.end(), count, static_cast<double>(k % table.starts));
  }
  points.shape = {at.values.size(), table.components};
  at.shape = start.shape = {at.values.size()};
  return {parameter, kind, period, time, exponent, error, points, at, start};
}

}  // namespace spnode::app
