// States that are read while they are used: by a child process, which reads ahead into memory that it shares
// with this one, keeps the files open, and may crash or be slow without harm.
#include "io/child_process.hpp"
#include "io/trajectories.hpp"
#include "io/trajectory_format.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <new>
#include <optional>

namespace spnode::io {

using core::StateBlock;
using hdf5::Slab;

namespace {

/// Memory that child processes share.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes)
      : bytes_(bytes),
        address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (address_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~SharedMemory() { ::munmap(address_, bytes_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void* address() const { return address_; }

 private:
  std::size_t bytes_;
  void* address_;
};

/// Calls work(first, count, place) for the boxes that the row-major entries [begin, end) of an array consist
/// of; `place` of a box's entries among them.
void for_each_box(std::span<const std::size_t> shape, std::size_t begin, std::size_t end,
                  const std::function<void(const Slab&, std::size_t)>& work) {
  if (shape.empty()) return work({}, 0);
  const std::size_t start = begin;
  while (begin < end) {
    // The longest run from `begin` on that is a box: whole rows of some axis, within one of its next axis.
    std::size_t axis = shape.size() - 1, row = 1;
    while (axis > 0 && begin % (row * shape[axis]) == 0 && begin + row * shape[axis] <= end)
      row *= shape[axis--];
    const std::size_t left = shape[axis] - begin / row % shape[axis],
                      rows = std::min(left, (end - begin) / row);
    Slab box{std::vector<std::size_t>(shape.size()), std::vector<std::size_t>(shape.size(), 1)};
    std::size_t rest = begin;
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) box.first[d] = rest % shape[d];
    for (std::size_t d = axis + 1; d < shape.size(); ++d) box.count[d] = shape[d];
    box.count[axis] = rows;
    work(box, begin - start);
    begin += rows * row;
  }
}

/// The files, in the child.
template <class Number>
class StateFiles {
 public:
  StateFiles(const TrajectoryInfo& info, std::size_t first, const ReadOptions& options,
             std::size_t chunk_bytes)
      : info_(info),
        first_(first),
        begin_(options.time_begin),
        times_(std::min(options.time_end, info.files.front().times) - options.time_begin),
        chunk_bytes_(chunk_bytes) {}

  /// Overwrites (count, width).
  void read(const StateBlock& block, Number* out) {
    for (std::size_t done = 0; done < block.count;) {
      const std::size_t state = block.first + done, t = state % times_, left = block.count - done;
      std::size_t trajectory = first_ + state / times_;
      const std::size_t file = file_of(trajectory);
      // Whole trajectories of the file, or a part of one.
      const bool whole = t == 0 && left >= times_;
      const std::size_t trajectories =
                            whole ? std::min(left / times_, info_.files[file].count - trajectory) : 1,
                        times = whole ? times_ : std::min(left, times_ - t);
      open(file);
      read_box({trajectory, trajectories}, {begin_ + t, times}, block, out + done * block.width());
      done += trajectories * times;
    }
  }

 private:
  struct Part {
    std::size_t begin, count;
  };

  /// The file of a trajectory, whose number becomes that in the file.
  std::size_t file_of(std::size_t& trajectory) const {
    std::size_t file = 0;
    while (trajectory >= info_.files[file].count) trajectory -= info_.files[file++].count;
    return file;
  }

  void open(std::size_t number) {
    if (number == open_) return;
    chunks_ = {};
    file_ = hdf5::File::open(info_.files[number].path);
    chunks_ = file_.keep_chunks(info_.files[number].stored.state, chunk_bytes_);
    open_ = number;
  }

  void read_box(Part trajectories, Part times, const StateBlock& block, Number* out) const {
    const StoredAxes& stored = info_.files[open_].stored;
    const std::size_t rows = trajectories.count * times.count,
                      axes = stored.trajectory < stored.shape.size() ? 2 : 1;
    Slab lead;
    if (axes == 2) lead = {{trajectories.begin}, {trajectories.count}};
    lead.first.push_back(times.begin);
    lead.count.push_back(times.count);
    const auto components = std::span(stored.shape).subspan(axes);
    for_each_box(components, block.begin, block.end, [&](const Slab& box, std::size_t place) {
      Slab slab = lead;
      slab.first.insert(slab.first.end(), box.first.begin(), box.first.end());
      slab.count.insert(slab.count.end(), box.count.begin(), box.count.end());
      const hdf5::Columns columns{rows, block.width(), place, box.size()};
      file_.read_columns(stored.state, slab, columns, out);
      require_complete(slab, columns, out);
    });
  }

  void require_complete(const Slab& slab, const hdf5::Columns& columns, const Number* out) const {
    const StoredAxes& stored = info_.files[open_].stored;
    for (std::size_t row = 0; row < columns.rows; ++row) {
      const Number* const numbers = out + row * columns.width + columns.first;
      const Number* const bad = std::find_if(numbers, numbers + columns.count, [&](Number x) {
        return !std::isfinite(x) || stored.is_mark(double(x));
      });
      if (bad == numbers + columns.count) continue;
      const std::size_t position = row * columns.count + std::size_t(bad - numbers);
      refuse_state(file_.path(), stored.state + print_index(slab, position), double(*bad));
    }
  }

  const TrajectoryInfo& info_;
  std::size_t first_, begin_, times_, chunk_bytes_;
  std::size_t open_ = std::size_t(-1);  // number of the file that is open
  hdf5::File file_;
  hdf5::Handle chunks_;
};

template <class Number>
class StateReader final : public core::StateSource {
 public:
  StateReader(const TrajectoryInfo& info, std::size_t first, const ReadOptions& options, std::size_t capacity)
      : info_(info),
        capacity_(capacity),
        memory_(places * capacity * sizeof(Number)),
        files_(info_, first, options, capacity * sizeof(Number) / 2),
        worker_(info_.files.front().path, {places * capacity * sizeof(double)},
                [this](std::string_view request) { read(request); }) {}

  std::size_t capacity() const override { return capacity_; }
  core::HeldNumbers numbers(std::size_t place, std::size_t offset) const override {
    return core::HeldNumbers(static_cast<const Number*>(at(place) + offset));
  }
  void start(std::size_t place, std::span<const StateBlock> blocks) override {
    std::string request(sizeof(place) + blocks.size_bytes(), '\0');
    std::memcpy(request.data(), &place, sizeof(place));
    std::memcpy(request.data() + sizeof(place), blocks.data(), blocks.size_bytes());
    worker_.start(request);
  }
  void finish() override { worker_.wait(); }

 private:
  Number* at(std::size_t place) const { return static_cast<Number*>(memory_.address()) + place * capacity_; }

  /// In the child.
  void read(std::string_view request) {
    std::size_t place = 0;
    std::memcpy(&place, request.data(), sizeof(place));
    Number* out = at(place);
    for (request.remove_prefix(sizeof(place)); !request.empty(); request.remove_prefix(sizeof(StateBlock))) {
      StateBlock block;
      std::memcpy(&block, request.data(), sizeof(block));
      files_.read(block, out);
      out += block.size();
    }
  }

  TrajectoryInfo info_;
  std::size_t capacity_;
  SharedMemory memory_;
  StateFiles<Number> files_;
  Worker worker_;
};

/// Whether the axes of states stand in the order trajectory, time, components.
bool in_order(const StoredAxes& stored) {
  return stored.trajectory < stored.shape.size() ? stored.trajectory == 0 && stored.times == 1
                                                 : stored.times == 0;
}

}  // namespace

std::string streaming_problem(const TrajectoryInfo& info, const TrajectoryLayout& layout,
                              const ReadOptions& options) {
  if (layout.allow_missing) return "states may be missing";
  if (options.content == Content::with_derivatives && info.derivatives == Derivatives::present)
    return "the loss needs derivatives";
  if (options.tangents == Tangents::read) return "the loss needs Jacobian-vector products";
  if (!std::ranges::all_of(info.files, in_order, &TrajectoryInfo::File::stored))
    return "the axes of the dataset are not trajectory, time, components";
  return "";
}

std::unique_ptr<core::StateSource> stream_states(const DataSource& source, const TrajectoryInfo& info,
                                                 std::size_t first, const ReadOptions& options,
                                                 std::size_t capacity) {
  if (holds_single(info, source.layout, options))
    return std::make_unique<StateReader<float>>(info, first, options, capacity);
  return std::make_unique<StateReader<double>>(info, first, options, capacity);
}

}  // namespace spnode::io
