#include "parallel/communicator.hpp"

#include "core/support/memory_limit.hpp"

#include <exception>
#include <new>
#include <string>

namespace spnode::parallel {

Communicator::Communicator(MPI_Comm handle) : handle_(handle) {
  MPI_Comm_rank(handle, &rank_);
  MPI_Comm_size(handle, &size_);
}

void collectively(const Communicator& comm, const std::function<void()>& work) {
  int status = 0;
  std::string message;
  try {
    work();
  } catch (const Error& error) {
    status = static_cast<int>(error.status());
    message = error.what();
  } catch (const std::bad_alloc&) {
    status = static_cast<int>(ExitStatus::internal_error);
    message = core::out_of_memory(comm.rank());
  } catch (const std::exception& error) {
    status = static_cast<int>(ExitStatus::internal_error);
    message = error.what();
  }

  const int none = comm.size();
  int failed = status == 0 ? none : comm.rank();
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MIN, comm.handle());
  if (failed == none) return;

  int header[2] = {status, static_cast<int>(message.size())};
  MPI_Bcast(header, 2, MPI_INT, failed, comm.handle());
  message.resize(header[1]);
  MPI_Bcast(message.data(), header[1], MPI_CHAR, failed, comm.handle());
  throw Error(static_cast<ExitStatus>(header[0]), message);
}

}  // namespace spnode::parallel
