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

io::ArrayFile to_file(const Deck& deck, const spectral::SpectrumReport& report) {
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
  file.scalars["bound"] = report.bound;
  file.scalars["dimension"] = static_cast<double>(report.dimension);
  for (const spectral::Finding& finding : spectral::findings(report))
    file.scalars[finding.name] = finding.value;
  file.arrays = {real, imag, margin};
  return file;
}

}  // namespace

void spectrum(Context& context) {
  const parallel::Communicator& comm = context.comm;
  const Deck& deck = context.deck;
  const std::string csv = in_run(deck, "spectrum.csv"), h5 = in_run(deck, "spectrum.h5");
  const std::string model_path = either(deck.spectrum.model, in_run(deck, "model.h5"));
  check_outputs(context, {deck_file(context), {"the model", model_path}},
                {{"the table of eigenvalues", csv}, {"the spectrum", h5}});

  const StoredModel stored = load_model(comm, model_path);
  const core::Model& model = *stored.state.model;
  spectral::SpectrumOptions options;
  options.count = deck.spectrum.count;
  options.dense_limit = deck.spectrum.dense_limit;
  options.tolerance = deck.spectrum.tolerance;
  const spectral::SpectrumReport report = spectral::compute_spectrum(
      comm, model.linear_operator(stored.state.theta), model.linear().bound(), options);

  io::prepare_output_directory(comm, deck.output);
  io::write_text(comm, csv, spectral::spectrum_csv(report), overwrite(context));
  io::write_array_file(comm, h5, io::spectrum_format, to_file(deck, report), overwrite(context));
  say(comm, "{}", spectral::spectrum_table(report));
  if (!spectral::all_passed(spectral::findings(report)))
    throw CheckFailed(stored.path + ": the spectral abscissa " + std::to_string(report.spectral_abscissa) +
                      " of A_L violates the bound mu = " + std::to_string(report.bound));
}

}  // namespace spnode::app
