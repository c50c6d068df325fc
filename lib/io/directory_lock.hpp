#pragma once
/// A directory that one program at a time writes into.

#include "parallel/communicator.hpp"

#include <memory>
#include <string>

namespace spnode::io {

/// Holds a directory from construction to destruction, by a lock on the file `lock` in it.
///
/// The system gives the lock back when the process ends, however it ends. Some file systems of clusters keep
/// locks to a node, or have none; so the file also names its process and holds a number that a living one
/// counts up every few seconds: where a process of another machine has left the file, the constructor waits
/// three beats to see whether the number changes.
class DirectoryLock {
 public:
  /// Collective. Raises UsageError on all ranks where another program holds the directory, FileError where
  /// the file cannot be written.
  DirectoryLock(const parallel::Communicator& comm, const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  class Holder;
  std::unique_ptr<Holder> holder_;  ///< rank 0 only
};

}  // namespace spnode::io
