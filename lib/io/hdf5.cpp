#include "io/hdf5.hpp"

#include "io/hdf5_detail.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <utility>

namespace spnode::io::hdf5 {

namespace {

constexpr const char* signature = "\x89HDF\r\n\x1a\n";

/// HDF5 prints its own error stack by default; here every failure becomes an exception instead.
void silence_library() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

/// Why a file that does not open does not open.
[[noreturn]] void explain_open_failure(const std::string& path) {
  const std::string why = reason();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw FileError(path + ": no such file");
  if (std::filesystem::is_directory(path, ignored))
    throw FileError(path + ": is a directory, not an HDF5 file");
  if (H5Fis_hdf5(path.c_str()) == 0) throw FileError(path + ": not an HDF5 file");
  throw FileError(path + ": cannot be opened; the file is truncated or damaged, or may not be read" + why);
}

unsigned mode(Access access) { return access == Access::read_only ? H5F_ACC_RDONLY : H5F_ACC_RDWR; }

std::size_t product(const std::vector<std::size_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t(1), std::multiplies<>());
}

}  // namespace

std::string reason() {
  std::string text;
  const auto keep_innermost = [](unsigned index, const H5E_error2_t* entry, void* out) -> herr_t {
    if (index == 0 && entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  // Of a failed system call HDF5 tells time, buffer and more; its reason stands in quotes.
  const std::string opening = "error message = '";
  if (const std::size_t begin = text.find(opening); begin != std::string::npos) {
    text = text.substr(begin + opening.size());
    text.resize(std::min(text.find('\''), text.size()));
  }
  return text.empty() ? text : " (HDF5: " + text + ")";
}

Handle::Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    close();
    id_ = std::exchange(other.id_, -1);
    closer_ = other.closer_;
  }
  return *this;
}

bool Handle::close() {
  const Id id = std::exchange(id_, -1);
  return id < 0 || closer_(id) >= 0;
}

std::string to_string(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return "float32";
    case ElementType::float64:
      return "float64";
    case ElementType::integer:
      return "integer";
    case ElementType::string:
      return "string";
    default:
      return "another type";
  }
}

std::size_t DatasetInfo::size() const { return product(shape); }
std::size_t Slab::size() const { return product(count); }

File File::create(const std::string& path) {
  silence_library();
  File file;
  file.path_ = path;
  const Handle list = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  // From the format of 1.8 on, HDF5's own structures carry checksums, so that damage is seen and not
  // followed.
  H5Pset_libver_bounds(list.id(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  const Handle creation = without_times(H5P_FILE_CREATE);
  file.file_ = owned(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), list.id()), H5Fclose);
  if (!file.file_.valid()) throw FileError(path + ": cannot be created" + reason());
  return file;
}

File File::open(const std::string& path, Access access) {
  silence_library();
  File file;
  file.path_ = path;
  file.file_ = owned(H5Fopen(path.c_str(), mode(access), H5P_DEFAULT), H5Fclose);
  if (!file.file_.valid()) explain_open_failure(path);
  return file;
}

void require_signature(const std::string& bytes, const std::string& path) {
  if (!bytes.starts_with(signature)) throw FileError(path + ": not an HDF5 file");
}

File File::open_image(std::string image, const std::string& path) {
  silence_library();
  require_signature(image, path);
  File file;
  file.path_ = path;
  const Handle list = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  constexpr std::size_t increment = 1 << 16;
  H5Pset_fapl_core(list.id(), increment, false);
  H5Pset_file_image(list.id(), image.data(), image.size());
  const std::string name =
      path + " (in memory)";  // HDF5 refuses an image under the name of a file that exists
  file.file_ = owned(H5Fopen(name.c_str(), H5F_ACC_RDONLY, list.id()), H5Fclose);
  if (!file.file_.valid()) throw FileError(path + ": the file is truncated or damaged" + reason());
  return file;
}

File File::open_parallel(const parallel::Communicator& comm, const std::string& path, Access access) {
  silence_library();
  File file;
  file.path_ = path;
  file.parallel_ = true;
  const Handle list = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_mpio(list.id(), comm.handle(), MPI_INFO_NULL);
  H5Pset_all_coll_metadata_ops(list.id(), true);
  H5Pset_coll_metadata_write(list.id(), true);
  file.file_ = owned(H5Fopen(path.c_str(), mode(access), list.id()), H5Fclose);
  parallel::collectively(comm, [&] {
    if (!file.file_.valid()) explain_open_failure(path);
  });
  return file;
}

void File::close() {
  if (!file_.valid()) return;
  const bool flushed = H5Fflush(file_.id(), H5F_SCOPE_LOCAL) >= 0;
  std::string why = reason();
  const bool closed = file_.close();
  if (flushed) why = reason();
  if (!flushed || !closed) throw FileError(path_ + ": the data could not be written" + why);
}

void File::fail(const std::string& object, const std::string& problem) const {
  throw FileError(path_ + ": " + object + " " + problem);
}

void File::fail_with_reason(const std::string& object, const std::string& problem) const {
  throw FileError(path_ + ": " + object + " " + problem + reason());
}

}  // namespace spnode::io::hdf5
