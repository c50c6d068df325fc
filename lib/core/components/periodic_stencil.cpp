#include "core/components/periodic_stencil.hpp"

#include "core/support/option.hpp"

#include <functional>
#include <limits>
#include <numeric>

namespace spnode::core {
namespace {

std::size_t points_of(std::size_t components, const LibraryOptions& options) {
  const std::size_t points = components / options.fields;
  require_option(points > 0 && points * options.fields == components &&
                     components <= std::numeric_limits<std::uint32_t>::max(),
                 {"library.fields"},
                 "= " + std::to_string(options.fields) + ", but the states have " +
                     std::to_string(components) + " components: each field needs as many points");
  if (options.points.empty()) return points;
  const double given =
      std::accumulate(options.points.begin(), options.points.end(), 1.0, std::multiplies<>());
  require_option(given == double(points), {"library.points"},
                 "makes a grid of " + shortest(given) + " points, but a field has " + std::to_string(points));
  return points;
}

}  // namespace

PeriodicStencil::PeriodicStencil(std::size_t components, const LibraryOptions& options)
    : fields_(options.fields), points_(points_of(components, options)), shape_(options.points) {
  if (shape_.empty()) shape_ = {points_};
  offsets_.emplace_back(shape_.size(), 0);
  for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
    require_option(shape_[axis] > 2 * options.neighbours, {"library.neighbours"},
                   "= " + std::to_string(options.neighbours) + " reaches around an axis of " +
                       std::to_string(shape_[axis]) + " points; more than twice as many points are needed");
    for (int distance = 1; distance <= int(options.neighbours); ++distance)
      for (const int step : {distance, -distance}) {
        offsets_.emplace_back(shape_.size(), 0);
        offsets_.back()[axis] = step;
      }
  }
  for (const std::vector<int>& offset : offsets_)
    for (std::size_t field = 0; field < fields_; ++field)
      for (std::size_t point = 0; point < points_; ++point) {
        const std::size_t at = neighbour_of(point, offset);
        components_.push_back(std::uint32_t(options.field_axis == FieldAxis::first ? field * points_ + at
                                                                                   : at * fields_ + field));
      }
}

std::size_t PeriodicStencil::neighbour_of(std::size_t point, const std::vector<int>& offset) const {
  std::size_t neighbour = 0, stride = 1;
  for (std::size_t axis = shape_.size(); axis-- > 0;) {  // the last axis runs fastest
    const std::size_t extent = shape_[axis], at = point % extent;
    neighbour += (at + extent + std::size_t(offset[axis])) % extent * stride;
    stride *= extent;
    point /= extent;
  }
  return neighbour;
}

std::vector<std::string> PeriodicStencil::variable_names(const std::vector<std::string>& fields) const {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < offsets_.size(); ++k) {
    std::string place;
    for (const int step : offsets_[k]) {
      if (!place.empty()) place.append(",");
      place.append(step > 0 ? "+" : "").append(std::to_string(step));
    }
    for (std::string name : fields) {
      if (k > 0) name.append("[").append(place).append("]");
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace spnode::core
