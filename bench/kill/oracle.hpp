// The judge of the kills of a run: the paper order log, which is the send itself, by position. It
// knows nothing of how the gates came to their word.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/records.hpp"

namespace sluice::bench {

// One kill: from KILL_COMPLETE until somebody asked for the rearm, as positions of the log.
struct KillWindow {
  std::uint64_t from = 0;
  std::uint64_t until = 0;
  KillLevel level = KillLevel::Halt;
  HostTime raised_at{};
  HostTime complete_at{};  // the later of the gates' stamps
};

struct Placed {
  std::uint64_t position = 0;
  PaperEntry order;  // what = Placed
};

struct KillVerdict {
  std::uint64_t placed = 0;
  std::uint64_t entries_after = 0;  // sent between KILL_COMPLETE and rearm
  std::uint64_t exits_after = 0;    // likewise, by HALT or more
  std::uint64_t revived = 0;        // entries that were approved before a kill and sent behind it
  [[nodiscard]] std::uint64_t violations() const noexcept {
    return entries_after + exits_after + revived;
  }
  void add(const KillVerdict& other) noexcept;
};

// `log` and `kills` in order.
KillVerdict judge(const std::vector<Placed>& log, const std::vector<KillWindow>& kills) noexcept;

// The orders in the files of a run that has ended. Throws Error if an entry is missing or corrupt.
std::vector<Placed> read_placed(const std::filesystem::path& run_dir);

}  // namespace sluice::bench
