#include "io/slab_writer.hpp"

#include "core/support/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

namespace spnode::io {

using hdf5::ElementType;
using hdf5::Placement;
using hdf5::Slab;

namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");

std::size_t bytes_of(ElementType type) { return type == ElementType::float32 ? 4 : 8; }

/// The numbers as they stand in the file.
std::string encode(std::span<const double> values, ElementType type) {
  std::string bytes(values.size() * bytes_of(type), '\0');
  if (type == ElementType::float32) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<float>(values[i]);
      std::memcpy(&bytes[4 * i], &value, 4);
    }
  } else if (!values.empty()) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

/// Calls `work` with the first entry in the dataset and the length of each contiguous run of a slab.
void for_each_run(const std::vector<std::size_t>& shape, const Slab& slab,
                  const std::function<void(std::size_t, std::size_t)>& work) {
  std::size_t inner = shape.size(), length = 1;  // dimensions from `inner` on lie in one run
  while (inner > 0 && (inner == shape.size() || slab.count[inner] == shape[inner]))
    length *= slab.count[--inner];
  for (std::size_t run = 0; run * length < slab.size(); ++run) {
    std::size_t rest = run, stride = 1, first = 0;
    for (std::size_t d = shape.size(); d-- > 0; stride *= shape[d]) {
      const std::size_t extent = d < inner ? slab.count[d] : 1;
      first += stride * (slab.first[d] + rest % extent);
      rest /= extent;
    }
    work(first, length);
  }
}

/// Locks a part of a file for its lifetime, where the file system can: NFS writes whole pages, and keeps what
/// other machines wrote into them only between a lock and its end.
class RangeLock {
 public:
  RangeLock(int file, std::size_t offset, std::size_t length) : file_(file) {
    range_.l_whence = SEEK_SET;
    range_.l_start = static_cast<off_t>(offset);
    range_.l_len = static_cast<off_t>(length);
    set(F_WRLCK);
  }
  ~RangeLock() { set(F_UNLCK); }
  RangeLock(const RangeLock&) = delete;
  RangeLock& operator=(const RangeLock&) = delete;

 private:
  void set(short kind) {
    range_.l_type = kind;
    while (::fcntl(file_, F_OFD_SETLKW, &range_) != 0 && errno == EINTR) {
    }
  }

  int file_;
  struct flock range_ {};
};

}  // namespace

SlabWriter::SlabWriter(const std::string& path, std::string shown)
    : shown_(std::move(shown)), file_(::open(path.c_str(), O_WRONLY | O_CLOEXEC)) {
  if (!file_.valid()) fail_with_errno(shown_, "cannot be written");
}

void SlabWriter::write(const Placement& place, const Slab& slab, std::span<const double> values) {
  const std::size_t size = bytes_of(place.type);
  for_each_run(place.shape, slab, [&](std::size_t first, std::size_t length) {
    put(place.offset + first * size, encode(values.first(length), place.type));
    values = values.subspan(length);
  });
}

void SlabWriter::put(std::size_t offset, std::string_view bytes) const {
  const RangeLock lock(file_.number(), offset, bytes.size());
  if (!write_all_at(file_, offset, bytes)) fail_with_errno(shown_, "cannot be written");
}

void SlabWriter::close() {
  if (file_.valid() && (::fsync(file_.number()) != 0 || !file_.close()))
    fail_with_errno(shown_, "cannot be written");
}

}  // namespace spnode::io
