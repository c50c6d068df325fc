// Groups and datasets of an HDF5 file.
#include "io/hdf5_detail.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <vector>

namespace spnode::io::hdf5 {

namespace {

constexpr int deepest_group = 32;  // a file may link a group into itself

std::vector<hsize_t> extents(const std::vector<std::size_t>& shape) { return {shape.begin(), shape.end()}; }

/// The type of stored numbers, independent of the machine.
hid_t stored_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return H5T_IEEE_F32LE;
    case ElementType::float64:
      return H5T_IEEE_F64LE;
    case ElementType::integer:
      return H5T_STD_I64LE;
    default:
      throw Error(ExitStatus::internal_error, "cannot create a dataset of " + to_string(type));
  }
}

ElementType float_type(std::size_t bytes) {
  return bytes == 4 ? ElementType::float32 : bytes == 8 ? ElementType::float64 : ElementType::other_float;
}

/// The filter without which the chunks of a dataset cannot be read here; empty: there is none.
std::string missing_filter(hid_t dataset) {
  const Handle creation = owned(H5Dget_create_plist(dataset), H5Pclose);
  const int count = creation.valid() ? H5Pget_nfilters(creation.id()) : 0;
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0, configuration = 0;
    std::size_t values = 0;
    std::array<char, 80> name = {};
    const H5Z_filter_t filter = H5Pget_filter2(creation.id(), unsigned(i), &flags, &values, nullptr,
                                               name.size() - 1, name.data(), &configuration);
    if (filter >= 0 && H5Zfilter_avail(filter) <= 0)
      return std::string(name.data()) + " (number " + std::to_string(filter) + ")";
  }
  return "";
}

[[noreturn]] void fail_to_read(const File& file, const std::string& name, const Handle& dataset) {
  const std::string why = reason();
  if (const std::string filter = missing_filter(dataset.id()); !filter.empty())
    file.fail(name,
              "is compressed by the filter " + filter +
                  ", which HDF5 does not have here; write it anew with gzip (h5py: compression=\"gzip\")");
  file.fail(name, "cannot be read" + why);
}

}  // namespace

Handle make_space(const std::vector<std::size_t>& shape) {
  if (shape.empty()) return owned(H5Screate(H5S_SCALAR), H5Sclose);
  return owned(H5Screate_simple(static_cast<int>(shape.size()), extents(shape).data(), nullptr), H5Sclose);
}

ElementType element_type(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return float_type(H5Tget_size(type));
    case H5T_INTEGER:
      return ElementType::integer;
    case H5T_STRING:
      return ElementType::string;
    default:
      return ElementType::other;
  }
}

Handle text_type(const std::string& text) {
  Handle type = owned(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), std::max<std::size_t>(text.size(), 1));
  H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

File::ObjectKind File::kind(const std::string& name) const {
  if (name == "/") return ObjectKind::group;
  // H5Lexists wants every group on the way to exist.
  for (std::size_t slash = name.find('/', 1);; slash = name.find('/', slash + 1)) {
    const std::string prefix = name.substr(0, slash);
    if (H5Lexists(file_.id(), prefix.c_str(), H5P_DEFAULT) <= 0) return ObjectKind::missing;
    const Handle object = owned(H5Oopen(file_.id(), prefix.c_str(), H5P_DEFAULT), H5Oclose);
    const H5I_type_t type = object.valid() ? H5Iget_type(object.id()) : H5I_BADID;
    if (slash != std::string::npos && type != H5I_GROUP) return ObjectKind::missing;
    if (slash != std::string::npos) continue;
    return type == H5I_GROUP     ? ObjectKind::group
           : type == H5I_DATASET ? ObjectKind::dataset
                                 : ObjectKind::other;
  }
}

bool File::has_dataset(const std::string& name) const { return kind(name) == ObjectKind::dataset; }
bool File::has_group(const std::string& name) const { return kind(name) == ObjectKind::group; }

std::vector<std::string> File::members(const std::string& group) const {
  const Handle handle = owned(H5Gopen2(file_.id(), group.c_str(), H5P_DEFAULT), H5Gclose);
  H5G_info_t info;
  if (!handle.valid() || H5Gget_info(handle.id(), &info) < 0) fail_with_reason(group, "cannot be listed");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto get = [&](char* text, std::size_t size) {
      return H5Lget_name_by_idx(handle.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, text, size, H5P_DEFAULT);
    };
    const ssize_t length = get(nullptr, 0);
    if (length < 0) fail_with_reason(group, "cannot be listed");
    std::string name(static_cast<std::size_t>(length), '\0');
    get(name.data(), name.size() + 1);
    names.push_back(std::move(name));
  }
  return names;
}

