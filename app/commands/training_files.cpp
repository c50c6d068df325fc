#include "app/commands/training_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <type_traits>

#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/deck/keys.hpp"
#include "core/loss/loss_terms.hpp"
#include "io/checkpoint.hpp"
#include "io/output_directory.hpp"
#include "training/objectives.hpp"

namespace spnode::app {

namespace {

/// Raises UsageError for the first key on which the run that is continued and the deck must agree, but do
/// not. (Data may move: a checksum knows them.)
void require_same_deck(const Deck& deck, const io::Checkpoint& checkpoint) {
  const Deck before = read_deck(checkpoint.string_at("deck"), checkpoint.path + ": deck", {});
  for (const Key& key : deck_keys()) {
    if (key.on_resume == OnResume::free || key.print(before) == key.print(deck)) continue;
    throw UsageError(checkpoint.path + " is of a run with " + key.path + ": " + key.print(before) +
                     "; the deck says " + key.print(deck) +
                     ". Resume with the same deck, or pass --overwrite to train from the start");
  }
}

/// Raises FileError where the data are not those that the run was begun with.
void require_same_data(const DataIdentities& data, const io::Checkpoint& checkpoint) {
  for (const auto& [name, identity] : data)
    if (const std::string& before = checkpoint.string_at(name); before != identity)
      throw FileError(checkpoint.path + " is of a run on other " + name + ": " + before +
                      "; the file that the deck names holds " + identity +
                      ". Resume with the same data, or pass --overwrite to train from the start");
}

/// On rank 0 the whole state. Collective.
io::Checkpoint to_checkpoint(const parallel::Communicator& comm, const training::AdamOptions& adam,
                             const training::TrainerState& state) {
  io::Checkpoint checkpoint;
  const parallel::VectorParts parts(comm, state.theta.size(), adam.shared_from);
  training::visit_members(state, [&](const char* name, const auto& member) {
    using T = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<T, parallel::VectorPart>)
      checkpoint.doubles[name] = member.size > 0 ? parts.gather(member) : std::vector<double>();
    else if (!comm.is_root())
      return;
    else if constexpr (std::is_same_v<T, std::vector<double>>)
      checkpoint.doubles[name] = member;
    else if constexpr (std::is_same_v<T, double>)
      checkpoint.doubles[name] = {member};
    else
      checkpoint.integers[name] = {static_cast<std::int64_t>(member)};
  });
  return checkpoint;
}

/// What this rank keeps of an entry; nothing of an empty one. Raises FileError where it is of another length.
parallel::VectorPart part_of(const io::Checkpoint& checkpoint, const parallel::VectorParts& parts,
                             const char* name) {
  const std::vector<double>& whole = checkpoint.doubles_at(name);
  if (whole.empty()) return {};
  if (const std::size_t size = checkpoint.doubles_at("theta").size(); whole.size() != size)
    throw FileError(
        fmt::format("{}: {} holds {} numbers; {} are needed", checkpoint.path, name, whole.size(), size));
  return parts.take(whole);
}

training::TrainerState from_checkpoint(const parallel::Communicator& comm, const training::AdamOptions& adam,
                                       const io::Checkpoint& checkpoint) {
  training::TrainerState state;
  const parallel::VectorParts parts(comm, checkpoint.doubles_at("theta").size(), adam.shared_from);
  const auto single = [&](const char* name, const auto& values) {
    if (values.size() != 1)
      throw FileError(checkpoint.path + ": " + name + " holds " + std::to_string(values.size()) +
                      " numbers; one is needed");
    return values.front();
  };
  training::visit_members(state, [&](const char* name, auto& member) {
    using T = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<T, std::vector<double>>)
      member = checkpoint.doubles_at(name);
    else if constexpr (std::is_same_v<T, parallel::VectorPart>)
      member = part_of(checkpoint, parts, name);
    else if constexpr (std::is_same_v<T, double>)
      member = single(name, checkpoint.doubles_at(name));
    else
      member = static_cast<T>(single(name, checkpoint.integers_at(name)));
  });
  return state;
}

/// Between two writes of the best model so far, each of which waits for the disk: epochs may take
/// milliseconds.
constexpr std::chrono::seconds between_models{5};

