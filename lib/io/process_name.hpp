#pragma once
/// Which process a file belongs to that it left behind.

#include <optional>
#include <string>

namespace spnode::io {

/// A process on some machine.
struct ProcessName {
  std::string machine;  ///< 16 hexadecimal digits: boot and process namespace; no two machines have the same
  long number = 0;      ///< of the process there
};

/// This process. Not collective.
ProcessName this_process();

/// Whether the process lives; nothing where it is of another machine, of which nothing is known here.
std::optional<bool> is_running(const ProcessName& process);

/// "<machine>-<number>", and back; nothing where `text` is no such name.
std::string to_string(const ProcessName& process);
std::optional<ProcessName> parse_process_name(const std::string& text);

}  // namespace spnode::io
