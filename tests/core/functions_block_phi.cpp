#include "catch.hpp"
#include "core/matrix_functions/block_phi.hpp"
#include "core/matrix_functions/phi.hpp"
#include "core/support/error.hpp"
#include "helpers.hpp"

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

struct Case {
  const char* name;
  Block B;
};

/// Every way of BlockPhi, and the borders between them.
std::vector<Case> cases() {
  std::vector<Case> list = {{"zero", {0, 0, 0, 0}},
                            {"small", {-0.1, 0.3, -0.2, -0.4}},
                            {"multiple of the identity", {-5, 0, 0, -5}},
                            {"Jordan block", {-3, 1, 0, -3}},
                            {"large Jordan block", {-300, 1000, 0, -300}},
                            {"complex", {-0.5, 7, -7, -0.5}},
                            {"complex, far from normal", {-2, 40, -1, -3}},
                            {"neighbours", {-10, 1, 0.5, -11}},
                            {"nearly equal", {-4, 1e-9, 1e-9, -4}},
                            {"apart", {-1e-3, 0.2, 0.1, -40}},
                            {"apart, stiff", {-2, 1, 1.5, -1e6}},
                            {"growing", {0.2, 1, -1, 0.1}},
                            {"growing, real", {2.5, 1, 3, -1}},
                            {"all but singular", {-1, 1, 1 - 1e-9, -1}}};
  for (const double size : {0.7499, 0.7501, 1.4, 1.6})
    list.push_back({"border", {-size, 0.3 * size, -0.2 * size, -1.1 * size}});
  return list;
}

}  // namespace

TEST_CASE("functions_of_blocks_are_those_of_dense_matrices") {
  for (const auto& [name, B] : cases())
    for (const double step : {1.0, 0.25, -0.1}) {
      if (step < 0.0 && B[3] < -1e3) continue;  // overflows
      PhiFunctions dense(2, 3, HalfArgument::omit);
      dense.compute(B, step);
      BlockPhi blocks;
      blocks.compute(B, step, 3);
      for (std::size_t k = 0; k <= 3; ++k) {
        const auto expected = dense.value(k, Argument::full);
        double error = 0.0, size = 0.0;
        for (std::size_t i = 0; i < 4; ++i) {
          error = std::max(error, std::abs(blocks.value(k)[i] - expected[i]));
          size = std::max(size, std::abs(expected[i]));
        }
        CAPTURE(name, step, k, error / size);
        // The dense functions of the matrix as given, to 1e-13; e^z of a rounded z errs by eps |z|.
        const double largest =
            std::abs(step) * (std::abs(B[0]) + std::abs(B[1]) + std::abs(B[2]) + std::abs(B[3]));
        CHECK(error < (1e-13 + (k == 0 ? 2e-16 * largest : 0.0)) * size);
      }
    }
}

TEST_CASE("adjoint_of_functions_of_blocks_is_that_of_dense_matrices") {
  for (const auto& [name, B] : cases())
    for (const double step : {1.0, 0.25}) {
      PhiFunctions dense(2, 3, HalfArgument::omit);
      dense.compute(B, step);
      BlockPhi blocks;
      blocks.compute(B, step, 3);
      for (std::size_t k = 0; k <= 3; ++k) {
        dense.clear_bars();
        const std::vector<double> bar = random_vector(4, "bar" + std::to_string(k));
        std::ranges::copy(bar, dense.bar(k, Argument::full).begin());
        std::vector<double> expected(4, 0.0);
        dense.vjp(expected);
        Block B_bar = {};
        blocks.vjp(k, {bar[0], bar[1], bar[2], bar[3]}, B_bar);
        double error = 0.0, size = 1e-300;
        for (std::size_t i = 0; i < 4; ++i) {
          error = std::max(error, std::abs(B_bar[i] - expected[i]));
          size = std::max(size, std::abs(expected[i]));
        }
        CAPTURE(name, step, k, error / size);
        CHECK(error < 2e-12 * size);
      }
    }
}

TEST_CASE("functions_of_slow_and_fast_rates_keep_the_slow_one_at_any_norm") {
  // The slow eigenvalue of a symmetric block, exact from its determinant.
  for (const double fast : {1e3, 1e6, 1e9, 1e12}) {
    const Block B = {-fast, 0.5 * fast, 1.0, -1.5};  // det = fast
    const double trace = -fast - 1.5, slow = 2 * fast / (trace - std::sqrt(trace * trace - 4 * fast));
    BlockPhi phi;
    phi.compute(B, 1.0, 1);
    const Block E = phi.value(0);
    CHECK(E[0] + E[3] == Approx(std::exp(slow)).epsilon(1e-14));
  }
}

TEST_CASE("a_number_is_a_multiple_of_the_identity_of_blocks") {
  for (const double z : {-1e9, -30.0, -0.3, 0.2}) {
    BlockPhi phi;
    phi.compute({z, 0, 0, z}, 1.0, 2);
    CHECK(phi.value(1)[0] == Approx(std::expm1(z) / z).epsilon(1e-14));
    Block bar = {};
    phi.vjp(0, {1, 0, 0, 0}, bar);
    CHECK(bar[0] + bar[3] == Approx(std::exp(z)).epsilon(1e-13));
  }
}

TEST_CASE("resolvent_of_a_block_inverts_it_and_its_adjoint_matches_differences") {
  for (const double size : {1.0, 1e6, 1e12}) {
    const Block B = {-size, 0.3 * size, -0.2, -1.0};
    const double step = 0.5;
    const Block R = block_resolvent(B, step);
    const double a = 1 - step * B[0], b = -step * B[1], c = -step * B[2], d = 1 - step * B[3];
    CHECK(a * R[0] + b * R[2] == Approx(1.0).epsilon(1e-14));
    CHECK(c * R[1] + d * R[3] == Approx(1.0).epsilon(1e-14));
  }
  const Block B = {-1, 2, -3, -0.5}, bar = {0.3, -1, 0.7, 2};
  Block B_bar = {};
  block_resolvent_vjp(block_resolvent(B, 0.7), 0.7, bar, B_bar);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto at = [&](double e) {
      Block moved = B;
      moved[i] += e;
      const Block R = block_resolvent(moved, 0.7);
      return dot(R, bar);
    };
    CHECK(B_bar[i] == Approx((at(1e-5) - at(-1e-5)) / 2e-5).epsilon(1e-8));
  }
  CHECK_THROWS_AS(block_resolvent({2, 0, 0, 1}, 0.5), NumericalError);
}