void File::collect_datasets(const std::string& group, int depth, std::vector<std::string>& names) const {
  if (depth > deepest_group) fail(group, "lies too deep or contains itself");
  for (const std::string& member : members(group)) {
    const std::string name = (group == "/" ? "" : group) + "/" + member;
    const ObjectKind what = kind(name);
    if (what == ObjectKind::dataset) names.push_back(name);
    if (what == ObjectKind::group) collect_datasets(name, depth + 1, names);
  }
}

std::vector<std::string> File::datasets() const {
  std::vector<std::string> names;
  collect_datasets("/", 0, names);
  std::sort(names.begin(), names.end());
  return names;
}

Handle File::open_dataset(const std::string& name) const {
  Handle dataset = owned(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) fail_with_reason(name, "cannot be opened as a dataset");
  return dataset;
}

DatasetInfo File::info(const std::string& name) const {
  const Handle dataset = open_dataset(name);
  const Handle space = owned(H5Dget_space(dataset.id()), H5Sclose);
  const Handle type = owned(H5Dget_type(dataset.id()), H5Tclose);
  if (!space.valid() || !type.valid()) fail_with_reason(name, "is damaged");
  if (H5Sget_simple_extent_type(space.id()) == H5S_NULL) return {ElementType::other, {0}};
  std::vector<hsize_t> dims(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space.id()), 0)));
  H5Sget_simple_extent_dims(space.id(), dims.data(), nullptr);
  return {element_type(type.id()), {dims.begin(), dims.end()}};
}

bool File::has_unwritten_parts(const std::string& name) const {
  const Handle dataset = open_dataset(name);
  const Handle creation = owned(H5Dget_create_plist(dataset.id()), H5Pclose);
  if (!creation.valid()) fail_with_reason(name, "is damaged");
  double fill = 0.0;
  if (H5Pget_fill_value(creation.id(), H5T_NATIVE_DOUBLE, &fill) >= 0 && !std::isfinite(fill)) return false;
  switch (H5Pget_layout(creation.id())) {
    case H5D_CHUNKED:
      return has_unwritten_chunks(name, dataset.id(), creation.id());
    case H5D_VIRTUAL:
      return has_missing_sources(dataset.id(), creation.id());
    case H5D_CONTIGUOUS:
      return has_short_external_files(dataset.id(), creation.id());
    default:
      return false;
  }
}

bool File::has_unwritten_chunks(const std::string& name, Id dataset, Id creation) const {
  const std::vector<std::size_t> shape = info(name).shape;
  std::vector<hsize_t> chunk(shape.size());
  const Handle space = owned(H5Dget_space(dataset), H5Sclose);
  hsize_t written = 0;
  double chunks = 1.0;  // without overflow
  if (H5Pget_chunk(creation, static_cast<int>(chunk.size()), chunk.data()) < 0 ||
      H5Dget_num_chunks(dataset, space.id(), &written) < 0) {
    fail_with_reason(name, "has no readable list of chunks");
  }
  for (std::size_t d = 0; d < shape.size(); ++d) chunks *= std::ceil(double(shape[d]) / double(chunk[d]));
  return double(written) < chunks;
}

bool File::has_short_external_files(Id dataset, Id creation) const {
  const int files = H5Pget_external_count(creation);
  const Handle space = owned(H5Dget_space(dataset), H5Sclose);
  const Handle type = owned(H5Dget_type(dataset), H5Tclose);
  double left = double(H5Sget_simple_extent_npoints(space.id())) * double(H5Tget_size(type.id()));
  for (int i = 0; i < files; ++i) {
    std::array<char, 4096> name{};
    off_t offset = 0;
    hsize_t most = 0;  // of the file's bytes
    std::error_code missing;
    if (H5Pget_external(creation, static_cast<unsigned>(i), name.size() - 1, name.data(), &offset, &most) < 0)
      return true;
    const double needed = std::min(left, double(most));
    const auto size = std::filesystem::file_size(name.data(), missing);
    if (missing || double(size) < double(offset) + needed) return true;
    left -= needed;
  }
  return files > 0 && left > 0.0;
}

