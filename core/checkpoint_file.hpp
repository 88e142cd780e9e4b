// Checkpoints on disk. The recorder files what a stage's driver left in shared memory; recovery
// takes the newest whole one when the shared memory holds none.
//
//   <state_dir>/runs/<ordinal>/<journal>.<position>.checkpoint
//   JournalFileHeader with a magic of its own; first_position is the checkpoint's
//   | bytes of the state, u64 | crc32c over position and state, u64 | state
//
// Written under another name, synced, renamed, and the directory synced: a file under its final
// name was whole once. What is damaged since is refused by name. The state is plain bytes of one
// build, so another build's is refused as well.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint.hpp"
#include "core/journal_file.hpp"

namespace sluice {

// Returns 0 or the errno of the call that failed; then nothing is there under the final name.
int store_checkpoint(const std::filesystem::path& dir, const std::string& journal,
                     const JournalFileHeader& identity, const Checkpoint& checkpoint) noexcept;

struct FiledCheckpoint {
  std::optional<Checkpoint> found;   // the newest whole one of this run and build
  std::vector<std::string> refused;  // newer ones that were not taken: path and reason
};

// Not above `limit`. No directory and no file are no error: nothing has been filed yet.
FiledCheckpoint newest_filed_checkpoint(const std::filesystem::path& dir,
                                        const std::string& journal, std::uint64_t run_id,
                                        std::uint64_t limit);

}  // namespace sluice
