#include "app/deck_keys.hpp"

#include "app/deck_values.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace spnode::app {

namespace {

/// Access to a field of the deck, for reading and for writing.
#define AT(field) [](auto& deck) -> auto& { return deck.field; }

/// Allowed values in words: the words of an enumeration, or the limits.
template <class T>
struct Allowed {
  static std::string words(const Limits& limits) {
    if constexpr (std::is_enum_v<T>)
      return Value<T>::names();
    else
      return limits.words();
  }
};
template <class T>
struct Allowed<std::vector<T>> : Allowed<T> {};
template <class T>
struct Allowed<std::optional<T>> {
  static std::string words(const Limits&) { return Value<std::optional<T>>::names(); }
};

class Table {
 public:
  void section(std::string path, std::string doc) { sections.push_back({std::move(path), std::move(doc)}); }

  /// Appends the key `path` for the field that `access` reaches.
  template <class Access>
  void key(std::string path, Access access, Limits limits, std::string unit, std::string doc) {
    using T = std::remove_cvref_t<decltype(access(std::declval<Deck&>()))>;
    // Integers of the deck are never negative; their manual says so.
    if constexpr (std::is_same_v<T, std::uint64_t> || std::is_same_v<T, std::vector<std::uint64_t>>)
      limits.least = std::max(limits.least, 0.0);
    Key entry;
    entry.path = std::move(path);
    entry.type = Value<T>::type();
    entry.allowed = Allowed<T>::words(limits);
    entry.unit = std::move(unit);
    entry.doc = std::move(doc);
    entry.read = [access, limits](Deck& deck, const YAML::Node& node) {
      access(deck) = Value<T>::read(node, limits);
    };
    entry.print = [access](const Deck& deck) { return Value<T>::print(access(deck)); };
    keys.push_back(std::move(entry));
  }