bool File::has_missing_sources(Id dataset, Id creation) const {
  const Handle space = owned(H5Dget_space(dataset), H5Sclose);
  std::size_t sources = 0;
  hssize_t mapped = 0;
  if (H5Pget_virtual_count(creation, &sources) < 0) return true;
  const auto text = [&](auto get, std::size_t source) {
    const ssize_t length = get(creation, source, nullptr, 0);
    std::string value(static_cast<std::size_t>(std::max<ssize_t>(length, 0)), '\0');
    get(creation, source, value.data(), value.size() + 1);
    return value;
  };
  for (std::size_t source = 0; source < sources; ++source) {
    const Handle part = owned(H5Pget_virtual_vspace(creation, source), H5Sclose);
    mapped += H5Sget_select_npoints(part.id());
    // HDF5 looks beside the virtual dataset's own file first; "." is this file.
    const std::string name = text(H5Pget_virtual_filename, source);
    const auto beside = std::filesystem::path(path_).parent_path() / name;
    const Handle file =
        owned(H5Fopen(name == "." ? path_.c_str() : beside.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!file.valid() ||
        H5Lexists(file.id(), text(H5Pget_virtual_dsetname, source).c_str(), H5P_DEFAULT) <= 0)
      return true;
  }
  return mapped < H5Sget_simple_extent_npoints(space.id());
}

Handle File::create(const std::string& name, Id type, const std::vector<std::size_t>& shape) {
  if (const std::size_t slash = name.rfind('/'); slash != std::string::npos && slash > 0)
    create_group(name.substr(0, slash));
  const Handle creation = without_times(H5P_DATASET_CREATE);
  H5Pset_alloc_time(creation.id(), H5D_ALLOC_TIME_EARLY);  // other writers need the place to be known
  const Handle space = make_space(shape);
  Handle dataset =
      owned(H5Dcreate2(file_.id(), name.c_str(), type, space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT),
            H5Dclose);
  if (!dataset.valid()) fail_with_reason(name, "cannot be created");
  return dataset;
}

void File::create_dataset(const std::string& name, ElementType type, const std::vector<std::size_t>& shape) {
  if (!create(name, stored_type(type), shape).close()) fail_with_reason(name, "cannot be created");
}

void File::create_group(const std::string& name) {
  const Handle creation = without_times(H5P_GROUP_CREATE);
  // One level at a time: groups that HDF5 makes on the way would carry the time.
  std::size_t end = 0;
  while (end != std::string::npos) {
    end = name.find('/', end + 1);
    const std::string group = name.substr(0, end);
    if (H5Lexists(file_.id(), group.c_str(), H5P_DEFAULT) > 0) continue;
    Handle made =
        owned(H5Gcreate2(file_.id(), group.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Gclose);
    if (!made.valid() || !made.close()) fail_with_reason(group, "cannot be created as a group");
  }
}

void File::write_whole(const std::string& name, Id file_type, Id memory_type,
                       const std::vector<std::size_t>& shape, const void* values) {
  Handle dataset = create(name, file_type, shape);
  // Small datasets wait in a buffer until they are closed.
  if (H5Dwrite(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 || !dataset.close())
    fail_with_reason(name, "cannot be written");
}

void File::write(const std::string& name, std::span<const double> values,
                 const std::vector<std::size_t>& shape) {
  write_whole(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, shape, values.data());
}

void File::write(const std::string& name, std::span<const std::int64_t> values,
                 const std::vector<std::size_t>& shape) {
  write_whole(name, H5T_STD_I64LE, H5T_NATIVE_INT64, shape, values.data());
}

void File::write(const std::string& name, const std::string& text) {
  const Handle type = text_type(text);
  write_whole(name, type.id(), type.id(), {}, text.c_str());
}

std::vector<double> File::read_doubles(const std::string& name) const {
  std::vector<double> values(info(name).size());
  const Handle dataset = open_dataset(name);
  if (H5Dread(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    fail_to_read(*this, name, dataset);
  }
  return values;
}

std::vector<std::int64_t> File::read_integers(const std::string& name) const {
  std::vector<std::int64_t> values(info(name).size());
  const Handle dataset = open_dataset(name);
  if (H5Dread(dataset.id(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    fail_to_read(*this, name, dataset);
  }
  return values;
}

std::string File::read_string(const std::string& name) const {
  const DatasetInfo found = info(name);
  if (found.type != ElementType::string || !found.shape.empty()) fail(name, "is not a single text");
  const Handle dataset = open_dataset(name);
  const Handle type = owned(H5Dget_type(dataset.id()), H5Tclose);
  const auto text = read_text(type.id(), [&](hid_t memory_type, void* out) {
    return H5Dread(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  });
  if (!text) fail_to_read(*this, name, dataset);
  return *text;
}

// HDF5 finds the part of a chunk that a selection covers box by box only where the memory has the shape of
// the selection, else number by number.
template <class Number>
void File::read_box(const std::string& name, const Slab& slab, Number* values) const {
  const Handle dataset = open_dataset(name);
  const Handle memory = make_space(slab.count);
  const Handle space = owned(H5Dget_space(dataset.id()), H5Sclose);
  const hid_t type = std::is_same_v<Number, float> ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  if (H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, extents(slab.first).data(), nullptr,
                          extents(slab.count).data(), nullptr) < 0 ||
      H5Dread(dataset.id(), type, memory.id(), space.id(), H5P_DEFAULT, values) < 0) {
    fail_to_read(*this, name, dataset);
  }
}

void File::read_slab(const std::string& name, const Slab& slab, std::span<double> values) const {
  if (slab.size() > 0) read_box(name, slab, values.data());
}

template <class Number>
void File::read_columns(const std::string& name, const Slab& slab, const Columns& columns,
                        Number* matrix) const {
  if (columns.count == columns.width) return read_box(name, slab, matrix);
  constexpr std::size_t most = 1u << 18;  // numbers
  std::vector<Number> part;
  std::size_t entry = 0;
  for_each_part(slab, most, [&](const Slab& box) {
    part.resize(box.size());
    read_box(name, box, part.data());
    for (std::size_t done = 0; done < part.size();) {
      const std::size_t row = entry / columns.count, column = entry % columns.count,
                        run = std::min(part.size() - done, columns.count - column);
      std::copy_n(part.data() + done, run, matrix + row * columns.width + columns.first + column);
      done += run;
      entry += run;
    }
  });
}

template void File::read_columns(const std::string&, const Slab&, const Columns&, double*) const;
template void File::read_columns(const std::string&, const Slab&, const Columns&, float*) const;

Handle File::keep_chunks(const std::string& name, std::size_t most_bytes) const {
  Handle dataset = open_dataset(name);
  const Handle creation = owned(H5Dget_create_plist(dataset.id()), H5Pclose);
  if (!creation.valid()) fail_with_reason(name, "is damaged");
  if (H5Pget_layout(creation.id()) != H5D_CHUNKED) return dataset;
  const Handle type = owned(H5Dget_type(dataset.id()), H5Tclose);
  const std::vector<std::size_t> shape = info(name).shape;
  std::vector<hsize_t> chunk(shape.size());
  if (H5Pget_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data()) < 0)
    fail_with_reason(name, "has no readable list of chunks");
  double bytes = double(H5Tget_size(type.id())) * double(chunk[0]);  // without overflow
  for (std::size_t d = 1; d < shape.size(); ++d)
    bytes *= std::ceil(double(shape[d]) / double(chunk[d])) * double(chunk[d]);
  constexpr std::size_t hash_places = 12421;  // a prime: some hundred for each chunk
  constexpr double fully_read_first = 1.0;    // chunks that are dropped
  const Handle access = owned(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_chunk_cache(access.id(), hash_places, std::size_t(std::min(bytes, double(most_bytes))),
                     fully_read_first);
  dataset.close();  // the cache is that of the first one that opens it
  Handle kept = owned(H5Dopen2(file_.id(), name.c_str(), access.id()), H5Dclose);
  if (!kept.valid()) fail_with_reason(name, "cannot be opened as a dataset");
  return kept;
}

Placement File::placement(const std::string& name) const {
  const Handle dataset = open_dataset(name);
  const haddr_t offset = H5Dget_offset(dataset.id());
  if (offset == HADDR_UNDEF) fail_with_reason(name, "has no place in the file");
  const DatasetInfo found = info(name);
  return {offset, found.type, found.shape};
}

}  // namespace spnode::io::hdf5
