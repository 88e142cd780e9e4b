// Files the journals: reads what stages have committed, appends it with write(2), gives the ring
// space back, and has it synced in groups. No business with records: an entry is 64 bytes under a
// checksum.
//
// Reads: every journal's tail and entries. Writes: head and flags of every journal, files in the
// run's directory. Invariant: head moves only after write(2) returned, so an entry is always in the
// ring or in the file; a SIGKILL of this process or of a stage loses nothing, a power loss at most
// one sync interval.
#pragma once

#include <functional>
#include <vector>

#include "core/instance.hpp"
#include "core/journal_file.hpp"
#include "core/stage_page.hpp"
#include "tools/recorder/config.hpp"
#include "tools/recorder/retention.hpp"
#include "tools/recorder/syncer.hpp"

namespace sluice {

enum class RecorderCounter : std::size_t {
  Entries,
  Writes,
  Syncs,
  WriteErrors,
  SyncErrors,
  DiskLow,
  Files,
  Checkpoints,
  CheckpointErrors,
  RemovedFiles,
  RemovedBytes
};
inline constexpr std::array<std::string_view, 11> kRecorderCounters{"entries_written_total",
                                                                    "writes_total",
                                                                    "syncs_total",
                                                                    "write_errors_total",
                                                                    "sync_errors_total",
                                                                    "disk_low",
                                                                    "journals",
                                                                    "checkpoints_filed_total",
                                                                    "checkpoint_errors_total",
                                                                    "removed_files_total",
                                                                    "removed_bytes_total"};
enum class RecorderHistogram : std::size_t { Write, Sync };
inline constexpr std::array<std::string_view, 2> kRecorderHistograms{"write_ns", "sync_ns"};

class Recorder {
 public:
  using Say = std::function<void(const std::string&)>;

  // Opens or continues the files of every journal. Throws Error. `say`: a line for the log.
  Recorder(
      const RecorderConfig& config, Objects& objects, const std::filesystem::path& state_dir,
      Say say = [](const std::string&) {});

  // One pass over all journals; true if anything was written.
  bool turn();
  // Writes what is committed and syncs; true if everything is on disk.
  bool drain();

 private:
  struct Item {
    JournalMemory* memory;
    std::uint64_t capacity;  // read once
    JournalFileWriter file;
    bool dirty = false;
    bool write_failed = false;
    const CheckpointMemory* checkpoints = nullptr;  // null: the paper log has none
    std::uint64_t filed_at = 0;                     // position of the newest filed checkpoint
    std::uint64_t filed_in = 0;                     // file_first() when it was filed
    bool filing_failed = false;
  };

  bool write_some(Item& item) noexcept;
  void sync_due(std::uint64_t now_ns);
  void sync_dirty();
  void file_checkpoint(Item& item) noexcept;
  void file_rotated() noexcept;
  void check_disk(std::uint64_t now_ns);
  void keep_budget();
  void publish_flags();

  RecorderConfig config_;
  std::filesystem::path dir_;
  Statistics& statistics_;
  const KillPage* kill_;
  const ControlPage* control_;
  std::vector<Item> items_;
  Retention retention_;
  Say say_;
  Syncer syncer_;
  std::uint64_t next_sync_ns_ = 0;
  std::uint64_t next_disk_check_ns_ = 0;
  std::uint64_t retry_at_ns_ = 0;
  bool disk_low_ = false;
};

}  // namespace sluice
