// A whole model file with other contents is refused with status 3, or is a model of finite numbers.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "app/model_store.hpp"
#include "fuzz.hpp"

using namespace spnode;

namespace {

constexpr const char* deck_text =
    "model: {nonlinear: [bilinear, network], bilinear: {rank: 2}, network: {hidden: [3]}}";

/// The contents of a small good model.
io::ModelFile good_model() {
  const parallel::Communicator comm;
  app::StoredModel stored;
  stored.path = fuzz::scratch("good.h5");
  stored.deck = app::read_deck(deck_text, "deck.yaml", {});
  stored.state.model = std::make_unique<core::Model>(stored.deck.model, 2);
  stored.state.model->scaling = {{0.0, 0.0}, {1.0, 1.0}};
  stored.state.theta = stored.state.model->initialise(1, nullptr);
  app::store_model(comm, stored, {}, io::Overwrite::yes);
  return io::read_model(comm, stored.path);
}

double any_number(FuzzedDataProvider& bytes) {
  const double special[] = {0.0,
                            -0.0,
                            -1.0,
                            2.5,
                            1e300,
                            std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN(),
                            4294967296.0,
                            18446744073709551616.0};
  return bytes.ConsumeBool() ? bytes.PickValueInArray(special) : bytes.ConsumeFloatingPoint<double>();
}

void change_array(io::ModelFile& file, FuzzedDataProvider& bytes) {
  if (file.arrays.empty()) return;
  const auto index = bytes.ConsumeIntegralInRange<std::size_t>(0, file.arrays.size() - 1);
  io::NamedArray& array = file.arrays[index];
  switch (bytes.ConsumeIntegralInRange(0, 4)) {
    case 0:
      file.arrays.erase(file.arrays.begin() + static_cast<std::ptrdiff_t>(index));
      return;
    case 1:
      array.name = bytes.ConsumeRandomLengthString(20);
      return;
    case 2:
      array.shape.assign(bytes.ConsumeIntegralInRange<std::size_t>(0, 3),
                         bytes.ConsumeIntegralInRange<std::size_t>(0, 4));
      array.values.assign(
          std::accumulate(array.shape.begin(), array.shape.end(), std::size_t(1), std::multiplies<>()), 1.0);
      return;
    default:
      if (!array.values.empty())
        array.values[bytes.ConsumeIntegralInRange<std::size_t>(0, array.values.size() - 1)] =
            any_number(bytes);
  }
}

void change_deck(io::ModelFile& file, FuzzedDataProvider& bytes) {
  const auto begin = bytes.ConsumeIntegralInRange<std::size_t>(0, file.deck.size());
  file.deck.replace(begin, bytes.ConsumeIntegralInRange<std::size_t>(0, 8),
                    bytes.ConsumeRandomLengthString(40));
}

void change_scalar(io::ModelFile& file, FuzzedDataProvider& bytes) {
  const char* const names[] = {"state_dimension", "latent_dimension", "mu", "another"};
  const std::string name = bytes.PickValueInArray(names);
  if (bytes.ConsumeBool())
    file.scalars[name] = any_number(bytes);
  else
    file.scalars.erase(name);
}

void require_usable(const app::StoredModel& stored) {
  const auto finite = [](double value) { return std::isfinite(value); };
  fuzz::require(std::ranges::all_of(stored.state.theta, finite), "a parameter is not finite");
  const auto& scaling = stored.state.model->scaling;
  fuzz::require(std::ranges::all_of(scaling.shift, finite), "a shift is not finite");
  fuzz::require(
      std::ranges::all_of(scaling.scale, [](double value) { return std::isfinite(value) && value > 0.0; }),
      "a scale is not positive");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::start_libraries();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const io::ModelFile good = good_model();
  const parallel::Communicator comm;
  const std::string path = fuzz::scratch("model.h5");
  FuzzedDataProvider bytes(data, size);
  io::ModelFile file = good;
  while (bytes.remaining_bytes() > 0) {
    switch (bytes.ConsumeIntegralInRange(0, 3)) {
      case 0:
        change_scalar(file, bytes);
        break;
      case 1:
        change_deck(file, bytes);
        break;
      default:
        change_array(file, bytes);
    }
  }
  // Some contents cannot be put into a file: names without an end, texts with zero bytes.
  if (test::outcome_of([&] { io::write_model(comm, path, file, io::Overwrite::yes); }).status !=
      ExitStatus::success)
    return 0;
  app::StoredModel stored;
  if (fuzz::succeeds([&] { stored = app::load_model(comm, path); }, {ExitStatus::file_error}))
    require_usable(stored);
  return 0;
}
