// generate: the trajectory files of a built-in reference system.
#include "reference/generate.hpp"

#include <filesystem>

#include "app/commands/commands.hpp"
#include "app/commands/outputs.hpp"
#include "app/commands/support.hpp"
#include "app/deck/check.hpp"
#include "core/support/memory_limit.hpp"
#include "io/file_pattern.hpp"
#include "io/output_directory.hpp"
#include "io/trajectories.hpp"
#include "parallel/partition.hpp"

namespace spnode::app {

namespace {

/// Trajectories that a rank holds between two writes.
constexpr std::size_t block_size = 16;

/// One of the files: which trajectories, and where they go.
struct Split {
  const char* name;
  std::string path;
  std::size_t count;
};

std::vector<Split> splits_of(const Deck& deck) {
  std::vector<Split> splits;
  for (const Split& split : {Split{"train", deck.data.train, deck.generate.train},
                             Split{"validation", deck.data.validation, deck.generate.validation},
                             Split{"test", deck.data.test, deck.generate.test}})
    if (!split.path.empty() && split.count > 0) splits.push_back(split);
  return splits;
}

/// Simulates and writes one file, block by block. Collective.
void write_split(const Context& context, const core::GenerateOptions& all, const Split& split) {
  const core::GenerateOptions options = reference::options_of(all, split.name);
  const parallel::Communicator& comm = context.comm;
  const Stopwatch clock;
  io::TrajectoryInfo info;
  info.count = split.count;
  info.times = options.times;
  info.components = reference::number_of_components(options);
  info.system = std::string(name_of(*options.system));
  info.units = reference::system_units(options);
  if (options.derivatives) info.derivatives = io::Derivatives::present;
  info.tangents = options.tangents;
  info.parameters = reference::parameter_names(options);
  if (reference::has_own_times(options)) info.time_axis = io::TimeAxis::per_trajectory;
  if (answer_of_root(comm, [&] { return io::is_pattern(split.path); }))
    throw UsageError(fmt::format("data.{}: {} is a pattern of several files; generate writes a single one",
                                 split.name, split.path));
  prepare_parent(comm, split.path);
  require_space(comm, split.path, info);
  io::TrajectoryWriter writer(comm, split.path, info, overwrite(context));

  const parallel::Range mine = parallel::share(split.count, comm.size(), comm.rank());
  const std::size_t rounds =
      (parallel::share(split.count, comm.size(), 0).size() + block_size - 1) / block_size;
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::size_t first = std::min(mine.begin + round * block_size, mine.end);
    const std::size_t count = std::min(block_size, mine.end - first);
    core::Trajectories block;
    parallel::collectively(comm, [&] {
      try {
        block = reference::simulate(all, context.deck.seed, split.name, first, count);
      } catch (const NumericalError& error) {
        throw NumericalError(fmt::format("{}; generate.t_end is {}", error.what(), options.t_end));
      }
    });
    writer.write(first, block);
  }
  writer.commit();
  say(comm, "{}: {} trajectories of {} times, {} components [{:.1f} s]\n", split.path, info.count, info.times,
      info.components, clock.seconds());
}

/// Raises UsageError where the deck asks for nothing that can be simulated here.
const core::GenerateOptions& checked_options(const Deck& deck) {
  if (!deck.generate.system)
    throw UsageError(
        "generate.system is none; name a built-in system, or provide the files that data.train, "
        "data.validation and data.test name");
  using_section(deck, "generate", [&] { reference::validate(deck.generate); });
  core::require_memory(reference::simulation_bytes(deck.generate, block_size),
                       fmt::format("a block of trajectories of generate.times = {}", deck.generate.times));
  return deck.generate;
}

}  // namespace

void generate(Context& context) {
  const core::GenerateOptions& options = checked_options(context.deck);
  const std::vector<Split> splits = splits_of(context.deck);
  if (splits.empty())
    throw UsageError("data.train, data.validation and data.test are empty: nowhere to write to");
  std::vector<NamedFile> outputs;
  for (const Split& split : splits) outputs.push_back({"data." + std::string(split.name), split.path});
  check_outputs(context, {deck_file(context)}, outputs);
  for (const Split& split : splits) write_split(context, options, split);
}

void generate_missing(Context& context) {
  require_separate(context.comm, {deck_file(context)}, data_files(context));
  for (const Split& split : splits_of(context.deck)) {
    if (data_exist(context.comm, split.path)) {
      say(context.comm, "{}: exists, is kept\n", split.path);
    } else if (context.deck.generate.system) {
      write_split(context, checked_options(context.deck), split);
    }
  }
}

}  // namespace spnode::app
