// What the journals on disk say, read the way a stranger would: entry by entry, believed only under
// their checksums. The closing report holds the counters of the stages against it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace sluice::demo {

// Ticks that one consumer journaled. live + gap_counts = ticks the feed produced, or one is
// unaccounted for.
struct TickFilm {
  std::string consumer;
  std::uint64_t quotes = 0;
  std::uint64_t trades = 0;
  std::uint64_t statuses = 0;    // without Gap
  std::uint64_t after_gap = 0;   // the newest state behind a Gap: counted in the Gap already
  std::uint64_t gaps = 0;        // Gap records
  std::uint64_t gap_counts = 0;  // ticks these say were not delivered

  [[nodiscard]] std::uint64_t accounted() const noexcept {
    return quotes + trades + statuses - after_gap + gap_counts;
  }
};

struct Evidence {
  std::vector<TickFilm> ticks;  // of every consumer
  std::uint64_t entries = 0;    // of all journals
  std::uint64_t damaged = 0;    // entries that fail their checksum
  std::uint64_t intents = 0;    // consumed by risk
  std::uint64_t orders = 0;     // consumed by the gateway, without cancels
  std::uint64_t exits = 0;      // of these
  std::uint64_t fills = 0;      // fill reports consumed by risk
  std::uint64_t placed = 0;     // sends in the paper order log
  std::uint64_t paper_fills = 0;
  std::vector<std::string> journals;
};
Evidence read_evidence(const std::filesystem::path& run_dir);

// One raise as the gates' journals tell it: when each was told of HALT or more on the global scope.
struct HaltFilm {
  HostTime risk_at;  // 0 = it was not
  HostTime gateway_at;
  [[nodiscard]] bool complete() const noexcept { return risk_at.ns != 0 && gateway_at.ns != 0; }
  [[nodiscard]] HostTime complete_at() const noexcept {
    return risk_at < gateway_at ? gateway_at : risk_at;
  }
};
HaltFilm read_halt(const std::filesystem::path& run_dir);
// Orders that the paper order log says were placed after `from` and not after `to`.
std::uint64_t placed_between(const std::filesystem::path& run_dir, HostTime from, HostTime to);

}  // namespace sluice::demo
