#include "app/deck/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "app/start_signals.hpp"
#include "core/support/error.hpp"
#include "io/file_bytes.hpp"
#include "parallel/broadcast.hpp"
#include "training/signals.hpp"

namespace spnode::app {

namespace {

constexpr std::size_t most_bytes = 16'000'000;
constexpr int slice_ms = 100;  ///< between two looks at the signals

/// Waits until there is something to read, or the end.
void await(int descriptor) {
  pollfd wanted{descriptor, POLLIN, 0};
  while (poll(&wanted, 1, slice_ms) <= 0)
    if (training::SignalFlag::raised() != 0) throw stopped_before_work();
}

std::string read_to_end(const std::string& path) {
  const auto fail = [&](const std::string& why) {
    throw UsageError(path + ": the deck cannot be read: " + why);
  };
  // Else opening a FIFO would wait for its writer, out of the reach of signals.
  const io::Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.number() < 0) fail(std::strerror(errno));
  std::string text;
  std::array<char, 65536> block;
  while (true) {
    await(file.number());
    const ssize_t count = read(file.number(), block.data(), block.size());
    if (count == 0) return text;
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail(std::strerror(errno));
    if (count > 0) text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > most_bytes) fail("it is longer than 16 MB");
  }
}

}  // namespace

std::string read_deck_text(const parallel::Communicator& comm, const std::string& path) {
  std::string text;
  parallel::collectively(comm, [&] {
    if (comm.is_root()) text = read_to_end(path);
  });
  parallel::broadcast(comm, text);
  return text;
}

}  // namespace spnode::app
