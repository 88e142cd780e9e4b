// The far side of the gateway: its session is no stage and is not run again. What it did stands in
// two places, the paper order log and the verdicts and events in the gateway's journal, and both
// must follow from the commands that the replayed stage gives:
//
//   a send has exactly one verdict, in the order of the commands; SENT means one Placed entry with
//   its bytes, REFUSED means none. Without a verdict it is in doubt (a crash came before it) or the
//   last ones given. a cancel was asked for: by a command for this order, or by a sweep. an event
//   is the word of one log entry, in the order of the log.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/replay/stage_run.hpp"
#include "tools/replay/verify.hpp"

namespace sluice::replay {

struct PaperLogRun {
  std::unique_ptr<Film> film;
  std::vector<Consumed> entries;  // index = position as the session counts: fillers have none

  [[nodiscard]] PaperEntry at(std::size_t index) const {
    return from_payload<PaperEntry>(entries[index].payload);
  }
  [[nodiscard]] std::string place(std::size_t index) const {
    const std::uint64_t position = entries[index].position;
    return "paper entry " + std::to_string(position) + " (" + film->where(position) + ")";
  }
};

PaperLogRun read_paper_log(const std::filesystem::path& dir, const PipelineConfig& pipeline);

// Verdicts, sends, cancels, events.
std::vector<EdgeReport> compare_paper(const StageRun& gateway, const PaperLogRun& log);

}  // namespace sluice::replay
