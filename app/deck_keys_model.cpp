// Keys of the data and of the model.
#include "app/deck_key_table.hpp"

namespace spnode::app {

namespace {

/// Of layers and ranks: products of three of them still fit an integer.
constexpr double widest = 1000000;

void add_files(KeyTable& t) {
  t.section("", "Paths are relative to the directory that spnode is started in.");
  t.key("output", SPNODE_FIELD(output), any(), "",
        "run directory: model, checkpoint, history, metrics and spectrum go there");
  t.key("seed", SPNODE_FIELD(seed), between(0, any_integer), "",
        "seed of everything random: initial values, order of the windows, generated data");

  t.section("data", "Trajectory files, and the windows that training cuts from them.");
  t.key("data.train", SPNODE_FIELD(data.train), any(), "", "trajectories to train on");
  t.key("data.validation", SPNODE_FIELD(data.validation), any(), "",
        "trajectories that select the best model; empty: the training loss does");
  t.key("data.test", SPNODE_FIELD(data.test), any(), "", "unseen trajectories for forecast and evaluate");
  t.key("data.window", SPNODE_FIELD(data.windows.window), any(), "intervals",
        "length of a window; 0: the whole trajectory");
  t.key("data.stride", SPNODE_FIELD(data.windows.stride), any(), "intervals",
        "distance between the starts of windows; 0: the window's length");
  t.key("data.every", SPNODE_FIELD(data.windows.every), at_least(1), "",
        "windows take every k-th time, for each of these k: steps of several lengths make an ODE, not a map");
  t.key("data.times", SPNODE_FIELD(data.windows.times), any(), "",
        "indices of the times to use, increasing; []: all");
}

void add_generate(KeyTable& t) {
  t.section("generate",
            "A reference system to simulate; the files are data.train, data.validation and data.test.");
  t.key("generate.system", SPNODE_FIELD(system), any(), "", "which system; none: the data are your own");
  t.key("generate.train", SPNODE_FIELD(generate.train), any(), "trajectories", "in data.train");
  t.key("generate.validation", SPNODE_FIELD(generate.validation), any(), "trajectories",
        "in data.validation");
  t.key("generate.test", SPNODE_FIELD(generate.test), any(), "trajectories", "in data.test");
  t.key("generate.times", SPNODE_FIELD(generate.times), at_least(2), "",
        "times per trajectory, both ends included");
  t.key("generate.t_start", SPNODE_FIELD(generate.t_start), at_least(0), "time",
        "first time; on a logarithmic grid the first after t = 0, which is stored too");
  t.key("generate.t_end", SPNODE_FIELD(generate.t_end), above(0), "time", "last time");
  t.key("generate.grid", SPNODE_FIELD(generate.grid), any(), "", "spacing of the times");
  t.key("generate.epsilon", SPNODE_FIELD(generate.epsilon), at_least(0), "",
        "transient_growth: strength of the nonlinear part; grad13: scale separation");
  t.key("generate.perturbation", SPNODE_FIELD(generate.perturbation), between(0, 1), "",
        "robertson: relative spread of the initial states around (1, 0, 0)");
  t.key("generate.burn_in", SPNODE_FIELD(generate.burn_in), at_least(0), "time",
        "kuramoto_sivashinsky: integrated and thrown away before sampling");
  t.key("generate.domain_length", SPNODE_FIELD(generate.domain_length), above(0), "length",
        "kuramoto_sivashinsky: period of the domain");
  t.key("generate.grid_points", SPNODE_FIELD(generate.grid_points), between(4, 16384), "",
        "kuramoto_sivashinsky: points of the grid, an even number");
  t.key("generate.step", SPNODE_FIELD(generate.step), above(0), "time",
        "kuramoto_sivashinsky: step of the reference integrator (Fourier ETDRK4)");
  t.key("generate.tolerance", SPNODE_FIELD(generate.tolerance), between(1e-11, 1e-2), "",
        "relative error that the adaptive reference integrators aim at");
}

/// A feed-forward network of the nonlinear part; `access` reaches its options.
template <class Access>
void add_network(KeyTable& t, const std::string& path, Access access) {
  const auto field = [&](auto member) {
    return [ access, member ](auto& deck) -> auto& { return access(deck).*member; };
  };
  using core::NetworkOptions;
  t.key(path + ".hidden", field(&NetworkOptions::hidden), between(1, widest), "",
        "widths of the hidden layers; []: one linear layer");
  t.key(path + ".activation", field(&NetworkOptions::activation), any(), "",
        "after every hidden layer; squareplus: (x + sqrt(x^2 + 0.1)) / 2, a smooth rectifier");
  t.key(path + ".last_activation", field(&NetworkOptions::last_activation), any(), "",
        "apply the activation after the last layer too (tanh bounds g by 1)");
  t.key(path + ".output_scale", field(&NetworkOptions::output_scale), any(), "",
        "learn a factor per output component");
  t.key(path + ".initial_scale", field(&NetworkOptions::initial_scale), above(0), "",
        "weights start as normal / sqrt(fan in) times this");
  t.key(path + ".relaxation", field(&NetworkOptions::relaxation), any(), "",
        "contribute -A_L h(u): du/dt = A_L (u - h(u)), for widely spread scales");
}

void add_dynamics(KeyTable& t) {
  t.section("model", "du/dt = A_L u + g(u), in latent space where there is an autoencoder.");
  t.key("model.latent_dimension", SPNODE_FIELD(model.latent_dimension), between(0, widest), "",
        "0: the dimension of the state; less needs the autoencoder");
  t.key("model.nonlinear", SPNODE_FIELD(model.nonlinear), any(), "",
        "terms of g, summed; []: a linear model");
  t.key("model.precision", SPNODE_FIELD(model.precision), any(), "",
        "mixed: states and products in float, up to twice as fast; parameters and sums stay double");

  t.key("model.initialisation", SPNODE_FIELD(model.initialisation), any(), "",
        "start of A_L and the bilinear form: from the seed; dmd: A_L from the data's linear map; "
        "operator_inference: both by least squares on the data's time derivatives (without a bilinear form a "
        "network of one hidden layer starts there)");
  t.key("model.inference_order", SPNODE_FIELD(model.inference_order), between(2, 100), "",
        "operator_inference: order of the central differences, even; high for smooth data");

  t.section("model.linear",
            "A_L = (G_s + G_u) S + mu I, or structured: real parts of its spectrum stay below mu.");
  t.key("model.linear.structure", SPNODE_FIELD(model.linear.structure), any(), "",
        "dense: n^2 entries; block_diagonal: 2 x 2 blocks; low_rank: diagonal plus low rank (both linear in "
        "n)");
  t.key("model.linear.rank", SPNODE_FIELD(model.linear.rank), between(1, 10000), "",
        "low_rank: columns r of U, V, W in -U U^T + V W^T - W V^T");
  t.key("model.linear.mu", SPNODE_FIELD(model.linear.mu), any(), "1/time",
        "bound of the real parts; at least the largest growth rate of the system");
  t.key("model.linear.rate_min", SPNODE_FIELD(model.linear.rate_min), above(0), "1/time",
        "slowest decay rate at the start, below mu");
  t.key("model.linear.rate_max", SPNODE_FIELD(model.linear.rate_max), above(0), "1/time",
        "fastest; the rates are spread evenly in the logarithm");
  t.key("model.linear.noise", SPNODE_FIELD(model.linear.noise), at_least(0), "",
        "size of the random entries of the factors at the start");
  t.key("model.linear.trainable", SPNODE_FIELD(model.linear.trainable), any(), "",
        "false: keep A_L at its initial value");

  t.section("model.bilinear",
            "g(u) = sum over R of (C_r u)(D_r u) + b; the right class for quadratic systems.");
  t.key("model.bilinear.rank", SPNODE_FIELD(model.bilinear.rank), between(1, widest), "",
        "number R of products per component");
  t.key("model.bilinear.initial_scale", SPNODE_FIELD(model.bilinear.initial_scale), at_least(0), "",
        "entries of C and D start as normal / sqrt(n R) times this");

  t.section("model.lipschitz", "A network whose Lipschitz constant is bounded.");
  t.key("model.lipschitz.bound", SPNODE_FIELD(model.lipschitz.lipschitz), above(0), "1/time",
        "bound on the Lipschitz constant");
  t.key("model.lipschitz.divisor", SPNODE_FIELD(model.lipschitz.divisor), any(), "",
        "of the weights; exact: max(1, sqrt(||W||_1 ||W||_inf)); smooth: at least that, for second-order "
        "optimizers");
  add_network(t, "model.lipschitz", SPNODE_FIELD(model.lipschitz));

  t.section("model.network", "A plain feed-forward network.");
  add_network(t, "model.network", SPNODE_FIELD(model.network));
}

void add_autoencoder_and_scaling(KeyTable& t) {
  t.section("model.autoencoder", "Encoder and decoder between the state and the latent space.");
  t.key("model.autoencoder.enabled", SPNODE_FIELD(model.autoencoder.enabled), any(), "",
        "false: the latent state is the (scaled) state");
  t.key("model.autoencoder.pod", SPNODE_FIELD(model.autoencoder.pod), any(), "",
        "a linear map that starts as the POD of the training states");
  t.key("model.autoencoder.pod_trainable", SPNODE_FIELD(model.autoencoder.pod_trainable), any(), "",
        "train the linear map as well");
  t.key("model.autoencoder.hidden", SPNODE_FIELD(model.autoencoder.hidden), between(1, widest), "",
        "hidden layers of encoder and decoder; []: the linear map alone");
  t.key("model.autoencoder.activation", SPNODE_FIELD(model.autoencoder.activation), any(), "",
        "after every hidden layer; squareplus: (x + sqrt(x^2 + 0.1)) / 2, a smooth rectifier");
  t.key("model.autoencoder.initial_scale", SPNODE_FIELD(model.autoencoder.initial_scale), above(0), "",
        "weights start as normal / sqrt(fan in) times this");
  t.key("model.autoencoder.frozen", SPNODE_FIELD(model.autoencoder.frozen), any(), "",
        "keep the networks at their (pretrained) values");

  t.section("model.scaling", "Scaling of the data, a part of the model: (state - shift) / scale.");
  t.key("model.scaling.kind", SPNODE_FIELD(model.scaling.kind), any(), "",
        "global: one mean deviation for all components; component: one each");
  t.key("model.scaling.shift", SPNODE_FIELD(model.scaling.shift), any(), "state",
        "manual: one value for all components, or one each");
  t.key("model.scaling.scale", SPNODE_FIELD(model.scaling.scale), above(0), "state",
        "manual: one value for all components, or one each");
}

}  // namespace

void add_data_keys(KeyTable& t) {
  add_files(t);
  add_generate(t);
}

void add_model_keys(KeyTable& t) {
  add_dynamics(t);
  add_autoencoder_and_scaling(t);
}

}  // namespace spnode::app
