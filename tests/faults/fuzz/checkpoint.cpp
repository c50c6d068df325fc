// A whole checkpoint with other contents is refused with status 2 or 3, or is a state that a training can go
// on from.
#include <fuzzer/FuzzedDataProvider.h>

#include "app/commands/training_files.hpp"
#include "fuzz.hpp"
#include "io/checkpoint.hpp"

using namespace spnode;

namespace {

const std::vector<double> theta(7, 0.5);

/// A training that is resumed in a folder of its own.
app::Context resumed(const parallel::Communicator& comm) {
  static app::CommandLine line;
  line.resume = true;
  app::Context context{comm, line, {}};
  context.deck.output = fuzz::scratch("run");
  return context;
}

const app::DataIdentities data_sets = {{"training data", "some"}, {"validation data", "none"}};

/// The contents of a good checkpoint. Leaves the history that belongs to it.
io::Checkpoint good_checkpoint() {
  const parallel::Communicator comm;
  app::CommandLine line;
  app::Context context{comm, line, resumed(comm).deck};
  app::TrainingFiles files(context);
  files.checkpoint(files.starting_state(theta, data_sets));
  return io::read_checkpoint(comm, context.deck.output + "/checkpoint.h5");
}

/// Any key of a map.
template <class Map>
std::string any_key(const Map& map, FuzzedDataProvider& bytes) {
  if (map.empty()) return {};
  return std::next(map.begin(), bytes.ConsumeIntegralInRange<std::ptrdiff_t>(
                                    0, static_cast<std::ptrdiff_t>(map.size()) - 1))
      ->first;
}

void change(io::Checkpoint& checkpoint, FuzzedDataProvider& bytes) {
  const std::string doubles = any_key(checkpoint.doubles, bytes),
                    integers = any_key(checkpoint.integers, bytes),
                    strings = any_key(checkpoint.strings, bytes);
  switch (bytes.ConsumeIntegralInRange(0, 6)) {
    case 0:
      checkpoint.doubles.erase(doubles);
      break;
    case 1:
      checkpoint.doubles[doubles].assign(bytes.ConsumeIntegralInRange<std::size_t>(0, 9),
                                         bytes.ConsumeFloatingPoint<double>());
      break;
    case 2:
      checkpoint.integers.erase(integers);
      break;
    case 3:
      checkpoint.integers[integers].assign(bytes.ConsumeIntegralInRange<std::size_t>(0, 2),
                                           bytes.ConsumeIntegral<std::int64_t>());
      break;
    case 4:
      checkpoint.strings.erase(strings);
      break;
    default: {
      std::string& text = checkpoint.strings[strings];
      text.replace(bytes.ConsumeIntegralInRange<std::size_t>(0, text.size()),
                   bytes.ConsumeIntegralInRange<std::size_t>(0, 8), bytes.ConsumeRandomLengthString(40));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::start_libraries();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const io::Checkpoint good = good_checkpoint();
  const parallel::Communicator comm;
  const app::Context context = resumed(comm);
  FuzzedDataProvider bytes(data, size);
  io::Checkpoint checkpoint = good;
  while (bytes.remaining_bytes() > 0) change(checkpoint, bytes);
  const auto write = [&] { io::write_checkpoint(comm, context.deck.output + "/checkpoint.h5", checkpoint); };
  if (test::outcome_of(write).status != ExitStatus::success)
    return 0;  // names and texts that no file can hold
  const auto resume = [&] { app::TrainingFiles(context).starting_state(theta, data_sets); };
  fuzz::succeeds(resume, {ExitStatus::usage_error, ExitStatus::file_error});
  return 0;
}
