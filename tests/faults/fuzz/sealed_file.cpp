// Bytes with a wrong checksum, or none, are no model and no checkpoint: status 3.
#include "app/model_store.hpp"
#include "fuzz.hpp"
#include "io/checkpoint.hpp"

using namespace spnode;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::start_libraries();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const parallel::Communicator comm;
  const std::string path = fuzz::scratch("sealed.h5");
  test::write_file(path, fuzz::to_string(data, size));
  const bool is_model = fuzz::succeeds([&] { app::load_model(comm, path); }, {ExitStatus::file_error});
  fuzz::require(!is_model, "a damaged model is accepted");
  const bool is_checkpoint =
      fuzz::succeeds([&] { io::read_checkpoint(comm, path); }, {ExitStatus::file_error});
  fuzz::require(!is_checkpoint, "a damaged checkpoint is accepted");
  return 0;
}
