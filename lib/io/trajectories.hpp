#pragma once
/// Trajectory files: /state, /time, /parameters/NAME, /inputs/NAME, /derivatives, /tangents (docs/user-guide:
/// trajectory files).

#include "core/data/state_source.hpp"
#include "core/data/trajectories.hpp"
#include "core/support/option.hpp"
#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "io/slab_writer.hpp"
#include "parallel/communicator.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spnode::io {

/// One time axis for all trajectories, or one each.
enum class TimeAxis { shared, per_trajectory };

/// Whether a forecast's file holds the true states beside it.
enum class Truth { absent, present };

/// Whether trajectories have du/dt of their states.
enum class Derivatives { absent, present };

/// How other programs store trajectories: names of datasets, and what their axes are.
struct TrajectoryLayout {
  std::string state = "/state", time = "/time";
  /// Of the states' dataset: "trajectory" (if there is one), "time", and names of the others, which are
  /// flattened to components in their order; empty: trajectory, time, then components.
  std::vector<std::string> axes;
  double step = 0.0;  ///< times are multiples of it, in place of a dataset; 0: they are in the file
  /// Whether components may be missing, stored as NaN, and files of a pattern may differ in their times: the
  /// shorter ones end with missing states.
  bool allow_missing = false;
  /// Numbers that mark a missing component as NaN does, beside what the attributes _FillValue and
  /// missing_value of the states' dataset say.
  std::vector<double> missing_values;

  bool operator==(const TrajectoryLayout&) const = default;

  static void describe(auto& visit) {
    using Self = TrajectoryLayout;
    visit.option("state", &Self::state, {.meaning = "dataset of the states in files of other programs"});
    visit.option("time", &Self::time, {.meaning = "dataset of their times, or of the step between these"});
    visit.option("axes", &Self::axes,
                 {.meaning = "of the dataset of the states: trajectory (if there is one), time, and names of "
                             "the others, which together are the components; []: trajectory, time, others"});
    visit.option("step", &Self::step,
                 {.meaning = "between two times of files that hold none; 0: they hold them", .unit = "time"});
    visit.option("allow_missing", &Self::allow_missing,
                 {.meaning = "true: in the training and validation data components may be NaN, and files of "
                             "a list may differ in their number of times; states that lack a component have "
                             "no weight"});
    visit.option("missing_values", &Self::missing_values,
                 {.meaning = "numbers that stand for a missing component, as NaN does: [-999]; those of the "
                             "attributes _FillValue and missing_value do so too"});
  }

  /// Raises OptionError.
  void validate() const;
};

/// A file of trajectories, or a pattern of several (file_pattern.hpp), and their layout. Files that spnode
/// has written have its own layout, whatever is said here.
struct DataSource : std::string {
  TrajectoryLayout layout;

  template <class Text>
  requires std::convertible_to<Text, std::string> DataSource(const Text& path, TrajectoryLayout of = {})
      : std::string(path), layout(std::move(of)) {}
};

/// Where states and times stand in a file.
struct StoredAxes {
  std::string state, time;                ///< datasets
  std::vector<std::size_t> shape;         ///< of the states' dataset
  std::vector<std::string> axes;          ///< their names
  std::size_t trajectory = 0, times = 1;  ///< places of these axes; trajectory = shape.size(): there is none
  double step = 0.0;                      ///< of times that the file does not hold
  bool times_first = false;               ///< of a dataset (times, trajectories)
  std::size_t time_rank = 1;              ///< of the dataset of times
  std::vector<double> marks;              ///< states that are missing, also as float32 rounds them

  bool is_mark(double x) const { return std::ranges::find(marks, x) != marks.end(); }
};

/// What a trajectory file holds, without its numbers.
struct TrajectoryInfo {
  /// One of the files: its name, and what differs between them.
  struct File {
    std::string path;
    std::size_t count = 0;  ///< trajectories
    std::size_t times = 0;  ///< per trajectory
    TimeAxis time_axis = TimeAxis::shared;
    StoredAxes stored;
    std::string unwritten;  ///< a dataset with chunks that nobody wrote; empty: there is none
  };
  std::vector<File> files;     ///< in the order of their trajectories; not for writing
  std::size_t count = 0;       ///< trajectories
  std::size_t times = 0;       ///< times per trajectory: of the longest
  std::size_t components = 0;  ///< components of a state
  TimeAxis time_axis = TimeAxis::shared;
  hdf5::ElementType state_type = hdf5::ElementType::float64;
  std::string system, units;   ///< attributes; empty where the file has none
  std::string component_axes;  ///< "y 512, x 512, variable 2": of a state, row major; empty: one axis
  std::vector<std::string> parameters;            ///< names under /parameters, sorted
  std::vector<std::string> inputs;                ///< names under /inputs, sorted
  std::vector<std::string> others;                ///< datasets and groups of / that mean nothing here, sorted
  Derivatives derivatives = Derivatives::absent;  ///< dataset /derivatives, of the shape of /state
  std::size_t tangents = 0;     ///< directions of /tangents at each state; 0: there are none
  Truth truth = Truth::absent;  ///< for writing: dataset /truth, of the shape of /state
};

