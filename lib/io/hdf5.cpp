#include "io/hdf5.hpp"

#include "io/file_bytes.hpp"
#include "io/hdf5_detail.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace spnode::io::hdf5 {

namespace {

/// HDF5 cannot let go of a file whose last bytes it cannot write: it crashes where it cleans up, at the end
/// of the program or, where it was started after MPI, in MPI_Finalize. So it is started first and never
/// cleans up.
const bool started = [] {
  H5dont_atexit();
  return H5open() >= 0;
}();

constexpr const char* signature = "\x89HDF\r\n\x1a\n";

constexpr std::size_t image_increment = std::size_t(1) << 20;  // by which a file in memory grows, bytes

/// Properties of an access to a file. HDF5 prints its own error stack by default; here every failure becomes
/// an exception instead.
Handle access_list() {
  if (!started) throw Error(ExitStatus::internal_error, "HDF5 cannot be started");
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
}

/// Why a regular file does not open.
[[noreturn]] void explain_open_failure(const std::string& path) {
  const std::string why = reason();
  if (H5Fis_hdf5(path.c_str()) == 0) throw FileError(path + ": not an HDF5 file");
  throw FileError(path + ": cannot be opened; the file is truncated or damaged, or may not be read" + why);
}

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
    case ElementType::other_float:
      return "floating-point numbers of another width";
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

void for_each_part(const Slab& slab, std::size_t most, const std::function<void(const Slab&)>& work) {
  if (slab.size() == 0) return;
  if (slab.size() <= most) return work(slab);
  std::size_t d = 0;
  while (slab.count[d] == 1) ++d;
  Slab front = slab, back = slab;
  front.count[d] = slab.count[d] / 2;
  back.first[d] += front.count[d];
  back.count[d] -= front.count[d];
  for_each_part(front, most, work);
  for_each_part(back, most, work);
}

File File::create_with(const std::string& path, const std::string& shown, const Handle& access) {
  File file;
  file.path_ = shown;
  const Handle creation = without_times(H5P_FILE_CREATE);
  file.file_ = owned(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose);
  if (!file.file_.valid()) throw FileError(shown + ": cannot be created" + reason());
  return file;
}

File File::create(const std::string& path, const std::string& shown) {
  const Handle access = access_list();
  // From the format of 1.8 on, HDF5's own structures carry checksums, so that damage is seen and not
  // followed.
  H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  return create_with(path, shown.empty() ? path : shown, access);
}

File File::create_image(const std::string& path) {
  // In the oldest format: H5Fget_file_image of 1.10 leaves the wrong checksum in newer superblocks.
  const Handle access = access_list();
  H5Pset_fapl_core(access.id(), image_increment, false);
  return create_with(path, path, access);
}

File File::open(const std::string& path) {
  file_size(path);  // raises what HDF5 would not say
  File file;
  file.path_ = path;
  const Handle access = access_list();
  file.file_ = owned(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose);
  if (!file.file_.valid()) explain_open_failure(path);
  return file;
}

void require_signature(std::string_view bytes, const std::string& path) {
  if (!bytes.starts_with(signature)) throw FileError(path + ": not an HDF5 file");
}

File File::open_image(std::string image, const std::string& path) {
  require_signature(image, path);
  File file;
  file.path_ = path;
  const Handle access = access_list();
  H5Pset_fapl_core(access.id(), image_increment, false);
  H5Pset_file_image(access.id(), image.data(), image.size());
  const std::string name =
      path + " (in memory)";  // HDF5 refuses an image under the name of a file that exists
  file.file_ = owned(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose);
  if (!file.file_.valid()) throw FileError(path + ": the file is truncated or damaged" + reason());
  return file;
}

void File::close() {
  if (!file_.valid()) return;
  const bool flushed = H5Fflush(file_.id(), H5F_SCOPE_LOCAL) >= 0;
  std::string why = reason();
  if (flushed && file_.close()) return;
  if (flushed) why = reason();
  file_.abandon();
  throw FileError(path_ + ": the data could not be written" + why);
}

std::string File::close_image(std::size_t more) {
  const auto fail_if = [&](bool failed) {
    if (failed) throw FileError(path_ + ": the contents cannot be put together" + reason());
  };
  fail_if(H5Fflush(file_.id(), H5F_SCOPE_LOCAL) < 0);
  const ssize_t size = H5Fget_file_image(file_.id(), nullptr, 0);
  fail_if(size < 0);
  std::string image;
  image.reserve(static_cast<std::size_t>(size) + more);
  image.resize(static_cast<std::size_t>(size));
  fail_if(H5Fget_file_image(file_.id(), image.data(), image.size()) != size);
  close();
  return image;
}

void File::fail(const std::string& object, const std::string& problem) const {
  throw FileError(path_ + ": " + object + " " + problem);
}

void File::fail_with_reason(const std::string& object, const std::string& problem) const {
  throw FileError(path_ + ": " + object + " " + problem + reason());
}

}  // namespace spnode::io::hdf5
