// Models of the same right-hand side in two units of time.
#include "core/vector_field/time_unit.hpp"

#include "catch.hpp"
#include "core/components/fourier_modes.hpp"
#include "core/data/trajectories.hpp"
#include "core/vector_field/vector_field.hpp"
#include "helpers.hpp"

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

constexpr double unit = 0.37;

// Every linear part, and every term that has another unit of time.
std::vector<ModelOptions> all_options() {
  ModelOptions base;
  base.linear = {0.1, 0.5, 2.0, 0.3, true};
  base.linear.rank = 2;
  base.bilinear = {2, 0.5};
  base.network.hidden = base.lipschitz.hidden = {4};
  base.network.output_scale = true;
  base.lipschitz.relaxation = true;
  base.potential.neurons = 3;
  base.nonlinear = {NonlinearKind::bilinear, NonlinearKind::network, NonlinearKind::lipschitz};
  std::vector<ModelOptions> all;
  for (const auto structure : {HurwitzKind::dense, HurwitzKind::block_diagonal, HurwitzKind::low_rank}) {
    all.push_back(base);
    all.back().linear.structure = structure;
  }
  ModelOptions terms = base;
  terms.linear.structure = HurwitzKind::none;
  terms.network.output_scale = false;
  terms.arguments = {{"mu"}, {"c"}, false, Interpolation::linear};
  terms.nonlinear = {NonlinearKind::network, NonlinearKind::forcing, NonlinearKind::library,
                     NonlinearKind::potential, NonlinearKind::central_force};
  all.push_back(terms);
  ModelOptions linear = base;
  linear.nonlinear.clear();
  all.push_back(linear);
  all.push_back(all.front());
  all.back().invariants = {1.0, 1.0, 1.0, 1.0, 0.0};
  ModelOptions periodic = base;
  periodic.linear.structure = HurwitzKind::circulant;
  periodic.nonlinear = {NonlinearKind::convolution};
  periodic.latent_dimension = 5;
  periodic.autoencoder.enabled = true;
  periodic.autoencoder.basis = LinearBasis::fourier;
  periodic.autoencoder.hidden.clear();
  periodic.autoencoder.pod_trainable = false;
  periodic.scaling.kind = ScalingKind::none;
  all.push_back(periodic);
  return all;
}

}  // namespace

TEST_CASE("right_hand_side_in_the_unit_of_the_data_is_that_of_the_training_over_the_unit") {
  for (const ModelOptions& options : all_options()) {
    REQUIRE(fixed_time_unit(options).empty());
    const Model trained(in_time_unit(unit, options), 5);
    const auto model = in_data_time(unit, options, trained);
    const PodStart modes{fourier_modes(5, 5), 1.0, 5};
    std::vector<double> theta = trained.initialise(3, trained.has_autoencoder() ? &modes : nullptr);
    const auto noise = random_vector(theta.size(), "noise", 0.3);
    for (const ParameterBlock& block : trained.layout().blocks())
      for (std::size_t i = block.offset; !block.frozen && i < block.offset + block.size(); ++i)
        theta[i] += noise[i];
    const std::size_t lanes = 3, n = trained.latent_dimension();
    const auto u = random_matrix<double>(n, lanes, "u"),
               q = random_matrix<double>(trained.argument_count(), lanes, "q");
    const auto value = [&](const Model& of, const std::vector<double>& at) {
      const ExecSpace space;
      Scratch<double> scratch;
      VectorField<double> field(of);
      field.set_parameters(at);
      Matrix<double> f("f", n, lanes), tape("tape", field.tape_rows(), lanes);
      field.value(space, {u, q}, f, tape, scratch);
      return f;
    };
    const auto f = value(*model, model->scaled_rates(1.0 / unit, theta)), g = value(trained, theta);
    INFO("structure " << int(options.linear.structure) << ", " << options.nonlinear.size() << " terms");
    double largest = 0.0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < lanes; ++l) largest = std::max(largest, std::abs(f(i, l)));
    CHECK(largest > 1e-3);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < lanes; ++l)
        CHECK(f(i, l) == Approx(g(i, l) / unit).epsilon(1e-12).margin(1e-13 * largest));
  }
}

TEST_CASE("models_whose_form_has_a_unit_of_time_say_so") {
  ModelOptions second;
  second.order = 2;
  ModelOptions fast_slow;
  fast_slow.linear.structure = HurwitzKind::fast_schur;
  ModelOptions bounded;
  bounded.nonlinear = {NonlinearKind::lipschitz};
  ModelOptions last;
  last.nonlinear = {NonlinearKind::network};
  last.network.last_activation = true;
  ModelOptions timed;
  timed.nonlinear = {NonlinearKind::library};
  timed.arguments.time = true;
  for (const ModelOptions& options : {second, fast_slow, bounded, last, timed})
    CHECK_FALSE(fixed_time_unit(options).empty());
  for (ModelOptions* const options : {&bounded, &last})
    options->lipschitz.output_scale = options->network.output_scale = true;
  CHECK(fixed_time_unit(bounded).empty());
  CHECK(fixed_time_unit(last).empty());
}

TEST_CASE("decay_rates_that_are_not_given_are_of_order_one_in_the_unit_of_the_training") {
  HurwitzOptions options;
  CHECK(options.slowest_rate() == 1.0);
  CHECK(options.fastest_rate() == 1.0);
  options.rate_max = 0.1;
  CHECK(options.slowest_rate() == 0.1);
  options.rate_max = 1e4;
  CHECK(options.slowest_rate() == 1.0);
  CHECK(options.fastest_rate() == 1e4);
  options = {};
  options.rate_min = 3.0;
  CHECK(options.fastest_rate() == 3.0);
  ModelOptions model;
  model.linear.rate_max = 1e4;
  CHECK(in_time_unit(1e-2, model).linear.rate_max == Approx(1e2));
  CHECK(in_time_unit(1e-2, model).linear.rate_min == 0.0);
}

TEST_CASE("times_and_rates_of_data_change_with_the_unit_and_states_do_not") {
  Trajectories data;
  data.count = 1;
  data.times = data.input_times = 2;
  data.components = 1;
  data.state = {1.0, 2.0};
  data.time = data.input_time = {0.0, 8.0};
  data.clock = {4.0};
  data.inputs["c"] = {3.0, 5.0};
  data.derivative = {0.5, 0.25};
  data.tangents = 1;
  data.directions = {1.0, 1.0};
  data.products = {2.0, 3.0};
  count_time_in(4.0, data);
  CHECK(data.time == std::vector<double>{0.0, 2.0});
  CHECK(data.input_time == std::vector<double>{0.0, 2.0});
  CHECK(data.clock == std::vector<double>{1.0});
  CHECK(data.derivative == std::vector<double>{2.0, 1.0});
  CHECK(data.products == std::vector<double>{8.0, 12.0});
  CHECK(data.directions == std::vector<double>{1.0, 1.0});
  CHECK(data.state == std::vector<double>{1.0, 2.0});
}
