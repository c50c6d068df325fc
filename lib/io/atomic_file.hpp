#pragma once
/// Files that appear whole or not at all.

#include "parallel/communicator.hpp"

#include <functional>
#include <string>

namespace spnode::io {

/// What happens where the result exists already.
enum class Overwrite { no, yes };

/// Raises UsageError on all ranks where `path` exists and may not be overwritten. Collective; cheap enough to
/// be called before hours of work.
void check_overwrite(const parallel::Communicator& comm, const std::string& path, Overwrite overwrite);

/// Removes what killed programs have left of `path` on whichever machine; for a caller that alone writes it.
/// Collective.
void remove_temporaries(const parallel::Communicator& comm, const std::string& path);

/// A file that is written under a temporary name beside its final one and renamed when it is whole.
///
/// The constructor creates the temporary file, so that a missing or unwritable directory is known before the
/// work. Unless commit() succeeded, the destructor removes the temporary file, so a failure leaves nothing
/// behind, and an existing file of the final name stays as it was. What killed programs have left for the
/// same final name is removed: at once where they ran on this machine, else after an hour.
class AtomicFile {
 public:
  /// Collective. Raises UsageError where `path` exists and `overwrite` is no, FileError where it cannot be
  /// written.
  AtomicFile(const parallel::Communicator& comm, std::string path, Overwrite overwrite);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::string& path() const { return path_; }
  /// Where to write; the same on all ranks.
  const std::string& temporary() const { return temporary_; }

  /// Forces the data to the disk and gives the file its name. All writers must have closed it. Collective.
  /// Raises FileError, or UsageError where the final name has come into being meanwhile and `overwrite` is
  /// no.
  void commit();

 private:
  void create_temporary();
  void publish() const;

  parallel::Communicator comm_;
  std::string path_, temporary_;
  Overwrite overwrite_;
  bool committed_ = false;
};

/// Writes a whole file from the bytes that `contents` gives on rank 0: they are made in memory, put down by
/// one checked write, forced to the disk and read back. Collective; a failure is raised on all ranks, and
/// then nothing has changed.
void write_whole(const parallel::Communicator& comm, const std::string& path, Overwrite overwrite,
                 const std::function<std::string()>& contents);

/// Writes a text file (a table, a deck) from rank 0's `text`. Collective; as write_whole.
void write_text(const parallel::Communicator& comm, const std::string& path, const std::string& text,
                Overwrite overwrite);

}  // namespace spnode::io
