// What a run left on disk, judged by nothing but the journal format and the paper order log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::campaign {

struct Verdict {
  std::vector<std::string> violations;
  std::uint64_t placed = 0;  // orders that reached the venue
  std::uint64_t fills = 0;
  std::int64_t most_used = 0;  // capital in use at its highest, raw
};

// From the files alone. `settled`: no order was open when the run was stopped, so risk has heard of
// every fill. `cap`: raw notional that no entry may exceed.
Verdict judge_files(const std::filesystem::path& run_dir, std::int64_t cap, bool settled);
// The same, and every journal replayed through the stages' code (sluice-replay verify).
Verdict judge(const std::filesystem::path& run_dir, std::int64_t cap, bool settled);

}  // namespace sluice::campaign
