// spectrum: eigenvalues of the learned linear part (of a fast-slow model at states of data), the bound, and
// status 4 where it is violated.
#include "spectral/spectrum.hpp"

#include "app/commands/commands.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/data_set.hpp"
#include "app/forecasting.hpp"
#include "app/model_store.hpp"
#include "io/array_file.hpp"
#include "io/output_directory.hpp"
#include "spectral/report.hpp"

namespace spnode::app {

namespace {

// Scalars of spectrum.h5 that are read again.
constexpr const char* bound_name = "bound";
constexpr const char* respected_name = "bound_respected";
constexpr const char* tolerance_name = "tolerance";

std::string csv_file(const Deck& deck) { return in_run(deck, "spectrum.csv"); }
std::string h5_file(const Deck& deck) { return in_run(deck, "spectrum.h5"); }

/// A spectrum, and what all diagnostics say of its operator.
struct Diagnosis {
  spectral::SpectrumReport report;
  std::vector<spectral::Finding> findings;
  std::vector<io::NamedArray> over_states = {};  ///< of an operator that depends on the state
};

/// What the coordinates of a model add to the findings.
void add_distortion(const io::TrainedModel& trained, std::vector<spectral::Finding>& findings) {
  const auto distortion = trained.model->distortion(trained.theta);
  if (!distortion) return;
  findings.push_back({"lipschitz_to_latent", distortion->to_latent, {}});
  findings.push_back({"lipschitz_from_latent", distortion->from_latent, {}});
}

/// The registration of the diagnostics. Collective.
Diagnosis diagnose(const parallel::Communicator& comm, const io::TrainedModel& trained,
                   const spectral::SpectrumOptions& options) {
  const core::Model& model = *trained.model;
  Diagnosis diagnosis{
      spectral::compute_spectrum(comm, model.linear_operator(trained.theta), model.linear().bound(), options),
      {}};
  diagnosis.findings = spectral::findings(diagnosis.report);
  add_distortion(trained, diagnosis.findings);
  return diagnosis;
}

io::ArrayFile to_file(const Deck& deck, const Diagnosis& diagnosis) {
  const spectral::SpectrumReport& report = diagnosis.report;
  const std::size_t count = report.eigenvalues.size();
  io::NamedArray real{"real", {count}, "real parts, 1/time, descending", {}};
  io::NamedArray imag{"imag", {count}, "imaginary parts, 1/time", {}};
  io::NamedArray margin{"margin", {count}, "distance of the real parts to the bound, 1/time", {}};
  for (const spectral::Eigenvalue& eigenvalue : report.eigenvalues) {
    real.values.push_back(eigenvalue.real);
    imag.values.push_back(eigenvalue.imag);
    margin.values.push_back(report.margin(eigenvalue));
  }
  io::ArrayFile file;
  file.deck = print_deck(deck);
  file.version = SPNODE_VERSION;
  file.scalars[bound_name] = report.bound;
  file.scalars[tolerance_name] = deck.spectrum.tolerance;
  file.scalars[respected_name] = spectral::all_passed(diagnosis.findings) ? 1.0 : 0.0;
  file.scalars["dimension"] = static_cast<double>(report.dimension);
  for (const spectral::Finding& finding : diagnosis.findings) file.scalars[finding.name] = finding.value;
  file.arrays = {real, imag, margin};
  file.arrays.insert(file.arrays.end(), diagnosis.over_states.begin(), diagnosis.over_states.end());
  return file;
}

/// Whose states T(x) is examined at.
std::string spectrum_data(const Deck& deck) { return either(deck.spectrum.data, deck.data.test); }

bool depends_on_state(const core::Model& model) {
  return model.linear().shape().structure == core::LinearStructure::state_dependent;
}

/// Latent states of the data, (count, latent dimension), at times that are spread over its trajectories, the
/// same on all ranks. Collective.
std::vector<double> latent_states(const Context& context, const StoredModel& stored,
                                  const io::DataSource& path) {
  const parallel::Communicator& comm = context.comm;
  const io::TrajectoryInfo info = inspect_share(comm, path, 0, stored);
  const std::size_t wanted = context.deck.spectrum.states, count = std::min(info.count, wanted),
                    times = std::min(info.times,
                                     std::max<std::size_t>(wanted / std::max<std::size_t>(count, 1), 1));
  if (count == 0) throw FileError(path + ": /state has no trajectory");
  const auto forecaster = make_forecaster(comm, stored, {1, context.deck.model.precision}, {});
  std::vector<double> latent;
  for (std::size_t k = 0; k < times; ++k) {
    const std::size_t t = k * info.times / times;
    const core::Trajectories held =
        io::read_trajectories(comm, path, 0, count, {.time_begin = t, .time_end = t + 1});
    parallel::collectively(comm, [&] {
      require_values(path, held, stored.state.model->options(), held.times);
      const std::vector<double> encoded = forecaster->encode(held);
      latent.insert(latent.end(), encoded.begin(), encoded.end());
    });
  }
  return latent;
}

/// T(x) at states of the data: the report is that of the state whose eigenvalues come nearest to the bound.
/// Collective.
Diagnosis diagnose_over_states(const Context& context, const StoredModel& stored,
                               spectral::SpectrumOptions options) {
  const core::Model& model = *stored.state.model;
  const std::string path = spectrum_data(context.deck);
  if (path.empty())
    throw UsageError(
        "spectrum.data and data.test are empty; the operator T(x) of the model is examined at "
        "states of one of them");
  const std::vector<double> latent = latent_states(context, stored, source_of(context.deck, path)),
                            coefficients = model.linear_operator(stored.state.theta).entries;
  const std::size_t n = model.latent_dimension(), count = latent.size() / n;
  options.name = "T(x)";
  options.count = 0;
  options.dense_limit = n;
  Diagnosis worst;
  bool respected = true;
  io::NamedArray states{"state", {count, n}, "latent states at which T(x) is taken", latent},
      real{"states_real", {}, "real parts of the eigenvalues of T(x) at each state, 1/time, descending", {}},
      imag{"states_imag", {}, "their imaginary parts, 1/time", {}};
  for (std::size_t k = 0; k < count; ++k) {
    const auto T = model.linear().matrix_at(coefficients, std::span(latent).subspan(k * n, n));
    spectral::SpectrumReport report =
        spectral::compute_spectrum(context.comm, T, model.linear().bound(), options);
    respected = respected && report.bound_respected;
    for (const spectral::Eigenvalue& eigenvalue : report.eigenvalues) {
      real.values.push_back(eigenvalue.real);
      imag.values.push_back(eigenvalue.imag);
    }
    if (k == 0 || report.spectral_abscissa > worst.report.spectral_abscissa) worst.report = std::move(report);
  }
  real.shape = imag.shape = {count, real.values.size() / count};
  worst.report.bound_respected = respected;
  worst.findings = spectral::findings(worst.report);
  worst.findings.push_back({"states_examined", static_cast<double>(count), std::nullopt, true});
  add_distortion(stored.state, worst.findings);
  worst.over_states = {states, real, imag};
  return worst;
}

/// Raises CheckFailed where the bound is not respected.
void require_bound(const std::string& model, double abscissa, double bound, bool respected) {
  if (!respected)
    throw CheckFailed(
        fmt::format("{}: the spectral abscissa {} of the linear part violates the bound mu = {}", model,
                    abscissa, bound));
}

std::string model_file(const Deck& deck) { return either(deck.spectrum.model, in_run(deck, "model.h5")); }

}  // namespace

std::vector<std::string> spectrum_files(const Deck& deck) { return {csv_file(deck), h5_file(deck)}; }

void repeat_spectrum_check(Context& context) {
  const Deck& deck = context.deck;
  const io::ArrayFile file = io::read_array_file(context.comm, h5_file(deck), io::spectrum_format);
  if (file.scalar(tolerance_name) != deck.spectrum.tolerance)
    throw UsageError(
        fmt::format("{} contains the verdict for spectrum.tolerance: {}; the deck says {}. Compute the "
                    "spectrum again with --overwrite",
                    file.path, file.scalar(tolerance_name), deck.spectrum.tolerance));
  require_bound(model_file(deck), file.scalar("spectral_abscissa"), file.scalar(bound_name),
                file.scalar(respected_name) != 0.0);
}

void spectrum(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  check_outputs(context, {deck_file(context), {"the model", model_file(deck)}},
                results(spectrum_files(deck)));

  const StoredModel stored = load_model(comm, model_file(deck));
  const core::Model& model = *stored.state.model;
  if (!model.split_shape().has_linear)
    throw FileError(stored.path + ": the model has no linear part, so that there is no spectrum to bound");
  spectral::SpectrumOptions options;
  options.count = deck.spectrum.count;
  options.dense_limit = deck.spectrum.dense_limit;
  options.tolerance = deck.spectrum.tolerance;
  const Diagnosis diagnosis = depends_on_state(model) ? diagnose_over_states(context, stored, options)
                                                      : diagnose(comm, stored.state, options);
  const spectral::SpectrumReport& report = diagnosis.report;

  io::prepare_output_directory(comm, deck.output);
  io::write_text(comm, csv_file(deck), spectral::spectrum_csv(report), overwrite(context));
  io::write_array_file(comm, h5_file(deck), io::spectrum_format, to_file(deck, diagnosis),
                       overwrite(context));
  say(comm, "{}", spectral::spectrum_table(report, diagnosis.findings));
  require_bound(stored.path, report.spectral_abscissa, report.bound,
                spectral::all_passed(diagnosis.findings));
}

}  // namespace spnode::app
