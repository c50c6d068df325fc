#pragma once
/// The deck as it comes in: a file, or what another program writes into a pipe.

#include <string>

#include "parallel/communicator.hpp"

namespace spnode::app {

/// The text of a file, FIFO, pipe or character device, read to its end by rank 0. Collective. Raises
/// UsageError where it cannot be read or is longer than 16 MB, Interrupted where a signal is noted while it
/// waits for a writer.
std::string read_deck_text(const parallel::Communicator& comm, const std::string& path);

}  // namespace spnode::app
