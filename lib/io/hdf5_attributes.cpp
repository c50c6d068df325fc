// Attributes of the objects of an HDF5 file.
#include "io/hdf5_detail.hpp"
#include "io/text.hpp"

namespace spnode::io::hdf5 {

namespace {

struct AttributeType {
  ElementType element;
  bool single;  ///< one value, not an array
};

AttributeType type_of(hid_t attribute) {
  const Handle type = owned(H5Aget_type(attribute), H5Tclose);
  const Handle space = owned(H5Aget_space(attribute), H5Sclose);
  return {element_type(type.id()), H5Sget_simple_extent_npoints(space.id()) == 1};
}

std::optional<std::string> text_of(hid_t attribute) {
  const Handle type = owned(H5Aget_type(attribute), H5Tclose);
  return read_text(type.id(),
                   [&](hid_t memory_type, void* out) { return H5Aread(attribute, memory_type, out); });
}

std::string display(hid_t attribute) {
  const AttributeType type = type_of(attribute);
  if (!type.single) return "(array)";
  double number = 0.0;
  std::int64_t integer = 0;
  switch (type.element) {
    case ElementType::string:
      return text_of(attribute).value_or("(unreadable)");
    case ElementType::integer:
      return H5Aread(attribute, H5T_NATIVE_INT64, &integer) < 0 ? "?" : std::to_string(integer);
    case ElementType::float32:
    case ElementType::float64:
      return H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) < 0 ? "?" : shortest(number);
    default:
      return std::string("(").append(to_string(type.element)).append(")");
  }
}

}  // namespace

void File::write_attribute(const std::string& object, const std::string& name, Id type, const void* value) {
  const Handle space = make_space({});
  Handle attribute = owned(H5Acreate_by_name(file_.id(), object.c_str(), name.c_str(), type, space.id(),
                                             H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
  const hid_t memory_type = type == H5T_IEEE_F64LE  ? H5T_NATIVE_DOUBLE
                            : type == H5T_STD_I64LE ? H5T_NATIVE_INT64
                                                    : type;
  if (!attribute.valid() || H5Awrite(attribute.id(), memory_type, value) < 0 || !attribute.close()) {
    fail_with_reason(object, "cannot be given the attribute " + name);
  }
}

void File::set_attribute(const std::string& object, const std::string& name, const std::string& text) {
  write_attribute(object, name, text_type(text).id(), text.c_str());
}

void File::set_attribute(const std::string& object, const std::string& name, double value) {
  write_attribute(object, name, H5T_IEEE_F64LE, &value);
}

void File::set_attribute(const std::string& object, const std::string& name, std::int64_t value) {
  write_attribute(object, name, H5T_STD_I64LE, &value);
}

Handle File::open_attribute(const std::string& object, const std::string& name) const {
  if (H5Aexists_by_name(file_.id(), object.c_str(), name.c_str(), H5P_DEFAULT) <= 0) return {};
  return owned(H5Aopen_by_name(file_.id(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
}

std::optional<std::string> File::string_attribute(const std::string& object, const std::string& name) const {
  const Handle attribute = open_attribute(object, name);
  if (!attribute.valid()) return std::nullopt;
  const AttributeType type = type_of(attribute.id());
  if (type.element != ElementType::string || !type.single) return std::nullopt;
  return text_of(attribute.id());
}

std::optional<double> File::number_attribute(const std::string& object, const std::string& name) const {
  const Handle attribute = open_attribute(object, name);
  if (!attribute.valid()) return std::nullopt;
  const AttributeType type = type_of(attribute.id());
  const bool number = type.element == ElementType::float32 || type.element == ElementType::float64 ||
                      type.element == ElementType::integer;
  double value = 0.0;
  if (!type.single || !number || H5Aread(attribute.id(), H5T_NATIVE_DOUBLE, &value) < 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> File::integer_attribute(const std::string& object,
                                                    const std::string& name) const {
  const Handle attribute = open_attribute(object, name);
  if (!attribute.valid()) return std::nullopt;
  const AttributeType type = type_of(attribute.id());
  std::int64_t value = 0;
  if (!type.single || type.element != ElementType::integer ||
      H5Aread(attribute.id(), H5T_NATIVE_INT64, &value) < 0) {
    return std::nullopt;
  }
  return value;
}

std::vector<Attribute> File::attributes(const std::string& object) const {
  const Handle owner = owned(H5Oopen(file_.id(), object.c_str(), H5P_DEFAULT), H5Oclose);
  const int count = owner.valid() ? H5Aget_num_attrs(owner.id()) : -1;
  if (count < 0) fail_with_reason(object, "cannot be listed");
  std::vector<Attribute> out;
  for (int i = 0; i < count; ++i) {
    const Handle attribute = owned(
        H5Aopen_by_idx(owner.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    const ssize_t length = attribute.valid() ? H5Aget_name(attribute.id(), 0, nullptr) : -1;
    if (length < 0) fail_with_reason(object, "has an unreadable attribute");
    std::string name(static_cast<std::size_t>(length), '\0');
    H5Aget_name(attribute.id(), name.size() + 1, name.data());
    out.push_back({std::move(name), display(attribute.id())});
  }
  return out;
}

}  // namespace spnode::io::hdf5
