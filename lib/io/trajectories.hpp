#pragma once
/// Trajectory files: /state, /time, /parameters/NAME, /inputs/NAME, /derivatives, /tangents (docs/user-guide:
/// trajectory files).

#include "core/data/trajectories.hpp"
#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "io/slab_writer.hpp"
#include "parallel/communicator.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
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

/// What a trajectory file holds, without its numbers.
struct TrajectoryInfo {
  std::size_t count = 0;       ///< trajectories
  std::size_t times = 0;       ///< times per trajectory
  std::size_t components = 0;  ///< components of a state
  TimeAxis time_axis = TimeAxis::shared;
  hdf5::ElementType state_type = hdf5::ElementType::float64;
  std::string unwritten;                ///< a dataset with chunks that nobody wrote; empty: there is none
  std::string system, units;            ///< attributes; empty where the file has none
  std::vector<std::string> parameters;  ///< names under /parameters, sorted
  std::vector<std::string> inputs;      ///< names under /inputs, sorted
  Derivatives derivatives = Derivatives::absent;  ///< dataset /derivatives, of the shape of /state
  std::size_t tangents = 0;     ///< directions of /tangents at each state; 0: there are none
  Truth truth = Truth::absent;  ///< for writing: dataset /truth, of the shape of /state
};

/// Checks the objects of a trajectory file and their shapes; the numbers are checked as they are read.
/// Collective. Raises FileError: missing, not HDF5, truncated, an object missing, of a wrong rank, extent or
/// type.
TrajectoryInfo inspect_trajectories(const parallel::Communicator& comm, const std::string& path);

/// What of a trajectory is read besides its times, parameters and inputs. `all`: the states; `no_states`:
/// nothing; `with_derivatives`: the states and, where the file has them, their derivatives.
enum class Content { all, no_states, with_derivatives };

/// Whether the Jacobian-vector products at the states are read, where a file has them.
enum class Tangents { skip, read };

/// Which times to read: indices of the time axis, [begin, end).
struct ReadOptions {
  std::size_t time_begin = 0;
  std::size_t time_end = std::numeric_limits<std::size_t>::max();  ///< cut to the number of times
  Content content = Content::all;
  Tangents tangents = Tangents::skip;
};

/// Reads the trajectories [first, first + count), which differ from rank to rank (a rank may read none).
/// Collective; each rank reads only its own part, float32 is widened. Inputs are read at all times of the
/// file, whichever times are asked for. Raises FileError on all ranks as inspect_trajectories does, and where
/// a number is not finite, a time axis is not strictly monotone, states were never written or do not fit into
/// memory.
///
/// Each rank opens the file by itself, in a child process: collective reads of Open MPI and HDF5 1.10 hang
/// where one rank fails (chunks that were never written), refuse virtual datasets, and a crash inside HDF5
/// would take the program with it.
core::Trajectories read_trajectories(const parallel::Communicator& comm, const std::string& path,
                                     std::size_t first, std::size_t count, const ReadOptions& options = {});

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
