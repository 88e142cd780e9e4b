// How much of finished runs is kept. Removes journal and checkpoint files of runs that are over;
// their pipeline.toml stays, as the trace that a run was there.
//
// Who may delete: the recorder. It owns these files, and in a run's directory it may write; it may
// not write in `runs` itself, so a whole directory is beyond it. Never removed: anything of the
// running run; the newest `keep_runs` finished ones; a run whose newest file is younger than
// `keep`; anything at all while a kill stands that nobody has rearmed (the caller says so), because
// somebody has yet to look for its cause. Within these limits, oldest run first, and only as long
// as all runs together exceed the budget.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/recorder/config.hpp"

namespace sluice {

struct Removed {
  std::string path;
  std::uint64_t bytes;
};

class Retention {
 public:
  // `running`: the ordinal of this run; those below it are finished.
  Retention(const RetentionConfig& config, std::filesystem::path state_dir, std::uint16_t running);

  // Removes at most one file: a large one takes the file system tens of milliseconds, and the
  // recorder must go on writing. `now_s`: the wall clock, which the files' times are of.
  std::optional<Removed> step(std::int64_t now_s, bool evidence_held);
  // More is there than the budget allows and nothing may be removed, or it could not be counted.
  [[nodiscard]] bool exceeded() const noexcept { return exceeded_; }

 private:
  struct File {
    std::string name;
    std::uint64_t bytes;
    std::int64_t modified_s;
  };
  struct Run {
    std::uint16_t ordinal;
    std::vector<File> files;
  };

  bool list(std::uint16_t ordinal, std::vector<File>& files) const;
  bool count(std::uint64_t& total);

  RetentionConfig config_;
  std::filesystem::path state_dir_;
  std::uint16_t running_;
  std::vector<Run> finished_;  // oldest first; only those that hold files
  bool listed_ = false;
  bool exceeded_ = false;
};

}  // namespace sluice
