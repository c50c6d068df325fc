#include "training/start/fast_slow/states.hpp"

#include "training/start/latent_data.hpp"

#include <algorithm>

namespace spnode::training {

std::size_t epsilon_place(const core::Model& model) {
  const auto& names = model.options().arguments.parameters;
  return std::size_t(std::ranges::find(names, core::epsilon_name) - names.begin());
}

States::States(const parallel::Communicator& comm, const core::Model& model, const DataSet& set)
    : first(set.data.first()),
      count(set.data.index().count() / set.data.index().per_trajectory()),
      data(library_variables(comm, model, {}, set)),
      slow_(model.options().linear.slow_dimension),
      epsilon_(epsilon_place(model)),
      scaling_(model.argument_scaling),
      q_(model.argument_count()),
      scaled_(q_.size()) {}

StatePoint States::at(std::size_t trajectory, std::size_t t, std::span<const double> states) {
  data.arguments_at(trajectory, t, q_);
  for (std::size_t i = 0; i < q_.size(); ++i) scaled_[i] = (q_[i] - scaling_.shift[i]) / scaling_.scale[i];
  const std::span<const double> u = states.subspan(t * data.dimension, data.dimension);
  return {u.first(slow_), u.subspan(slow_), q_, scaled_, q_[epsilon_]};
}

}  // namespace spnode::training
