#include "core/support/memory_limit.hpp"

#include "core/support/error.hpp"
#include "core/support/text.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

namespace spnode::core {

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The number that a file begins with; none there, or a word ("max"): unlimited.
double number_in(const std::string& path) {
  std::ifstream file(path);
  double number = 0.0;
  return file >> number ? number : unlimited;
}

/// The least limit of a control group and of those above it.
double group_limit(const std::string& root, std::string group, const char* name) {
  double least = number_in(root + "/" + name);
  while (group.size() > 1) {
    least = std::min(least, number_in(root + group + "/" + name));
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  return least;
}

/// What control groups leave, of version 2 ("0::/group") and of version 1 ("9:memory:/group").
double control_groups() {
  double least = unlimited;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, group_limit("/sys/fs/cgroup", group, "memory.max"));
    else if (controllers == "memory")
      least = std::min(least, group_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

double own_limit(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return static_cast<double>(limit.rlim_cur);
}

double page_size() { return static_cast<double>(sysconf(_SC_PAGESIZE)); }

/// Places in /proc/self/statm.
enum class Pages : std::size_t { resident = 1, data = 5 };

/// Bytes of this process.
double pages_of(Pages kind) {
  std::ifstream file("/proc/self/statm");
  double pages = 0.0;
  for (std::size_t place = 0; place <= static_cast<std::size_t>(kind); ++place) file >> pages;
  return file ? pages * page_size() : 0.0;
}

}  // namespace

double node_memory() {
  return std::min(static_cast<double>(sysconf(_SC_PHYS_PAGES)) * page_size(), control_groups());
}

double process_memory() { return std::min({node_memory(), own_limit(RLIMIT_AS), own_limit(RLIMIT_DATA)}); }

double resident_memory() { return pages_of(Pages::resident); }

void limit_memory() {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  // A sanitizer's shadow counts, too, and is larger than any memory.
  const double most = pages_of(Pages::data) + node_memory();
  if (most < static_cast<double>(limit.rlim_cur)) limit.rlim_cur = static_cast<rlim_t>(most);
  setrlimit(RLIMIT_DATA, &limit);
}

std::string out_of_memory(int rank) {
  return "out of memory on rank " + std::to_string(rank) + ", which holds " + shown_bytes(resident_memory()) +
         " of the " + shown_bytes(process_memory()) + " that a process here has";
}

void require_memory(double bytes, const std::string& what) {
  const double most = process_memory();
  if (bytes > most)
    throw UsageError(what + " needs " + shown_bytes(bytes) + " of memory; a process here has " +
                     shown_bytes(most));
}

}  // namespace spnode::core
