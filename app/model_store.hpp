#pragma once
/// Trained models to and from their files.

#include <map>
#include <string>

#include "app/deck/deck.hpp"
#include "io/trained_model.hpp"
#include "parallel/communicator.hpp"

namespace spnode::app {

/// A trained model with the deck that it was trained from.
struct StoredModel {
  std::string path;
  Deck deck;
  io::TrainedModel state;
};

/// Whether a training has ended with such a model, which it else may still replace by a better one.
bool is_finished(const io::ModelFile& file);

/// Whether the training has ended.
enum class Training { under_way, finished };

/// Writes parameter blocks, scaling, A_L, the deck and `scalars` (more numbers about the training).
/// Collective; errors as for io::write_model.
void store_model(const parallel::Communicator& comm, const StoredModel& model, Training training,
                 const std::map<std::string, double>& scalars);

/// Collective; says so where the training has not ended. Raises FileError where the file is missing, damaged
/// or does not describe a model.
StoredModel load_model(const parallel::Communicator& comm, const std::string& path);

}  // namespace spnode::app
