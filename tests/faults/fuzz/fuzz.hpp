#pragma once
/// What the fuzzers share: libraries that are started once, a folder for files, and the one outcome that is
/// allowed where a reader does not take its input.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "io/fixtures.hpp"

namespace spnode::fuzz {

/// Starts MPI and Kokkos; they end with the process.
void start_libraries();

/// A path in a folder that is removed at the end. After start_libraries().
inline std::string scratch(const std::string& name) {
  static const test::TemporaryDirectory folder;
  return folder / name;
}

inline std::string to_string(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

/// The pieces of `text` between zero bytes.
inline std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> pieces(1);
  for (const char character : text) {
    if (character == '\0')
      pieces.emplace_back();
    else
      pieces.back().push_back(character);
  }
  return pieces;
}

/// Ends the fuzzer with a message unless `condition` holds: a finding.
inline void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

/// Whether `work` succeeds. A failure must be an error of one of the statuses in `allowed`; others are
/// findings.
inline bool succeeds(const std::function<void()>& work, std::initializer_list<ExitStatus> allowed) {
  const test::Outcome outcome = test::outcome_of(work);
  if (outcome.status == ExitStatus::success) return true;
  for (const ExitStatus status : allowed)
    if (outcome.status == status) return false;
  require(false, "status " + std::to_string(static_cast<int>(outcome.status)) + ": " + outcome.message);
  return false;
}

}  // namespace spnode::fuzz
