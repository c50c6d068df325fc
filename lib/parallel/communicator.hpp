#pragma once
/// MPI ranks that work together, and how a failure of one becomes the failure of all.

#include "core/support/error.hpp"

#include <mpi.h>

#include <functional>

namespace spnode::parallel {

/// A communicator with its size and this process's place in it; does not own the handle.
class Communicator {
 public:
  explicit Communicator(MPI_Comm handle = MPI_COMM_WORLD);

  MPI_Comm handle() const { return handle_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

 private:
  MPI_Comm handle_;
  int rank_ = 0, size_ = 1;
};

/// Runs `work`, which must not communicate, and makes its outcome common: where it threw on any rank, every
/// rank throws an Error with the status and the message of the lowest rank that failed. Collective.
void collectively(const Communicator& comm, const std::function<void()>& work);

}  // namespace spnode::parallel
