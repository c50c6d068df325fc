// Speed and accuracy of tanh and its derivative in core/kernels, beside the C library's scalar tanh and what
// the compiler makes of a loop over it with -ffast-math (libmvec).
//
//   benchmark_activation [--json|--markdown]
//
// Times are for 200 x 64 entries, a hidden layer of a tile. Errors are over arguments that are dense in
// [1e-12, 22] in logarithm and in value, both signs, against the
// C library in long double.

#include "activation_libmvec.hpp"
#include "benchmark.hpp"
#include "core/kernels/elementwise.hpp"

#include <functional>

using namespace spnode;
using namespace spnode::benchmark;

namespace {

constexpr std::size_t rows = 200, lanes = 64, samples = std::size_t{1} << 21;
constexpr double largest = 22.0;

template <class Real>
std::vector<Real> arguments() {
  std::vector<Real> x;
  for (std::size_t i = 0; i < samples / 2; ++i) {
    const double part = (double(i) + 0.5) / double(samples / 2), sign = i % 2 == 0 ? 1.0 : -1.0;
    x.push_back(Real(sign * largest * part));
    x.push_back(Real(sign * 1e-12 * std::pow(largest * 1e12, part)));
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
  const int last = std::ilogb(exact) + 1 - std::numeric_limits<Real>::digits;
  return double(std::abs(static_cast<long double>(value) - exact) / std::ldexp(1.0L, last));
}

template <class Real>
using Map = std::function<void(const Real* x, Real* y, std::size_t count)>;

template <class Real>
void kernel_tanh(const Real* x, Real* y, std::size_t count) {
  const core::MatrixView<Real> Y(y, 1, count);
  const core::Vector<Real> zero("zero", 1);
  core::scaled_copy<Real>(core::ExecSpace(), 1.0, core::ConstMatrixView<Real>(x, 1, count), Y);
  core::add_bias_and_activate<Real>(core::ExecSpace(), core::Activation::tanh, zero, Y);
}

// tanh'(x) from y = tanh(x), as the reverse sweep has it.
template <class Real>
void kernel_derivative(const Real* x, Real* y_bar, std::size_t count) {
  std::vector<Real> y(count);
  kernel_tanh(x, y.data(), count);
  std::fill(y_bar, y_bar + count, Real(1));
  core::activate_vjp<Real>(core::ExecSpace(), core::Activation::tanh,
                           core::ConstMatrixView<Real>(y.data(), 1, count),
                           core::MatrixView<Real>(y_bar, 1, count));
}

// The derivative comes as 1 - y^2, whose error matters relative to one: it has no ulps to speak of in the
// tails.
enum class Function { tanh, derivative };

template <class Real>
void report(const Table& table, const std::string& name, Function function, const Map<Real>& map,
            double seconds) {
  const std::vector<Real> x = arguments<Real>();
  std::vector<Real> y(x.size());
  map(x.data(), y.data(), x.size());
  Worst relative, absolute;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double at = x[i], c = std::cosh(at);
    const long double exact = function == Function::tanh ? std::tanh(at) : 1.0L / (c * c);
    relative.add(ulps(y[i], exact), double(at));
    absolute.add(double(std::abs(y[i] - exact) / std::numeric_limits<Real>::epsilon()), double(at));
  }
  const bool is_tanh = function == Function::tanh;
  table.row({name, seconds / double(rows * lanes) * 1e9, is_tanh ? relative.error : not_measured,
             is_tanh ? relative.at : not_measured, absolute.error, absolute.at});
}

template <class Real>
void measure(const Session& session, const std::string& precision) {
  const core::ExecSpace space;
  std::vector<Real> x(rows * lanes), y(rows * lanes);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Real(3.0 * std::sin(double(i)));
  const core::Vector<Real> bias("bias", rows);
  const core::Matrix<Real> zero("zero", rows, lanes);
  const core::MatrixView<Real> Y(y.data(), rows, lanes);
  const Table table(session.format(), "tanh, " + precision,
                    {{"method", 0, 40},
                     {"ns per entry", 3},
                     {"largest error, ulp", 2},
                     {"at x", 4, 9},
                     {"largest absolute error, eps", 2},
                     {"at this x", 4}});
  const auto timed = [&](const auto& work) { return seconds_of(work, 0.5); };
  // The kernels have no branch: that they run again on their own output does not change their time. The
  // derivative is timed at y = 0, so that the adjoint it scales stays as it is.
  const double kernel =
      timed([&] { core::add_bias_and_activate<Real>(space, core::Activation::tanh, bias, Y); });
  report<Real>(table, "core: bias and tanh, in place", Function::tanh, kernel_tanh<Real>, kernel);
  const double derivative = timed([&] { core::activate_vjp<Real>(space, core::Activation::tanh, zero, Y); });
  report<Real>(table, "core: derivative from tanh, in place", Function::derivative, kernel_derivative<Real>,
               derivative);
  const Map<Real> scalar = [](const Real* from, Real* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to[i] = std::tanh(from[i]);
  };
  report<Real>(table, "C library, scalar", Function::tanh, scalar,
               timed([&] { scalar(x.data(), y.data(), y.size()); }));
  const Map<Real> vectorised = [](const Real* from, Real* to, std::size_t count) {
    tanh_by_compiler(from, to, count);
  };
  report<Real>(table, "compiler with -ffast-math (libmvec)", Function::tanh, vectorised,
               timed([&] { vectorised(x.data(), y.data(), y.size()); }));
}

}  // namespace

int main(int argc, char** argv) {
  hold_libraries_to_build(argv);
  const Session session(argc, argv);
  measure<double>(session, "double");
  measure<float>(session, "float");
}
