// The recorder's own code in a process of its own, filing one journal of an instance that it
// shares.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>

#include "bench/machine/pair.hpp"
#include "core/instance.hpp"
#include "tools/recorder/config.hpp"

namespace sluice::bench {

class Filing {
 public:
  static constexpr int kAnyCpu = -1;

  // What it cannot write it says on stderr, and ends.
  Filing(const RecorderConfig& config, const Objects& objects, Process journal,
         const std::filesystem::path& state_dir, int cpu = kAnyCpu);
  ~Filing();  // it does not outlive this
  Filing(const Filing&) = delete;
  Filing& operator=(const Filing&) = delete;

  // Waits until no more than so many entries are in no file yet. Throws Error if it files nothing
  // for half a minute.
  void keep_up(std::uint64_t entries);
  // What is committed is filed and on the disk. Throws Error if it is not.
  void finish();

 private:
  const JournalMemory& journal_;
  Mapping asked_to_stop_;
  pid_t process_ = 0;
};

}  // namespace sluice::bench
