#include "parallel/broadcast.hpp"

#include <algorithm>
#include <cstdint>

namespace spnode::parallel {

void broadcast(const Communicator& comm, std::string& bytes) {
  std::uint64_t length = bytes.size();
  MPI_Bcast(&length, 1, MPI_UINT64_T, 0, comm.handle());
  bytes.resize(length);
  constexpr std::size_t piece = std::size_t(1) << 30;  // MPI counts are int
  for (std::size_t sent = 0; sent < length; sent += piece) {
    MPI_Bcast(bytes.data() + sent, static_cast<int>(std::min(piece, length - sent)), MPI_BYTE, 0,
              comm.handle());
  }
}

}  // namespace spnode::parallel