/// Checks the objects of a trajectory file and their shapes; the numbers are checked as they are read. Of a
/// pattern the trajectories of all its files, one file after the other. States of any type of number are read
/// as double. Collective. Raises FileError: missing, not HDF5, truncated, an object missing, of a wrong rank,
/// extent or type, or files that do not go together.
TrajectoryInfo inspect_trajectories(const parallel::Communicator& comm, const DataSource& source);

/// What of a trajectory is read besides its times, parameters and inputs. `all`: the states; `no_states`:
/// nothing; `with_derivatives`: the states and, where the file has them, their derivatives.
enum class Content { all, no_states, with_derivatives };

/// Whether the Jacobian-vector products at the states are read, where a file has them.
enum class Tangents { skip, read };

/// How states are held: in double, or in single precision where all files have float32, which halves their
/// memory.
enum class StatePrecision { wide, stored };

/// Which times to read: indices of the time axis, [begin, end).
struct ReadOptions {
  std::size_t time_begin = 0;
  std::size_t time_end = std::numeric_limits<std::size_t>::max();  ///< cut to the number of times
  Content content = Content::all;
  Tangents tangents = Tangents::skip;
  StatePrecision precision = StatePrecision::wide;
};

/// Reads the trajectories [first, first + count), which differ from rank to rank (a rank may read none).
/// Collective; each rank reads only its own part. float32 is widened, unless options.precision says
/// otherwise and nothing may be missing. Inputs are read at all times of the file, whichever times are asked
/// for. Raises FileError on all ranks as inspect_trajectories does, and where a number is not finite, a time
/// axis is not strictly monotone, states were never written or do not fit into memory. What a layout with
/// allow_missing lets be missing is marked (Trajectories::missing), and times of missing states at the end go
/// on with the last step.
///
/// Each rank opens the file by itself, in a child process: collective reads of Open MPI and HDF5 1.10 hang
/// where one rank fails (chunks that were never written), refuse virtual datasets, and a crash inside HDF5
/// would take the program with it.
core::Trajectories read_trajectories(const parallel::Communicator& comm, const DataSource& source,
                                     std::size_t first, std::size_t count, const ReadOptions& options = {});

/// Whether the states of files are held in single precision. Not collective.
bool holds_single(const TrajectoryInfo& info, const TrajectoryLayout& layout, const ReadOptions& options);

/// Why states cannot be read while they are used, as the end of a message; empty: they can be. Not
/// collective.
std::string streaming_problem(const TrajectoryInfo& info, const TrajectoryLayout& layout,
                              const ReadOptions& options);

/// The states of the trajectories from `first` on, to be read while they are used, `capacity` numbers at a
/// time and as many ahead, by a child process. Numbers are held and checked as read_trajectories does. Not
/// collective. Raises FileError where there is no such process, as its members do where states cannot be
/// read.
std::unique_ptr<core::StateSource> stream_states(const DataSource& source, const TrajectoryInfo& info,
                                                 std::size_t first, const ReadOptions& options,
                                                 std::size_t capacity);

/// Writes a trajectory file block by block; it appears under its name at commit().
class TrajectoryWriter {
 public:
  /// Collective; `info` is the same on all ranks. Errors as for AtomicFile.
  TrajectoryWriter(const parallel::Communicator& comm, const std::string& path, const TrajectoryInfo& info,
                   Overwrite overwrite);

  /// Writes `block` as the trajectories [first, first + block.count) from time index `time_begin` on.
  /// Collective; a rank may have an empty block. A shared time axis is taken from the blocks that hold
  /// trajectory 0, parameters from those that begin at time index 0. Inputs must be given at the times of the
  /// block.
  void write(std::size_t first, const core::Trajectories& block, std::size_t time_begin = 0);

  /// Writes the true states of the trajectories [first, first + block.count) to /truth. Collective; as
  /// write().
  void write_truth(std::size_t first, const core::Trajectories& block);

  /// Collective; every state must have been written. Raises FileError where the disk refuses the data.
  void commit();

 private:
  void create_objects(std::vector<std::uint64_t>& offsets) const;
  void put(const std::string& name, const hdf5::Slab& slab, std::span<const double> values);
  void check_block(std::size_t first, const core::Trajectories& block, std::size_t time_begin) const;

  parallel::Communicator comm_;
  TrajectoryInfo info_;
  AtomicFile target_;
  std::vector<std::pair<std::string, hdf5::Placement>> places_;  ///< of the datasets, by name
  SlabWriter file_;
  std::size_t written_ = 0;  ///< states that this rank has written
};

}  // namespace spnode::io