  std::vector<Key> keys;
  std::vector<Section> sections;
};

void add_general(Table& t) {
  t.section("", "Paths are relative to the directory that spnode is started in.");
  t.key("output", AT(output), any(), "", "run directory: model, checkpoint, history, metrics and spectrum go there");
  t.key("seed", AT(seed), any(), "", "seed of everything random: initial values, order of the windows, generated data");

  t.section("data", "Trajectory files, and the windows that training cuts from them.");
  t.key("data.train", AT(data.train), any(), "", "trajectories to train on");
  t.key("data.validation", AT(data.validation), any(), "", "trajectories that select the best model; empty: the training loss does");
  t.key("data.test", AT(data.test), any(), "", "unseen trajectories for forecast and evaluate");
  t.key("data.window", AT(data.windows.window), any(), "intervals", "length of a window; 0: the whole trajectory");
  t.key("data.stride", AT(data.windows.stride), any(), "intervals", "distance between the starts of windows; 0: the window's length");
  t.key("data.times", AT(data.windows.times), any(), "", "indices of the times to use, increasing; []: all");
}

void add_generate(Table& t) {
  t.section("generate", "A reference system to simulate; the files are data.train, data.validation and data.test.");
  t.key("generate.system", AT(system), any(), "", "which system; none: the data are your own");
  t.key("generate.train", AT(generate.train), any(), "trajectories", "in data.train");
  t.key("generate.validation", AT(generate.validation), any(), "trajectories", "in data.validation");
  t.key("generate.test", AT(generate.test), any(), "trajectories", "in data.test");
  t.key("generate.times", AT(generate.times), at_least(2), "", "times per trajectory, both ends included");
  t.key("generate.t_start", AT(generate.t_start), at_least(0), "time", "first time; on a logarithmic grid the first after t = 0, which is stored too");
  t.key("generate.t_end", AT(generate.t_end), above(0), "time", "last time");
  t.key("generate.grid", AT(generate.grid), any(), "", "spacing of the times");
  t.key("generate.epsilon", AT(generate.epsilon), at_least(0), "", "transient_growth: strength of the nonlinear part; grad13: scale separation");
  t.key("generate.perturbation", AT(generate.perturbation), between(0, 1), "", "robertson: relative spread of the initial states around (1, 0, 0)");
  t.key("generate.burn_in", AT(generate.burn_in), at_least(0), "time", "kuramoto_sivashinsky: integrated and thrown away before sampling");
  t.key("generate.domain_length", AT(generate.domain_length), above(0), "length", "kuramoto_sivashinsky: period of the domain");
  t.key("generate.grid_points", AT(generate.grid_points), at_least(4), "", "kuramoto_sivashinsky: points of the grid, an even number");
  t.key("generate.step", AT(generate.step), above(0), "time", "kuramoto_sivashinsky: step of the reference integrator (Fourier ETDRK4)");
  t.key("generate.tolerance", AT(generate.tolerance), between(1e-11, 1e-2), "", "relative error that the adaptive reference integrators aim at");
}

/// A feed-forward network of the nonlinear part; `access` reaches its options.
template <class Access>
void add_network(Table& t, const std::string& path, Access access) {
  const auto field = [&](auto member) {
    return [access, member](auto& deck) -> auto& { return access(deck).*member; };
  };
  using core::NetworkOptions;
  t.key(path + ".hidden", field(&NetworkOptions::hidden), at_least(1), "", "widths of the hidden layers; []: one linear layer");
  t.key(path + ".activation", field(&NetworkOptions::activation), any(), "", "after every hidden layer");
  t.key(path + ".last_activation", field(&NetworkOptions::last_activation), any(), "", "apply the activation after the last layer too (tanh bounds g by 1)");
  t.key(path + ".output_scale", field(&NetworkOptions::output_scale), any(), "", "learn a factor per output component");
  t.key(path + ".initial_scale", field(&NetworkOptions::initial_scale), above(0), "", "weights start as normal / sqrt(fan in) times this");
  t.key(path + ".relaxation", field(&NetworkOptions::relaxation), any(), "", "contribute -A_L h(u): du/dt = A_L (u - h(u)), for widely spread scales");
}

void add_model(Table& t) {
  t.section("model", "du/dt = A_L u + g(u), in latent space where there is an autoencoder.");
  t.key("model.latent_dimension", AT(model.latent_dimension), any(), "", "0: the dimension of the state; less needs the autoencoder");
  t.key("model.nonlinear", AT(model.nonlinear), any(), "", "terms of g, summed; []: a linear model");

  t.section("model.linear", "A_L = (G_s + G_u) S + mu I: real parts of its spectrum stay below mu.");
  t.key("model.linear.mu", AT(model.linear.mu), any(), "1/time", "bound of the real parts; at least the largest growth rate of the system");
  t.key("model.linear.rate_min", AT(model.linear.rate_min), above(0), "1/time", "slowest decay rate at the start, below mu");
  t.key("model.linear.rate_max", AT(model.linear.rate_max), above(0), "1/time", "fastest; the rates are spread evenly in the logarithm");
  t.key("model.linear.noise", AT(model.linear.noise), at_least(0), "", "size of the random off-diagonal entries of the factors at the start");
  t.key("model.linear.trainable", AT(model.linear.trainable), any(), "", "false: keep A_L at its initial value");

  t.section("model.bilinear", "g(u) = sum over R of (C_r u)(D_r u) + b; the right class for quadratic systems.");
  t.key("model.bilinear.rank", AT(model.bilinear.rank), at_least(1), "", "number R of products per component");
  t.key("model.bilinear.initial_scale", AT(model.bilinear.initial_scale), at_least(0), "", "entries of C and D start as normal / sqrt(n R) times this");

  t.section("model.lipschitz", "A network whose Lipschitz constant is bounded.");
  t.key("model.lipschitz.bound", AT(model.lipschitz.lipschitz), above(0), "1/time", "bound on the Lipschitz constant");
  add_network(t, "model.lipschitz", AT(model.lipschitz));

  t.section("model.network", "A plain feed-forward network.");
  add_network(t, "model.network", AT(model.network));

  t.section("model.autoencoder", "Encoder and decoder between the state and the latent space.");
  t.key("model.autoencoder.enabled", AT(model.autoencoder.enabled), any(), "", "false: the latent state is the (scaled) state");
  t.key("model.autoencoder.pod", AT(model.autoencoder.pod), any(), "", "a linear map that starts as the POD of the training states");
  t.key("model.autoencoder.pod_trainable", AT(model.autoencoder.pod_trainable), any(), "", "train the linear map as well");
  t.key("model.autoencoder.hidden", AT(model.autoencoder.hidden), at_least(1), "", "hidden layers of encoder and decoder; []: the linear map alone");
  t.key("model.autoencoder.activation", AT(model.autoencoder.activation), any(), "", "after every hidden layer");
  t.key("model.autoencoder.initial_scale", AT(model.autoencoder.initial_scale), above(0), "", "weights start as normal / sqrt(fan in) times this");
  t.key("model.autoencoder.frozen", AT(model.autoencoder.frozen), any(), "", "keep the networks at their (pretrained) values");

  t.section("model.scaling", "Scaling of the data, a part of the model: (state - shift) / scale.");
  t.key("model.scaling.kind", AT(model.scaling.kind), any(), "", "global: one mean deviation for all components; component: one each");
  t.key("model.scaling.shift", AT(model.scaling.shift), any(), "state", "manual: one value for all components, or one each");
  t.key("model.scaling.scale", AT(model.scaling.scale), above(0), "state", "manual: one value for all components, or one each");
}

void add_integrator_and_loss(Table& t) {
  t.section("integrator", "How the model is advanced between two times of the data.");
  t.key("integrator.scheme", AT(integrator.scheme), any(), "", "exponential (etd...), implicit-explicit (imex_...) or explicit Runge-Kutta");
  t.key("integrator.substeps", AT(integrator.substeps), at_least(1), "", "steps per interval of the data");
  t.key("integrator.linear", AT(integrator.linear), any(), "", "functions of A_L: dense matrices, or matrix-free Taylor sums");
  t.key("integrator.keep_every", AT(integrator.keep_every), any(), "steps", "reverse sweep: keep every k-th state and recompute between them; 0: keep all");

  t.section("loss", "Weighted sum of mean squares; a term of weight 0 is only monitored.");
  t.key("loss.time_weights", AT(loss.time_weights), any(), "", "quadrature over the times of a window");
  t.key("loss.component_weights", AT(loss.component_weights), any(), "", "variance: divide by the components' variance over the training states");
  t.key("loss.trajectory", AT(loss.trajectory), at_least(0), "", "weight: decoded rollout against data, in the scaled state");
  t.key("loss.latent", AT(loss.latent), at_least(0), "", "weight: rollout against encoded data, in latent space");
  t.key("loss.reconstruction", AT(loss.reconstruction), at_least(0), "", "weight: decoded encoded data against data");
  t.key("loss.weight_decay", AT(loss.weight_decay), at_least(0), "", "weight: half the squared norm of the trainable parameters");
}

void add_training(Table& t) {
  t.section("training", "Optimizers run one after the other; the best model on the validation data is kept.");
  t.key("training.optimizers", AT(training.optimizers), any(), "", "in this order");
  t.key("training.batch", AT(training.batch), at_least(1), "windows", "per step of adam; lbfgs takes all");
  t.key("training.tile", AT(training.tile), at_least(1), "windows", "computed at a time by one rank");
  t.key("training.summands", AT(training.summands), at_least(1), "", "shares of work of a batch at most; more lets more ranks work");
  t.key("training.pretrain_epochs", AT(training.pretrain_epochs), any(), "epochs", "on the autoencoder's reconstruction alone, before everything else");
  t.key("training.pretrain_rate", AT(training.pretrain_rate), above(0), "", "learning rate of these");
  t.key("training.validate_every", AT(training.validate_every), at_least(1), "epochs", "between two validations");
  t.key("training.patience", AT(training.patience), any(), "validations", "stop after so many without a better one; 0: never");
  t.key("training.spectrum_every", AT(training.spectrum_every), any(), "epochs", "between two checks of the spectral bound; 0: never");
  t.key("training.checkpoint_epochs", AT(training.checkpoint_epochs), any(), "epochs", "between two checkpoints; 0: never");
  t.key("training.checkpoint_minutes", AT(training.checkpoint_minutes), at_least(0), "minutes", "between two checkpoints; 0: never");
  t.key("training.max_bad_steps", AT(training.max_bad_steps), at_least(1), "steps", "non-finite ones in a row before giving up with status 5");

  t.section("training.adam", "Adam; AdamW with weight decay. Minibatches of windows.");
  t.key("training.adam.epochs", AT(training.adam.epochs), at_least(1), "epochs", "passes over the windows");
  t.key("training.adam.schedule", AT(training.adam.schedule.kind), any(), "", "of the learning rate");
  t.key("training.adam.rate", AT(training.adam.schedule.rate), above(0), "", "learning rate after the warm-up");
  t.key("training.adam.final_rate", AT(training.adam.schedule.final_rate), at_least(0), "", "cosine: reached at the last step; exponential: never below");
  t.key("training.adam.decay", AT(training.adam.schedule.decay), between(0, 1), "", "exponential: factor per epoch");
  t.key("training.adam.warmup", AT(training.adam.schedule.warmup), any(), "steps", "of linear growth of the rate from 0");
  t.key("training.adam.beta1", AT(training.adam.beta1), between(0, 1), "", "decay of the mean gradient");
  t.key("training.adam.beta2", AT(training.adam.beta2), between(0, 1), "", "decay of the mean squared gradient");
  t.key("training.adam.epsilon", AT(training.adam.epsilon), above(0), "", "added to the root of the mean squared gradient");
  t.key("training.adam.weight_decay", AT(training.adam.weight_decay), at_least(0), "", "decoupled from the gradient (AdamW)");
  t.key("training.adam.clip", AT(training.adam.clip), at_least(0), "", "largest global norm of the gradient; 0: no clipping");
  t.key("training.adam.autoencoder_rate_factor", AT(training.adam.autoencoder_rate_factor), at_least(0), "", "the autoencoder's learning rate over the others'");

  t.section("training.lbfgs", "Limited-memory BFGS (TAOLMVM) on all windows at once.");
  t.key("training.lbfgs.iterations", AT(training.lbfgs.iterations), at_least(1), "", "at most");
  t.key("training.lbfgs.cycle", AT(training.lbfgs.cycle), at_least(1), "iterations", "between two clearings of the memory, where checkpoints are taken");
  t.key("training.lbfgs.history", AT(training.lbfgs.history), at_least(1), "", "pairs kept");
  t.key("training.lbfgs.gradient_tolerance", AT(training.lbfgs.gradient_tolerance), at_least(0), "", "stop at this norm of the gradient");
}

void add_results(Table& t) {
  t.section("forecast", "Trajectories from the initial states of a data set.");
  t.key("forecast.model", AT(forecast.model), any(), "", "model file; empty: model.h5 in the run directory");
  t.key("forecast.data", AT(forecast.data), any(), "", "file of the initial states; empty: data.test");
  t.key("forecast.output", AT(forecast.output), any(), "", "file that is written; empty: trajectories.h5 in the run directory");
  t.key("forecast.start", AT(forecast.start), any(), "", "index of the initial state along the data's times");
  t.key("forecast.trajectories", AT(forecast.trajectories), any(), "", "only the first so many; 0: all");
  t.key("forecast.step", AT(forecast.step), any(), "time", "between two written states; negative: backwards; 0: the data's times");
  t.key("forecast.steps", AT(forecast.steps), any(), "", "number of these");
  t.key("forecast.times", AT(forecast.times), any(), "time", "explicit times, strictly monotone, the initial state's first; []: none");
  t.key("forecast.substeps", AT(forecast.substeps), any(), "", "integration steps between two written states; 0: integrator.substeps of the model");

  t.section("evaluate", "Errors of forecasts over a whole data set.");
  t.key("evaluate.model", AT(evaluate.model), any(), "", "model file; empty: model.h5 in the run directory");
  t.key("evaluate.data", AT(evaluate.data), any(), "", "trajectories to compare with; empty: data.test");
  t.key("evaluate.trajectories", AT(evaluate.trajectories), any(), "", "only the first so many; 0: all");
  t.key("evaluate.threshold", AT(evaluate.threshold), above(0), "", "relative error that ends the valid prediction time");
  t.key("evaluate.step_consistency", AT(evaluate.step_consistency), any(), "", "forecast again with half the step and compare");
  t.key("evaluate.require_valid_time", AT(evaluate.require_valid_time), at_least(0), "time", "status 4 where the mean valid prediction time is less; 0: no check");
  t.key("evaluate.require_error", AT(evaluate.require_error), at_least(0), "", "status 4 where the mean relative error is more; 0: no check");

  t.section("spectrum", "Eigenvalues of the learned linear part and the bound mu.");
  t.key("spectrum.model", AT(spectrum.model), any(), "", "model file; empty: model.h5 in the run directory");
  t.key("spectrum.count", AT(spectrum.count), any(), "", "eigenvalues of largest real part; 0: all up to dense_limit, 20 above it");
  t.key("spectrum.dense_limit", AT(spectrum.dense_limit), any(), "", "up to this dimension LAPACK computes all of them, above it Krylov-Schur");
  t.key("spectrum.tolerance", AT(spectrum.tolerance), at_least(0), "", "changes of A_L so large, relative to its norm, break no bound");
}

#undef AT

const Table& table() {
  static const Table all = [] {
    Table t;
    add_general(t);
    add_generate(t);
    add_model(t);
    add_integrator_and_loss(t);
    add_training(t);
    add_results(t);
    return t;
  }();
  return all;
}

}  // namespace

const std::vector<Key>& deck_keys() { return table().keys; }
const std::vector<Section>& deck_sections() { return table().sections; }

}  // namespace spnode::app
