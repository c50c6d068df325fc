#pragma once
/// The windows of a trajectory file, spread over ranks.

#include <memory>
#include <string>

#include "app/deck/deck.hpp"
#include "core/data/windows.hpp"
#include "core/loss/options.hpp"
#include "core/vector_field/options.hpp"
#include "io/trajectories.hpp"
#include "parallel/communicator.hpp"
#include "training/data_set.hpp"

namespace spnode::app {

/// What this rank holds of a data file.
struct DataSet : training::DataSet {
  std::string path;
  io::TrajectoryInfo info;  ///< of the whole file
};

/// What a data file holds. Collective. Raises FileError as io::inspect_trajectories does, and where an extent
/// is beyond what the libraries count (2^31 - 1).
io::TrajectoryInfo inspect_data(const parallel::Communicator& comm, const io::DataSource& source);

/// A file that a deck names, with the layout that the deck says; nothing may be missing.
io::DataSource source_of(const Deck& deck, const std::string& path);

/// Raises FileError where a file lacks a parameter or an input that a model depends on. Not collective.
void require_arguments(const std::string& path, const io::TrajectoryInfo& info,
                       const core::ArgumentOptions& arguments);

/// Raises FileError where a model is not defined for values of its data: for a negative epsilon of a
/// fast-slow model, and where a component is not above 0 whose coordinates need that, at the first `times` of
/// each trajectory. Not collective.
void require_values(const std::string& path, const core::Trajectories& held, const core::ModelOptions& model,
                    std::size_t times);

/// Raises FileError where a file lacks derivatives that a loss compares with. Not collective.
void require_derivatives(const std::string& path, const io::TrajectoryInfo& info,
                         const core::LossOptions& loss);

/// Raises FileError where a file lacks the products that a loss compares with. Not collective.
void require_tangents(const std::string& path, const io::TrajectoryInfo& info, const core::LossOptions& loss);

/// "parameter mu, input c, derivatives": what a file holds beside states and times that the deck's model and
/// loss do not use.
std::string unused_data(const io::TrajectoryInfo& info, const Deck& deck);

/// What a training does with data.
enum class Role { training, validation };

/// The trajectories and times of a file that have a role.
struct DataPart {
  io::DataSource path;
  io::TrajectoryInfo info;  ///< of the part: count and times
  std::size_t first = 0;    ///< trajectory
  io::ReadOptions reading;
};

/// The name of the data of a role; empty: there are none.
std::string data_of(const Deck& deck, Role role);

/// The part of the data of a role that has it: all but where data.validation_fraction splits it. Collective.
/// Raises FileError as inspect_data does, and where a part would be empty; UsageError where the deck chooses
/// times of a trajectory that is split.
DataPart part_of_data(const parallel::Communicator& comm, const Deck& deck, Role role);

/// The windows that the deck cuts from a data file. Raises FileError where it has no interval or lacks what
/// model or loss depend on, UsageError where no window fits, or windows are too short for the loss.
/// Not collective.
core::WindowIndex window_index(const std::string& path, const io::TrajectoryInfo& info, const Deck& deck);

/// What a training with such a loss reads of its files.
io::ReadOptions training_content(const core::LossOptions& loss);

/// Bytes of a number of a state.
std::size_t number_size(const DataPart& part);

/// Numbers of a piece of streamed states that may take so many bytes: two pieces, and the chunks that the
/// process that reads them keeps.
std::size_t piece_numbers(const DataPart& part, double bytes);

/// The bytes that pieces of so many numbers need.
double bytes_for_pieces(const DataPart& part, double numbers);

/// The states of the trajectories from `first` of the part on, of which `count` matter, in pieces of
/// `numbers`. Not collective.
std::shared_ptr<core::StreamedStates> stream(const DataPart& part, std::size_t first, std::size_t count,
                                             std::size_t numbers);

/// Reads this rank's part of the data of a role; its states are streamed in so many bytes where these are not
/// 0. Collective. Raises FileError for an unusable file, UsageError where no window fits into its
/// trajectories.
DataSet load_data_set(const parallel::Communicator& comm, const Deck& deck, Role role,
                      const training::SamplerOptions& sampler, double stream_bytes = 0.0);

/// The unit that a training counts time in: that of the deck, or the natural one of the data (0: none) where
/// the model may have it. Not collective.
double time_unit_of(const Deck& deck, double natural);

/// The times of trajectories that the deck chooses. Raises UsageError for one that they do not have. Not
/// collective.
core::Trajectories chosen_times(core::Trajectories trajectories, const Deck& deck);

}  // namespace spnode::app
