#pragma once
/// The only place that talks to HDF5: owners of its handles, and its failures as FileErrors that name file
/// and object. A program that links this has HDF5 started before main() and not cleaned up at the end: it has
/// to close files of its own.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spnode::io::hdf5 {

using Id = std::int64_t;  ///< hid_t of HDF5 1.10 and later

/// Owner of one HDF5 identifier.
class Handle {
 public:
  using Closer = int (*)(Id);
  Handle() = default;
  Handle(Id id, Closer closer) : id_(id), closer_(closer) {}
  ~Handle() { close(); }
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;

  Id id() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes early; false where HDF5 reports a failure (for a file: data that could not be written).
  bool close();
  /// Leaves the identifier to itself.
  void abandon() { id_ = -1; }

 private:
  Id id_ = -1;
  Closer closer_ = nullptr;
};

/// other_float: any other width; reading rounds it to double.
enum class ElementType { float32, float64, other_float, integer, string, other };
std::string to_string(ElementType type);

/// Raises FileError unless `bytes` begin like an HDF5 file; `path` for the message. Not collective.
void require_signature(std::string_view bytes, const std::string& path);

/// Element type and extents of a dataset; a scalar has no extents.
struct DatasetInfo {
  ElementType type = ElementType::other;
  std::vector<std::size_t> shape;
  std::size_t size() const;
};

/// Where the numbers of a contiguous dataset stand in its file.
struct Placement {
  std::size_t offset = 0;  ///< bytes
  ElementType type = ElementType::float64;
  std::vector<std::size_t> shape;
};

/// A box inside a dataset: first index and extent along each dimension.
struct Slab {
  std::vector<std::size_t> first, count;
  std::size_t size() const;
};

/// Columns [first, first + count) of a matrix in memory of `rows` rows of `width` numbers.
struct Columns {
  std::size_t rows, width, first, count;
};

/// Calls `work` for parts of a slab of at most `most` entries each, in the order of its row-major entries.
void for_each_part(const Slab& slab, std::size_t most, const std::function<void(const Slab&)>& work);

/// An attribute for display: a single number or a text; anything else is named by its type.
struct Attribute {
  std::string name, text;
};

/// An open file. Objects are named by their path ("/state", "/parameters/epsilon"). Every member raises
/// FileError; none is collective.
class File {
 public:
  /// Empty; to be assigned.
  File() = default;

  /// Serial access; messages name the file `shown`, where that is given.
  static File create(const std::string& path, const std::string& shown = "");
  static File open(const std::string& path);
  /// A file whose bytes are in memory; `path` for messages only.
  static File create_image(const std::string& path);
  static File open_image(std::string image, const std::string& path);

  /// Writes all that is buffered and closes. Where that fails the file is given up: nothing of it is written
  /// any more.
  void close();
  /// The bytes of a file made by create_image, which is closed, with room for `more` to be appended.
  std::string close_image(std::size_t more = 0);
  const std::string& path() const { return path_; }

  bool has_dataset(const std::string& name) const;
  bool has_group(const std::string& name) const;
  /// Names of the objects directly in `group`, sorted.
  std::vector<std::string> members(const std::string& group) const;
  /// Paths of all datasets, sorted.
  std::vector<std::string> datasets() const;
  DatasetInfo info(const std::string& name) const;
  /// Whether reading gives a finite fill value somewhere because nothing is stored there: chunks that were
  /// never written, external files that are too short, parts of a virtual dataset that no dataset stands for.
  bool has_unwritten_parts(const std::string& name) const;

  /// Creates a dataset with its space allocated, and the groups on its path.
  void create_dataset(const std::string& name, ElementType type, const std::vector<std::size_t>& shape);
  void create_group(const std::string& name);

  /// Whole datasets, created or read at once; shape empty: a scalar.
  void write(const std::string& name, std::span<const double> values, const std::vector<std::size_t>& shape);
  void write(const std::string& name, std::span<const std::int64_t> values,
             const std::vector<std::size_t>& shape);
  void write(const std::string& name, const std::string& text);
  std::vector<double> read_doubles(const std::string& name) const;
  std::vector<std::int64_t> read_integers(const std::string& name) const;
  std::string read_string(const std::string& name) const;

  /// Part of a dataset, which may be empty; floating-point numbers of any width are converted to double.
  void read_slab(const std::string& name, const Slab& slab, std::span<double> values) const;
  /// Part of a dataset into columns of a matrix, in the order of its row-major entries; numbers of any type
  /// are converted to double or float.
  template <class Number>
  void read_columns(const std::string& name, const Slab& slab, const Columns& columns, Number* matrix) const;
  /// While the handle is kept, chunks of a dataset that were read stay in memory: those that one index of its
  /// first axis crosses, as far as they take no more than so many bytes.
  Handle keep_chunks(const std::string& name, std::size_t most_bytes) const;
  /// Of a dataset made by create_dataset.
  Placement placement(const std::string& name) const;

  /// Attributes of the object `object` ("/" for the file's).
  void set_attribute(const std::string& object, const std::string& name, const std::string& text);
  void set_attribute(const std::string& object, const std::string& name, double value);
  void set_attribute(const std::string& object, const std::string& name, std::int64_t value);
  std::optional<std::string> string_attribute(const std::string& object, const std::string& name) const;
  std::optional<double> number_attribute(const std::string& object, const std::string& name) const;
  std::optional<std::int64_t> integer_attribute(const std::string& object, const std::string& name) const;
  std::vector<Attribute> attributes(const std::string& object) const;

  /// Throws the FileError "<path>: <object> <problem>".
  [[noreturn]] void fail(const std::string& object, const std::string& problem) const;

 private:
  enum class ObjectKind { missing, group, dataset, other };

  static File create_with(const std::string& path, const std::string& shown, const Handle& access);
  /// As fail(), with HDF5's own reason for the call that failed last.
  [[noreturn]] void fail_with_reason(const std::string& object, const std::string& problem) const;
  ObjectKind kind(const std::string& name) const;
  bool has_unwritten_chunks(const std::string& name, Id dataset, Id creation) const;
  bool has_short_external_files(Id dataset, Id creation) const;
  bool has_missing_sources(Id dataset, Id creation) const;
  Handle open_dataset(const std::string& name) const;
  Handle create(const std::string& name, Id type, const std::vector<std::size_t>& shape);
  template <class Number>
  void read_box(const std::string& name, const Slab& slab, Number* values) const;
  void write_whole(const std::string& name, Id file_type, Id memory_type,
                   const std::vector<std::size_t>& shape, const void* values);
  void collect_datasets(const std::string& group, int depth, std::vector<std::string>& names) const;
  void write_attribute(const std::string& object, const std::string& name, Id type, const void* value);
  Handle open_attribute(const std::string& object, const std::string& name) const;

  std::string path_;
  Handle file_;
};

}  // namespace spnode::io::hdf5