/// Whether a model is what a run of such a deck has left that was killed before its first checkpoint.
/// Collective.
bool is_begun(const parallel::Communicator& comm, const std::string& path, const std::string& deck_text) {
  try {
    const io::ModelFile model = io::read_model(comm, path);
    return !is_finished(model) && model.deck == deck_text;
  } catch (const FileError&) {
    return false;
  }
}

/// The names of the phases in the order in which they run; history.csv holds numbers only.
std::vector<std::string> phase_names(const training::TrainingOptions& options) {
  std::vector<std::string> names;
  if (options.pretrain_epochs > 0) names.push_back("pretrain");
  for (const auto kind : options.optimizers) names.emplace_back(name_of(kind));
  return names;
}

/// The places of the terms that hold for the loss of any phase.
template <class Holds>
std::vector<std::size_t> places(const Deck& deck, Holds holds) {
  std::vector<core::LossOptions> losses = {deck.loss};
  if (deck.training.pretrain_epochs > 0) losses.push_back(training::pretraining_loss(deck.loss));
  for (const core::DataLossOptions& data : {deck.loss.slow_data, deck.loss.manifold_data})
    losses.push_back(deck.loss.of(data));
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < core::loss_terms().size(); ++i)
    if (std::ranges::any_of(losses, [&](const core::LossOptions& loss) { return holds(loss, i); }))
      result.push_back(i);
  return result;
}

std::vector<std::string> column_names(const std::vector<std::size_t>& trained,
                                      const std::vector<std::size_t>& validated) {
  const auto name = [](std::size_t term) { return std::string(core::loss_terms()[term].name); };
  std::vector<std::string> names = {"epoch", "phase", "steps", "loss"};
  for (const std::size_t term : trained) names.push_back(name(term));
  names.emplace_back("validation_loss");
  for (const std::size_t term : validated) names.push_back("validation_" + name(term));
  for (const char* other : {"gradient_norm", "rate", "spectral_abscissa", "skipped", "seconds"})
    names.emplace_back(other);
  return names;
}

}  // namespace

TrainingFiles::TrainingFiles(const Context& context)
    : context_(context),
      checkpoint_path_(in_run(context.deck, "checkpoint.h5")),
      trained_(places(context.deck, core::is_trained)),
      validated_(places(context.deck, core::is_validated)),
      columns_(column_names(trained_, validated_)) {
  if (context.line.resume && context.line.overwrite)
    throw UsageError("--resume and --overwrite exclude each other; continue the run or train from the start");
  const std::string copy = in_run(context.deck, "deck.yaml"), text = print_deck(context.deck);
  std::vector<NamedFile> inputs = data_files(context);
  std::ranges::copy(start_files(context), std::back_inserter(inputs));
  if (!holds(context.comm, copy, text)) inputs.push_back(deck_file(context));
  require_separate(context.comm, inputs,
                   {{"the model", in_run(context.deck, "model.h5")},
                    {"the checkpoint", checkpoint_path_},
                    {"the history", in_run(context.deck, "history.csv")},
                    {"the resolved deck", copy},
                    {"the lock", in_run(context.deck, "lock")}});
  io::prepare_output_directory(context.comm, context.deck.output);
  lock_.emplace(context.comm, context.deck.output);
  for (const std::string& mine : {in_run(context.deck, "model.h5"), checkpoint_path_, copy})
    io::remove_temporaries(context.comm, mine);
  if (!context.line.resume && !context.line.overwrite) refuse_existing(text);
}

void TrainingFiles::refuse_existing(const std::string& deck_text) const {
  const auto refuse = [&](const std::string& path, bool resumable) {
    throw UsageError(path + " exists: pass " + (resumable ? "--resume to continue that run, " : "") +
                     "--overwrite to train from the start, or choose another output");
  };
  const parallel::Communicator& comm = context_.comm;
  if (exists(comm, checkpoint_path_)) refuse(checkpoint_path_, true);
  const std::string model = in_run(context_.deck, "model.h5"), copy = in_run(context_.deck, "deck.yaml"),
                    history = in_run(context_.deck, "history.csv");
  if (exists(comm, model) && !is_begun(comm, model, deck_text)) refuse(model, false);
  // A run that was killed before its first checkpoint leaves these; others are not of a training.
  if (exists(comm, copy) && !holds(comm, copy, deck_text)) refuse(copy, false);
  const auto is_foreign = [&] { return !io::History::is_begun(history, columns_); };
  if (exists(comm, history) && answer_of_root(comm, is_foreign)) refuse(history, false);
}

