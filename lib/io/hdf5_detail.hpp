#pragma once
/// Shared by the hdf5_*.cpp files and by nobody else: HDF5's own header and small helpers around it.

#include "core/support/error.hpp"
#include "io/hdf5.hpp"

#include <hdf5.h>

#include <type_traits>

namespace spnode::io::hdf5 {

static_assert(std::is_same_v<hid_t, Id>, "spnode needs HDF5 1.10 or later");

inline Handle owned(hid_t id, herr_t (*closer)(hid_t)) { return Handle(id, closer); }

/// Creation properties of an object that does not store when it was made: equal contents give equal files.
inline Handle without_times(hid_t object_class) {
  Handle properties = owned(H5Pcreate(object_class), H5Pclose);
  H5Pset_obj_track_times(properties.id(), false);
  return properties;
}

/// The innermost entry of HDF5's error stack as the end of a message; empty where the last call succeeded.
std::string reason();

/// A simple dataspace; no extents: a scalar.
Handle make_space(const std::vector<std::size_t>& shape);

ElementType element_type(hid_t type);

/// UTF-8 of the length of `text`. HDF5 1.10 follows the heap that holds texts of variable length without
/// checks, so that a damaged file could crash it.
Handle text_type(const std::string& text);

/// The string of a scalar dataset or attribute of string type, fixed or variable in length. `read` is H5Dread
/// or H5Aread on an open object. Nothing where that fails.
template <class Read>
std::optional<std::string> read_text(hid_t file_type, const Read& read) {
  const Handle type = owned(H5Tcopy(file_type), H5Tclose);
  if (H5Tis_variable_str(type.id()) > 0) {
    char* text = nullptr;
    if (read(type.id(), &text) < 0 || text == nullptr) return std::nullopt;
    const std::string copy = text;
    H5free_memory(text);
    return copy;
  }
  std::string text(H5Tget_size(type.id()), '\0');
  if (read(type.id(), text.data()) < 0) return std::nullopt;
  const std::size_t last = text.find_last_not_of(H5Tget_strpad(type.id()) == H5T_STR_SPACEPAD ? ' ' : '\0');
  text.resize(H5Tget_strpad(type.id()) == H5T_STR_NULLTERM ? std::min(text.find('\0'), text.size())
                                                           : last + 1);
  return text;
}

}  // namespace spnode::io::hdf5
