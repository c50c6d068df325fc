// spectrum: eigenvalues of the learned linear part, the bound, and status 4 where it is violated.
#include "spectral/spectrum.hpp"

#include "app/commands/commands.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
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
};

/// The registration of the diagnostics. Collective.
Diagnosis diagnose(const parallel::Communicator& comm, const io::TrainedModel& trained,
                   const spectral::SpectrumOptions& options) {
  const core::Model& model = *trained.model;
  Diagnosis diagnosis{
      spectral::compute_spectrum(comm, model.linear_operator(trained.theta), model.linear().bound(), options),
      {}};
  diagnosis.findings = spectral::findings(diagnosis.report);
  if (const auto distortion = model.distortion(trained.theta)) {
    diagnosis.findings.push_back({"lipschitz_to_latent", distortion->to_latent, {}});
    diagnosis.findings.push_back({"lipschitz_from_latent", distortion->from_latent, {}});
  }
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
  return file;
}

/// Raises CheckFailed where the bound is not respected.
void require_bound(const std::string& model, double abscissa, double bound, bool respected) {
  if (!respected)
    throw CheckFailed(fmt::format("{}: the spectral abscissa {} of A_L violates the bound mu = {}", model,
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
  const Diagnosis diagnosis = diagnose(comm, stored.state, options);
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
