// A model and its options come back from a file as they were.
#include "io/trained_model.hpp"
#include "fixtures.hpp"
#include "io/model_options.hpp"

using namespace spnode;
using namespace spnode::test;
using parallel::Communicator;

namespace {

core::ModelOptions unusual() {
  core::ModelOptions options;
  options.latent_dimension = 3;
  options.linear = {.mu = 0.1, .rate_min = 0.3, .rate_max = 1e3};
  options.nonlinear = {core::NonlinearKind::network, core::NonlinearKind::lipschitz};
  options.lipschitz.bound = 2.0 / 3.0;
  options.lipschitz.hidden = {4, 5};
  options.lipschitz.divisor = core::LipschitzDivisor::smooth;
  options.network.hidden = {};
  options.network.relaxation = true;
  options.autoencoder = {.enabled = true, .pod = false};
  options.autoencoder.activation = core::Activation::squareplus;
  options.scaling = {core::ScalingKind::manual, {-1.5}, {0.1, 2.0, 3.0, 4.0}};
  options.precision = core::Precision::mixed;
  return options;
}

}  // namespace

TEST_CASE("a_model_comes_back_as_it_was_stored") {
  const Communicator comm;
  const TemporaryDirectory folder;
  const std::string path = folder / "model.h5";
  io::TrainedModel stored{std::make_unique<core::Model>(unusual(), 4), {}, {}};
  stored.theta = stored.model->initialise(5, nullptr);
  stored.model->scaling = {{1.0, 2.0, 3.0, 4.0}, {0.1, 0.2, 0.3, 0.4}};
  stored.integrator = {.scheme = core::Scheme::imex_ars2, .substeps = 3};
  io::save_model(comm, path, stored, io::Overwrite::no);
  const io::TrainedModel loaded = io::load_model(comm, path);
  CHECK(loaded.theta == stored.theta);
  CHECK(loaded.model->scaling.shift == stored.model->scaling.shift);
  CHECK(loaded.model->scaling.scale == stored.model->scaling.scale);
  CHECK(io::print_options({loaded.model->options(), loaded.integrator}) ==
        io::print_options({stored.model->options(), stored.integrator}));
}

TEST_CASE("options_that_are_not_understood_are_refused") {
  const std::string good = io::print_options({unusual(), {}});
  CHECK(io::print_options(io::parse_options(good)) == good);
  CHECK(io::parse_options("").model.bilinear.rank == core::BilinearOptions().rank);
  for (const char* bad : {"model.linear.mu: much\n", "model.linear.mu: inf\n", "model.bilinear.rank: -1\n",
                          "model.linear.trainable: yes\n", "model.linear.structure: round\n",
                          "model.nonlinear: bilinear sine\n", "model.unheard: 1\n", "nothing\n",
                          "model.bilinear.rank: 1\nmodel.bilinear.rank: 2\n"}) {
    INFO(bad);
    CHECK_THROWS_AS(io::parse_options(bad), UsageError);
  }
}

TEST_CASE("a_file_without_options_or_with_others_is_no_model") {
  const Communicator comm;
  const TemporaryDirectory folder;
  core::ModelOptions options;
  io::TrainedModel stored{std::make_unique<core::Model>(options, 2), {}, {}};
  stored.theta = stored.model->initialise(5, nullptr);
  io::ModelFile file = io::to_file(stored);
  for (const char* text : {"", "model.bilinear.rank: 5\n", "model.latent_dimension: 3\n", "model.odd: 1\n"}) {
    file.options = text;
    const std::string path = folder / "model.h5";
    io::write_model(comm, path, file, io::Overwrite::yes);
    INFO(text);
    CHECK_THROWS_AS(io::load_model(comm, path), FileError);
  }
}
