#include "io/process_name.hpp"

#include "io/file_bytes.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>

namespace spnode::io {

ProcessName this_process() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::array<char, 256> text{};
  // Containers on one machine count their processes apart.
  const ssize_t length = ::readlink("/proc/self/ns/pid", text.data(), text.size());
  if (length > 0) boot.append(text.data(), static_cast<std::size_t>(length));
  if (boot.empty() && ::gethostname(text.data(), text.size() - 1) == 0) boot = text.data();
  return {checksum(boot), ::getpid()};
}

std::optional<bool> is_running(const ProcessName& process) {
  if (process.machine != this_process().machine) return std::nullopt;
  return ::kill(static_cast<pid_t>(process.number), 0) == 0 || errno == EPERM;
}

std::string to_string(const ProcessName& process) {
  return process.machine + "-" + std::to_string(process.number);
}

std::optional<ProcessName> parse_process_name(const std::string& text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  ProcessName process{text.substr(0, dash), 0};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + dash + 1, end, process.number);
  if (error != std::errc() || process.number <= 0) return std::nullopt;
  return process;
}

}  // namespace spnode::io
