#include "core/forecast/arguments_at_times.hpp"

#include <span>
#include <vector>

namespace spnode::core {

void arguments_at_times(ArgumentReader& reader, const Trajectories& data, std::size_t trajectory,
                        MatrixView<double> q) {
  if (reader.size() == 0) return;
  reader.attach(data);
  std::vector<double> point(reader.size()), host(reader.size() * data.times);
  for (std::size_t t = 0; t < data.times; ++t) {
    reader.read(trajectory, data.time_at(trajectory, t), point);
    for (std::size_t i = 0; i < point.size(); ++i) host[i * data.times + t] = point[i];
  }
  upload(std::span<const double>(host), q);
}

}  // namespace spnode::core
