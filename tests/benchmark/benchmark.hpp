#pragma once
/// What all benchmark programs share: timing, the best rate of small products, and tables.

#include "core/kernels/gemm.hpp"
#include "core/machine/processor.hpp"
#include "machine.hpp"
#include "products.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace spnode::benchmark {

/// What is read before and after a call: the clock on the wall, or the processor time of the calling thread,
/// from which the work of others on a busy machine is left out. The latter suits calls of milliseconds and
/// more that use one thread of the host.
enum class Clock { wall, processor };

template <Clock clock>
double now() {
  std::timespec time{};
  clock_gettime(clock == Clock::wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// Best time of one call of `work` in seconds, of calls repeated for at least `at_least` seconds after a
/// first one that is not timed, and at least three. Calls shorter than 20 us are timed in groups.
template <Clock clock = Clock::wall, class Work>
double seconds_of(Work&& work, double at_least = 0.2) {
  const auto timed = [&](std::size_t calls) {
    const double start = now<clock>();
    for (std::size_t i = 0; i < calls; ++i) work();
    return (now<clock>() - start) / double(calls);
  };
  work();
  double best = timed(1);
  const std::size_t calls = 1 + std::size_t(20e-6 / std::max(best, 1e-9));
  const double begin = now<Clock::wall>();
  for (int i = 1; i < 3 || now<Clock::wall>() - begin < at_least; ++i) best = std::min(best, timed(calls));
  return best;
}

/// Times of several ways to do the same, taken in turns so that a slow moment of the machine meets all alike:
/// best time of each, in seconds.
template <class... Work>
std::vector<double> seconds_in_turns(std::size_t turns, double at_least, Work&&... work) {
  std::vector<double> best(sizeof...(work), std::numeric_limits<double>::infinity());
  for (std::size_t turn = 0; turn < turns; ++turn) {
    std::size_t i = 0;
    ((best[i] = std::min(best[i], seconds_of(work, at_least / double(turns))), ++i), ...);
  }
  return best;
}

/// Shapes of the products of a training step with latent dimension 20.
inline const std::vector<ProductShape> typical_products = {
    {ProductShape::Kind::plain, 200, 256, 20}, {ProductShape::Kind::plain, 20, 256, 200},
    {ProductShape::Kind::plain, 64, 256, 200}, {ProductShape::Kind::plain, 800, 32, 20},
    {ProductShape::Kind::plain, 20, 32, 800},  {ProductShape::Kind::plain, 64, 64, 64}};

/// The best rate that this machine reaches now on typical_products, of the kernels of core, BLAS and libxsmm,
/// in GFLOP/s. To be measured in the same run as whatever is compared with it.
template <class Real>
double best_product_rate() {
  double best = 0.0;
  for (const ProductShape& shape : typical_products) {
    const core::ExecSpace space;
    const core::Matrix<Real> A("A", shape.m, shape.k), B("B", shape.k, shape.n), C("C", shape.m, shape.n);
    Kokkos::deep_copy(A, Real(1));
    Kokkos::deep_copy(B, Real(1));
    const auto keep = [&](auto&& work) {
      best = std::max(best, shape.flops() / seconds_of(work, 0.05) * 1e-9);
    };
    keep([&] {
      core::gemm<Real>(space, 1.0, A, core::Transpose::no, B, 0.0, C);
      space.fence();
    });
    if (!core::runs_on_host) continue;
    keep([&] { blas_product(shape, A.data(), B.data(), C.data()); });
#ifdef SPNODE_BENCHMARK_LIBXSMM
    const XsmmProduct<Real> product(shape);
    if (product.exists()) keep([&] { product(A.data(), B.data(), C.data()); });
#endif
  }
  return best;
}

/// Text or a number; NaN prints as a dash: not measured.
using Cell = std::variant<std::string, double>;
inline constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

struct Column {
  std::string name;
  int digits = 1;  ///< after the point
  int width = 0;   ///< at least; the name fits in any case
};

/// Prints rows as they come: aligned columns for people, a table in Markdown, or one JSON object per row.
class Table {
 public:
  enum class Format { text, markdown, json };

  Table(Format format, std::string title, std::vector<Column> columns)
      : format_(format), title_(std::move(title)), columns_(std::move(columns)) {
    if (format_ == Format::json) return;
    std::printf("\n%s\n", title_.c_str());
    if (format_ == Format::markdown) {
      print_markdown_head();
      return;
    }
    for (const Column& column : columns_)
      std::printf("%s%*s", gap(column), width(column), column.name.c_str());
    std::printf("\n");
  }

  void row(const std::vector<Cell>& cells) const {
    if (format_ == Format::json) std::printf("{\"table\": \"%s\"", title_.c_str());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (format_ == Format::markdown) std::printf(i == 0 ? "| " : " | ");
      format_ == Format::json ? print_json(columns_[i], cells.at(i)) : print_text(columns_[i], cells.at(i));
    }
    std::printf(format_ == Format::json ? "}\n" : format_ == Format::markdown ? " |\n" : "\n");
    std::fflush(stdout);
  }

 private:
  void print_markdown_head() const {
    std::printf("\n");
    for (const Column& column : columns_) std::printf("| %s ", column.name.c_str());
    std::printf("|\n");
    for (std::size_t i = 0; i < columns_.size(); ++i) std::printf(i == 0 ? "| --- " : "| ---: ");
    std::printf("|\n");
  }
  const char* gap(const Column& column) const {
    return &column == columns_.data() || format_ == Format::markdown ? "" : "  ";
  }
  // The first column holds the names of the rows: to the left.
  int width(const Column& column) const {
    if (format_ == Format::markdown) return 0;
    const int least = std::max(column.width, int(column.name.size()));
    return &column == columns_.data() ? -least : least;
  }
  void print_text(const Column& column, const Cell& cell) const {
    if (const auto* text = std::get_if<std::string>(&cell))
      std::printf("%s%*s", gap(column), width(column), text->c_str());
    else if (const double value = std::get<double>(cell); std::isnan(value))
      std::printf("%s%*s", gap(column), width(column), "-");
    else
      std::printf("%s%*.*f", gap(column), width(column), column.digits, value);
  }
  static void print_json(const Column& column, const Cell& cell) {
    std::printf(", \"%s\": ", column.name.c_str());
    if (const auto* text = std::get_if<std::string>(&cell))
      std::printf("\"%s\"", text->c_str());
    else if (const double value = std::get<double>(cell); std::isfinite(value))
      std::printf("%.6g", value);
    else
      std::printf("null");
  }

  Format format_;
  std::string title_;
  std::vector<Column> columns_;
};

/// The frame of a benchmark's main program: starts Kokkos, reads --json, --markdown and the program's own
/// flags, and says what the figures were measured on.
class Session {
 public:
  Session(int& argc, char** argv) : kokkos_(argc, argv), arguments_(argv + 1, argv + argc) {
    const Blas library = blas();
    if (format() == Table::Format::json) {
      std::printf("{\"processor\": \"%s\", \"built_for\": \"%s\", \"blas\": \"%s\", \"load\": %.2f}\n",
                  processor().c_str(), core::build_target.name, library.name.c_str(), load_average());
    } else {
      std::printf("processor  %s, one thread, load of the machine %.1f\n", processor().c_str(),
                  load_average());
      std::printf("built for  %s\nBLAS       %s\n", core::build_target.name, library.name.c_str());
    }
    if (!library.warning.empty()) std::fprintf(stderr, "WARNING    %s\n", library.warning.c_str());
  }

  bool has(std::string_view flag) const {
    return std::find(arguments_.begin(), arguments_.end(), flag) != arguments_.end();
  }
  Table::Format format() const {
    return has("--json")       ? Table::Format::json
           : has("--markdown") ? Table::Format::markdown
                               : Table::Format::text;
  }
  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  Kokkos::ScopeGuard kokkos_;
  std::vector<std::string> arguments_;
};

}  // namespace spnode::benchmark
