#include "app/model_store.hpp"

namespace spnode::app {

void store_model(const parallel::Communicator& comm, const StoredModel& stored,
                 const std::map<std::string, double>& scalars, io::Overwrite overwrite) {
  io::ModelFile file = io::to_file(stored.state);
  file.deck = print_deck(stored.deck);
  file.scalars.insert(scalars.begin(), scalars.end());
  io::write_model(comm, stored.path, file, overwrite);
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
  return stored;
}

}  // namespace spnode::app
