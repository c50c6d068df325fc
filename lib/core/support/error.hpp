#pragma once
/// The errors of spnode and the exit status that each one ends the program with.

#include <stdexcept>
#include <string>

namespace spnode {

/// Exit statuses of the program; users' job scripts depend on the numbers.
enum class ExitStatus : int {
  success = 0,
  internal_error = 1,
  usage_error = 2,      ///< the command line or the deck is wrong
  file_error = 3,       ///< a data or model file is missing, damaged or does not fit
  check_failed = 4,     ///< a check that was asked for failed
  numerical_error = 5,  ///< the numerics broke down
  interrupted = 75      ///< stopped by a signal: after a checkpoint, or before the work began
};

/// Base of every error that spnode raises on purpose; what() is the whole message for the user.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& message) : std::runtime_error(message), status_(status) {}
  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(ExitStatus::usage_error, message) {}
};
struct FileError : Error {
  explicit FileError(const std::string& message) : Error(ExitStatus::file_error, message) {}
};
struct CheckFailed : Error {
  explicit CheckFailed(const std::string& message) : Error(ExitStatus::check_failed, message) {}
};
struct NumericalError : Error {
  explicit NumericalError(const std::string& message) : Error(ExitStatus::numerical_error, message) {}
};
struct Interrupted : Error {
  explicit Interrupted(const std::string& message) : Error(ExitStatus::interrupted, message) {}
};

}  // namespace spnode
