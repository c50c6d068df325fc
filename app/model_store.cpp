#include "app/model_store.hpp"

#include "app/commands/support.hpp"

namespace spnode::app {

namespace {

constexpr const char* finished_name = "finished";  // models of older programs are finished and lack it

}  // namespace

bool is_finished(const io::ModelFile& file) {
  const auto found = file.scalars.find(finished_name);
  return found == file.scalars.end() || found->second != 0.0;
}

void store_model(const parallel::Communicator& comm, const StoredModel& stored, Training training,
                 const std::map<std::string, double>& scalars) {
  io::ModelFile file = io::to_file(stored.state);
  file.deck = print_deck(stored.deck);
  file.scalars.insert(scalars.begin(), scalars.end());
  file.scalars[finished_name] = training == Training::finished ? 1.0 : 0.0;
  io::write_model(comm, stored.path, file, io::Overwrite::yes);
}

StoredModel load_model(const parallel::Communicator& comm, const std::string& path) {
  const io::ModelFile file = io::read_model(comm, path);
  StoredModel stored;
  stored.path = path;
  try {
    stored.deck = read_deck(file.deck, path + ": /deck", {});
  } catch (const UsageError& error) {
    throw FileError(path + ": does not describe a model: " + error.what());
  }
  stored.state = io::from_file(file, stored.deck.model, stored.deck.integrator);
  if (!is_finished(file))
    say(comm, "{}: the best model so far, of epoch {}, of a training that has not ended\n", path,
        file.scalar("epoch"));
  return stored;
}

}  // namespace spnode::app
