#include "parallel/broadcast.hpp"
#include "catch.hpp"

using namespace spnode::parallel;

TEST_CASE("broadcast_gives_the_bytes_of_rank_0") {
  const Communicator comm;
  for (const std::string& original : {std::string("a\0b", 3), std::string(), std::string(100000, 'x')}) {
    std::string bytes(comm.is_root() ? original : std::string("something else"));
    broadcast(comm, bytes);
    CHECK(bytes == original);
  }
}
