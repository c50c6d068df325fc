// Speed and accuracy of tanh and its derivative in core/kernels, beside the C library's scalar tanh and what
// the compiler makes of a loop over it with -ffast-math (libmvec).
//
//   benchmark_activation [--json]
//
// Times are for 200 x 64 entries, a hidden layer of a tile. Errors are over arguments that are dense in
// [1e-12, 22] in logarithm and in value, both signs, against tanhl of 64 bits.

#include "activation_libmvec.hpp"
#include "benchmark.hpp"
#include "core/kernels/elementwise.hpp"

#include <functional>

using namespace spnode;
using namespace spnode::benchmark;

namespace {

constexpr std::size_t rows = 200, lanes = 64, samples = std::size_t{1} << 21;
constexpr double largest = 22.0;

std::vector<double> arguments() {
  std::vector<double> x;
  for (std::size_t i = 0; i < samples / 2; ++i) {
    const double part = (double(i) + 0.5) / double(samples / 2), sign = i % 2 == 0 ? 1.0 : -1.0;
    x.push_back(sign * largest * part);
    x.push_back(sign * 1e-12 * std::pow(largest * 1e12, part));
  }
  return x;
}

struct Worst {
  double error = 0.0, at = 0.0;
  void add(double e, double x) {
    if (e > error) error = e, at = x;
  }
};

// Error of `value` in units of the last place of the exact value.
template <class Real>
double ulps(Real value, long double exact) {
  const int last = std::ilogb(double(exact)) + 1 - std::numeric_limits<Real>::digits;
  return double(std::abs((long double)value - exact) / std::ldexp(1.0L, last));
}

using Map = std::function<void(const double* x, double* y, std::size_t count)>;

void kernel_tanh(const double* x, double* y, std::size_t count) {
  const core::MatrixView<double> Y(y, 1, count);
  const core::Vector<double> zero("zero", 1);
  core::scaled_copy(core::ExecSpace(), 1.0, core::ConstMatrixView<double>(x, 1, count), Y);
  core::add_bias_and_activate(core::ExecSpace(), core::Activation::tanh, zero, Y);
}

// tanh'(x) from y = tanh(x), as the reverse sweep has it.
void kernel_derivative(const double* x, double* y_bar, std::size_t count) {
  std::vector<double> y(count);
  kernel_tanh(x, y.data(), count);
  std::fill(y_bar, y_bar + count, 1.0);
  core::activate_vjp(core::ExecSpace(), core::Activation::tanh,
                     core::ConstMatrixView<double>(y.data(), 1, count),
                     core::MatrixView<double>(y_bar, 1, count));
}

void report(const Table& table, const std::string& name, const Map& map, double seconds, bool derivative) {
  static const std::vector<double> x = arguments();
  std::vector<double> y(x.size());
  map(x.data(), y.data(), x.size());
  Worst relative, absolute;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double t = tanhl(x[i]), c = coshl(x[i]), exact = derivative ? 1.0L / (c * c) : t;
    relative.add(ulps(y[i], exact), x[i]);
    absolute.add(double(std::abs(y[i] - exact) / std::numeric_limits<double>::epsilon()), x[i]);
  }
  table.row({name, seconds / double(rows * lanes) * 1e9, relative.error, relative.at, absolute.error});
}

}  // namespace

int main(int argc, char** argv) {
  const Session session(argc, argv);
  const core::ExecSpace space;
  std::vector<double> x(rows * lanes), y(rows * lanes);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 3.0 * std::sin(double(i));
  const core::Vector<double> bias("bias", rows);
  const core::ConstMatrixView<double> X(x.data(), rows, lanes);
  const core::MatrixView<double> Y(y.data(), rows, lanes);

  const Table table(session.format(), "tanh, double",
                    {{"method", 0, 40},
                     {"ns per entry", 3},
                     {"largest error, ulp", 2},
                     {"at x", 4, 10},
                     {"largest absolute error, eps", 2}});
  // The kernels have no branch: that they run again on their own output does not change their time. The
  // derivative is timed at y = 0, so that the adjoint it scales stays as it is.
  const auto timed = [&](const auto& work) { return seconds_of(work, 0.5); };
  core::scaled_copy(space, 1.0, X, Y);
  report(table, "core: bias and tanh, in place", kernel_tanh,
         timed([&] { core::add_bias_and_activate(space, core::Activation::tanh, bias, Y); }), false);
  const Map scalar = [](const double* from, double* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to[i] = std::tanh(from[i]);
  };
  report(table, "C library, scalar", scalar, timed([&] { scalar(x.data(), y.data(), y.size()); }), false);
  const auto vectorised = [](const double* from, double* to, std::size_t count) {
    tanh_by_compiler(from, to, count);
  };
  report(table, "compiler with -ffast-math (libmvec)", vectorised,
         timed([&] { vectorised(x.data(), y.data(), y.size()); }), false);
  const core::Matrix<double> zero("zero", rows, lanes);
  core::scaled_copy(space, 1.0, X, Y);
  report(table, "core: derivative from tanh, in place", kernel_derivative,
         timed([&] { core::activate_vjp(space, core::Activation::tanh, zero, Y); }), true);
}
