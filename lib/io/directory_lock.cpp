#include "io/directory_lock.hpp"

#include "io/file_bytes.hpp"
#include "io/process_name.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

namespace spnode::io {

namespace {

constexpr std::chrono::seconds beat{10};
constexpr int watched_beats = 3;

enum class Lock { taken, refused, unknown };  ///< unknown: the file system has no locks

Lock try_lock(const Descriptor& file) {
  struct flock region {};
  region.l_type = F_WRLCK;
  region.l_whence = SEEK_SET;
  if (::fcntl(file.number(), F_OFD_SETLK, &region) == 0) return Lock::taken;
  return errno == EACCES || errno == EAGAIN ? Lock::refused : Lock::unknown;
}

/// Whether the open file is still the one of that name; its holder removes it at the end.
bool has_name(const Descriptor& file, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(file.number(), &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/// What the holder has written, through a new opening of the file, which asks the server.
std::string contents(const std::string& path) {
  try {
    return read_bytes(path);
  } catch (const FileError&) {
    return {};
  }
}

/// Whether the process that has left `text` in the file lives as far as can be told.
bool is_alive(const std::string& path, const std::string& text, Lock lock) {
  const std::optional<ProcessName> process = parse_process_name(text);
  if (!process) return false;
  if (const std::optional<bool> running = is_running(*process)) return lock == Lock::unknown && *running;
  for (int i = 0; i < watched_beats; ++i) {
    std::this_thread::sleep_for(beat);
    const std::string now = contents(path);
    if (now != text) return !now.empty();
  }
  return false;
}

}  // namespace

/// The lock of rank 0, and the thread that counts.
class DirectoryLock::Holder {
 public:
  explicit Holder(const std::string& directory) : path_(directory + "/lock") {
    while (!acquire()) {
    }
    try {
      put(0);
    } catch (const FileError&) {
      ::unlink(path_.c_str());
      throw;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads that compute
    counter_ = std::thread([this] { count(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Holder() {
    {
      const std::lock_guard guard(mutex_);
      ended_ = true;
    }
    end_.notify_one();
    counter_.join();
    ::unlink(path_.c_str());
  }

 private:
  /// False where the file was removed meanwhile by its holder.
  bool acquire() {
    file_ = Descriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!file_.valid()) fail_with_errno(path_, "cannot be written");
    const Lock lock = try_lock(file_);
    if (lock != Lock::refused && !has_name(file_, path_)) return false;
    const std::string left = contents(path_);
    if (lock == Lock::refused || is_alive(path_, left, lock)) {
      const std::optional<ProcessName> holder = parse_process_name(left);
      const bool here = holder && is_running(*holder);
      throw UsageError(
          path_ + ": another run writes into this directory" +
          (here ? " (process " + std::to_string(holder->number) + ")" : " from another machine") +
          "; wait for its end or choose another output");
    }
    return true;
  }

  void put(unsigned long beats) const {
    const std::string text = to_string(this_process()) + " " + std::to_string(beats) + "\n";
    if (!write_all_at(file_, 0, text) || ::fdatasync(file_.number()) != 0)
      fail_with_errno(path_, "cannot be written");
  }

  void count() {
    std::unique_lock guard(mutex_);
    for (unsigned long beats = 1; !end_.wait_for(guard, beat, [this] { return ended_; }); ++beats) {
      try {
        put(beats);
      } catch (const FileError&) {  // a full disk does not end the run here; the lock holds all the same
      }
    }
  }

  std::string path_;
  Descriptor file_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::thread counter_;
};

DirectoryLock::DirectoryLock(const parallel::Communicator& comm, const std::string& directory) {
  parallel::collectively(comm, [&] {
    if (comm.is_root()) holder_ = std::make_unique<Holder>(directory);
  });
}

DirectoryLock::~DirectoryLock() = default;

}  // namespace spnode::io