training::TrainerState TrainingFiles::starting_state(const std::vector<double>& theta,
                                                     std::function<DataIdentities()> identify) {
  identify_ = std::move(identify);
  const std::string history = in_run(context_.deck, "history.csv");
  if (!context_.line.resume) {
    // A run that is stopped early must not leave results of two trainings side by side.
    for (const std::string& old : {in_run(context_.deck, "model.h5"), checkpoint_path_})
      remove(context_.comm, old);
    history_ = io::History::start(context_.comm, history, columns_);
    return training::TrainerState::start(theta);
  }
  const io::Checkpoint checkpoint = io::read_checkpoint(context_.comm, checkpoint_path_);
  require_same_deck(context_.deck, checkpoint);
  data_ = identify_();
  require_same_data(data_, checkpoint);
  const training::TrainerState state =
      from_checkpoint(context_.comm, context_.deck.training.adam, checkpoint);
  if (state.theta.size() != theta.size())
    throw FileError(checkpoint.path + " holds " + std::to_string(state.theta.size()) +
                    " parameters of version " + checkpoint.string_at("version") + "; this training has " +
                    std::to_string(theta.size()) + ". Pass --overwrite to train from the start");
  history_ = io::History::resume(context_.comm, history, columns_, state.records);
  if (exists(context_.comm, in_run(context_.deck, "model.h5"))) kept_ = {state.best_epoch, state.best_loss};
  say(context_.comm, "{}: continuing after epoch {}\n", checkpoint_path_, state.epochs);
  return state;
}

void TrainingFiles::checkpoint(const training::TrainerState& state) {
  io::Checkpoint contents = to_checkpoint(context_.comm, context_.deck.training.adam, state);
  contents.strings["deck"] = print_deck(context_.deck);
  contents.strings["version"] = SPNODE_VERSION;
  if (data_.empty()) data_ = identify_();
  contents.strings.insert(data_.begin(), data_.end());
  io::write_checkpoint(context_.comm, checkpoint_path_, contents);
}

void TrainingFiles::record(const training::EpochRecord& record, double abscissa) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::string> phases = phase_names(context_.deck.training);
  const auto phase = std::find(phases.begin(), phases.end(), record.phase) - phases.begin();
  std::vector<double> row = {static_cast<double>(record.epoch), static_cast<double>(phase),
                             static_cast<double>(record.steps), record.loss.total};
  for (const std::size_t term : trained_) row.push_back(record.loss.values[term]);
  row.push_back(record.validation ? record.validation->total : none);
  for (const std::size_t term : validated_)
    row.push_back(record.validation ? record.validation->values[term] : none);
  row.insert(row.end(), {record.gradient_norm, record.rate, abscissa, static_cast<double>(record.skipped),
                         record.seconds});
  history_->append(row);
}

void TrainingFiles::keep_best(StoredModel& model, const training::TrainerState& state, Writing writing) {
  if (!std::isfinite(state.best_loss) || kept_ == std::pair(state.best_epoch, state.best_loss)) return;
  const auto is_due = [&] {
    return !kept_at_ || std::chrono::steady_clock::now() - *kept_at_ >= between_models;
  };
  if (writing == Writing::when_due && !answer_of_root(context_.comm, is_due)) return;
  store(model, state, Training::under_way);
}

void TrainingFiles::finish(StoredModel& model, const training::TrainerState& state) {
  io::write_text(context_.comm, in_run(context_.deck, "deck.yaml"), print_deck(context_.deck),
                 io::Overwrite::yes);
  store(model, state, Training::finished);
}

void TrainingFiles::store(StoredModel& model, const training::TrainerState& state, Training training) {
  model.state.theta = written_ ? written_(state.best_theta) : state.best_theta;
  store_model(context_.comm, model, training,
              {{"validation_loss", state.best_loss}, {"epoch", static_cast<double>(state.best_epoch)}});
  kept_ = {state.best_epoch, state.best_loss};
  kept_at_ = std::chrono::steady_clock::now();
}

}  // namespace spnode::app
