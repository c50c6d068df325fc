#include "app/progress.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/loss/loss_terms.hpp"

namespace spnode::app {

namespace {

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02} min", s / 60, s % 60);
  return fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.3e}", value) : "-"; }

/// " (trajectory 1.000e-03, latent 2.000e-04)": the terms that were computed, where there are several.
std::string terms_of(const core::LossTerms& loss) {
  std::string list;
  std::size_t count = 0;
  for (std::size_t i = 0; i < core::loss_terms().size(); ++i) {
    if (std::isnan(loss.values[i])) continue;
    list +=
        fmt::format("{}{} {}", count++ == 0 ? "" : ", ", core::loss_terms()[i].name, number(loss.values[i]));
  }
  return count > 1 ? " (" + list + ")" : "";
}

/// Whether people watch standard output. mpirun gives its ranks a pseudo-terminal whatever its own output is,
/// so that one is asked: mpirun is the parent of rank 0.
bool watched() {
  if (isatty(STDOUT_FILENO) == 0) return false;
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return true;
  std::error_code unknown;
  const std::string launcher = "/proc/" + std::to_string(getppid()) + "/fd/1";
  return std::filesystem::read_symlink(launcher, unknown).string().starts_with("/dev/pts/");
}

}  // namespace

ProgressDisplay::ProgressDisplay(const parallel::Communicator& comm)
    : active_(comm.is_root()), terminal_(comm.is_root() && watched()) {}

void ProgressDisplay::step(const training::Progress& progress) {
  if (!active_) return;
  const double share = std::min(1.0, progress.share);
  const Clock::time_point now = Clock::now();
  if (progress.phase.name != phase_) {
    phase_ = progress.phase.name;
    phase_start_ = now;
    first_share_ = share;
  }
  const std::chrono::duration<double> since = now - last_;
  if (since.count() < (terminal_ ? 0.2 : 20.0)) return;
  last_ = now;
  const std::string line = bar(progress, share);
  if (terminal_) {
    fmt::print("\r{:<{}}", line, std::max(width_, line.size()));
    width_ = line.size();
  } else {
    fmt::print("{}\n", line);
  }
  std::fflush(stdout);
}

std::string ProgressDisplay::bar(const training::Progress& progress, double share) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - phase_start_).count();
  const double left = share > first_share_ ? elapsed * (1.0 - share) / (share - first_share_) : INFINITY;
  constexpr std::size_t cells = 24;
  const auto full = static_cast<std::size_t>(share * cells);
  // A line that is rewritten must fit on the terminal.
  const std::string terms = terminal_ ? "" : terms_of(progress.loss);
  return fmt::format("{:<8} [{:#<{}}{:-<{}}] {:5.1f} %  epoch {}/{}  loss {}  best {}  {} left", phase_, "",
                     full, "", cells - full, 100.0 * share, std::min(progress.epoch + 1, progress.epochs),
                     progress.epochs, number(progress.loss.total) + terms, number(progress.best_loss),
                     duration(left));
}

void ProgressDisplay::epoch(const training::EpochRecord& record) {
  if (!active_ || record.skipped == 0) return;
  finish();
  fmt::print("epoch {}: {} of its steps were not finite and were skipped\n", record.epoch, record.skipped);
}

void ProgressDisplay::finish() {
  if (active_ && terminal_ && width_ > 0) fmt::print("\n");
  width_ = 0;
}

}  // namespace spnode::app
